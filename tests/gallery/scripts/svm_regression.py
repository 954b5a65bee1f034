"""Support vector regression with a kernel and without one."""
# expect:
# [[run]]
# name = "SVR"
# params = {epsilon = 0.05, C = 10}
# metrics = {train_score = "SVR"}
# [[run]]
# name = "LinearSVR"
# params = {random_state = 0, max_iter = 10000}
# metrics = {train_score = "LinearSVR"}
# model = "flat.predict(X)"

import numpy as np
from sklearn.svm import SVR, LinearSVR

X = np.linspace(-2, 2, 80).reshape(-1, 1)
y = X[:, 0] ** 3 - X[:, 0]
bent = SVR(epsilon=0.05, C=10).fit(X, y)
print("SVR:", bent.score(X, y))
print("support:", bent.support_.tolist())
flat = LinearSVR(random_state=0, max_iter=10_000).fit(X, y)
print("LinearSVR:", flat.score(X, y))
