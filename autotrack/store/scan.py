"""Rows and points back: what is sealed and what is live, as one.

The order is what makes it exact: first the live record, then the table's snapshot, then drop of the live record
what the snapshot's marks cover. The other way round, a segment sealed in between would be missed.
"""

import contextlib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from autotrack.errors import StoreError
from autotrack.store.backend import Backend
from autotrack.store.columns import as_numpy, mask, presence, rows_to_table, table_to_rows, texts
from autotrack.store.delta import DeltaTable, Snapshot
from autotrack.store.history import history_of
from autotrack.store.journal import NO_EPOCH
from autotrack.store.parquet import read_file, read_points
from autotrack.store.points import points_of, points_to_table, summaries, touched_runs
from autotrack.store.rows import RowState, printable
from autotrack.store.segments import LiveRecords, LiveWriter, Segment
from autotrack.store.wal import Life, Wal
from autotrack.types import History, Row

if TYPE_CHECKING:
    from autotrack.store.index import Index

__all__ = ["Moment", "Parts", "Scanner", "fold_segment", "kill_open_runs", "rows_with_ids", "segments_behind"]

_TRIES = 20  # a snapshot's file can be replaced while it is read; each try needs another commit in between

_T = TypeVar("_T")


class Parts(NamedTuple):
    """The tables in the parts they come in.

    Attributes:
        run_files, point_files: Names of Parquet files, one for each of the tables' files.
        runs: An Arrow table of the rows that are live; they stand for what the files have of the same runs.
        points: An Arrow table of the points that are in no file yet; None if there are none.
    """

    run_files: list[str]
    runs: Any
    point_files: list[str]
    points: Any


class Moment(NamedTuple):
    """A store at one moment: what is live, and the tables behind it."""

    writers: list[LiveWriter]
    runs: Snapshot
    metrics: Snapshot


