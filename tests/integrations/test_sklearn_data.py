"""What a model was fitted on and evaluated on is recorded: fingerprints, missing values, classes, rows in common."""

import gc

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import scipy.sparse as sp
from sklearn.datasets import load_breast_cancer, load_diabetes
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import accuracy_score
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

import autotrack

X, y = load_breast_cancer(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)


pytestmark = pytest.mark.usefixtures("enabled")


def data_of_fit(X, y=y, **given):
    DecisionTreeClassifier(max_depth=1).fit(X, y, **given)
    return autotrack.last_run().data


@pytest.mark.parametrize(
    "make",
    [np.array, pd.DataFrame, pl.DataFrame, lambda X: X.tolist(), sp.csr_array, np.asfortranarray,
     lambda X: pa.table({str(at): X[:, at] for at in range(X.shape[1])})],
    ids=["numpy", "pandas", "polars", "list", "sparse", "by column", "pyarrow"],
)  # fmt: skip
def test_one_changed_cell_changes_the_fingerprint_of_a_run(make):
    first, again = data_of_fit(make(X)), data_of_fit(make(X.copy()))
    changed = X.copy()
    changed[500, 29] += 1
    assert first["X"]["fingerprint"].startswith("xxh3:")
    assert first["X"]["fingerprint"] == again["X"]["fingerprint"]
    assert data_of_fit(make(changed))["X"]["fingerprint"] != first["X"]["fingerprint"]


def test_missing_values_and_classes_are_recorded():
    frame = pd.DataFrame(X, columns=[f"c{at}" for at in range(X.shape[1])])
    frame.loc[:9, "c3"] = np.nan
    HistGradientBoostingClassifier(max_iter=2).fit(frame, np.where(y == 1, "benign", "malign"))
    data = autotrack.last_run().data
    assert data["X"]["missing"] == {"c3": 10}
    assert data["y"]["classes"] == {"benign": 357, "malign": 212}


def test_spread_of_a_numeric_target_is_recorded():
    features, target = load_diabetes(return_X_y=True)
    Ridge().fit(features, target)
    spread = autotrack.last_run().data["y"]["spread"]
    assert spread["max"] == target.max()
    assert spread["std"] == pytest.approx(target.std())


def test_weights_are_described_by_keyword_and_by_position():
    weights = np.linspace(1, 2, len(y))
    by_keyword = data_of_fit(X, sample_weight=weights)
    DecisionTreeClassifier(max_depth=1).fit(X, y, weights)
    by_position = autotrack.last_run().data
    assert by_keyword["sample_weight"]["shape"] == [len(y)]
    assert by_keyword["sample_weight"] == by_position["sample_weight"]
    assert data_of_fit(X, sample_weight=None).keys() == {"X", "y"}


def test_fingerprint_is_of_the_data_as_it_was_given():
    changing = X.copy()
    make_pipeline(StandardScaler(copy=False), LogisticRegression(max_iter=50)).fit(changing, y)
    of_pipeline = autotrack.last_run().data["X"]["fingerprint"]
    assert (changing != X).any()
    assert of_pipeline == data_of_fit(X)["X"]["fingerprint"]


def test_packages_of_models_carry_nothing_of_the_values():
    DecisionTreeClassifier(max_depth=1).fit(X, y)
    signature = autotrack.last_run().model["signature"]
    assert signature["inputs"] == {"kind": "ndarray", "shape": [569, 30], "dtype": "float64"}


def test_generator_as_data_is_not_begun_and_raises_the_librarys_own_error():
    rows = (pytest.fail("was begun") for _ in range(1))
    with pytest.raises(TypeError, match="generator"):
        DecisionTreeClassifier().fit(rows, y)
    assert autotrack.last_run().status == "failed"
    assert "no_fingerprint" in autotrack.last_run().data["X"]


def test_fingerprints_can_be_left_out(store_path, monkeypatch):
    monkeypatch.setenv("AUTOTRACK_LEAVE_OUT", "fingerprints")
    autotrack.disable()
    autotrack.enable(store=store_path)
    model = DecisionTreeClassifier(max_depth=1).fit(X_train, y_train)
    model.score(X_test, y_test)
    run = autotrack.last_run()
    assert run.data["X"] == {"kind": "ndarray", "shape": [426, 30], "dtype": "float64"}
    assert run.data.keys() == {"X", "y"}
    assert "test_score" in run.metrics


