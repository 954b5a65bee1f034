"""Clusters of a graph, by messages between points, and by climbing the density."""
# expect:
# [[run]]
# name = "SpectralClustering"
# params = {affinity = "nearest_neighbors", assign_labels = "cluster_qr"}
# metrics = {train_n_clusters = 2}
# [[run]]
# name = "AffinityPropagation"
# params = {damping = 0.8, random_state = 0}
# metrics = {train_n_clusters = "exemplars"}
# [[run]]
# name = "MeanShift"
# params = {bandwidth = 0.9}
# metrics = {train_n_clusters = "modes"}
# model = "shift.predict(X)"

from sklearn.cluster import AffinityPropagation, MeanShift, SpectralClustering
from sklearn.datasets import make_circles

X, truth = make_circles(n_samples=100, factor=0.4, noise=0.04, random_state=0)
spectral = SpectralClustering(
    n_clusters=2, affinity="nearest_neighbors", assign_labels="cluster_qr", random_state=0
).fit(X)
print("rings kept apart:", len(set(zip(spectral.labels_.tolist(), truth.tolist(), strict=True))) == 2)
affinity = AffinityPropagation(damping=0.8, random_state=0).fit(X)
print("exemplars:", len(affinity.cluster_centers_indices_))
shift = MeanShift(bandwidth=0.9).fit(X)
print("modes:", len(shift.cluster_centers_))
