"""An array that stays on disk, read through a memory map."""
# expect:
# [[run]]
# name = "SGDRegressor"
# params = {random_state = 0, max_iter = 50}
# metrics = {train_r2 = true}
# data = {X = [500, 4], y = [500]}
# model = "model.predict(np.asarray(X[:7]))"

import numpy as np
from sklearn.linear_model import SGDRegressor

rng = np.random.default_rng(0)
values = rng.normal(size=(500, 4))
np.save("values.npy", values)
X = np.load("values.npy", mmap_mode="r")
y = X @ np.array([1.0, 2.0, 3.0, 4.0])
model = SGDRegressor(max_iter=50, random_state=0).fit(X, y)
print("kind:", type(X).__name__, X.flags.writeable)
print("coefficients:", model.coef_.tolist())
