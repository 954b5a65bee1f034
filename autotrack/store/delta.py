"""The log that says which files make up a table: Delta, protocol (1, 2), read and written by ourselves.

    snapshot = table.snapshot()                 # which files, and how far each writer is sealed
    table.commit(snapshot, adds=[...], removes=[...], marks={writer: seq})     # False: somebody else was first

A version is one JSON file, put if absent: of many who commit on the same snapshot one wins. So Spark, DuckDB, Polars
and deltalake read our tables without us. Tables that ask for more of their reader or writer are refused, not misread.

Standard library only.
"""

import json
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, unquote

from autotrack.errors import StoreFormatError
from autotrack.store.backend import LocalBackend
from autotrack.store.schema import Kind, delta_schema

__all__ = ["DataFile", "DeltaTable", "Snapshot"]

_READER, _WRITER = 1, 2  # the newest protocol we know; it has no deletion vectors, no column mapping, no features


@dataclass(frozen=True)
class DataFile:
    """One Parquet file of a table. `stats`: numRecords, minValues, maxValues, nullCount."""

    name: str  # relative to the table
    size_bytes: int
    stats: Mapping[str, Any]

    def may_hold(self, column: str, value: str) -> bool:
        """Whether a row with this value can be in the file, as far as its statistics tell."""
        low, high = self.stats.get("minValues", {}).get(column), self.stats.get("maxValues", {}).get(column)
        return (low is None or low <= value) and (high is None or value <= high)


@dataclass(frozen=True)
class Snapshot:
    """A table as it is at one version; -1 is the table that does not exist yet. Never changes.

    Attributes:
        marks: The last sealed segment of each writer (the `txn` actions).
    """

    version: int = -1
    files: Mapping[str, DataFile] = field(default_factory=dict)
    marks: Mapping[str, int] = field(default_factory=dict)


class DeltaTable:
    """A table in `tables/<name>`. May be shared by threads: the only state is the newest snapshot seen."""

    def __init__(self, backend: LocalBackend, name: str, columns: Mapping[str, Kind]) -> None:
        self.prefix = f"tables/{name}"
        self._backend = backend
        self._name = name
        self._columns = dict(columns)
        self._latest = Snapshot()

    def snapshot(self) -> Snapshot:
        """The table as it is now.

        Raises:
            StoreFormatError: It needs a reader that knows more than we do.
        """
        latest = self._latest
        entry = self._read_entry(latest.version + 1)
        if entry is None:
            if latest.version == -1:
                self._refuse_missing_start()
            return latest
        version, files, marks = latest.version, dict(latest.files), dict(latest.marks)
        while entry is not None:
            for action in entry:
                self._apply(action, files, marks)
            version += 1
            entry = self._read_entry(version + 1)
        found = Snapshot(version, files, marks)
        if version > self._latest.version:
            self._latest = found
        return found

    def commit(
        self, base: Snapshot, *, adds: Sequence[DataFile], removes: Sequence[DataFile], marks: Mapping[str, int]
    ) -> bool:
        """Make the version after `base`; False, and nothing done, if there is one already."""
        now_ms = time.time_ns() // 1_000_000
        actions: list[dict[str, Any]] = [_commit_info(now_ms, "WRITE" if base.version >= 0 else "CREATE TABLE")]
        if base.version < 0:
            actions += [
                {"protocol": {"minReaderVersion": _READER, "minWriterVersion": _WRITER}},
                self._metadata(now_ms),
            ]
        actions += [_txn(writer, seq, now_ms) for writer, seq in marks.items()]
        actions += [_remove(file, now_ms) for file in removes]
        actions += [_add(file, now_ms) for file in adds]
        data = "".join(json.dumps(action, separators=(",", ":")) + "\n" for action in actions)
        return self._backend.put_if_absent(self._entry_key(base.version + 1), data.encode("utf-8"))

    def key(self, file_name: str) -> str:
        """The backend's key of a file of this table."""
        return f"{self.prefix}/{file_name}"

    def _entry_key(self, version: int) -> str:
        return f"{self.prefix}/_delta_log/{version:020d}.json"

    def _read_entry(self, version: int) -> list[dict[str, Any]] | None:
        key = self._entry_key(version)
        try:
            lines = self._backend.get(key).splitlines()
            return [json.loads(line) for line in lines if line.strip()]
        except FileNotFoundError:
            return None
        except ValueError as error:
            raise StoreFormatError(
                f"The log of the table {self._name!r} is damaged: {self._backend.path(key)} is not JSON ({error}).\n"
                "Expected one JSON object per line. Restore this file from a copy of the store.",
                path=self._backend.path(key),
            ) from error

    def _apply(self, action: dict[str, Any], files: dict[str, DataFile], marks: dict[str, int]) -> None:
        if "add" in action:
            add = action["add"]
            name = unquote(add["path"])
            files[name] = DataFile(name, add["size"], json.loads(add.get("stats") or "{}"))
        elif "remove" in action:
            files.pop(unquote(action["remove"]["path"]), None)
        elif "txn" in action:
            marks[action["txn"]["appId"]] = action["txn"]["version"]
        elif "protocol" in action:
            self._check_protocol(action["protocol"])

    def _check_protocol(self, protocol: Mapping[str, Any]) -> None:
        reader, writer = protocol.get("minReaderVersion", 0), protocol.get("minWriterVersion", 0)
        if reader > _READER or writer > _WRITER:
            raise StoreFormatError(
                f"The table {self._name!r} of this store has the Delta protocol ({reader}, {writer}).\n"
                f"Expected at most ({_READER}, {_WRITER}). Read it with a newer autotrack or the tool that changed it.",
                reader=reader,
                writer=writer,
            )

    def _refuse_missing_start(self) -> None:
        """A log without version 0 has been shortened to a checkpoint: by a newer version of ours, or another tool."""
        folder = self._backend.path(f"{self.prefix}/_delta_log")
        try:
            names = [path.name for path in folder.iterdir() if path.name[0] not in "._"]
        except FileNotFoundError:
            return
        if names:
            raise StoreFormatError(
                f"The log of the table {self._name!r} does not begin at version 0: {folder} has {min(names)} first.\n"
                "Expected a log without checkpoints. Read this store with a newer autotrack.",
                path=folder,
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


def _commit_info(now_ms: int, operation: str) -> dict[str, Any]:
    return {"commitInfo": {"timestamp": now_ms, "operation": operation, "engineInfo": "autotrack"}}


def _txn(writer: str, seq: int, now_ms: int) -> dict[str, Any]:
    return {"txn": {"appId": writer, "version": seq, "lastUpdated": now_ms}}


def _add(file: DataFile, now_ms: int) -> dict[str, Any]:
    return {
        "add": {
            "path": quote(file.name),
            "partitionValues": {},
            "size": file.size_bytes,
            "modificationTime": now_ms,
            "dataChange": True,
            "stats": json.dumps(file.stats, separators=(",", ":")),
        }
    }


def _remove(file: DataFile, now_ms: int) -> dict[str, Any]:
    return {
        "remove": {
            "path": quote(file.name),
            "deletionTimestamp": now_ms,
            "dataChange": True,
            "extendedFileMetadata": True,
            "partitionValues": {},
            "size": file.size_bytes,
        }
    }
