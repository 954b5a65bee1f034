"""A search is one run; each of its candidates is a child of it, whatever becomes of the search."""

import json
import pickle
import signal
import subprocess
import sys
import textwrap
import time

import numpy as np
import pytest
import sklearn
from scipy.stats import loguniform
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.datasets import load_iris
from sklearn.decomposition import PCA
from sklearn.ensemble import RandomForestClassifier
from sklearn.exceptions import FitFailedWarning
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, HalvingGridSearchCV, ParameterGrid, RandomizedSearchCV
from sklearn.model_selection._search import BaseSearchCV
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

import autotrack
from recorded import only_run, runs

X, y = load_iris(return_X_y=True)


@pytest.fixture(autouse=True)
def _recorded(store_path):
    autotrack.enable(store=store_path, log_models=False)


class Moody(ClassifierMixin, BaseEstimator):
    """Fails, or is interrupted, with some params."""

    def __init__(self, mood="fine", size=0):
        self.mood = mood
        self.size = size

    def fit(self, X, y):
        if self.mood == "fails" or (self.mood == "fails on small data" and len(X) < 100):
            raise ValueError("in no mood")
        if self.mood == "interrupted":
            raise KeyboardInterrupt
        self.classes_ = np.unique(y)
        return self

    def predict(self, X):
        return np.zeros(len(X), int)


class InRounds(BaseSearchCV):
    """A search of a third party: it evaluates in several rounds, as Bayesian searches do."""

    def __init__(self, estimator, rounds, *, cv=None, refit=True):
        super().__init__(estimator, cv=cv, refit=refit)
        self.rounds = rounds

    def _run_search(self, evaluate_candidates):
        for candidates in self.rounds:
            evaluate_candidates(candidates)


class ResultsOnly(ClassifierMixin, BaseEstimator):
    """A search of a third party that has nothing of scikit-learn's but the form of its results."""

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        self.cv_results_ = {
            "params": [{"depth": 1}, {"depth": 2}],
            "split0_test_score": np.array([0.25, 0.5]),
            "split1_test_score": np.array([0.75, 0.5]),
            "mean_test_score": np.array([0.5, 0.5]),
            "mean_fit_time": [0.5, 0.25],
            "rank_test_score": np.array([1, 1], dtype=np.int32),
        }
        return self

    def predict(self, X):
        return np.zeros(len(X), int)


def test_every_candidate_of_a_grid_is_a_child_with_its_scores():
    search = GridSearchCV(SVC(), {"C": [0.1, 1, 10], "kernel": ["rbf", "linear"]}, cv=3).fit(X, y)
    children = only_run().children
    results = search.cv_results_
    assert [child.name for child in children] == [f"candidate {number}" for number in range(6)]
    assert [child.params for child in children] == list(ParameterGrid(search.param_grid))
    assert {(child.status, child.source) for child in children} == {("finished", "sklearn")}
    for number, child in enumerate(children):
        history = child.history("test_score")
        assert list(history.steps) == [0, 1, 2]
        assert list(history.values) == [results[f"split{split}_test_score"][number] for split in range(3)]
        for key in ("mean_test_score", "std_test_score", "rank_test_score", "mean_fit_time", "mean_score_time"):
            assert child.metrics[key] == results[key][number], key
            assert len(child.history(key)) == 1
        assert child.started_at <= child.ended_at


def test_parent_says_what_was_best_and_how_much_was_searched():
    search = GridSearchCV(SVC(), {"C": [0.1, 1], "kernel": ["rbf", "linear"]}, cv=3).fit(X, y)
    run = only_run()
    assert {key: run.params[key] for key in ("best.C", "best.kernel", "best_index", "n_candidates", "n_splits")} == {
        "best.C": search.best_params_["C"],
        "best.kernel": search.best_params_["kernel"],
        "best_index": search.best_index_,
        "n_candidates": 4,
        "n_splits": 3,
    }
    assert run.params["param_grid"] == {"C": [0.1, 1], "kernel": ["rbf", "linear"]}
    assert run.metrics["best_score"] == search.best_score_
    assert run.metrics["candidates_done"] == 4
    assert list(run.history("mean_test_score").values) == list(search.cv_results_["mean_test_score"])
    assert list(run.history("std_test_score").steps) == [0, 1, 2, 3]


