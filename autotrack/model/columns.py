"""Data as columns: the bytes of some rows, how many of them are missing, their values. Never a copy of it all.

Each kind of column answers for a range of rows. What it gives does not depend on how the column lies in memory: order
and strides, chunks and offsets of Arrow, the values beneath a mask.
"""

import sys
from collections.abc import Callable, Iterator
from math import isnan
from typing import Any

from autotrack.model.cells import CELLS, UnseenError, cells_of, encode

__all__ = [
    "ArrayColumn",
    "CategoryColumn",
    "CellColumn",
    "Column",
    "ListColumn",
    "MaskedColumn",
    "MissingColumn",
    "count_missing",
    "digest_of",
]

_FLAT_KINDS = "biufcmMSUV"  # of dtypes whose cells are their bytes; not objects, not StringDType
_NEVER_MISSING = "biuSUV"  # booleans, integers, texts, records
_PADDED = "gG"  # long doubles: 6 of their 16 bytes are whatever was there before, on x86
_COPIED_BYTES = 256 << 10  # copied at once, to be in order: so few that the copy is still in the cache when it is read
_MAX_ROW_BYTES = 64 << 20  # a row beyond it is not copied


class Column:
    """One column, or an array of any dimension as one.

    Attributes:
        dtype: Its type, as text: the same for the same type in every process.
        row_bytes: What a row takes, about; the same however the column lies in memory.
        is_flat: Whether the bytes of two ranges are those of one range, so that their size does not matter.
        may_miss: Whether the type has a value that means `missing`.
    """

    dtype: str
    row_bytes: int = 64
    is_flat = False
    may_miss = True

    def buffers(self, start: int, stop: int) -> Iterator[Any]:
        """The rows from `start` to before `stop`, as contiguous bytes."""
        raise NotImplementedError

    def missing(self, start: int, stop: int) -> int:
        """How many of them are missing: None, NaN, NaT, NA."""
        return count_missing(self.values(start, stop))

    def values(self, start: int, stop: int) -> Any:
        """They as a NumPy array: numbers, dates, texts or objects."""
        raise NotImplementedError


