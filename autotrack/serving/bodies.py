"""The body of a request, in one of MLflow's formats, as rows or columns of JSON values.

    {"dataframe_split": {"columns": ["a", "b"], "data": [[1, 2], [3, 4]]}}
    {"dataframe_records": [{"a": 1, "b": 2}, {"a": 3, "b": 4}]}
    {"instances": [[1, 2], [3, 4]]}     or records, as above
    {"inputs": {"a": [1, 3], "b": [2, 4]}}     or rows, as above
    a,b\\n1,2\\n3,4     as text/csv

Knows no model and no dtype. What is none of these is refused with what was wrong about it.
"""

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

from autotrack.serving.refusal import RefusedError

__all__ = ["Table", "read"]

_FORMATS = ("dataframe_split", "dataframe_records", "instances", "inputs")
_EXPECTED = f"Expected a JSON object with one of the keys {', '.join(_FORMATS)}."
_MOST_FLOAT32 = 3.4028234663852886e38
_SHOWN = 100  # characters of what was sent that an answer repeats


@dataclass(frozen=True)
class Table:
    """What was sent: rows, or columns; one of the two is None.

    Attributes:
        names: Of the columns; None: they were sent without.
        rows: A list for each row; without names also single values, or lists of lists.
        is_text: All cells are texts, as in CSV, and stand for what the column's dtype makes of them.
    """

    names: list[str] | None
    rows: list[Any] | None = None
    columns: list[list[Any]] | None = None
    is_text: bool = False

    @property
    def has_missing(self) -> bool:
        """Whether a value is null, or a cell of CSV empty."""
        parts: Sequence[Any] = (self.columns if self.rows is None else self.rows) or ()
        return any(part is None or (isinstance(part, list | tuple) and None in part) for part in parts)

    @property
    def has_huge(self) -> bool:
        """Whether a number is too large for a float32, which some models turn all numbers into."""
        return _is_huge(self.columns if self.rows is None else self.rows, self.is_text)

    def columns_in(self, names: Sequence[str]) -> list[Sequence[Any]]:
        """The columns in the order of these names, which are all there."""
        found: list[Sequence[Any]] = list(self.columns or [])
        if self.rows is not None:
            found = list(zip(*self.rows, strict=True))
        if self.names is None or self.names == list(names):
            return found
        at = {name: position for position, name in enumerate(self.names)}
        return [found[at[name]] for name in names]


def read(body: bytes, content_type: str) -> Table:
    """What a body says.

    Raises:
        RefusedError: It is of another content type (415), or is not what it should be (400).
    """
    kind, *parameters = [part.strip() for part in content_type.lower().split(";")]
    if any(parameter not in ("charset=utf-8", 'charset="utf-8"', "") for parameter in parameters):
        raise RefusedError(
            f"Content type {content_type[:_SHOWN]!r} is not read here. Expected no parameter but charset=utf-8.", 415
        )
    if kind == "application/json":
        return _table(_parsed(body))
    if kind == "text/csv":
        return _csv(body)
    raise RefusedError(
        f"Content type {content_type[:_SHOWN]!r} is not read here. Expected application/json or text/csv.", 415
    )


def _parsed(body: bytes) -> Any:
    if not body.strip():
        raise RefusedError(f"The body is empty. {_EXPECTED}")
    try:
        return json.loads(body.decode(), parse_constant=_refuse_constant)
    except RecursionError:
        raise RefusedError("The body is nested too deeply. Expected rows and columns of values.") from None
    except ValueError as error:
        if isinstance(error, RefusedError):
            raise
        raise RefusedError(f"The body is not JSON: {error}. {_EXPECTED}") from None


def _refuse_constant(word: str) -> NoReturn:
    raise RefusedError(f"The body is not JSON: it has {word}. Expected null for a value that is missing.")


def _table(content: Any) -> Table:
    if not isinstance(content, dict):
        raise RefusedError(f"The body is {_kind(content)}. {_EXPECTED}")
    if content.pop("params", None):
        raise RefusedError("The body has params, which this server does not take. Expected no params. Leave them out.")
    if len(content) != 1 or next(iter(content)) not in _FORMATS:
        keys = ", ".join(repr(key[:_SHOWN]) for key in list(content)[:5]) or "none"
        raise RefusedError(f"The body has the keys {keys}. {_EXPECTED}")
    form, data = next(iter(content.items()))
    table = _split(data) if form == "dataframe_split" else _by_shape(form, data)
    if not (table.rows if table.columns is None else any(table.columns)):
        raise RefusedError(f"{form!r} has no rows. Expected at least one.")
    return table


