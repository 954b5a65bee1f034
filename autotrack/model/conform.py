"""Does data fit a signature: the columns, the kinds of their dtypes, the shape a model was fitted on.

    data, problems = conform(data, manifest.signature["inputs"])

Kinds count, not exact dtypes: integers where numbers were are fine, texts are not. The number of rows never counts.
Looks at values only where a dtype leaves the question open (`object`; 3.0 where integers were) and where categories
are recorded. Data that fits is given back as it is; a frame whose columns are in another order, in the recorded one.
"""

import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from math import isnan
from typing import Any

from autotrack.model.signature import MAX_NAMES, describe

__all__ = ["Problem", "are_numbers", "columns_that_differ", "conform", "kind_of", "message_of"]

_LOOKED_AT = 100  # cells of an `object` column: enough to tell texts from numbers
_SHOWN = 8  # problems in one message
_NUMBERS = ("booleans", "integers", "numbers", "complex numbers")  # each can stand where a later one is expected
_TEXTS = ("texts", "categories")  # each can stand for the other
_KINDS = [
    ("booleans", r"bool"),
    ("integers", r"u?int(?!erval)"),
    ("numbers", r"b?float|double|half|decimal"),
    ("complex numbers", r"complex"),
    ("texts", r"str(?!uct)|large_string|utf8|[<>|=]u\d"),
    ("categories", r"categor|enum|dictionary"),
    ("dates", r"date|timestamp"),
    ("durations", r"timedelta|duration"),
    ("objects", r"object"),
    ("nothing", r"null|none"),
]
_FIRST = ("torch.", "sparse[")  # stand before the name of a dtype
_SCALARS = frozenset({"builtins.str", "builtins.bytes", "builtins.int", "builtins.float", "builtins.bool"})


@dataclass(frozen=True)
class Problem:
    """One thing about data that the model was not fitted on.

    Attributes:
        column: Its name; None: the data as a whole.
        expected: As the model was fitted, such as "numbers".
        found: In this data, such as "texts".
    """

    column: str | None
    expected: str
    found: str

    def __str__(self) -> str:
        subject = "" if self.column is None else f"column {self.column!r}: "
        return f"{subject}expected {self.expected}, found {self.found}"


def conform(data: Any, expected: Mapping[str, Any] | None) -> tuple[Any, list[Problem]]:
    """The data, its columns in the recorded order, and all in which it differs from what is expected.

    Args:
        data: Anything given to predict. Never changed, and not copied where it fits.
        expected: What `describe` said of the data of the fit. None: nothing is known, so nothing differs.
    """
    if not expected or expected.get("kind") in (None, "none"):
        return data, []
    found = describe(data)
    names = expected.get("names")
    if names is None or found.get("names") is None:
        return data, _differences(data, expected, found)
    if names != found["names"]:
        problems = columns_that_differ(names, found["names"])
        if problems or len(names) == MAX_NAMES or found["kind"] != "dataframe":
            return data, problems or _width(expected, found)
        data = _in_order(data, [found["names"].index(name) for name in names])
        found = describe(data)
    return data, _width(expected, found) or _columns(data, expected, found)


def message_of(problems: Sequence[Problem], what: str) -> str:
    """What an error says of problems.

    Args:
        what: The data they are about, as the start of a sentence.
    """
    shown = "; ".join(str(problem) for problem in problems[:_SHOWN])
    more = f"; and {len(problems) - _SHOWN} more" if len(problems) > _SHOWN else ""
    return f"{what} does not fit the model's signature: {shown}{more}."


def columns_that_differ(expected: Sequence[str], found: Sequence[str]) -> list[Problem]:
    """Columns missing, unexpected or given twice. Their order does not matter."""
    known, given = set(expected), set(found)
    problems = [Problem(name, "a column", "none") for name in expected if name not in given]
    problems += [Problem(name, "no such column", "one") for name in given if name not in known]
    if not problems and not len(given) == len(found) == len(expected):
        problems.append(Problem(None, f"{len(expected)} columns", f"{len(found)}, some with the same name"))
    return problems


@lru_cache(maxsize=1024)
def kind_of(dtype: str) -> str | None:
    """The kind of a dtype, whichever library's: "numbers", "texts", … None: one whose kind does not matter here."""
    name = dtype.lower()
    for start in _FIRST:
        name = name.removeprefix(start)
    return next((kind for kind, pattern in _KINDS if re.match(pattern, name)), None)


def are_numbers(kind: str | None) -> bool:
    """Booleans, integers, numbers and complex numbers."""
    return kind in _NUMBERS


def _differences(data: Any, expected: Mapping[str, Any], found: Mapping[str, Any]) -> list[Problem]:
    """Of data where one side has no names of columns."""
    if expected.get("names") is not None and "shape" in found:
        return [Problem(None, f"columns named {_listed(expected['names'])}", f"{_shape(found)} without names")]
    if found.get("type") in _SCALARS or found["kind"] == "none":
        return [Problem(None, _shape(expected), f"a single {found.get('type', 'None').rpartition('.')[2]}")]
    if problems := _width(expected, found):
        return problems
    dtype = expected.get("dtype")
    if dtype is None:
        return []
    if found.get("names") is not None:
        same = {"dtypes": [dtype] * len(found["names"]), "names": found["names"]}
        return _columns(data, same, found) if "dtypes" in found else []
    return _kind_problem(None, data, dtype, found.get("dtype"))


