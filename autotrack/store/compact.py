"""Many small files of a table become few, while others read and write; and what nobody needs any more is deleted.

    compactor.merge()           # if there are many
    compactor.checkpoint()      # if it is due
    compactor.clean()           # what the killed have left

The new files and the removal of the old ones are one commit, and it stands only if all the old files are still in the
table: files that came meanwhile do not matter, and if one is gone the work begins again. No row changes, so readers
and the marks of writers are not concerned.

In a folder the old files are deleted right away (readers begin again with a new snapshot), so that whoever reads all
`*.parquet` without the log sees each row once, but for milliseconds. In a bucket they stay for a week.
"""

import contextlib
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from autotrack.errors import StoreError
from autotrack.store.backend import Backend, LocalBackend
from autotrack.store.delta import DataFile, DeltaTable, Snapshot
from autotrack.store.journal import segment_name
from autotrack.store.merge import FILE_POINTS, Output, merged
from autotrack.store.parquet import POINT_ROWS, read_file, write_runs_file
from autotrack.store.seal import FILE_RUNS, SealReport, completed
from autotrack.store.wal import Wal, is_backlog

__all__ = ["CompactReport", "Compactor", "store_clock_s"]

DUE_FILES = 32  # sealed files of a table: a history or a search opens most of them
DUE_BYTES = 64 << 20  # of sealed files
PASS_POINTS = 2 * FILE_POINTS  # of one merge: about a minute, all of which is lost if it is killed
CHEAP_POINTS = 1_000_000  # of a merge that nobody should notice
PASS_OPEN_POINTS = 4_000_000  # in memory at once if all files had the same runs: about 200 MB
LEFTOVER_S = 900.0  # files that no version names: longer than anybody takes from writing one to committing it
KEEP_REMOTE_S = 7 * 86_400.0  # replaced files in a bucket, for readers of older versions
_TRIES = 100  # to commit; at each that fails somebody else has committed


@dataclass(frozen=True)
class MergeReport:
    """What merging has done: how many files became how many, and the rows in them."""

    files_before: int = 0
    files_after: int = 0
    rows: int = 0

    def __add__(self, other: "MergeReport") -> "MergeReport":
        return MergeReport(
            self.files_before + other.files_before, self.files_after + other.files_after, self.rows + other.rows
        )


@dataclass(frozen=True)
class CleanReport:
    """What was deleted: log entries that a checkpoint stands for, and files that nobody needs."""

    log_entries: int = 0
    files: int = 0


@dataclass(frozen=True)
class CompactReport:
    """What was done to bring a store into shape."""

    sealed: SealReport
    merged: MergeReport
    checkpoints: int
    cleaned: CleanReport


def _never() -> bool:
    return False


