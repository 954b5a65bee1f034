"""scikit-learn: trainings that go on. Calls of partial_fit, and fits with warm_start, are steps of one run.

Watches   nothing; estimators.py opens a `Step` around an outermost partial_fit, fit.py goes on in a known training
Records   params    of the first step
          data      of the first step
          metrics   fit_time_s and n_samples of each step; training metrics of as many steps as are affordable; curves
          model     at the end, and every ten seconds
Never     keeps an estimator or its data alive; of one that has died only the attributes, until the run has ended
Needs     scikit-learn >= 1.4

A run of partial_fit stays open between the calls. It ends when the estimator is fitted anew or is no more, and with the
process; it fails with the call that fails, and goes on if the user does.
"""

import time
import weakref
from typing import Any

from autotrack import model, run
from autotrack.guard import guard
from autotrack_integrations.sklearn.asking import params_of
from autotrack_integrations.sklearn.curves import record_curves
from autotrack_integrations.sklearn.outputs import outputs_of
from autotrack_integrations.sklearn.tables import record_tables

__all__ = ["Given", "Training", "Trainings", "keep_model"]

Given = dict[str, dict[str, Any] | None]  # what X and y of a fit were; nothing of their values

SHARE = 0.05  # of the time of the steps so far may go into metrics and models of them
KEEP_EVERY_S = 10.0


class Training:
    """An estimator's training, and the run it is recorded in.

    Attributes:
        run: Its run.
        is_ours: Whether we opened the run, and end it.
        steps: How many calls it had.
        curves: How many values of each curve that the estimator keeps are on record.
    """

    def __init__(self, estimator: Any, target: run.Run, is_ours: bool) -> None:
        self.run = target
        self.is_ours = is_ours
        self.steps = 0
        self.curves: dict[str, int] = {}
        self._estimator = weakref.ref(estimator)
        self._attributes: tuple[type, dict[str, Any]] | None = None
        self._given: Given = {}
        self._trained_s = self._spent_s = 0.0
        self._kept_step = 0
        self._kept_at = time.monotonic()

    def can_go_on(self) -> bool:
        """Whether more can be recorded in its run: not where the user has ended it, nor in a forked child."""
        return self.run.is_of_this_process and (self.is_ours or self.run.status == "running")

    def stay_open(self, estimator: Any, given: Given) -> None:
        """It goes on call by call: what ends its run is the end of the estimator or the process."""
        if self._attributes is None:
            self._given = given
            self._attributes = type(estimator), estimator.__dict__
            self.run.on_finish.append(lambda _: self._end_steps())

    def end_step(self, duration_s: float) -> int:
        """A call has succeeded; which step it was, from 0."""
        self.steps += 1
        self._trained_s += duration_s
        return self.steps - 1

    def has_time(self) -> bool:
        """Whether what has come of the next step may be looked at, which takes some time."""
        return self._spent_s <= SHARE * self._trained_s

    def spent(self, seconds: float) -> None:
        """So much time went into looking at it. Now and then its model is kept, lest a killed process leave none."""
        self._spent_s += seconds
        if time.monotonic() - self._kept_at > KEEP_EVERY_S:
            self._keep_model(self._last_estimator())

    def finish(self) -> None:
        """No more steps come."""
        if self.is_ours and self.run.is_of_this_process:
            self.run.finish()

    def finish_soon(self) -> None:
        """The same from a place where no lock may be taken: the estimator has just died, at any line of any thread."""
        if self.is_ours and self.run.status == "running":
            self.run.soon(self.finish)

    def _end_steps(self) -> None:
        estimator = self._last_estimator()
        with guard("sklearn.model"):
            self._keep_model(estimator)
        if estimator is not None and run.keeps("tables"):
            with guard("sklearn.tables"):
                record_tables(self.run, estimator, params_of(estimator, self.run))
        self._attributes = None

    def _last_estimator(self) -> Any:
        """The estimator, or what it was when it died; None if it is gone."""
        estimator = self._estimator()
        if estimator is None and self._attributes is not None:
            kind, attributes = self._attributes
            estimator = object.__new__(kind)
            estimator.__dict__.update(attributes)
        return estimator

    def _keep_model(self, estimator: Any) -> None:
        if estimator is not None and self._kept_step != self.steps:
            self._kept_step, self._kept_at = self.steps, time.monotonic()
            if run.keeps("curves"):  # steps that there was no time for
                record_curves(self.run, estimator, self.curves)
            keep_model(self.run, estimator, self._given)


class Trainings:
    """The training of each estimator that lives: by identity, and weakly."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[weakref.ref[Any], Training]] = {}

    def of(self, estimator: Any) -> Training | None:
        """The training that may go on."""
        entry = self._known.get(id(estimator))
        is_it = entry is not None and entry[0]() is estimator and entry[1].can_go_on()
        return entry[1] if entry is not None and is_it else None

    def keep(self, estimator: Any, training: Training) -> None:
        """Know the training as long as the estimator lives."""
        key = id(estimator)
        self._known[key] = weakref.ref(estimator, lambda dead: self._forget(key, dead)), training

    def _forget(self, key: int, dead: "weakref.ref[Any]") -> None:
        entry = self._known.get(key)
        if entry is not None and entry[0] is dead:
            del self._known[key]
            entry[1].finish_soon()  # in a callback of the garbage collector


def keep_model(target: run.Run, estimator: Any, given: Given) -> None:
    """Keep the fitted model with its run, if models are kept.

    Args:
        given: What X and y were.
    """
    recorder = run.recorder()
    if recorder is None or not recorder.log_models:
        return
    fitted = getattr(estimator, "__dict__", {})
    if fitted.get("refit") is False and "cv_results_" in fitted:
        return  # a search that holds no fitted model
    signature = {"inputs": given.get("X"), "outputs": outputs_of(estimator, given.get("y"))}
    try:
        package = model.pack(estimator, default="sklearn", run_id=target.id, signature=signature)
    except model.ModelSaveError as error:
        target.lack("model", str(error))
        raise
    target.log_package(package.manifest, package.files, "model")