def _width(expected: Mapping[str, Any], found: Mapping[str, Any]) -> list[Problem]:
    """Another number of dimensions or features. What is None may be anything."""
    before, now = expected.get("shape"), found.get("shape")
    if before is None or now is None or found.get("type") == "builtins.dict":
        return []
    if _is_nested(expected) or _is_nested(found):  # of lists of lists of lists the depth is not told
        before, now = before[:2], now[:2]
    if _same(before, now):
        return []
    return [Problem(None, _shape(expected), _shape(found))]


def _same(before: Sequence[int | None], now: Sequence[int | None]) -> bool:
    pairs = islice(zip(before, now, strict=False), 1, None)
    return len(before) == len(now) and all(old is None or new is None or old == new for old, new in pairs)


def _is_nested(described: Mapping[str, Any]) -> bool:
    return described["kind"] in ("list", "tuple") and described.get("dtype") in ("list", "tuple", "ndarray", "Tensor")


def _shape(described: Mapping[str, Any]) -> str:
    """As people say it: "rows of 4 features", "shape (n, 3, 32, 32)"."""
    sizes = described.get("shape")
    if not sizes:
        return f"a {described.get('type', described['kind'])}"
    if len(sizes) == 1:
        return "one dimension"
    if len(sizes) == 2:
        return f"{sizes[1]} features"
    return f"shape (n, {', '.join('any' if size is None else str(size) for size in sizes[1:])})"


def _columns(data: Any, expected: Mapping[str, Any], found: Mapping[str, Any]) -> list[Problem]:
    """Of frames with the same columns in the same order: other kinds, unseen categories."""
    problems: list[Problem] = []
    categories = expected.get("categories") or {}
    dtypes = zip(expected["names"], expected.get("dtypes", ()), found.get("dtypes", ()), strict=False)
    for position, (name, dtype, now) in enumerate(dtypes):
        if name in categories:
            problems += _unseen(name, _column(data, position), categories[name])
        elif dtype != now:
            problems += _kind_problem(name, data, dtype, now, position)
    return problems


def _kind_problem(
    name: str | None, data: Any, expected: str, found: str | None, position: int | None = None
) -> list[Problem]:
    before, now = kind_of(expected), None if found is None else kind_of(found)
    if before == now or before in (None, "objects") or now in (None, "nothing"):
        return []
    if now == "objects":
        now = _kind_of_cells(_column(data, position))
        if now is None:
            return []
    if are_numbers(before) and are_numbers(now):
        is_wider = _NUMBERS.index(str(now)) > _NUMBERS.index(str(before))
        if not is_wider or (now != "complex numbers" and _holds_only(before, _column(data, position))):
            return []
        fraction = " with a fraction" if before == "integers" and now == "numbers" else ""
        return [Problem(name, str(before), f"{now}{fraction}")]
    if before == now or (before in _TEXTS and now in _TEXTS):
        return []
    return [Problem(name, str(before), str(now))]


def _kind_of_cells(column: Any) -> str | None:
    """The kind of the first cells that are not missing; None: nothing can be said."""
    import numpy as np

    kinds: set[str | None] = set()
    cells = np.asarray(column[:_LOOKED_AT], dtype=object).reshape(-1)[:_LOOKED_AT]
    for cell in cells.tolist():
        if not _is_missing(cell):
            kinds.add(kind_of(type(cell).__name__))
    if len(kinds) > 1 and kinds <= set(_NUMBERS):
        return max((str(kind) for kind in kinds), key=_NUMBERS.index)
    return kinds.pop() if len(kinds) == 1 else None


def _holds_only(kind: str | None, column: Any) -> bool:
    """Whether numbers are integers, or booleans, all the same. Missing ones are no matter of theirs."""
    import numpy as np

    if "torch" in sys.modules and isinstance(column, sys.modules["torch"].Tensor):
        return False  # where a module takes integers, it takes nothing else
    sparse = sys.modules.get("scipy.sparse")
    cells = column.data if sparse is not None and sparse.issparse(column) else column
    try:
        values = np.asarray(cells, dtype=float)
    except (TypeError, ValueError):
        return False
    values = values[~np.isnan(values)]
    with np.errstate(invalid="ignore"):
        if kind == "booleans":
            return bool(((values == 0) | (values == 1)).all())
        return kind == "integers" and bool((np.floor(values) == values).all() and np.isfinite(values).all())


def _unseen(name: str, column: Any, known: Sequence[Any]) -> list[Problem]:
    """Categories that the model was not fitted on. Of a categorical column those that no row has do not count."""
    unique = column.unique()
    cells = next(getattr(unique, name) for name in ("to_pylist", "to_list", "tolist") if hasattr(unique, name))()
    seen = set(known)
    new = [cell for cell in cells if not _is_missing(cell) and cell not in seen]
    if not new:
        return []
    return [Problem(name, f"one of {_listed(known)}", _listed(new))]


def _is_missing(cell: object) -> bool:
    return cell is None or (isinstance(cell, float) and isnan(cell)) or type(cell).__name__ in ("NAType", "NaTType")


def _column(data: Any, position: int | None) -> Any:
    if position is None:
        return data
    if hasattr(data, "iloc"):
        return data.iloc[:, position]
    return data.to_series(position) if hasattr(data, "to_series") else data.column(position)


def _in_order(data: Any, positions: list[int]) -> Any:
    """The frame with its columns in this order."""
    if hasattr(data, "iloc"):
        return data.iloc[:, positions]
    return data[:, positions] if hasattr(data, "to_series") else data.select(positions)


def _listed(names: Sequence[Any]) -> str:
    shown = ", ".join(repr(name) for name in names[:_SHOWN])
    return shown if len(names) <= _SHOWN else f"{shown} and {len(names) - _SHOWN} more"
