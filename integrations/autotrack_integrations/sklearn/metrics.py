"""scikit-learn: metrics the user computes after a fit join the run of the model whose predictions they are of.

Watches   every function of sklearn.metrics that validates its parameters, and sklearn.calibration.calibration_curve,
          however and whenever it was imported: the function inside scikit-learn's `validate_params` wrapper is watched
          (a closure cell named `func`; private, checked on scikit-learn 1.4 to 1.9); also where a scorer or one of
          scikit-learn's displays calls it for the user
Records   metrics   named by data and function, as `test_roc_auc`, `val_f1_macro`: the data's name is that of the
                    variable in the calling code, the function's is that of its scorer. Of other data under the same
                    name the value is the next step of the metric
          tables    what is no number, as `test_roc`, `test_confusion` (results.py), `test_roc_2` of other data
          data      what the model was evaluated on (data.py)
Never     computes a metric, or guesses: what does not come from a recorded model is left out. A copy of a prediction is
          known by what it contains; a part picked out of one (`predicted[order]`) is not
Needs     scikit-learn >= 1.4
"""

from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from importlib import import_module
from typing import Any

from autotrack import run
from autotrack.guard import guard
from autotrack.hooks import Call, Patch, Scope, calling_module
from autotrack.run.provenance import Origin, origin_of, origin_of_copy
from autotrack_integrations.sklearn.data import is_training_again, record_evaluated
from autotrack_integrations.sklearn.names import LIBRARIES, data_name, data_set_of, is_data
from autotrack_integrations.sklearn.results import Table, is_number, labels_of, numbers_of, table_of

__all__ = ["data_name", "log_after_fit", "validated_functions", "watch", "watch_calibration"]

# Frames of scikit-learn that only pass on what the user asked for; behind any other one it asks for itself.
_PASSING_ON = (
    "sklearn.calibration",
    "sklearn.metrics._scorer",
    "sklearn.utils._available_if",
    "sklearn.utils._param_validation",
    "sklearn.utils.validation",
    *(
        f"sklearn.metrics._plot.{name}"
        for name in ("confusion_matrix", "det_curve", "precision_recall_curve", "regression", "roc_curve")
    ),
)
_PREDICTIONS = ("y_pred", "y_score", "y_proba", "y_prob", "pred_decision", "labels_pred", "labels")
_NO_DATA = ("sample_weight", "target_names", "pos_label")  # arguments that are neither data nor predictions


def watch() -> list[Patch]:
    """Start watching; the caller keeps the patches and calls undo() on each."""
    module = import_module("sklearn.metrics")  # as an attribute of sklearn it may not be there yet

    return [Patch(cell, "cell_contents", _hook_for(name, cell)) for name, cell in validated_functions(module)]


def watch_calibration() -> list[Patch]:
    """The same for the one function of its kind that stands in another module."""
    name = "calibration_curve"
    function = getattr(import_module("sklearn.calibration"), name, None)
    return [Patch(cell, "cell_contents", _hook_for(name, cell)) for cell in _validated(function)]


def validated_functions(module: Any) -> Iterable[tuple[str, Any]]:
    """Each public function of a module that scikit-learn validates, and the closure cell that holds it."""
    for name in module.__all__:
        for cell in _validated(vars(module).get(name)):  # not getattr: experimental names raise
            yield name, cell


def _validated(function: Any) -> Iterable[Any]:
    code = getattr(function, "__code__", None)
    if code is not None and "func" in code.co_freevars and hasattr(function, "_skl_parameter_constraints"):
        yield function.__closure__[code.co_freevars.index("func")]


def _hook_for(name: str, cell: Any) -> Callable[[Call], Generator[None, None, None]]:
    defaults = getattr(cell.cell_contents, "__kwdefaults__", None) or {}

    def watch_metric(call: Call) -> Generator[None, None, None]:
        """Record a metric of a known prediction."""
        if not run.is_recording() or not run.keeps("later_metrics"):
            return
        with Scope(name):
            yield
        if call.error is not None:
            return
        predictions, rest = _arguments(call)
        origin, prediction = _origin(predictions, rest)
        if origin is None or not _is_asked_by_user():
            return
        given, result = call.kwargs, call.result
        numbers = numbers_of(name, given, defaults, result)
        table = None
        if not numbers and run.keeps("tables"):
            arrays = [value for value in (*rest[:1], *predictions[:1]) if value is not None]
            table = table_of(name, given, defaults, result, lambda: labels_of(given, arrays))
        if numbers or table is not None:
            data = [value for value in (*rest, *predictions) if value is not prediction]
            _log(origin, numbers, table, data, prediction)

    return watch_metric


def _arguments(call: Call) -> tuple[list[Any], list[Any]]:
    """The arguments in the place of predictions, and the others: the truth first."""
    named = [call.kwargs[name] for name in _PREDICTIONS if name in call.kwargs]
    others = [value for name, value in call.kwargs.items() if name not in (*_PREDICTIONS, *_NO_DATA)]
    return [*call.args[1:2], *named], [*call.args[:1], *others]


def _origin(predictions: Sequence[Any], rest: Sequence[Any]) -> tuple[Origin | None, Any]:
    """Where the prediction came from, and which argument it is: by what it is, else by what it contains."""
    for value in (*predictions, *rest):
        origin = origin_of(value)
        if origin is not None:
            return origin, value
    for value in predictions:
        origin = origin_of_copy(value)
        if origin is not None:
            return origin, value
    return None, None


def log_after_fit(origin: Origin, name: str, value: Any, data: Sequence[Any], prediction: Any = None) -> None:
    """Record a metric that the user asked for in the run of its model, under the name of the data.

    Args:
        data: The arrays or frames it was computed on, the most telling first.
        prediction: What the model made of them.
    """
    if is_number(value) and run.keeps("later_metrics") and _is_asked_by_user():
        _log(origin, {name: float(value)}, None, data, prediction)


def _is_asked_by_user() -> bool:
    return calling_module(_PASSING_ON).partition(".")[0] not in LIBRARIES


def _log(
    origin: Origin,
    numbers: Mapping[str, float],
    table: tuple[str, Table] | None,
    data: Sequence[Any],
    prediction: Any,
) -> None:
    target = origin.run
    X, y = _evaluated(origin, data)
    data_set = origin.data_set
    if not data_set:
        data_set = "train" if is_training_again(origin, X) else data_set_of(origin, data, prediction)
    prefix = f"{data_set}_" if data_set else ""
    known = target.metrics
    named = {f"{prefix}{name}": number for name, number in numbers.items()}
    # a value that is asked for again, or known from training, is no new one
    target.derive_metrics({key: number for key, number in named.items() if known.get(key) != number})
    number = 0
    with guard("sklearn.evaluated data"):
        number = record_evaluated(origin, data_set, X, y)
    if table is not None:
        name, columns = table
        key = f"{prefix}{name}_{number + 1}" if number else f"{prefix}{name}"
        target.derive_tables(lambda: {key: columns})
    target.write_if_doomed()


def _evaluated(origin: Origin, data: Sequence[Any]) -> tuple[Any, Any]:
    """X and y of an evaluation, each None if it is not known."""
    arrays = [value for value in data if is_data(value)]
    X = origin.inputs() if origin.inputs is not None else None
    y = next((value for value in arrays if value is not X), None)
    if origin.inputs is None and len(arrays) > 1:  # of `score`, which was given both
        y, X = arrays[:2]
    return X, y
