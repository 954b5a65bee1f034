"""How much of the data is missing, how its classes are balanced, how a numeric target spreads."""

import json
import time
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import scipy.sparse as sp

from autotrack.model import inspect

NAN = float("nan")


def test_missing_values_are_counted_by_column_where_there_are_any() -> None:
    frame = pd.DataFrame(
        {
            "full": [1, 2, 3],
            "float": [1.0, NAN, NAN],
            "text": ["a", None, "c"],
            "object": np.array([None, NAN, "x"], object),
            "category": pd.Categorical(["a", None, None]),
            "date": pd.to_datetime(["2020", None, "2021"]),
            "integer": pd.array([1, None, 3], dtype="Int64"),
            "arrow": pd.array([1.5, None, None], dtype="double[pyarrow]"),
        }
    )
    counts = {"float": 2, "text": 1, "object": 2, "category": 2, "date": 1, "integer": 1, "arrow": 2}
    assert inspect(frame)["missing"] == counts
    assert "missing" not in inspect(frame[["full"]])


@pytest.mark.parametrize(
    ("data", "count"),
    [
        (np.array([[1.0, NAN], [NAN, 2.0]]), 2),
        (np.array([np.inf, -np.inf, 1.0]), None),
        (np.array([1e308, 1e308, NAN]), 1),
        (np.array(["2020", "NaT"], "M8[D]"), 1),
        (np.array([1, 2]), None),
        (np.array([1, None], object), 1),
        (np.ma.masked_equal([1, 2, 1], 1), 2),
        ([[1.0, None], [NAN, 2.0]], 2),
        ([1, 2], None),
        (sp.csr_array([[NAN, 0.0, 1.0]]), 1),
        (pl.Series([1.0, NAN, None]), 2),
        (pa.array([1.0, NAN, None]), 2),
        (pl.Series(["a", None]), 1),
        (pa.nulls(3), 3),
    ],
)
def test_missing_values_of_arrays_are_one_number(data: Any, count: int | None) -> None:
    assert inspect(data).get("missing") == count


@pytest.mark.parametrize(
    ("target", "classes"),
    [
        (np.array([0, 1, 1, 2]), {"0": 1, "1": 2, "2": 1}),
        (np.array([-1, 1, 1]), {"-1": 1, "1": 2}),
        (np.array([5_000_000, 7]), {"7": 1, "5000000": 1}),
        (np.array([1.0, 0.0, 1.0]), {"0.0": 1, "1.0": 2}),
        (np.array([True, False, True]), {"False": 1, "True": 2}),
        (np.array(["b", "a", "b"]), {"a": 1, "b": 2}),
        (np.array(["b", "a", None, "b"], object), {"a": 1, "b": 2}),
        (["no", "yes", "no"], {"no": 2, "yes": 1}),
        (pd.Series(["no", "yes", None, "no"]), {"no": 2, "yes": 1}),
        (pd.Series([1, None, 2], dtype="Int64"), {"1": 1, "2": 1}),
        (pd.Categorical(["u", "v", "u"]).codes, {"0": 2, "1": 1}),
        (pd.Series(pd.Categorical(["u", "v", "u"])), {"u": 2, "v": 1}),
        (pl.Series(["no", "yes"]), {"no": 1, "yes": 1}),
        (pa.array(["no", "yes"]), {"no": 1, "yes": 1}),
    ],
)
def test_classes_of_a_classifiers_target_are_counted_in_order(target: Any, classes: dict[str, int]) -> None:
    found = inspect(target, target="classifier")["classes"]
    assert found == classes
    assert list(found) == list(classes)


def test_too_many_classes_are_not_told() -> None:
    assert "classes" not in inspect(np.arange(101), target="classifier")
    assert len(inspect(np.arange(100), target="classifier")["classes"]) == 100


def test_labels_that_are_objects_of_the_users_are_not_counted() -> None:
    class Label:
        def __hash__(self) -> int:
            pytest.fail("was hashed")
            return 0

    found = inspect(np.array([Label(), Label()], object), target="classifier")
    assert "classes" not in found


@pytest.mark.parametrize("make", [np.array, list, pd.Series, pl.Series, pa.array])
def test_spread_of_a_regressors_target(make: Any) -> None:
    values = [3.0, 5.0, 10.0]
    spread = inspect(make(values), target="regressor")["spread"]
    assert spread == pytest.approx({"min": 3.0, "max": 10.0, "mean": 6.0, "std": np.std(values)})


def test_spread_is_put_together_from_pieces() -> None:
    values = np.random.default_rng(0).normal(1000, 0.1, 300_000)
    spread = inspect(values, target="regressor", budget_s=10)["spread"]
    wanted = {"min": values.min(), "max": values.max(), "mean": values.mean(), "std": values.std()}
    assert spread == pytest.approx(wanted, rel=1e-9)


def test_target_of_other_models_is_told_as_its_type_suggests() -> None:
    assert "classes" in inspect(np.array([0, 1]), target="clusterer")
    assert "spread" in inspect(np.array([0.5, 1]), target="clusterer")
    assert not {"classes", "spread"} & inspect(np.array([0, 1])).keys()
    assert "spread" in inspect(np.array([1, 2]), target="regressor")


def test_targets_with_nothing_to_tell() -> None:
    for target in (np.array([]), np.array([NAN]), np.zeros((2, 2)), np.array(["a"]), np.array([1 + 2j])):
        assert "spread" not in inspect(target, target="regressor")


def test_counting_ends_with_its_time_and_says_of_how_many_rows_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter(range(1_000_000))
    monkeypatch.setattr(time, "thread_time", lambda: float(next(clock)))
    values = np.zeros(1_000_000)
    values[0] = NAN
    found = inspect(values, target="classifier")
    assert found["missing"] == 1
    assert found["missing_of"] == found["classes_of"] < 1_000_000
    assert found["classes"] == {"0.0": found["classes_of"] - 1}


def test_everything_said_is_plain_json() -> None:
    for data in (None, np.zeros(3), [object()], iter([1]), pd.DataFrame(), pd.DataFrame({"a": [None]}), {"a": [1]}):
        found = inspect(data, target="classifier")
        assert json.loads(json.dumps(found, allow_nan=False)) == found


def test_numbers_too_large_to_be_added_raise_no_warning() -> None:
    assert "spread" not in inspect(np.array([1e308, -1e308]), target="regressor")
    assert "missing" not in inspect(np.array([1e308, 1e308, np.inf]))
