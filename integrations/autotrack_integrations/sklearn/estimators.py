"""scikit-learn: one run for each outermost fit of a model.

Watches   fit, fit_transform, fit_predict, partial_fit of every estimator class, whenever it is defined (public methods)
          predict, predict_proba, decision_function, score_samples, score: where predictions come from
Records   params    get_params(deep=True); of a search also best_params_, as `best.<name>`
          data      shape, dtypes and feature names of X and y
          metrics   fit_time_s, training metrics (training.py), score(X_test, y_test) as `test_score`;
                    of a search the mean and standard deviation over the folds, step = candidate number
          model     the fitted estimator; of a search its best one
Never     opens a run for estimators that only transform; touches X, y or the estimator; changes what a call
          returns or raises; draws from a random state
Needs     scikit-learn >= 1.4
"""

from collections.abc import Callable, Generator, Iterable
from importlib import import_module
from sys import getrefcount
from typing import Any

from autotrack import run
from autotrack.guard import guard
from autotrack.hooks import Call, Patch, Scope, calling_module
from autotrack.run.provenance import Origin, origin_of, remember, weak
from autotrack_integrations.sklearn.fit import Fit, Step
from autotrack_integrations.sklearn.metrics import log_after_fit
from autotrack_integrations.sklearn.ongoing import Trainings
from autotrack_integrations.sklearn.training import kind_of

__all__ = ["EstimatorWatch", "watch", "watch_catboost"]

FITS = ("fit", "fit_transform", "fit_predict")
PREDICTIONS = ("predict", "predict_proba", "predict_log_proba", "decision_function", "score_samples")
_UNHELD = 3  # references to the owner of a view's memory that nobody else holds: the view's, our two


def watch() -> "list[EstimatorWatch]":
    """Start watching; the caller keeps the patches and calls undo() on each."""
    from sklearn.base import BaseEstimator, TransformerMixin

    watching = EstimatorWatch()
    watching.add(BaseEstimator)
    watching.add(TransformerMixin)
    watching.add_later(BaseEstimator, TransformerMixin)
    return [watching]


def watch_catboost() -> "list[EstimatorWatch]":
    """The same for CatBoost, whose estimators have scikit-learn's interface and not its base class."""
    watching = EstimatorWatch()
    watching.add(import_module("catboost").CatBoost)
    return [watching]


class EstimatorWatch:
    """Patches of the methods of estimator classes."""

    def __init__(self) -> None:
        self._patches: list[Patch] = []
        self._seen: set[type] = set()
        trainings = Trainings()
        self._hooks: dict[str, Any] = {
            **dict.fromkeys(FITS, _fit_hook(Fit, trainings)),
            "partial_fit": _fit_hook(Step, trainings),
            "fit_resample": _fit_hook(Fit, trainings),  # of imbalanced-learn: no model, but models inside
            **dict.fromkeys(PREDICTIONS, watch_prediction),
            "score": watch_score,
        }

    def add(self, base: type) -> None:
        """Watch a class and all that are derived from it by now."""
        self._watch_class(base)
        for subclass in _subclasses(base):
            self._watch_class(subclass)

    def add_later(self, base: type, transformer: type) -> None:
        """Watch each class that will be derived from these."""

        def watch_transformer_class(call: Call) -> Generator[None, None, None]:
            """A new class: scikit-learn wraps methods of transformers first, so that ours stand on top."""
            yield
            self._watch_class(call.args[0])

        def watch_estimator_class(call: Call) -> Generator[None, None, None]:
            yield
            if not issubclass(call.args[0], transformer):
                self._watch_class(call.args[0])

        self._patches.append(Patch(transformer, "__init_subclass__", watch_transformer_class))
        self._patches.append(Patch(base, "__init_subclass__", watch_estimator_class))

    def undo(self) -> None:
        """Leave every class as it was."""
        for patch in reversed(self._patches):
            patch.undo()

    def _watch_class(self, cls: type) -> None:
        for owner in cls.__mro__:
            if owner in self._seen or owner is object:
                continue
            self._seen.add(owner)
            for name, hook in self._hooks.items():
                method = owner.__dict__.get(name)
                if method is None:
                    continue
                if callable(method) and hasattr(type(method), "__get__"):  # others do not get `self`
                    self._patches.append(Patch(owner, name, hook))
                elif callable(getattr(method, "fn", None)):  # available_if: the descriptor hands out `fn`
                    self._patches.append(Patch(method, "fn", hook))


def _subclasses(cls: type) -> Iterable[type]:
    direct: list[type] = type.__subclasses__(cls)
    for subclass in direct:
        yield subclass
        yield from _subclasses(subclass)


def _fit_hook(kind: type[Fit], trainings: Trainings) -> Callable[[Call], Generator[None, None, None]]:
    def watch_fit(call: Call) -> Generator[None, None, None]:
        """Record an outermost fit of a model; a failed one ends its run as failed."""
        if not run.is_recording():
            return
        estimator = call.args[0]
        fit: Fit | None = None
        # Fits inside this one stay silent, whatever becomes of our record of it.
        with Scope(estimator) as scope, run.Opened():
            with guard("sklearn.fit"):
                kind_of_model = kind_of(estimator)
                is_asked = kind_of_model == "clusterer" or (kind_of_model is not None and not _is_asked_by_library())
                if is_asked and not run.is_silent_rank():
                    fit = kind(call, scope, trainings)
            yield
            if fit is not None:
                fit.end(call)

    return watch_fit


def _is_asked_by_library() -> bool:
    """Whether scikit-learn fits it for itself, as in `cost_complexity_pruning_path`. Functions of clusterings are asked
    by the user: `k_means(X, 3)` is a fit of KMeans.
    """
    return calling_module(()).partition(".")[0] == "sklearn"


def watch_prediction(call: Call) -> Generator[None, None, None]:
    """Remember which model made a prediction, so that metrics computed of it find their run."""
    origin = yield from _answered(call)
    if origin is None:
        return
    X = call.argument(1, "X")
    made = Origin(origin.run, origin.training, inputs=weak(X))
    for array in call.result if isinstance(call.result, list) else (call.result,):
        if array is X or origin.is_training(array):
            continue
        remember(array, made)
        owner = getattr(array, "base", None)  # views of a view refer to the owner of the memory
        if owner is not None and getrefcount(owner) <= _UNHELD:  # else it may be a frame that was predicted from
            remember(owner, made)


def watch_score(call: Call) -> Generator[None, None, None]:
    """Record the score the user asks a fitted model for, under the name of the data: `test_score`."""
    origin = yield from _answered(call)
    if origin is not None:
        log_after_fit(origin, "score", call.result, [call.argument(2, "y"), call.argument(1, "X")])


def _answered(call: Call) -> Generator[None, None, Origin | None]:
    """A model is asked, and what it asks inside is silent. Where it came from; None if it is unknown or has failed."""
    if not run.is_recording():
        return None
    estimator = call.args[0]
    with Scope(estimator):
        yield
    return origin_of(estimator) if call.error is None else None
