"""Bodies of requests become the data that a model was fitted on, or are refused with what is wrong about them."""

import contextlib
import json
from typing import Any

import hypothesis
import hypothesis.strategies as st
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import torch

from autotrack.model import describe
from autotrack.serving.bodies import read
from autotrack.serving.cast import cast
from autotrack.serving.refusal import RefusedError, body_of
from model_server import WRONG_BODIES

ARRAY = np.ones((4, 3))
FRAME = pd.DataFrame(
    {
        "flag": [True, False],
        "small": np.array([1, 2], dtype="int8"),
        "maybe": pd.array([1, None], dtype="Int64"),
        "half": np.array([0.5, 1.5], dtype="float32"),
        "city": ["Bonn", "Ulm"],
        "note": pd.Series(["x", None], dtype=object),
        "plan": pd.Categorical(["b", "a"], categories=["b", "a"]),
        "day": pd.to_datetime(["2026-01-01", "2026-01-02"]).astype("datetime64[ns]"),
        "at": pd.to_datetime(["2026-01-01T10:00:00Z", "2026-01-02T10:00:00Z"]),
        "took": pd.to_timedelta(["1h", "90min"]),
        "arrow": pd.Series([1.5, 2.5], dtype="double[pyarrow]"),
    }
)
ROW = {
    "flag": True,
    "small": 1,
    "maybe": None,
    "half": 1,
    "city": "Bonn",
    "note": None,
    "plan": "a",
    "day": "2026-01-01",
    "at": "2026-01-01T10:00:00Z",
    "took": "1h",
    "arrow": 2,
}


def data_of(body: dict[str, Any] | str, trained_on: Any, content_type: str = "application/json") -> Any:
    content = body if isinstance(body, str) else json.dumps(body)
    return cast(read(content.encode(), content_type), None if trained_on is None else describe(trained_on))


def problems_of(body: dict[str, Any] | str, trained_on: Any, content_type: str = "application/json") -> list[str]:
    with pytest.raises(RefusedError) as error:
        data_of(body, trained_on, content_type)
    return [str(problem) for problem in error.value.problems]


@pytest.mark.parametrize(("body", "told"), WRONG_BODIES, ids=[repr(body)[:40] for body, _ in WRONG_BODIES])
def test_wrong_body_is_told_what_is_wrong(body: str | bytes, told: str) -> None:
    content = body.encode() if isinstance(body, str) else body
    with pytest.raises(RefusedError) as error:
        cast(read(content, "application/json"), describe(ARRAY))
    assert error.value.status == 400
    assert told in error.value.message
    assert len(error.value.message) < 1000


def test_frame_has_the_dtypes_of_the_training() -> None:
    for body in ({"dataframe_records": [ROW]}, {"inputs": {name: [value] for name, value in ROW.items()}}):
        found = data_of(body, FRAME)
        pd.testing.assert_series_equal(found.dtypes, FRAME.dtypes)
        assert found["half"].tolist() == [1.0]
        assert found["plan"].tolist() == ["a"]
        assert found["at"].tolist() == [pd.Timestamp("2026-01-01T10:00:00Z")]
        assert found["took"].tolist() == [pd.Timedelta(hours=1)]
        assert found["maybe"].isna().all()


def test_csv_has_the_dtypes_of_the_training() -> None:
    names = list(ROW)
    line = "true,1,,0.5,Bonn,,a,2026-01-01,2026-01-01T10:00:00Z,1h,2.5"
    found = data_of(f"{','.join(names)}\n{line}\n", FRAME, "text/csv")
    pd.testing.assert_series_equal(found.dtypes, FRAME.dtypes)
    assert found["half"].tolist() == [0.5]


def test_frames_of_polars_and_arrow_have_the_dtypes_of_the_training() -> None:
    data = {"n": [1, 2], "x": [0.5, 1.5], "city": ["Bonn", "Ulm"], "day": pd.to_datetime(["2026-01-01"] * 2)}
    row = {"n": 3, "x": 2, "city": "Bonn", "day": "2026-01-05"}
    enum = pl.DataFrame(data).with_columns(pl.col("city").cast(pl.Enum(["Bonn", "Ulm"])), pl.col("day").cast(pl.Date))
    for trained_on in (pl.DataFrame(data), enum, pa.table(data)):
        found = data_of({"dataframe_records": [row]}, trained_on)
        assert type(found) is type(trained_on)
        assert found.schema == trained_on.schema
    assert problems_of({"dataframe_records": [{**row, "city": "Rom"}]}, enum) == [
        "column 'city': expected one of 'Bonn', 'Ulm', found 'Rom'"
    ]


