"""Rows that two data sets share: as many test rows as occur in the training data, exactly.

Rows are compared by prints of 64 bits that are made column by column and are equal for equal values, whatever the
types: 1 is 1.0. They hold within one process.
"""

import sys
from math import isnan
from typing import Any

from autotrack.model.cells import PLAIN
from autotrack.model.views import failures, tables_of

__all__ = ["Overlap", "overlap"]

CELL_S = 8e-9  # what the print of a cell takes, about, in seconds ...
OBJECT_S = 200e-9  # ... and of one that is an object
ROW_S = 100e-9  # what it takes to sort and to look for one
_TILE_ROWS = 8_192  # whose prints stay in the cache
_MAX_LIST_CELLS = 100_000  # numbers in lists are copied to be compared; more are not
_MULTIPLIER = 0x9E3779B97F4A7C15  # odd, its bits spread: 2**64 over the golden ratio


class Overlap:
    """How many rows of one data set occur in another.

    Attributes:
        count: How many do; None: unknown.
        is_remarkable: Whether that is more than one would expect of data whose rows repeat anyway.
        why_unknown: The reason, if it is.
    """

    __slots__ = ("count", "is_remarkable", "why_unknown")

    def __init__(self, count: int | None, is_remarkable: bool = False, why_unknown: str = "") -> None:
        self.count, self.is_remarkable, self.why_unknown = count, is_remarkable, why_unknown


def overlap(rows: Any, training: Any, budget_s: float) -> Overlap:
    """How many of `rows` are rows of `training` as well.

    Args:
        budget_s: What it may take, in seconds; if it is going to take more, it is not begun.
    """
    try:
        first, second = _columns(rows), _columns(training)
        if first is None or second is None:
            return Overlap(None, why_unknown=f"rows of a {type(rows).__name__} are not compared")
        if len(first) != len(second):
            return Overlap(None, why_unknown="the training data has other columns")
        if _cost_s(first) + _cost_s(second) > budget_s:
            return Overlap(None, why_unknown="the data is too large to be compared in little time")
        return _compare(_prints(first), _prints(second))
    except failures() as error:
        return Overlap(None, why_unknown=f"{type(error).__name__}: {error}"[:200])


def _compare(rows: Any, training: Any) -> Overlap:
    import numpy as np

    if not len(rows) or not len(training):
        return Overlap(0)
    ordered = np.sort(training)
    places = np.minimum(np.searchsorted(ordered, rows), len(ordered) - 1)
    count = int(np.count_nonzero(ordered[places] == rows))
    repeats = ordered[1:] == ordered[:-1]
    repeated = np.count_nonzero(np.append(repeats, False) | np.append(False, repeats))
    return Overlap(count, bool(count / len(rows) > repeated / len(training)))


def _columns(data: Any) -> list[Any] | None:
    """Functions from a range of rows to their values, one for each column, each with its number of rows."""
    import numpy as np

    if isinstance(data, list | tuple) and data and isinstance(data[0], list | tuple):
        if len(data) * len(data[0]) > _MAX_LIST_CELLS or not _are_numbers(data):
            return None
        data = np.array(data, dtype=float)
    if isinstance(data, np.ndarray) and not _is_masked(data):
        array = np.asarray(data)
        if array.ndim > 2:
            array = array.reshape(len(array), -1) if array.flags.c_contiguous else array
        if not 0 < array.ndim <= 2:
            return None
        if array.ndim == 1:
            return [_Column(array)]
        return [_Column(array[:, at]) for at in range(array.shape[1])]
    sparse: Any = sys.modules.get("scipy.sparse")
    if sparse is not None and sparse.issparse(data):
        return [_SparseColumn(data)] if getattr(data, "format", "") == "csr" else None
    table = tables_of(data)[0]
    return [_TableColumn(column, table.rows) for column in table.columns]


class _Column:
    """A one-dimensional array."""

    def __init__(self, array: Any) -> None:
        self.rows = len(array)
        self.cost_s = OBJECT_S if array.dtype.kind in "OTUS" else CELL_S
        self._array = array

    def bits(self, start: int, stop: int) -> Any:
        return _bits(self._array[start:stop])


class _TableColumn:
    """A column of a data frame."""

    def __init__(self, column: Any, rows: int) -> None:
        self.rows = rows
        self._column = column
        is_object = rows and column.values(0, 1).dtype.kind in "OTUS"
        self.cost_s = OBJECT_S if is_object else CELL_S

    def bits(self, start: int, stop: int) -> Any:
        return _bits(self._column.values(start, stop))


class _SparseColumn:
    """All columns of a CSR matrix: the sum over what is stored in a row, in whatever order it lies there."""

    def __init__(self, matrix: Any) -> None:
        self.rows = matrix.shape[0]
        self.cost_s = 3 * CELL_S * matrix.nnz / max(1, self.rows)
        self._matrix = matrix

    def bits(self, start: int, stop: int) -> Any:
        import numpy as np

        indptr = self._matrix.indptr[start : stop + 1]
        stored = slice(int(indptr[0]), int(indptr[-1]))
        values = self._matrix.data[stored]
        cells = _mixed(_mixed(np.zeros(len(values), "u8"), self._matrix.indices[stored].astype("u8")), _bits(values))
        sums = np.append(np.uint64(0), np.cumsum(cells * (values != 0), dtype="u8"))
        return sums[indptr[1:] - indptr[0]] - sums[indptr[:-1] - indptr[0]]


def _cost_s(columns: list[Any]) -> float:
    return sum([column.rows * column.cost_s for column in columns], ROW_S * columns[0].rows if columns else 0.0)


def _prints(columns: list[Any]) -> Any:
    """A print of each row."""
    import numpy as np

    rows = columns[0].rows if columns else 0
    prints = np.zeros(rows, "u8")
    for start in range(0, rows, _TILE_ROWS):
        stop = min(start + _TILE_ROWS, rows)
        for column in columns:
            _mixed(prints[start:stop], column.bits(start, stop))
    return prints


def _mixed(prints: Any, bits: Any) -> Any:
    """The prints, changed in place, with one more column in them.

    A product wraps around, and carries what differs upward only: so it is brought down again.
    """
    import numpy as np

    prints ^= bits
    prints *= np.uint64(_MULTIPLIER)
    prints ^= prints >> np.uint64(32)
    return prints


def _bits(values: Any) -> Any:
    """64 bits for each value: the number, the date, or the hash of the text."""
    import numpy as np

    kind = values.dtype.kind
    if kind in "biuf":
        numbers = np.add(values, 0.0, dtype="f8")  # a copy, in which -0.0 is 0.0
        return numbers.view("u8")
    if kind in "mM":
        return values.astype(f"{kind}8[us]").view("u8")
    if kind not in "OTUS":
        raise TypeError(f"values of type {values.dtype} are not compared")
    cells = values.tolist()
    kinds = set(map(type, cells))
    if not kinds <= PLAIN:
        raise TypeError("objects are not compared")
    if kinds <= {int, float, bool, type(None)}:
        return _bits(np.array([np.nan if cell is None else cell for cell in cells], "f8"))
    return np.fromiter(map(_hash, cells), "i8", len(cells)).view("u8")


def _hash(cell: Any) -> int:
    return 0 if cell is None or (type(cell) is float and isnan(cell)) else hash(cell)  # each NaN has another hash


def _are_numbers(data: Any) -> bool:
    return all(type(row) in (list, tuple) and set(map(type, row)) <= {int, float, bool} for row in data)


def _is_masked(data: Any) -> bool:
    masked = sys.modules.get("numpy.ma")
    return masked is not None and isinstance(data, masked.MaskedArray)
