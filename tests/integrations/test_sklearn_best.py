"""The best candidate of a search of scikit-learn is `run.best`, with the refitted model."""

import pytest
from sklearn.datasets import load_iris
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.model_selection import GridSearchCV, HalvingGridSearchCV, RandomizedSearchCV
from sklearn.tree import DecisionTreeClassifier

import autotrack

X, y = load_iris(return_X_y=True)
TREE = DecisionTreeClassifier(random_state=0)
DEPTHS = {"max_depth": [1, 2, 3, 5, 7]}


pytestmark = pytest.mark.usefixtures("enabled")


@pytest.mark.parametrize(
    "search",
    [
        GridSearchCV(TREE, DEPTHS, cv=3),
        RandomizedSearchCV(TREE, DEPTHS, n_iter=3, cv=3, random_state=1),
        HalvingGridSearchCV(TREE, DEPTHS, cv=3, min_resources=30, random_state=0),
        GridSearchCV(TREE, DEPTHS, cv=3, scoring=["accuracy", "f1_macro"], refit="f1_macro"),
    ],
    ids=["grid", "random", "halving", "two metrics"],
)
def test_best_candidate_is_the_one_that_the_search_chose(search):
    search.fit(X, y)
    run = autotrack.last_run()
    assert run.best.name == f"candidate {search.best_index_}"
    assert run.best.params["max_depth"] == search.best_params_["max_depth"]
    assert (
        max(run.best.metrics.get(name, 0) for name in ("mean_test_score", "mean_test_f1_macro")) == search.best_score_
    )
    assert run.best.parent.id == run.id


def test_best_model_is_the_refitted_one_and_is_registered():
    search = GridSearchCV(TREE, DEPTHS, cv=3).fit(X, y)
    run = autotrack.last_run()
    assert run.best.model["model_class"].endswith("DecisionTreeClassifier")
    autotrack.register_model(run, "tree")
    assert autotrack.load_model("tree").get_params() == search.best_estimator_.get_params()


def test_best_of_a_search_that_refits_nothing_has_params_and_no_model():
    search = GridSearchCV(TREE, DEPTHS, cv=3, refit=False).fit(X, y)
    best = autotrack.last_run().best
    assert best.params["max_depth"] == search.best_params_["max_depth"]
    with pytest.raises(autotrack.AutotrackError, match=r"has no model: the search had refit=False\.\nExpected"):
        _ = best.model


def test_search_that_chose_nothing_has_no_best_candidate():
    GridSearchCV(TREE, DEPTHS, cv=3, scoring=["accuracy", "f1_macro"], refit=False).fit(X, y)
    with pytest.raises(autotrack.AutotrackError, match="has no best trial"):
        _ = autotrack.last_run().best.params


def test_search_that_fits_no_winner_has_no_model_to_register(store_path):
    autotrack.enable(store=store_path)
    GridSearchCV(TREE, DEPTHS, cv=3, refit=False).fit(X, y)
    run = autotrack.last_run()
    assert run.models == {}
    with pytest.raises(autotrack.AutotrackError, match="refit=False"):
        autotrack.register_model(run, "winner")