class Scanner:
    """Reads one store. May be shared by threads."""

    def __init__(self, backend: Backend, wal: Wal, runs: DeltaTable, metrics: DeltaTable) -> None:
        self._backend = backend
        self._runs = runs
        self._metrics = metrics
        self._wal = wal
        self._live = LiveRecords(wal)

    def rows(self, run_ids: Collection[str] | None = None) -> dict[str, Row]:
        """The rows of these runs, or of all; runs that were deleted are left out."""
        wanted = None if run_ids is None else {printable(run_id) for run_id in run_ids}
        return self._retry(lambda: self._rows(wanted))

    def points(self, run_ids: Collection[str], key: str) -> dict[str, History]:
        """All points of a metric of some runs, by step and time; runs that have none are left out."""
        places = {run_id: place for place, run_id in enumerate(sorted(set(map(printable, run_ids))))}
        return self._retry(lambda: self._points(places, printable(key))) if places else {}

    def _retry(self, read: Callable[[], _T | None]) -> _T:
        missing: object = None
        for _ in range(_TRIES):
            try:
                found = read()
            except FileNotFoundError as error:
                missing = error.filename
                continue
            if found is not None:
                return found
        raise StoreError(
            f"The store {self._backend.name('')!r} could not be read: in {_TRIES} tries, a file was missing each time"
            f" (last {str(missing)!r}).\n"
            "Expected every file that the tables' logs name. Try again; if it stays so, restore them from a copy.",
            missing=missing,
        )

    def _rows(self, wanted: set[str] | None) -> dict[str, Row] | None:
        writers = self._live.read(self._common_marks())
        snapshot = self._runs.snapshot()
        states: dict[str, RowState] = {}
        for file in snapshot.files.values():
            if wanted is None or any(file.may_hold("run_id", run_id) for run_id in wanted):
                for state in rows_with_ids(self._backend, self._runs, file, wanted):
                    states[state.run_id] = state
        is_settled = self._settle(states, writers, snapshot.marks, snapshot.version, wanted)
        return _shown(states) if is_settled else None

    def moment(self) -> "Moment":
        """The store as it is now, for those who read it piece by piece."""
        writers = self._live.read(self._common_marks())
        return Moment(writers, self._runs.snapshot(), self._metrics.snapshot())

    def states(self, moment: "Moment", run_ids: Collection[str]) -> dict[str, RowState] | None:
        """What is known of these runs, deleted ones among them. None: something changed, begin anew."""
        first, last = min(run_ids), max(run_ids)
        states: dict[str, RowState] = {}
        for file in moment.runs.files.values():
            if file.may_overlap("run_id", first, last):
                found = rows_with_ids(self._backend, self._runs, file, run_ids)
                states.update((state.run_id, state) for state in found)
        is_settled = self._settle(states, moment.writers, moment.runs.marks, moment.runs.version, run_ids)
        return states if is_settled else None

    def backlog(self) -> tuple[int, int]:
        """How many closed segments the last read has met, and how many bytes of them."""
        return self._live.backlog()

    def parts(self) -> Parts:
        """What other engines read: files of the tables, and beside them what is live, as Arrow."""
        return self._retry(self._parts)

    @contextlib.contextmanager
    def indexed(self, path: Path) -> Iterator["Index | None"]:
        """The index of the sealed rows in this file, frozen, and the live ones as its `live`; None: not to be had.

        What sqlite finds wrong inside the block ends it quietly: then do without.
        """
        from autotrack.store.index import opened

        is_asked = False
        if self._runs.exists():  # else nothing was sealed yet
            with opened(path) as index:
                while index is not None:
                    writers = self._live.read(index.marks())
                    if not index.refresh(self._backend, self._runs):
                        break
                    with index.frozen():
                        if self._overlay(index, writers):
                            is_asked = True
                            yield index
                            return
        if not is_asked:
            yield None

    def _overlay(self, index: "Index", writers: Sequence[LiveWriter]) -> bool:
        """Lay over the index the rows that are live, or may have died since. False: something changed, read again."""
        marks = index.marks()
        segments = [one for writer in writers for one in segments_behind(writer, marks.get(writer.writer_id, -1))]
        states = index.hide({run_id for segment in segments for run_id in touched_runs(segment)})
        is_settled = self._settle(states, writers, marks, index.version)
        index.live = _shown(states)
        return is_settled

    def _parts(self) -> Parts | None:
        writers = self._live.read(self._common_marks())
        runs, metrics = self._runs.snapshot(), self._metrics.snapshot()
        unsealed = [one for writer in writers for one in segments_behind(writer, runs.marks.get(writer.writer_id, -1))]
        touched = {run_id for segment in unsealed for run_id in touched_runs(segment)}
        states: dict[str, RowState] = {}
        for file in runs.files.values():
            rows = read_file(self._backend, self._runs, file, ["run_id", "status"])
            statuses = dict(zip(texts(rows.column("run_id")), texts(rows.column("status")), strict=True))
            chosen = {run_id for run_id, status in statuses.items() if run_id in touched or status in ("running", None)}
            if chosen:
                states.update((one.run_id, one) for one in rows_with_ids(self._backend, self._runs, file, chosen))
        if not self._settle(states, writers, runs.marks, runs.version):
            return None
        for state in states.values():
            for field in {"end_ts", "reason"} - state.to_row().keys():
                state.fields.pop(field, None)
        points = [
            (segment, segment.header.get("rank"))
            for writer in writers
            for segment in segments_behind(writer, metrics.marks.get(writer.writer_id, -1))
        ]
        return Parts(
            [self._backend.name(self._runs.key(name)) for name in runs.files],
            rows_to_table(list(states.values())),
            [self._backend.name(self._metrics.key(name)) for name in metrics.files],
            points_to_table(points),
        )

    def _settle(
        self,
        states: dict[str, RowState],
        writers: Sequence[LiveWriter],
        marks: Mapping[str, int],
        version: int,
        wanted: Collection[str] | None = None,
    ) -> bool:
        """Fold what is live into rows that were sealed up to a version. False: something changed, read again."""
        lives: dict[str, Life] = {writer.writer_id: writer.life for writer in writers}
        for writer in writers:
            _fold_writer(states, writer, marks.get(writer.writer_id, -1), wanted)
        return self._end_orphans(states, lives, version)

    def _end_orphans(self, states: Mapping[str, RowState], lives: dict[str, Life], version: int) -> bool:
        """Show runs as killed whose writer is not there any more. False: something changed, read again.

        Sealing a writer ends its open runs in the same commit, so there are such runs only if that writer's files were
        lost or damaged. And a run whose start is lost has no status at all: the same.
        """
        orphans: list[RowState] = []
        for state in states.values():
            if state.fields.get("status", "running") != "running":
                continue
            writer = state.writer or ""
            if writer and writer not in lives:
                lives[writer] = self._wal.life(writer)
            is_alive = lives[writer] == "alive" if writer else "alive" in lives.values()
            if is_alive:
                state.fields.setdefault("status", "running")
            else:
                orphans.append(state)
        if orphans and self._runs.log_entry(version + 1) is not None:
            return False
        for state in orphans:
            state.kill("the process that wrote this run ended without finishing it", state.updated_ts, "")
        return True

    def _points(self, places: dict[str, int], key: str) -> dict[str, History]:
        writers = self._live.read(self._common_marks())
        snapshot = self._metrics.snapshot()
        run_ids = list(places)
        first, last = run_ids[0], run_ids[-1]
        parts: list[Any] = []
        for file in snapshot.files.values():
            if file.may_overlap("run_id", first, last) and file.may_hold("key", key):
                table = read_points(self._backend, self._metrics, file, (first, last), key)
                if table is not None:
                    parts.extend(_matching(chunk, places, key) for chunk in table.to_batches())
        for writer in writers:
            segments = segments_behind(writer, snapshot.marks.get(writer.writer_id, -1))
            parts.extend(_live_points(segment, places, key) for segment in segments)
        parts = [part for part in parts if len(part[0])]
        return {run_ids[place]: history_of(*columns) for place, columns in _by_run(parts)} if parts else {}

    def _common_marks(self) -> dict[str, int]:
        """What every table has sealed: marks only grow, so that need not be read from the live record."""
        runs, metrics = self._runs.snapshot().marks, self._metrics.snapshot().marks
        return {writer: min(mark, metrics.get(writer, -1)) for writer, mark in runs.items()}


