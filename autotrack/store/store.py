"""The store's door: a folder or a bucket, its live record, its tables, its blobs.

    store = Store.open(".autotrack", create=True)
    writer = store.new_writer()             # appends to the live record; nothing is created before its first write
    store.rows(), store.points(run_id, key) # sealed and live as one
    store.seal()                            # closed parts of the live record become table files, exactly once

Everything inside is relative: the folder can be moved, copied, synced. Opening an existing store writes nothing.
A folder is here, a bucket in `bucket.py`.
"""

import contextlib
import json
import os
import time
from collections.abc import Callable, Collection, Iterator
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autotrack.config import is_address
from autotrack.errors import StoreError, StoreFormatError, StoreNotFoundError
from autotrack.guard import guard
from autotrack.store.backend import Backend, LocalBackend
from autotrack.store.blobs import Blobs
from autotrack.store.journal import SegmentWriter, new_id
from autotrack.store.rows import printable
from autotrack.store.schema import FORMAT_VERSION, METRICS, MIN_READER, MIN_WRITER, RUNS
from autotrack.store.wal import Life, LocalWal, Wal, is_backlog
from autotrack.types import History, Row

if TYPE_CHECKING:
    from autotrack.store.absorb import AbsorbReport, Pieces
    from autotrack.store.collect import CollectReport
    from autotrack.store.compact import Compactor, CompactReport
    from autotrack.store.delta import DeltaTable
    from autotrack.store.index import Index
    from autotrack.store.scan import Parts, Scanner
    from autotrack.store.seal import SealReport

__all__ = ["Store"]

_IDENTITY = "autotrack.json"  # a folder is a store once this file is in it
_TIDY_AGAIN_S = 60.0  # a reader that could not seal a backlog does not try it at every read


