"""Several sorted files of `metrics` into few, a row group of each at a time: memory does not grow with their size.

    output = Output(backend, table)
    for piece in merged(backend, table, files):
        output.add(piece)
    new_files = output.finish()

A file is opened when the first of its runs comes up, so files of different runs are never open together.
Imports numpy and pyarrow when called.
"""

import contextlib
import mmap
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from autotrack.store.backend import Backend, LocalBackend
from autotrack.store.columns import as_numpy, presence, texts, times_to_array, to_array
from autotrack.store.delta import DataFile, DeltaTable
from autotrack.store.parquet import METRICS_OPTIONS, POINT_ROWS, as_ours, metrics_stats, new_name
from autotrack.store.schema import METRICS, arrow_schema

__all__ = ["Output", "Part", "Place", "joined", "merged", "part_of"]

FILE_POINTS = 16_000_000  # of one merged file: about 140 MB
FILE_BYTES = 192 << 20  # the same, where points are larger than usual

_STEP_POINTS = 500_000  # put in order at once: about 70 MB

Place = tuple[str, str, int, int]  # of a point in the order: run id, key, step, time
_START: Place = ("", "", 0, 0)


@dataclass(frozen=True)
class Part:
    """Some points in order. The codes are positions in the lists of names.

    Attributes:
        fields: step, ts, value, epoch, rank, and whether the last two are there.
    """

    run_names: list[str]
    key_names: list[str]
    runs: Any
    keys: Any
    fields: dict[str, Any]

    def __len__(self) -> int:
        return len(self.runs)

    def place(self, at: int) -> Place:
        return (
            self.run_names[self.runs[at]],
            self.key_names[self.keys[at]],
            int(self.fields["step"][at]),
            int(self.fields["ts"][at]),
        )

    def up_to(self, bound: Place) -> int:
        """How many of the points come no later than this place."""
        low, high = 0, len(self)
        while low < high:
            middle = (low + high) // 2
            if self.place(middle) <= bound:
                low = middle + 1
            else:
                high = middle
        return low

    def cut(self, start: int, stop: int | None = None) -> "Part":
        here = slice(start, stop)
        fields = {name: values[here] for name, values in self.fields.items()}
        return Part(self.run_names, self.key_names, self.runs[here], self.keys[here], fields)

    def table(self) -> Any:
        """The points as a table of `metrics`."""
        import pyarrow as pa

        fields = self.fields
        columns = {
            "run_id": _dictionary(self.runs, self.run_names),
            "key": _dictionary(self.keys, self.key_names),
            "step": times_to_array("long", fields["step"]),
            "epoch": times_to_array("long", fields["epoch"], fields["has_epoch"]),
            "ts": times_to_array("timestamp", fields["ts"]),
            "value": times_to_array("double", fields["value"]),
            "rank": times_to_array("integer", fields["rank"], fields["has_rank"]),
        }
        return pa.Table.from_arrays([columns[name] for name in METRICS], schema=_schema())


class _Input:
    """A file that is being read: the row group in hand, and whether there are more."""

    def __init__(self, backend: Backend, table: DeltaTable, file: DataFile) -> None:
        self.first_run = str(file.stats["minValues"]["run_id"])
        self._backend = backend
        self._key = table.key(file.name)
        self._open = contextlib.ExitStack()
        self._parquet: Any = None
        self._next = 0
        self.part: Part | None = None

    @property
    def has_more(self) -> bool:
        return self._parquet is None or self._next < self._parquet.num_row_groups

    def fill(self) -> None:
        """Read on, if nothing is in hand."""
        import pyarrow.parquet as pq

        if self._parquet is None:
            source = self._open.enter_context(self._backend.open(self._key))
            self._parquet = self._open.enter_context(pq.ParquetFile(source, read_dictionary=["run_id", "key"]))
        while self.part is None and self._next < self._parquet.num_row_groups:
            rows = as_ours(self._parquet.read_row_group(self._next, use_threads=False), METRICS)
            self._next += 1
            self.part = part_of(rows) if rows.num_rows else None
        if self.part is None:
            self.close()

    def take(self, count: int) -> Part:
        """The first points in hand; they are not in hand any more."""
        part = self.part
        assert part is not None
        self.part = part.cut(count) if count < len(part) else None
        return part.cut(0, count)

    def close(self) -> None:
        self._open.close()