def test_random_search_shows_its_distributions_and_keeps_params_typed():
    space = {"C": loguniform(1e-2, 10), "kernel": ["rbf", "poly"], "degree": range(2, 4)}
    RandomizedSearchCV(SVC(), space, n_iter=3, cv=2, random_state=0).fit(X, y)
    run = only_run()
    assert run.params["param_distributions"] == "{C: loguniform(0.01, 10), kernel: [rbf, poly], degree: range(2, 4)}"
    assert len(run.children) == 3
    for child in run.children:
        assert [type(child.params[name]) for name in ("C", "kernel", "degree")] == [float, str, int]


def test_halving_search_numbers_the_candidates_of_all_rounds():
    search = HalvingGridSearchCV(
        DecisionTreeClassifier(random_state=0), {"max_depth": [1, 2, 3, 4]}, cv=3, factor=2, random_state=0
    ).fit(X, y)
    children = only_run().children
    results = search.cv_results_
    assert len(children) == len(results["params"]) > 4
    assert [child.params["iter"] for child in children] == list(results["iter"])
    assert [child.params["n_resources"] for child in children] == list(results["n_resources"])
    assert [child.params["max_depth"] for child in children] == [params["max_depth"] for params in results["params"]]
    assert [child.metrics["mean_test_score"] for child in children] == list(results["mean_test_score"])
    assert {len(child.history("test_score")) for child in children} == {3}


def test_search_of_a_third_party_that_evaluates_in_rounds():
    rounds = [[{"max_depth": 1}, {"max_depth": 2}], [{"max_depth": 2}], [{"max_depth": 3}, {"max_depth": 1}]]
    search = InRounds(DecisionTreeClassifier(random_state=0), rounds, cv=2).fit(X, y)
    children = only_run().children
    assert [child.params["max_depth"] for child in children] == [1, 2, 2, 3, 1]
    assert [child.metrics["mean_test_score"] for child in children] == list(search.cv_results_["mean_test_score"])


def test_search_of_a_third_party_is_known_by_its_results():
    ResultsOnly().fit(X, y)
    children = only_run().children
    assert [child.params for child in children] == [{"depth": 1}, {"depth": 2}]
    assert [list(child.history("test_score").values) for child in children] == [[0.25, 0.75], [0.5, 0.5]]
    assert [child.metrics["rank_test_score"] for child in children] == [1, 1]
    assert {child.status for child in children} == {"finished"}


@pytest.mark.parametrize("refit", [False, "f1_macro", lambda results: 1])
def test_search_with_several_metrics(refit):
    search = GridSearchCV(
        DecisionTreeClassifier(random_state=0),
        {"max_depth": [1, 2]},
        scoring=["accuracy", "f1_macro"],
        refit=refit,
        cv=3,
        return_train_score=True,
    ).fit(X, y)
    run = only_run()
    for number, child in enumerate(run.children):
        for metric in ("test_accuracy", "test_f1_macro", "train_accuracy", "train_f1_macro"):
            expected = [search.cv_results_[f"split{split}_{metric}"][number] for split in range(3)]
            assert list(child.history(metric).values) == expected
            assert child.metrics[f"mean_{metric}"] == search.cv_results_[f"mean_{metric}"][number]
    assert len(run.children) == 2
    assert run.params.get("best_index") == getattr(search, "best_index_", None)
    assert run.metrics.get("best_score") == getattr(search, "best_score_", None)


def test_candidate_none_of_whose_fits_succeeds_has_failed():
    with pytest.warns(FitFailedWarning), pytest.warns(UserWarning, match="non-finite"):
        GridSearchCV(Moody(), {"mood": ["fine", "fails"]}, cv=3).fit(X, y)
    run = only_run()
    good, bad = run.children
    assert run.status == "finished"
    assert (good.status, good.error) == ("finished", None)
    assert bad.status == "failed"
    assert bad.error.splitlines()[0] == "ValueError: in no mood"
    assert "Traceback" in bad.error
    assert np.isnan(list(bad.history("test_score").values)).all()


def test_candidate_some_of_whose_fits_fail_says_which():
    splits = [(np.arange(150), np.arange(150)), (np.arange(50), np.arange(150))]
    with pytest.warns(FitFailedWarning), pytest.warns(UserWarning, match="non-finite"):
        GridSearchCV(Moody(), {"mood": ["fails on small data"]}, cv=splits).fit(X, y)
    (child,) = only_run().children
    assert child.status == "finished"
    assert child.lacks == {"split 1": "the fit failed: ValueError: in no mood"}


