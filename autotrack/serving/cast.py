"""JSON values as the data a model was fitted on: the same kind of frame or array, columns in order, dtypes as recorded.

Integers become floats where floats were, texts dates, texts categories; null is a missing value. What would lose
something (a text for a number, 1.5 for an integer) is a problem of its column, and all problems are told at once.
"""

import sys
from collections.abc import Mapping, Sequence
from typing import Any

from autotrack.model.conform import Problem, columns_that_differ, conform, kind_of
from autotrack.model.views import failures
from autotrack.serving import frames
from autotrack.serving.bodies import Table
from autotrack.serving.refusal import RefusedError, misfit

__all__ = ["cast"]

_JSON_KINDS: dict[type, str] = {
    bool: "booleans",
    int: "integers",
    float: "numbers",
    str: "texts",
    list: "lists",
    dict: "objects",
}
_TAKEN: dict[str | None, set[type]] = {  # of JSON's types, beside null
    "booleans": {bool},
    "integers": {bool, int},
    "numbers": {bool, int, float},
    "texts": {str},
    "categories": {bool, int, float, str},
    "dates": {str},
    "durations": {str},
    "complex numbers": set(),
}
_FITTING: dict[str | None, str] = {"booleans": "b", "integers": "biu", "numbers": "biuf"}  # kinds of NumPy's dtypes
_TRUTHS = {"true": True, "false": False, "1": True, "0": False, "yes": True, "no": False}  # in CSV
_INFINITE = float("inf")
_MOST_DIMENSIONS = 32  # of more, no signature says anything
_MOST_SHOWN = 150  # characters of a library's own words about a value


def cast(table: Table, expected: Mapping[str, Any] | None) -> Any:
    """The data that a model is given.

    Args:
        expected: What `describe` said of the data of the fit; None: it is made of what was sent as it is.

    Raises:
        RefusedError: It cannot be made into such data.
    """
    import numpy as np

    with np.errstate(over="raise"):  # a number too large for a float32 is no infinity
        return _cast(table, expected)


def _cast(table: Table, expected: Mapping[str, Any] | None) -> Any:
    kind = (expected or {}).get("kind")
    if expected is None or kind in (None, "none"):
        return _as_sent(table)
    names = expected.get("names")
    if names is None:
        return _array(table, expected)
    if kind != "dataframe" or expected["shape"][1] != len(names):  # a dict; a frame too wide for all to be recorded
        data = _as_sent(table)
        _, problems = conform(data, expected)
        if problems:
            raise misfit(*problems)
        return data
    return _frame(table, expected)


def _frame(table: Table, expected: Mapping[str, Any]) -> Any:
    names, dtypes = expected["names"], expected["dtypes"]
    if table.names is None:
        if any(type(row) is not list or len(row) != len(names) for row in table.rows or []):
            raise misfit(Problem(None, f"rows of {len(names)} values", "others"))
    elif table.names != names and (problems := columns_that_differ(names, table.names)):
        raise misfit(*problems)
    if not table.is_text and len(set(dtypes)) == 1 and (array := _as_floats(table, names, dtypes[0])) is not None:
        return frames.of_array(expected["library"], names, array)
    categories = expected.get("categories") or {}
    made, problems = [], []
    for name, dtype, values in zip(names, dtypes, table.columns_in(names), strict=True):
        try:
            cells = _cells(name, list(values), kind_of(dtype), table.is_text)
            made.append(frames.column(expected["library"], name, dtype, cells, categories.get(name)))
        except RefusedError as refusal:
            problems += refusal.problems
        except failures() as error:
            said = str(error).partition("\n")[0][:_MOST_SHOWN]
            problems.append(Problem(name, f"values for {dtype}", f"others ({said})"))
    if problems:
        raise misfit(*problems)
    return frames.of_columns(expected["library"], names, made)


def _as_floats(table: Table, names: Sequence[str], dtype: str) -> Any:
    """All of a table whose columns are floats, at once; None: one by one then, which tells what is wrong."""
    import numpy as np

    if dtype not in ("float64", "float32") or table.rows is None or table.names not in (None, list(names)):
        return None
    try:
        array = np.array(table.rows)
        if array.ndim != 2 or array.dtype.kind not in "biuf":
            return None
        array = array.astype(dtype, copy=False)
    except (ValueError, ArithmeticError):
        return None
    return array if np.isfinite(array).all() else None


