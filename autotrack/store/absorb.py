"""The runs of another store become runs of this one as well: nothing is lost, nothing is there twice.

    report = store.absorb(other)

What is missing here is recorded here, as if it had just happened, but with the times of then: points that the other
store has more of, and fields that were set later there (or never here). Then it is sealed like anything recorded. So
there is nothing to take back after an interruption: the next import finds what is missing still.

Some thousand runs at a time: first the blobs they refer to, then the points, and behind a run's points its row. Runs
that have not ended there are left for another time; what is deleted on either side is left alone.

Imports numpy and pyarrow when called.
"""

import contextlib
import fcntl
import json
import os
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autotrack.errors import StoreError
from autotrack.store.backend import Backend
from autotrack.store.blobs import blob_key
from autotrack.store.collect import mentioned
from autotrack.store.columns import texts
from autotrack.store.delta import DeltaTable
from autotrack.store.journal import NO_EPOCH, SegmentWriter
from autotrack.store.merge import Part, merged, part_of
from autotrack.store.missing import missing_points, only
from autotrack.store.parquet import read_file
from autotrack.store.points import LAYOUT, points_to_table, touched_runs
from autotrack.store.rows import RowState
from autotrack.store.scan import Moment, Scanner, segments_behind

if TYPE_CHECKING:
    from autotrack.store.store import Store

__all__ = ["AbsorbReport", "Absorber", "Pieces", "alone", "copy_blobs", "files_of_package"]

_RUNS_AT_ONCE = 5000  # rows of both sides in memory: about 100 MB
_SEAL_BYTES = 64 << 20  # of points between two seals
_TRIES = 20  # of reading some runs, while the tables are compacted
_CHUNK_BYTES = 8 << 20  # of a blob from a bucket


@dataclass
class AbsorbReport:
    """What was taken over.

    Attributes:
        new, changed: Ids of runs that were not here, and of those that were and have got something new.
        running: Ids of runs that have not ended there; they were left out.
        lacking: Blobs that runs refer to and the other store has not, or not whole.
    """

    new: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    running: list[str] = field(default_factory=list)
    points: int = 0
    blobs: int = 0
    lacking: list[str] = field(default_factory=list)


class Pieces:
    """A store, read some runs at a time."""

    def __init__(self, backend: Backend, scanner: Scanner, runs: DeltaTable, metrics: DeltaTable) -> None:
        self._backend = backend
        self._scanner = scanner
        self._runs = runs
        self._metrics = metrics

    def moment(self) -> Moment:
        """The store as it is now."""
        return self._scanner.moment()

    def states(self, moment: Moment, run_ids: set[str]) -> dict[str, RowState] | None:
        """The rows of these runs. None: something changed, begin anew."""
        return self._scanner.states(moment, run_ids)

    def run_ids(self, moment: Moment) -> list[str]:
        """The ids of all runs, sorted."""
        found: set[str] = set()
        for file in moment.runs.files.values():
            found.update(texts(read_file(self._backend, self._runs, file, ["run_id"]).column("run_id")))
        for writer in moment.writers:
            for segment in segments_behind(writer, moment.runs.marks.get(writer.writer_id, -1)):
                found |= touched_runs(segment)
        return sorted(found)

    def points(self, moment: Moment, run_ids: set[str]) -> list[Iterator[Part]]:
        """The points of these runs, in streams each of which is in order."""
        first, last = min(run_ids), max(run_ids)
        files = [file for file in moment.metrics.files.values() if file.may_overlap("run_id", first, last)]
        live = points_to_table(
            [
                (segment, segment.header.get("rank"))
                for writer in moment.writers
                for segment in segments_behind(writer, moment.metrics.marks.get(writer.writer_id, -1))
            ]
        )
        parts = [merged(self._backend, self._metrics, files), iter([] if live is None else [part_of(live)])]
        return [only(stream, run_ids) for stream in parts]


