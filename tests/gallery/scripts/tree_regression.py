"""Regression trees of three depths on a sine: too flat, about right, too deep."""
# expect:
# [[run]]
# name = "DecisionTreeRegressor"
# params = {max_depth = 1}
# metrics = {test_root_mean_squared_error = "error at depth 1"}
# [[run]]
# name = "DecisionTreeRegressor"
# params = {max_depth = 3}
# metrics = {test_root_mean_squared_error = "error at depth 3"}
# [[run]]
# name = "DecisionTreeRegressor"
# params = {max_depth = 9}
# metrics = {test_root_mean_squared_error = "error at depth 9"}
# model = "tree.predict(X_test)"

import numpy as np
from sklearn.metrics import root_mean_squared_error
from sklearn.tree import DecisionTreeRegressor

rng = np.random.RandomState(1)
X = np.sort(5 * rng.rand(80, 1), axis=0)
y = np.sin(X).ravel() + 0.3 * rng.randn(80)
X_test = np.arange(0.0, 5.0, 0.1)[:, np.newaxis]
y_test = np.sin(X_test).ravel()
for depth in (1, 3, 9):
    tree = DecisionTreeRegressor(max_depth=depth, random_state=0).fit(X, y)
    print(f"error at depth {depth}:", root_mean_squared_error(y_test, tree.predict(X_test)))
