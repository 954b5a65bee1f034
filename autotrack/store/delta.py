"""The log that says which files make up a table: Delta, protocol (1, 2), read and written by ourselves.

    snapshot = table.snapshot()                 # which files, and how far each writer is sealed
    table.commit(snapshot, adds=[...], removes=[...], marks={writer: seq})     # False: somebody else was first

A version is one JSON file, put if absent: of many who commit on the same snapshot one wins. So Spark, DuckDB, Polars
and deltalake read our tables without us. Tables that ask for more of their reader or writer are refused, not misread.

Every 50 versions a checkpoint (checkpoint.py) says what they come to, and an hour later the entries before it go, the
oldest first. So whoever is at a version whose entry is gone knows that he is behind, and begins at a checkpoint.

Standard library only, as long as there is no checkpoint.
"""

import json
import time
import uuid
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from autotrack.errors import StoreFormatError
from autotrack.store.backend import Backend
from autotrack.store.schema import Kind, delta_schema
from autotrack.store.snapshot import DataFile, Fold, Snapshot

__all__ = ["DataFile", "DeltaTable", "Snapshot"]

_READER, _WRITER = 1, 2  # the newest protocol we know; it has no deletion vectors, no column mapping, no features
_CHECKPOINT_EVERY = 50  # versions: a reader that begins anew reads no more entries than that
_KEEP_S = 3600.0  # entries stay this long behind a checkpoint, for those who are reading them
_TRIES = 20  # a checkpoint can be replaced while it is looked for; each try needs another 50 versions in between


