"""Closed segments of the live record become sorted Parquet files in the tables, exactly once.

1. A segment is sealed when a later one of its writer exists, or its writer is gone.
2. Each writer strictly in sequence: a table takes segment n only if its mark for that writer is n-1.
3. Each table on its own: write a new file, then commit it together with the marks it covers.
4. The commit is guarded by the marks it started from: if another sealer moved them, the own file is dropped.
5. File names are never used again; the loser of a race deletes only what it wrote.
6. A segment is deleted when every table's mark covers it.
7. A writer that is gone and has runs open: they are committed as killed, with its last segment.
8. At most 2M points in one pass, so that memory stays below 400 MB.

`runs` has one row per run in every snapshot: a run that is in a file already gets a new row, and that file is replaced
in the same commit.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from autotrack.errors import StoreError
from autotrack.store.backend import Backend
from autotrack.store.delta import DataFile, DeltaTable, Snapshot
from autotrack.store.index_update import replacement_tags
from autotrack.store.rows import RowState
from autotrack.store.segments import Segment, read_segment
from autotrack.store.wal import Wal, Writer

__all__ = ["FILE_RUNS", "SealReport", "Sealer", "completed"]

_PASS_BYTES = 2_000_000 * 36  # of one pass: as many points as take 400 MB while they are sorted
_PATCH_BYTES = 720  # what a patch counts for: 100,000 of them fill a pass too
FILE_RUNS = 20_000  # of one file of `runs`: rewriting it for one late tag takes about 0.15 s
_TRIES = 1000  # at each try that fails another sealer has done some of the work


@dataclass(frozen=True)
class SealReport:
    """What one call of `seal` has put into the tables."""

    segments: int = 0
    runs: int = 0
    points: int = 0
    skipped_lines: int = 0

    def __add__(self, other: "SealReport") -> "SealReport":
        return SealReport(
            self.segments + other.segments,
            self.runs + other.runs,
            self.points + other.points,
            self.skipped_lines + other.skipped_lines,
        )


@dataclass(frozen=True)
class _Batch:
    """Segments read in one pass, by writer in sequence; and which of them are the last of a writer that is gone."""

    segments: Mapping[str, Sequence[Segment]]
    last_seqs: Mapping[str, int]

    def after(self, marks: Mapping[str, int]) -> dict[str, list[Segment]]:
        """The segments that continue each writer's mark without a gap; writers without any are left out."""
        found: dict[str, list[Segment]] = {}
        for writer, segments in self.segments.items():
            mark = marks.get(writer, -1)
            for segment in segments:
                if segment.seq == mark + 1:
                    found.setdefault(writer, []).append(segment)
                    mark = segment.seq
        return found


