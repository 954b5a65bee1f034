"""scikit-learn: the record of one fit, from its start to its end.

Watches   nothing; estimators.py opens it around an outermost fit
Records   see estimators.py
Never     fails after its run is open: each part is guarded on its own
Needs     scikit-learn >= 1.4
"""

import time
from typing import Any

from autotrack import model, run
from autotrack.guard import guard
from autotrack.hooks import Call, Scope
from autotrack.run.provenance import Origin, remember, weak
from autotrack_integrations.sklearn.asking import chain, kept, params_of
from autotrack_integrations.sklearn.curves import record_curves
from autotrack_integrations.sklearn.data import describe_given
from autotrack_integrations.sklearn.facts import facts_of
from autotrack_integrations.sklearn.ongoing import Given, Training, Trainings, keep_model
from autotrack_integrations.sklearn.search import SearchRecord, search_of
from autotrack_integrations.sklearn.shown_warnings import record_warnings
from autotrack_integrations.sklearn.tables import record_tables
from autotrack_integrations.sklearn.training import Answers, training_metrics

__all__ = ["Fit", "Step"]

_PLAIN = (bool, int, float, str)  # types of arguments of a fit that are settings: `fit.verbose`


class Fit:
    """The record of one fit. Once its run is open nothing may fail before `end`: each part is guarded on its own."""

    def __init__(self, call: Call, scope: Scope, trainings: Trainings) -> None:
        self._estimator = call.args[0]
        self._X, self._y = call.argument(1, "X"), call.argument(2, "y")
        self._params: dict[str, Any] = {}
        self._given: Given = {}
        self._warnings: list[Warning] = []
        self._training = self._begin(trainings)
        self._run = self._training.run
        if run.keeps("warnings"):
            scope.on_warning = self._warnings.append
        self._record_start(call)
        self._search: SearchRecord | None = None
        with guard("sklearn.search"):
            self._search = search_of(self._run, self._estimator)
            if self._search is not None:
                scope.on_result = self._search.hear
        self._started = time.perf_counter()

    def end(self, call: Call) -> None:
        """Record how the fit ended."""
        duration_s = time.perf_counter() - self._started
        if self._warnings:
            with guard("sklearn.warnings"):
                record_warnings(self._run, self._warnings)
        if call.error is None:
            self._record_end(duration_s, call.result)
        elif self._search is not None:
            with guard("sklearn.search"):
                self._search.end(call.error)
        if self._training.is_ours and (call.error is not None or not self._stays_open):
            self._run.finish("finished" if call.error is None else "failed", call.error)

    # ---- what a step of a series does otherwise

    _stays_open = False
    _step = 0

    def _begin(self, trainings: Trainings) -> Training:
        """The training this fit belongs to: one of its own, but with `warm_start` that of the fit before."""
        before = trainings.of(self._estimator)
        if before is not None:
            if getattr(self._estimator, "warm_start", False) is True:
                before.run.reopen()
                return before
            before.finish()
        return self._new_training(trainings)

    def _record_start(self, call: Call) -> None:
        with guard("sklearn.params"):
            self._record_params(call)
        with guard("sklearn.data"):
            data = describe_given(call)
            self._given = {name: model.signature_of(data.get(name)) for name in ("X", "y")}
            self._run.describe_data(data)
        self._run.flush_soon()

    def _record_end(self, duration_s: float, result: Any) -> None:
        self._step = self._training.end_step(duration_s)
        self._run.derive_metrics({"fit_time_s": duration_s}, self._step)
        with guard("sklearn.provenance"):
            self._remember(result)
        with guard("sklearn.search"):
            search = self._search or search_of(self._run, self._estimator)  # some have results, and no sign before
            if search is not None:
                search.end(None)
        with guard("sklearn.facts"):
            self._record_facts()
        self._record_curves()
        found = Answers()
        with guard("sklearn.training metrics"):
            found = self._record_training(duration_s, result)
        if run.keeps("tables"):
            with guard("sklearn.tables"):
                record_tables(self._run, self._estimator, self._params, found.predictions)
        with guard("sklearn.model"):
            keep_model(self._run, self._estimator, self._given)

    # ---- parts

    def _new_training(self, trainings: Trainings) -> Training:
        opened = run.start_fit(type(self._estimator).__name__, "sklearn", is_active=not self._stays_open)
        training = Training(self._estimator, *opened)
        trainings.keep(self._estimator, training)
        return training

    def _record_params(self, call: Call) -> None:
        self._params = params_of(self._estimator, self._run)
        told = {f"fit.{name}": value for name, value in call.kwargs.items() if type(value) in _PLAIN}
        self._run.derive_params({**{str(name): value for name, value in self._params.items()}, **told})

    def _remember(self, result: Any) -> None:
        training = (weak(self._X), weak(self._y))
        for part in chain(self._estimator):
            remember(part, Origin(self._run, training))
        for labels in (kept(self._estimator, "labels_"), result):
            if labels is not None and not any(labels is known for known in (self._estimator, self._X, self._y)):
                remember(labels, Origin(self._run, training, data_set="train"))

    def _record_training(self, fit_s: float, result: Any) -> Answers:
        if not run.keeps("train_metrics"):
            return Answers()
        found = training_metrics(self._estimator, self._params, self._X, self._y, fit_s=fit_s, result=result)
        self._run.derive_metrics(found.metrics, self._step)
        if found.reason:
            self._run.lack("train metrics", found.reason)
        return found

    def _record_facts(self) -> None:
        params, numbers = facts_of(self._estimator)
        self._run.derive_params(params)
        self._run.derive_metrics(numbers, self._step)

    def _record_curves(self) -> None:
        if run.keeps("curves"):
            with guard("sklearn.curves"):
                record_curves(self._run, self._estimator, self._training.curves)


class Step(Fit):
    """The record of one call of partial_fit: a step of its estimator's run, which stays open."""

    _stays_open = True

    def _begin(self, trainings: Trainings) -> Training:
        before = trainings.of(self._estimator)
        if before is None:
            return self._new_training(trainings)
        before.run.reopen()
        return before

    def _record_start(self, call: Call) -> None:
        if self._training.steps == 0:
            super()._record_start(call)
        self._training.stay_open(self._estimator, self._given)

    def _record_end(self, duration_s: float, result: Any) -> None:
        training = self._training
        has_time = training.has_time()
        self._step = training.end_step(duration_s)
        self._run.derive_metrics({"fit_time_s": duration_s}, self._step)
        if isinstance(rows := getattr(self._X, "shape", (None,))[0], int):  # not `len`: it may be the user's code
            self._run.derive_metrics({"n_samples": rows}, self._step)
        with guard("sklearn.provenance"):
            self._remember(result)
        if has_time:
            started = time.perf_counter()
            self._record_curves()
            with guard("sklearn.training metrics"):
                self._record_training(duration_s, result)
            training.spent(time.perf_counter() - started)