class Store:
    """One store. May be shared by threads; each process opens its own.

    Attributes:
        root: The folder, as an absolute path; or the address of the bucket.
    """

    def __init__(self, root: Path | str, backend: Backend, wal: Wal, blobs: Blobs) -> None:
        self.root = root
        self.backend = backend
        self.blobs = blobs
        self._wal = wal
        self._identity: dict[str, Any] | None = None
        self._tidied_s = -_TIDY_AGAIN_S

    # Made when first used: a process that only records needs none of them.

    @cached_property
    def _runs(self) -> "DeltaTable":
        from autotrack.store.delta import DeltaTable

        return DeltaTable(self.backend, "runs", RUNS)

    @cached_property
    def _metrics(self) -> "DeltaTable":
        from autotrack.store.delta import DeltaTable

        return DeltaTable(self.backend, "metrics", METRICS)

    @cached_property
    def _scanner(self) -> "Scanner":
        from autotrack.store.scan import Scanner

        return Scanner(self.backend, self._wal, self._runs, self._metrics)

    @classmethod
    def open(cls, path: str | Path, *, create: bool = False) -> "Store":
        """Open the store in a folder, or in a bucket (`s3://bucket/prefix`).

        Args:
            create: Make the folder and the store if there is none.

        Raises:
            StoreNotFoundError: There is no store, and `create` is False.
            StoreFormatError: It was made by a newer version that ours cannot read.
            StoreError: The path is a file, or the store cannot be made there, or the server cannot be reached.
            MissingLibraryError: The store is in a bucket, and the extra `s3` is not installed.
        """
        store = _store_at(path)
        store.identify(create=create)
        return store

    @classmethod
    def to_record(cls, path: str | Path) -> "Store":
        """The store to record into, made if there is none; in a bucket, once its server is reached: nothing waits."""
        store = _store_at(path)
        if not store.backend.is_remote:
            store.identify(create=True)
        return store

    @property
    def store_id(self) -> str:
        """Stays the same wherever the store goes."""
        store_id: str = self.identify()["store_id"]
        return store_id

    def identify(self, *, create: bool = False) -> dict[str, Any]:
        """What the store says of itself; read once. Raises and `create` as for `open`."""
        if self._identity is None:
            found = _read_identity(self.backend)
            if found is None:
                if not create:
                    raise StoreNotFoundError(
                        f"There is no store in {str(self.root)!r}. Expected a folder with {_IDENTITY} in it.\n"
                        "Check the path, or record a first run there: autotrack.enable(store=...)",
                        path=self.root,
                    )
                made = self._make()
                found = _read_identity(self.backend) or made  # ours, or that of a process that was faster
            self._identity = found
        return self._identity

    @property
    def is_writable(self) -> bool:
        """Whether this version and this user may write to the store."""
        return self._is_for_our_writers and os.access(self.root, os.W_OK | os.X_OK)

    def new_writer(self, rank: int | None = None, **limits: Any) -> SegmentWriter:
        """A writer to the live record.

        Args:
            rank: Of this process in a distributed training; its points carry it.
            limits: `max_bytes` and `max_age_s` of a segment.

        Raises:
            StoreFormatError: The store may only be read by this version.
        """
        self._check_may_write()
        return SegmentWriter(Path(self.root) / "wal", rank=rank, **limits)

    def life(self, writer_id: str) -> Life:
        """Whether this writer may still write; of one that is gone, all that it had to say is there."""
        return self._wal.life(writer_id)

    def rows(self, run_ids: Collection[str] | None = None) -> dict[str, Row]:
        """The rows of these runs, or of all, by run id in the order of time.

        Sealed and live are one. A run whose process has ended without finishing it is shown as killed. All maps and
        the summary are there, if empty; other fields only if they were set. Deleted runs are left out.
        """
        rows = self._scanner.rows(run_ids)
        self._seal_backlog()
        return rows

    def children(self, run_id: str) -> list[Row]:
        """The rows of the runs that have this one as their parent, oldest first."""
        run_id = printable(run_id)
        with self.indexed() as index:
            if index is not None:
                return index.children(run_id)
        return [row for row in self.rows().values() if row.get("parent_run_id") == run_id]

    @contextlib.contextmanager
    def indexed(self) -> "Iterator[Index | None]":
        """The rows as tables of sqlite, for a `with` block; None where no index is to be had.

        The index is a file in the cache folder, made and brought up to date here. Whatever is wrong with it ends the
        block quietly: behind it stands what to do without an index.
        """
        from autotrack.store.index import index_path

        with self._scanner.indexed(index_path(self.store_id, self.root)) as index:
            yield index
        self._seal_backlog()

    def parts(self) -> "Parts":
        """The tables as other engines read them: Parquet files, and beside them what is live, as Arrow."""
        return self._scanner.parts()

    def points(self, run_id: str, key: str) -> History:
        """All points of a metric, by (step, time), whether sealed or live; empty if there are none."""
        return self.points_of([run_id], key).get(printable(run_id), History([], [], [], []))

    def points_of(self, run_ids: Collection[str], key: str) -> dict[str, History]:
        """The same of some runs, by run id, in one scan; runs without any are left out."""
        found = self._scanner.points(run_ids, key)
        self._seal_backlog()
        return found

    def seal(self) -> "SealReport":
        """Turn what is closed of the live record into table files; safe in any number of processes at once."""
        from autotrack.store.seal import Sealer

        self._check_may_write()
        return Sealer(self.backend, self._wal, self._runs, self._metrics).seal()

    def maintain(self, *, is_cheap: bool = False, is_stopped: Callable[[], bool] = lambda: False) -> None:
        """Seal, and of the rest what is due: merge small files, checkpoint, clean up.

        Args:
            is_cheap: Leave what would take more than about a second.
            is_stopped: Asked now and then; True: leave the rest for another time.
        """
        self.seal()
        compactor = self._compactor()
        compactor.merge(is_cheap=is_cheap, is_stopped=is_stopped)
        if not is_stopped() and compactor.checkpoint():
            compactor.clean()

    def compact(self, **limits: float) -> "CompactReport":
        """All that `maintain` may do, whether or not it is due.

        Args:
            limits: `older_than_s` of leftovers, `keep_log_s` of log entries behind a checkpoint.
        """
        from autotrack.store.compact import CompactReport

        sealed = self.seal()
        compactor = self._compactor()
        merged = compactor.merge(is_forced=True)
        return CompactReport(sealed, merged, compactor.checkpoint(), compactor.clean(**limits))

    def collect(self, **limits: Any) -> "CollectReport":
        """Delete the blobs that nothing refers to.

        Args:
            limits: `is_dry_run`, and `min_age_s` of a blob.

        Raises:
            StoreError: Something that may refer to blobs cannot be read; nothing was deleted.
        """
        from autotrack.store.collect import Collector

        self._check_may_write()
        return Collector(self.backend, self._scanner.rows).collect(**limits)

    def absorb(self, other: "Store") -> "AbsorbReport":
        """Take over the ended runs of another store, which is only read; interrupted and repeated, the same.

        Raises:
            StoreError: It is this very store, or another import into this one is at work.
        """
        from autotrack.store.absorb import Absorber, alone

        self._check_may_write()
        with alone(self._import_lock, self.root):
            return Absorber(self, other, self._pieces(), other._pieces()).absorb()

    def has_backlog(self) -> bool:
        """Whether so much of the live record is closed that it should be sealed."""
        return self._compactor().has_backlog()

    def _compactor(self) -> "Compactor":
        from autotrack.store.compact import Compactor

        return Compactor(self.backend, self._wal, self._runs, self._metrics)

    def _seal_backlog(self) -> None:
        """Seal, if the read that was just done has met much that is not: the next one is faster."""
        now_s = time.monotonic()
        if is_backlog(*self._scanner.backlog()) and now_s - self._tidied_s > _TIDY_AGAIN_S and self.is_writable:
            self._tidied_s = now_s
            with guard("seal"):
                self.maintain(is_cheap=True)

    def _pieces(self) -> "Pieces":
        from autotrack.store.absorb import Pieces

        return Pieces(self.backend, self._scanner, self._runs, self._metrics)

    @property
    def _import_lock(self) -> Path:
        return Path(self.root) / "maintenance" / "import"

    @property
    def _is_for_our_writers(self) -> bool:
        min_writer: int = self.identify().get("min_writer", 1)
        return min_writer <= FORMAT_VERSION

    def _check_may_write(self) -> None:
        if not self._is_for_our_writers:
            min_writer = self.identify()["min_writer"]
            raise StoreFormatError(
                f"The store in {str(self.root)!r} takes writers of format {min_writer} and later only.\n"
                f"Expected at most format {FORMAT_VERSION}. It can be read; to write to it, upgrade autotrack.",
                min_writer=min_writer,
            )

    def _make(self) -> dict[str, Any]:
        """Write an identity, unless another process is faster."""
        identity = {"format": FORMAT_VERSION, "store_id": new_id(), "min_reader": MIN_READER, "min_writer": MIN_WRITER}
        self.backend.put_if_absent(_IDENTITY, (json.dumps(identity, indent=1) + "\n").encode())
        return identity

    def __repr__(self) -> str:
        return f"Store({str(self.root)!r})"


