"""Folds of one's own from a generator, a fit for each, and the mean of their scores."""
# expect:
# [[run]]
# name = "RandomForestRegressor"
# count = 4
# params = {n_estimators = 8}
# metrics = {test_score = true}

import numpy as np
from sklearn.datasets import load_diabetes
from sklearn.ensemble import RandomForestRegressor


def folds(count, rows, seed):
    """Shuffled places of the rows, in so many parts."""
    places = np.random.default_rng(seed).permutation(rows)
    for part in np.array_split(places, count):
        yield np.setdiff1d(places, part), part


X, y = load_diabetes(return_X_y=True)
scores = []
for train, test in folds(count=4, rows=len(X), seed=0):
    X_test, y_test = X[test], y[test]
    forest = RandomForestRegressor(n_estimators=8, random_state=0).fit(X[train], y[train])
    scores.append(forest.score(X_test, y_test))
print("scores:", scores)
print("mean:", float(np.mean(scores)))
