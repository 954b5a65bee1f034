"""Theil and Sen: the median of the slopes of many small samples."""
# expect:
# [[run]]
# name = "TheilSenRegressor"
# params = {random_state = 0, max_subpopulation = 500}
# metrics = {test_r2 = "r2"}
# model = "robust.predict(X_test)"

import numpy as np
from sklearn.linear_model import TheilSenRegressor
from sklearn.metrics import r2_score

rng = np.random.default_rng(5)
X = rng.normal(size=(80, 2))
y = X @ [1.0, -1.0] + rng.normal(scale=0.2, size=80)
y[:8] += 40
X_train, X_test, y_train, y_test = X[:60], X[60:], y[:60], y[60:]
robust = TheilSenRegressor(max_subpopulation=500, random_state=0).fit(X_train, y_train)
print("coefficients:", robust.coef_.tolist())
print("r2:", r2_score(y_test, robust.predict(X_test)))
