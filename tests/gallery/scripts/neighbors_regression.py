"""Regression by neighbours; unsupervised look-ups beside it are no training of a model."""
# expect:
# [[run]]
# name = "KNeighborsRegressor"
# params = {n_neighbors = 3}
# metrics = {train_score = "nearest"}
# [[run]]
# name = "RadiusNeighborsRegressor"
# params = {radius = 0.4}
# metrics = {train_score = "radius"}
# model = "around.predict(X)"

import numpy as np
from sklearn.neighbors import KNeighborsRegressor, NearestNeighbors, RadiusNeighborsRegressor

rng = np.random.default_rng(0)
X = rng.uniform(0, 5, size=(80, 1))
y = np.cos(X[:, 0]) + 0.1 * rng.normal(size=80)
nearest = KNeighborsRegressor(n_neighbors=3).fit(X, y)
print("nearest:", nearest.score(X, y))
around = RadiusNeighborsRegressor(radius=0.4).fit(X, y)
print("radius:", around.score(X, y))
distances, places = NearestNeighbors(n_neighbors=2).fit(X).kneighbors(X[:3])
print("distances:", distances.tolist())
print("places:", places.tolist())
