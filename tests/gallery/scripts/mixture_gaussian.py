"""Gaussian mixtures: how many components the information criterion asks for, and one by Bayes that drops its own."""
# expect:
# [[run]]
# name = "GaussianMixture"
# params = {n_components = 1}
# metrics = {train_score = "score of 1"}
# [[run]]
# name = "GaussianMixture"
# params = {n_components = 2}
# metrics = {train_score = "score of 2"}
# [[run]]
# name = "GaussianMixture"
# params = {n_components = 3}
# metrics = {train_score = "score of 3"}
# [[run]]
# name = "BayesianGaussianMixture"
# history = {lower_bound = "bounds"}
# params = {n_components = 5, weight_concentration_prior = 0.01}
# model = "bayes.predict_proba(X)"

import numpy as np
from sklearn.mixture import BayesianGaussianMixture, GaussianMixture

rng = np.random.default_rng(0)
X = np.vstack([rng.normal(0, 1, (100, 2)), rng.normal(6, 0.5, (50, 2))])
for number in (1, 2, 3):
    mixture = GaussianMixture(n_components=number, random_state=0).fit(X)
    print(f"criterion of {number}:", float(mixture.bic(X)))
    print(f"score of {number}:", float(mixture.score(X)))
bayes = BayesianGaussianMixture(n_components=5, weight_concentration_prior=0.01, max_iter=200, random_state=0).fit(X)
print("bounds:", list(map(float, bayes.lower_bounds_)))
print("weights:", bayes.weights_.tolist())
