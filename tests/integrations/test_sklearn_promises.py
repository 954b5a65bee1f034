"""What trackers get wrong around scikit-learn, as it should be. More of such cases stand in the files beside."""

import threading
import time

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin, TransformerMixin
from sklearn.datasets import load_iris
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

import autotrack
from recorded import only_run, runs
from workers import threads_at_once

X, y = load_iris(return_X_y=True)


pytestmark = pytest.mark.usefixtures("enabled")


def test_search_over_lists_is_recorded_like_any_other():
    search = GridSearchCV(DecisionTreeClassifier(random_state=0), {"max_depth": [1, 2, 3]}, cv=2)
    search.fit(X.tolist(), y.tolist())
    run = only_run()
    assert len(run.children) == 3
    assert run.metrics["best_score"] == search.best_score_


@pytest.mark.parametrize("order", ["import first", "enable first"])
def test_cross_validation_is_one_run_whatever_was_imported_first(order, run_python, store_path):
    imports = "from sklearn.model_selection import cross_val_score"
    enabling = "import autotrack, sys; autotrack.enable(store=sys.argv[1])"
    first, second = (imports, enabling) if order == "import first" else (enabling, imports)
    script = "\n".join(
        [
            first,
            second,
            "import json; from sklearn.datasets import load_iris; from sklearn.naive_bayes import GaussianNB",
            "scores = cross_val_score(GaussianNB(), *load_iris(return_X_y=True), cv=4)",
            "(run,) = autotrack.search_runs()",
            "print(json.dumps([run.name, run.history('test_score').values == scores.tolist()]))",
        ]
    )
    autotrack.disable()
    assert run_python(script, str(store_path)) == ["cross_val_score(GaussianNB)", True]


def test_sparse_data_of_a_size_that_cannot_be_dense_is_recorded_and_stays_sparse():
    from scipy import sparse

    rows = 300
    places = np.random.default_rng(0).integers(0, 50_000_000, 5 * rows)
    wide = sparse.csr_array((np.ones(5 * rows), (np.arange(5 * rows) % rows, places)), shape=(rows, 50_000_000))
    before = (wide.data.copy(), wide.indices.copy(), wide.indptr.copy())
    model = LogisticRegression(max_iter=5, tol=1e9).fit(wide[:, :1000], np.arange(rows) % 2)
    Indifferent().fit(wide, np.arange(rows) % 2)
    assert sparse.issparse(wide)
    assert all((now == then).all() for now, then in zip((wide.data, wide.indices, wide.indptr), before, strict=True))
    assert [run.data["X"]["kind"] for run in runs()] == ["sparse", "sparse"]
    assert model.n_features_in_ == 1000


class Indifferent(ClassifierMixin, BaseEstimator):
    """Learns nothing: it takes data of any width."""

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        return self


def test_predictions_write_nothing(store_path):
    model = GaussianNB().fit(X, y)
    recorder = autotrack.run.recorder()
    recorder.flush()
    written = {path: path.stat().st_size for path in store_path.rglob("*") if path.is_file()}
    for _ in range(100):
        model.predict(X)
        model.predict_proba(X)
    recorder.flush()
    assert {path: path.stat().st_size for path in store_path.rglob("*") if path.is_file()} == written


@pytest.mark.parametrize("raised", [KeyboardInterrupt(), SystemExit(3), ValueError("theirs")], ids=repr)
def test_what_is_raised_in_a_step_of_a_pipeline_reaches_the_user_and_fails_its_run(raised):
    class Raising(ClassifierMixin, BaseEstimator):
        def fit(self, X, y):
            raise raised

    with pytest.raises(type(raised)) as caught:
        make_pipeline(StandardScaler(), Raising()).fit(X, y)
    assert caught.value is raised
    run = only_run()
    assert (run.name, run.status) == ("Pipeline", "failed")
    assert run.error.startswith(type(raised).__name__)
    GaussianNB().fit(X, y)
    assert [run.name for run in runs()] == ["Pipeline", "GaussianNB"]


class Meeting(ClassifierMixin, BaseEstimator):
    """Two of them are being fitted at the same time, whatever the scheduler does."""

    barrier = threading.Barrier(2)

    def __init__(self, name="", is_slow=False):
        self.name = name
        self.is_slow = is_slow

    def fit(self, X, y):
        self.barrier.wait(10)
        if self.is_slow:
            self.barrier.wait(10)  # ends after the other one has
        self.classes_ = np.unique(y)
        return self


