"""scikit-learn: cross-validation is one run with a value per split, and no run per fold.

Watches   the functions of sklearn.model_selection that fit clones of an estimator (cross_validate, cross_val_score,
          cross_val_predict, learning_curve, validation_curve, permutation_test_score), as sklearn_metrics.py does
Records   params    of the estimator, and `cv` and `scoring` as given
          data      shape, dtypes and feature names of X and y
          metrics   of cross_validate and cross_val_score: each score, step = split; of permutation_test_score the score
                    and `p_value`; what the user computes of the
                    predictions of cross_val_predict, as `cv_accuracy`
Never     opens a run for the fits inside; looks into the splits
Needs     scikit-learn >= 1.4
"""

from collections.abc import Callable, Generator
from typing import Any

from autotrack import model, run
from autotrack.guard import guard
from autotrack.hooks import Call, Patch, Scope
from autotrack.run.provenance import Origin, remember
from autotrack_integrations.sklearn_asking import NotAskedError, ask
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
                estimator = call.argument(0, "estimator")
                if kind_of(estimator) is not None:
                    opened = run.start_fit(f"{name}({type(estimator).__name__})", "sklearn")
            if opened is not None:
                with guard("sklearn.cross-validation"):
                    _record_start(opened[0], call)
            yield
            if opened is None:
                return
            target, is_ours = opened
            if call.error is None:
                with guard("sklearn.cross-validation"):
                    _record_scores(target, name, call.result)
            if is_ours:
                target.finish("finished" if call.error is None else "failed", call.error)

    return watch_validation


def _record_start(target: run.Run, call: Call) -> None:
    given = (("X", call.argument(1, "X")), ("y", call.argument(2, "y")))
    target.describe_data({key: model.describe(value) for key, value in given if value is not None})
    asked = {key: call.kwargs[key] for key in ("cv", "scoring") if call.kwargs.get(key) is not None}
    target.derive_params(asked)
    try:
        params = ask(call.argument(0, "estimator").get_params)
    except NotAskedError as reason:
        target.lack("params", str(reason))
    else:
        target.derive_params({str(key): value for key, value in params.items() if key not in asked})


def _record_scores(target: run.Run, name: str, result: Any) -> None:
    """The dict of arrays of cross_validate, or the one array of cross_val_score; predictions are remembered."""
    if name == "cross_val_predict":
        remember(result, Origin(target, data_set="cv"))
        return
    if name == "cross_val_score":
        result = {"test_score": result}
    if name == "permutation_test_score":
        target.derive_metrics({"test_score": result[0], "p_value": result[2]})
    for key, values in result.items() if isinstance(result, dict) else ():
        if getattr(values, "ndim", 0) == 1 and values.dtype.kind in "fiu":
            for split, value in enumerate(values):
                target.derive_metrics({key: value}, step=split)
