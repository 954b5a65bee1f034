"""The lasso throws columns out: few of many carry signal, and few get a weight."""
# expect:
# [[run]]
# name = "Lasso"
# params = {alpha = 0.1, max_iter = 1000}
# metrics = {test_score = "score", train_mean_absolute_error = true, n_iter = "iterations"}
# tables = ["coefficients", "residuals"]
# model = "lasso.predict(X_test)"

import numpy as np
from sklearn.linear_model import Lasso

rng = np.random.default_rng(0)
X = rng.normal(size=(120, 40))
y = X[:, :4] @ np.array([3.0, -2.0, 1.5, 1.0]) + rng.normal(scale=0.2, size=120)
X_train, X_test, y_train, y_test = X[:80], X[80:], y[:80], y[80:]
lasso = Lasso(alpha=0.1)
lasso.fit(X_train, y_train)
print("kept:", np.flatnonzero(lasso.coef_).tolist())
print("score:", lasso.score(X_test, y_test))
print("iterations:", lasso.n_iter_)