class ArrayColumn(Column):
    """A NumPy array whose first axis are the rows."""

    def __init__(self, array: Any) -> None:
        dtype = array.dtype
        self._array = array
        self.dtype = dtype.str if dtype.names is None else str(dtype)
        self.row_bytes = dtype.itemsize
        for size in array.shape[1:]:
            self.row_bytes *= size
        self.is_flat = dtype.kind in _FLAT_KINDS and dtype.names is None
        self.may_miss = dtype.kind not in _NEVER_MISSING
        is_plain = self.is_flat and array.flags.c_contiguous and dtype.char not in _PADDED
        self._bytes = array.reshape(-1).view("u1") if is_plain else None
        if not is_plain and self.row_bytes > _MAX_ROW_BYTES:
            raise UnseenError("rows too long to be copied")

    def buffers(self, start: int, stop: int) -> Iterator[Any]:
        if self._bytes is not None:
            yield self._bytes[start * self.row_bytes : stop * self.row_bytes]
        elif self.is_flat:
            step = max(1, _COPIED_BYTES // max(1, self.row_bytes))
            for first in range(start, stop, step):
                yield from _array_buffers(self._array[first : min(first + step, stop)])
        else:
            yield from _array_buffers(self._array[start:stop])

    def values(self, start: int, stop: int) -> Any:
        return self._array[start:stop]


def _array_buffers(part: Any) -> Iterator[Any]:
    import numpy as np

    dtype = part.dtype
    if dtype.names is not None:  # field by field: what lies between them is not data
        for name in dtype.names:
            yield from _array_buffers(part[name])
    elif dtype.kind not in _FLAT_KINDS:
        cells = part.reshape(-1)
        for start in range(0, len(cells), CELLS):
            yield encode(cells[start : start + CELLS].tolist())
    else:
        copied = np.ascontiguousarray(part).reshape(-1)
        if dtype.char in _PADDED and np.finfo(dtype).nmant == 63:
            yield np.ascontiguousarray(copied.view("u1").reshape(-1, 16)[:, :10])
        else:
            yield copied.view("u1")


class ListColumn(Column):
    """A list or tuple; its items may be rows themselves."""

    def __init__(self, data: Any) -> None:
        self._data = data
        self.dtype = "list"
        first = cells_of(data, 0, 1)
        if first and isinstance(first[0], list | tuple):
            self.row_bytes = 16 * max(1, len(first[0]))

    def buffers(self, start: int, stop: int) -> Iterator[Any]:
        for first in range(start, stop, CELLS):
            yield encode(cells_of(self._data, first, min(first + CELLS, stop)))

    def missing(self, start: int, stop: int) -> int:
        count = 0
        for cell in cells_of(self._data, start, stop):
            inner = cells_of(cell, 0, len(cell)) if isinstance(cell, list | tuple) else (cell,)
            count += sum(map(_is_missing, inner))
        return count

    def values(self, start: int, stop: int) -> Any:
        return objects(cells_of(self._data, start, stop))


class CellColumn(Column):
    """A column of a library that can be asked for its cells as Python objects, and for nothing better."""

    def __init__(self, dtype: str, cells: Callable[[int, int], list[Any]]) -> None:
        self.dtype = dtype
        self._cells = cells

    def buffers(self, start: int, stop: int) -> Iterator[Any]:
        for first in range(start, stop, CELLS):
            yield encode(self._cells(first, min(first + CELLS, stop)))

    def values(self, start: int, stop: int) -> Any:
        return objects(self._cells(start, stop))


class MaskedColumn(Column):
    """Values and where they are not: NumPy's masked arrays, pandas' Int64 and the like."""

    def __init__(
        self, dtype: str, row_bytes: int, filled: Callable[[int, int], Any], mask: Callable[[int, int], Any]
    ) -> None:
        self.dtype = dtype
        self.row_bytes = row_bytes
        self._filled, self._mask = filled, mask

    def buffers(self, start: int, stop: int) -> Iterator[Any]:
        yield from _array_buffers(self._filled(start, stop))
        yield from _array_buffers(self._mask(start, stop))

    def missing(self, start: int, stop: int) -> int:
        return int(self._mask(start, stop).sum())

    def values(self, start: int, stop: int) -> Any:
        import numpy as np

        filled, mask = self._filled(start, stop), self._mask(start, stop)
        return np.where(mask, None, filled.astype(object)) if mask.any() else filled


class CategoryColumn(Column):
    """Codes, and the categories they stand for, which are part of its type."""

    def __init__(self, dtype: str, categories: Column, count: int, codes: Any) -> None:
        self._codes = ArrayColumn(codes)
        self._categories, self._count = categories, count
        self.dtype = f"{dtype}:{digest_of(categories, count)}"
        self.row_bytes = self._codes.row_bytes

    def buffers(self, start: int, stop: int) -> Iterator[Any]:
        return self._codes.buffers(start, stop)

    def missing(self, start: int, stop: int) -> int:
        return int((self._codes.values(start, stop) < 0).sum())

    def values(self, start: int, stop: int) -> Any:
        known = objects([*self._categories.values(0, self._count).tolist(), None])
        return known[self._codes.values(start, stop)]  # -1, for missing, is the last


class MissingColumn(Column):
    """A column without a value."""

    def __init__(self, dtype: str) -> None:
        self.dtype = dtype

    def buffers(self, start: int, stop: int) -> Iterator[Any]:
        return iter(())

    def missing(self, start: int, stop: int) -> int:
        return stop - start

    def values(self, start: int, stop: int) -> Any:
        return objects([None] * (stop - start))


def digest_of(column: Column, rows: int) -> str:
    """All of a column that is part of another one's type."""
    from xxhash import xxh3_128

    digest = xxh3_128(column.dtype.encode(errors="surrogatepass"))
    for buffer in column.buffers(0, rows):
        digest.update(buffer)
    return str(digest.hexdigest())


def count_missing(values: Any) -> int:
    """How many values of an array are NaN, NaT or None."""
    import numpy as np

    kind = values.dtype.kind
    if kind in "fc":
        with np.errstate(all="ignore"):
            total = np.add.reduce(values, axis=None)
            if total - total == 0:  # a number, so that none of them is NaN: half the price of looking at each
                return 0
        return int(np.count_nonzero(np.isnan(values)))
    if kind in "mM":
        return int(np.count_nonzero(np.isnat(values)))
    return sum(map(_is_missing, values.reshape(-1).tolist())) if kind in "OT" else 0


def objects(cells: Any) -> Any:
    """Cells as an array of objects, also where they are lists of the same length."""
    import numpy as np

    return np.fromiter(cells, dtype=object, count=len(cells))


def _is_missing(cell: Any) -> bool:
    """None, NaN, pandas' NA and NaT. Compares nothing that belongs to the user."""
    if cell is None:
        return True
    kind = type(cell)
    if kind is float:
        return isnan(cell)
    if kind.__module__.startswith("pandas."):
        return kind.__name__ in ("NAType", "NaTType")
    numpy = sys.modules.get("numpy")
    return numpy is not None and isinstance(cell, numpy.floating) and isnan(cell)
