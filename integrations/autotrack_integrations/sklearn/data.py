"""scikit-learn: the data a model was fitted on, and the data it was evaluated on.

Watches   nothing; fit.py calls it before a fit, metrics.py after a metric
Records   data      X, y and every other array that a fit was given (`sample_weight`, ...): what it is, its fingerprint,
                    missing values, the classes or the spread of the target
                    X_test, y_test and the like: the same of what the model was first evaluated on under that name;
                    other data under a name that is taken as X_test_2 ...; `rows_in_training`: how many rows of
                    X_test are rows of the training data as well
          tags      rows_in_training, where that is more than one would expect
Never     copies or keeps the data, looks at it longer than a small share of the fit, or after `predict`
Needs     scikit-learn >= 1.4
"""

import inspect
import sys
from collections.abc import Mapping
from typing import Any

from autotrack import model, run
from autotrack.hooks import Call
from autotrack.run.provenance import Evaluation, Origin, evaluations

__all__ = ["arrays_in", "describe", "describe_given", "is_training_again", "record_evaluated"]

BUDGET_S = 0.05  # for X, whose fit may take any time
OTHERS_S = 0.01  # for y, weights and the like
LATER_SHARE = 0.01  # of the duration of the fit, for data of an evaluation ...
LATER_S = (0.02, 0.1)  # ... but at least and at most this
_MAX_EVALUATIONS = 20  # of a run that are told apart; an evaluation beyond it is taken for the first of its name


def describe_given(call: Call) -> dict[str, Any]:
    """What a fit was given, by the names of its arguments. Before the fit: it may change its data in place."""
    return describe(call.args[0], {"X": call.argument(1, "X"), "y": call.argument(2, "y"), **_others(call)})


def describe(estimator: Any, given: Mapping[str, Any]) -> dict[str, Any]:
    """Data for an estimator, by name; what is None is left out.

    Args:
        estimator: Its kind says whether `y` are classes or numbers.
        given: Arrays, frames, lists.
    """
    there = {name: value for name, value in given.items() if value is not None}
    if not run.keeps("fingerprints"):
        return {name: model.describe(value) for name, value in there.items()}
    described = {}
    for name, value in there.items():
        target = _kind(estimator) if name == "y" else ""
        described[name] = model.inspect(value, budget_s=BUDGET_S if name == "X" else OTHERS_S, target=target)
    return described


def arrays_in(given: Mapping[str, Any] | None) -> dict[str, Any]:
    """The arrays beside X and y among what a function was given by name."""
    return {name: value for name, value in (given or {}).items() if name not in ("X", "y") and _is_array(value)}


def _others(call: Call) -> dict[str, Any]:
    """Arrays beside X and y."""
    found = arrays_in(call.kwargs)
    if len(call.args) > 3:
        fit = inspect.unwrap(type(call.args[0]).fit)
        names = getattr(getattr(fit, "__code__", None), "co_varnames", ())
        found.update({name: value for name, value in zip(names[3:], call.args[3:], strict=False) if _is_array(value)})
    return found


def _is_array(value: Any) -> bool:
    return (isinstance(value, list | tuple) and len(value) > 0) or bool(getattr(value, "shape", ()))


def _kind(estimator: Any) -> str:
    base: Any = sys.modules["sklearn.base"]
    if isinstance(estimator, base.ClassifierMixin):
        return "classifier"
    return "regressor" if isinstance(estimator, base.RegressorMixin) else "model"


def is_training_again(origin: Origin, X: Any) -> bool:
    """Whether this is the data of the fit, where only its contents can tell: lists cannot be referred to weakly."""
    if X is None or not origin.training or origin.training[0] is not None or not run.keeps("fingerprints"):
        return False
    known = origin.run.data.get("X", {}).get("fingerprint")
    return known is not None and model.inspect(X, budget_s=OTHERS_S).get("fingerprint") == known


def record_evaluated(origin: Origin, data_set: str, X: Any, y: Any) -> int:
    """Record what a model was evaluated on, once.

    Args:
        data_set: What the data is called, such as `test`.
        X: What was predicted from, if it is known; likewise y, the truth.

    Returns:
        Which data of this name it is: 0 for the first.
    """
    seen = {name: value for name, value in (("X", X), ("y", y)) if value is not None}
    if not seen or not data_set or data_set == "train":
        return 0
    known = evaluations(origin.run)
    named = known.setdefault(data_set, [])
    for number, before in enumerate(named):
        if before.is_of(seen):
            return number
    if not run.keeps("fingerprints") or sum(map(len, known.values())) >= _MAX_EVALUATIONS:
        if not named:
            named.append(Evaluation(seen))
        return 0
    return _record_new(origin, data_set, seen, named)


def _record_new(origin: Origin, data_set: str, seen: dict[str, Any], named: list[Evaluation]) -> int:
    """Look at data that may be known already, as other objects."""
    shortest, longest = LATER_S
    budget_s = min(max(LATER_SHARE * origin.run.metrics.get("fit_time_s", 0.0), shortest), longest)
    described = {
        name: model.inspect(value, budget_s=budget_s, target="model" if name == "y" else "")
        for name, value in seen.items()
    }
    prints = {name: found.get("fingerprint") for name, found in described.items()}
    number = next((number for number, before in enumerate(named) if before.has(prints)), len(named))
    if number < len(named):
        recorded = named[number].prints
        named[number] = Evaluation(seen, {**recorded, **prints})
    else:
        recorded = {}
        named.append(Evaluation(seen, prints))
    suffix = f"{data_set}_{number + 1}" if number else data_set
    if "X" in described and "X" not in recorded:
        described["X"].update(_overlap(origin, f"X_{suffix}", seen["X"], budget_s))
    new = {f"{name}_{suffix}": found for name, found in described.items() if name not in recorded}
    if new:
        origin.run.describe_data(new)
    return number


def _overlap(origin: Origin, name: str, X: Any, budget_s: float) -> dict[str, Any]:
    training = origin.training[0]() if origin.training and origin.training[0] is not None else None
    if training is None:
        return {"rows_in_training": None, "why_unknown": "the training data is gone"}
    found = model.overlap(X, training, budget_s)
    if found.count is None:
        return {"rows_in_training": None, "why_unknown": found.why_unknown}
    if found.is_remarkable:
        origin.run.set_tags({"rows_in_training": f"{name}: {found.count}"})
    return {"rows_in_training": found.count}
