"""Bringing the index up to date: what the table's log says since, applied in one transaction.

A new file is read and its runs written. Of a file that replaces another only the runs that changed are read, which the
log entry names (`replacement_tags`). Compaction moves rows and changes none. After a removal without such a note, and
only then, every file is asked which runs are still there.

Where the log does not lead from here to now (entries are gone behind a checkpoint, another copy of the store lies in
its place), the files are compared: one that the index has is never read again, as a name always means the same rows.
"""

import hashlib
import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import unquote

from autotrack.store.delta import DataFile, DeltaTable, Snapshot
from autotrack.store.index_rows import INEXACT, RUN_COLUMNS, decode, encode, metric_lines, run_line, text_lines
from autotrack.store.rows import RowState

if TYPE_CHECKING:
    import sqlite3

    from autotrack.store.backend import Backend

__all__ = ["Update", "digest_of", "replacement_tags"]

_BATCH = 2000  # runs written at once
_CACHE_KB = 65_536  # of memory while runs are written
_MOST_TAGGED = 1000  # changed runs that a log entry names (25 kB); of more, the whole file is read
_REPLACES, _CHANGED = "autotrack.replaces", "autotrack.changed"

_Wanted = set[str] | None  # run ids; None: all
_T = TypeVar("_T")


def replacement_tags(replaced: str, changed: Sequence[str]) -> dict[str, str]:
    """What the log says of a file that has the runs of the file it replaces, only some of them changed."""
    return {_REPLACES: replaced, _CHANGED: json.dumps(changed)} if len(changed) <= _MOST_TAGGED else {}


def digest_of(table: DeltaTable, version: int) -> str:
    """Which log entry has this version here: another copy of the store may have another. Empty: none."""
    entry = table.log_entry(version) if version >= 0 else None
    return "" if entry is None else hashlib.blake2b(entry, digest_size=16).hexdigest()


class Update:
    """One transaction on the index."""

    def __init__(self, connection: "sqlite3.Connection", backend: "Backend", table: DeltaTable) -> None:
        self._run = connection.execute
        self._run_many = connection.executemany
        self._backend = backend
        self._table = table

    def run(self) -> None:
        """Apply what is new.

        Raises:
            FileNotFoundError: A file was replaced meanwhile: undo the transaction and begin again.
        """
        self._run(f"PRAGMA cache_size = -{_CACHE_KB}")
        version, digest = self._run("SELECT version, digest FROM state").fetchone()
        changes = _Changes({name for (name,) in self._run("SELECT name FROM files")})
        if version < 0 or digest_of(self._table, version) != digest:
            snapshot = self._table.reread()
            version = snapshot.version
            changes.jump(snapshot)
            self._run("DELETE FROM marks")
        while (entry := self._table.log_entry(version + 1)) is not None:
            version += 1
            changes.follow(self._table.actions(version, entry))
        digest = digest_of(self._table, version)
        if not digest:
            raise FileNotFoundError(f"the log's entry of version {version}")
        self._keys = {(space, name): k for k, space, name in self._run("SELECT k, space, name FROM keys")}
        self._next_rid = (self._run("SELECT max(rid) FROM runs").fetchone()[0] or 0) + 1
        for name, wanted in changes.unread.items():
            for batch in _batches(self._states(name, wanted), _BATCH):
                self._write(batch)
        if changes.has_removed:
            self._sweep(changes.files)
        self._run("DELETE FROM files")
        self._run_many("INSERT INTO files VALUES (?)", ((name,) for name in changes.files))
        self._run_many("INSERT OR REPLACE INTO marks VALUES (?, ?)", changes.marks.items())
        self._run("UPDATE state SET version = ?, digest = ?", (version, digest))

    def _states(self, name: str, wanted: _Wanted) -> list[RowState]:
        from autotrack.store.scan import rows_with_ids

        return rows_with_ids(self._backend, self._table, DataFile(name, 0, {}), wanted)

    def _write(self, states: Sequence[RowState]) -> None:
        """Put runs in place of what the index has of them."""
        known = self._known([state.run_id for state in states])
        self._delete(known.values())
        runs: list[tuple[Any, ...]] = []
        rows: list[tuple[int, bytes]] = []
        texts: list[tuple[Any, ...]] = []
        nums: list[tuple[Any, ...]] = []
        for state in states:
            rid = known.get(state.run_id, 0)
            if not rid:
                rid, self._next_rid = self._next_rid, self._next_rid + 1
            row = state.to_row()
            runs.append((rid, *run_line(state, row)))
            rows.append((rid, encode(state)))
            if not state.fields.get("deleted"):
                texts.extend((self._k(space, name), rid, *rest) for space, name, *rest in text_lines(row))
                nums.extend((self._k("metrics", name), rid, *rest) for name, *rest in metric_lines(row))
        inexact = {(line[0],) for line in texts if line[2] == INEXACT}
        self._run_many("UPDATE keys SET has_inexact = 1 WHERE k = ?", inexact)
        self._insert("runs", 1 + len(RUN_COLUMNS), runs)
        self._insert("rows", 2, rows)
        self._insert("texts", 6, sorted(texts))  # as they lie in the file; no two have the same key and run
        self._insert("nums", 6, sorted(nums))

    def _insert(self, table: str, width: int, lines: Sequence[tuple[Any, ...]]) -> None:
        self._run_many(f"INSERT INTO {table} VALUES ({', '.join('?' * width)})", lines)

    def _known(self, run_ids: Iterable[str]) -> dict[str, int]:
        """The numbers of those of these runs that the index has."""
        found = {}
        for run_id in run_ids:
            for (rid,) in self._run("SELECT rid FROM runs WHERE run_id = ?", (run_id,)):
                found[run_id] = rid
        return found

    def _delete(self, rids: Collection[int]) -> None:
        for rid in rids:
            (data,) = self._run("SELECT data FROM rows WHERE rid = ?", (rid,)).fetchone()
            row = decode(data).to_row()
            places = [(self._k(space, name), rid) for space, name, *_ in text_lines(row)]
            self._run_many("DELETE FROM texts WHERE k = ? AND rid = ?", places)
            places = [(self._k("metrics", name), rid) for name, *_ in metric_lines(row)]
            self._run_many("DELETE FROM nums WHERE k = ? AND rid = ?", places)
            self._run("DELETE FROM rows WHERE rid = ?", (rid,))
            self._run("DELETE FROM runs WHERE rid = ?", (rid,))

    def _k(self, space: str, name: str) -> int:
        """The number of a key, a new one if need be."""
        k = self._keys.get((space, name))
        if k is None:
            k = self._keys[space, name] = len(self._keys) + 1
            self._run("INSERT INTO keys VALUES (?, ?, ?, 0)", (k, space, name))
        return k

    def _sweep(self, files: Iterable[str]) -> None:
        """Drop the runs that no file has any more."""
        from autotrack.store.columns import texts
        from autotrack.store.parquet import read_file

        present: set[str] = set()
        for name in files:
            rows = read_file(self._backend, self._table, DataFile(name, 0, {}), ["run_id"])
            present.update(texts(rows.column("run_id")))
        self._delete([rid for rid, run_id in self._run("SELECT rid, run_id FROM runs") if run_id not in present])