def test_data_of_an_evaluation_is_recorded_under_its_name():
    model = DecisionTreeClassifier(max_depth=3).fit(X_train, y_train)
    run = autotrack.last_run()
    accuracy_score(y_test, model.predict(X_test))
    model.score(X_test, y_test)
    assert run.data.keys() == {"X", "y", "X_test", "y_test"}
    assert run.data["X_test"]["shape"] == [143, 30]
    assert run.data["X_test"]["fingerprint"] == data_of_fit(X_test, y_test)["X"]["fingerprint"]
    assert run.data["y_test"]["classes"] == {"0": 53, "1": 90}


def test_training_data_is_not_recorded_again():
    model = DecisionTreeClassifier(max_depth=3).fit(X_train, y_train)
    run = autotrack.last_run()
    model.score(X_train, y_train)
    assert run.data.keys() == {"X", "y"}


def test_data_that_is_only_partly_known_is_completed_later():
    model = DecisionTreeClassifier(max_depth=3).fit(X_train, y_train)
    run = autotrack.last_run()
    accuracy_score(y_test, model.predict(X_test.tolist()))
    assert "X_test" not in run.data
    model.score(X_test, y_test)
    assert run.data.keys() == {"X", "y", "X_test", "y_test"}


def test_other_data_under_the_same_name_is_kept_apart():
    model = DecisionTreeClassifier(max_depth=3, random_state=0).fit(X_train, y_train)
    run = autotrack.last_run()
    scores = []
    for half in (slice(0, 70), slice(70, None)):
        X_fold, y_fold = X_test[half].copy(), y_test[half].copy()
        scores.append(model.score(X_fold, y_fold))
        scores.append(model.score(X_fold.copy(), y_fold.copy()))
    assert {name for name in run.data if name.startswith("X_")} == {"X_fold", "X_fold_2"}
    assert list(run.history("fold_score").values) == [scores[0], scores[2]]


def test_rows_of_the_training_data_among_those_of_an_evaluation_are_flagged():
    X_val = np.vstack([X_train[:12], X_test])
    y_val = np.concatenate([y_train[:12], y_test])
    model = DecisionTreeClassifier(max_depth=3).fit(X_train, y_train)
    run = autotrack.last_run()
    model.score(X_val, y_val)
    model.score(X_test, y_test)
    assert run.data["X_val"]["rows_in_training"] == 12
    assert run.data["X_test"]["rows_in_training"] == 0
    assert run.tags["rows_in_training"] == "X_val: 12"


def test_frames_with_texts_are_searched_for_common_rows():
    frame = pd.DataFrame({"n": np.arange(100.0), "s": [f"text {at}" for at in range(100)]})
    pipe = make_pipeline(_OnlyNumbers(), DecisionTreeClassifier())
    pipe.fit(frame[:80], np.arange(80) % 2)
    run = autotrack.last_run()
    X_test = frame[70:]
    pipe.score(X_test, np.arange(30) % 2)
    assert run.data["X_test"]["rows_in_training"] is None  # a slice of a frame: it was gone after the fit
    train = frame[:80]
    pipe.fit(train, np.arange(80) % 2)
    run = autotrack.last_run()
    pipe.score(X_test, np.arange(30) % 2)
    assert run.data["X_test"]["rows_in_training"] == 10


class _OnlyNumbers(StandardScaler):
    def fit(self, X, y=None, sample_weight=None):
        return super().fit(X[["n"]], y)

    def transform(self, X, copy=None):
        return super().transform(X[["n"]], copy)


def test_data_whose_rows_repeat_anyway_raises_no_flag():
    rng = np.random.default_rng(0)
    train, X_test = rng.integers(0, 2, (300, 3)), rng.integers(0, 2, (100, 3))
    model = DecisionTreeClassifier().fit(train, rng.integers(0, 2, 300))
    run = autotrack.last_run()
    model.score(X_test, rng.integers(0, 2, 100))
    assert run.data["X_test"]["rows_in_training"] == 100
    assert "rows_in_training" not in run.tags


def test_common_rows_are_unknown_where_the_training_data_is_gone():
    train = X_train.copy()
    model = DecisionTreeClassifier(max_depth=3).fit(train, y_train)
    run = autotrack.last_run()
    del train
    gc.collect()
    model.score(X_test, y_test)
    assert run.data["X_test"]["rows_in_training"] is None
    assert run.data["X_test"]["why_unknown"] == "the training data is gone"


def test_evaluated_data_is_neither_kept_alive_nor_changed():
    import weakref

    model = DecisionTreeClassifier(max_depth=3).fit(X_train, y_train)
    X_val = X_test.copy()
    model.score(X_val, y_test)
    assert (X_val == X_test).all()
    gone = weakref.ref(X_val)
    del X_val
    gc.collect()
    assert gone() is None
