"""scikit-learn: what a fitted model weighs its features by, and what they are called.

Watches   nothing; tables.py asks here
Never     calls code of the user's own; keeps more than MAX_FEATURES features. What takes time (importances of a forest,
          names of features) is worked out later, on a thread of ours, of shallow copies: the user may fit again
Needs     scikit-learn >= 1.4
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from autotrack_integrations.sklearn.asking import FAILURES, chain, is_all_library, kept

__all__ = ["Weights", "weights_of"]

MAX_FEATURES = 1_000  # of more those with the greatest absolute weight are kept
MAX_OUTPUTS = 200  # classes or outputs that coefficients are kept of
MAX_VALUES = 5_000_000  # coefficients that are copied: 40 MB for a moment
_WRAPPED = ("estimator_", "regressor_")  # of wrappers that fit one model and have no weights of their own

Read = Callable[[], Any]


class Weights:
    """Taken on the thread of the fit; `tables` may be called on another one.

    Attributes:
        lacks: Tables that do not tell of all features, and why.
    """

    def __init__(self, names: Callable[[int], Sequence[str]]) -> None:
        self.lacks: dict[str, str] = {}
        self._names = names
        self._importances: Read | None = None
        self._coefficients: tuple[Read, Any, list[str]] | None = None

    def take(self, model: Any, is_askable: bool) -> bool:
        """Take what a model weighs by; whether it has such a thing."""
        self._importances = _reader(model, "feature_importances_", is_askable)
        coefficients = _reader(model, "coef_", is_askable)
        if coefficients is not None:
            self._coefficients = coefficients, kept(model, "intercept_"), _class_names(model)
        for name, read in (("feature_importances", self._importances), ("coefficients", coefficients)):
            features = kept(model, "n_features_in_")
            if read is not None and isinstance(features, int) and features > MAX_FEATURES:
                self.lacks[name] = f"the {MAX_FEATURES:,} that weigh most of {features:,} features"
        return self._importances is not None or coefficients is not None

    def tables(self) -> dict[str, dict[str, Any]]:
        """The tables feature_importances and coefficients, as far as there are any."""
        tables: dict[str, dict[str, Any]] = {}
        if self._importances is not None and (columns := self._importance_columns(self._importances())) is not None:
            tables["feature_importances"] = columns
        if self._coefficients is not None and (columns := self._coefficient_columns(*self._coefficients)) is not None:
            tables["coefficients"] = columns
        return tables

    def _importance_columns(self, found: Any) -> dict[str, Any] | None:
        import numpy as np

        values = np.asarray(found)
        if values.ndim != 1 or not values.size or values.dtype.kind not in "iuf":
            return None
        picked = np.argsort(-np.abs(values), kind="stable")[:MAX_FEATURES]
        names = self._names(len(values))
        return {"feature": [names[at] for at in picked.tolist()], "importance": values[picked]}

    def _coefficient_columns(self, read: Read, intercept: Any, classes: list[str]) -> dict[str, Any] | None:
        import numpy as np

        values = read()
        values = np.atleast_2d(np.asarray(values.toarray() if hasattr(values, "toarray") else values))
        if values.ndim != 2 or values.dtype.kind not in "iuf" or not 0 < len(values) <= MAX_OUTPUTS or not values.size:
            return None
        outputs, features = values.shape
        picked = np.arange(features)
        if features > MAX_FEATURES:
            picked = np.sort(np.argsort(-np.abs(values).max(axis=0), kind="stable")[:MAX_FEATURES])
        names = self._names(features)
        columns: dict[str, Any] = {"feature": [names[at] for at in picked.tolist()]}
        added = _one_for_each(intercept, outputs)
        if added is not None:
            columns["feature"].append("(intercept)")
        for at, name in enumerate(_output_names(outputs, classes)):
            column = values[at, picked]
            columns[name] = column if added is None else np.append(column, added[at])
        return columns


def weights_of(estimator: Any, params: Mapping[str, Any]) -> Weights | None:
    """What the model at the end of an estimator's chain weighs its features by; None if it does not say.

    Args:
        params: The estimator's `get_params(deep=True)`.
    """
    is_askable = is_all_library(estimator, params)
    for model, support in _models(estimator):
        weights = Weights(_namer(estimator, support, is_askable))
        if weights.take(model, is_askable):
            return weights
    return None


def _models(estimator: Any) -> Iterator[tuple[Any, Any]]:
    """The model at the end of the chain and what it wraps, each with the features it uses (a mask; None: all)."""
    *_, final = chain(estimator)
    yield final, None
    for name in _WRAPPED:
        inner = getattr(final, "__dict__", {}).get(name)
        if hasattr(inner, "get_params"):
            yield inner, kept(final, "support_")


def _reader(model: Any, name: str, is_askable: bool) -> Read | None:
    """How to read a fitted attribute later: of a copy made now. None if there is none.

    What lies in the model is copied. A property of scikit-learn computes, so it is asked later; one of other libraries
    is asked now, because their models may hold memory that a second fit changes.
    """
    import numpy as np

    attributes = getattr(model, "__dict__", {})
    found = attributes.get(name)
    if found is None:
        owner = next((owner for owner in type(model).__mro__ if name in owner.__dict__), None)
        if owner is None or not is_askable:
            return None
        if owner.__module__.startswith("sklearn."):
            copy = _shallow(model)
            return None if copy is None else lambda: kept(copy, name)
        found = kept(model, name)
    if found is None or getattr(found, "size", 0) > MAX_VALUES:
        return None
    taken = found.copy() if hasattr(found, "copy") else np.array(found)
    return lambda: taken


def _shallow(model: Any) -> Any:
    """Another object with the same attributes; its lists are its own. It works in one thread."""
    if hasattr(type(model), "__del__"):
        return None
    copy = object.__new__(type(model))
    copy.__dict__.update({key: value.copy() if type(value) is list else value for key, value in vars(model).items()})
    if "n_jobs" in copy.__dict__:
        copy.__dict__["n_jobs"] = None
    return copy


def _namer(estimator: Any, support: Any, is_askable: bool) -> Callable[[int], Sequence[str]]:
    """How to name the features of the model at the end of the chain, later."""
    *wrappers, final = chain(estimator)
    given = kept(final, "feature_names_in_")
    steps: list[Any] = []
    if given is None and wrappers and is_askable:
        given = kept(estimator, "feature_names_in_")
        for part in wrappers:
            steps += [_shallow(step) for _, step in getattr(part, "steps", ())[:-1] if hasattr(step, "get_params")]

    def names(count: int) -> Sequence[str]:
        found = given
        try:
            for step in steps:
                found = step.get_feature_names_out(found)
            if found is not None and support is not None:
                found = found[support]
        except FAILURES:
            found = None
        if found is None or len(found) != count:
            return [f"x{at}" for at in range(count)]
        return [str(name) for name in found]

    return names


def _one_for_each(intercept: Any, outputs: int) -> Any:
    import numpy as np

    values = np.ravel(intercept) if intercept is not None else np.empty(0)
    if values.dtype.kind not in "iuf" or values.size not in (1, outputs):
        return None
    return np.broadcast_to(values, (outputs,)).copy()


def _class_names(model: Any) -> list[str]:
    """What each row of coefficients is of; of a kernel machine each pair of classes, one against one."""
    classes = kept(model, "classes_")
    names = [str(name) for name in classes.tolist()] if getattr(classes, "ndim", 0) == 1 else []
    if kept(model, "support_vectors_") is not None:
        return [f"{one} or {other}" for at, one in enumerate(names) for other in names[at + 1 :]]
    return names


def _output_names(count: int, classes: list[str]) -> list[str]:
    """`coefficient` of the only one; of several each with its class, pair of classes, or number."""
    if count == 1:
        return ["coefficient"]
    return [f"coefficient {name}" for name in (classes if len(classes) == count else range(count))]
