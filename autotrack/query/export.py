"""Runs for other programs: typed values, plain records, and tables of pandas, Polars and Arrow.

A table has the columns run_id name experiment status started_at ended_at duration_s author git_commit parent_run_id,
then params.x, metrics.y (last values), tags.z, sorted by name. Params come back as what they were: ints as ints
(nullable where some runs have none), ints and floats together as floats. Columns of several kinds hold Python objects
in pandas, and in Arrow and Polars the text a person would write. The libraries are imported when asked for.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Literal

from autotrack.errors import MissingLibraryError
from autotrack.query.evaluate import duration_s
from autotrack.types import Row, to_datetime
from autotrack.values import decode

__all__ = ["library", "record", "to_arrow", "to_pandas", "to_polars", "typed"]

ColumnKind = Literal["string", "time", "float", "int", "bool", "mixed"]
_EXACT_IN_FLOAT = 2**53  # whole numbers up to here are exact as float64


@dataclass(frozen=True)
class _Column:
    """One column of a table; `texts` are its values as a person would write them, kept for mixed kinds only."""

    kind: ColumnKind
    values: list[Any]
    texts: list[str | None]


def typed(row: Row) -> dict[str, Any]:
    """The params of a run as what they were: int, float (NaN and infinities too), bool, str, None, list or dict."""
    kinds = row.get("param_types", {})
    return {key: _decoded(text, kinds.get(key)) for key, text in row.get("params", {}).items()}


def record(row: Row) -> dict[str, Any]:
    """The run as plain values: the fixed columns, then `params`, `metrics` (last values) and `tags` as dicts."""
    fixed = {name: read(row) for name, (_, read) in _FIXED.items()}
    metrics = {key: summary["last"] for key, summary in row.get("summary", {}).items()}
    return {**fixed, "params": typed(row), "metrics": metrics, "tags": dict(row.get("tags", {}))}


def to_pandas(rows: Sequence[Row]) -> Any:
    """A pandas DataFrame, one run per line."""
    pandas = library("pandas", "to_pandas()")
    series = {}
    for name, column in _columns(rows).items():
        has_missing = any(value is None for value in column.values)
        dtypes: dict[ColumnKind, str | None] = {
            "string": None if any(value is not None for value in column.values) else "object",
            "time": "datetime64[us, UTC]",
            "float": "float64",
            "int": "Int64" if has_missing else "int64",
            "bool": "boolean" if has_missing else "bool",
            "mixed": "object",
        }
        series[name] = pandas.Series(column.values, dtype=dtypes[column.kind])
    return pandas.DataFrame(series)


def to_arrow(rows: Sequence[Row]) -> Any:
    """A pyarrow Table, one run per line."""
    pyarrow = library("pyarrow", "to_arrow()")
    types: dict[ColumnKind, Any] = {
        "string": pyarrow.string(),
        "time": pyarrow.timestamp("us", tz="UTC"),
        "float": pyarrow.float64(),
        "int": pyarrow.int64(),
        "bool": pyarrow.bool_(),
        "mixed": pyarrow.string(),
    }
    arrays = {}
    for name, column in _columns(rows).items():
        values = column.texts if column.kind == "mixed" else column.values
        arrays[name] = pyarrow.array(values, type=types[column.kind])
    return pyarrow.table(arrays)


def to_polars(rows: Sequence[Row]) -> Any:
    """A Polars DataFrame, one run per line."""
    polars = library("polars", "to_polars()")
    return polars.from_arrow(to_arrow(rows))


def _fixed(column: str) -> Callable[[Row], Any]:
    return lambda row: row.get(column) or None


def _time(column: str) -> Callable[[Row], Any]:
    return lambda row: None if (microseconds := row.get(column)) is None else to_datetime(microseconds)  # type: ignore[arg-type]


_FIXED: dict[str, tuple[ColumnKind, Callable[[Row], Any]]] = {
    "run_id": ("string", _fixed("run_id")),
    "name": ("string", _fixed("name")),
    "experiment": ("string", _fixed("experiment")),
    "status": ("string", _fixed("status")),
    "started_at": ("time", _time("start_ts")),
    "ended_at": ("time", _time("end_ts")),
    "duration_s": ("float", duration_s),
    "author": ("string", _fixed("author")),
    "git_commit": ("string", _fixed("git_commit")),
    "parent_run_id": ("string", _fixed("parent_run_id")),
}


def _columns(rows: Sequence[Row]) -> dict[str, _Column]:
    columns = {name: _Column(kind, [read(row) for row in rows], []) for name, (kind, read) in _FIXED.items()}
    for key in _names(row.get("params", {}) for row in rows):
        columns[f"params.{key}"] = _param_column(rows, key)
    for key in _names(row.get("summary", {}) for row in rows):
        summaries = [row.get("summary", {}).get(key) for row in rows]
        columns[f"metrics.{key}"] = _Column(
            "float", [None if found is None else float(found["last"]) for found in summaries], []
        )
    for key in _names(row.get("tags", {}) for row in rows):
        columns[f"tags.{key}"] = _Column("string", [row.get("tags", {}).get(key) for row in rows], [])
    return columns


def _names(maps: Iterable[Iterable[str]]) -> list[str]:
    return sorted({key for entries in maps for key in entries})


def _param_column(rows: Sequence[Row], key: str) -> _Column:
    texts = [row.get("params", {}).get(key) for row in rows]
    kinds = [row.get("param_types", {}).get(key) for row in rows]
    values = [None if text is None else _decoded(text, kind) for text, kind in zip(texts, kinds, strict=True)]
    present = {type(value) for value in values if value is not None}
    whole = [value for value in values if type(value) is int]
    shown: list[str | None] = [text if value is not None else None for text, value in zip(texts, values, strict=True)]
    if present <= {str}:
        return _Column("string", values, shown)
    if present == {bool}:
        return _Column("bool", values, shown)
    if present == {int} and all(-(2**63) <= value < 2**63 for value in whole):
        return _Column("int", values, shown)
    if present in ({float}, {int, float}) and all(abs(value) <= _EXACT_IN_FLOAT for value in whole):
        return _Column("float", [None if value is None else float(value) for value in values], shown)
    return _Column("mixed", values, shown)


def _decoded(text: str, kind: str | None) -> Any:
    try:
        return decode(text, kind)
    except ValueError:  # written by a newer version or another program: the text is better than nothing
        return text


def library(name: str, asked_by: str) -> Any:
    """A library that is imported when it is asked for.

    Raises:
        MissingLibraryError: It is not installed.
    """
    try:
        return import_module(name)
    except ImportError:
        raise MissingLibraryError(
            f"{asked_by} needs {name}, which is not installed here.\n"
            f"Expected it beside autotrack. Install both with: pip install autotrack-ml {name}",
            library=name,
        ) from None