class FolderStore(Store):
    """A store in a folder."""

    def __init__(self, root: Path) -> None:
        backend = LocalBackend(root)
        super().__init__(root, backend, LocalWal(root / "wal"), Blobs(backend))
        self._folder = root

    def _make(self) -> dict[str, Any]:
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            if not any(self._folder.iterdir()):  # a folder that was there for something else keeps being seen by git
                self.backend.put_if_absent(".gitignore", b"*\n")
            return super()._make()
        except OSError as error:
            raise StoreError(
                f"No store could be made in {str(self.root)!r}: {error.strerror or error}.\n"
                "Expected a folder that may be written to. Choose another one, for example with AUTOTRACK_STORE.",
                path=self.root,
            ) from error


def _store_at(path: str | Path) -> Store:
    """The store in a place, whether or not there is one yet."""
    if is_address(path):
        from autotrack.store.bucket import BucketStore

        return BucketStore(str(path))
    root = Path(os.path.abspath(os.path.expanduser(path)))
    if os.path.lexists(root) and not os.path.isdir(root):
        raise StoreError(
            f"{str(root)!r} is a file or a broken link. Expected the folder of a store. Choose another path.",
            path=root,
        )
    return FolderStore(root)


def _read_identity(backend: Backend) -> dict[str, Any] | None:
    root, path = backend.name(""), backend.name(_IDENTITY)
    try:
        identity = json.loads(backend.get(_IDENTITY))
        if not isinstance(identity, dict) or not isinstance(identity.get("store_id"), str):
            raise ValueError("no store_id in it")
        if not all(isinstance(identity.get(limit, 1), int) for limit in ("min_reader", "min_writer")):
            raise ValueError("min_reader or min_writer is no number")
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise StoreFormatError(
            f"{path!r} is damaged ({error}).\nExpected a JSON object with a store_id. Restore it from a copy.",
            path=path,
        ) from error
    needed = identity.get("min_reader", 1)
    if needed > FORMAT_VERSION:
        raise StoreFormatError(
            f"The store in {root!r} has format {identity.get('format')}, for readers of {needed} and later.\n"
            f"Expected at most format {FORMAT_VERSION}. Upgrade autotrack to read it.",
            format=identity.get("format"),
            min_reader=needed,
        )
    return identity
