"""A checkpoint of a table's log: one Parquet file with what all versions up to it come to (Delta, protocol (1, 2)).

    data, count = pack(snapshot, present_writers, now_ms)
    protocol, snapshot = unpack(data, version)

Ours are read by Spark, DuckDB, Polars and deltalake, theirs by us. Imports pyarrow when called.
"""

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any
from urllib.parse import quote, unquote

from autotrack.store.columns import mask, numbers, presence, texts, to_array
from autotrack.store.snapshot import DataFile, Snapshot

__all__ = ["pack", "unpack"]

_KEEP_MS = 7 * 86_400_000  # marks of writers that are gone, and the names of removed files: a week, as others do
_ID_DIGITS = 22  # of our writers' ids; marks of other engines are theirs to drop


def pack(snapshot: Snapshot, present: Collection[str], now_ms: int) -> tuple[bytes, int]:
    """The file, and how many actions are in it."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    marks = [writer for writer in snapshot.marks if _is_kept(snapshot, writer, present, now_ms)]
    removed = {name: ms for name, ms in snapshot.removed_ms.items() if now_ms - ms < _KEEP_MS}
    parts = {
        "protocol": _struct(_PROTOCOL, [{"minReaderVersion": 1, "minWriterVersion": 2}]),
        "metaData": _metadata(snapshot.metadata),
        "txn": _struct(_TXN, [_mark(snapshot, writer) for writer in marks]),
        "remove": _struct(_REMOVE, [_removed(name, ms) for name, ms in removed.items()]),
        "add": _struct(_ADD, [_added(file) for file in snapshot.files.values()]),
    }
    lengths = [len(part) for part in parts.values()]
    columns = {}
    for place, (name, part) in enumerate(parts.items()):
        before, after = sum(lengths[:place]), sum(lengths[place + 1 :])
        empty = (pa.nulls(before, part.type), part, pa.nulls(after, part.type))
        columns[name] = pa.chunked_array([piece for piece in empty if len(piece)], part.type)
    sink = pa.BufferOutputStream()
    pq.write_table(pa.table(columns), sink, compression="snappy", store_schema=False)
    return sink.getvalue().to_pybytes(), sum(lengths)


def unpack(data: bytes, version: int) -> tuple[Mapping[str, Any], Snapshot]:
    """The protocol that the table asks for, and the table at this version.

    Raises:
        ValueError, OSError, LookupError: It is damaged.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    with pq.ParquetFile(pa.BufferReader(data)) as parquet:
        table = parquet.read(use_threads=False)
    add = _actions(table, "add", {"path": texts, "size": numbers, "modificationTime": numbers, "stats": texts})
    txn = _actions(table, "txn", {"appId": texts, "version": numbers, "lastUpdated": numbers})
    remove = _actions(table, "remove", {"path": texts, "deletionTimestamp": numbers})
    files = (
        DataFile(unquote(path), size, json.loads(stats or "{}"), modified_ms=ms or 0)
        for path, size, ms, stats in zip(*add, strict=True)
    )
    snapshot = Snapshot(
        version,
        {file.name: file for file in files},
        dict(zip(txn[0], txn[1], strict=True)),
        {writer: ms or 0 for writer, _, ms in zip(*txn, strict=True)},
        {unquote(path): ms or 0 for path, ms in zip(*remove, strict=True)},
        _the_one(table, "metaData"),
    )
    return _the_one(table, "protocol"), snapshot


# ---- packing: the columns of each action, by their buffers


def _is_kept(snapshot: Snapshot, writer: str, present: Collection[str], now_ms: int) -> bool:
    is_ours = len(writer) == _ID_DIGITS and all(digit in "0123456789abcdef" for digit in writer)
    return not is_ours or writer in present or now_ms - snapshot.marked_ms.get(writer, 0) < _KEEP_MS


def _mark(snapshot: Snapshot, writer: str) -> dict[str, Any]:
    return {"appId": writer, "version": snapshot.marks[writer], "lastUpdated": snapshot.marked_ms.get(writer)}


