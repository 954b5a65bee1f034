"""Clusters that are merged from below: with a number, and with a distance at which to stop."""
# expect:
# [[run]]
# name = "AgglomerativeClustering"
# params = {n_clusters = 3, linkage = "ward"}
# metrics = {train_n_clusters = 3, train_v_measure = "agreement"}
# tables = ["cluster_sizes"]
# [[run]]
# name = "AgglomerativeClustering"
# params = {distance_threshold = 4.0, linkage = "average"}
# metrics = {train_n_clusters = "clusters"}
# [[run]]
# name = "Birch"
# params = {threshold = 0.5}
# metrics = {train_n_clusters = 3}
# model = "birch.predict(X)"

from sklearn.cluster import AgglomerativeClustering, Birch
from sklearn.datasets import make_blobs
from sklearn.metrics import v_measure_score

X, truth = make_blobs(n_samples=90, centers=3, random_state=2)
ward = AgglomerativeClustering(n_clusters=3, linkage="ward").fit(X)
print("agreement:", v_measure_score(truth, ward.labels_))
average = AgglomerativeClustering(n_clusters=None, distance_threshold=4.0, linkage="average").fit(X)
print("clusters:", average.n_clusters_)
print("merges:", average.children_[:3].tolist())
birch = Birch(threshold=0.5, n_clusters=3).fit(X)
print("leaves:", len(birch.subcluster_centers_))
