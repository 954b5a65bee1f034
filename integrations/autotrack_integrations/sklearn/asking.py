"""scikit-learn: whether a fitted estimator may be asked about its training data once more, and on how many rows.

Watches   nothing; training.py asks here before it predicts
Never     calls code of the user's own, draws from a random state, writes into the data, prints; predicts longer than
          a small share of the fit: beyond it every k-th row is used
Needs     scikit-learn >= 1.4
"""

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from autotrack import run

__all__ = [
    "FAILURES",
    "NotAskedError",
    "Rows",
    "affordable_rows",
    "ask",
    "chain",
    "is_all_library",
    "is_library",
    "kept",
    "labelled",
    "library_method",
    "objection",
    "on_host",
    "params_of",
]

BUDGET_SHARE = 0.05  # of the duration of the fit
BUDGET_S = 0.02  # or this, for fits too short to have a share
SMALL_ROWS = 2_000  # data so small is predicted in full, whatever the machine is doing, unless that is slow indeed:
SMALL_S = 0.25  # two equal trainings shall have equal metrics, also where everything takes long
SMALL_SHARE = 0.2
PROBE_ROWS = 200  # how many rows are predicted to learn what one costs; fewer are predicted anyway
MIN_ROWS = 50  # a sample smaller than this says nothing
CAUTIOUS_ROWS = 5_000  # beyond it some models (neighbours, kernels) take long for PROBE_ROWS: a tenth goes before
UNLABELLED = -1
HOPELESS = 5  # times the budget: if the tenth takes this long no more is tried

# Whose methods only compute. Others may count, print, draw or call a service, and the user did not call them.
_LIBRARIES = frozenset(
    {
        "builtins",
        "catboost",
        "imblearn",
        "lightgbm",
        "math",
        "numpy",
        "operator",
        "pandas",
        "scipy",
        "sklearn",
        "xgboost",
    }
)
_ASKED = (
    "predict",
    "predict_proba",
    "decision_function",
    "score_samples",
    "score",
    "transform",
    "get_feature_names_out",
)
_IN_PLACE = frozenset({"copy", "copy_X", "copy_x"})  # params that, when False, let a method write into the data
_TALKING = ("BaseForest", "BaseBagging")  # their `verbose` prints while they predict, too
_SLOW = "IsolationForest"  # scoring its training data takes longer than the fit, whatever the number of rows

# What the methods of an estimator raise when they cannot do what they are asked.
FAILURES = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    MemoryError,
    OSError,
    RuntimeError,  # NotImplementedError, too
    TypeError,
    ValueError,  # NotFittedError, too
    Warning,  # where warnings are errors
)


class NotAskedError(Exception):
    """The estimator cannot, or should not, be asked; the message says why."""


def ask(method: Callable[..., Any], *arguments: Any) -> Any:
    """The result of an estimator's method. What it raises is no failure of ours, and told as the reason.

    Raises:
        NotAskedError: It raised.
    """
    try:
        return on_host(method(*arguments))
    except FAILURES as error:
        name = getattr(method, "__name__", "predict")
        said = str(error).partition("\n")[0][:200]
        raise NotAskedError(f"{name}() raised {type(error).__name__}: {said}") from error


def params_of(estimator: Any, target: run.Run) -> dict[str, Any]:
    """`get_params(deep=True)`. Where it raises or gives something else it is empty, and the run says why."""
    try:
        params = ask(estimator.get_params)
        if isinstance(params, dict):
            return params
        reason = f"get_params() returned a {type(params).__name__}"
    except NotAskedError as error:
        reason = str(error)
    target.lack("params", reason)
    return {}


def on_host(values: Any) -> Any:
    """An array of another library (Array API, torch) as NumPy's; anything else as it is.

    Raises:
        TypeError, ValueError, RuntimeError: It lies on a device: reading it there would wait for the device.
    """
    if type(values).__module__.partition(".")[0] == "numpy" or not hasattr(type(values), "__dlpack__"):
        return values
    import numpy as np

    return np.asarray(values)


