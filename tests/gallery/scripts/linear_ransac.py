"""RANSAC finds the line by drawing small samples until most points agree."""
# expect:
# [[run]]
# name = "RANSACRegressor"
# params = {min_samples = 10, random_state = 0}
# metrics = {train_score = "score", n_trials = "trials"}
# model = "ransac.predict(X)"

import numpy as np
from sklearn.linear_model import RANSACRegressor

rng = np.random.default_rng(0)
X = rng.normal(size=(100, 1))
y = 3 * X[:, 0] - 2 + rng.normal(scale=0.05, size=100)
y[::8] = rng.uniform(-30, 30, size=len(y[::8]))
ransac = RANSACRegressor(min_samples=10, random_state=0).fit(X, y)
print("trials:", ransac.n_trials_)
print("inliers:", int(ransac.inlier_mask_.sum()))
print("slope:", float(ransac.estimator_.coef_[0]))
print("score:", ransac.score(X, y))
