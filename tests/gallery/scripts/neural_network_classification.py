"""A small network that is stopped before it has converged, and says so."""
# expect:
# [[run]]
# name = "MLPClassifier"
# params = {hidden_layer_sizes = [16, 8], max_iter = 15, random_state = 1}
# metrics = {test_score = "score", train_log_loss = true, converged = 0}
# history = {train_loss = "loss_curve"}
# tables = ["warnings", "confusion", "roc"]
# tags = {warning = "ConvergenceWarning"}
# model = "network.predict_proba(X_test)"

from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier

X, y = load_digits(n_class=4, return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X / 16.0, y, random_state=1)
network = MLPClassifier(hidden_layer_sizes=(16, 8), max_iter=15, random_state=1)
network.fit(X_train, y_train)
print("loss_curve:", list(map(float, network.loss_curve_)))
print("score:", network.score(X_test, y_test))
