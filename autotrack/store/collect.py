"""Blobs that nothing refers to any more are deleted.

Kept is what a run refers to (its artifacts, its models with all of their files, its process record), sealed or live,
and what a registered version refers to, whether or not its run is still there. Of the rest goes what is older than a
day: younger bytes may belong to a record that is still on its way. A blob that is put again counts as new.

If any of it cannot be read, nothing is deleted: what cannot be read may refer to anything.

    report = Collector(backend, store.rows).collect()

Standard library only; reading the rows brings pyarrow.
"""

import hashlib
import json
import os
import re
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autotrack.errors import StoreError
from autotrack.store.backend import Backend, LocalBackend, Stat
from autotrack.store.compact import store_clock_s
from autotrack.types import Row

__all__ = ["CollectReport", "Collector", "mentioned"]

MIN_AGE_S = 86_400.0  # longer than from putting a blob to recording what it belongs to

_BLOBS = "blobs/sha256/"
_ASIDE = ".aside-"  # start of the name of a blob that is about to be deleted
_SHA256 = re.compile(r"(?<![0-9a-f])[0-9a-f]{64}(?![0-9a-f])")
_EVENT = re.compile(r"registry/([^/]+)/([0-9]{20})\.json")
_OPS = ("register", "alias", "unalias", "tag", "describe", "delete")  # what may happen to a registered model


@dataclass(frozen=True)
class CollectReport:
    """What was found, and what was deleted (or would be, of a dry run).

    Attributes:
        blobs: All there were.
        unused: Of these, nothing refers to; the younger ones stay.
    """

    blobs: int
    size_bytes: int
    unused: int
    removed: int
    removed_bytes: int
    is_dry_run: bool


class Collector:
    """Collects the blobs of one store. Safe while others read and write."""

    def __init__(self, backend: Backend, rows: Callable[[], Mapping[str, Row]]) -> None:
        self._backend = backend
        self._rows = rows

    def collect(self, *, is_dry_run: bool = False, min_age_s: float = MIN_AGE_S) -> CollectReport:
        """Delete what is unused and older than this.

        Raises:
            StoreError: Something that may refer to blobs cannot be read; nothing was deleted.
        """
        if not is_dry_run:
            self._put_back()
        limit_s = (time.time() if is_dry_run else store_clock_s(self._backend)) - min_age_s
        # The list first, and what refers to them after it: a blob that comes later is not on the list.
        blobs = self._blobs()
        used = self._used()
        unused = [sha256 for sha256 in blobs if sha256 not in used]
        old = [sha256 for sha256 in unused if blobs[sha256].modified_s <= limit_s]
        removed = old if is_dry_run else [sha256 for sha256 in old if self._remove(sha256, limit_s)]
        return CollectReport(
            len(blobs),
            sum(stat.size_bytes for stat in blobs.values()),
            len(unused),
            len(removed),
            sum(blobs[sha256].size_bytes for sha256 in removed),
            is_dry_run,
        )

    def _blobs(self) -> dict[str, Stat]:
        stats = self._backend.stats(_BLOBS)
        named = ((key.rpartition("/")[2], stat) for key, stat in stats.items())
        return {name: stat for name, stat in named if _SHA256.fullmatch(name)}

    # ---- what is used

    def _used(self) -> set[str]:
        """Every blob that something refers to."""
        used: set[str] = set()
        manifests: dict[str, str] = {}
        for run_id, row in self._rows().items():
            used |= mentioned(row)
            kept = filter(None, row.get("models", {}).values())  # of one that was dropped the name is left
            manifests.update(dict.fromkeys(kept, f"the run {run_id}"))
        for folder, events in self._events().items():
            for manifest in _registered(folder, events):
                manifests[manifest] = f"the registered model {folder}"
        for manifest, owner in manifests.items():
            used.add(manifest)
            used.update(self._files_of(manifest, owner))
        return used

    def _events(self) -> dict[str, list[dict[str, Any]]]:
        """The events of each registered model, in order."""
        found: dict[str, list[str]] = {}
        for key in self._backend.list("registry/"):
            if match := _EVENT.fullmatch(key):
                events = found.setdefault(match[1], [])
                if int(match[2]) != len(events):
                    raise _unreadable(f"The registered model {match[1]} lacks its event {len(events)}.")
                events.append(key)
        return {folder: list(self._parsed(events)) for folder, events in found.items()}

    def _parsed(self, keys: list[str]) -> Iterator[dict[str, Any]]:
        for key in keys:
            event = _json(self._backend.get(key))
            if event is None or event.get("op") not in _OPS:
                raise _unreadable(f"The event {self._backend.name(key)} is damaged, or of a newer autotrack.")
            yield event

    def _files_of(self, manifest: str, owner: str) -> Iterator[str]:
        """The blobs that the files of a model package are."""
        try:
            data = self._backend.get(f"{_BLOBS}{manifest[:2]}/{manifest}")
        except FileNotFoundError:
            raise _unreadable(f"A model of {owner} lacks its manifest {manifest}.") from None
        content = _json(data) if hashlib.sha256(data).hexdigest() == manifest else None
        files = None if content is None else content.get("files")
        if not isinstance(files, list) or not all(isinstance(file, dict) and "sha256" in file for file in files):
            raise _unreadable(f"The manifest {manifest} of a model of {owner} is damaged.")
        for file in files:
            yield str(file["sha256"])

    # ---- removing

    def _remove(self, sha256: str, limit_s: float) -> bool:
        """Delete a blob, unless somebody has put it again meanwhile."""
        key = f"{_BLOBS}{sha256[:2]}/{sha256}"
        try:
            if self._backend.stat(key).modified_s > limit_s:
                return False
            if not isinstance(self._backend, LocalBackend):
                self._backend.delete(key)
                return True
            path = self._backend.path(key)
            aside = path.with_name(_ASIDE + sha256)
            # Out of sight first: whoever puts it from now on writes it anew, and who did before has renewed its time.
            os.rename(path, aside)
            if aside.stat().st_mtime > limit_s:
                os.replace(aside, path)
                return False
            aside.unlink()
        except FileNotFoundError:  # another collector
            return False
        return True

    def _put_back(self) -> None:
        """What a collector that was killed had in its hands."""
        if isinstance(self._backend, LocalBackend):
            for aside in self._backend.path("blobs").glob(f"sha256/*/{_ASIDE}*"):
                _restore(aside)


def mentioned(row: Row) -> set[str]:
    """What may be blobs among all that a run has to say, today or later."""
    return set(_SHA256.findall(json.dumps(row)))


def _restore(aside: Path) -> None:
    try:
        os.replace(aside, aside.with_name(aside.name.removeprefix(_ASIDE)))
    except FileNotFoundError:  # its collector is not dead at all
        pass


def _registered(folder: str, events: list[dict[str, Any]]) -> set[str]:
    """The manifests of the versions of a model that are not deleted."""
    versions: dict[Any, str] = {}
    for event in events:
        if event["op"] == "register":
            if not isinstance(event.get("manifest"), str):
                raise _unreadable(f"An event of the registered model {folder} names no manifest.")
            versions[event.get("version")] = event["manifest"]
        elif event["op"] == "delete":
            versions.pop(event.get("version"), None)
    return set(versions.values())


def _json(data: bytes) -> dict[str, Any] | None:
    try:
        content = json.loads(data)
    except (ValueError, RecursionError):
        return None
    return content if isinstance(content, dict) else None


def _unreadable(what: str) -> StoreError:
    return StoreError(
        f"{what} Nothing was deleted.\n"
        "Expected to read all that may refer to blobs. Restore it from a copy of the store, or see: autotrack doctor"
    )
