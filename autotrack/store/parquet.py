"""The table files: written with the encodings every engine reads, read by column and by what statistics leave over.

Imports pyarrow when called.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from autotrack.store.backend import Backend
from autotrack.store.columns import as_numpy, texts
from autotrack.store.delta import DataFile, DeltaTable
from autotrack.store.journal import new_id
from autotrack.store.schema import METRICS, RUNS, Kind, arrow_type

__all__ = [
    "METRICS_OPTIONS",
    "POINT_ROWS",
    "as_ours",
    "metrics_stats",
    "new_name",
    "read_file",
    "read_points",
    "write_metrics_file",
    "write_runs_file",
]

_RUN_ROWS = 4096  # of a row group: the newest page of runs is read without the rest
POINT_ROWS = 131_072  # of a row group: about 1 MB, what a history of a few points costs to read
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_OPTIONS: dict[str, Any] = {
    "compression": "zstd",
    "compression_level": 1,
    "write_page_index": True,
    "store_schema": False,  # other engines see plain Parquet types
}
METRICS_OPTIONS: dict[str, Any] = _OPTIONS | {
    "use_dictionary": ["run_id", "key", "rank"],
    # Spark 3.5 cannot read BYTE_STREAM_SPLIT, which would be a little smaller.
    "column_encoding": {
        "step": "DELTA_BINARY_PACKED",
        "epoch": "DELTA_BINARY_PACKED",
        "ts": "DELTA_BINARY_PACKED",
        "value": "PLAIN",
    },
}


def write_runs_file(backend: Backend, table: DeltaTable, rows: Any, *, level: int = 0) -> DataFile:
    """Write rows, sorted by run_id, as a new file of `runs` that no snapshot names yet.

    Args:
        level: 0 for what was sealed, 1 for what was merged.
    """
    run_ids = texts(rows.column("run_id"))
    stats = {"minValues": {"run_id": run_ids[0]}, "maxValues": {"run_id": run_ids[-1]}, "nullCount": {"run_id": 0}}
    return _write(backend, table, rows, stats, level, row_group_size=_RUN_ROWS)


def write_metrics_file(backend: Backend, table: DeltaTable, points: Any) -> DataFile:
    """Write points, sorted by (run_id, key, step, ts), as a new file of `metrics` that no snapshot names yet."""
    return _write(backend, table, points, metrics_stats(points), 0, row_group_size=POINT_ROWS, **METRICS_OPTIONS)


def metrics_stats(points: Any) -> dict[str, Any]:
    """What the log says of a file of `metrics` with these points."""
    low: dict[str, Any] = {}
    high: dict[str, Any] = {}
    for name in ("run_id", "key"):
        used = _used_names(points.column(name))
        low[name], high[name] = min(used), max(used)
    steps, times = as_numpy(points.column("step")), as_numpy(points.column("ts"))
    low |= {"step": int(steps.min())} | _iso("ts", int(times.min()))
    high |= {"step": int(steps.max())} | _iso("ts", int(times.max()))
    # Nothing about `value`: its extremes may be NaN or infinite, which JSON does not know.
    return {"minValues": low, "maxValues": high, "nullCount": dict.fromkeys(("run_id", "key", "step", "ts"), 0)}


def new_name(level: int) -> str:
    """A name for a file of a table; never given again, so that nobody mistakes one file for another."""
    return f"L{level}-{new_id()}.parquet"


def read_file(backend: Backend, table: DeltaTable, file: DataFile, columns: Sequence[str] | None = None) -> Any:
    """A whole file of `runs`, or some columns of it (those it has).

    Raises:
        FileNotFoundError: The file was replaced; take a new snapshot.
    """
    import pyarrow.parquet as pq

    with (
        backend.open(table.key(file.name)) as source,
        pq.ParquetFile(source, coerce_int96_timestamp_unit="us", pre_buffer=backend.is_remote) as parquet,
    ):
        wanted = None if columns is None else [name for name in columns if name in parquet.schema_arrow.names]
        return as_ours(parquet.read(columns=wanted, use_threads=False), RUNS)


def read_points(backend: Backend, table: DeltaTable, file: DataFile, runs: tuple[str, str], key: str) -> Any:
    """The row groups of a file of `metrics` that may hold points of this key and of runs from the first of these ids to
    the last; None if none does.
    """
    import pyarrow.parquet as pq

    columns = ["run_id", "key", "step", "epoch", "ts", "value"]
    with (
        backend.open(table.key(file.name)) as source,
        pq.ParquetFile(
            source,
            read_dictionary=["run_id", "key"],
            coerce_int96_timestamp_unit="us",
            pre_buffer=backend.is_remote,  # neighbouring columns in one request
        ) as parquet,
    ):
        groups = [
            group
            for group in range(parquet.num_row_groups)
            if _group_may_hold(parquet.metadata.row_group(group), {"run_id": runs, "key": (key, key)})
        ]
        if not groups:
            return None
        return as_ours(parquet.read_row_groups(groups, columns=columns, use_threads=False), METRICS)


def _write(
    backend: Backend, table: DeltaTable, rows: Any, stats: dict[str, Any], level: int, **options: Any
) -> DataFile:
    import pyarrow as pa
    import pyarrow.parquet as pq

    sink = pa.BufferOutputStream()
    pq.write_table(rows, sink, **{**_OPTIONS, **options})
    data = memoryview(sink.getvalue())
    name = new_name(level)
    backend.put(table.key(name), data, durable=True)
    return DataFile(name, len(data), {"numRecords": rows.num_rows, **stats})


def as_ours(rows: Any, columns: Mapping[str, Kind]) -> Any:
    """The rows with our types: other engines may add files with wider texts, or times in other units."""
    import pyarrow as pa

    names = pa.dictionary(pa.int32(), pa.string())
    for position, field in enumerate(rows.schema):
        expected = names if pa.types.is_dictionary(field.type) else arrow_type(columns[field.name])
        if field.name in columns and field.type != expected:
            rows = rows.set_column(position, field.name, rows.column(position).cast(expected))
    return rows


def _group_may_hold(group: Any, ranges: dict[str, tuple[str, str]]) -> bool:
    """Whether a row with values in these ranges can be in a row group; its runs are sorted, keys only within a run."""
    for position in range(group.num_columns):
        column = group.column(position)
        wanted = ranges.get(column.path_in_schema)
        if wanted is not None and column.is_stats_set and column.statistics.has_min_max:
            first, last = wanted
            if column.statistics.max < first or last < column.statistics.min:
                return False
    return True


def _used_names(column: Any) -> list[str]:
    import numpy as np

    array = column.chunk(0)
    names = texts(array.dictionary)
    return [names[code] for code in np.unique(as_numpy(array.indices)).tolist()]


def _iso(name: str, microseconds: int) -> dict[str, str]:
    """A time as Delta writes it; nothing for one that no calendar has (beyond the years 1 to 9999)."""
    try:
        time = _EPOCH + timedelta(microseconds=microseconds)
    except OverflowError:
        return {}
    return {name: time.isoformat(timespec="microseconds").replace("+00:00", "Z")}
