"""Kernel ridge regression: a sine from points with noise."""
# expect:
# [[run]]
# name = "KernelRidge"
# params = {kernel = "rbf", gamma = 0.5, alpha = 0.1}
# metrics = {train_score = "score", test_mean_squared_error = "error"}
# model = "model.predict(X_test)"

import numpy as np
from sklearn.kernel_ridge import KernelRidge
from sklearn.metrics import mean_squared_error

rng = np.random.default_rng(0)
X = rng.uniform(0, 6, size=(60, 1))
y = np.sin(X[:, 0]) + rng.normal(scale=0.1, size=60)
X_test = np.linspace(0, 6, 25)[:, None]
y_test = np.sin(X_test[:, 0])
model = KernelRidge(kernel="rbf", gamma=0.5, alpha=0.1).fit(X, y)
print("score:", model.score(X, y))
print("error:", mean_squared_error(y_test, model.predict(X_test)))