def merged(backend: Backend, table: DeltaTable, files: Sequence[DataFile]) -> Iterator[Part]:
    """The points of the files in one order, in pieces of about a row group or more."""
    waiting = sorted((_Input(backend, table, file) for file in files), key=lambda one: one.first_run, reverse=True)
    active: list[_Input] = []
    try:
        while waiting or active:
            bound = _bound(active)
            if not active or (waiting and waiting[-1].first_run <= bound[0]):
                active.append(waiting.pop())
                active[-1].fill()
                continue
            pieces = [one.take(one.part.up_to(bound)) for one in active if one.part is not None]
            pieces = [piece for piece in pieces if len(piece)]
            if pieces:
                yield pieces[0] if len(pieces) == 1 else _sorted(joined(pieces))
            for one in active:
                one.fill()
            active = [one for one in active if one.part is not None]
    finally:
        for one in [*active, *waiting]:
            one.close()


def _bound(active: Sequence[_Input]) -> Place:
    """Up to where to go at once: what is in hand is all there is before it, and it is not too much."""
    share = max(1, _STEP_POINTS // max(1, len(active)))
    limits, ends = [], [_START]
    for one in active:
        if one.part is not None:
            ends.append(one.part.place(-1))
            # Beyond the end of what is in hand of a file, its next row group may come before others' points.
            if one.has_more or len(one.part) > share:
                limits.append(one.part.place(min(share, len(one.part)) - 1))
    return min(limits, default=max(ends))


class Output:
    """New files of `metrics`, written one after the other; `files` are those that are complete."""

    def __init__(self, backend: Backend, table: DeltaTable, *, file_points: int = FILE_POINTS) -> None:
        self.files: list[DataFile] = []
        self._backend = backend
        self._table = table
        self._file_points = file_points
        self._pieces: list[Part] = []
        self._open = contextlib.ExitStack()
        self._spool: Any = None
        self._writer: Any = None
        self._count = 0
        self._stats: dict[str, Any] = {}

    def add(self, piece: Part) -> None:
        """Write on; row groups are filled."""
        self._pieces.append(piece)
        if sum(map(len, self._pieces)) >= POINT_ROWS:
            whole = joined(self._pieces)
            full = len(whole) // POINT_ROWS * POINT_ROWS
            for start in range(0, full, POINT_ROWS):
                self._write(whole.cut(start, start + POINT_ROWS))
            self._pieces = [whole.cut(full)] if full < len(whole) else []

    def finish(self) -> list[DataFile]:
        """Write the rest; all files."""
        if self._pieces:
            self._write(joined(self._pieces))
            self._pieces = []
        self._end_file()
        return self.files

    def discard(self) -> None:
        """Delete what was written."""
        self._open.close()
        for file in self.files:
            self._backend.delete(self._table.key(file.name))

    def _write(self, part: Part) -> None:
        import pyarrow.parquet as pq

        rows = part.table()
        if self._writer is None:
            # Beside the store, where there is room for it; without a name, so that nothing is left of it.
            folder = self._backend.root if isinstance(self._backend, LocalBackend) else None
            self._spool = self._open.enter_context(tempfile.TemporaryFile(dir=folder))  # noqa: SIM115  it ends with the file
            self._writer = pq.ParquetWriter(self._spool, rows.schema, **METRICS_OPTIONS)
        self._writer.write_table(rows, row_group_size=POINT_ROWS)
        self._count += rows.num_rows
        self._stats = _joined_stats(self._stats, metrics_stats(rows))
        if self._count >= self._file_points or self._spool.tell() >= FILE_BYTES:
            self._end_file()

    def _end_file(self) -> None:
        if self._writer is None:
            return
        self._writer.close()
        self._spool.flush()
        name = new_name(1)
        with mmap.mmap(self._spool.fileno(), 0, access=mmap.ACCESS_READ) as data, memoryview(data) as view:
            self._backend.put(self._table.key(name), view, durable=True)
            self.files.append(DataFile(name, len(view), {"numRecords": self._count, **self._stats}))
        self._open.close()
        self._spool = self._writer = None
        self._count, self._stats = 0, {}


def part_of(rows: Any) -> Part:
    import numpy as np

    count = rows.num_rows
    fields: dict[str, Any] = {name: as_numpy(rows.column(name)) for name in ("step", "ts", "value")}
    for name in ("epoch", "rank"):
        if name in rows.column_names:
            fields |= {name: as_numpy(rows.column(name)), f"has_{name}": presence(rows.column(name))}
        else:
            fields |= {name: np.zeros(count, "<i8"), f"has_{name}": np.zeros(count, bool)}
    run_names, runs = _codes(rows.column("run_id"))
    key_names, keys = _codes(rows.column("key"))
    return Part(run_names, key_names, runs, keys, fields)


def _codes(column: Any) -> tuple[list[str], Any]:
    array = column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()
    return texts(array.dictionary), as_numpy(array.indices)


def joined(parts: Sequence[Part]) -> Part:
    """All of the points, one part after the other, under sorted names."""
    import numpy as np

    if len(parts) == 1:
        return parts[0]
    run_names, runs = _renamed([(part.run_names, part.runs) for part in parts])
    key_names, keys = _renamed([(part.key_names, part.keys) for part in parts])
    fields = {name: np.concatenate([part.fields[name] for part in parts]) for name in parts[0].fields}
    return Part(run_names, key_names, runs, keys, fields)


def _renamed(parts: Sequence[tuple[list[str], Any]]) -> tuple[list[str], Any]:
    """One sorted list of the names that are used, and the codes by it."""
    import numpy as np

    used = [np.unique(codes) for _, codes in parts]
    names = sorted({part[0][code] for part, codes in zip(parts, used, strict=True) for code in codes.tolist()})
    position = {name: at for at, name in enumerate(names)}
    found = []
    for (old_names, codes), present in zip(parts, used, strict=True):
        new_codes = np.zeros(len(old_names), "<i4")
        new_codes[present] = [position[old_names[code]] for code in present.tolist()]
        found.append(new_codes[codes])
    return names, np.concatenate(found)


def _sorted(part: Part) -> Part:
    """The points in order; names must be sorted."""
    import numpy as np

    series = part.runs.astype("<i8") * len(part.key_names) + part.keys
    order = np.lexsort((part.fields["ts"], part.fields["step"], series))
    fields = {name: values[order] for name, values in part.fields.items()}
    return Part(part.run_names, part.key_names, part.runs[order], part.keys[order], fields)


def _joined_stats(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    if not one:
        return other
    low = {
        name: min(value, other["minValues"][name])
        for name, value in one["minValues"].items()
        if name in other["minValues"]
    }
    high = {
        name: max(value, other["maxValues"][name])
        for name, value in one["maxValues"].items()
        if name in other["maxValues"]
    }
    return {"minValues": low, "maxValues": high, "nullCount": one["nullCount"]}


def _schema() -> Any:
    import pyarrow as pa

    schema = arrow_schema(METRICS)
    names = pa.dictionary(pa.int32(), pa.string())
    for name in ("run_id", "key"):
        schema = schema.set(schema.get_field_index(name), pa.field(name, names))
    return schema


def _dictionary(codes: Any, names: Sequence[str]) -> Any:
    import pyarrow as pa

    return pa.DictionaryArray.from_arrays(times_to_array("integer", codes), to_array("string", names))
