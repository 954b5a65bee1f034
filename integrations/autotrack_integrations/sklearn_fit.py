"""scikit-learn: the record of one fit, from its start to its end.

Watches   nothing; sklearn.py opens it around an outermost fit
Records   see sklearn.py
Never     fails after its run is open: each part is guarded on its own
Needs     scikit-learn >= 1.4
"""

import time
from typing import Any

from autotrack import model, run
from autotrack.guard import guard
from autotrack.hooks import Call
from autotrack.run.provenance import Origin, remember, weak
from autotrack_integrations.sklearn_asking import NotAskedError, ask, chain
from autotrack_integrations.sklearn_search import record_search
from autotrack_integrations.sklearn_training import training_metrics

__all__ = ["Fit"]


class Fit:
    """The record of one fit. Once its run is open nothing may fail before `end`: each part is guarded on its own."""

    def __init__(self, call: Call) -> None:
        self._estimator = call.args[0]
        self._X, self._y = call.argument(1, "X"), call.argument(2, "y")
        self._params: dict[str, Any] = {}
        self._data: dict[str, Any] = {}
        self._run, self._is_ours = run.start_fit(type(self._estimator).__name__, "sklearn")
        with guard("sklearn.params"):
            self._record_params()
        with guard("sklearn.data"):
            given = (("X", self._X), ("y", self._y))
            self._data = {name: model.describe(value) for name, value in given if value is not None}
            self._run.describe_data(self._data)
        self._run.flush_soon()
        self._started = time.perf_counter()

    def end(self, call: Call) -> None:
        """Record how the fit ended."""
        duration_s = time.perf_counter() - self._started
        if call.error is None:
            self._run.derive_metrics({"fit_time_s": duration_s})
            with guard("sklearn.provenance"):
                self._remember(call.result)
            with guard("sklearn.search"):
                record_search(self._run, self._estimator)
            with guard("sklearn.training metrics"):
                self._record_training(duration_s, call.result)
            with guard("sklearn.model"):
                self._record_model()
        if self._is_ours:
            self._run.finish("finished" if call.error is None else "failed", call.error)

    def _record_params(self) -> None:
        try:
            self._params = ask(self._estimator.get_params)
        except NotAskedError as reason:
            self._run.lack("params", str(reason))
        self._run.derive_params({str(name): value for name, value in self._params.items()})

    def _remember(self, result: Any) -> None:
        training = (weak(self._X), weak(self._y))
        for part in chain(self._estimator):
            remember(part, Origin(self._run, training))
        for labels in (getattr(self._estimator, "labels_", None), result):
            if labels is not None and not any(labels is known for known in (self._estimator, self._X, self._y)):
                remember(labels, Origin(self._run, training, data_set="train"))

    def _record_training(self, fit_s: float, result: Any) -> None:
        found = training_metrics(self._estimator, self._params, self._X, self._y, fit_s=fit_s, result=result)
        self._run.derive_metrics(found.metrics)
        if found.reason:
            self._run.lack("train metrics", found.reason)

    def _record_model(self) -> None:
        recorder = run.recorder()
        if recorder is None or not recorder.log_models:
            return
        try:
            package = model.pack(self._estimator, flavor="sklearn", run_id=self._run.id, signature=self._data.get("X"))
        except model.ModelSaveError as error:
            self._run.lack("model", str(error))
            raise
        self._run.log_package(package.manifest, package.files, "model")