def test_estimators_among_the_params_are_told_apart():
    pipe = Pipeline([("scale", StandardScaler()), ("model", SVC())])
    grid = {
        "scale": ["passthrough", PCA(n_components=2)],
        "model": [SVC(C=2.0), SVC(C=3.0), LogisticRegression(max_iter=999)],
    }
    search = GridSearchCV(pipe, grid, cv=2).fit(X, y)
    run = only_run()
    assert [child.params["model"] for child in run.children] == [
        repr(params["model"]) for params in search.cv_results_["params"]
    ]
    assert run.children[0].params["scale"] == "passthrough"
    assert run.params["best.model"] == repr(search.best_params_["model"])
    assert run.params["param_grid"] == (
        "{scale: [passthrough, PCA(n_components=2)], model: [SVC(C=2.0), SVC(C=3.0), LogisticRegression(max_iter=999)]}"
    )


def test_fits_of_candidates_are_no_runs_whatever_they_fit():
    forest = RandomForestClassifier(n_estimators=3, random_state=0)
    inner = GridSearchCV(DecisionTreeClassifier(random_state=0), {"max_depth": [1, 2, 3]}, cv=2)
    GridSearchCV(forest, {"max_depth": [1, 2]}, cv=2).fit(X, y)
    GridSearchCV(inner, {"cv": [2, 3]}, cv=2).fit(X, y)
    plain, nested = runs()
    assert [child.params for child in plain.children] == [{"max_depth": 1}, {"max_depth": 2}]
    assert [child.params for child in nested.children] == [{"cv": 2}, {"cv": 3}]
    assert len(autotrack.search_runs()) == 6


@pytest.mark.parametrize("is_told_who_calls", [True, False])
def test_search_inside_that_is_fitted_in_the_end_adds_no_candidates(is_told_who_calls, monkeypatch):
    if not is_told_who_calls:  # as before scikit-learn 1.9

        def delayed(function):
            def task(*args, caller=None, **kwargs):
                return sklearn.utils.parallel.delayed(function)(*args, **kwargs)

            return task

        monkeypatch.setattr(sklearn.model_selection._search, "delayed", delayed)
    inner = GridSearchCV(Slow(), {"var_smoothing": [1e-9, 1e-3, 1.0]}, cv=2)
    GridSearchCV(inner, {"refit": [False]}, cv=2, scoring=lambda model, X, y: 1.0).fit(X, y)
    run = only_run()
    assert [child.params for child in run.children] == [{"refit": False}]
    assert run.params["n_candidates"] == 1


class Slow(GaussianNB):
    """Takes long enough for what is heard to be on record before the end."""

    def fit(self, X, y):
        time.sleep(0.1)
        return super().fit(X, y)


def test_candidates_can_be_left_out(store_path):
    autotrack.enable(store=store_path, leave_out=["candidates"])
    search = GridSearchCV(SVC(), {"C": [0.1, 1]}, cv=2).fit(X, y)
    run = only_run()
    assert run.children == []
    assert run.metrics["best_score"] == search.best_score_
    assert len(run.history("mean_test_score")) == 2
    assert run.metrics["candidates_done"] == 2


def test_interrupted_search_keeps_the_candidates_that_were_done():
    with pytest.raises(KeyboardInterrupt):
        GridSearchCV(Moody(), [{"size": [0, 1]}, {"mood": ["interrupted"]}, {"size": [3]}], cv=2).fit(X, y)
    run = only_run()
    assert run.status == "failed"
    assert run.error.startswith("KeyboardInterrupt")
    assert [(child.name, child.status) for child in run.children] == [
        ("candidate 0", "finished"),
        ("candidate 1", "finished"),
        ("candidate 2", "failed"),
    ]
    assert run.children[2].error.startswith("KeyboardInterrupt")
    assert run.metrics["candidates_done"] == 2
    assert run.params["n_candidates"] == 4
    assert run.children[0].metrics["mean_test_score"] == pytest.approx(1 / 3)


def test_search_that_raises_at_a_failing_candidate():
    with pytest.raises(ValueError, match="in no mood"):
        GridSearchCV(Moody(), {"mood": ["fine", "fails"]}, cv=2, error_score="raise").fit(X, y)
    run = only_run()
    assert run.status == "failed"
    assert [child.status for child in run.children] == ["finished", "failed"]
    assert run.children[1].error.startswith("ValueError: in no mood")


