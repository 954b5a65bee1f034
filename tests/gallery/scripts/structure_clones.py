"""Copies of one model with other settings; the search among them is a loop of one's own."""
# expect:
# [[run]]
# name = "SVC"
# count = 6
# params = {kernel = "rbf"}
# metrics = {val_score = true}
# [[run]]
# name = "SVC"
# metrics = {test_score = "test"}
# model = "final.predict(X_test)"

from sklearn.base import clone
from sklearn.datasets import make_moons
from sklearn.model_selection import ParameterGrid, train_test_split
from sklearn.svm import SVC

X, y = make_moons(n_samples=300, noise=0.25, random_state=0)
X_rest, X_test, y_rest, y_test = train_test_split(X, y, random_state=0)
X_train, X_val, y_train, y_val = train_test_split(X_rest, y_rest, random_state=0)
base = SVC(kernel="rbf")
found = []
for params in ParameterGrid({"C": [0.1, 1, 10], "gamma": [0.1, 1]}):
    model = clone(base).set_params(**params).fit(X_train, y_train)
    found.append((model.score(X_val, y_val), sorted(params.items())))
print("found:", found)
score, params = max(found)
final = clone(base).set_params(**dict(params)).fit(X_rest, y_rest)
print("test:", final.score(X_test, y_test))
