"""scikit-learn: cross-validation is one run with a value per split, and no run per fold.

Watches   the functions of sklearn.model_selection that fit clones of an estimator (cross_validate, cross_val_score,
          cross_val_predict, learning_curve, validation_curve, permutation_test_score), as sklearn_metrics.py does
Records   params    of the estimator, and `cv` and `scoring` as given
          data      shape, dtypes and feature names of X and y
          metrics   of cross_validate and cross_val_score: each score, step = split
Never     opens a run for the fits inside; looks into the splits
Needs     scikit-learn >= 1.4
"""

from collections.abc import Callable, Generator
from typing import Any

from autotrack import model, run
from autotrack.guard import guard
from autotrack.hooks import Call, Patch, Scope
from autotrack_integrations.sklearn_metrics import validated_functions
from autotrack_integrations.sklearn_training import kind_of

__all__ = ["watch"]

FITTING = (
    "cross_validate",
    "cross_val_score",
    "cross_val_predict",
    "learning_curve",
    "validation_curve",
    "permutation_test_score",
)


def watch() -> list[Patch]:
    """Start watching; the caller keeps the patches and calls undo() on each."""
    import sklearn.model_selection

    return [
        Patch(cell, "cell_contents", _validation_hook(name))
        for name, cell in validated_functions(sklearn.model_selection)
        if name in FITTING
    ]


def _validation_hook(name: str) -> Callable[[Call], Generator[None, None, None]]:
    def watch_validation(call: Call) -> Generator[None, None, None]:
        """Record a cross-validation; a failed one ends its run as failed."""
        if not run.is_recording():
            return
        opened: tuple[run.Run, bool] | None = None
        with Scope(name):
            with guard("sklearn.cross-validation"):
                opened = _begin(name, call)
            yield
            if opened is None:
                return
            target, is_ours = opened
            if call.error is None:
                with guard("sklearn.cross-validation"):
                    _record_scores(target, call.result)
            if is_ours:
                target.finish("finished" if call.error is None else "failed", call.error)

    return watch_validation


def _begin(name: str, call: Call) -> tuple[run.Run, bool] | None:
    estimator = call.argument(0, "estimator")
    if kind_of(estimator) is None:
        return None
    target, is_ours = run.start_fit(f"{name}({type(estimator).__name__})", "sklearn")
    given = {key: call.kwargs[key] for key in ("cv", "scoring") if call.kwargs.get(key) is not None}
    target.derive_params({**estimator.get_params(deep=True), **given})
    arrays = (("X", call.argument(1, "X")), ("y", call.argument(2, "y")))
    target.describe_data({key: model.describe(value) for key, value in arrays if value is not None})
    return target, is_ours


def _record_scores(target: run.Run, result: Any) -> None:
    """The dict of arrays of cross_validate, or the one array of cross_val_score."""
    if not isinstance(result, dict):
        result = {"test_score": result} if getattr(result, "ndim", 0) == 1 and result.dtype.kind == "f" else {}
    for key, values in result.items():
        if getattr(values, "ndim", 0) == 1 and values.dtype.kind in "fiu":
            for split, value in enumerate(values):
                target.derive_metrics({key: value}, step=split)