def rows_with_ids(backend: Backend, table: DeltaTable, file: Any, run_ids: Collection[str] | None) -> list[RowState]:
    """The rows of a file of `runs` that have one of these ids; None: all."""
    import numpy as np

    rows = read_file(backend, table, file)
    if run_ids is not None:
        chosen = np.fromiter((name in run_ids for name in texts(rows.column("run_id"))), bool, rows.num_rows)
        if not chosen.any():
            return []
        rows = rows.filter(mask(chosen))
    return table_to_rows(rows)


def fold_segment(
    states: dict[str, RowState], segment: Segment, writer: str, wanted: Collection[str] | None = None
) -> None:
    """Fold what a segment says about runs into their rows; runs not there yet are added."""

    def state_of(run_id: str) -> RowState | None:
        if wanted is not None and run_id not in wanted:
            return None
        return states.setdefault(run_id, RowState(run_id))

    for number, _, patch in segment.heads:
        # A repetition: it fills what was lost, and replaces nothing.
        if number in segment.runs and (state := state_of(segment.runs[number])):
            state.apply(patch, 0, writer)
    for number, ts, patch in segment.patches:
        if number in segment.runs and (state := state_of(segment.runs[number])):
            state.apply(patch, ts, writer)
    for run_id, key, summary, updated_ts in summaries(segment):
        if state := state_of(run_id):
            state.add_summary(key, summary, updated_ts)


