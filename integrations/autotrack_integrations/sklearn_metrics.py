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
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from numbers import Real
from typing import Any

from autotrack import run
from autotrack.hooks import Call, Patch, Scope, calling_module, names_in_callers
from autotrack.run.provenance import Origin, origin_of

__all__ = ["data_name", "log_after_fit", "validated_functions", "watch"]

LIBRARIES = ("sklearn", "joblib", "scipy")  # whose frames lie between the user's line and us
# Frames of scikit-learn that only pass on what the user asked for; behind any other one it asks for itself.
_PASSING_ON = (
    "sklearn.metrics._scorer",
    "sklearn.utils._available_if",
    "sklearn.utils._param_validation",
    "sklearn.utils.validation",
)
_MAX_BASES = 4  # views of views that are followed to the array that has a name
_PREDICTIONS = ("y_pred", "y_score", "y_proba", "y_prob", "pred_decision", "labels_pred", "labels")
# Arguments that make another metric of it, as `f1_macro`, `fbeta_beta_2`: part of its name unless they are the default.
_QUALIFIERS = ("average", "multi_class", "beta", "k", "normalize", "adjusted", "alpha", "power", "max_fpr", "weights")

_PREDICTED = r"preds?|predict(?:ed|ions?)|probas?|probs?|scores?|hat"
_SIDE = rf"(?:[xy]|labels?|targets?|features?|data|df|inputs?|true|truth|{_PREDICTED})"
_AFFIX = re.compile(rf"^{_SIDE}(?=_|$)|_{_SIDE}$")
_GLUED = re.compile(r"^[xy](?:[a-z0-9]{0,2}_)?(?=(?:train|test|tr|te|val|valid|holdout|dev|eval|oot)\w*$)")
_SHORT = {"tr": "train", "trn": "train", "training": "train", "te": "test", "tst": "test", "testing": "test"} | {
    "va": "val",
    "valid": "val",
    "validation": "val",
}
_DATA_SETS = frozenset({*_SHORT.values(), "holdout", "dev", "eval", "oot", "oof"})
_NOT_DATA = (Real, str, type(None))


def watch() -> list[Patch]:
    """Start watching; the caller keeps the patches and calls undo() on each."""
    import sklearn.metrics

    return [
        Patch(cell, "cell_contents", _metric_hook(name, getattr(cell.cell_contents, "__kwdefaults__", None) or {}))
        for name, cell in validated_functions(sklearn.metrics)
    ]


def validated_functions(module: Any) -> Iterable[tuple[str, Any]]:
    """Each public function of a module that scikit-learn validates, and the closure cell that holds it."""
    for name in module.__all__:
        function = vars(module).get(name)  # not getattr: experimental names raise
        code = getattr(function, "__code__", None)
        if code is not None and "func" in code.co_freevars and hasattr(function, "_skl_parameter_constraints"):
            yield name, function.__closure__[code.co_freevars.index("func")]


def _metric_hook(name: str, defaults: Mapping[str, Any]) -> Callable[[Call], Generator[None, None, None]]:
    def watch_metric(call: Call) -> Generator[None, None, None]:
        """Record a metric of a known prediction."""
        if not run.is_recording():
            return
        with Scope(name):
            yield
        if call.error is not None or not _is_number(call.result):
            return
        values = _predictions_first(call)
        for value in values:
            origin = origin_of(value)
            if origin is not None:
                others = [other for other in reversed(values) if other is not value]
                log_after_fit(origin, _scorer_name(name, call.kwargs, defaults), call.result, others, value)
                return

    return watch_metric


def log_after_fit(origin: Origin, name: str, value: Any, data: Sequence[Any], prediction: Any = None) -> None:
    """Record a metric that the user asked for in the run of its model, under the name of the data.

    Args:
        data: The arrays or frames it was computed on, the most telling first.
        prediction: What the model made of them.
    """
    if not _is_number(value) or calling_module(_PASSING_ON).partition(".")[0] in LIBRARIES:
        return
    data_set = origin.data_set or _data_set(origin, data, prediction)
    key = f"{data_set}_{name}" if data_set else name
    number = float(value)
    if origin.run.metrics.get(key) != number:  # asked for again, or known from training
        origin.run.derive_metrics({key: number})


def _data_set(origin: Origin, data: Sequence[Any], prediction: Any) -> str:
    """`train`, or what the variables are called in the calling code, or in the code that calls that one."""
    inputs = origin.inputs() if origin.inputs is not None else None
    seen = [value for value in (*data[:1], inputs, *data[1:]) if not isinstance(value, _NOT_DATA)]
    if any(origin.is_training(value) for value in seen):
        return "train"
    bases = [base for value in seen for base in _bases(value)]
    for names in names_in_callers([prediction, *seen, *bases], LIBRARIES):
        of_prediction, *of_data = map(data_name, names)
        if found := next(filter(None, of_data[: len(seen)]), ""):
            return found
        if of_prediction in _DATA_SETS:  # `pred_test`; not `pred_forest`
            return of_prediction
        if found := next(filter(None, of_data[len(seen) :]), ""):
            return f"{found}_part"  # `y_test[:50]`: it must not stand for the whole
    return ""


def _bases(view: Any) -> Iterable[Any]:
    for _ in range(_MAX_BASES):
        view = getattr(view, "base", None)
        if view is None:
            return
        yield view


def data_name(variable: str) -> str:
    """`test` for y_test, X_test, ytest, test_labels, y_te, y_pred_test; empty for names that say nothing (`y`)."""
    word = variable.lower()
    while word != (shorter := _AFFIX.sub("", word).strip("_")):
        word = shorter
    word = _GLUED.sub("", word)
    return _SHORT.get(word, word)


def _predictions_first(call: Call) -> list[Any]:
    """The arguments, those in the place of predictions before those in the place of the truth."""
    named = [call.kwargs[name] for name in _PREDICTIONS if name in call.kwargs]
    rest = [value for name, value in call.kwargs.items() if name not in _PREDICTIONS and name != "sample_weight"]
    return [*named, *call.args[1:2], *rest, *call.args[:1]]


def _scorer_name(function: str, given: Mapping[str, Any], defaults: Mapping[str, Any]) -> str:
    """roc_auc for roc_auc_score, f1_macro for f1_score(average="macro"), as scikit-learn names its scorers."""
    name = function.removesuffix("_score")
    for key in _QUALIFIERS:
        value = given.get(key)
        if isinstance(value, str | Real) and value != defaults.get(key):
            name += f"_{value}" if isinstance(value, str) else f"_{key}_{value}".lower()
    return name


def _is_number(value: Any) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool)
