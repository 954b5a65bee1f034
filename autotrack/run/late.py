"""LateRun: a run that begins in memory. Many, such as the trials of a study, are over before they had to be written.

It is written when something is logged to it, when its holder says so (a moment after it began, so that others see it),
or in one piece with its end.
"""

import threading
from collections.abc import Mapping, Sequence
from typing import Any, cast

from autotrack.run.recorder import Recorder
from autotrack.run.run import Point, Run
from autotrack.store.rows import MAPS, apply_patch
from autotrack.types import Row

__all__ = ["LateRun"]


class LateRun(Run):
    """One training that somebody else begins and ends: it is no active run by itself, and is not ended at exit."""

    def __init__(self, row: Row, recorder: Recorder) -> None:
        super().__init__({**row, "tags": dict(row["tags"])}, lambda: recorder, is_live=True)
        self._is_written = False
        self._write_lock = threading.Lock()

    def opened(self, row: Row) -> Run:  # type: ignore[override]  # another row's run is no late one
        return Run(row, self._recorder_of)

    @property
    def logged(self) -> frozenset[str]:
        """The keys that the user has logged something under."""
        return frozenset(self._user_keys)

    def write(self, fields: Row | None = None) -> None:
        """Record this part of its row, and before it that it has begun, if that was not recorded yet."""
        with self._write_lock:  # the start must never be written after the end
            if self._is_written:
                if fields:
                    super()._patch(fields)
                return
            self._is_written = True
            if fields:
                apply_patch(self._row, fields)
            row = cast("dict[str, Any]", self._row)
            start = {
                field: dict(value) if field in MAPS else value for field, value in row.items()
            }  # it goes on changing
            self._recorder.begin(cast("Row", start))

    def derive_series(self, series: Mapping[str, Sequence[float]], steps: Sequence[int] | None = None) -> None:
        self.write()
        super().derive_series(series, steps)

    def derive_points(self, points: Sequence[Point]) -> None:
        self.write()
        super().derive_points(points)

    def _patch(self, patch: Row) -> None:
        self.write(patch)

    def _record_metrics(self, metrics: Mapping[str, float], step: int | None, epoch: int | None) -> None:
        self.write()
        super()._record_metrics(metrics, step, epoch)
