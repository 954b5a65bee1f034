"""Every way a fit may come: kinds of data, threads, interruptions, classes with a will of their own."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.tree import DecisionTreeClassifier

import autotrack
from recorded import only_run, runs

X, y = load_iris(return_X_y=True)


pytestmark = pytest.mark.usefixtures("enabled")


def test_fit_whose_params_cannot_be_read_is_recorded_and_ended():
    class Forgetful(ClassifierMixin, BaseEstimator):
        def __init__(self, depth=1):
            self.depth_ = depth

        def fit(self, X, y):
            return self

    Forgetful().fit(X, y)
    run = only_run()
    assert run.status == "finished"
    assert "'depth'" in run.lacks["params"]
    assert autotrack.active_run() is None


def test_step_named_by_a_number_is_recorded():
    class Steps(ClassifierMixin, BaseEstimator):
        def get_params(self, deep=True):
            return {0: "first"}

        def fit(self, X, y):
            return self

    Steps().fit(X, y)
    assert only_run().params == {"0": "first"}


@pytest.mark.parametrize("raised", [KeyboardInterrupt(), SystemExit(0), SystemExit(3)], ids=repr)
def test_fit_that_is_interrupted_has_failed(raised):
    class Interrupted(ClassifierMixin, BaseEstimator):
        def fit(self, X, y):
            raise raised

    with pytest.raises(type(raised)) as caught:
        Interrupted().fit(X, y)
    assert caught.value is raised
    assert only_run().status == "failed"
    assert only_run().error.startswith(type(raised).__name__)


def test_fits_in_threads_are_runs_each_and_not_mixed():
    from concurrent.futures import ThreadPoolExecutor

    def fit(C):
        model = LogisticRegression(C=C, max_iter=300).fit(X, y)
        return C, model.score(X[::2].copy(), y[::2].copy())

    with ThreadPoolExecutor(4) as pool:
        expected = dict(pool.map(fit, [0.001, 0.01, 0.1, 1, 10, 100, 1000, 10000]))
    assert {run.params["C"]: run.metrics["score"] for run in runs()} == expected


@pytest.mark.parametrize("kind", ["list", "tuple", "pandas", "polars", "pyarrow", "csr", "csc", "coo", "memmap"])
def test_data_of_every_kind_is_recorded_alike(kind, tmp_path):
    import polars as pl
    import pyarrow as pa
    import scipy.sparse as sp

    data = {
        "list": lambda: (X.tolist(), y.tolist()),
        "tuple": lambda: (tuple(map(tuple, X)), tuple(y)),
        "pandas": lambda: (pd.DataFrame(X, columns=list("abcd")), pd.Series(y)),
        "polars": lambda: (pl.DataFrame(X, schema=list("abcd")), pl.Series(y)),
        "pyarrow": lambda: (pa.table(dict(zip("abcd", X.T, strict=True))), pa.array(y)),
        "csr": lambda: (sp.csr_matrix(X), y),
        "csc": lambda: (sp.csc_array(X), y),
        "coo": lambda: (sp.coo_array(X), y),
        "memmap": lambda: (np.memmap(tmp_path / "X", float, "w+", shape=X.shape), y),
    }[kind]()
    if kind == "memmap":
        data[0][:] = X
    model = LogisticRegression(max_iter=300).fit(*data)
    run = only_run()
    with autotrack.paused():
        assert run.metrics["train_accuracy"] == model.score(*data)
    assert run.data["X"]["shape"] == [150, 4]
    assert run.lacks == {}


def test_halving_search_imported_after_enabling_is_one_run():
    from sklearn.experimental import enable_halving_search_cv  # noqa: F401
    from sklearn.model_selection import HalvingGridSearchCV

    search = HalvingGridSearchCV(DecisionTreeClassifier(random_state=0), {"max_depth": [1, 2, 3]}, random_state=0)
    search.fit(X, y)
    run = only_run()
    assert run.name == "HalvingGridSearchCV"
    assert len(run.history("mean_test_score")) == len(search.cv_results_["mean_test_score"])


def test_what_is_called_fit_and_is_no_method_is_left_alone():
    from functools import partial

    class Delegating(ClassifierMixin, BaseEstimator):
        fit = partial(lambda X, y: (X, y))

    assert Delegating().fit(1, y=2) == (1, 2)
