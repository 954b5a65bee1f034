"""Kernel density: the bandwidth under which points held back are likeliest."""
# expect:
# [[run]]
# name = "KernelDensity"
# params = {bandwidth = 0.1}
# metrics = {test_score = "likelihood at 0.1", train_score = true}
# [[run]]
# name = "KernelDensity"
# params = {bandwidth = 0.5}
# metrics = {test_score = "likelihood at 0.5"}
# [[run]]
# name = "KernelDensity"
# params = {bandwidth = 2.0}
# metrics = {test_score = "likelihood at 2.0"}
# model = "density.score_samples(X_test)"

import numpy as np
from sklearn.neighbors import KernelDensity

rng = np.random.default_rng(1)
X = np.concatenate([rng.normal(0, 1, 60), rng.normal(5, 1, 60)])[:, None]
rng.shuffle(X)
X_train, X_test = X[:90], X[90:]
for bandwidth in (0.1, 0.5, 2.0):
    density = KernelDensity(bandwidth=bandwidth).fit(X_train)
    print(f"likelihood at {bandwidth}:", density.score(X_test))
    print("drawn:", density.sample(2, random_state=0).tolist())