class Sealer:
    """Seals one store. Any number of them may work at the same time."""

    def __init__(self, backend: Backend, wal: Wal, runs: DeltaTable, metrics: DeltaTable) -> None:
        self._backend = backend
        self._runs = runs
        self._metrics = metrics
        self._wal = wal

    def seal(self) -> SealReport:
        """Seal everything that is sealable now."""
        report = SealReport()
        while batch := self._read_batch():
            done = self._seal_metrics(batch) + self._seal_runs(batch)
            report += done
            if not done.segments and not self._covers_more(batch):
                break
        self._remove_covered()
        return report

    def _read_batch(self) -> _Batch | None:
        """The next segments that some table does not have, up to the size of a pass."""
        runs, metrics = self._runs.snapshot().marks, self._metrics.snapshot().marks
        segments: dict[str, list[Segment]] = {}
        last_seqs: dict[str, int] = {}
        size_bytes = 0
        for writer in self._wal.writers():
            mark = min(runs.get(writer.writer_id, -1), metrics.get(writer.writer_id, -1))
            if writer.life == "gone" and writer.seqs:
                last_seqs[writer.writer_id] = writer.seqs[-1]
            for seq in _continuing(writer, mark):
                if size_bytes >= _PASS_BYTES:
                    return _Batch(segments, last_seqs)
                try:
                    segment = read_segment(self._wal, writer.writer_id, seq)
                except FileNotFoundError:  # another sealer is done with it
                    break
                segments.setdefault(writer.writer_id, []).append(segment)
                size_bytes += len(segment.points) + _PATCH_BYTES * (len(segment.patches) + len(segment.heads))
        return _Batch(segments, last_seqs) if segments else None

    def _covers_more(self, batch: _Batch) -> bool:
        """Whether others have sealed what this pass had read, so that there may be more behind it."""
        for table in (self._runs, self._metrics):
            marks = table.snapshot().marks
            for writer, segments in batch.segments.items():
                if marks.get(writer, -1) < segments[-1].seq:
                    return False
        return True

    def _seal_metrics(self, batch: _Batch) -> SealReport:
        from autotrack.store.parquet import write_metrics_file
        from autotrack.store.points import points_to_table

        file: DataFile | None = None
        built_for: Mapping[str, int] | None = None
        count = 0
        for _ in range(_TRIES):
            base = self._metrics.snapshot()
            todo = batch.after(base.marks)
            if built_for is None or built_for != _marks_before(todo):
                self._metrics.discard([file] if file else [])
                file, built_for = None, _marks_before(todo)
                if not todo:
                    return SealReport()
                points = points_to_table([(one, one.header.get("rank")) for part in todo.values() for one in part])
                if points is not None:
                    file = write_metrics_file(self._backend, self._metrics, points)
                    count = points.num_rows
            adds = [file] if file else []
            if not self._metrics.has_files(adds):  # we slept, and somebody took it for a leftover
                built_for = None
            elif self._metrics.commit(base, adds=adds, removes=[], marks=_marks_after(todo)):
                return SealReport(points=count)
            batch = self._still_there(batch)
        raise _contended()

    def _seal_runs(self, batch: _Batch) -> SealReport:
        for _ in range(_TRIES):
            base = self._runs.snapshot()
            todo = batch.after(base.marks)
            if not todo:
                return SealReport()
            try:
                adds, removes, count = self._runs_files(base, todo, batch.last_seqs)
            except FileNotFoundError:  # a file of this snapshot was replaced meanwhile
                continue
            is_whole = self._runs.has_files(adds)
            if is_whole and self._runs.commit(base, adds=adds, removes=removes, marks=_marks_after(todo)):
                self._runs.forget(removes)
                done = [segment for segments in todo.values() for segment in segments]
                return SealReport(len(done), count, 0, sum(segment.skipped_lines for segment in done))
            self._runs.discard(adds)
            batch = self._still_there(batch)
        raise _contended()

    def _still_there(self, batch: _Batch) -> _Batch:
        """What others have not sealed and removed meanwhile: its marks may be gone as well, when we sleep for days."""
        there = {writer.writer_id: set(writer.seqs) for writer in self._wal.writers()}
        kept = {
            writer: [one for one in segments if one.seq in there.get(writer, ())]
            for writer, segments in batch.segments.items()
        }
        return _Batch({writer: segments for writer, segments in kept.items() if segments}, batch.last_seqs)

    def _runs_files(
        self, base: Snapshot, todo: Mapping[str, Sequence[Segment]], last_seqs: Mapping[str, int]
    ) -> tuple[list[DataFile], list[DataFile], int]:
        """New files with the rows that these segments change, the files they replace, and how many rows changed."""
        from autotrack.store.columns import rows_to_table, texts
        from autotrack.store.parquet import read_file
        from autotrack.store.points import touched_runs
        from autotrack.store.scan import fold_segment, kill_open_runs

        touched = {name for segments in todo.values() for segment in segments for name in touched_runs(segment)}
        replaced: list[tuple[DataFile, Any, list[str]]] = []
        states: dict[str, RowState] = {}
        for file in base.files.values():
            if any(file.may_hold("run_id", run_id) for run_id in touched):
                rows = read_file(self._backend, self._runs, file)
                run_ids = texts(rows.column("run_id"))
                if not touched.isdisjoint(run_ids):
                    replaced.append((file, rows, run_ids))
                    states.update((state.run_id, state) for state in _chosen_rows(rows, run_ids, touched))
        known = set(states)
        before = {run_id: _fingerprint(state) for run_id, state in states.items()}
        for writer, segments in todo.items():
            for segment in segments:
                fold_segment(states, segment, writer)
            if last_seqs.get(writer) == segments[-1].seq:
                kill_open_runs(states, segments[-1], writer)
        changed = {run_id for run_id, state in states.items() if before.get(run_id) != _fingerprint(state)}
        adds: list[DataFile] = []
        removes: list[DataFile] = []
        for file, rows, run_ids in replaced:
            if not changed.isdisjoint(run_ids):
                removes.append(file)
                mine = [run_id for run_id in run_ids if run_id in changed]
                written = self._write_runs(_with_rows(rows, run_ids, [states[run_id] for run_id in mine]))
                adds += [replace(one, tags=replacement_tags(file.name, mine)) for one in written]
        new = [states[run_id] for run_id in sorted(changed - known)]
        if new:
            adds += self._write_runs(rows_to_table(new))
        return adds, removes, len(changed)

    def _write_runs(self, rows: Any) -> list[DataFile]:
        from autotrack.store.parquet import write_runs_file

        pieces = -(-rows.num_rows // FILE_RUNS)
        size = -(-rows.num_rows // pieces)
        return [
            write_runs_file(self._backend, self._runs, rows.slice(start, size))
            for start in range(0, rows.num_rows, size)
        ]

    def _remove_covered(self) -> None:
        """Delete the segments that every table has, and the folders of writers that are gone and have no others."""
        runs, metrics = self._runs.snapshot().marks, self._metrics.snapshot().marks
        for writer in self._wal.writers():
            mark = min(runs.get(writer.writer_id, -1), metrics.get(writer.writer_id, -1))
            for seq in writer.closed_seqs:
                if seq <= mark:
                    self._wal.remove(writer.writer_id, seq)
            if writer.life == "gone" and all(seq <= mark for seq in writer.seqs):
                self._wal.remove_writer(writer.writer_id)
        self._wal.remove_leftovers()


def _continuing(writer: Writer, mark: int) -> list[int]:
    """The closed segments that follow a mark without a gap: a listing may miss one, and then must wait."""
    found: list[int] = []
    for seq in writer.closed_seqs:
        if seq == mark + 1 + len(found):
            found.append(seq)
    return found


def _marks_before(todo: Mapping[str, Sequence[Segment]]) -> dict[str, int]:
    return {writer: segments[0].seq - 1 for writer, segments in todo.items()}


def _marks_after(todo: Mapping[str, Sequence[Segment]]) -> dict[str, int]:
    return {writer: segments[-1].seq for writer, segments in todo.items()}


def _chosen_rows(rows: Any, run_ids: Sequence[str], chosen: set[str]) -> list[RowState]:
    from autotrack.store.columns import table_to_rows

    return table_to_rows(_filtered(rows, [run_id in chosen for run_id in run_ids]))


def _with_rows(rows: Any, run_ids: Sequence[str], changed: Sequence[RowState]) -> Any:
    """The table with some of its rows replaced, still sorted."""
    import numpy as np
    import pyarrow as pa

    from autotrack.store.columns import positions, rows_to_table

    new_ids = {state.run_id for state in changed}
    kept_ids = [run_id for run_id in run_ids if run_id not in new_ids]
    kept = _filtered(rows, [run_id not in new_ids for run_id in run_ids])
    whole = pa.concat_tables([completed(kept), rows_to_table(changed)])
    all_ids = kept_ids + [state.run_id for state in changed]
    order = sorted(range(len(all_ids)), key=all_ids.__getitem__)
    return whole.take(positions(np.fromiter(order, "<i8", len(order)))).combine_chunks()


def completed(rows: Any) -> Any:
    """Rows of `runs` with the columns that their file was written without, as nulls, in today's order."""
    import pyarrow as pa

    from autotrack.store.schema import RUNS, arrow_schema

    schema = arrow_schema(RUNS)
    columns = [
        rows.column(field.name).cast(field.type)
        if field.name in rows.column_names
        else pa.nulls(rows.num_rows, field.type)
        for field in schema
    ]
    return pa.Table.from_arrays(columns, schema=schema)


def _filtered(rows: Any, flags: Sequence[bool]) -> Any:
    import numpy as np

    from autotrack.store.columns import mask

    return rows.filter(mask(np.fromiter(flags, bool, len(flags))))


def _fingerprint(state: RowState) -> str:
    return repr((state.fields, state.summary, state.updated_ts, state.writer, sorted(state.packed_stamps().items())))


def _contended() -> StoreError:
    return StoreError(
        f"The live record could not be sealed: other processes were faster {_TRIES} times.\n"
        "Expected to win one of them. Nothing is lost; try again later."
    )
