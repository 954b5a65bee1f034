"""Four ways to find the points that do not belong, on the same cloud."""
# expect:
# [[run]]
# name = "IsolationForest"
# params = {contamination = 0.1, n_estimators = 30}
# metrics = {train_outlier_share = "share of IsolationForest"}
# [[run]]
# name = "LocalOutlierFactor"
# params = {n_neighbors = 15, novelty = false}
# metrics = {train_outlier_share = "share of LocalOutlierFactor"}
# [[run]]
# name = "EllipticEnvelope"
# params = {contamination = 0.1}
# metrics = {train_outlier_share = "share of EllipticEnvelope"}
# [[run]]
# name = "SGDOneClassSVM"
# params = {nu = 0.1}
# metrics = {train_outlier_share = "share of SGDOneClassSVM"}

import numpy as np
from sklearn.covariance import EllipticEnvelope
from sklearn.ensemble import IsolationForest
from sklearn.linear_model import SGDOneClassSVM
from sklearn.neighbors import LocalOutlierFactor

rng = np.random.RandomState(42)
X = np.vstack([rng.normal(size=(90, 2)), rng.uniform(-6, 6, size=(10, 2))])
detectors = [
    IsolationForest(n_estimators=30, contamination=0.1, random_state=42),
    LocalOutlierFactor(n_neighbors=15, contamination=0.1),
    EllipticEnvelope(contamination=0.1, random_state=42),
    SGDOneClassSVM(nu=0.1, random_state=42),
]
for detector in detectors:
    verdict = detector.fit_predict(X)
    print(f"share of {type(detector).__name__}:", float((verdict == -1).mean()))
    print("found among the strange:", int((verdict[90:] == -1).sum()))
