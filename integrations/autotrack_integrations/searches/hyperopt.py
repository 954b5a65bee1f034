"""Hyperopt: a search is a run, each point a run inside it, and what the objective trains is the point's own.

Watches   hyperopt.fmin (public), and Domain.evaluate, which calls the objective (checked on Hyperopt 0.2.7 and 0.3.0)
Records   params    `algo` with its plain settings, `max_evals`, `timeout`, `loss_threshold`, `space.<label>`
          trials    record.py; params by the labels of `hp`; the loss, and every number of the objective's result, as
                    metrics; texts and lists of it as `user_attrs.<name>`; the status ok is complete, others are fail
Never     draws from a random state, writes into Trials; records what SparkTrials or MongoTrials evaluate elsewhere,
          searches inside a fit or `paused()`
Needs     Hyperopt >= 0.2.7
"""

import sys
import weakref
from collections.abc import Generator, Mapping
from datetime import UTC, datetime
from functools import partial
from importlib import import_module
from numbers import Real
from typing import Any

from autotrack import run
from autotrack.hooks import Call, Patch
from autotrack.run.held import Held
from autotrack.run.inputs import error_text
from autotrack.run.redact import redact_value
from autotrack.run.trials import worker
from autotrack.types import Row
from autotrack.values import encode
from autotrack_integrations.searches.hyperopt_spaces import Space
from autotrack_integrations.searches.record import Searches, SearchRecord

__all__ = ["watch"]

_LIMITS = ("max_evals", "timeout", "loss_threshold")
_PLAIN = (bool, int, float, str)
_DONE, _ERROR = 2, 3  # states of a trial: JOB_STATE_DONE, JOB_STATE_ERROR


def watch() -> list[Patch]:
    """Start watching; the caller keeps the patches and calls undo() on each."""
    watching = _Watching()
    return [
        Patch(import_module("hyperopt.fmin"), "fmin", watching.watch_fmin),
        Patch(import_module("hyperopt.base").Domain, "evaluate", watching.watch_point),
    ]


class _Search:
    """A call of `fmin` that goes on in this thread."""

    def __init__(self, call: Call) -> None:
        self.trials = call.argument(6, "trials")
        self.settings: dict[str, Any] = _algo(call.argument(2, "algo"))
        for position, name in enumerate(_LIMITS, 3):
            value = call.argument(position, name)
            if type(value) in _PLAIN and value != sys.maxsize:
                self.settings[name] = value
        self.points: _Points | None = None  # once there is a point


class _Points:
    """The record of the points of one `Trials`, in however many calls of `fmin`."""

    def __init__(self, settings: Mapping[str, Any]) -> None:
        self.record = SearchRecord("fmin", "hyperopt", objective="loss", direction="minimize", params=settings)
        self._seen: set[int] = set()
        self._space: tuple[Any, Space] | None = None

    def goes_on(self, trials: Any, point: Mapping[str, Any]) -> bool:
        """Whether this is a new point of the same search: the Trials still hold all of it, and were not emptied."""
        return point["tid"] not in self._seen and self._seen <= {each["tid"] for each in trials._dynamic_trials}

    def space(self, domain: Any) -> Space:
        """What the points of a search are drawn from."""
        if self._space is None or self._space[0] is not domain.expr:
            self._space = domain.expr, Space(domain.expr)
            texts = {f"space.{label}": text for label, text in self._space[1].texts().items()}
            self.record.run.derive_params(texts)
        return self._space[1]

    def begin(self, point: Mapping[str, Any], space: Space) -> run.Run:
        """A point is about to be evaluated."""
        self._seen.add(point["tid"])
        held = Held() if self.record.run.keeps_models else None
        return self.record.begin(point["tid"], space.values(point["misc"]["vals"]), worker=worker(), held=held)

    def end(self, point: Mapping[str, Any], result: Any, error: BaseException | None) -> None:
        """It was evaluated."""
        if error is not None:
            self.record.end(point["tid"], "fail", fields={"error": error_text(error)})
        else:
            self._settle(point["tid"], result, {})

    def see(self, trials: Any, space: Space) -> None:
        """Points that were evaluated before anybody looked on, as in Trials that were loaded from a file."""
        for point in trials._dynamic_trials:
            if point["state"] not in (_DONE, _ERROR) or point["tid"] in self._seen:
                continue
            tid, began, ended = point["tid"], point["book_time"], point["refresh_time"]
            self._seen.add(tid)
            self.record.begin(tid, space.values(point["misc"]["vals"]), started_us=_us(began) if began else None)
            fields: Row = {"end_ts": _us(ended)} if ended else {}
            if point["state"] == _ERROR:
                fields["error"] = ": ".join(map(str, point["misc"].get("error", ())))
                self.record.end(tid, "fail", fields=fields)
            else:
                self._settle(tid, point["result"], fields)

    def _settle(self, tid: int, result: Mapping[str, Any], fields: Row) -> None:
        """What an objective has returned."""
        loss, metrics, tags = _parts(result)
        opened = self.record.opened(tid)
        if opened is not None and metrics:
            opened.derive_metrics(metrics, 0)
        is_good = result.get("status") == "ok"
        if not is_good:
            fields["reason"] = f"The objective returned the status {result.get('status')!r}."
        fields["tags"] = tags
        self.record.end(tid, "complete" if is_good else "fail", loss, is_ranked=is_good, fields=fields)


