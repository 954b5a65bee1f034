"""scikit-learn: a permutation importance belongs to the run of its model.

Watches   sklearn.inspection.permutation_importance, as metrics.py watches functions
Records   table     `permutation_importance`: feature, mean, std; with several metrics one for each, as
                    `permutation_importance_f1`; named after the data, as `test_permutation_importance`
          in the run of the fitted model, in one of its own if that is not known
Never     computes an importance
Needs     scikit-learn >= 1.4
"""

from collections.abc import Generator, Mapping
from importlib import import_module
from typing import Any

from autotrack import run
from autotrack.hooks import Call, Patch, Scope
from autotrack.run.provenance import Origin, origin_of
from autotrack_integrations.sklearn.metrics import validated_functions
from autotrack_integrations.sklearn.names import data_set_of

__all__ = ["watch"]


def watch() -> list[Patch]:
    """Start watching; the caller keeps the patches and calls undo() on each."""
    module = import_module("sklearn.inspection")  # as an attribute of sklearn it may not be there yet

    return [
        Patch(cell, "cell_contents", watch_importance)
        for name, cell in validated_functions(module)
        if name == "permutation_importance"
    ]


def watch_importance(call: Call) -> Generator[None, None, None]:
    """Record the importances in the run of the model; a failed run only if it has none."""
    if not run.is_recording():
        return
    estimator = call.argument(0, "estimator")
    origin, is_ours = origin_of(estimator), False
    with run.Opened():
        if origin is not None:
            target = origin.run
        else:
            target, is_ours = run.start_fit(f"permutation_importance({type(estimator).__name__})", "sklearn")
        with Scope("permutation_importance"):
            yield
        if call.error is None and run.keeps("tables"):
            tables = _tables(call, origin)
            target.derive_tables(lambda: tables)
        if is_ours:
            target.finish("finished" if call.error is None else "failed", call.error)


def _tables(call: Call, origin: Origin | None) -> dict[str, dict[str, list[Any]]]:
    X, result = call.argument(1, "X"), call.result
    name = "permutation_importance"
    if origin is not None and (data_set := data_set_of(origin, [X, call.argument(2, "y")], None)):
        name = f"{data_set}_{name}"
    found = {name: result} if "importances_mean" in result else {f"{name}_{key}": part for key, part in result.items()}
    return {key: _columns(part, X) for key, part in found.items()}


def _columns(result: Mapping[str, Any], X: Any) -> dict[str, list[Any]]:
    mean, std = result["importances_mean"].tolist(), result["importances_std"].tolist()
    names = [str(name) for name in getattr(X, "columns", ())]
    return {"feature": names or [f"x{index}" for index in range(len(mean))], "mean": mean, "std": std}
