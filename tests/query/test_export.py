"""Typed values and tables of other programs."""

import builtins
import math
import sys
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autotrack.errors import MissingLibraryError
from autotrack.query import Runs, record, typed
from autotrack.values import encode

FIXED = [
    *("run_id", "name", "experiment", "status", "started_at", "ended_at", "duration_s"),
    *("author", "git_commit", "parent_run_id"),
]


def run(number: int, params=None, metrics=None, **fields) -> dict:
    encoded = {key: encode(value) for key, value in (params or {}).items()}
    return {
        "run_id": f"{number:022d}",
        "name": f"run {number}",
        "status": "finished",
        "start_ts": 1_700_000_000_123_456,
        "end_ts": 1_700_000_002_123_456,
        "params": {key: text for key, (text, _) in encoded.items()},
        "param_types": {key: kind for key, (_, kind) in encoded.items()},
        "summary": {
            key: {"last": v, "min": v, "max": v, "last_step": 0, "count": 1} for key, v in (metrics or {}).items()
        },
        **fields,
    }


ROWS = [
    run(
        1,
        {"C": 1, "lr": 0.1, "shuffle": True, "kernel": "rbf", "layers": [1, 2], "depth": None, "features": "sqrt"},
        {"acc": 0.9},
        tags={"team": "vision"},
    ),
    run(2, {"C": 2**60, "lr": 3, "shuffle": False, "layers": [3], "depth": 7, "features": 0.5}, {"loss": math.nan}),
]


@pytest.mark.parametrize(
    "value", [3, -(2**70), 0.1, 1e-300, math.inf, -math.inf, True, False, "rbf", "3", "", None, [1, 2.5, "a", None]]
)
def test_a_param_comes_back_as_what_it_was(value):
    [found] = typed(run(1, {"x": value})).values()
    assert found == value
    assert type(found) is type(value)


@given(
    st.dictionaries(
        st.text(min_size=1),
        st.one_of(st.integers(), st.floats(), st.booleans(), st.none(), st.text(), st.lists(st.integers())),
    )
)
def test_params_of_every_kind_come_back(values):
    found = typed(run(1, values))
    assert found.keys() == values.keys()
    for key, value in values.items():
        is_nan = isinstance(value, float) and math.isnan(value)
        assert type(found[key]) is type(value)
        assert (
            math.isnan(found[key])
            if is_nan
            else found[key] == (value.encode("utf-8", "replace").decode() if isinstance(value, str) else value)
        )


def test_a_param_that_does_not_read_as_its_type_comes_back_as_its_text():
    assert typed({"params": {"x": "many"}, "param_types": {"x": "int"}}) == {"x": "many"}


def test_a_record_holds_plain_typed_values():
    found = record(ROWS[0])
    assert list(found) == [*FIXED, "params", "metrics", "tags"]
    assert found["started_at"] == datetime(2023, 11, 14, 22, 13, 20, 123456, tzinfo=UTC)
    assert found["duration_s"] == 2.0
    assert found["params"]["layers"] == [1, 2]
    assert found["metrics"] == {"acc": 0.9}


def test_pandas_gets_one_typed_column_for_each_name():
    frame = Runs(ROWS, dict).to_pandas()
    assert list(frame.columns[:10]) == FIXED
    assert list(frame.columns[10:]) == [
        *(f"params.{name}" for name in ("C", "depth", "features", "kernel", "layers", "lr", "shuffle")),
        "metrics.acc",
        "metrics.loss",
        "tags.team",
    ]
    assert frame["params.C"].tolist() == [1, 2**60]
    assert str(frame["params.C"].dtype) == "int64"
    assert str(frame["params.depth"].dtype) == "Int64"
    assert frame["params.depth"].isna().tolist() == [True, False]
    assert str(frame["params.lr"].dtype) == "float64"
    assert str(frame["params.shuffle"].dtype) == "bool"
    assert frame["params.features"].tolist() == ["sqrt", 0.5]
    assert frame["params.layers"].tolist() == [[1, 2], [3]]
    assert str(frame["started_at"].dtype) == "datetime64[us, UTC]"
    assert frame["metrics.acc"].tolist()[0] == 0.9


def test_arrow_and_polars_get_the_same_columns_and_the_text_of_mixed_ones():
    arrow = Runs(ROWS, dict).to_arrow()
    polars = Runs(ROWS, dict).to_polars()
    assert arrow.column_names == polars.columns == list(Runs(ROWS, dict).to_pandas().columns)
    assert str(arrow.schema.field("params.C").type) == "int64"
    assert str(arrow.schema.field("started_at").type) == "timestamp[us, tz=UTC]"
    assert arrow["params.features"].to_pylist() == polars["params.features"].to_list() == ["sqrt", "0.5"]
    assert arrow["params.layers"].to_pylist() == ["[1, 2]", "[3]"]
    assert arrow["params.depth"].to_pylist() == [None, 7]
    assert math.isnan(arrow["metrics.loss"].to_pylist()[1])
    assert arrow["metrics.loss"].to_pylist()[0] is None


def test_whole_numbers_too_large_for_their_column_stay_exact():
    rows = [run(1, {"big": 2**70, "half": 2**60 + 1}), run(2, {"big": 1, "half": 0.5})]
    frame = Runs(rows, dict).to_pandas()
    assert frame["params.big"].tolist() == [2**70, 1]
    assert frame["params.half"].tolist() == [2**60 + 1, 0.5]
    assert Runs(rows, dict).to_arrow()["params.big"].to_pylist() == [str(2**70), "1"]


def test_no_runs_make_tables_with_the_fixed_columns():
    empty = Runs([], dict)
    assert list(empty.to_pandas().columns) == empty.to_arrow().column_names == empty.to_polars().columns == FIXED


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_a_library_that_is_not_installed_is_told_with_the_command_that_installs_it(library, monkeypatch):
    for name in list(sys.modules):
        if name.partition(".")[0] == library:
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(MissingLibraryError, match=f"pip install autotrack-ml {library}") as caught:
        getattr(Runs(ROWS, dict), f"to_{library}")()
    assert isinstance(caught.value, builtins.ImportError)


def test_searching_and_showing_runs_imports_no_library(run_python):
    code = (
        "import sys; from autotrack.query import Runs, parse, search; repr(Runs([], dict)); parse('params.C > 1');"
        "print([name for name in ('pandas', 'pyarrow', 'numpy', 'polars', 'click', 'rich') if name in sys.modules])"
    )
    assert run_python(code) == []
