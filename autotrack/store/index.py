"""The derived index that search reads: the sealed `runs` table once more, in a sqlite file that may be lost any time.

    with opened(path) as index:             # None: no index to be had, so do without
        index.refresh(backend, table)       # up to the newest version of the table's log
        index.select("SELECT ...")

It lies in the cache folder, never in the store: `<cache>/<store_id>/index-<schema>-<hash of host and path>.sqlite`.
It knows the version it is at and a digest of that version's log entry, so that another copy of the store at the same
path is noticed. Beside it lies a lock: shared by all who use the file, exclusive for who throws it away.

Standard library only, as long as nothing was sealed since.
"""

import contextlib
import fcntl
import hashlib
import os
import sqlite3
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autotrack.guard import cache_dir
from autotrack.store.delta import DeltaTable
from autotrack.store.index_rows import RUN_COLUMNS, DamagedRowError, decode
from autotrack.store.index_update import Update, digest_of
from autotrack.store.rows import RowState
from autotrack.types import Row

if TYPE_CHECKING:
    from autotrack.store.backend import Backend

__all__ = ["Index", "index_path", "opened"]

_SCHEMA_VERSION = 1  # part of the file's name: versions of ours that differ do not fight over one file
_APPLICATION_ID = 0x61747278  # "atrx"
_WAIT_S = 1.0  # for another process that brings the index up to date; then this one does without
_TRIES = 20  # a file can be replaced while it is read; each try needs another commit in between
_DAMAGES = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CONSTRAINT)

_TABLES = {
    "state": "version INTEGER, digest TEXT",
    "files": "name TEXT PRIMARY KEY",
    "marks": "writer TEXT PRIMARY KEY, seq INTEGER",
    "keys": "k INTEGER PRIMARY KEY, space TEXT, name TEXT, has_inexact INTEGER, UNIQUE (space, name)",
    "runs": f"rid INTEGER PRIMARY KEY, {', '.join(RUN_COLUMNS)}, UNIQUE (run_id)",
    "rows": "rid INTEGER PRIMARY KEY, data BLOB",
    "texts": "k INTEGER, rid INTEGER, kind INTEGER, num, text, is_text, PRIMARY KEY (k, rid)",
    "nums": "k INTEGER, rid INTEGER, last, min, max, count, PRIMARY KEY (k, rid)",
}
_WITHOUT_ROWID = ("files", "marks", "texts", "nums")
_INDICES = (
    "CREATE INDEX newest_runs ON runs (newest, run_id)",
    "CREATE INDEX child_runs ON runs (parent_run_id) WHERE parent_run_id IS NOT NULL",
    "CREATE INDEX open_runs ON runs (rid) WHERE is_open",
)


def index_path(store_id: str, root: Path | str) -> Path:
    """Where the index of a store lies. Copies of a store share its id, so the path is a part; so is the host: the
    cache may be on a disk that several machines share, which sqlite's log cannot."""
    where = root if isinstance(root, str) else os.path.realpath(root)
    place = f"{os.uname().nodename}\0{where}".encode("utf-8", "surrogateescape")
    digest = hashlib.blake2b(place, digest_size=6).hexdigest()
    is_plain = store_id.isascii() and store_id.isalnum() and len(store_id) <= 64
    folder = store_id if is_plain else hashlib.blake2b(store_id.encode("utf-8", "replace")).hexdigest()[:22]
    return cache_dir() / folder / f"index-{_SCHEMA_VERSION}-{digest}.sqlite"