def _removed(name: str, ms: int) -> dict[str, Any]:
    return {"path": quote(name), "deletionTimestamp": ms, "dataChange": False, "extendedFileMetadata": False}


def _added(file: DataFile) -> dict[str, Any]:
    return {
        "path": quote(file.name),
        "partitionValues": {},
        "size": file.size_bytes,
        "modificationTime": file.modified_ms,
        "dataChange": False,
        "stats": json.dumps(file.stats, separators=(",", ":")),
    }


_PROTOCOL = {"minReaderVersion": "integer", "minWriterVersion": "integer"}
_TXN = {"appId": "string", "version": "long", "lastUpdated": "long"}
_REMOVE = {
    "path": "string",
    "deletionTimestamp": "long",
    "dataChange": "boolean",
    "extendedFileMetadata": "boolean",
}
_ADD = {
    "path": "string",
    "partitionValues": "texts",
    "size": "long",
    "modificationTime": "long",
    "dataChange": "boolean",
    "stats": "string",
}
_FORMAT = {"provider": "string", "options": "texts"}


def _struct(kinds: Mapping[str, str], rows: Sequence[Mapping[str, Any]]) -> Any:
    import pyarrow as pa

    columns = [_column(kind, [row.get(name) for row in rows]) for name, kind in kinds.items()]
    return pa.StructArray.from_arrays(columns, names=list(kinds))


def _column(kind: str, values: Sequence[Any]) -> Any:
    import pyarrow as pa

    if kind == "texts":
        ends = to_array("integer", [0, *_sums(values)])
        names = to_array("string", [name for value in values for name in value])
        items = to_array("string", [item for value in values for item in value.values()])
        return pa.MapArray.from_arrays(ends, names, items)
    if kind == "names":
        ends = to_array("integer", [0, *_sums(values)])
        return pa.ListArray.from_arrays(ends, to_array("string", [name for value in values for name in value]))
    return to_array(kind, values)  # type: ignore[arg-type]


def _sums(values: Sequence[Any]) -> list[int]:
    sums: list[int] = []
    for value in values:
        sums.append((sums[-1] if sums else 0) + len(value))
    return sums


def _metadata(metadata: Mapping[str, Any]) -> Any:
    import pyarrow as pa

    form = metadata.get("format") or {}
    columns = {
        "id": _column("string", [metadata["id"]]),
        "name": _column("string", [metadata.get("name")]),
        "description": _column("string", [metadata.get("description")]),
        "format": _struct(
            _FORMAT, [{"provider": form.get("provider", "parquet"), "options": form.get("options") or {}}]
        ),
        "schemaString": _column("string", [metadata["schemaString"]]),
        "partitionColumns": _column("names", [metadata.get("partitionColumns") or []]),
        "createdTime": _column("long", [metadata.get("createdTime")]),
        "configuration": _column("texts", [metadata.get("configuration") or {}]),
    }
    return pa.StructArray.from_arrays(list(columns.values()), names=list(columns))


# ---- unpacking


def _actions(table: Any, name: str, fields: Mapping[str, Callable[[Any], list[Any]]]) -> list[list[Any]]:
    """Some fields of all actions of a kind, each as a list."""
    import pyarrow as pa

    if name not in table.column_names:
        return [[] for _ in fields]
    found = _present(table, name)
    columns = []
    for field, decode in fields.items():
        at = found.type.get_field_index(field)
        if at < 0:
            columns.append([None] * len(found))
            continue
        column = found.field(at)
        columns.append(decode(column.cast(pa.string() if decode is texts else pa.int64())))
    return columns


def _present(table: Any, name: str) -> Any:
    """The actions of a kind, without the lines of the others."""
    column = table.column(name).combine_chunks()
    return column.filter(mask(presence(column)))


def _the_one(table: Any, name: str) -> dict[str, Any]:
    """The only action of a kind."""
    [found] = _present(table, name).to_pylist()
    if "format" in found:  # maps come as lists of pairs
        found["format"]["options"] = dict(found["format"].get("options") or ())
        found["configuration"] = dict(found.get("configuration") or ())
    return {name: value for name, value in found.items() if value is not None}
