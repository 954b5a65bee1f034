"""Optuna: a study is a run, each of its trials a run inside it, and what an objective trains is the trial's own.

Watches   Study.optimize, Study.ask, Study.add_trial, Study.add_trials, Trial.report (public methods)
          optuna.study._optimize._run_trial, ._log_failed_trial, and _tell_with_warning where it is used (private;
          checked on Optuna 4.0 to 5.0): the time of an objective, its exception, and every way a trial ends
Records   studies: study.py; trials: trial.py. What Optuna trains for itself is not recorded: silent.py
Never     writes into a study, draws from a sampler's random state, changes what a call returns or raises; records
          studies inside a fit (OptunaSearchCV is a search of scikit-learn) or inside `paused()`
Needs     Optuna >= 4.0
"""

import threading
from collections.abc import Callable, Generator
from importlib import import_module
from typing import Any

from autotrack import run
from autotrack.hooks import Call, Patch, Tap
from autotrack.run.inputs import error_text
from autotrack_integrations.optuna import silent
from autotrack_integrations.optuna.known import Studies
from autotrack_integrations.optuna.study import StudyRecord
from autotrack_integrations.optuna.trial import OpenTrial

__all__ = ["watch"]


class _Place:
    """An objective that is called in this thread: of which study; its trial, once it was asked for."""

    __slots__ = ("leave", "opened", "record", "study")

    def __init__(self, study: Any, record: StudyRecord) -> None:
        self.study = study
        self.record = record
        self.opened: OpenTrial | None = None
        self.leave: Callable[[], None] | None = None


class _Places(threading.local):
    """Those of this thread, the innermost last: an objective may run a study of its own."""

    def __init__(self) -> None:
        self.stack: list[_Place] = []


def watch() -> list[Patch | Tap | silent.OnceImported]:
    """Start watching; the caller keeps the patches and calls undo() on each."""
    loop, studies_module, trial_module = map(
        import_module, ("optuna.study._optimize", "optuna.study.study", "optuna.trial._trial")
    )
    watching = _Watching()
    return [
        Patch(studies_module.Study, "optimize", watching.watch_optimize),
        Patch(loop, "_run_trial", watching.watch_trial),
        Tap(loop, "_log_failed_trial", after=watching.hear_failure),
        Tap(studies_module.Study, "ask", after=watching.hear_ask),
        Tap(studies_module.Study, "add_trial", after=watching.hear_added),
        Tap(studies_module.Study, "add_trials", after=watching.hear_all_added),
        Tap(trial_module.Trial, "report", after=watching.hear_report),
        *(
            Tap(module, "_tell_with_warning", after=watching.hear_told, failed=watching.hear_refused)
            for module in (loop, studies_module)
        ),
        *silent.watch(trial_module.Trial),
    ]


class _Watching:
    """The hooks, and what they know together."""

    def __init__(self) -> None:
        self._studies = Studies()
        self._places = _Places()

    def watch_optimize(self, call: Call) -> Generator[None, None, None]:
        """The study's run goes on for as long as this; inside a fit or a pause its threads are silent too."""
        study = call.args[0]
        record = self._studies.of(study)
        if record is None:
            with self._studies.silence(study):
                yield
            return
        record.enter(study)
        yield
        record.leave(study, call.error)

    def watch_trial(self, call: Call) -> Generator[None, None, None]:
        """While an objective runs, its trial is the open run of this thread."""
        study = call.argument(0, "study")
        record = self._studies.of(study)
        if record is None:
            return
        place = _Place(study, record)
        stack = self._places.stack
        stack.append(place)
        try:
            yield
        finally:
            while stack and stack.pop() is not place:  # what is above was interrupted
                pass
            if place.leave is not None:
                place.leave()
            if place.opened is not None:
                record.interrupt(place.opened, call.error)

    def hear_ask(self, trial: Any, args: tuple[Any, ...], _: dict[str, Any]) -> None:
        """A trial has begun: that of the objective about to be called, or the user's own."""
        study = args[0]
        record = self._studies.of(study)
        if record is None:
            return
        opened = record.begin(study, trial)
        stack = self._places.stack
        if stack and stack[-1].study is study and stack[-1].opened is None:
            stack[-1].opened = opened
            stack[-1].leave = run.join(opened.run)

    def hear_told(self, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """A trial is over."""
        study, trial = _told(args, kwargs)
        record = self._studies.of(study)
        if record is None:
            return
        number = trial if isinstance(trial, int) else trial.number
        if kwargs.get("skip_if_finished") and record.opened(number) is None:
            return  # it was over before
        state, values, why = result
        record.end(study, trial, state.name.lower(), values, why)
        if not self._places.stack:
            record.run.write_if_doomed()

    def hear_refused(self, _: BaseException, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """A trial could not be told; if what failed is the sampler after it, it is over all the same."""
        study, trial = _told(args, kwargs)
        record = self._studies.of(study)
        if record is None or not hasattr(trial, "number") or record.opened(trial.number) is None:
            return
        frozen = study._storage.get_trial(trial._trial_id)
        if frozen.state.is_finished():
            record.end(study, trial, frozen.state.name.lower(), frozen.values, None)

    def hear_failure(self, _: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """The exception of an objective, also where Optuna is told to catch it; or what was wrong with its value."""
        stack = self._places.stack
        if not stack or stack[-1].opened is None:
            return
        info = kwargs.get("exc_info")
        message = args[2] if len(args) > 2 else kwargs.get("message", "")
        text = error_text(info[1]) if info else str(message)
        stack[-1].opened.run.write({"error": text})

    def hear_report(self, _: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """An intermediate value."""
        trial = args[0]
        record = self._studies.known(trial.study)
        opened = None if record is None else record.opened(trial.number)
        if opened is not None:
            value = args[1] if len(args) > 1 else kwargs["value"]
            step = args[2] if len(args) > 2 else kwargs["step"]
            opened.report(float(value), int(step))

    def hear_added(self, _: Any, args: tuple[Any, ...], __: dict[str, Any]) -> None:
        """A trial was put into the study as it is, or waits to be run."""
        record = self._studies.of(args[0])
        if record is not None:
            record.expect_unseen(args[0])

    def hear_all_added(self, _: Any, args: tuple[Any, ...], __: dict[str, Any]) -> None:
        """Several were, and these are all."""
        record = self._studies.known(args[0])
        if record is not None:
            record.see(args[0])


def _told(args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, Any]:
    study = args[0] if args else kwargs["study"]
    return study, args[1] if len(args) > 1 else kwargs["trial"]