class Absorber:
    """Takes over what another store has and this one has not."""

    def __init__(self, store: "Store", other: "Store", ours: Pieces, theirs: Pieces) -> None:
        _check_differ(store, other)
        self._store = store
        self._other = other
        self._ours = ours
        self._theirs = theirs
        self._report = AbsorbReport()

    def absorb(self) -> AbsorbReport:
        """All of it."""
        self._store.seal()
        run_ids = self._again(lambda: self._theirs.run_ids(self._theirs.moment()))
        for start in range(0, len(run_ids), _RUNS_AT_ONCE):
            some = set(run_ids[start : start + _RUNS_AT_ONCE])
            self._again(partial(self._take, some))
        self._store.maintain(is_cheap=True)
        report = self._report
        report.new, report.changed = sorted(set(report.new)), sorted(set(report.changed) - set(report.new))
        report.running, report.lacking = sorted(set(report.running)), sorted(set(report.lacking))
        return report

    def _again(self, read: Any) -> Any:
        """What `read` gives; again if files are replaced under it: what it has recorded is not missing any more."""
        for turn in range(_TRIES):
            try:
                found = read()
            except FileNotFoundError:
                if turn == _TRIES - 1:
                    raise
                continue
            if found is not None:
                return found
        raise StoreError(
            f"{self._other.root} changed {_TRIES} times while it was read. Expected a moment of quiet.\n"
            "What was taken over so far stays. Import it again."
        )

    def _take(self, run_ids: set[str]) -> bool | None:
        """Some of the runs. None: something changed, begin anew."""
        # Theirs first: what is copied from ours meanwhile is not taken for theirs alone.
        there = self._theirs.moment()
        states = self._theirs.states(there, run_ids)
        here = self._ours.moment()
        known = self._ours.states(here, run_ids)
        if states is None or known is None:
            return None
        running = {run_id for run_id, state in states.items() if state.fields.get("status") == "running"}
        gone = {run_id for side in (states, known) for run_id, state in side.items() if state.fields.get("deleted")}
        self._report.running += running - gone
        chosen = {run_id: state for run_id, state in sorted(states.items()) if run_id not in running | gone}
        if not chosen:
            return True
        self._copy_blobs(chosen.values())
        with _Copy(self._store, known, self._report) as copy:
            missing = missing_points(self._ours.points(here, set(chosen)), self._theirs.points(there, set(chosen)))
            waiting = list(reversed(chosen.values()))
            for part, reached in missing:
                copy.points(part)
                while waiting and reached is not None and waiting[-1].run_id < reached[0]:
                    copy.row(waiting.pop())
            while waiting:
                copy.row(waiting.pop())
        return True

    def _copy_blobs(self, states: Iterable[RowState]) -> None:
        for state in states:
            row = state.to_row()
            expected = {*row["models"].values(), *row["artifacts"].values(), row.get("process", "")} - {""}
            for manifest in filter(None, row["models"].values()):  # of one that was dropped the name is left
                expected.update(files_of_package(self._other, manifest) or ())
            # Of the rest not all that looks like a blob is one: what is neither here nor there was never.
            lacking = copy_blobs(self._store, self._other, expected | mentioned(row), self._count_blob)
            self._report.lacking += lacking & expected
        self._store.blobs.publish()

    def _count_blob(self) -> None:
        self._report.blobs += 1


class _Copy:
    """Records what is missing. A writer for each rank: points have that of their writer."""

    def __init__(self, store: "Store", known: dict[str, RowState], report: AbsorbReport) -> None:
        self._store = store
        self._known = known
        self._report = report
        self._touched: set[str] = set()
        self._unsealed_bytes = 0
        self._writers: dict[int | None, _Numbered] = {}

    def __enter__(self) -> "_Copy":
        return self

    def __exit__(self, *_: object) -> None:
        for numbered in self._writers.values():
            numbered.writer.close()
        self._report.new += self._touched - self._known.keys()
        self._report.changed += self._touched & self._known.keys()

    def points(self, part: Part) -> None:
        """Record these points."""
        import numpy as np

        if not len(part):
            return
        ranks = np.where(part.fields["has_rank"], part.fields["rank"].astype("<i8"), -(2**40))
        for rank in np.unique(ranks).tolist():
            self._writer(None if rank == -(2**40) else rank).points(part, ranks == rank)
        self._report.points += len(part)
        self._touched.update(part.run_names[code] for code in np.unique(part.runs).tolist())
        self._unsealed_bytes += 48 * len(part)
        if self._unsealed_bytes > _SEAL_BYTES:
            self._store.seal()
            self._unsealed_bytes = 0

    def row(self, state: RowState) -> None:
        """Record what this row says and the one here does not."""
        patches = state.news_for(self._known.get(state.run_id) or RowState(state.run_id))
        if patches:
            self._writer(None).patches(state.run_id, patches)
            self._touched.add(state.run_id)

    def _writer(self, rank: int | None) -> "_Numbered":
        if rank not in self._writers:
            self._writers[rank] = _Numbered(self._store.new_writer(rank, keeps_times=True))
        return self._writers[rank]


