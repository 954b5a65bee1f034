"""scikit-learn: cross-validation is one run with a value per split, and no run per fold.

Watches   the functions of sklearn.model_selection that fit clones of an estimator (cross_validate, cross_val_score,
          cross_val_predict, learning_curve, validation_curve, permutation_test_score), as metrics.py does
Records   params    of the estimator; `cv`, `scoring` and what else was given, as `param_name`
          data      shape, dtypes and feature names of X and y
          metrics   of cross_validate and cross_val_score: each score and time, step = split, with its mean_ and std_
                    of learning_curve and validation_curve: mean_ and std_ of the scores, and those of each split as
                    `split0_test_score`; step = rows trained on, or position in `param_range`
                    of permutation_test_score: the score, `p_value`, and `permutation_score`, step = permutation
                    `fits_done`, while it runs
                    what the user computes of the predictions of cross_val_predict, as `cv_accuracy`
          children  the candidates of searches inside: nested.py
Never     opens a run for the fits inside; looks into the splits
Needs     scikit-learn >= 1.4
"""

import itertools
from collections.abc import Callable, Generator, Mapping, Sequence
from importlib import import_module
from typing import Any

from autotrack import run
from autotrack.guard import guard
from autotrack.hooks import Call, Patch, Scope, inside
from autotrack.run.provenance import Origin, remember
from autotrack_integrations.sklearn.asking import params_of
from autotrack_integrations.sklearn.data import arrays_in, describe
from autotrack_integrations.sklearn.metrics import validated_functions
from autotrack_integrations.sklearn.nested import InnerSearches
from autotrack_integrations.sklearn.training import kind_of

__all__ = ["watch"]

FITTING = (
    "cross_validate",
    "cross_val_score",
    "cross_val_predict",
    "learning_curve",
    "validation_curve",
    "permutation_test_score",
)
# Arguments that say how it is done; what is not given is not recorded.
_SETTINGS = ("cv", "scoring", "param_name", "param_range", "train_sizes", "n_permutations", "method")


def watch() -> list[Patch]:
    """Start watching; the caller keeps the patches and calls undo() on each."""
    module = import_module("sklearn.model_selection")  # as an attribute of sklearn it may not be there yet

    return [
        Patch(cell, "cell_contents", _validation_hook(name))
        for name, cell in validated_functions(module)
        if name in FITTING
    ]


def _validation_hook(name: str) -> Callable[[Call], Generator[None, None, None]]:
    def watch_validation(call: Call) -> Generator[None, None, None]:
        """Record a cross-validation; a failed one ends its run as failed."""
        if not run.is_recording():
            around = inside()
            if around is not None and isinstance(around.subject, Validation) and name == "cross_validate":
                yield  # cross_val_score asks it
                around.subject.splits = call.result
            return
        validation: Validation | None = None
        with Scope() as scope, run.Opened():
            with guard("sklearn.cross-validation"):
                if kind_of(call.argument(0, "estimator")) is not None:
                    validation = Validation(name, call)
                    scope.subject, scope.on_result = validation, validation.hear
            yield
            if validation is not None:
                validation.end(call)

    return watch_validation


class Validation:
    """The record of one cross-validation. Once its run is open each part is guarded on its own.

    Attributes:
        splits: What `cross_validate` returned, if that was called or was asked by what was called.
    """

    def __init__(self, name: str, call: Call) -> None:
        self.splits: Mapping[str, Any] | None = None
        self._name = name
        estimator = call.argument(0, "estimator")
        self._run, self._is_ours = run.start_fit(f"{name}({type(estimator).__name__})", "sklearn")
        self._inner = InnerSearches(estimator)
        self._later = self._run.start_children("sklearn").later
        self._fits = itertools.count(1)  # a count that threads may share
        self._done = self._told = 0
        with guard("sklearn.cross-validation"):
            _record_start(self._run, call, estimator)

    def hear(self, function: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any], result: Any) -> None:
        """A fit is done; a thread of ours records in a moment how many are."""
        if isinstance(result, BaseException) or not self._run.is_of_this_process:
            return
        is_told = self._done == self._told
        self._done = next(self._fits)
        if self._name in ("cross_validate", "cross_val_score"):
            self._inner.hear(args[0], result)
        if is_told:
            self._later(self._tell)

    def end(self, call: Call) -> None:
        """Record what it gave, or the error."""
        self._tell()
        if self._name == "cross_validate":
            self.splits = call.result
        with guard("sklearn.nested searches"):
            self._inner.end(self._run, self.splits or {})
        if call.error is None:
            with guard("sklearn.cross-validation"):
                self._record_result(call)
        if self._is_ours:
            self._run.finish("finished" if call.error is None else "failed", call.error)

    def _tell(self) -> None:
        done = self._done
        if done != self._told:
            self._told = done
            self._run.derive_metrics({"fits_done": done}, done)

    def _record_result(self, call: Call) -> None:
        target, result = self._run, call.result
        if self._name == "cross_val_predict":
            remember(result, Origin(target, data_set="cv"))
        elif self._name == "permutation_test_score":
            target.derive_metrics({"test_score": result[0], "p_value": result[2]})
            target.derive_series({"permutation_score": result[1]})
        elif self._name == "learning_curve":
            _record_curves(target, dict(zip(_OF_CURVE, result[1:], strict=False)), [int(size) for size in result[0]])
        elif self._name == "validation_curve":
            _record_curves(target, dict(zip(_OF_CURVE, result, strict=False)), range(len(result[0])))
        else:
            _record_splits(target, self.splits or {"test_score": result})


_OF_CURVE = ("train_score", "test_score", "fit_time", "score_time")  # in the order in which they are returned


def _record_start(target: run.Run, call: Call, estimator: Any) -> None:
    given = {"X": call.argument(1, "X"), "y": call.argument(2, "y"), "groups": call.kwargs.get("groups")}
    for name in ("params", "fit_params"):  # sample weights; with metadata routing groups, too
        given.update(arrays_in(call.kwargs.get(name)))
    target.describe_data(describe(estimator, given))
    asked = {key: call.kwargs[key] for key in _SETTINGS if call.kwargs.get(key) is not None}
    target.derive_params(asked)
    params = params_of(estimator, target)
    target.derive_params({str(key): value for key, value in params.items() if key not in asked})


def _record_splits(target: run.Run, result: Mapping[str, Any]) -> None:
    """Scores and times, shape (n_splits,) each."""
    numbers = {key: values for key, values in result.items() if getattr(values, "ndim", 0) == 1}
    target.derive_series(numbers)
    for key, values in numbers.items():
        target.derive_metrics(_mean_and_std(key, values))


def _record_curves(target: run.Run, found: Mapping[str, Any], steps: Sequence[int]) -> None:
    """Scores and times, shape (n_steps, n_splits) each."""
    for key, values in found.items():
        target.derive_series(_mean_and_std(key, values), steps)
        target.derive_series({f"split{split}_{key}": column for split, column in enumerate(values.T)}, steps)


def _mean_and_std(key: str, values: Any) -> dict[str, Any]:
    """Over the splits, the last axis."""
    import numpy as np

    with np.errstate(all="ignore"):  # infinite scores: the user did not ask for a mean of them
        return {f"mean_{key}": values.mean(axis=-1), f"std_{key}": values.std(axis=-1)}
