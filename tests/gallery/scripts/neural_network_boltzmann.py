"""A restricted Boltzmann machine that makes columns for a logistic regression."""
# expect:
# [[run]]
# name = "Pipeline"
# params = {rbm__n_components = 20, rbm__n_iter = 4, logistic__C = 500.0}
# metrics = {test_score = "with columns"}
# [[run]]
# name = "LogisticRegression"
# params = {C = 500.0}
# metrics = {test_score = "raw pixels"}
# model = "raw.predict(X_test)"

from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.neural_network import BernoulliRBM
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import minmax_scale

X, y = load_digits(n_class=3, return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(minmax_scale(X), y, random_state=0)
logistic = LogisticRegression(C=500.0, max_iter=400)
rbm = BernoulliRBM(n_components=20, learning_rate=0.06, n_iter=4, random_state=0)
pipe = Pipeline([("rbm", rbm), ("logistic", clone(logistic))]).fit(X_train, y_train)
print("with columns:", pipe.score(X_test, y_test))
raw = clone(logistic).fit(X_train, y_train)
print("raw pixels:", raw.score(X_test, y_test))