def chain(estimator: Any) -> Iterator[Any]:
    """The estimator and those that predict for it: the last step of a pipeline, the best one of a search."""
    for _ in range(10):
        yield estimator
        attributes = getattr(estimator, "__dict__", {})
        if "best_estimator_" in attributes:
            estimator = attributes["best_estimator_"]
        elif attributes.get("steps") and hasattr(estimator, "_final_estimator"):
            estimator = estimator._final_estimator
        else:
            return


def kept(estimator: Any, name: str) -> Any:
    """A fitted attribute: what lies in the instance, or what a library's property says. None if there is none.

    A property of the user's own is not looked at; one that raises is not there, nor what lies on a device.
    """
    try:
        attributes = getattr(estimator, "__dict__", {})
        if name in attributes:
            return on_host(attributes[name])
        for owner in type(estimator).__mro__:
            if name in owner.__dict__:
                return on_host(getattr(estimator, name)) if is_library(owner.__module__) else None
    except FAILURES:
        return None
    return None


def library_method(estimator: Any, name: str) -> str:
    """`Class.method` for a method that scikit-learn defines, else an empty string."""
    method = getattr(type(estimator), name, None)
    is_theirs = getattr(method, "__module__", "").startswith("sklearn.")
    return getattr(method, "__qualname__", "") if is_theirs else ""


def objection(estimator: Any, params: Mapping[str, Any]) -> str:
    """Why the estimator must not be asked again; an empty string if it may.

    Args:
        params: Its `get_params(deep=True)`.
    """
    for part in _parts(estimator, params):
        kind = type(part)
        if not _only_library_code(part):
            return f"{kind.__qualname__} has code of its own, which is not run once more"
        if any(base.__name__ == _SLOW for base in kind.__mro__):
            return "scoring its training data takes longer than its fit; fit_predict tells the share"
        is_random_dummy = kind.__name__ == "DummyClassifier" and part.strategy in ("stratified", "uniform")
        if is_random_dummy or (kind.__name__ == "IterativeImputer" and part.sample_posterior):
            return "its predictions draw from a random state"
        if getattr(part, "verbose", 0) and any(base.__name__ in _TALKING for base in kind.__mro__):
            return "it is verbose: predicting prints"
    for name, value in params.items():
        last = str(name).rpartition("__")[2]
        if value is False and last in _IN_PLACE:
            return f"{name}=False lets it write into the data"
        if last != "scoring" and _is_users_function(value):
            return f"the function {name} is not run once more"
    return ""


def is_all_library(estimator: Any, params: Mapping[str, Any]) -> bool:
    """Whether no code of the user's own is in it, so that its methods and properties only compute.

    Args:
        params: Its `get_params(deep=True)`.
    """
    functions = (value for name, value in params.items() if str(name).rpartition("__")[2] != "scoring")
    return all(map(_only_library_code, _parts(estimator, params))) and not any(map(_is_users_function, functions))


def _parts(estimator: Any, params: Mapping[str, Any]) -> list[Any]:
    """The estimator and all those in it."""
    inner = [value for value in params.values() if hasattr(value, "get_params") and not isinstance(value, type)]
    return [estimator, *inner]


def _is_users_function(value: Any) -> bool:
    return callable(value) and not hasattr(value, "get_params") and not _is_of_library(value)


def _only_library_code(part: Any) -> bool:
    """Whether all methods we might call are a library's: also of a user's class that only adds to a library's."""
    kind = type(part)
    if any(
        callable(value) and callable(getattr(kind, name, None)) for name, value in getattr(part, "__dict__", {}).items()
    ):
        return False  # a method was replaced in this very object
    if is_library(kind.__module__):
        return True
    methods = [getattr(kind, name, None) for name in _ASKED if hasattr(part, name)]
    return bool(methods) and all(is_library(getattr(method, "__module__", None)) for method in methods)


def _is_of_library(function: Any) -> bool:
    function = getattr(function, "func", function)  # functools.partial
    return is_library(getattr(function, "__module__", None) or type(function).__module__)


def is_library(module: str | None) -> bool:
    """Whether a module is one of the libraries whose methods only compute."""
    return module is not None and module.partition(".")[0] in _LIBRARIES and ".tests." not in module


@dataclass
class Rows:
    """Training data to predict: all of it, or a sample; then `shortage` says so."""

    X: Any
    y: Any
    shortage: str = ""


