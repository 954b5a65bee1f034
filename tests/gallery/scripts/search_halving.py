"""Successive halving: many candidates on few rows, few candidates on many."""
# expect:
# [[run]]
# name = "HalvingGridSearchCV"
# params = {factor = 2, resource = "n_samples"}
# metrics = {best_score = "best score"}
# history = {mean_test_score = 15}
# model = "search.predict(X)"
# [[run.child]]
# name = "candidate *"
# count = 8
# params = {iter = 0, n_resources = 50}
# [[run.child]]
# name = "candidate *"
# count = 4
# params = {iter = 1, n_resources = 100}
# [[run.child]]
# name = "candidate *"
# count = 2
# params = {iter = 2, n_resources = 200}
# [[run.child]]
# name = "candidate *"
# params = {iter = 3, n_resources = 400}
# metrics = {rank_test_score = true}

from sklearn.datasets import make_classification
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.model_selection import HalvingGridSearchCV
from sklearn.tree import DecisionTreeClassifier

X, y = make_classification(n_samples=400, random_state=0)
search = HalvingGridSearchCV(
    DecisionTreeClassifier(random_state=0),
    {"max_depth": [1, 2, 3, 5], "min_samples_leaf": [1, 5]},
    factor=2,
    cv=2,
    random_state=0,
).fit(X, y)
print("candidates:", search.n_candidates_)
print("rows:", search.n_resources_)
print("best:", search.best_params_)
print("best score:", float(search.best_score_))
