"""A fit that fails and is not caught: the script ends with scikit-learn's own traceback."""
# expect:
# exit = 1
# [[run]]
# name = "KMeans"
# metrics = {train_inertia = "inertia"}
# [[run]]
# name = "KMeans"
# status = "failed"
# error = "n_samples=4 should be >= n_clusters=5"

from sklearn.cluster import KMeans

X = [[0.0], [0.1], [5.0], [5.1]]
for number in (2, 5):
    means = KMeans(n_clusters=number, n_init=1, random_state=0).fit(X)
    print("inertia:", means.inertia_)