def test_frame_of_floats_is_made_at_once_and_checked_all_the_same() -> None:
    trained_on = pd.DataFrame(ARRAY, columns=["a", "b", "c"])
    found = data_of({"dataframe_split": {"columns": ["a", "b", "c"], "data": [[1, 2.5, True], [4, 5, 6]]}}, trained_on)
    pd.testing.assert_frame_equal(found, pd.DataFrame([[1.0, 2.5, 1.0], [4.0, 5.0, 6.0]], columns=["a", "b", "c"]))
    assert data_of({"instances": [[1, None, 3]]}, trained_on).isna().sum().sum() == 1
    for wrong, told in [("2", "texts"), ([2], "lists"), ({"x": 2}, "objects")]:
        found = problems_of({"instances": [[1, wrong, 3]]}, trained_on)
        assert found == [f"column 'b': expected numbers, found {told}"]
    assert problems_of('{"instances": [[1, 1e999, 3]]}', trained_on)[0].startswith("column 'b': expected finite")
    assert problems_of({"instances": [[1, 2]]}, trained_on) == ["expected rows of 3 values, found others"]


@pytest.mark.parametrize(
    ("column", "value", "problem"),
    [
        ("flag", 2, "expected booleans, found integers"),
        ("flag", "true", "expected booleans, found texts"),
        ("small", 1.5, "expected integers, found numbers with a fraction"),
        ("small", 300, "expected values for int8, found others"),
        ("small", 10**400, "expected values for int8, found others"),
        ("half", 1e39, "expected values for float32, found others"),
        ("maybe", "1", "expected integers, found texts"),
        ("half", [1], "expected numbers, found lists"),
        ("city", 7, "expected texts, found integers"),
        ("plan", "z", "expected one of 'b', 'a', found 'z'"),
        ("day", "no date", "expected values for datetime64[ns], found others"),
        ("day", 20260101, "expected dates, found integers"),
        ("took", "long", "expected values for timedelta64"),
        ("arrow", "1", "expected numbers, found texts"),
    ],
)
def test_value_of_another_kind_is_a_problem_of_its_column(column: str, value: Any, problem: str) -> None:
    found = problems_of({"dataframe_records": [{**ROW, column: value}]}, FRAME)
    assert len(found) == 1
    assert found[0].startswith(f"column {column!r}: {problem}")


@pytest.mark.parametrize(
    ("column", "value"), [("small", 2.0), ("small", True), ("flag", 1), ("note", 7), ("half", True)]
)
def test_value_that_loses_nothing_is_taken(column: str, value: Any) -> None:
    found = data_of({"dataframe_records": [{**ROW, column: value}]}, FRAME)
    assert found[column].tolist() == [value]


def test_null_where_nothing_can_be_missing_makes_the_column_another_dtype() -> None:
    found = data_of({"dataframe_records": [{**ROW, "small": None, "flag": None, "half": None}]}, FRAME)
    assert found[["small", "flag", "half"]].isna().all(axis=None)
    assert found["half"].dtype == "float32"


def test_key_that_some_records_lack_is_missing_there() -> None:
    short = {name: value for name, value in ROW.items() if name != "half"}
    assert data_of({"dataframe_records": [ROW, short]}, FRAME)["half"].isna().tolist() == [False, True]
    assert problems_of({"dataframe_records": [short]}, FRAME) == ["column 'half': expected a column, found none"]


@pytest.mark.parametrize(
    "trained_on",
    [
        np.ones((2, 3), dtype="float32"),
        np.ones((2, 3), dtype="uint8"),
        np.ones((2, 3), dtype=bool),
        [[1.0, 2.0, 3.0]],
        torch.ones(2, 3),
        torch.ones(2, 3, dtype=torch.bfloat16),
        torch.ones(2, 3, dtype=torch.int32),
    ],
)
def test_arrays_and_tensors_have_the_dtype_of_the_training(trained_on: Any) -> None:
    found = data_of({"instances": [[1, 0, 1], [0, 1, 1]]}, trained_on)
    expected = describe(trained_on)
    if isinstance(trained_on, list):
        assert found.dtype == "float64"
    else:
        assert type(found) is type(trained_on)
        assert found.dtype == trained_on.dtype
    assert found.tolist() == [[1, 0, 1], [0, 1, 1]]
    assert describe(found)["shape"] == [2, 3]
    assert len(expected["shape"]) == 2


