"""Clusters by density: DBSCAN, its hierarchical form, and OPTICS; what is in no cluster is noise."""
# expect:
# [[run]]
# name = "DBSCAN"
# params = {eps = 0.3, min_samples = 10}
# metrics = {train_n_clusters = "clusters of DBSCAN", train_noise_share = "noise of DBSCAN"}
# [[run]]
# name = "HDBSCAN"
# params = {min_cluster_size = 15, copy = true}
# metrics = {train_n_clusters = "clusters of HDBSCAN"}
# [[run]]
# name = "OPTICS"
# params = {min_samples = 15}
# metrics = {train_n_clusters = "clusters of OPTICS", train_noise_share = "noise of OPTICS"}

import numpy as np
from sklearn.cluster import DBSCAN, HDBSCAN, OPTICS
from sklearn.datasets import make_blobs
from sklearn.preprocessing import StandardScaler

X, _ = make_blobs(n_samples=150, centers=[[1, 1], [-1, -1], [1, -1]], cluster_std=0.4, random_state=0)
X = StandardScaler().fit_transform(X)
for model in (DBSCAN(eps=0.3, min_samples=10), HDBSCAN(min_cluster_size=15, copy=True), OPTICS(min_samples=15)):
    labels = model.fit_predict(X)
    name = type(model).__name__
    print(f"clusters of {name}:", len(set(labels.tolist()) - {-1}))
    print(f"noise of {name}:", float(np.mean(labels == -1)))
    print("sizes:", np.bincount(labels + 1).tolist())
