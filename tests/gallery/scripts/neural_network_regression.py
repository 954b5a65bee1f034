"""A network that watches rows of its own and stops when they no longer improve."""
# expect:
# [[run]]
# name = "MLPRegressor"
# params = {early_stopping = true, hidden_layer_sizes = [32]}
# metrics = {test_r2 = "r2", n_iter = "epochs"}
# history = {val_score = "validation"}
# tables = ["residuals"]
# model = "network.predict(X_test)"

from sklearn.datasets import make_friedman1
from sklearn.metrics import r2_score
from sklearn.neural_network import MLPRegressor
from sklearn.preprocessing import StandardScaler

X, y = make_friedman1(n_samples=300, noise=0.1, random_state=0)
X = StandardScaler().fit_transform(X)
X_train, X_test, y_train, y_test = X[:200], X[200:], y[:200], y[200:]
network = MLPRegressor(hidden_layer_sizes=(32,), early_stopping=True, learning_rate_init=0.02, random_state=0)
network.fit(X_train, y_train)
print("epochs:", network.n_iter_)
print("validation:", network.validation_scores_)
print("r2:", r2_score(y_test, network.predict(X_test)))
