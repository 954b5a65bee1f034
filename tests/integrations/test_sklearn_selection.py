"""Cross-validations of every kind are one run each, with a value per split."""

import sys

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.datasets import load_iris
from sklearn.exceptions import FitFailedWarning
from sklearn.feature_selection import RFECV
from sklearn.inspection import permutation_importance
from sklearn.model_selection import (
    GridSearchCV,
    KFold,
    cross_val_predict,
    cross_val_score,
    cross_validate,
    learning_curve,
    permutation_test_score,
    validation_curve,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

import autotrack
from recorded import only_run

X, y = load_iris(return_X_y=True)
TREE = DecisionTreeClassifier(random_state=0)


@pytest.fixture(autouse=True)
def _recorded(store_path):
    autotrack.enable(store=store_path, log_models=False)


def inner_search():
    return GridSearchCV(TREE, {"max_depth": [1, 2, 3]}, cv=2)


class Sometimes(ClassifierMixin, BaseEstimator):
    """Cannot be fitted on fewer rows than this."""

    def __init__(self, least=100):
        self.least = least

    def fit(self, X, y):
        if len(X) < self.least:
            raise ValueError("too few rows")
        self.classes_ = np.unique(y)
        return self

    def predict(self, X):
        return np.zeros(len(X), int)


def test_cross_validate_records_each_split_and_their_mean():
    result = cross_validate(TREE, X, y, cv=4, scoring=["accuracy", "f1_macro"], return_train_score=True)
    run = only_run()
    assert run.name == "cross_validate(DecisionTreeClassifier)"
    for key in ("test_accuracy", "test_f1_macro", "train_accuracy", "train_f1_macro", "fit_time", "score_time"):
        assert list(run.history(key).values) == list(result[key])
        assert list(run.history(key).steps) == [0, 1, 2, 3]
        assert run.metrics[f"mean_{key}"] == result[key].mean()
        assert run.metrics[f"std_{key}"] == result[key].std()
    assert (run.params["cv"], run.params["scoring"]) == (4, ["accuracy", "f1_macro"])
    assert run.metrics["fits_done"] == 4
    assert run.data["X"]["shape"] == [150, 4]
    assert run.children == []


def test_cross_val_score_records_the_times_that_it_does_not_return():
    scores = cross_val_score(TREE, X, y, cv=3)
    run = only_run()
    assert list(run.history("test_score").values) == list(scores)
    assert run.metrics["mean_test_score"] == scores.mean()
    assert len(run.history("fit_time")) == 3


def test_learning_curve_has_its_training_sizes_as_steps():
    sizes, train, test = learning_curve(TREE, X, y, cv=3, shuffle=True, train_sizes=[0.2, 0.6, 1.0], random_state=0)
    run = only_run()
    assert list(run.history("mean_test_score").steps) == list(sizes)
    assert list(run.history("mean_test_score").values) == list(test.mean(axis=1))
    assert list(run.history("std_train_score").values) == list(train.std(axis=1))
    assert list(run.history("split2_test_score").values) == list(test[:, 2])
    assert run.params["train_sizes"] == [0.2, 0.6, 1.0]


def test_validation_curve_says_what_it_varied():
    train, test = validation_curve(TREE, X, y, param_name="max_depth", param_range=[1, 2, 5], cv=3)
    run = only_run()
    assert (run.params["param_name"], run.params["param_range"]) == ("max_depth", [1, 2, 5])
    assert list(run.history("mean_test_score").values) == list(test.mean(axis=1))
    assert list(run.history("mean_train_score").steps) == [0, 1, 2]
    assert list(run.history("split0_train_score").values) == list(train[:, 0])


def test_permutation_test_keeps_the_scores_of_the_permutations():
    score, scores, p_value = permutation_test_score(TREE, X, y, n_permutations=5, cv=2, random_state=0)
    run = only_run()
    assert (run.metrics["test_score"], run.metrics["p_value"]) == (score, p_value)
    assert list(run.history("permutation_score").values) == list(scores)
    assert run.params["n_permutations"] == 5


def test_failing_cross_validation_is_a_failed_run_with_its_error():
    with pytest.raises(ValueError, match="fits failed"):
        cross_val_score(Sometimes(least=1000), X, y, cv=3)
    run = only_run()
    assert run.status == "failed"
    assert run.error.startswith("ValueError: \nAll the 3 fits failed.")
    assert run.params["least"] == 1000


def test_cross_validation_with_a_failing_split_goes_on():
    splits = [(np.arange(150), np.arange(150)), (np.arange(10), np.arange(150))]
    with pytest.warns(FitFailedWarning):
        cross_val_score(Sometimes(), X, y, cv=splits)
    run = only_run()
    assert run.status == "finished"
    assert np.isnan(run.history("test_score").values[1])
    assert np.isnan(run.metrics["mean_test_score"])


def test_functions_imported_before_enabling_are_recorded_like_all_others(run_python, store_path):
    script = """
        import json, sys
        from sklearn.datasets import load_iris
        from sklearn.inspection import permutation_importance
        from sklearn.model_selection import cross_val_score, learning_curve
        from sklearn.naive_bayes import GaussianNB
        import autotrack
        autotrack.enable(store=sys.argv[1])
        X, y = load_iris(return_X_y=True)
        cross_val_score(GaussianNB(), X, y)
        learning_curve(GaussianNB(), X, y, shuffle=True)
        permutation_importance(GaussianNB().fit(X, y), X, y)
        print(json.dumps([[run.name, sorted(run.tables)] for run in autotrack.search_runs()]))
    """
    model, *others = run_python(script, str(store_path))
    assert model[0] == "GaussianNB"
    assert "train_permutation_importance" in model[1]
    assert others == [["learning_curve(GaussianNB)", []], ["cross_val_score(GaussianNB)", []]]


@pytest.mark.parametrize("wrap", [lambda search: search, lambda search: make_pipeline(StandardScaler(), search)])
def test_candidates_of_searches_inside_belong_to_the_cross_validation(wrap):
    result = cross_validate(wrap(inner_search()), X, y, cv=KFold(3, shuffle=True, random_state=0))
    run = only_run()
    assert [child.name for child in run.children] == [
        f"split {split}, candidate {number}" for split in range(3) for number in range(3)
    ]
    assert [child.tags["split"] for child in run.children] == ["0"] * 3 + ["1"] * 3 + ["2"] * 3
    assert [child.params for child in run.children[:3]] == [{"max_depth": 1}, {"max_depth": 2}, {"max_depth": 3}]
    table = run.tables["searches"]
    assert table["split"] == [0, 1, 2]
    best = [max(child.metrics["mean_test_score"] for child in run.children[at : at + 3]) for at in (0, 3, 6)]
    assert table["best_score"] == best
    assert table["best.max_depth"] == [
        min(run.children[at : at + 3], key=lambda child: child.metrics["rank_test_score"]).params["max_depth"]
        for at in (0, 3, 6)
    ]
    assert list(run.history("test_score").values) == list(result["test_score"])
    assert "candidates" not in run.lacks


def test_searches_inside_are_told_apart_by_split_when_threads_mix_them():
    cv = KFold(6, shuffle=True, random_state=0)
    with joblib.parallel_config("threading", n_jobs=3):
        result = cross_validate(inner_search(), X, y, cv=cv, return_estimator=True)
        cross_val_score(inner_search(), X, y, cv=cv)
    expected = [search.best_score_ for search in result["estimator"]]
    alone, estimators = [run for run in autotrack.search_runs() if run.parent is None]
    assert estimators.tables["searches"]["best_score"] == expected
    assert alone.tables["searches"]["best_score"] == expected
    assert len(alone.children) == len(estimators.children) == 18


@pytest.mark.slow
def test_searches_inside_that_ran_in_other_processes_are_lacking_unless_they_come_back(store_path):
    with joblib.parallel_config("loky", n_jobs=2):
        cross_val_score(inner_search(), X, y, cv=2)
        cross_validate(inner_search(), X, y, cv=2, return_estimator=True)
    returned, lost = [run for run in autotrack.search_runs() if run.parent is None]
    assert lost.children == []
    assert lost.lacks["candidates"].startswith("of 2 of the 2 inner searches")
    assert len(returned.children) == 6
    assert "candidates" not in returned.lacks


@pytest.mark.filterwarnings("ignore:.optuna.terminator.:FutureWarning", "ignore:OptunaSearchCV is experimental")
def test_trials_of_an_optuna_search_inside_belong_to_the_cross_validation():
    optuna = pytest.importorskip("optuna")
    integration = pytest.importorskip("optuna_integration")
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    space = {"max_depth": optuna.distributions.IntDistribution(1, 3)}
    cross_val_score(integration.OptunaSearchCV(TREE, space, n_trials=2, cv=2, n_jobs=2), X, y, cv=2)
    run = only_run()
    assert [child.name for child in run.children] == [
        f"split {split}, candidate {number}" for split in range(2) for number in range(2)
    ]
    assert len(autotrack.search_runs()) == 5


def test_permutation_importance_is_a_table_of_the_run_of_its_model():
    frame = pd.DataFrame(X, columns=["a", "b", "c", "d"])
    model = DecisionTreeClassifier(random_state=0).fit(frame[:100], y[:100])
    X_test, y_test = frame[100:], y[100:]
    result = permutation_importance(model, X_test, y_test, n_repeats=2, random_state=0)
    permutation_importance(model, frame[50:], y[50:], n_repeats=2, scoring=["accuracy", "f1_macro"])
    run = only_run()
    assert run.name == "DecisionTreeClassifier"
    assert run.tables["test_permutation_importance"] == {
        "feature": ["a", "b", "c", "d"],
        "mean": result.importances_mean.tolist(),
        "std": result.importances_std.tolist(),
    }
    assert any(name.endswith("permutation_importance_f1_macro") for name in run.tables)


def test_permutation_importance_of_a_model_that_is_not_known_has_a_run_of_its_own():
    with autotrack.paused():
        model = SVC().fit(X, y)
    permutation_importance(model, X, y, n_repeats=2)
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        permutation_importance(model, X, y[:10], n_repeats=2)
    failed, finished = autotrack.search_runs()
    assert {run.name for run in (failed, finished)} == {"permutation_importance(SVC)"}
    assert (failed.status, finished.status) == ("failed", "finished")
    assert finished.tables["permutation_importance"]["feature"] == ["x0", "x1", "x2", "x3"]


def test_elimination_by_cross_validation_is_a_fit_and_no_search():
    RFECV(TREE, cv=2).fit(X, y)
    run = only_run()
    assert run.name == "RFECV"
    assert run.children == []


def test_results_of_cross_validations_are_the_users_own():
    def found():
        rng = np.random.RandomState(0)
        cv = KFold(3, shuffle=True, random_state=rng)
        return [
            cross_val_score(TREE, X, y, cv=cv).tolist(),
            cross_val_predict(TREE, X, y, cv=cv).tolist(),
            [part.tolist() for part in learning_curve(TREE, X, y, cv=cv, shuffle=True, random_state=rng)],
            rng.randint(1000),
        ]

    tracked = found()
    with autotrack.paused():
        assert found() == tracked


def test_nothing_is_kept_alive_by_a_cross_validation():
    before = sys.getrefcount(TREE)
    cross_validate(TREE, X, y, cv=2)
    assert autotrack.last_run().children == []  # all that waits is written
    assert sys.getrefcount(TREE) == before
