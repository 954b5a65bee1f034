"""Covariances of few rows: as they are, shrunken, and with most partial correlations set to zero."""
# expect:
# [[run]]
# name = "EmpiricalCovariance"
# [[run]]
# name = "LedoitWolf"
# [[run]]
# name = "GraphicalLassoCV"
# params = {cv = 3}

import numpy as np
from sklearn.covariance import EmpiricalCovariance, GraphicalLassoCV, LedoitWolf

rng = np.random.default_rng(0)
X = rng.normal(size=(60, 4)) @ np.array([[1, 0.5, 0, 0], [0, 1, 0.5, 0], [0, 0, 1, 0], [0, 0, 0, 1]])
X_test = rng.normal(size=(30, 4))
empirical = EmpiricalCovariance().fit(X)
print("likelihood:", empirical.score(X_test))
print("distances:", empirical.mahalanobis(X_test[:3]).tolist())
shrunk = LedoitWolf().fit(X)
print("shrinkage:", float(shrunk.shrinkage_), "likelihood:", shrunk.score(X_test))
sparse = GraphicalLassoCV(cv=3).fit(X)
print("alpha:", float(sparse.alpha_))
