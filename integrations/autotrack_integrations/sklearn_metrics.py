"""scikit-learn: metrics the user computes after a fit join the run of the model whose predictions they are of.

Watches   every function of sklearn.metrics that validates its parameters, however and whenever it was imported:
          the function inside scikit-learn's `validate_params` wrapper is watched (a closure cell named `func`;
          private, checked on scikit-learn 1.4 to 1.9)
Records   metrics   named by data and function, as `test_roc_auc`, `val_f1_macro`: the data's name is that of the
                    variable in the calling code, the function's is that of its scorer
Never     computes anything, follows a copy or guesses: what does not come from a recorded model is left out
Needs     scikit-learn >= 1.4
"""

import re
from collections.abc import Callable, Generator, Iterable, Sequence
from numbers import Real
from typing import Any

from autotrack import run
from autotrack.hooks import Call, Patch, Scope, names_in_caller
from autotrack.run.provenance import Origin, origin_of

__all__ = ["data_name", "log_after_fit", "validated_functions", "watch"]

LIBRARIES = ("sklearn", "joblib", "scipy")  # whose frames lie between the user's line and us

_AFFIX = re.compile(
    r"^(?:[xy]|labels?|targets?|features?|data|df|inputs?|true)(?=_|$)|_(?:[xy]|labels?|targets?|features?|data|df|true)$"
)
_GLUED = re.compile(r"^[xy](?=(?:train|test|tr|te|val|valid|holdout|dev|eval|oot)\w*$)")
_SHORT = {"tr": "train", "trn": "train", "training": "train", "te": "test", "tst": "test", "testing": "test"} | {
    "va": "val",
    "valid": "val",
    "validation": "val",
}


def watch() -> list[Patch]:
    """Start watching; the caller keeps the patches and calls undo() on each."""
    import sklearn.metrics

    return [
        Patch(cell, "cell_contents", _metric_hook(name)) for name, cell in validated_functions(sklearn.metrics) if cell
    ]


def validated_functions(module: Any) -> Iterable[tuple[str, Any]]:
    """Each public function of a module that scikit-learn validates, and the closure cell that holds it."""
    for name in module.__all__:
        function = vars(module).get(name)  # not getattr: experimental names raise
        code = getattr(function, "__code__", None)
        if code is not None and "func" in code.co_freevars and hasattr(function, "_skl_parameter_constraints"):
            yield name, function.__closure__[code.co_freevars.index("func")]


def _metric_hook(name: str) -> Callable[[Call], Generator[None, None, None]]:
    def watch_metric(call: Call) -> Generator[None, None, None]:
        """Record a metric of a known prediction."""
        if not run.is_recording():
            return
        with Scope(name):
            yield
        if call.error is not None or not _is_number(call.result):
            return
        values = [*call.args, *call.kwargs.values()]
        for value in values:
            origin = origin_of(value)
            if origin is not None:
                others = [other for other in values if other is not value and not isinstance(other, Real | str)]
                log_after_fit(origin, _scorer_name(name, call.kwargs), call.result, others)
                return

    return watch_metric


def log_after_fit(origin: Origin, name: str, value: Any, data: Sequence[Any]) -> None:
    """Record a metric of a model in its run, under the name of the data it was computed on.

    Args:
        data: The arrays or frames it was computed on, the most telling first.
    """
    inputs = origin.inputs() if origin.inputs is not None else None
    seen = [value for value in (*data, inputs) if value is not None]
    if any(origin.is_training(value) for value in seen):
        data_set = "train"
    else:
        names = names_in_caller(seen, LIBRARIES)
        data_set = next((found for found in map(data_name, names) if found), "")
    key = f"{data_set}_{name}" if data_set else name
    number = float(value)
    if origin.run.metrics.get(key) != number:  # asked for again, or known from training
        origin.run.derive_metrics({key: number})


def data_name(variable: str | None) -> str:
    """`test` for y_test, X_test, ytest, test_labels, y_te; an empty string for names that say nothing (`y`)."""
    if not variable:
        return ""
    word = _AFFIX.sub("", variable.lower()).strip("_")
    word = _GLUED.sub("", word)
    return _SHORT.get(word, word)


def _scorer_name(function: str, arguments: dict[str, Any]) -> str:
    """roc_auc for roc_auc_score, f1_macro for f1_score(average="macro"), as scikit-learn names its scorers."""
    name = function.removesuffix("_score")
    average = arguments.get("average")
    return f"{name}_{average}" if isinstance(average, str) and average != "binary" else name


def _is_number(value: Any) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool)
