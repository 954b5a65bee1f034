"""Bagging: many neighbours' votes, each on some rows and some columns."""
# expect:
# [[run]]
# name = "BaggingClassifier"
# params = {max_samples = 0.5, max_features = 0.5, estimator__n_neighbors = 5}
# metrics = {train_score = "bagged"}
# [[run]]
# name = "BaggingRegressor"
# params = {n_estimators = 8, oob_score = true}
# metrics = {train_r2 = true, oob_score = "out of bag"}
# tables = ["warnings", "residuals"]
# tags = {warning = "UserWarning"}
# model = "regressor.predict(X)"

from sklearn.datasets import load_iris
from sklearn.ensemble import BaggingClassifier, BaggingRegressor
from sklearn.neighbors import KNeighborsClassifier

X, y = load_iris(return_X_y=True)
bagged = BaggingClassifier(KNeighborsClassifier(), max_samples=0.5, max_features=0.5, random_state=0).fit(X, y)
print("bagged:", bagged.score(X, y))
regressor = BaggingRegressor(n_estimators=8, oob_score=True, random_state=0).fit(X, y)
print("out of bag:", regressor.oob_score_)
