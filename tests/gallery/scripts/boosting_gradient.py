"""Gradient boosting that stops early, and its error after each stage."""
# expect:
# [[run]]
# name = "GradientBoostingRegressor"
# params = {n_iter_no_change = 5, subsample = 0.8}
# metrics = {test_mean_squared_error = "error", n_estimators = "stages"}
# history = {train_loss = "train_score_", oob_improvement = "improvements"}
# tables = ["feature_importances", "residuals"]
# model = "boosted.predict(X_test)"

import numpy as np
from sklearn.datasets import load_diabetes
from sklearn.ensemble import GradientBoostingRegressor
from sklearn.metrics import mean_squared_error
from sklearn.model_selection import train_test_split

X, y = load_diabetes(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=13)
boosted = GradientBoostingRegressor(
    n_estimators=100, max_depth=3, subsample=0.8, n_iter_no_change=5, validation_fraction=0.2, random_state=13
).fit(X_train, y_train)
print("stages:", boosted.n_estimators_)
print("train_score_:", boosted.train_score_.tolist())
print("improvements:", boosted.oob_improvement_.tolist())
print("error:", mean_squared_error(y_test, boosted.predict(X_test)))
by_stage = [float(np.mean((y_test - stage) ** 2)) for stage in boosted.staged_predict(X_test)]
print("best stage:", int(np.argmin(by_stage)), min(by_stage))
