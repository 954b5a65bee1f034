"""Ray Tune: a search is a run, each trial a run inside it, and what the trial trains is its own (ray_worker.py).

Watches   tune.run (public; Tuner.fit calls it); CallbackList, which calls the public methods of callbacks, so that ours
          is in no list and in no checkpoint; TuneController.__init__, on_trial_result of its scheduler, _TrialInfo,
          Trial.handle_error (private; checked on Ray 2.60)
Records   params    `search_alg` and `scheduler` with their plain settings, `num_samples`, `metric`, `mode` and other
                    arguments of `run`, `space.<param>`
          trials    record.py; params: the whole config, by `a/b`; every number that is reported, with
                    `training_iteration` as its step; `value` is the last of the metric that is searched for. Pruned is
                    what the scheduler has stopped; it is ranked as Ray does. The tags `ray_trial_id`, `failures`
Never     writes into the experiment, reads checkpoints; records what Tune does in a process of its own (Ray Client)
Needs     Ray >= 2.9
"""

import re
from collections.abc import Generator, Mapping
from importlib import import_module
from typing import Any

from autotrack import run
from autotrack.hooks import Call, Patch, Scope, Tap
from autotrack.run.capture import host_name
from autotrack.run.held import Held
from autotrack.run.inputs import MAX_ERROR
from autotrack.run.redact import redact
from autotrack.run.workers import ForWorkers, for_workers
from autotrack.types import Row
from autotrack_integrations.searches.ray_config import PLAIN, flat, is_number, settings_of, space_of
from autotrack_integrations.searches.ray_worker import Arriving
from autotrack_integrations.searches.record import Searches, SearchRecord

__all__ = ["watch"]

_ARGUMENTS = ("metric", "mode", "num_samples", "max_failures", "max_concurrent_trials", "time_budget_s", "reuse_actors")
_DATED = re.compile(r"_\d{4}-\d\d-\d\d_\d\d-\d\d-\d\d$")  # what Ray puts behind the name of an experiment
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_STEP = "training_iteration"
# What Ray adds to each result.
_ADDED = {
    *(_STEP, "done", "trial_id", "experiment_id", "experiment_tag", "should_checkpoint", "checkpoint_dir_name"),
    *("time_total_s", "time_this_iter_s", "time_since_restore", "iterations_since_restore", "timesteps_since_restore"),
    *("timesteps_total", "timesteps_this_iter", "episodes_total", "episodes_this_iter", "timestamp", "date", "config"),
    *("pid", "hostname", "node_ip"),
}
_DROPPED = "not kept: it was not among the best of its search. See the setting keep_models"


def watch() -> list[Patch | Tap]:
    """Start watching; the caller keeps the patches and calls undo() on each."""
    tune, controller, callback, trial = map(
        import_module,
        ("ray.tune.tune", "ray.tune.execution.tune_controller", "ray.tune.callback", "ray.tune.experiment.trial"),
    )
    watching = _Watching()
    return [
        Patch(tune, "run", watching.watch_run),
        Tap(controller.TuneController, "__init__", after=watching.hear_controller),
        Tap(trial._TrialInfo, "__init__", after=watching.hear_departure),
        Tap(trial.Trial, "handle_error", after=watching.hear_failure),
        *(
            Tap(callback.CallbackList, f"on_trial_{name}", after=watching.hearing(name))
            for name in ("start", "result", "complete", "recover", "error")
        ),
    ]


class _Elsewhere(Held):
    """The models of a trial, which another process has written. What is dropped goes with the next `autotrack gc`."""

    def __init__(self, search: run.Run, trial_id: str) -> None:
        super().__init__()
        self._search, self._trial_id = search, trial_id
        self.is_dropped = False

    def keep(self) -> None:
        """They are written already."""

    def drop(self) -> None:
        """No run of the trial has them any more."""
        self.is_dropped = True
        store = self._search.store
        for row in (*store.rows([self._trial_id]).values(), *store.children(self._trial_id)):
            for name in row.get("models", {}):
                self._search.opened(row).drop_model(name, _DROPPED)


