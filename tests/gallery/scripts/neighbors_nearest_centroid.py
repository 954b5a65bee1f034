"""The class of the nearest centre, with and without shrunken centres."""
# expect:
# [[run]]
# name = "NearestCentroid"
# metrics = {train_accuracy = "accuracy"}
# [[run]]
# name = "NearestCentroid"
# params = {shrink_threshold = 0.2}
# metrics = {train_accuracy = "accuracy, shrunken"}
# model = "shrunken.predict(X)"

from sklearn.datasets import load_iris
from sklearn.metrics import accuracy_score
from sklearn.neighbors import NearestCentroid

X, y = load_iris(return_X_y=True)
plain = NearestCentroid().fit(X, y)
print("accuracy:", accuracy_score(y, plain.predict(X)))
shrunken = NearestCentroid(shrink_threshold=0.2).fit(X, y)
print("accuracy, shrunken:", accuracy_score(y, shrunken.predict(X)))
