"""A table at one version: which files it has, how far each writer is sealed; and what the log's actions make of it.

Standard library only.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

__all__ = ["DataFile", "Fold", "Snapshot"]


@dataclass(frozen=True)
class DataFile:
    """One Parquet file of a table.

    Attributes:
        name: Relative to the table.
        stats: numRecords, minValues, maxValues, nullCount.
        tags: What we say of it beyond what Delta needs.
        modified_ms: When it was added to the table.
    """

    name: str
    size_bytes: int
    stats: Mapping[str, Any]
    tags: Mapping[str, str] = field(default_factory=dict)
    modified_ms: int = field(default=0, compare=False)

    @property
    def row_count(self) -> int:
        """How many rows it has; 0 if nobody has said."""
        return int(self.stats.get("numRecords") or 0)

    def may_hold(self, column: str, value: str) -> bool:
        """Whether a row with this value can be in the file, as far as its statistics tell."""
        low, high = self.stats.get("minValues", {}).get(column), self.stats.get("maxValues", {}).get(column)
        return (low is None or low <= value) and (high is None or value <= high)

    def may_overlap(self, column: str, first: str, last: str) -> bool:
        """Whether a row with a value from `first` to `last` can be in the file, as far as its statistics tell."""
        low, high = self.stats.get("minValues", {}).get(column), self.stats.get("maxValues", {}).get(column)
        return (low is None or low <= last) and (high is None or first <= high)


@dataclass(frozen=True)
class Snapshot:
    """A table as it is at one version; -1 is the table that does not exist yet. Never changes.

    Attributes:
        marks: The last sealed segment of each writer (the `txn` actions).
        marked_ms: When each mark was set.
        removed_ms: Files that are not in the table any more, and since when.
        metadata: Name, schema, id (the `metaData` action).
    """

    version: int = -1
    files: Mapping[str, DataFile] = field(default_factory=dict)
    marks: Mapping[str, int] = field(default_factory=dict)
    marked_ms: Mapping[str, int] = field(default_factory=dict)
    removed_ms: Mapping[str, int] = field(default_factory=dict)
    metadata: Mapping[str, Any] = field(default_factory=dict)


class Fold:
    """A snapshot that is being made: one action after the other."""

    def __init__(self, start: Snapshot) -> None:
        self.version = start.version
        self._files = dict(start.files)
        self._marks = dict(start.marks)
        self._marked_ms = dict(start.marked_ms)
        self._removed_ms = dict(start.removed_ms)
        self._metadata = start.metadata

    def snapshot(self) -> Snapshot:
        """The table after the actions so far. Nothing may be applied any more."""
        return Snapshot(self.version, self._files, self._marks, self._marked_ms, self._removed_ms, self._metadata)

    def apply(self, action: Mapping[str, Any]) -> None:
        """Go on by one action; those that say nothing of files and marks change nothing."""
        if "add" in action:
            add = action["add"]
            name = unquote(add["path"])
            stats = json.loads(add.get("stats") or "{}")
            self._files[name] = DataFile(name, add["size"], stats, modified_ms=add.get("modificationTime") or 0)
            self._removed_ms.pop(name, None)
        elif "remove" in action:
            name = unquote(action["remove"]["path"])
            self._files.pop(name, None)
            self._removed_ms[name] = action["remove"].get("deletionTimestamp") or 0
        elif "txn" in action:
            writer = action["txn"]["appId"]
            self._marks[writer] = action["txn"]["version"]
            self._marked_ms[writer] = action["txn"].get("lastUpdated") or 0
        elif "metaData" in action:
            self._metadata = action["metaData"]
