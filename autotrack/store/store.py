"""The store's door: a folder, its live record, its tables, its blobs.

    store = Store.open(".autotrack", create=True)
    writer = store.new_writer()             # appends to the live record; nothing is created before its first write
    store.rows(), store.points(run_id, key) # sealed and live as one
    store.seal()                            # closed parts of the live record become table files, exactly once

Everything inside is relative: the folder can be moved, copied, synced. Opening an existing store writes nothing.
"""

import json
import os
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autotrack.errors import StoreError, StoreFormatError, StoreNotFoundError
from autotrack.store.backend import LocalBackend
from autotrack.store.blobs import Blobs
from autotrack.store.delta import DeltaTable
from autotrack.store.journal import SegmentWriter, new_id
from autotrack.store.schema import FORMAT_VERSION, METRICS, MIN_READER, MIN_WRITER, RUNS
from autotrack.types import History, Row

if TYPE_CHECKING:
    from autotrack.store.seal import SealReport

__all__ = ["Store"]

_IDENTITY = "autotrack.json"  # a folder is a store once this file is in it


class Store:
    """One store. May be shared by threads; each process opens its own.

    Attributes:
        root: The folder, as an absolute path.
        store_id: Stays the same wherever the folder goes.
    """

    def __init__(self, root: Path, identity: dict[str, Any]) -> None:
        from autotrack.store.scan import Scanner

        self.root = root
        self.store_id: str = identity["store_id"]
        self.backend = LocalBackend(root)
        self.blobs = Blobs(self.backend)
        self._min_writer: int = identity.get("min_writer", 1)
        self._runs = DeltaTable(self.backend, "runs", RUNS)
        self._metrics = DeltaTable(self.backend, "metrics", METRICS)
        self._scanner = Scanner(self.backend, self._runs, self._metrics)

    @classmethod
    def open(cls, path: str | Path, *, create: bool = False) -> "Store":
        """Open the store in a folder.

        Args:
            create: Make the folder and the store if there is none.

        Raises:
            StoreNotFoundError: There is no store, and `create` is False.
            StoreFormatError: It was made by a newer version that ours cannot read.
            StoreError: The path is a file, or the store cannot be made there.
        """
        root = Path(os.path.abspath(os.path.expanduser(path)))
        if os.path.lexists(root) and not os.path.isdir(root):
            raise StoreError(
                f"{str(root)!r} is a file or a broken link. Expected the folder of a store. Choose another path.",
                path=root,
            )
        identity = _read_identity(root)
        if identity is None:
            if not create:
                raise StoreNotFoundError(
                    f"There is no store in {str(root)!r}. Expected a folder with {_IDENTITY} in it.\n"
                    "Check the path, or record a first run there: autotrack.enable(store=...)",
                    path=root,
                )
            identity = _create(root)
        return cls(root, identity)

    @property
    def is_writable(self) -> bool:
        """Whether this version and this user may write to the store."""
        return self._min_writer <= FORMAT_VERSION and os.access(self.root, os.W_OK | os.X_OK)

    def new_writer(self, rank: int | None = None, **limits: Any) -> SegmentWriter:
        """A writer to the live record.

        Args:
            rank: Of this process in a distributed training; its points carry it.
            limits: `max_bytes` and `max_age_s` of a segment.

        Raises:
            StoreFormatError: The store may only be read by this version.
        """
        self._check_may_write()
        return SegmentWriter(self.root / "wal", rank=rank, **limits)

    def rows(self, run_ids: Collection[str] | None = None) -> dict[str, Row]:
        """The rows of these runs, or of all, by run id in the order of time.

        Sealed and live are one. A run whose process has ended without finishing it is shown as killed. All maps and
        the summary are there, if empty; other fields only if they were set. Deleted runs are left out.
        """
        return self._scanner.rows(run_ids)

    def points(self, run_id: str, key: str) -> History:
        """All points of a metric, by (step, time), whether sealed or live; empty if there are none."""
        return self._scanner.points(run_id, key)

    def seal(self) -> "SealReport":
        """Turn what is closed of the live record into table files; safe in any number of processes at once."""
        from autotrack.store.seal import Sealer

        self._check_may_write()
        return Sealer(self.backend, self._runs, self._metrics).seal()

    def _check_may_write(self) -> None:
        if self._min_writer > FORMAT_VERSION:
            raise StoreFormatError(
                f"The store in {str(self.root)!r} takes writers of format {self._min_writer} and later only.\n"
                f"Expected at most format {FORMAT_VERSION}. It can be read; to write to it, upgrade autotrack.",
                min_writer=self._min_writer,
            )

    def __repr__(self) -> str:
        return f"Store({str(self.root)!r})"


def _read_identity(root: Path) -> dict[str, Any] | None:
    path = root / _IDENTITY
    try:
        identity = json.loads(path.read_bytes())
        if not isinstance(identity, dict) or not isinstance(identity.get("store_id"), str):
            raise ValueError("no store_id in it")
        if not all(isinstance(identity.get(limit, 1), int) for limit in ("min_reader", "min_writer")):
            raise ValueError("min_reader or min_writer is no number")
    except (FileNotFoundError, NotADirectoryError):
        return None
    except ValueError as error:
        raise StoreFormatError(
            f"{str(path)!r} is damaged ({error}).\nExpected a JSON object with a store_id. Restore it from a copy.",
            path=path,
        ) from error
    except OSError as error:
        raise StoreError(
            f"The store in {str(root)!r} cannot be read: {error.strerror or error}.\n"
            f"Expected a file {_IDENTITY} that this user may read. Check its permissions, or choose another store.",
            path=root,
        ) from error
    needed = identity.get("min_reader", 1)
    if needed > FORMAT_VERSION:
        raise StoreFormatError(
            f"The store in {str(root)!r} has format {identity.get('format')}, for readers of {needed} and later.\n"
            f"Expected at most format {FORMAT_VERSION}. Upgrade autotrack to read it.",
            format=identity.get("format"),
            min_reader=needed,
        )
    return identity


def _create(root: Path) -> dict[str, Any]:
    identity = {"format": FORMAT_VERSION, "store_id": new_id(), "min_reader": MIN_READER, "min_writer": MIN_WRITER}
    backend = LocalBackend(root)
    try:
        root.mkdir(parents=True, exist_ok=True)
        if not any(root.iterdir()):  # a folder that was there for something else keeps being seen by git
            backend.put_if_absent(".gitignore", b"*\n")
        backend.put_if_absent(_IDENTITY, (json.dumps(identity, indent=1) + "\n").encode())
    except OSError as error:
        raise StoreError(
            f"No store could be made in {str(root)!r}: {error.strerror or error}.\n"
            "Expected a folder that may be written to. Choose another one, for example with AUTOTRACK_STORE.",
            path=root,
        ) from error
    found = _read_identity(root)  # ours, or that of a process that was faster
    return found if found is not None else identity
