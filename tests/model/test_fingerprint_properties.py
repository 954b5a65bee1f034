"""For any data: a change of one cell changes the fingerprint, and an equal copy has the same one."""

import math
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st

from autotrack.model.fingerprint import fingerprint

Values = list[Any]
Kind = tuple[st.SearchStrategy[Any], Callable[[Values], Any]]

INTEGERS = st.integers(-(2**31), 2**31 - 1)
FLOATS = st.floats(allow_nan=False)
TEXTS = st.text(st.characters(codec="utf-8"), max_size=5)
DATES = st.datetimes(pd.Timestamp("1700").to_pydatetime(), pd.Timestamp("2200").to_pydatetime())
MIXED = st.one_of(st.none(), st.booleans(), INTEGERS, FLOATS, TEXTS, st.binary(max_size=3), st.dates(), st.decimals())


def maybe(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | values


def objects(values: Values) -> Any:
    return np.fromiter(values, object, len(values))


def integers(values: Values) -> Any:
    return np.array([value or 0 for value in values], "i8")


def sparse(values: Values) -> Any:
    return sp.csr_array(np.array(values, "f8").reshape(-1, 1))


KINDS: dict[str, Kind] = {
    "ndarray": (FLOATS, lambda values: np.array(values, "f8")),
    "float32": (st.floats(width=32, allow_nan=False), lambda values: np.array(values, "f4")),
    "integers": (INTEGERS, lambda values: np.array(values, "i4")),
    "booleans": (st.booleans(), lambda values: np.array(values, bool)),
    "dates": (DATES, lambda values: np.array(values, "M8[us]")),
    "texts": (TEXTS, lambda values: np.array(values, "U5")),
    "by column": (FLOATS, lambda values: np.array([values, values], "f8").T),
    "every second": (FLOATS, lambda values: np.repeat(np.array(values, "f8"), 2)[::2]),
    "masked": (maybe(INTEGERS), lambda values: np.ma.array(integers(values), mask=[v is None for v in values])),
    "objects": (MIXED, objects),
    "records": (INTEGERS, lambda values: np.array([(1, value) for value in values], [("a", "i1"), ("b", "i8")])),
    "list": (MIXED, list),
    "list of rows": (MIXED, lambda values: [[1, value] for value in values]),
    "list of deep rows": (MIXED, lambda values: [(1, [value]) for value in values]),
    "pandas": (FLOATS, lambda values: pd.DataFrame({"a": 1, "b": np.array(values, "f8")})),
    "pandas by row": (FLOATS, lambda values: pd.DataFrame(np.array([values, values], "f8").T)),
    "pandas str": (maybe(TEXTS), lambda values: pd.Series(values, dtype="str")),
    "pandas python strings": (maybe(TEXTS), lambda values: pd.Series(values, dtype=pd.StringDtype("python"))),
    "pandas objects": (MIXED, lambda values: pd.Series(objects(values), dtype=object)),
    "pandas dates": (maybe(DATES), lambda values: pd.Series(values, dtype="M8[us]")),
    "pandas dates in a zone": (maybe(DATES), lambda values: pd.Series(values, dtype="M8[us]").dt.tz_localize("UTC")),
    "pandas Int64": (maybe(INTEGERS), lambda values: pd.Series(values, dtype="Int64")),
    "pandas boolean": (maybe(st.booleans()), lambda values: pd.Series(values, dtype="boolean")),
    "pandas categories": (maybe(TEXTS), lambda values: pd.Series(values, dtype=object).astype("category")),
    "pandas Arrow": (maybe(TEXTS), lambda values: pd.Series(values, dtype=pd.ArrowDtype(pa.string()))),
    "polars": (maybe(FLOATS), lambda values: pl.DataFrame({"a": values}, schema={"a": pl.Float64})),
    "polars texts": (maybe(TEXTS), lambda values: pl.Series(values, dtype=pl.String)),
    "polars booleans": (maybe(st.booleans()), lambda values: pl.Series(values, dtype=pl.Boolean)),
    "polars dates": (maybe(DATES), lambda values: pl.Series(values, dtype=pl.Datetime)),
    "polars categories": (maybe(TEXTS), lambda values: pl.Series(values, dtype=pl.Categorical)),
    "pyarrow": (maybe(INTEGERS), lambda values: pa.table({"a": pa.array(values, pa.int64())})),
    "pyarrow texts": (maybe(TEXTS), lambda values: pa.array(values, pa.string())),
    "pyarrow large binary": (maybe(st.binary(max_size=4)), lambda values: pa.array(values, pa.large_binary())),
    "pyarrow booleans": (maybe(st.booleans()), lambda values: pa.array(values, pa.bool_())),
    "pyarrow dictionary": (maybe(TEXTS), lambda values: pa.array(values, pa.string()).dictionary_encode()),
    "sparse": (FLOATS, sparse),
}  # fmt: skip


def is_same(first: Any, second: Any) -> bool:
    """Whether two values are the same one: 1 is neither 1.0 nor True, 0.0 not -0.0."""
    if type(first) is not type(second):
        return False
    if isinstance(first, float):
        return first == second and math.copysign(1, first) == math.copysign(1, second)
    return str(first) == str(second)


@given(st.data(), st.sampled_from(sorted(KINDS)))
def test_any_change_of_a_cell_is_seen_and_an_equal_copy_is_the_same(data: st.DataObject, kind: str) -> None:
    cells, make = KINDS[kind]
    values = data.draw(st.lists(cells, min_size=1, max_size=20), label="values")
    position = data.draw(st.integers(0, len(values) - 1), label="position")
    other = data.draw(cells.filter(lambda value: not is_same(value, values[position])), label="other")
    changed = [*values[:position], other, *values[position + 1 :]]
    before = fingerprint(make(values))
    assert before["fingerprint"] == fingerprint(make(list(values)))["fingerprint"]
    if kind == "texts" and values[position].rstrip("\0") == other.rstrip("\0"):
        return  # to NumPy they are the same text
    if kind == "sparse" and values[position] == other:
        return  # -0.0 is stored as nothing, as 0.0 is
    assert before["fingerprint"] != fingerprint(make(changed))["fingerprint"]


@given(st.lists(st.tuples(maybe(INTEGERS), maybe(TEXTS), maybe(st.booleans())), max_size=30), st.data())
def test_any_way_to_cut_arrow_data_into_chunks_gives_the_same(rows: list[Any], data: st.DataObject) -> None:
    schema = pa.schema([("n", pa.int64()), ("t", pa.string()), ("b", pa.bool_())])
    table = pa.Table.from_pylist([dict(zip("ntb", row, strict=True)) for row in rows], schema)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(rows)), max_size=4)))
    ends = [0, *cuts, len(rows)]
    parts = [table.slice(start, stop - start) for start, stop in pairwise(ends)]
    assert fingerprint(pa.concat_tables(parts)) == fingerprint(table)
    frame: Any = pl.from_arrow(table)
    frames = [frame[start:stop] for start, stop in pairwise(ends)]
    assert fingerprint(pl.concat(frames, rechunk=False)) == fingerprint(frame)
