"""Logistic regression that chooses C on its own folds."""
# expect:
# [[run]]
# name = "LogisticRegressionCV"
# params = {Cs = 4, cv = 3, max_iter = 500}
# metrics = {test_score = "score", train_accuracy = true, C = "C"}
# tags = {warning = "FutureWarning"}
# tables = ["warnings", "coefficients"]
# model = "model.predict(X_test)"

from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegressionCV
from sklearn.model_selection import train_test_split

X, y = load_iris(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=5)
model = LogisticRegressionCV(Cs=4, cv=3, max_iter=500, l1_ratios=(0,), use_legacy_attributes=False)
model.fit(X_train, y_train)
print("C:", float(model.C_))
print("score:", model.score(X_test, y_test))
