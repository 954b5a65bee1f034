"""k-means for several k, each judged by its inertia and by its silhouette."""
# expect:
# [[run]]
# name = "KMeans"
# params = {n_clusters = 2, n_init = 3}
# metrics = {train_inertia = "inertia of 2", train_silhouette = "silhouette of 2", train_n_clusters = 2}
# tables = ["cluster_sizes"]
# [[run]]
# name = "KMeans"
# params = {n_clusters = 3}
# metrics = {train_inertia = "inertia of 3", train_silhouette = "silhouette of 3"}
# [[run]]
# name = "KMeans"
# params = {n_clusters = 4}
# metrics = {train_inertia = "inertia of 4", train_silhouette = "silhouette of 4"}
# [[run]]
# name = "MiniBatchKMeans"
# params = {batch_size = 64}
# metrics = {train_adjusted_rand = "agreement", train_n_clusters = 3}
# model = "small.predict(X)"

from sklearn.cluster import KMeans, MiniBatchKMeans
from sklearn.datasets import make_blobs
from sklearn.metrics import adjusted_rand_score, silhouette_score

X, truth = make_blobs(n_samples=150, centers=3, random_state=10)
for number in (2, 3, 4):
    means = KMeans(n_clusters=number, n_init=3, random_state=10).fit(X)
    print(f"inertia of {number}:", means.inertia_)
    print(f"silhouette of {number}:", float(silhouette_score(X, means.labels_)))
small = MiniBatchKMeans(n_clusters=3, batch_size=64, n_init=3, random_state=10).fit(X)
print("agreement:", adjusted_rand_score(truth, small.labels_))