class _Numbered:
    """A writer, and the numbers it knows runs and keys by."""

    def __init__(self, writer: SegmentWriter) -> None:
        self.writer = writer
        self._runs: dict[str, int] = {}
        self._keys: dict[str, int] = {}

    def patches(self, run_id: str, patches: Sequence[tuple[int, Any]]) -> None:
        runs = _name(self._runs, [run_id])
        self.writer.write(runs, {}, [(self._runs[run_id], ts, patch) for ts, patch in patches], b"")

    def points(self, part: Part, chosen: Any) -> None:
        import numpy as np

        packed = np.empty(int(chosen.sum()), np.dtype(LAYOUT))
        new_runs, packed["run"] = _numbers(self._runs, part.run_names, part.runs[chosen])
        new_keys, packed["key"] = _numbers(self._keys, part.key_names, part.keys[chosen])
        for name in ("step", "ts", "value"):
            packed[name] = part.fields[name][chosen]
        packed["epoch"] = np.where(part.fields["has_epoch"], part.fields["epoch"], NO_EPOCH)[chosen]
        self.writer.write(new_runs, new_keys, [], packed.tobytes())


def _numbers(known: dict[str, int], names: list[str], codes: Any) -> tuple[dict[int, str], Any]:
    """What numbers are new, and the numbers of all."""
    import numpy as np

    used: list[int] = np.unique(codes).tolist()
    new = _name(known, [names[code] for code in used])
    by_code = np.zeros(len(names), "<u4")
    by_code[used] = [known[names[code]] for code in used]
    return new, by_code[codes]


def _name(known: dict[str, int], names: Iterable[str]) -> dict[int, str]:
    new = {len(known) + place: name for place, name in enumerate(name for name in names if name not in known)}
    known.update((name, number) for number, name in new.items())
    return new


def copy_blobs(store: "Store", other: "Store", sha256s: Iterable[str], count: Any = lambda: None) -> set[str]:
    """Copy blobs from another store. Which of them neither has, or the other one damaged."""
    lacking = set()
    for sha256 in sorted(sha256s):
        if _is_kept(store, sha256):
            continue
        if _copied(store, other, sha256):
            count()
        else:
            lacking.add(sha256)
    return lacking


def files_of_package(other: "Store", manifest: str) -> set[str] | None:
    """The blobs that a model package is made of; None if its manifest cannot be read."""
    try:
        files = json.loads(other.blobs.get(manifest))["files"]
        return {str(file["sha256"]) for file in files}
    except (StoreError, ValueError, LookupError, TypeError):
        return None


def _is_kept(store: "Store", sha256: str) -> bool:
    """Whether the blob is here; if so, no clean-up takes it for forgotten from now on."""
    with contextlib.suppress(OSError):
        os.utime(store.blobs.path(sha256))
    return store.blobs.has(sha256)


def _copied(store: "Store", other: "Store", sha256: str) -> bool:
    with contextlib.ExitStack() as open_files:
        path = other.blobs.path(sha256)
        try:
            if other.backend.is_remote and not path.is_file():
                source = open_files.enter_context(other.backend.open(blob_key(sha256)))
                fetched = open_files.enter_context(tempfile.NamedTemporaryFile())
                while chunk := source.read(_CHUNK_BYTES):
                    fetched.write(chunk)
                fetched.flush()
                path = Path(fetched.name)
            return store.blobs.put_file(path) == sha256
        except (FileNotFoundError, StoreError):  # or something else in its place
            return False


@contextlib.contextmanager
def alone(lock: Path, root: Path | str) -> Iterator[None]:
    """For a `with` block nobody else on this machine imports into the store: what is missing would come twice.

    Raises:
        StoreError: Somebody does already.
    """
    lock.parent.mkdir(parents=True, exist_ok=True)
    with open(lock, "ab") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StoreError(
                f"Another import into {str(root)!r} is at work. Expected one at a time. Try again when it has ended."
            ) from None
        except OSError:  # a file system without locks
            pass
        yield


def _check_differ(store: "Store", other: "Store") -> None:
    here, there = str(store.root), str(other.root)
    is_same = here == there
    with contextlib.suppress(OSError):
        is_same = is_same or os.path.samefile(here, there)
    if is_same:
        raise StoreError(
            f"{there!r} is the store in use itself. Expected another one. Name the one to import into with --store.",
            path=other.root,
        )
