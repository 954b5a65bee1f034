"""Three quantiles of noise that grows with x: a fan of lines from one loop."""
# expect:
# [[run]]
# name = "QuantileRegressor"
# params = {quantile = 0.1, alpha = 0}
# metrics = {"train_mean_pinball_loss_alpha_0.1" = "loss at 0.1"}
# [[run]]
# name = "QuantileRegressor"
# params = {quantile = 0.5, alpha = 0}
# metrics = {train_mean_pinball_loss = "loss at 0.5"}
# [[run]]
# name = "QuantileRegressor"
# params = {quantile = 0.9, alpha = 0}
# metrics = {"train_mean_pinball_loss_alpha_0.9" = "loss at 0.9"}

import numpy as np
from sklearn.linear_model import QuantileRegressor
from sklearn.metrics import mean_pinball_loss

rng = np.random.default_rng(11)
X = np.linspace(0, 10, 100)[:, None]
y = 5 + 0.5 * X[:, 0] + rng.normal(scale=0.3 + 0.2 * X[:, 0])
for quantile in (0.1, 0.5, 0.9):
    model = QuantileRegressor(quantile=quantile, alpha=0).fit(X, y)
    below = y < model.predict(X)
    print(f"share below at {quantile}:", float(below.mean()))
    print(f"loss at {quantile}:", mean_pinball_loss(y, model.predict(X), alpha=quantile))
