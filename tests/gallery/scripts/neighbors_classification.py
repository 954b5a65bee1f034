"""Nearest neighbours: the vote of five, equal or weighted by distance, and of all within a radius."""
# expect:
# [[run]]
# name = "KNeighborsClassifier"
# params = {n_neighbors = 5, weights = "uniform"}
# metrics = {test_score = "uniform"}
# [[run]]
# name = "KNeighborsClassifier"
# params = {weights = "distance"}
# metrics = {test_score = "distance"}
# [[run]]
# name = "RadiusNeighborsClassifier"
# params = {radius = 2.0}
# metrics = {test_score = "radius"}
# model = "around.predict(X_test)"

from sklearn.datasets import load_iris
from sklearn.model_selection import train_test_split
from sklearn.neighbors import KNeighborsClassifier, RadiusNeighborsClassifier

X, y = load_iris(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=1)
for weights in ["uniform", "distance"]:
    vote = KNeighborsClassifier(n_neighbors=5, weights=weights).fit(X_train, y_train)
    print(f"{weights}:", vote.score(X_test, y_test))
around = RadiusNeighborsClassifier(radius=2.0).fit(X_train, y_train)
print("radius:", around.score(X_test, y_test))
