"""Columns of pyarrow and of Polars. Neither is imported here: data of a library that is not loaded cannot exist."""

import sys
from collections.abc import Iterator
from typing import Any

from autotrack.model.columns import ArrayColumn, CellColumn, Column, MissingColumn, count_missing, digest_of, objects

__all__ = ["arrow_column", "polars_column"]

_POLARS_NUMBERS = frozenset(
    {
        *("Boolean", "Date", "Datetime", "Duration", "Float32", "Float64", "Time"),
        *("Int8", "Int16", "Int32", "Int64", "UInt8", "UInt16", "UInt32", "UInt64"),
    }
)
_OFFSETS = {"string": "i4", "binary": "i4", "large_string": "i8", "large_binary": "i8"}


def arrow_column(data: Any, dtype: str = "") -> Column:
    """A column for an Array or ChunkedArray.

    Args:
        dtype: What the type is called, if that is not how Arrow calls it.
    """
    types = sys.modules["pyarrow"].types
    kind = data.type
    name = dtype or str(kind)
    if types.is_null(kind):
        return MissingColumn(name)
    if types.is_dictionary(kind) and (found := _dictionary_column(data, name)) is not None:
        return found
    if str(kind) in _OFFSETS:
        return _ArrowColumn(data, name, offsets=_OFFSETS[str(kind)])
    if types.is_primitive(kind) or types.is_decimal(kind) or types.is_fixed_size_binary(kind):
        return _ArrowColumn(data, name, bits=kind.bit_width)
    return CellColumn(name, lambda start, stop: data.slice(start, stop - start).to_pylist())


def _dictionary_column(data: Any, name: str) -> Column | None:
    """Indices, and the dictionary as part of the type; None where chunks have dictionaries of their own."""
    pyarrow = sys.modules["pyarrow"]
    chunks = _chunks(data)
    if not chunks or any(not chunk.dictionary.equals(chunks[0].dictionary) for chunk in chunks[1:]):
        return None
    known = chunks[0].dictionary
    indices = pyarrow.chunked_array([chunk.indices for chunk in chunks])
    name = f"{name}:{digest_of(arrow_column(known), len(known))}"
    return _ArrowColumn(indices, name, bits=indices.type.bit_width, shown=data)


