"""The target on another scale: fitted to logarithms, predicted in the original unit."""
# expect:
# [[run]]
# name = "TransformedTargetRegressor"
# params = {regressor__alpha = 1.0}
# metrics = {test_r2 = "r2 with logarithms", test_mean_absolute_percentage_error = "error with logarithms"}
# [[run]]
# name = "Ridge"
# metrics = {test_r2 = "r2 without"}
# [[run]]
# name = "TransformedTargetRegressor"
# params = {transformer__n_quantiles = 50}
# metrics = {train_score = "score with quantiles"}
# model = "quantiles.predict(X_test)"

import numpy as np
from sklearn.compose import TransformedTargetRegressor
from sklearn.linear_model import Ridge
from sklearn.metrics import mean_absolute_percentage_error, r2_score
from sklearn.preprocessing import QuantileTransformer

rng = np.random.default_rng(0)
X = rng.normal(size=(200, 3))
y = np.expm1(np.abs(X @ [1.0, 0.5, -0.7]) + 1)
X_train, X_test, y_train, y_test = X[:150], X[150:], y[:150], y[150:]
logarithms = TransformedTargetRegressor(Ridge(), func=np.log1p, inverse_func=np.expm1).fit(X_train, y_train)
y_pred = logarithms.predict(X_test)
print("r2 with logarithms:", r2_score(y_test, y_pred))
print("error with logarithms:", mean_absolute_percentage_error(y_test, y_pred))
print("r2 without:", r2_score(y_test, Ridge().fit(X_train, y_train).predict(X_test)))
spread = QuantileTransformer(n_quantiles=50, output_distribution="normal")
quantiles = TransformedTargetRegressor(Ridge(), transformer=spread).fit(X_train, y_train)
print("score with quantiles:", quantiles.score(X_train, y_train))