class _Watching:
    """The hooks, and what they know together."""

    def __init__(self) -> None:
        self._searches: Searches[_Search] = Searches()
        self._of_trials: weakref.WeakKeyDictionary[Any, _Points] = weakref.WeakKeyDictionary()

    def watch_fmin(self, call: Call) -> Generator[None, None, None]:
        """The search's run goes on for as long as this."""
        stack = self._searches.stack
        trials = call.argument(6, "trials")
        if stack and stack[-1] is not None and trials is not None and stack[-1].trials is trials:
            return  # `fmin` hands on to `trials.fmin`, and that to `fmin`
        is_recorded = run.is_recording() and not run.is_silent_rank() and not getattr(trials, "asynchronous", False)
        search = _Search(call) if is_recorded else None
        stack.append(search)
        try:
            yield
        finally:
            while stack and stack.pop() is not search:  # what is above was interrupted
                pass
            if search is not None and search.points is not None:
                search.points.record.finish(call.error)

    def watch_point(self, call: Call) -> Generator[None, None, None]:
        """While an objective runs, its point is the open run of this thread."""
        stack = self._searches.stack
        search = stack[-1] if stack else None
        domain, control = call.args[0], call.argument(2, "ctrl")
        point = getattr(control, "current_trial", None)
        if search is None or point is None or not run.is_recording():
            return
        points = search.points
        if points is None:
            points = search.points = self._points(search, control.trials, point)
            points.see(control.trials, points.space(domain))
        space = points.space(domain)
        leave = run.join(points.begin(point, space))
        stack.append(None)  # what the objective evaluates by itself is no point of this search
        try:
            yield
        finally:
            while len(stack) > 1 and stack[-1] is not search:
                stack.pop()
            leave()
            points.end(point, call.result, call.error)

    def _points(self, search: _Search, trials: Any, point: Mapping[str, Any]) -> _Points:
        """The record of the points of these Trials, made when they are met."""
        known = self._of_trials.get(trials)
        if known is None or not known.record.is_current or not known.goes_on(trials, point):
            known = self._of_trials[trials] = _Points(search.settings)
        return known


def _algo(algo: Any) -> dict[str, Any]:
    """The algorithm and its settings, as params."""
    found: dict[str, Any] = {}
    while isinstance(algo, partial):
        found = {**{f"algo.{name}": each for name, each in algo.keywords.items() if type(each) in _PLAIN}, **found}
        algo = algo.func
    if algo is None:
        return {"algo": "tpe.suggest", **found}
    module = getattr(algo, "__module__", "").rpartition(".")[2]
    return {"algo": f"{module}.{getattr(algo, '__name__', type(algo).__name__)}", **found}


def _parts(result: Mapping[str, Any]) -> tuple[float | None, dict[str, float], dict[str, str]]:
    """Of what an objective has returned the loss, other numbers, and what can be noted besides."""
    loss = result.get("loss")
    metrics: dict[str, float] = {}
    tags: dict[str, str] = {}
    for key, value in result.items():
        if key in ("loss", "status"):
            continue
        if isinstance(value, Real) and not isinstance(value, bool):
            metrics[str(key)] = float(value)
        elif isinstance(value, str | bool | list | tuple | dict):
            text, kind = encode(value)
            if kind != "string" or isinstance(value, str):
                tags[f"user_attrs.{key}"] = redact_value(str(key), text)
    return None if loss is None else float(loss), metrics, tags


def _us(moment: datetime) -> int:
    """A time of Hyperopt's: UTC, without saying so."""
    return int(moment.replace(tzinfo=UTC).timestamp() * 1_000_000)