class DeltaTable:
    """A table in `tables/<name>`. May be shared by threads: the only state is the newest snapshot seen."""

    def __init__(self, backend: Backend, name: str, columns: Mapping[str, Kind]) -> None:
        self.prefix = f"tables/{name}"
        self._backend = backend
        self._name = name
        self._columns = dict(columns)
        self._latest = Snapshot()

    # ---- reading

    def exists(self) -> bool:
        """Whether anything was ever committed to it; cheaper than a snapshot."""
        return self.log_entry(0) is not None or self._hint() is not None

    def snapshot(self) -> Snapshot:
        """The table as it is now. Reads only what is new since the last call.

        Raises:
            StoreFormatError: It needs a reader that knows more than we do, or its log is damaged.
        """
        latest = self._latest
        start = latest if latest.version >= 0 else self._hinted()
        found = self._followed(start)
        # No table, or it has gone on without us; then an entry that follows ours may be one that never counted.
        is_behind = found.version < 0 or not self._has_entry(found.version)
        if is_behind or (found.version > start.version >= 0 and not self._has_entry(start.version)):
            self._latest = found = self._begun_anew()
        elif found.version > latest.version:
            self._latest = found
        return found

    def reread(self) -> Snapshot:
        """The same, trusting nothing that was seen before: another copy of the store may lie here now."""
        self._latest = found = self._begun_anew()
        return found

    def log_entry(self, version: int) -> bytes | None:
        """The log entry of a version as it is on file; None if there is no such version (any more)."""
        try:
            return self._backend.get(self._entry_key(version))
        except FileNotFoundError:
            return None

    def actions(self, version: int, entry: bytes) -> list[dict[str, Any]]:
        """The actions in the log entry of a version.

        Raises:
            StoreFormatError: It is damaged, or asks for a reader that knows more than we do.
        """
        try:
            actions = [json.loads(line) for line in entry.splitlines() if line.strip()]
        except ValueError as error:
            path = self._backend.name(self._entry_key(version))
            raise StoreFormatError(
                f"The log of the table {self._name!r} is damaged: {path} is not JSON ({error}).\n"
                "Expected one JSON object per line. Restore this file from a copy of the store.",
                path=path,
            ) from error
        for action in actions:
            if "protocol" in action:
                self._check_protocol(action["protocol"])
        return actions

    def key(self, file_name: str) -> str:
        """The backend's key of a file of this table."""
        return f"{self.prefix}/{file_name}"

    # ---- changing

    def commit(
        self,
        base: Snapshot,
        *,
        adds: Sequence[DataFile],
        removes: Sequence[DataFile],
        marks: Mapping[str, int],
        is_data_change: bool = True,
    ) -> bool:
        """Make the version after `base`; False, and nothing done, if there is one already.

        Args:
            is_data_change: False: the same rows, in other files.
        """
        if not self._has_entry(base.version) and self.snapshot().version != base.version:
            return False
        now_ms = time.time_ns() // 1_000_000
        actions: list[dict[str, Any]] = [_commit_info(now_ms, base.version, is_data_change)]
        if base.version < 0:
            actions += [
                {"protocol": {"minReaderVersion": _READER, "minWriterVersion": _WRITER}},
                self._metadata(now_ms),
            ]
        actions += [_txn(writer, seq, now_ms) for writer, seq in marks.items()]
        actions += [_remove(file, now_ms, is_data_change) for file in removes]
        actions += [_add(file, now_ms, is_data_change) for file in adds]
        data = "".join(json.dumps(action, separators=(",", ":")) + "\n" for action in actions)
        key = self._entry_key(base.version + 1)
        if not self._backend.put_if_absent(key, data.encode("utf-8")):
            return False
        if self._has_entry(base.version) or self._has_taken(adds, marks):
            return True
        # We slept so long that the number was free again: entry and all before it are part of a checkpoint.
        self._backend.delete(key)
        return False

    def has_files(self, files: Sequence[DataFile]) -> bool:
        """Whether files that were written are still there: of one that waited for long nobody knows whose it is."""
        try:
            for file in files:
                self._backend.stat(self.key(file.name))
        except FileNotFoundError:
            return False
        return True

    def discard(self, files: Sequence[DataFile]) -> None:
        """Delete files that were written and never committed."""
        for file in files:
            self._backend.delete(self.key(file.name))

    def forget(self, files: Sequence[DataFile]) -> None:
        """Delete files that were replaced. In a bucket they stay for a week, for readers of older versions."""
        if not self._backend.is_remote:
            self.discard(files)

    def checkpoint(self, present: Callable[[], Collection[str]], *, every: int = _CHECKPOINT_EVERY) -> bool:
        """Write down what the log comes to, if that was not done for `every` versions.

        Args:
            present: Writers whose segments are still there; of others the marks are dropped after a week.
            every: How many versions.

        Returns:
            Whether it was done. Two who do it at once write the same.
        """
        from autotrack.store import checkpoint

        snapshot = self.snapshot()
        hint = self._hint()
        if snapshot.version - (-1 if hint is None else hint["version"]) < every:
            return False
        if snapshot.metadata.get("partitionColumns"):  # somebody else's design: we would lose what we do not keep
            return False
        data, count = checkpoint.pack(snapshot, present(), time.time_ns() // 1_000_000)
        self._backend.put_if_absent(self._checkpoint_key(snapshot.version), data)
        pointer = {"version": snapshot.version, "size": count, "sizeInBytes": len(data)}
        pointer["numOfAddFiles"] = len(snapshot.files)
        self._backend.put(self._hint_key(), json.dumps(pointer).encode("ascii"))
        return True

    def shorten(self, *, keep_s: float = _KEEP_S) -> int:
        """Delete the log's entries behind the newest checkpoint that has been there for so long; how many."""
        keys = self._backend.list(f"{self.prefix}/_delta_log/")
        versions = {key: _version(key) for key in keys}
        settled = [
            version for key, version in versions.items() if _is_checkpoint(key) and self._age_s(version) >= keep_s
        ]
        # The keys are sorted, so the oldest version goes first: what is left never has a hole.
        old = [key for key, version in versions.items() if 0 <= version < max(settled, default=0)]
        for key in old:
            self._backend.delete(key)
        return len(old)

    # ---- the log

    def _followed(self, start: Snapshot) -> Snapshot:
        """The snapshot that all entries after this one lead to."""
        entry = self.log_entry(start.version + 1)
        if entry is None:
            return start
        fold = Fold(start)
        while entry is not None:
            for action in self.actions(fold.version + 1, entry):
                fold.apply(action)
            fold.version += 1
            entry = self.log_entry(fold.version + 1)
        return fold.snapshot()

    def _hinted(self) -> Snapshot:
        """The snapshot of the checkpoint that `_last_checkpoint` names; else that of a table without versions."""
        hint = self._hint()
        found = None if hint is None or "parts" in hint else self._unpacked(self._checkpoint_key(hint["version"]))
        return found or Snapshot()

    def _begun_anew(self) -> Snapshot:
        """The newest snapshot, found by looking at what is there."""
        keys: list[str] = []
        for _ in range(_TRIES):
            keys = [key for key in self._backend.list(f"{self.prefix}/_delta_log/") if _version(key) >= 0]
            if not keys:
                return Snapshot()
            checkpoints = [key for key in keys if _is_checkpoint(key)]
            starts = (self._unpacked(key) for key in reversed(checkpoints))
            start = next((start for start in starts if start is not None), Snapshot())
            found = self._followed(start)
            if found.version >= 0 and (found.version == start.version or self._has_entry(found.version)):
                return found
        folder = self._backend.name(f"{self.prefix}/_delta_log")
        raise StoreFormatError(
            f"The log of the table {self._name!r} has no beginning: {folder} has {keys[0].rpartition('/')[2]} first.\n"
            "Expected version 0, or a checkpoint that can be read. Restore the folder from a copy of the store.",
            path=folder,
        )

    def _unpacked(self, key: str) -> Snapshot | None:
        """The snapshot in a checkpoint; None if it is gone or damaged."""
        from autotrack.store import checkpoint

        try:
            protocol, found = checkpoint.unpack(self._backend.get(key), _version(key))
        except (OSError, ValueError, LookupError):
            return None
        self._check_protocol(protocol)
        return found

    def _hint(self) -> dict[str, Any] | None:
        """What `_last_checkpoint` says; it may be out of date."""
        try:
            hint = json.loads(self._backend.get(self._hint_key()))
        except (FileNotFoundError, ValueError):
            return None
        return hint if isinstance(hint, dict) and isinstance(hint.get("version"), int) else None

    def _has_entry(self, version: int) -> bool:
        try:
            self._backend.stat(self._entry_key(version))
        except FileNotFoundError:
            return False
        return True

    def _has_taken(self, adds: Sequence[DataFile], marks: Mapping[str, int]) -> bool:
        """Whether these changes are, or were, a part of the table."""
        now = self.reread()
        return all(file.name in now.files or file.name in now.removed_ms for file in adds) and all(
            now.marks.get(writer, -1) >= seq for writer, seq in marks.items()
        )

    def _age_s(self, version: int) -> float:
        """How long ago a version was committed; negative if nobody knows."""
        entry = self.log_entry(version)
        infos = (
            [] if entry is None else [one["commitInfo"] for one in self.actions(version, entry) if "commitInfo" in one]
        )
        made_ms = infos[0].get("timestamp") if infos else None
        return time.time() - made_ms / 1000 if isinstance(made_ms, int) else -1.0

    def _entry_key(self, version: int) -> str:
        return f"{self.prefix}/_delta_log/{version:020d}.json"

    def _checkpoint_key(self, version: int) -> str:
        return f"{self.prefix}/_delta_log/{version:020d}.checkpoint.parquet"

    def _hint_key(self) -> str:
        return f"{self.prefix}/_delta_log/_last_checkpoint"

    def _check_protocol(self, protocol: Mapping[str, Any]) -> None:
        reader, writer = protocol.get("minReaderVersion", 0), protocol.get("minWriterVersion", 0)
        if reader > _READER or writer > _WRITER:
            raise StoreFormatError(
                f"The table {self._name!r} of this store has the Delta protocol ({reader}, {writer}).\n"
                f"Expected at most ({_READER}, {_WRITER}). Read it with a newer autotrack or the tool that changed it.",
                reader=reader,
                writer=writer,
            )

    def _metadata(self, now_ms: int) -> dict[str, Any]:
        return {
            "metaData": {
                "id": str(uuid.uuid4()),
                "name": self._name,
                "format": {"provider": "parquet", "options": {}},
                "schemaString": delta_schema(self._columns),
                "partitionColumns": [],
                "configuration": {},
                "createdTime": now_ms,
            }
        }


def _version(key: str) -> int:
    """The version that a file of the log is about; -1 for any other file."""
    number, dot, ending = key.rpartition("/")[2].partition(".")
    is_ours = dot and ending in ("json", "checkpoint.parquet") and len(number) == 20 and number.isdecimal()
    return int(number) if is_ours else -1


def _is_checkpoint(key: str) -> bool:
    return key.endswith(".checkpoint.parquet") and _version(key) >= 0


def _commit_info(now_ms: int, base_version: int, is_data_change: bool) -> dict[str, Any]:
    operation = "CREATE TABLE" if base_version < 0 else "WRITE" if is_data_change else "OPTIMIZE"
    return {"commitInfo": {"timestamp": now_ms, "operation": operation, "engineInfo": "autotrack"}}


def _txn(writer: str, seq: int, now_ms: int) -> dict[str, Any]:
    return {"txn": {"appId": writer, "version": seq, "lastUpdated": now_ms}}


def _add(file: DataFile, now_ms: int, is_data_change: bool) -> dict[str, Any]:
    add: dict[str, Any] = {
        "path": quote(file.name),
        "partitionValues": {},
        "size": file.size_bytes,
        "modificationTime": now_ms,
        "dataChange": is_data_change,
        "stats": json.dumps(file.stats, separators=(",", ":")),
    }
    if file.tags:
        add["tags"] = dict(file.tags)
    return {"add": add}


def _remove(file: DataFile, now_ms: int, is_data_change: bool) -> dict[str, Any]:
    return {
        "remove": {
            "path": quote(file.name),
            "deletionTimestamp": now_ms,
            "dataChange": is_data_change,
            "extendedFileMetadata": True,
            "partitionValues": {},
            "size": file.size_bytes,
        }
    }
