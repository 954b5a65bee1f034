"""Three numbers at once: each by a model of its own, and in a chain."""
# expect:
# [[run]]
# name = "MultiOutputRegressor"
# params = {estimator__max_depth = 4}
# metrics = {test_r2 = "apart"}
# [[run]]
# name = "RegressorChain"
# params = {order = [2, 0, 1]}
# metrics = {test_r2 = "chained", train_mean_absolute_error = true}
# model = "chain.predict(X_test)"

from sklearn.datasets import load_linnerud
from sklearn.linear_model import Ridge
from sklearn.metrics import r2_score
from sklearn.multioutput import MultiOutputRegressor, RegressorChain
from sklearn.tree import DecisionTreeRegressor

X, Y = load_linnerud(return_X_y=True)
X_train, X_test, Y_train, Y_test = X[:14], X[14:], Y[:14], Y[14:]
apart = MultiOutputRegressor(DecisionTreeRegressor(max_depth=4, random_state=0)).fit(X_train, Y_train)
print("apart:", r2_score(Y_test, apart.predict(X_test)))
chain = RegressorChain(Ridge(), order=[2, 0, 1]).fit(X_train, Y_train)
print("chained:", r2_score(Y_test, chain.predict(X_test)))