class _ArrowColumn(Column):
    """Values of a fixed width, or texts with their offsets; each with bits that say which are there."""

    def __init__(self, data: Any, dtype: str, *, bits: int = 0, offsets: str = "", shown: Any = None) -> None:
        self.dtype = dtype
        self.row_bytes = max(1, bits // 8) if bits else 24
        self._data, self._bits, self._offsets = data, bits, offsets
        self._shown = data if shown is None else shown
        self._has_nulls = data.null_count > 0
        is_plain = bits >= 8 and not self._has_nulls and len(_chunks(data)) == 1
        self._bytes = _fixed(_chunks(data)[0], bits) if is_plain else None

    def buffers(self, start: int, stop: int) -> Iterator[Any]:
        if self._bytes is not None:
            yield self._bytes[start:stop].reshape(-1)
            return
        chunks = _chunks(self._data.slice(start, stop - start))
        masks = [_valid(chunk) if self._has_nulls else None for chunk in chunks]
        if self._bits:
            for chunk, valid in zip(chunks, masks, strict=True):
                yield _cleared(_fixed(chunk, self._bits), valid)
        else:
            lengths = [_lengths(chunk, self._offsets) for chunk in chunks]
            for length, valid in zip(lengths, masks, strict=True):
                yield _cleared(length.view("u1").reshape(-1, 8), valid)
            for chunk, length, valid in zip(chunks, lengths, masks, strict=True):
                yield _text(chunk, self._offsets, length, valid)
        yield from (valid.view("u1") for valid in masks if valid is not None)

    def missing(self, start: int, stop: int) -> int:
        part = self._data.slice(start, stop - start)
        count = int(part.null_count)
        return count + count_missing(part.drop_null().to_numpy()) if self._is_float() else count

    def values(self, start: int, stop: int) -> Any:
        part = self._shown.slice(start, stop - start)
        if self._shown is self._data and self._bits and not part.null_count:
            return part.to_numpy() if hasattr(part, "chunks") else part.to_numpy(zero_copy_only=False)
        return objects(part.to_pylist())

    def _is_float(self) -> bool:
        return str(self._data.type) in ("float", "double", "halffloat") and self._shown is self._data


def _chunks(data: Any) -> list[Any]:
    return list(data.chunks) if hasattr(data, "chunks") else [data]


def _valid(chunk: Any) -> Any:
    """Which values of a chunk are there, as booleans."""
    import numpy as np

    bits = chunk.buffers()[0]
    return np.ones(len(chunk), bool) if bits is None else _unpacked(bits, chunk).view(bool)


def _unpacked(bits: Any, chunk: Any) -> Any:
    import numpy as np

    first, last = chunk.offset // 8, (chunk.offset + len(chunk) + 7) // 8
    shift = chunk.offset - 8 * first
    return np.unpackbits(_bytes(bits)[first:last], bitorder="little")[shift : shift + len(chunk)]


def _fixed(chunk: Any, bits: int) -> Any:
    """Values of a fixed width as bytes, shape (n_values, width)."""
    if bits == 1:
        return _unpacked(chunk.buffers()[1], chunk).reshape(-1, 1)
    width = bits // 8
    return _bytes(chunk.buffers()[1])[chunk.offset * width : (chunk.offset + len(chunk)) * width].reshape(-1, width)


def _lengths(chunk: Any, offsets: str) -> Any:
    import numpy as np

    return np.diff(_span(chunk, offsets)).astype("i8")


def _span(chunk: Any, offsets: str) -> Any:
    import numpy as np

    if len(chunk) == 0:  # its buffers may be absent
        return np.zeros(1, offsets)
    return _bytes(chunk.buffers()[1]).view(offsets)[chunk.offset : chunk.offset + len(chunk) + 1]


def _text(chunk: Any, offsets: str, lengths: Any, valid: Any) -> Any:
    span = _span(chunk, offsets)
    if valid is not None and lengths[~valid].any():  # texts beneath a mask: allowed, and not data
        texts = (value for value in chunk.to_pylist() if value is not None)
        return b"".join(value.encode() if isinstance(value, str) else value for value in texts)
    return _bytes(chunk.buffers()[2])[span[0] : span[-1]]


def _cleared(rows: Any, valid: Any) -> Any:
    """Bytes by row, those of missing values zero."""
    if valid is not None and not valid.all():
        rows = rows.copy()
        rows[~valid] = 0
    return rows.reshape(-1)


def _bytes(buffer: Any) -> Any:
    import numpy as np

    return np.zeros(0, "u1") if buffer is None else np.frombuffer(buffer, "u1")


def polars_column(series: Any) -> Column:
    """A column for a Series of Polars."""
    name = str(series.dtype)
    if name == "Null":
        return MissingColumn(name)
    if name == "String" and hasattr(series.str, "join"):
        return _PolarsTexts(series, name)
    if name.partition("(")[0] in _POLARS_NUMBERS:
        return _polars_array(series, name) or _PolarsNumbers(series, name)
    return CellColumn(name, lambda start, stop: series.slice(start, stop - start).to_list())


def _polars_array(series: Any, name: str) -> Column | None:
    """Numbers that lie in memory as NumPy has them; None where they would have to be copied."""
    if not name.startswith(("Int", "UInt", "Float")):
        return None
    try:
        column = ArrayColumn(series.to_numpy(allow_copy=False))
    except RuntimeError:  # there are several chunks, or values are missing
        return None
    column.dtype = name
    return column


class _PolarsNumbers(Column):
    """Numbers, dates and booleans; where some are missing, then which."""

    def __init__(self, series: Any, dtype: str) -> None:
        self.dtype = dtype
        self.row_bytes = series.slice(0, 0).to_physical().to_numpy().dtype.itemsize
        self._series = series
        self._has_nulls = series.null_count() > 0

    def buffers(self, start: int, stop: int) -> Iterator[Any]:
        part = self._part(start, stop).to_physical()
        if self._has_nulls:
            yield part.is_null().to_numpy().view("u1")
            part = part.fill_null(False if str(part.dtype) == "Boolean" else 0)
        yield part.to_numpy().view("u1")

    def missing(self, start: int, stop: int) -> int:
        part = self._part(start, stop)
        count = int(part.null_count())
        return count + count_missing(part.drop_nulls().to_numpy()) if self.dtype.startswith("Float") else count

    def values(self, start: int, stop: int) -> Any:
        part = self._part(start, stop)
        return objects(part.to_list()) if part.null_count() or self.dtype == "String" else part.to_numpy()

    def _part(self, start: int, stop: int) -> Any:
        return self._series.slice(start, stop - start)


class _PolarsTexts(_PolarsNumbers):
    def __init__(self, series: Any, dtype: str) -> None:
        super().__init__(series, dtype)
        self.row_bytes = 24

    def buffers(self, start: int, stop: int) -> Iterator[Any]:
        part = self._part(start, stop)
        if self._has_nulls:
            yield part.is_null().to_numpy().view("u1")
        yield part.str.len_bytes().fill_null(0).to_numpy().view("u1")
        yield (part.str.join("").item() or "").encode()