class Compactor:
    """Keeps the tables of one store in shape. Any number of them may work at the same time."""

    def __init__(self, backend: Backend, wal: Wal, runs: DeltaTable, metrics: DeltaTable) -> None:
        self._backend = backend
        self._wal = wal
        self._runs = runs
        self._metrics = metrics

    def checkpoint(self) -> int:
        """Write the checkpoints that are due; how many."""
        return sum(table.checkpoint(self._present_writers) for table in (self._runs, self._metrics))

    def has_backlog(self) -> bool:
        """Whether so much of the live record is closed that reading it takes its time."""
        closed = [(writer.writer_id, seq) for writer in self._wal.writers() for seq in writer.closed_seqs]
        if is_backlog(len(closed), 0):
            return True
        size_bytes = 0
        for writer_id, seq in closed:
            with contextlib.suppress(FileNotFoundError):
                size_bytes += self._backend.stat(f"wal/{writer_id}/{segment_name(seq)}").size_bytes
        return is_backlog(len(closed), size_bytes)

    def merge(
        self, *, is_forced: bool = False, is_cheap: bool = False, is_stopped: Callable[[], bool] = _never
    ) -> MergeReport:
        """Merge the small files of each table, if there are many or `is_forced`.

        Args:
            is_cheap: What would take more than about a second is left for another time.
            is_stopped: Asked now and then; True: give up, without having changed anything.
        """
        report = MergeReport()
        for table, merge_some in ((self._runs, self._merge_runs), (self._metrics, self._merge_points)):
            while not is_stopped():
                is_runs = table is self._runs
                files = small_files(table.snapshot(), FILE_RUNS if is_runs else FILE_POINTS, is_forced=is_forced)
                chosen = (
                    _runs_pass(files) if is_runs else _points_pass(files, CHEAP_POINTS if is_cheap else PASS_POINTS)
                )
                if len(chosen) < 2:
                    break
                try:
                    report += merge_some(chosen, is_stopped)
                except FileNotFoundError:
                    if all(file.name in table.snapshot().files for file in chosen):
                        raise  # not replaced by somebody who was faster, but lost
        return report

    def clean(self, *, older_than_s: float = LEFTOVER_S, keep_log_s: float | None = None) -> CleanReport:
        """Delete files that no version names, unfinished files, and log entries that a checkpoint stands for.

        Args:
            older_than_s: What was being written so recently may still be finished by somebody.
            keep_log_s: How long log entries stay behind a checkpoint; None: an hour, in a bucket a week.
        """
        now_s = store_clock_s(self._backend)
        if keep_log_s is None:
            keep_log_s = KEEP_REMOTE_S if self._backend.is_remote else 3600.0
        entries = files = 0
        for table in (self._runs, self._metrics):
            entries += table.shorten(keep_s=keep_log_s)
            files += self._remove_unnamed(table, now_s, older_than_s)
        if isinstance(self._backend, LocalBackend):
            files += self._backend.remove_temporary(now_s - older_than_s)
        return CleanReport(entries, files)

    def _present_writers(self) -> set[str]:
        return {writer.writer_id for writer in self._wal.writers()}

    def _merge_runs(self, inputs: Sequence[DataFile], _: Callable[[], bool]) -> MergeReport:
        import pyarrow as pa

        from autotrack.store.columns import positions, texts

        rows = pa.concat_tables([completed(read_file(self._backend, self._runs, file)) for file in inputs])
        run_ids = texts(rows.column("run_id"))
        order = sorted(range(len(run_ids)), key=run_ids.__getitem__)
        rows = rows.take(positions(_int_array(order))).combine_chunks()
        return self._replace(self._runs, inputs, [write_runs_file(self._backend, self._runs, rows, level=1)])

    def _merge_points(self, inputs: Sequence[DataFile], is_stopped: Callable[[], bool]) -> MergeReport:
        output = Output(self._backend, self._metrics)
        try:
            for piece in merged(self._backend, self._metrics, inputs):
                if is_stopped():
                    output.discard()
                    return MergeReport()
                output.add(piece)
            files = output.finish()
        except BaseException:
            output.discard()
            raise
        return self._replace(self._metrics, inputs, files)

    def _replace(self, table: DeltaTable, inputs: Sequence[DataFile], outputs: Sequence[DataFile]) -> MergeReport:
        """Commit, if all inputs are still there; nothing is done if not."""
        for _ in range(_TRIES):
            now = table.snapshot()
            if any(file.name not in now.files for file in inputs) or not table.has_files(outputs):
                table.discard(outputs)
                return MergeReport()
            if table.commit(now, adds=outputs, removes=inputs, marks={}, is_data_change=False):
                table.forget(inputs)
                return MergeReport(len(inputs), len(outputs), sum(file.row_count for file in outputs))
        table.discard(outputs)
        raise StoreError(
            f"The files of {table.prefix} could not be merged: other processes were faster {_TRIES} times.\n"
            "Expected to win one of them. Nothing is lost; try again later."
        )

    def _remove_unnamed(self, table: DeltaTable, now_s: float, older_than_s: float) -> int:
        """Files of ours that were written and never committed, or replaced and not deleted."""
        listed = self._backend.stats(f"{table.prefix}/")  # before the snapshot: what is new since is not looked at
        snapshot = table.snapshot()
        removed = 0
        for key, stat in listed.items():
            name = key.removeprefix(f"{table.prefix}/")
            if name in snapshot.files or not _is_ours(name) or now_s - stat.modified_s < older_than_s:
                continue
            replaced_ms = snapshot.removed_ms.get(name)
            is_kept = self._backend.is_remote and replaced_ms is not None
            if is_kept and time.time() - (replaced_ms or 0) / 1000 < KEEP_REMOTE_S:
                continue
            self._backend.delete(key)
            removed += 1
        return removed


def small_files(snapshot: Snapshot, full_rows: int, *, is_forced: bool = False) -> list[DataFile]:
    """The files worth merging, by the first run in them; none if they are few, unless `is_forced`.

    Args:
        full_rows: Of a file; one that is more than half full stays as it is.
    """
    files = [file for file in snapshot.files.values() if _has_stats(file) and file.row_count <= full_rows // 2]
    sealed = [file for file in files if file.name.startswith("L0-")]
    is_due = len(sealed) >= DUE_FILES or sum(file.size_bytes for file in sealed) > DUE_BYTES
    if not sealed or not (is_due or is_forced):
        return []
    # Of those merged before, only what is not larger than the rest together: each row is moved a few times at most.
    rows = sum(file.row_count for file in sealed)
    for file in sorted(files, key=lambda file: file.row_count):
        if file.name.startswith("L1-") and file.row_count <= rows:
            sealed.append(file)
            rows += file.row_count
    return sorted(sealed, key=lambda file: str(file.stats["minValues"]["run_id"]))


def _points_pass(files: Iterable[DataFile], most_points: int) -> list[DataFile]:
    """Neighbours that one merge takes."""
    chosen: list[DataFile] = []
    points = open_points = 0
    for file in files:
        points += file.row_count
        open_points += min(file.row_count, POINT_ROWS)
        if points > most_points or open_points > PASS_OPEN_POINTS:
            break
        chosen.append(file)
    return chosen


def _runs_pass(files: Iterable[DataFile]) -> list[DataFile]:
    """Neighbours that make one file together."""
    chosen: list[DataFile] = []
    for file in files:
        if sum(one.row_count for one in chosen) + file.row_count > FILE_RUNS:
            if len(chosen) > 1:
                break
            chosen = []
        chosen.append(file)
    return chosen if sum(one.row_count for one in chosen) <= FILE_RUNS else []


def store_clock_s(backend: Backend) -> float:
    """What time it is for the place where the files lie: ours may be another, and the files' times are by that."""
    key = "maintenance/clock"
    backend.put(key, b"", durable=False)
    return backend.stat(key).modified_s


def _is_ours(name: str) -> bool:
    return name.startswith(("L0-", "L1-")) and name.endswith(".parquet") and "/" not in name


def _has_stats(file: DataFile) -> bool:
    return file.row_count > 0 and "run_id" in file.stats.get("minValues", {})


def _int_array(numbers: Sequence[int]) -> Any:
    import numpy as np

    return np.fromiter(numbers, "<i8", len(numbers))
