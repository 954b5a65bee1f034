"""Unrolling a curved sheet: what only transforms is no training of a model."""
# expect:
# run = []

import zlib

import numpy as np
from sklearn.datasets import make_swiss_roll
from sklearn.manifold import MDS, TSNE, Isomap, LocallyLinearEmbedding, SpectralEmbedding

X, _ = make_swiss_roll(n_samples=60, random_state=0)
flat = Isomap(n_neighbors=8, n_components=2).fit(X)
print("isomap:", float(flat.reconstruction_error()), flat.transform(X[:1]).tolist())
local = LocallyLinearEmbedding(n_neighbors=8, n_components=2, random_state=0).fit_transform(X)
print("local:", np.abs(local[0]).tolist())
scaling = MDS(n_components=2, n_init=1, init="random", max_iter=50, random_state=0)
print("mds:", zlib.crc32(scaling.fit_transform(X)), float(scaling.stress_))
print("t-sne:", zlib.crc32(TSNE(perplexity=10, max_iter=250, init="random", random_state=0).fit_transform(X)))
print("spectral:", np.abs(SpectralEmbedding(n_neighbors=8, random_state=0).fit_transform(X)[0]).tolist())
