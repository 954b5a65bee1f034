"""Rows that two data sets share are counted, exactly, whatever kinds of data the two are."""

from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st

from autotrack.model import overlap

PLENTY_S = 10.0
TRAINING = np.random.default_rng(0).normal(size=(200, 4))
ROWS = np.vstack([TRAINING[:7], TRAINING[5:6], TRAINING[:20] + 1])


def with_texts(values: Any) -> Any:
    return pd.DataFrame(values).assign(text=[f"{value:.4f}" for value in values[:, 0]])


KINDS: dict[str, Any] = {
    "numpy": np.asarray,
    "by column": np.asfortranarray,
    "float32": lambda values: values.astype("f4"),
    "pandas": pd.DataFrame,
    "texts": with_texts,
    "categories": lambda values: with_texts(values).astype({"text": "category"}),
    "nullable": lambda values: pd.DataFrame(values).astype("Float64"),
    "polars": pl.DataFrame,
    "pyarrow": lambda values: pa.table({str(at): values[:, at] for at in range(4)}),
    "list": lambda values: values.tolist(),
    "sparse": sp.csr_array,
    "list of texts": lambda values: [f"{value:.6f}" for value in values[:, 0]],
    "images": lambda values: values.reshape(-1, 2, 2),
}


@pytest.mark.parametrize("make", KINDS.values(), ids=KINDS.keys())
def test_common_rows_are_counted(make: Any) -> None:
    found = overlap(make(ROWS), make(TRAINING), PLENTY_S)
    assert (found.count, found.is_remarkable, found.why_unknown) == (8, True, "")


def test_the_two_may_be_of_different_kinds() -> None:
    for rows in (ROWS, ROWS.tolist(), pl.DataFrame(ROWS)):
        assert overlap(rows, pd.DataFrame(TRAINING), PLENTY_S).count == 8
    whole = np.arange(12).reshape(6, 2)
    assert overlap(whole.astype(float), whole, PLENTY_S).count == 6
    assert overlap(np.array([[0.0, 1.0]]), np.array([[-0.0, 1.0]]), PLENTY_S).count == 1
    assert (
        overlap(np.array([[np.nan, 1.0]]), pd.DataFrame({"a": pd.array([None], "Int64"), "b": 1}), PLENTY_S).count == 1
    )


def test_values_in_other_columns_are_other_rows() -> None:
    assert overlap(np.array([[1.0, 2.0], [3.0, 3.0]]), np.array([[2.0, 1.0], [1.0, 1.0]]), PLENTY_S).count == 0


def test_sparse_rows_are_equal_in_whatever_order_they_are_stored() -> None:
    ordered = sp.csr_array((np.array([1.0, 2.0]), np.array([0, 3]), np.array([0, 2])), shape=(1, 5))
    turned = sp.csr_array((np.array([2.0, 0.0, 1.0]), np.array([3, 1, 0]), np.array([0, 3])), shape=(1, 5))
    assert overlap(ordered, turned, PLENTY_S).count == 1


def test_what_takes_too_long_is_not_begun() -> None:
    found = overlap(ROWS, TRAINING, 1e-9)
    assert found.count is None
    assert "too large" in found.why_unknown


@pytest.mark.parametrize("rows", [ROWS[:, :2], [object()], iter([1]), sp.coo_array(ROWS), {"a": 1}, None])
def test_what_cannot_be_compared_is_unknown(rows: Any) -> None:
    found = overlap(rows, TRAINING, PLENTY_S)
    assert found.count is None
    assert found.why_unknown


def test_no_rows_are_no_common_rows() -> None:
    assert overlap(ROWS[:0], TRAINING, PLENTY_S).count == 0


@given(st.lists(st.tuples(st.integers(-3, 3), st.integers(-3, 3)), max_size=30), st.data())
def test_the_count_is_that_of_sets(rows: Any, data: st.DataObject) -> None:
    training = data.draw(st.lists(st.tuples(st.integers(-3, 3), st.integers(-3, 3)), min_size=1, max_size=30))
    found = overlap(np.array(rows, float).reshape(-1, 2), np.array(training, float), PLENTY_S)
    assert found.count == sum(row in set(training) for row in rows)
