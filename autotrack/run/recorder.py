"""Recorder: one process recording into one store, with the defaults its runs start with."""

import threading
import weakref
from collections.abc import Collection
from pathlib import Path

from autotrack.run.buffer import Buffer
from autotrack.run.capture import Capture, host_name
from autotrack.types import Row

__all__ = ["Recorder", "all_recorders"]

_recorders: "weakref.WeakSet[Recorder]" = weakref.WeakSet()


class Recorder:
    """Opens runs in one store.

    Attributes:
        experiment: What runs belong to unless they say otherwise.
        tags: What every run is tagged with.
        log_models: Whether fitted models are kept.
        leave_out: Parts of the record that are not kept; see `config.PARTS`.
        monitor: The metric that says which weights are the best ones; None: the usual one.
        keep_models: Of how many trials of a study the models are kept; None: of all.
    """

    def __init__(
        self,
        root: Path | str,
        *,
        experiment: str = "default",
        tags: dict[str, str] | None = None,
        log_models: bool = True,
        leave_out: Collection[str] = (),
        author: str | None = None,
    ) -> None:
        self.buffer = Buffer(root)
        self.experiment = experiment
        self.tags = dict(tags or {})
        self.log_models = log_models
        self.leave_out = frozenset(leave_out)
        self.monitor: str | None = None
        self.keep_models: int | None = None
        self.author = author
        self._capture: Capture | None = None
        self._capture_lock = threading.Lock()
        self._uncaptured: list[str] = []
        self._host = host_name()
        _recorders.add(self)

    def begin(self, row: Row) -> None:
        """Record the start of a run; the fields of the process record come with it or follow."""
        row["host"] = self._host
        capture = self._capture or self._start_capture()
        if capture.fields is not None:
            row.update(capture.fields)
        elif self.author:
            row["author"] = self.author
        patch: Row = {**row, "tags": dict(row["tags"])}  # the run goes on changing its own
        self.buffer.patch(row["run_id"], patch)
        if capture.fields is None:
            self._uncaptured.append(row["run_id"])
            if capture.fields is not None:  # it became ready in between
                self._deliver(capture.fields)

    def process_fields(self) -> Row:
        """The fields of the process record, waiting for git if need be."""
        capture = self._capture or self._start_capture()
        capture.wait()
        return capture.fields or {}

    def flush(self) -> None:
        """Write all that was logged before this call, the process record included."""
        if self._capture is not None:
            self._capture.wait()
        self.buffer.flush()

    def close(self) -> None:
        """Write everything that is still on its way."""
        if self._capture is not None:
            self._capture.wait()
        self.buffer.close()

    def forget(self) -> None:
        """In a forked child: another process, another record."""
        self._capture = None
        self._capture_lock = threading.Lock()
        self._uncaptured = []

    def _start_capture(self) -> Capture:
        with self._capture_lock:
            if self._capture is None:
                self._capture = Capture(self.author, self._keep_record, self._deliver)
            return self._capture

    def _keep_record(self, record: bytes) -> str:
        return self.buffer.store().blobs.put(record, durable=False)

    def _deliver(self, fields: Row) -> None:
        waiting, self._uncaptured = self._uncaptured, []
        for run_id in waiting:
            self.buffer.patch(run_id, fields.copy())


def all_recorders() -> list[Recorder]:
    """Every recorder of this process that is still in use."""
    return list(_recorders)
