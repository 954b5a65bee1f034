"""Biclusters: rows and columns that belong together."""
# expect:
# [[run]]
# name = "SpectralCoclustering"
# params = {n_clusters = 3}
# [[run]]
# name = "SpectralBiclustering"
# params = {n_clusters = [3, 2]}

import numpy as np
from sklearn.cluster import SpectralBiclustering, SpectralCoclustering
from sklearn.datasets import make_biclusters, make_checkerboard
from sklearn.metrics import consensus_score

X, rows, columns = make_biclusters((40, 30), n_clusters=3, noise=2, random_state=0)
blocks = SpectralCoclustering(n_clusters=3, random_state=0).fit(X)
print("agreement:", float(consensus_score(blocks.biclusters_, (rows, columns))))
board, _, _ = make_checkerboard((30, 20), n_clusters=(3, 2), noise=5, random_state=0)
checks = SpectralBiclustering(n_clusters=(3, 2), random_state=0).fit(board)
print("row labels:", np.bincount(checks.row_labels_).tolist())
