"""Novelty: a clean training set, and new points judged by their neighbours' density."""
# expect:
# [[run]]
# name = "LocalOutlierFactor"
# params = {novelty = true, n_neighbors = 10}
# metrics = {test_roc_auc = "area", train_outlier_share = true}
# model = "detector.score_samples(X_test)"

import numpy as np
from sklearn.metrics import roc_auc_score
from sklearn.neighbors import LocalOutlierFactor

rng = np.random.RandomState(0)
X_train = rng.normal(size=(100, 3))
X_test = np.vstack([rng.normal(size=(40, 3)), rng.normal(4, 1, size=(10, 3))])
y_test = np.r_[np.ones(40), np.zeros(10)]
detector = LocalOutlierFactor(n_neighbors=10, novelty=True)
detector.fit(X_train)
print("verdicts:", detector.predict(X_test).tolist())
print("area:", roc_auc_score(y_test, detector.decision_function(X_test)))