def _by_shape(form: str, data: Any) -> Table:
    if form == "inputs" and isinstance(data, dict):
        return _columns(data)
    if not isinstance(data, list):
        raise RefusedError(f"{form!r} is {_kind(data)}. Expected a list of rows.")
    kinds = {*map(type, data)}
    if kinds == {dict}:
        return _records(data)
    if form == "dataframe_records" and data:
        raise RefusedError(
            f"{form!r} has rows that are no objects. Expected a list of objects, a value by column in each."
        )
    if dict in kinds or (list in kinds and len(kinds) > 1):
        raise RefusedError(
            f"{form!r} has rows of several kinds. Expected all of them to be lists, or objects, or values."
        )
    return Table(None, rows=data)


def _split(data: Any) -> Table:
    if not isinstance(data, dict) or "data" not in data or not data.keys() <= {"columns", "data", "index"}:
        found = f"the keys {', '.join(map(repr, list(data)[:5]))}"[:_SHOWN] if isinstance(data, dict) else _kind(data)
        raise RefusedError(f"'dataframe_split' has {found}. Expected an object with data and columns (and index).")
    rows, names = data["data"], data.get("columns")
    if not isinstance(rows, list) or any(type(row) is not list for row in rows):
        raise RefusedError("'data' of 'dataframe_split' is no list of rows. Expected a list of lists.")
    if names is not None and not (isinstance(names, list) and all(type(name) in (str, int) for name in names)):
        raise RefusedError("'columns' of 'dataframe_split' are no names. Expected a list of texts.")
    widths = {*map(len, rows)} | ({len(names)} if names is not None else set())
    if len(widths) > 1:
        raise RefusedError(f"Rows of 'dataframe_split' have {_listed(widths)} values. Expected one for each column.")
    return Table(None if names is None else [*map(str, names)], rows=rows)


def _records(records: list[dict[str, Any]]) -> Table:
    """A column that some records lack is missing (null) there."""
    names = list(records[0])
    if any(record.keys() != records[0].keys() for record in records):
        names = list(dict.fromkeys(name for record in records for name in record))
    return Table(names, rows=[[record.get(name) for name in names] for record in records])


def _columns(data: dict[str, Any]) -> Table:
    if any(type(column) is not list for column in data.values()):
        raise RefusedError("'inputs' has columns that are no lists. Expected a list of values for each column.")
    lengths = {*map(len, data.values())}
    if len(lengths) > 1:
        raise RefusedError(f"Columns of 'inputs' have {_listed(lengths)} values. Expected the same number in each.")
    return Table(list(data), columns=list(data.values()))


def _csv(body: bytes) -> Table:
    try:
        rows = [row for row in csv.reader(io.StringIO(body.decode(), newline=""), strict=True) if row]
    except (ValueError, csv.Error) as error:
        raise RefusedError(
            f"The body is not CSV in UTF-8: {error}. Expected a line of column names, then rows."
        ) from None
    if len(rows) < 2:
        raise RefusedError("The body has no rows. Expected a line of column names, then at least one row.")
    if len(widths := {*map(len, rows)}) > 1:
        raise RefusedError(f"Lines of the body have {_listed(widths)} values. Expected the same number in each.")
    cells = [[None if cell == "" else cell for cell in row] for row in rows[1:]]
    return Table(rows[0], rows=cells, is_text=True)


def _listed(numbers: set[int]) -> str:
    return " and ".join(map(str, sorted(numbers)[:3]))


def _kind(value: Any) -> str:
    kinds = {dict: "an object", list: "a list", str: "a text", bool: "a boolean", type(None): "null"}
    return kinds.get(type(value), "a number")


def _is_huge(value: Any, is_text: bool) -> bool:
    if isinstance(value, list | tuple):
        return any(_is_huge(each, is_text) for each in value)
    if is_text and isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            return False
    return isinstance(value, int | float) and abs(value) > _MOST_FLOAT32