class _Changes:
    """What a sequence of log entries comes to.

    Attributes:
        files: Those the table has.
        marks: As far as they were moved.
        unread: Files with rows that the index does not have, and which of their runs.
        has_removed: A file is gone, and nothing says that its runs are in another one.
    """

    def __init__(self, files: set[str]) -> None:
        self.files = files
        self.marks: dict[str, int] = {}
        self.unread: dict[str, _Wanted] = {}
        self.has_removed = False

    def jump(self, snapshot: Snapshot) -> None:
        """Go to what the table is, whatever led to it."""
        self.unread = {name: None for name in snapshot.files if name not in self.files}
        self.has_removed = any(name not in snapshot.files for name in self.files)
        self.files = set(snapshot.files)
        self.marks = dict(snapshot.marks)

    def follow(self, actions: Sequence[Mapping[str, Any]]) -> None:
        """Go on by one version."""
        adds = [action["add"] for action in actions if "add" in action]
        removes = [action["remove"] for action in actions if "remove" in action]
        gone = {unquote(remove["path"]) for remove in removes}
        replaced: set[str] = set()
        found: dict[str, _Wanted] = {}
        for add in adds:
            old, wanted = self._new_in(add, gone)
            replaced.add(old)
            if wanted is None or wanted:
                found[unquote(add["path"])] = wanted
        for remove in removes:
            name = unquote(remove["path"])
            self.files.discard(name)
            self.unread.pop(name, None)
            if name not in replaced and remove.get("dataChange", True):
                self.has_removed = True
        self.files.update(unquote(add["path"]) for add in adds)
        self.unread |= found
        self.marks.update((txn["appId"], txn["version"]) for txn in (a["txn"] for a in actions if "txn" in a))

    def _new_in(self, add: Mapping[str, Any], gone: set[str]) -> tuple[str, _Wanted]:
        """The file that a file replaces (or none), and which of its runs are new to the index."""
        if not add.get("dataChange", True) and gone and gone <= self.files:
            return "", None if any(name in self.unread for name in gone) else set()
        tags = add.get("tags") or {}
        old = tags.get(_REPLACES, "")
        before, changed = self.unread.get(old, set()), _run_ids(tags.get(_CHANGED, ""))
        if old not in gone or old not in self.files or changed is None:
            return "", None
        return old, None if before is None else before | changed


def _run_ids(text: str) -> _Wanted:
    try:
        return set(json.loads(text))
    except ValueError:  # the note is not ours
        return None


def _batches(items: list[_T], size: int) -> Iterator[list[_T]]:
    return (items[start : start + size] for start in range(0, len(items), size))
