"""Children: runs that the holder of their parent records in passing, such as the candidates of a search.

There may be thousands, so each costs little: nobody logs to it, it is never the active run, nothing of it is mirrored
in memory, and it is written in few pieces, at best in one that says everything.
"""

import itertools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from autotrack.run.inputs import MAX_ERROR, param_fields, tag_texts
from autotrack.run.recorder import Recorder
from autotrack.run.redact import redact
from autotrack.store import NO_EPOCH, new_id
from autotrack.types import Row, RunStatus

__all__ = ["Child", "Children"]

Points = Sequence[tuple[str, int, float]]  # metric, step, value


class Child:
    """One of them. What is said of it waits until `write`."""

    __slots__ = ("_is_begun", "_news", "_recorder", "id")

    def __init__(self, recorder: Recorder, row: Row) -> None:
        self.id = row["run_id"]
        self._recorder = recorder
        self._news: Row = row
        self._is_begun = False

    def add_params(self, params: Mapping[str, Any]) -> None:
        """Its settings; more of them may come later."""
        fields = param_fields(params)
        self._news.setdefault("params", {}).update(fields["params"])
        self._news.setdefault("param_types", {}).update(fields["param_types"])

    def lack(self, what: str, why: str) -> None:
        """Something is missing from its record."""
        self._news.setdefault("lacks", {})[what] = redact(why)[:1000]

    def end(self, status: RunStatus, ended_us: int, *, error: str = "", reason: str = "") -> None:
        """It has ended.

        Args:
            error: Type and message of an exception, then its traceback.
            reason: Why the status is what it is, where that is not plain.
        """
        self._news["status"] = status
        self._news["end_ts"] = ended_us
        if error:
            self._news["error"] = redact(error)[:MAX_ERROR]
        if reason:
            self._news["reason"] = reason

    def write(self, points: Points = ()) -> None:
        """Record what was said since the last time, and these values of metrics."""
        news = self._news
        self._news = {}
        if not self._is_begun:
            self._is_begun = True
            self._recorder.begin(news)
        elif news:
            self._recorder.buffer.patch(self.id, news)
        if points:
            self._recorder.buffer.points(self.id, points, NO_EPOCH)


class Children:
    """Makes children of one run, in the process that holds this object. They sort in the order they are made in."""

    def __init__(self, recorder: Recorder, parent_id: str, experiment: str, source: str) -> None:
        self._recorder = recorder
        self._common: Row = {"experiment": experiment, "source": source, "parent_run_id": parent_id}
        self._ids = itertools.count(int(new_id(), 16))

    def new(self, name: str, started_us: int, tags: Mapping[str, Any] | None = None) -> Child:
        """A child that began at this moment, in microseconds since 1970; nothing is written yet."""
        row: Row = {
            "run_id": f"{next(self._ids):022x}",
            "name": name,
            "status": "running",
            "start_ts": started_us,
            "tags": {**self._recorder.tags, **tag_texts(tags)} if tags else self._recorder.tags,
            **self._common,
        }
        return Child(self._recorder, row)

    def later(self, task: Callable[[], None]) -> None:
        """Run a task on a thread of ours, in a moment."""
        self._recorder.buffer.later(task)
