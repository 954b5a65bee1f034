"""Generalised linear models: counts by Poisson, amounts by gamma, both by Tweedie."""
# expect:
# [[run]]
# name = "PoissonRegressor"
# params = {alpha = 0.01}
# metrics = {train_mean_poisson_deviance = "poisson deviance"}
# [[run]]
# name = "GammaRegressor"
# metrics = {train_mean_gamma_deviance = "gamma deviance"}
# [[run]]
# name = "TweedieRegressor"
# params = {power = 1.5, link = "log"}
# metrics = {"train_d2_tweedie_power_1.5" = "explained", train_score = true}
# model = "tweedie.predict(X)"

import numpy as np
from sklearn.linear_model import GammaRegressor, PoissonRegressor, TweedieRegressor
from sklearn.metrics import d2_tweedie_score, mean_gamma_deviance, mean_poisson_deviance

rng = np.random.default_rng(2)
X = rng.normal(size=(200, 3))
rate = np.exp(X @ [0.4, -0.3, 0.1])
counts = rng.poisson(rate)
amounts = rng.gamma(shape=2.0, scale=rate)
claims = PoissonRegressor(alpha=0.01).fit(X, counts)
print("poisson deviance:", mean_poisson_deviance(counts, claims.predict(X)))
sizes = GammaRegressor(alpha=0.01).fit(X, amounts)
print("gamma deviance:", mean_gamma_deviance(amounts, sizes.predict(X)))
tweedie = TweedieRegressor(power=1.5, link="log", alpha=0.01).fit(X, amounts)
print("explained:", d2_tweedie_score(amounts, tweedie.predict(X), power=1.5))