@contextlib.contextmanager
def opened(path: Path) -> Iterator["Index | None"]:
    """The index in this file, made if there is none; None where that is not possible.

    An error of sqlite inside the block ends the block quietly. A damaged file is thrown away.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = os.open(path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT, 0o644)
    except OSError:
        yield None
        return
    try:
        yield from _locked(path, lock)
    finally:
        os.close(lock)


def _locked(path: Path, lock: int) -> Iterator["Index | None"]:
    index: Index | None = None
    is_damaged = False
    try:
        fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        index = Index(path)
    except (OSError, sqlite3.Error) as error:
        if _is_damage(error):
            _throw_away(path, lock)
            with contextlib.suppress(OSError, sqlite3.Error):
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
                index = Index(path)
    if index is None:
        yield None
        return
    try:
        yield index
    except (sqlite3.Error, DamagedRowError) as error:
        is_damaged = _is_damage(error)
    finally:
        index.close()
        if is_damaged:
            _throw_away(path, lock)


class Index:
    """One connection to the index of a store, for one thread.

    Attributes:
        live: The rows that are still changing, as they are now; what the index has of them is in the table `hidden`.

    Raises:
        sqlite3.Error: The file cannot be used; `opened` knows what to do.
    """

    def __init__(self, path: Path) -> None:
        self._connection = sqlite3.connect(path, timeout=_WAIT_S, isolation_level=None)
        try:
            self._prepare()
        except BaseException:
            self._connection.close()
            raise
        self.live: dict[str, Row] = {}
        self._failure: BaseException | None = None

    def close(self) -> None:
        """Let go of the file; what is not committed is undone."""
        self._connection.close()

    def refresh(self, backend: "Backend", table: DeltaTable) -> bool:
        """Bring the index to the newest version of the table; False if files of it could not be read.

        Raises:
            StoreFormatError: The table's log cannot be read.
        """
        if not self._is_behind(table):
            return True
        for _ in range(_TRIES):
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                Update(self._connection, backend, table).run()
            except FileNotFoundError:
                self._connection.execute("ROLLBACK")
                continue
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")
            return True
        return False

    @contextlib.contextmanager
    def frozen(self) -> Iterator[None]:
        """Inside, the index stays as it is, whoever brings it up to date meanwhile."""
        self._connection.execute("BEGIN")
        self._connection.execute("SELECT version FROM state").fetchone()  # the snapshot is taken by the first read
        try:
            yield
        finally:
            with contextlib.suppress(sqlite3.Error):
                self._connection.execute("ROLLBACK")

    def select(self, sql: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """The lines that a query gives. A Ctrl-C inside a function it calls is raised as what it is."""
        try:
            return self._connection.execute(sql, values).fetchall()
        except sqlite3.Error:
            if self._failure is not None:
                raise self._failure from None
            raise

    def function(self, name: str, argument_count: int, ask: Any) -> None:
        """Give queries a function in Python. Equal arguments must give equal answers."""

        def guarded(*arguments: Any) -> Any:
            try:
                return ask(*arguments)
            except (KeyboardInterrupt, SystemExit) as failure:
                self._failure = failure
                raise

        self._connection.create_function(name, argument_count, guarded, deterministic=True)

    @property
    def version(self) -> int:
        """The version of the table that the index is at; -1 where there is none."""
        return self._state()[0]

    def marks(self) -> dict[str, int]:
        """The last segment of each writer that is in the index."""
        return dict(self.select("SELECT writer, seq FROM marks"))

    def hide(self, run_ids: Collection[str]) -> dict[str, RowState]:
        """Put these runs, and those that were open when they were sealed, into the table `hidden`; their rows."""
        found = self.select("SELECT rid, data FROM runs JOIN rows USING (rid) WHERE is_open")
        for run_id in run_ids:
            found += self.select("SELECT rid, data FROM runs JOIN rows USING (rid) WHERE run_id = ?", (run_id,))
        self._connection.execute("CREATE TEMP TABLE hidden (rid INTEGER PRIMARY KEY)")
        self._connection.executemany("INSERT OR IGNORE INTO hidden VALUES (?)", ((rid,) for rid, _ in found))
        states = (decode(data) for _, data in found)
        return {state.run_id: state for state in states}

    def children(self, run_id: str) -> list[Row]:
        """The rows of the runs that have this one as their parent, by run id."""
        found = self.select(
            "SELECT data FROM runs JOIN rows USING (rid) WHERE parent_run_id = ? AND NOT is_deleted"
            " AND rid NOT IN (SELECT rid FROM hidden)",
            (run_id,),
        )
        rows = [decode(data).to_row() for (data,) in found]
        rows += [row for row in self.live.values() if row.get("parent_run_id") == run_id]
        return sorted(rows, key=lambda row: row["run_id"])

    def _prepare(self) -> None:
        run = self._connection.execute
        run("PRAGMA temp_store = MEMORY")
        found = run("PRAGMA application_id").fetchone()[0], run("PRAGMA user_version").fetchone()[0]
        if found == (_APPLICATION_ID, _SCHEMA_VERSION):
            return
        run("PRAGMA journal_mode = WAL")
        run("BEGIN IMMEDIATE")
        names = [name for (name,) in run("SELECT name FROM sqlite_schema")]
        if names and sorted(name for name in names if name in _TABLES) != sorted(_TABLES):
            raise sqlite3.DatabaseError("file is not a database")
        if not names:
            for name, columns in _TABLES.items():
                run(f"CREATE TABLE {name} ({columns}) {'WITHOUT ROWID' if name in _WITHOUT_ROWID else ''}")
            for index in _INDICES:
                run(index)
            run("INSERT INTO state VALUES (-1, '')")
            run(f"PRAGMA application_id = {_APPLICATION_ID}")
            run(f"PRAGMA user_version = {_SCHEMA_VERSION}")
        run("COMMIT")

    def _state(self) -> tuple[int, str]:
        lines = self.select("SELECT version, digest FROM state")
        if len(lines) != 1 or not isinstance(lines[0][0], int):
            raise DamagedRowError("state")
        return lines[0][0], lines[0][1]

    def _is_behind(self, table: DeltaTable) -> bool:
        version, digest = self._state()
        return version < 0 or digest_of(table, version) != digest or table.log_entry(version + 1) is not None


def _is_damage(error: BaseException) -> bool:
    """Whether the file is to blame, and not a lock, the disk or the query."""
    if isinstance(error, sqlite3.Error):
        code: int = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_NOTADB)
        return code & 0xFF in _DAMAGES or str(error).startswith("no such ")
    return isinstance(error, DamagedRowError)


def _throw_away(path: Path, lock: int) -> None:
    """Remove the file, if nobody else has it open: sqlite would mix up what is left of it with a new one."""
    with contextlib.suppress(OSError):
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        for suffix in ("-wal", "-shm", ""):
            path.with_name(path.name + suffix).unlink(missing_ok=True)