def test_interleaved_fits_of_two_models_in_two_threads_are_two_whole_runs():
    def fast():
        Meeting("fast").fit(X, y)
        Meeting.barrier.wait(10)

    def slow():
        Meeting("slow", is_slow=True).fit(X, y)

    threads_at_once(2, lambda number: (fast, slow)[number]())
    assert {run.params["name"]: run.status for run in runs()} == {"fast": "finished", "slow": "finished"}
    assert all("fit_time_s" in run.metrics for run in runs())


def test_nested_pauses_in_two_threads_end_where_they_began():
    started, go_on = threading.Event(), threading.Event()

    def pausing():
        with autotrack.paused():
            with autotrack.paused():
                started.set()
                assert go_on.wait(10)
                GaussianNB(var_smoothing=1e-3).fit(X, y)
            GaussianNB(var_smoothing=1e-4).fit(X, y)
        GaussianNB(var_smoothing=1e-5).fit(X, y)

    def recording():
        assert started.wait(10)
        GaussianNB(var_smoothing=1e-6).fit(X, y)
        with autotrack.paused():
            go_on.set()
            time.sleep(0.05)
        GaussianNB(var_smoothing=1e-7).fit(X, y)

    threads_at_once(2, lambda number: (pausing, recording)[number]())
    assert sorted(run.params["var_smoothing"] for run in runs()) == [1e-7, 1e-6, 1e-5]


def test_subclass_that_overrides_fit_and_calls_the_one_above_is_one_run_of_its_own_name():
    class Careful(LogisticRegression):
        def fit(self, X, y, sample_weight=None):
            self.seen_ = len(X)
            return super().fit(X, y, sample_weight)

    model = Careful(max_iter=500).fit(X, y)
    run = only_run()
    assert run.name == "Careful"
    assert run.params["max_iter"] == 500
    assert model.seen_ == 150


def test_data_that_a_transformer_changes_in_place_is_recorded_as_it_was_given():
    class Doubling(TransformerMixin, BaseEstimator):
        def fit(self, X, y=None):
            return self

        def transform(self, X):
            X *= 2
            return X

    make_pipeline(Doubling(), GaussianNB()).fit(X.copy(), y)
    GaussianNB().fit(X.copy(), y)
    changed, plain = runs()
    assert changed.data["X"] == plain.data["X"]


BAD_DATA = {
    "NaN where none may be": (lambda: np.full((150, 4), np.nan), lambda: y),
    "lengths that differ": (lambda: X[:10], lambda: y),
    "an object array": (lambda: np.array([[object()] * 4] * 150), lambda: y),
    "a generator": (lambda: (row for row in X), lambda: y),
    "None": (lambda: None, lambda: y),
    "a number": (lambda: 3, lambda: y),
    "a ragged list": (lambda: [[1.0], [1.0, 2.0]], lambda: [0, 1]),
    "no rows": (lambda: X[:0], lambda: y[:0]),
    "one class": (lambda: X, lambda: np.zeros(150)),
}


@pytest.mark.parametrize("kind", BAD_DATA)
def test_bad_data_raises_what_it_always_raises_and_leaves_a_failed_run(kind):
    make_X, make_y = BAD_DATA[kind]
    with pytest.raises(Exception) as recorded:  # noqa: PT011  which one is compared below
        LogisticRegression().fit(make_X(), make_y())
    autotrack.disable()
    with pytest.raises(Exception) as plain:  # noqa: PT011
        LogisticRegression().fit(make_X(), make_y())
    assert type(recorded.value) is type(plain.value)
    addresses = ("object at 0x", "generator object")
    if not any(word in str(plain.value) for word in addresses):
        assert str(recorded.value) == str(plain.value)
    run = only_run()
    assert run.status == "failed"
    assert run.error.startswith(type(plain.value).__name__)


def test_generator_given_as_data_is_consumed_by_the_fit_alone():
    class Consuming(ClassifierMixin, BaseEstimator):
        def fit(self, X, y):
            self.rows_ = [list(row) for row in X]
            return self

    assert len(Consuming().fit((row for row in X), y).rows_) == 150
    assert only_run().status == "finished"


def test_fit_with_everything_by_keyword_is_recorded():
    weights = np.ones(150)
    DecisionTreeClassifier().fit(y=y, X=X, sample_weight=weights)
    assert only_run().data["X"]["shape"] == [150, 4]


def test_forest_of_many_trees_is_one_run():
    RandomForestClassifier(300, n_jobs=2, random_state=0).fit(X, y)
    assert only_run().params["n_estimators"] == 300


def test_estimator_deleted_inside_its_own_fit_leaves_a_run():
    class Fleeting(ClassifierMixin, BaseEstimator):
        def fit(self, X, y):
            return None

    Fleeting().fit(X, y)
    assert only_run().status == "finished"