def affordable_rows(estimator: Any, X: Any, y: Any, fit_s: float) -> Rows:
    """As many rows as can be predicted twice within the budget, evenly spaced.

    Raises:
        NotAskedError: Not even a small sample is affordable, or the data has no rows that can be picked out.
    """
    total = _row_count(X)
    if total is None:
        raise NotAskedError(f"a {type(X).__name__} is not predicted from")
    try:
        y, _ = on_host(y), on_host(X)
    except FAILURES:
        raise NotAskedError("the training data lies on a device") from None
    if total <= PROBE_ROWS:
        return Rows(X, y)
    if total <= SMALL_ROWS:
        budget_s = max(SMALL_SHARE * fit_s, SMALL_S)
    else:
        budget_s = max(BUDGET_SHARE * fit_s, BUDGET_S)
    row_s = _row_s(getattr(estimator, "predict", None) or estimator.score, X, total, budget_s)
    if row_s * total <= budget_s:
        return Rows(X, y)
    count = int(budget_s / row_s / 2)
    if count < MIN_ROWS:
        raise NotAskedError("predicting the training data takes too long")
    step = -(-total // count)
    shortage = f"of {-(-total // step):,} of the {total:,} rows: predicting all of them takes too long"
    return Rows(_every(X, step), None if y is None else _every(y, step), shortage)


def labelled(rows: Rows, classes: Any) -> Rows:
    """The rows that have a label: semi-supervised models are given -1 for those that have none.

    Raises:
        NotAskedError: They cannot be picked out.
    """
    import numpy as np

    y = None if rows.y is None or hasattr(rows.y, "tocsr") else np.asarray(rows.y)
    if y is None or y.ndim != 1 or y.dtype.kind != "i" or getattr(classes, "ndim", 0) != 1:
        return rows
    has_label = y != UNLABELLED
    if has_label.all() or (classes == UNLABELLED).any():
        return rows
    if hasattr(rows.X, "iloc"):
        X = rows.X.iloc
    elif hasattr(rows.X, "tocsr"):
        X = rows.X.tocsr()
    elif isinstance(rows.X, np.ndarray):
        X = rows.X
    else:
        raise NotAskedError("some rows have no label")
    chosen = np.flatnonzero(has_label)
    return Rows(X[chosen], y[chosen], rows.shortage)


def _row_s(method: Callable[[Any], Any], X: Any, total: int, budget_s: float) -> float:
    """What predicting one row takes, in seconds."""
    if total > CAUTIOUS_ROWS:
        took_s = _seconds(method, _every(X, -(-total // (PROBE_ROWS // 10))))
        if took_s > HOPELESS * budget_s:
            raise NotAskedError("predicting the training data takes too long")
    probe = _every(X, -(-total // PROBE_ROWS))
    took_s = _seconds(method, probe)
    if took_s * total / PROBE_ROWS > budget_s:  # the first call also loads and allocates
        took_s = _seconds(method, probe)
    return took_s / PROBE_ROWS


def _seconds(method: Callable[[Any], Any], rows: Any) -> float:
    started = time.perf_counter()
    ask(method, rows)
    return max(time.perf_counter() - started, 1e-9)


def _every(data: Any, step: int) -> Any:
    """Every step-th row."""
    if hasattr(data, "iloc"):
        return data.iloc[::step]
    if hasattr(data, "gather_every"):  # Polars
        return data.gather_every(step)
    if hasattr(data, "take") and type(data).__module__.startswith("pyarrow"):
        return data.take(list(range(0, len(data), step)))
    if hasattr(data, "tocsr"):
        return data.tocsr()[::step]
    if isinstance(data, list | tuple) or type(data).__module__.startswith("numpy"):
        return data[::step]
    if hasattr(type(data), "__dlpack__"):
        return data[::step, ...]
    raise NotAskedError(f"a {type(data).__name__} has no rows that can be picked out")


def _row_count(X: Any) -> int | None:
    """The number of rows; None for what has none or would have to compute it (generators, lazy frames)."""
    shape = getattr(X, "shape", None)
    if isinstance(shape, tuple) and shape and isinstance(shape[0], int):
        return shape[0]
    return len(X) if hasattr(X, "__len__") else None
