"""Python values to Arrow columns and back, by their buffers.

Why not `pa.array(list)` and `to_pylist()`: with pandas installed they import it (300 ms and 50 MB in the user's
process), as many of pyarrow's conveniences do. Buffers and numpy do not. Imports pyarrow and numpy when called.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any

from autotrack.store.rows import RowState, TimedSummary
from autotrack.store.schema import MAP_FIELDS, RUNS, SCALAR_FIELDS, SUMMARY_FIELDS, Kind, arrow_schema, arrow_type

__all__ = ["mask", "numbers", "positions", "rows_to_table", "table_to_rows", "texts", "times_to_array", "to_array"]

_NUMPY_TYPES = {"long": "<i8", "integer": "<i4", "double": "<f8", "timestamp": "<i8"}


def rows_to_table(states: Sequence[RowState]) -> Any:
    """The rows as a table of `runs`, in the order given."""
    import pyarrow as pa

    columns: dict[str, Any] = {"run_id": to_array("string", [state.run_id for state in states])}
    for name, kind in SCALAR_FIELDS.items():
        columns[name] = to_array(kind, [state.fields.get(name) for state in states])
    columns["updated_ts"] = to_array("timestamp", [state.updated_ts for state in states])
    for name in MAP_FIELDS:
        columns[name] = _to_map("texts", [state.fields.get(name, {}) for state in states])
    summaries = [dict(sorted(state.summary.items())) for state in states]
    columns["metrics"] = _to_map("numbers", [{key: one["last"] for key, one in row.items()} for row in summaries])
    columns["summary"] = _to_summaries(summaries)
    columns["writer"] = to_array("string", [state.writer for state in states])
    columns["stamps"] = _to_map("times", [state.packed_stamps() for state in states])
    return pa.Table.from_arrays([columns[name] for name in RUNS], schema=arrow_schema(RUNS))


def table_to_rows(table: Any) -> list[RowState]:
    """The rows of a table of `runs`. Columns the file does not have are unset."""
    columns = {name: _whole(table.column(name)) for name in RUNS if name in table.column_names}
    states = [RowState(run_id) for run_id in texts(columns["run_id"])]
    for name, kind in SCALAR_FIELDS.items():
        if name in columns:
            for state, value in zip(states, _values(kind, columns[name]), strict=True):
                if value is not None:
                    state.fields[name] = value
    for name in MAP_FIELDS:
        for state, value in zip(states, _maps(columns.get(name), texts, states), strict=True):
            state.fields[name] = value
    _set_summaries(states, columns)
    for state, value in zip(states, numbers(columns["updated_ts"]), strict=True):
        state.updated_ts = value or 0
    for state, value in zip(states, texts(columns["writer"]), strict=True):
        state.writer = value
    for state, stamps in zip(states, _maps(columns.get("stamps"), numbers, states), strict=True):
        state.base_ts = stamps.pop("", 0)
        state.stamps = stamps
    return states


def to_array(kind: Kind, values: Sequence[Any]) -> Any:
    """A column of a simple kind; None becomes null."""
    import numpy as np
    import pyarrow as pa

    present = np.fromiter((value is not None for value in values), bool, len(values))
    validity = None if present.all() else _bits(present)
    if kind == "string":
        encoded = [b"" if value is None else value.encode("utf-8") for value in values]
        buffers = [validity, pa.py_buffer(_offsets(map(len, encoded), len(encoded))), pa.py_buffer(b"".join(encoded))]
    elif kind == "boolean":
        buffers = [validity, _bits(np.fromiter((bool(value) for value in values), bool, len(values)))]
    else:
        data = np.fromiter((0 if value is None else value for value in values), _NUMPY_TYPES[kind], len(values))
        buffers = [validity, pa.py_buffer(data)]
    return pa.Array.from_buffers(arrow_type(kind), len(values), buffers)


def times_to_array(kind: Kind, data: Any, present: Any = None) -> Any:
    """A column of numbers or times from a numpy array; `present` (bool) says which are not null."""
    import numpy as np
    import pyarrow as pa

    data = np.ascontiguousarray(data, dtype=_NUMPY_TYPES[kind])
    validity = None if present is None else _bits(present)
    return pa.Array.from_buffers(arrow_type(kind), len(data), [validity, pa.py_buffer(data)])


def mask(chosen: Any) -> Any:
    """A boolean column from a numpy array, for `Table.filter`."""
    import pyarrow as pa

    return pa.Array.from_buffers(pa.bool_(), len(chosen), [None, _bits(chosen)])


def positions(order: Any) -> Any:
    """A column of row numbers from a numpy array, for `Table.take`."""
    return times_to_array("long", order)


def texts(column: Any) -> list[Any]:
    """The strings of a column; null becomes None."""
    import numpy as np

    array = _whole(column)
    if not len(array):
        return []
    validity, offset_buffer, data_buffer = array.buffers()
    ends = np.frombuffer(offset_buffer, "<i4", len(array) + 1, array.offset * 4).tolist()
    data = data_buffer.to_pybytes() if data_buffer is not None else b""
    text = data.decode("ascii") if data.isascii() else None
    if text is not None:
        found: list[Any] = [text[start:end] for start, end in pairwise(ends)]
    else:
        found = [data[start:end].decode("utf-8") for start, end in pairwise(ends)]
    return _with_nulls(found, array, validity)


def numbers(column: Any) -> list[Any]:
    """The numbers of a column (times: microseconds since 1970); null becomes None."""
    array = _whole(column)
    return _with_nulls(as_numpy(array).tolist(), array, array.buffers()[0])


def as_numpy(column: Any) -> Any:
    """The numbers or times of a column as a numpy array; what stands at nulls is undefined."""
    import numpy as np
    import pyarrow as pa

    array = _whole(column)
    if not len(array):
        return np.empty(0, "<i8")
    kind = {pa.float64(): "<f8", pa.int32(): "<i4"}.get(array.type, "<i8")
    return np.frombuffer(array.buffers()[1], kind, len(array), array.offset * np.dtype(kind).itemsize)


def presence(column: Any) -> Any:
    """Which values of a column are not null, as a numpy array of bool."""
    array = _whole(column)
    return _unpacked(array.buffers()[0], array)


def _values(kind: Kind, array: Any) -> list[Any]:
    if kind == "string":
        return texts(array)
    if kind == "boolean":
        validity, data = array.buffers()
        return _with_nulls(_unpacked(data, array).tolist(), array, validity)
    return numbers(array)


def _to_map(kind: Kind, rows: Sequence[Mapping[str, Any]]) -> Any:
    import pyarrow as pa

    item_kind: Kind = "string" if kind == "texts" else "double" if kind == "numbers" else "long"
    keys = to_array("string", [key for row in rows for key in row])
    items = to_array(item_kind, [item for row in rows for item in row.values()])
    return pa.MapArray.from_arrays(_offset_array(map(len, rows), len(rows)), keys, items)


def _maps(column: Any, decode: Callable[[Any], list[Any]], states: Sequence[RowState]) -> list[dict[str, Any]]:
    if column is None:
        return [{} for _ in states]
    keys, items = texts(column.keys), decode(column.items)
    ends = numbers(column.offsets)
    return [dict(zip(keys[start:end], items[start:end], strict=True)) for start, end in pairwise(ends)]


def _to_summaries(rows: Sequence[Mapping[str, TimedSummary]]) -> Any:
    import pyarrow as pa

    flat: list[dict[str, Any]] = [{"key": key, **one} for row in rows for key, one in row.items()]
    parts = [to_array(kind, [one[name] for one in flat]) for name, kind in SUMMARY_FIELDS.items()]
    structs = pa.StructArray.from_arrays(parts, fields=list(arrow_type("summary").value_type))
    return pa.ListArray.from_arrays(_offset_array(map(len, rows), len(rows)), structs, type=arrow_type("summary"))


def _set_summaries(states: Sequence[RowState], columns: Mapping[str, Any]) -> None:
    lists = columns["summary"]
    if not len(lists):
        return
    structs, ends = lists.values, numbers(lists.offsets)
    last_values = _maps(columns["metrics"], numbers, states)
    parts = {name: _values(kind, structs.field(name)) for name, kind in SUMMARY_FIELDS.items()}
    for state, last, start, end in zip(states, last_values, ends[:-1], ends[1:], strict=True):
        for position in range(start, end):
            key = parts["key"][position]
            state.summary[key] = {
                "last": last[key],
                "min": parts["min"][position],
                "max": parts["max"][position],
                "last_step": parts["last_step"][position],
                "last_ts": parts["last_ts"][position],
                "count": parts["count"][position],
            }


def _whole(column: Any) -> Any:
    """One array, whether it came in chunks or not."""
    import pyarrow as pa

    if not isinstance(column, pa.ChunkedArray):
        return column
    return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()


def _with_nulls(values: list[Any], array: Any, validity: Any) -> list[Any]:
    if validity is None or not array.null_count:
        return values
    return [value if there else None for value, there in zip(values, _unpacked(validity, array).tolist(), strict=True)]


def _unpacked(bits: Any, array: Any) -> Any:
    """A bitmap buffer as a numpy array of bool; no bitmap means all are set."""
    import numpy as np

    if bits is None:
        return np.ones(len(array), bool)
    unpacked = np.unpackbits(np.frombuffer(bits, "u1"), bitorder="little")
    return unpacked[array.offset : array.offset + len(array)].astype(bool)


def _bits(flags: Any) -> Any:
    import numpy as np
    import pyarrow as pa

    return pa.py_buffer(np.packbits(flags, bitorder="little"))


def _offsets(lengths: Iterable[int], count: int) -> Any:
    import numpy as np

    offsets = np.zeros(count + 1, "<i4")
    np.cumsum(np.fromiter(lengths, "<i8", count), out=offsets[1:])
    return offsets


def _offset_array(lengths: Iterable[int], count: int) -> Any:
    import pyarrow as pa

    return pa.Array.from_buffers(pa.int32(), count + 1, [None, pa.py_buffer(_offsets(lengths, count))])