class _Search:
    """A call of `run` that goes on in this thread."""

    def __init__(self, call: Call, how: ForWorkers) -> None:
        self._how = how
        self._arguments = call.kwargs
        self._numbers: dict[str, int] = {}
        self._stopped: set[str] = set()  # trials that the scheduler has stopped
        self._errors: dict[str, str] = {}
        self._reached: dict[str, tuple[float | None, int]] = {}  # the last value of the metric, and its step
        self._metric: str | None = None
        self._record: SearchRecord | None = None
        self._models: list[_Elsewhere] = []
        self._taps: list[Tap] = []

    def open(self, controller: Any) -> None:
        """All settings are known, and were found to be good."""
        scheduler, search_alg = controller._scheduler_alg, controller._search_alg
        searcher = getattr(search_alg, "searcher", search_alg)
        self._metric, mode = (
            self._arguments.get(name) or getattr(scheduler, f"_{name}", None) or getattr(searcher, f"_{name}", None)
            for name in ("metric", "mode")
        )
        direction = {"min": "minimize", "max": "maximize"}.get(mode or "") if self._metric else None
        params = {name: value for name in _ARGUMENTS if type(value := self._arguments.get(name)) in PLAIN}
        params |= {name: value for name, value in (("metric", self._metric), ("mode", mode)) if value}
        params |= {**settings_of("search_alg", searcher), **settings_of("scheduler", scheduler)}
        params |= {f"space.{name}": text for name, text in space_of(self._arguments.get("config"))}
        name = _DATED.sub("", controller._storage.experiment_dir_name)
        self._record = SearchRecord(name, "ray", objective=None, direction=direction, params=params)
        self._taps.append(Tap(type(scheduler), "on_trial_result", after=self._hear_decision))

    def close(self, error: BaseException | None) -> None:
        """The search is over."""
        for tap in self._taps:
            tap.undo()
        if self._record is None:
            return
        self._record.finish(error)
        for held in self._models:
            if held.is_dropped:  # its process may have written some more before it ended
                held.drop()

    def send(self, info: Any, trial: Any) -> None:
        """A process is about to be told which trial it runs."""
        record = self._record
        if record is not None:
            target: Row = {"run_id": record.trial_id(self._number(trial)), "experiment": record.run.experiment}
            target["name"] = f"trial {self._number(trial)}"
            info._trial_id = Arriving(info._trial_id, self._how, target)

    def hear(self, event: str, trial: Any, result: Mapping[str, Any] | None) -> None:
        """What callbacks are told of a trial: start, result, complete, recover, error."""
        record, number = self._record, self._number(trial)
        if record is None:
            return
        opened = record.opened(number)
        if opened is None:
            opened = record.begin(number, dict(flat(trial.config)))
            if opened.keeps_models:
                opened.held = held = _Elsewhere(record.run, opened.id)
                self._models.append(held)
            opened.set_tag("ray_trial_id", trial.trial_id)
        if event == "start":
            record.change(number, dict(flat(trial.config)))
        elif event == "result" and result is not None:
            self._take(opened, trial.trial_id, result)
        elif event == "recover":
            opened.set_tag("failures", trial.run_metadata.num_failures)
        elif event == "complete":
            is_pruned = trial.trial_id in self._stopped or trial.status == "PAUSED"
            self._end(record, number, trial.trial_id, "pruned" if is_pruned else "complete", {})
        elif event == "error":
            self._end(record, number, trial.trial_id, "fail", {"error": self._errors.pop(trial.trial_id, "")})

    def hear_error(self, trial: Any, error: Any) -> None:
        """A trial failed; whether it is tried again is told later."""
        self._errors[trial.trial_id] = _text_of(error)

    def _take(self, opened: run.Run, trial_id: str, result: Mapping[str, Any]) -> None:
        found = dict(flat({name: value for name, value in result.items() if name not in _ADDED}))
        metrics = {key: float(each) for key, each in found.items() if is_number(each)}
        step = int(result.get(_STEP, 0))
        if trial_id not in self._reached:
            host, pid = result.get("hostname"), result.get("pid")
            opened.set_tag("worker", pid if host in (None, host_name()) else f"{host} {pid}")
        self._reached[trial_id] = metrics.get(self._metric or ""), step
        opened.derive_metrics(metrics, step)

    def _end(self, record: SearchRecord, number: int, trial_id: str, state: str, fields: Row) -> None:
        value, step = self._reached.pop(trial_id, (None, 0))
        if state == "pruned":
            fields["reason"] = f"pruned at step {step}"
        record.end(number, state, value, step=step, is_ranked=state != "fail", fields=fields)

    def _hear_decision(self, decision: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """What the scheduler makes of a result; at the end of the time it was given, a trial is complete."""
        scheduler, trial, result = args[0], _argument(args, kwargs, 2, "trial"), _argument(args, kwargs, 3, "result")
        most = getattr(scheduler, "_max_t", None)
        is_over = most is not None and result.get(getattr(scheduler, "_time_attr", _STEP), 0) >= most
        if decision == "STOP" and not is_over and not result.get("done") and trial.trial_id in self._numbers:
            self._stopped.add(trial.trial_id)

    def _number(self, trial: Any) -> int:
        return self._numbers.setdefault(trial.trial_id, len(self._numbers))


class _Watching:
    """The hooks, and what they know together."""

    def __init__(self) -> None:
        self._searches: Searches[_Search] = Searches()

    def watch_run(self, call: Call) -> Generator[None, None, None]:
        """The search's run goes on for as long as this. What it uses itself, such as a study of Optuna, is no run."""
        how = None if run.is_silent_rank() or call.kwargs.get("_remote") else for_workers()
        search = None if how is None else _Search(call, how)
        stack = self._searches.stack
        stack.append(search)
        try:
            with Scope():
                yield
        finally:
            while stack and stack.pop() is not search:  # what is above was interrupted
                pass
            if search is not None:
                search.close(call.error)

    def hear_controller(self, _: Any, args: tuple[Any, ...], __: dict[str, Any]) -> None:
        """The search is about to begin."""
        if (search := self._search()) is not None:
            search.open(args[0])

    def hear_departure(self, _: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """What the process of a trial will know of it."""
        if (search := self._search()) is not None:
            search.send(args[0], _argument(args, kwargs, 1, "trial"))

    def hear_failure(self, _: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """The exception of a trial."""
        if (search := self._search()) is not None:
            search.hear_error(args[0], _argument(args, kwargs, 1, "exc"))

    def hearing(self, event: str) -> Any:
        """Listens to what callbacks are told."""

        def hear(_: Any, __: tuple[Any, ...], info: dict[str, Any]) -> None:
            if (search := self._search()) is not None:
                search.hear(event, info["trial"], info.get("result"))

        return hear

    def _search(self) -> _Search | None:
        return self._searches.stack[-1] if self._searches.stack else None


def _argument(args: tuple[Any, ...], kwargs: Mapping[str, Any], position: int, name: str) -> Any:
    return args[position] if len(args) > position else kwargs[name]


def _text_of(error: Any) -> str:
    """An exception of a trial's process, which Ray wraps; its text is the traceback of there."""
    cause = getattr(error, "cause", None) or error
    return redact(_COLOUR.sub("", f"{type(cause).__name__}: {cause}\n\n{error}"))[:MAX_ERROR]
