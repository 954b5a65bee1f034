"""Models of which it is not known yet whether they are kept: those of the trials of a study.

A trial's models wait in memory until the trial is over. Those of the best trials are written then; when a better trial
comes, the ones that are no longer among the best are dropped: their run says so, and their bytes go, unless somebody
else has put the same bytes.
"""

import json
import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from autotrack.run.run import Run

__all__ = ["Held", "write_package"]

Blob = tuple[str, int]  # SHA-256, and when it was put here, in nanoseconds since 1970
_DROPPED = "not kept: it was not among the best of its study. See the setting keep_models"


class Held:
    """The models of one trial, and of the runs inside it."""

    __slots__ = ("_is_kept", "_lock", "_waiting", "_written")

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._is_kept: bool | None = None  # None: not known yet
        self._waiting: dict[tuple[str, str], tuple[Run, bytes, Mapping[str, bytes]]] = {}
        self._written: dict[tuple[str, str], tuple[Run, list[Blob]]] = {}

    def take(self, run: "Run", manifest: bytes, files: Mapping[str, bytes], name: str) -> None:
        """A model of a run of the trial; a later one of the same name replaces it."""
        with self._lock:
            if self._is_kept is None:
                self._waiting[run.id, name] = run, manifest, files
            elif self._is_kept:
                self._written[run.id, name] = run, write_package(run, manifest, files, name)
            else:
                run.lack("model", _DROPPED)

    def keep(self) -> None:
        """The trial is among the best: write its models. Takes as long as writing does."""
        with self._lock:
            self._is_kept = True
            waiting, self._waiting = self._waiting, {}
            for (run_id, name), (run, manifest, files) in waiting.items():
                self._written[run_id, name] = run, write_package(run, manifest, files, name)

    def drop(self) -> None:
        """The trial is not, or no longer, among the best."""
        with self._lock:
            self._is_kept = False
            waiting, self._waiting = self._waiting, {}
            written, self._written = self._written, {}
        for run, *_ in waiting.values():
            run.lack("model", _DROPPED)
        for (_, name), (run, blobs) in written.items():
            run.drop_model(name, _DROPPED)
            for sha256, put_ns in blobs:
                run.store.blobs.discard(sha256, put_ns)


def write_package(run: "Run", manifest: bytes, files: Mapping[str, bytes], name: str) -> list[Blob]:
    """Write a model's package; the run knows of it when it is complete. What of it was not here before is returned."""
    blobs = run.store.blobs
    known = {file["path"]: file["sha256"] for file in json.loads(manifest)["files"]}  # just computed
    written: list[Blob] = []
    try:
        for path, content in files.items():
            sha256, put_ns = blobs.put_timed(content, known.get(path))
            if put_ns is not None:
                written.append((sha256, put_ns))
        sha256, put_ns = blobs.put_timed(manifest)
        if put_ns is not None:
            written.append((sha256, put_ns))
        run.know_model(name, sha256)
    except OSError as error:
        run.lack("model", f"not written: {error}")
        raise
    return written
