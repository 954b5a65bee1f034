"""Columns merged into groups before a regression."""
# expect:
# [[run]]
# name = "Pipeline"
# params = {merge__n_clusters = 8, fit__alpha = 0.5}
# metrics = {test_r2 = "r2"}
# model = "pipe.predict(X_test)"

from sklearn.cluster import FeatureAgglomeration
from sklearn.datasets import load_digits
from sklearn.linear_model import Ridge
from sklearn.metrics import r2_score
from sklearn.pipeline import Pipeline

X, y = load_digits(n_class=4, return_X_y=True)
X_train, X_test, y_train, y_test = X[:500], X[500:], y[:500], y[500:]
pipe = Pipeline([("merge", FeatureAgglomeration(n_clusters=8)), ("fit", Ridge(alpha=0.5))]).fit(X_train, y_train)
print("groups:", pipe["merge"].labels_.tolist())
print("r2:", r2_score(y_test, pipe.predict(X_test)))
