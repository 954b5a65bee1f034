"""Probabilities of a Gaussian process for two classes."""
# expect:
# [[run]]
# name = "GaussianProcessClassifier"
# metrics = {test_brier_score_loss = "brier", train_score = true, log_marginal_likelihood = "likelihood"}
# model = "process.predict_proba(X_test)"

from sklearn.datasets import make_circles
from sklearn.gaussian_process import GaussianProcessClassifier
from sklearn.gaussian_process.kernels import RBF
from sklearn.metrics import brier_score_loss

X, y = make_circles(n_samples=80, noise=0.1, factor=0.4, random_state=1)
X_train, X_test, y_train, y_test = X[:60], X[60:], y[:60], y[60:]
process = GaussianProcessClassifier(1.0 * RBF(1.0)).fit(X_train, y_train)
print("likelihood:", float(process.log_marginal_likelihood()))
print("brier:", brier_score_loss(y_test, process.predict_proba(X_test)[:, 1]))