def test_search_whose_last_fit_fails_keeps_its_candidates_and_not_those_of_an_earlier_fit():
    search = GridSearchCV(Moody(), {"size": [1, 2, 3]}, cv=2).fit(X, y)
    search.set_params(param_grid={"size": [4], "mood": ["fails on small data"]})
    with pytest.raises(ValueError, match="in no mood"):
        search.set_params(cv=[(np.arange(120), np.arange(150))], estimator=Refused()).fit(X, y)
    finished, failed = runs()
    assert (failed.status, finished.status) == ("failed", "finished")
    assert len(finished.children) == 3
    assert [child.params["size"] for child in failed.children] == [4]
    assert [child.status for child in failed.children] == ["finished"]


class Refused(Moody):
    """Fits parts of the data only, so that a search fails at its last fit."""

    def fit(self, X, y):
        if len(X) == 150:
            raise ValueError("in no mood")
        self.classes_ = np.unique(y)
        return self


def test_search_in_a_run_of_the_users_has_its_candidates_there():
    with autotrack.start_run("mine") as run:
        GridSearchCV(SVC(), {"C": [1, 2]}, cv=2).fit(X, y)
        GridSearchCV(SVC(), {"C": [3]}, cv=2).fit(X, y)
    assert [child.name for child in run.children] == ["candidate 0", "candidate 1", "GridSearchCV"]
    assert [child.params for child in run.children[2].children] == [{"C": 3}]
    assert run.status == "finished"


def test_search_finds_the_same_and_refers_to_nothing_of_ours():
    def found():
        search = GridSearchCV(SVC(), {"C": [0.1, 1]}, cv=3).fit(X, y)
        results = {key: value for key, value in search.cv_results_.items() if "time" not in key}
        return repr(results), search.best_params_, pickle.dumps(search.cv_results_["params"]), search

    *tracked, search = found()
    with autotrack.paused():
        *untracked, _ = found()
    assert tracked == untracked
    assert b"autotrack" not in pickle.dumps(search)
    assert len(runs()) == 1


LONG_SEARCH = """
    import pathlib, sys, time
    import autotrack
    from sklearn.datasets import load_iris
    from sklearn.model_selection import GridSearchCV
    from sklearn.naive_bayes import GaussianNB

    class Waiting(GaussianNB):
        def fit(self, X, y):
            if self.var_smoothing > 0.5:
                pathlib.Path("reached").touch()
                time.sleep(60)
            return super().fit(X, y)

    autotrack.enable(store=sys.argv[1])
    X, y = load_iris(return_X_y=True)
    GridSearchCV(Waiting(), {"var_smoothing": [1e-9, 1e-3, 1.0, 2.0]}, cv=2).fit(X, y)
"""


@pytest.mark.slow
def test_another_process_sees_the_candidates_of_a_search_that_runs_and_what_a_kill_leaves(store_path, tmp_path):
    script = subprocess.Popen([sys.executable, "-c", textwrap.dedent(LONG_SEARCH), str(store_path)], cwd=tmp_path)
    try:
        deadline = time.monotonic() + 60
        while not (tmp_path / "reached").exists() or not (found := runs()) or len(found[0].children) < 2:
            assert time.monotonic() < deadline, "no candidates are to be seen"
            time.sleep(0.1)
        run = found[0]
        assert run.status == "running"
        assert [(child.name, child.status) for child in run.children] == [
            ("candidate 0", "finished"),
            ("candidate 1", "finished"),
        ]
        assert [child.params["var_smoothing"] for child in run.children] == [1e-9, 1e-3]
        assert run.metrics["candidates_done"] == 2
        assert run.metrics["best_score"] == max(child.metrics["mean_test_score"] for child in run.children)
        assert run.params["n_candidates"] == 4
    finally:
        script.send_signal(signal.SIGKILL)
        script.wait()
    run = only_run()
    assert run.status == "killed"
    assert [child.status for child in run.children] == ["finished", "finished"]