def _cells(name: str | None, values: list[Any], kind: str | None, is_text: bool) -> list[Any]:
    """The values, as Python's of this kind.

    Raises:
        RefusedError: Some of them are not.
    """
    if is_text:
        values = _from_text(values, kind)
    taken = _TAKEN.get(kind)
    types = {*map(type, values)} - {type(None)}
    if taken is None or types <= taken:
        if float in types and (endless := next((each for each in values if each in (_INFINITE, -_INFINITE)), None)):
            raise misfit(Problem(name, "finite numbers", f"{endless}, or a number that large"))
        return values
    present = [value for value in values if value is not None]
    if kind == "integers" and types <= {bool, int, float} and all(float(value).is_integer() for value in present):
        return [None if value is None else int(value) for value in values]
    if kind == "booleans" and types <= {bool, int, float} and all(value in (0, 1) for value in present):
        return [None if value is None else bool(value) for value in values]
    wrong = [_JSON_KINDS[each] for each in _JSON_KINDS if each in types - taken]
    if kind == "integers" and wrong == ["numbers"]:
        wrong = ["numbers with a fraction"]
    raise misfit(Problem(name, str(kind), ", ".join(wrong)))


def _from_text(values: list[Any], kind: str | None) -> list[Any]:
    """The cells of CSV, as what they are to be; those that cannot be stay texts, and are told as such."""
    if kind == "booleans":
        return [value if value is None else _TRUTHS.get(value.lower(), value) for value in values]
    if kind not in ("integers", "numbers"):
        return values
    try:
        return [None if value is None else _number(value) for value in values]
    except ValueError:
        return values


def _number(text: str) -> int | float:
    try:
        return int(text)
    except ValueError:
        return float(text)


def _as_sent(table: Table) -> Any:
    """For models whose signature nobody has recorded: a frame where there are names, else an array."""
    import numpy as np

    if table.names is None:
        return _nested(table.rows)
    columns: list[Sequence[Any]] = table.columns_in(table.names)
    if table.is_text:
        columns = [_from_text(list(column), "numbers") for column in columns]
    if "pandas" in sys.modules:
        return frames.as_sent(table.names, columns)
    return np.array(columns).T


def _array(table: Table, expected: Mapping[str, Any]) -> Any:
    rows: Any = table.rows if table.columns is None else list(zip(*table.columns, strict=True))
    is_flat = len(expected.get("shape") or [0, 0]) == 1
    if is_flat and (table.names is not None or _are_single(rows)):
        if {*map(len, rows)} != {1}:
            raise misfit(Problem(None, "one dimension", f"{len(rows[0])} columns"))
        rows = [row[0] for row in rows]
    dtype = str(expected.get("dtype") or "float64")
    try:
        data = frames.as_trained(_checked(_nested(rows), rows, kind_of(dtype), table.is_text), dtype, expected)
    except RefusedError:
        raise
    except failures() as error:
        said = str(error).partition("\n")[0][:_MOST_SHOWN]
        raise misfit(Problem(None, f"values for {dtype}", f"others ({said})")) from None
    _, problems = conform(data, expected)
    if problems:
        raise misfit(*problems)
    return data


def _checked(array: Any, rows: Any, kind: str | None, is_text: bool) -> Any:
    """The array of the rows, if all its cells are of a kind."""
    import numpy as np

    if array.dtype.kind in _FITTING.get(kind, "") and np.isfinite(array).all():
        return array
    cells = array if array.dtype.kind == "O" else np.array(rows, dtype=object)
    return frames.array_of(_cells(None, cells.reshape(-1).tolist(), kind, is_text), kind).reshape(array.shape)


def _are_single(rows: list[Any]) -> bool:
    return all(isinstance(row, list | tuple) and len(row) == 1 for row in rows)


def _nested(rows: Any) -> Any:
    import numpy as np

    try:
        array = np.array(rows)
    except (ValueError, OverflowError):
        raise RefusedError("Rows have different lengths. Expected the same number of values in each.") from None
    if array.ndim > _MOST_DIMENSIONS:
        raise RefusedError(f"Rows are nested {array.ndim} deep. Expected at most {_MOST_DIMENSIONS} dimensions.")
    return array