@pytest.mark.parametrize(
    ("trained_on", "row", "problem"),
    [
        (
            np.ones((2, 1), dtype="uint8"),
            [300],
            "expected values for uint8, found others (a number is too large for uint8)",
        ),
        (
            torch.ones(2, 1, dtype=torch.int8),
            [300],
            "expected values for torch.int8, found others (a number is too large for torch.int8)",
        ),
        (
            torch.ones(2, 1),
            [1e39],
            "expected values for torch.float32, found others (a number is too large for torch.float32)",
        ),
        (
            np.ones((2, 1), dtype="float32"),
            [1e39],
            "expected values for float32, found others (overflow encountered in cast)",
        ),
        (
            pd.DataFrame({"x": [0.5]}, dtype="float32"),
            [1e39],
            "column 'x': expected values for float32, found others (overflow encountered in cast)",
        ),
        (np.ones((2, 1), dtype=int), [1.5], "expected integers, found numbers with a fraction"),
        (np.ones((2, 1), dtype=bool), [0.5], "expected booleans, found numbers"),
        (np.ones((2, 1)), ["1"], "expected numbers, found texts"),
        (np.ones((2, 2)), [1, "a"], "expected numbers, found texts"),
        (np.array([["a"]]), [1], "expected texts, found integers"),
        (["a text"], ["a", "b"], "expected one dimension, found 2 features"),
        (np.ones((2, 1), dtype=complex), [1], "expected complex numbers, found integers"),
    ],
)
def test_value_of_another_kind_in_an_array(trained_on: Any, row: list[Any], problem: str) -> None:
    assert problems_of({"instances": [row]}, trained_on) == [problem]


def test_images_and_tokens_keep_their_dimensions() -> None:
    found = data_of({"instances": [[[1, 2], [3, 4]]]}, torch.ones(5, 2, 2))
    assert found.shape == (1, 2, 2)
    tokens = data_of({"inputs": [[5, 6, 7]]}, torch.ones(5, 3, dtype=torch.int64))
    assert tokens.dtype == torch.int64


def test_dates_in_an_array() -> None:
    found = data_of({"inputs": [["2026-01-01"]]}, np.array([["2025-01-01"]], dtype="datetime64[D]"))
    assert found.tolist() == np.array([["2026-01-01"]], dtype="datetime64[D]").tolist()


def test_without_a_signature_the_data_is_as_it_was_sent() -> None:
    assert data_of({"instances": [[1, 2.5]]}, None).tolist() == [[1, 2.5]]
    frame = data_of({"dataframe_records": [{"a": 1, "b": "x"}]}, None)
    pd.testing.assert_frame_equal(frame, pd.DataFrame({"a": [1], "b": ["x"]}))
    assert data_of("a,b\n1,x\n", None, "text/csv")["a"].tolist() == [1]


def test_frame_too_wide_to_be_recorded_by_name_is_checked_by_its_width() -> None:
    names = [f"f{number}" for number in range(1001)]
    trained_on = pd.DataFrame(np.ones((2, 1001)), columns=names)
    assert data_of({"dataframe_split": {"columns": names, "data": [[1.0] * 1001]}}, trained_on).shape == (1, 1001)
    assert problems_of({"dataframe_split": {"columns": names[:-1], "data": [[1.0] * 1000]}}, trained_on) == [
        "expected 1001 features, found 1000 features"
    ]


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False)
    | st.sampled_from(["a", "Bonn", "1", "2026-01-01", "\ud800"]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["a", "flag", "city", "data", "columns"]), inner, max_size=4)
    ),
    max_leaves=12,
)
FORMS = st.sampled_from(["dataframe_split", "dataframe_records", "instances", "inputs", "params"])


@pytest.mark.parametrize(
    "trained_on", [FRAME, FRAME[["flag", "city"]], ARRAY, ["a text"], torch.ones(2, 2, dtype=torch.int64), None]
)
@hypothesis.given(body=st.dictionaries(FORMS, JSON, min_size=1, max_size=1) | JSON)
def test_any_json_becomes_data_or_is_refused(trained_on: Any, body: Any) -> None:
    with contextlib.suppress(RefusedError):
        assert data_of(json.dumps(body), trained_on) is not None


@pytest.mark.parametrize(
    "trained_on", [FRAME, ARRAY, ["a text"], torch.ones(2, 3), pl.from_pandas(FRAME[["half", "city"]])]
)
@hypothesis.given(
    rows=st.lists(st.dictionaries(st.sampled_from(list(ROW)), JSON), min_size=1, max_size=3), data=st.data()
)
def test_any_records_become_data_or_are_refused(trained_on: Any, rows: Any, data: st.DataObject) -> None:
    whole = data.draw(st.booleans())
    records = [{**ROW, **row} if whole else row for row in rows]
    with contextlib.suppress(RefusedError):
        assert data_of({"dataframe_records": records}, trained_on) is not None


@hypothesis.given(text=st.text(st.sampled_from('ab1.,"\n\r-eE \x00é')))
def test_any_text_is_read_as_csv_or_is_refused(text: str) -> None:
    for trained_on in (ARRAY, FRAME[["half"]], None):
        with contextlib.suppress(RefusedError):
            assert data_of(text, trained_on, "text/csv") is not None


def test_refusal_repeats_no_large_body() -> None:
    with pytest.raises(RefusedError) as error:
        data_of({"dataframe_records": [{f"{number:01000}": 1 for number in range(1000)}]}, FRAME)
    assert len(error.value.problems) > 1000
    assert len(body_of(400, error.value.message, error.value.problems)) < 250_000
