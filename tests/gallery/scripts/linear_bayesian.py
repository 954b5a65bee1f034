"""Bayesian ridge regression and relevance determination: weights with their uncertainty."""
# expect:
# [[run]]
# name = "BayesianRidge"
# params = {compute_score = true}
# metrics = {train_r2 = true}
# history = {log_marginal_likelihood = "evidence"}
# tables = ["coefficients"]
# [[run]]
# name = "ARDRegression"
# metrics = {train_score = "score"}
# model = "ard.predict(X)"

from sklearn.datasets import make_regression
from sklearn.linear_model import ARDRegression, BayesianRidge

X, y = make_regression(n_samples=80, n_features=10, n_informative=3, noise=5.0, random_state=8)
ridge = BayesianRidge(compute_score=True).fit(X, y)
mean, deviation = ridge.predict(X[:3], return_std=True)
print("mean:", mean.tolist())
print("deviation:", deviation.tolist())
print("evidence:", ridge.scores_.tolist())
ard = ARDRegression().fit(X, y)
print("score:", ard.score(X, y))
