"""A search inside a cross-validation: what the way of choosing is worth."""
# expect:
# [[run]]
# name = "cross_val_score(GridSearchCV)"
# params = {cv = 3, estimator__gamma = "scale"}
# history = {test_score = "outer"}
# tables = ["searches"]
# [[run.child]]
# name = "split 0, candidate ?"
# count = 3
# tags = {split = "0"}
# metrics = {mean_test_score = true}
# [[run.child]]
# name = "split 1, candidate ?"
# count = 3
# tags = {split = "1"}
# metrics = {mean_test_score = true}
# [[run.child]]
# name = "split 2, candidate ?"
# count = 3
# tags = {split = "2"}
# metrics = {mean_test_score = true}

from sklearn.datasets import load_iris
from sklearn.model_selection import GridSearchCV, KFold, cross_val_score
from sklearn.svm import SVC

X, y = load_iris(return_X_y=True)
inner = KFold(n_splits=2, shuffle=True, random_state=1)
search = GridSearchCV(SVC(), {"C": [0.1, 1, 10]}, cv=inner)
print("outer:", cross_val_score(search, X, y, cv=3).tolist())