def kill_open_runs(states: Mapping[str, RowState], last: Segment, writer: str) -> None:
    """End the runs that a writer which is gone left open in its last segment."""
    open_runs = last.open_runs()
    if not open_runs:
        return
    points = points_of(last)
    end_ts = max(last.last_ts, int(points["ts"].max()) if len(points) else 0)
    who = f"process {last.header.get('pid')} on {last.header.get('host')}" if last.header else "process"
    for number, status_ts in open_runs.items():
        state = states.get(last.runs.get(number, ""))
        if state is not None:
            state.kill(f"the {who} ended without finishing this run", end_ts, writer, status_ts)


def _fold_writer(states: dict[str, RowState], writer: LiveWriter, mark: int, wanted: Collection[str] | None) -> None:
    segments = segments_behind(writer, mark)
    for segment in segments:
        fold_segment(states, segment, writer.writer_id, wanted)
    if segments and writer.life != "alive" and segments[-1].seq == writer.last_seq:
        kill_open_runs(states, segments[-1], writer.writer_id)


def _shown(states: Mapping[str, RowState]) -> dict[str, Row]:
    """The rows as callers see them, in the order of time."""
    return {run_id: states[run_id].to_row() for run_id in sorted(states) if not states[run_id].fields.get("deleted")}


def segments_behind(writer: LiveWriter, mark: int) -> list[Segment]:
    """What was read of a writer behind its mark."""
    return [segment for segment in writer.segments if segment.seq > mark]


def _live_points(segment: Segment, places: Mapping[str, int], key: str) -> tuple[Any, Any, Any, Any, Any]:
    """The points of a key and some runs in a segment, as numpy arrays: place of the run, step, epoch, time, value."""
    import numpy as np

    numbers = np.array(sorted(number for number, name in segment.runs.items() if name in places), "<i8")
    placed = np.array([places[segment.runs[number]] for number in numbers.tolist()], "<i4")
    key_numbers = [number for number, name in segment.keys.items() if name == key]
    points = points_of(segment)
    points = points[np.isin(points["run"], numbers) & np.isin(points["key"], key_numbers)]
    runs = placed[np.searchsorted(numbers, points["run"])]
    return runs, points["step"], points["epoch"].astype("<i8"), points["ts"], points["value"]


def _matching(batch: Any, places: Mapping[str, int], key: str) -> tuple[Any, Any, Any, Any, Any]:
    """The same in a record batch."""
    import numpy as np

    run_column, key_column = batch.column("run_id"), batch.column("key")
    names, keys = texts(run_column.dictionary), texts(key_column.dictionary)
    runs = np.fromiter((places.get(name, -1) for name in names), "<i4", len(names))[as_numpy(run_column.indices)]
    chosen = (runs >= 0) & (as_numpy(key_column.indices) == (keys.index(key) if key in keys else -1))
    epochs = np.where(presence(batch.column("epoch")), as_numpy(batch.column("epoch")), NO_EPOCH)
    steps, times, values = (as_numpy(batch.column(name)) for name in ("step", "ts", "value"))
    return runs[chosen], steps[chosen], epochs[chosen], times[chosen], values[chosen]


def _by_run(parts: Sequence[Any]) -> Iterator[tuple[int, list[Any]]]:
    """The place of each run that has points, with its steps, epochs, times and values, by step and time."""
    import numpy as np

    runs, steps, epochs, times, values = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    is_next_run, is_next_step = runs[1:] > runs[:-1], steps[1:] > steps[:-1]
    is_later = is_next_step | (steps[1:] == steps[:-1]) & (times[1:] >= times[:-1])
    if not (is_next_run | (runs[1:] == runs[:-1]) & is_later).all():
        order = np.lexsort((times, steps, runs))
        runs, steps, epochs, times, values = (column[order] for column in (runs, steps, epochs, times, values))
    starts = np.flatnonzero(runs[1:] != runs[:-1]) + 1
    for start, end in pairwise([0, *starts.tolist(), len(runs)]):
        yield int(runs[start]), [column[start:end] for column in (steps, epochs, times, values)]
