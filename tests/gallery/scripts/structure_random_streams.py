"""Numbers drawn from the global stream around fits: what is drawn does not depend on who looks on."""
# expect:
# [[run]]
# name = "KMeans"
# params = {n_clusters = 3}
# [[run]]
# name = "RandomForestClassifier"
# params = {n_estimators = 5}
# metrics = {train_accuracy = true}
# model = "forest.predict(X)"
# [[run]]
# name = "cross_val_score(DecisionTreeClassifier)"

import random

import numpy as np
from sklearn.cluster import KMeans
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import KFold, cross_val_score
from sklearn.tree import DecisionTreeClassifier

np.random.seed(0)
random.seed(0)
X = np.random.normal(size=(90, 3))
means = KMeans(n_clusters=3, n_init=1).fit(X)
print("drawn:", np.random.rand(), random.random())
y = means.predict(X)
forest = RandomForestClassifier(n_estimators=5).fit(X, y)
print("drawn:", np.random.rand(), random.random(), forest.feature_importances_.tolist())
scores = cross_val_score(DecisionTreeClassifier(max_features=1), X, y, cv=KFold(3, shuffle=True))
print("drawn:", np.random.rand(), random.random(), scores.tolist())
