"""One class only: which new points are unlike all those seen."""
# expect:
# [[run]]
# name = "OneClassSVM"
# params = {nu = 0.1, gamma = 0.1}
# metrics = {train_outlier_share = "outliers"}
# model = "model.score_samples(X_new)"

import numpy as np
from sklearn.svm import OneClassSVM

rng = np.random.RandomState(42)
X = 0.3 * rng.randn(100, 2)
X = np.r_[X + 2, X - 2]
X_new = rng.uniform(low=-4, high=4, size=(20, 2))
model = OneClassSVM(nu=0.1, gamma=0.1).fit(X)
print("outliers:", float((model.predict(X) == -1).mean()))
print("new:", model.predict(X_new).tolist())
