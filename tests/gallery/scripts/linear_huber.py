"""Huber's loss does not follow three wild points; least squares does."""
# expect:
# [[run]]
# name = "HuberRegressor"
# params = {epsilon = 1.35}
# metrics = {train_median_absolute_error = "median error of HuberRegressor"}
# [[run]]
# name = "LinearRegression"
# metrics = {train_median_absolute_error = "median error of LinearRegression"}

import numpy as np
from sklearn.linear_model import HuberRegressor, LinearRegression
from sklearn.metrics import median_absolute_error

rng = np.random.default_rng(7)
X = rng.uniform(-1, 1, size=(50, 1))
y = 4 * X[:, 0] + 1 + rng.normal(scale=0.1, size=50)
y[:3] += 60
for model in (HuberRegressor(epsilon=1.35), LinearRegression()):
    y_pred = model.fit(X, y).predict(X)
    name = type(model).__name__
    print(f"slope of {name}:", float(model.coef_[0]))
    print(f"median error of {name}:", median_absolute_error(y, y_pred))
