"""Searches: the record of one, which is a run whose children are the trials, as a study of Optuna is.

Watches   nothing; the module of each library feeds it
Records   params    `directions`, how it searches, the best trial as `best_trial` and `best.<param>`
          metrics   `best_value` by trial, `trials_done`, `trials_complete`, `trials_pruned`, `trials_failed`
          children  the trials: params, metrics, `value` (what is searched for, also under its own name), the tags
                    `trial` (its number), `state` (complete, pruned, fail, running), `worker`, `user_attrs.<name>`
Never     asks the search anything
Needs     nothing
"""

import math
import os
import threading
from collections.abc import Mapping
from typing import Any, Generic, TypeVar

from autotrack import run
from autotrack.run import Recorder
from autotrack.run.buffer import now_us
from autotrack.run.held import Held
from autotrack.run.inputs import param_fields
from autotrack.run.late import LateRun
from autotrack.run.progress import Ended
from autotrack.run.tally import Tally
from autotrack.run.trials import start_row, trial_id, values_by_name
from autotrack.types import Row, RunStatus

__all__ = ["SearchRecord", "Searches"]

_T = TypeVar("_T")

_STATUS: dict[str, RunStatus] = {"complete": "finished", "pruned": "finished", "fail": "failed"}


class _Ended(Ended):
    """A trial of whose rank the search decides: some rank those too that they stopped early."""

    @property
    def is_ranked(self) -> bool:
        return self.values is not None


class SearchRecord:
    """One search, as this process records it.

    Args:
        objective: The name of the metric that is searched for.
        direction: minimize or maximize; None: nothing says which trial is the best one.
        params: How it searches.

    Attributes:
        run: The search's run.
    """

    def __init__(
        self, name: str, source: str, *, objective: str | None, direction: str | None, params: Mapping[str, Any]
    ) -> None:
        self.run = run.start(name, source=source, is_active=False)
        directions = [] if direction is None else [direction]
        self.run.derive_params({"directions": directions, **params} if directions else params)
        recorder = run.recorder()
        assert recorder is not None  # the run has begun
        self._recorder: Recorder = recorder
        self._pid = os.getpid()
        self._names = None if objective is None else [objective]
        self._common: Row = {"experiment": self.run.experiment, "source": source, "parent_run_id": self.run.id}
        keep_models = recorder.keep_models if directions else None
        self._tally = Tally[LateRun](self.run, directions, recorder, keep_models)
        self._params: dict[int, Mapping[str, Any]] = {}  # of those that are open

    @property
    def is_current(self) -> bool:
        """Whether this process records it, where things are recorded now."""
        return self._pid == os.getpid() and self._recorder is run.recorder()

    def trial_id(self, number: int) -> str:
        """The id of a trial's run."""
        return trial_id(self.run.id, number)

    def opened(self, number: int) -> LateRun | None:
        """The run of a trial that is not over."""
        return self._tally.open.get(number)

    def begin(
        self,
        number: int,
        params: Mapping[str, Any],
        *,
        worker: str = "",
        started_us: int | None = None,
        held: Held | None = None,
    ) -> LateRun:
        """A trial has begun.

        Args:
            held: Where the models wait that it trains in this process.
        """
        self.run.reopen()
        tags = {**self._recorder.tags, **({"worker": worker} if worker else {})}
        row = start_row(number, self.trial_id(number), self._common, tags, started_us or now_us())
        row.update(param_fields(params))
        opened = LateRun(row, self._recorder)
        opened.held = held
        self._params[number] = params
        self._tally.begin(number, opened)
        return opened

    def change(self, number: int, params: Mapping[str, Any]) -> None:
        """A trial goes on with other params."""
        opened = self._tally.open.get(number)
        if opened is not None and params != self._params[number]:
            self._params[number] = params
            opened.derive_params(params)

    def end(
        self,
        number: int,
        state: str,
        value: float | None = None,
        *,
        step: int = 0,
        is_ranked: bool = False,
        fields: Row | None = None,
    ) -> None:
        """A trial is over.

        Args:
            state: complete, pruned or fail.
            value: What it reached, if it reached anything.
            is_ranked: Whether it may be the best one.
            fields: What else its row shall say.
        """
        opened, params = self._tally.open.pop(number, None), self._params.pop(number, {})
        if opened is None:
            return
        is_ranked = is_ranked and value is not None and not math.isnan(value)
        found: Row = {"status": _STATUS[state], "end_ts": now_us(), **(fields or {})}
        found["tags"] = {**found.get("tags", {}), "state": state}
        if is_ranked and state != "complete":
            found["tags"]["ranked"] = "yes"
        opened.write(found)
        if value is not None:
            opened.derive_metrics(values_by_name([value], self._names, opened.logged), step)
        values = [value] if is_ranked and value is not None else None
        self._tally.end(_Ended(number, state, values, True, params), opened.held)

    def finish(self, error: BaseException | None) -> None:
        """The search is over, at least for now: what still runs will tell no more."""
        for number, opened in list(self._tally.open.items()):
            del self._tally.open[number], self._params[number]
            opened.write({"status": "killed", "end_ts": now_us(), "reason": "The search ended before it."})
            if opened.held is not None:
                opened.held.drop()
        self.run.finish("finished" if error is None else "failed", error)
        run.announce(self.run)


class Searches(threading.local, Generic[_T]):
    """Those under way in this thread, the innermost last: an objective may search itself."""

    def __init__(self) -> None:
        self.stack: list[_T | None] = []  # None: of which nothing is recorded