IN_PROCESSES = """
    import json, sys
    import autotrack, joblib
    from sklearn.datasets import load_iris
    from sklearn.model_selection import GridSearchCV
    from sklearn.svm import SVC
    X, y = load_iris(return_X_y=True)
    autotrack.enable(store=sys.argv[1])
    found = []
    for backend in ("loky", "multiprocessing"):
        with joblib.parallel_config(backend, n_jobs=2):
            search = GridSearchCV(SVC(), {"C": [0.1, 1, 10]}, cv=3).fit(X, y)
        run = autotrack.last_run()
        starts = [child.started_at for child in run.children]
        found.append([
            [child.params["C"] for child in run.children],
            [list(child.history("test_score").values) for child in run.children],
            [[search.cv_results_[f"split{s}_test_score"][c] for s in range(3)] for c in range(3)],
            [child.status for child in run.children],
        ])
    try:
        GridSearchCV(SVC(), {"C": [1, -1]}, cv=2, n_jobs=2, error_score="raise").fit(X, y)
    except ValueError as error:
        run = autotrack.last_run()
        found.append([run.status, {child.name: child.status for child in run.children}])
    found.append(sorted(run.name for run in autotrack.search_runs() if run.parent is None))
    print(json.dumps(found))
"""


@pytest.mark.slow
def test_search_in_other_processes_has_all_its_candidates_and_no_other_runs(run_python, store_path):
    *backends, (status, children), names = run_python(IN_PROCESSES, str(store_path), timeout_s=120)
    for params, scores, expected, statuses in backends:
        assert params == [0.1, 1, 10]
        assert scores == expected
        assert statuses == ["finished"] * 3
    assert status == "failed"
    assert children["candidate 1"] == "failed"
    assert names == ["GridSearchCV"] * 3


@pytest.mark.filterwarnings("ignore:.optuna.terminator.:FutureWarning")
@pytest.mark.parametrize("n_jobs", [1, 2])
def test_trials_of_an_optuna_search_are_its_children(n_jobs):
    optuna = pytest.importorskip("optuna")
    integration = pytest.importorskip("optuna_integration")
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    space = {"var_smoothing": optuna.distributions.FloatDistribution(1e-9, 1.0, log=True)}
    with pytest.warns(optuna.exceptions.ExperimentalWarning):
        search = integration.OptunaSearchCV(GaussianNB(), space, n_trials=4, cv=3, n_jobs=n_jobs, random_state=0)
    search.fit(X, y)
    run = only_run()
    assert run.name == "OptunaSearchCV"
    assert [child.name for child in run.children] == [f"candidate {number}" for number in range(4)]
    for trial, child in zip(search.trials_, run.children, strict=True):
        assert child.params == trial.params
        expected = [trial.user_attrs[f"split{split}_test_score"] for split in range(3)]
        assert list(child.history("test_score").values) == expected
        assert child.metrics["mean_test_score"] == trial.value
        assert child.status == "finished"
    assert run.params["best.var_smoothing"] == search.best_params_["var_smoothing"]
    assert run.params["best_index"] == search.best_index_
    assert run.metrics["best_score"] == search.best_score_
    assert "FloatDistribution" in run.params["param_distributions"]
    assert len(autotrack.search_runs()) == 5


@pytest.mark.filterwarnings("ignore:.optuna.terminator.:FutureWarning", "ignore::RuntimeWarning")
def test_optuna_search_in_a_study_records_its_own_trials_and_the_failed_ones():
    optuna = pytest.importorskip("optuna")
    integration = pytest.importorskip("optuna_integration")
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study(direction="maximize")
    study.optimize(lambda trial: trial.suggest_float("a", 0, 1), n_trials=2)
    space = {"mood": optuna.distributions.CategoricalDistribution(["fine", "fails"])}
    study.enqueue_trial({"mood": "fails"})
    study.enqueue_trial({"mood": "fine"})
    with pytest.warns(optuna.exceptions.ExperimentalWarning):
        search = integration.OptunaSearchCV(
            Moody(), space, n_trials=2, cv=2, study=study, error_score="raise", refit=False, catch=(TypeError,)
        )
    search.fit(X, y)
    (run,) = (found for found in runs() if found.source == "sklearn")  # the study itself is a run as well
    assert [(child.name, child.params["mood"]) for child in run.children] == [
        ("candidate 2", "fails"),
        ("candidate 3", "fine"),
    ]
    assert json.dumps([child.status for child in run.children]) == '["failed", "finished"]'
    assert run.params["n_candidates"] == 2
