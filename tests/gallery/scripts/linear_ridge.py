"""Ridge regression: how the penalty shrinks the weights of columns that are nearly the same."""
# expect:
# [[run]]
# name = "Ridge"
# params = {alpha = 0.001, solver = "auto"}
# metrics = {train_score = "score at 0.001"}
# [[run]]
# name = "Ridge"
# params = {alpha = 1.0}
# metrics = {train_score = "score at 1.0"}
# [[run]]
# name = "Ridge"
# params = {alpha = 1000.0}
# metrics = {train_score = "score at 1000.0"}
# [[run]]
# name = "RidgeCV"
# params = {alphas = [0.01, 0.1, 1.0]}
# metrics = {train_r2 = true, alpha = "chosen"}
# model = "chosen.predict(X)"

import numpy as np
from sklearn.linear_model import Ridge, RidgeCV

rng = np.random.default_rng(3)
base = rng.normal(size=(60, 1))
X = base + 0.01 * rng.normal(size=(60, 5))
y = 2 * base[:, 0] + rng.normal(scale=0.1, size=60)
for alpha in (0.001, 1.0, 1000.0):
    ridge = Ridge(alpha=alpha).fit(X, y)
    print(f"length at {alpha}:", float(np.linalg.norm(ridge.coef_)))
    print(f"score at {alpha}:", ridge.score(X, y))
chosen = RidgeCV(alphas=[0.01, 0.1, 1.0]).fit(X, y)
print("chosen:", float(chosen.alpha_))
