"""scikit-learn: the numbers that a fit arrived at, and the classes it saw.

Watches   nothing; fit.py calls it after a fit
Records   params    classes
          metrics   n_features_in, n_iter, converged (1: it stopped before `max_iter`), n_support, tree_depth, n_leaves,
                    and what `_NUMBERS` lists
Never     calls code of the user's own, computes
Needs     scikit-learn >= 1.4
"""

from numbers import Real
from typing import Any

from autotrack_integrations.sklearn.asking import chain, kept

__all__ = ["facts_of"]

_MAX_CLASSES = 100  # whose names are recorded

# Attributes that are one number which the fit arrived at.
_NUMBERS = {
    "C_": "C",
    "alpha_": "alpha",
    "best_iteration": "best_iteration",
    "best_iteration_": "best_iteration",
    "best_loss_": "best_loss",
    "best_threshold_": "best_threshold",
    "best_validation_score_": "best_val_score",
    "dual_gap_": "dual_gap",
    "kl_divergence_": "kl_divergence",
    "l1_ratio_": "l1_ratio",
    "lambda_": "lambda",
    "log_marginal_likelihood_value_": "log_marginal_likelihood",
    "loss_": "loss",
    "lower_bound_": "lower_bound",
    "n_estimators_": "n_estimators",
    "n_features_": "n_features_selected",
    "n_trials_": "n_trials",
    "noise_variance_": "noise_variance",
    "oob_score_": "oob_score",
    "reconstruction_err_": "reconstruction_error",
    "stress_": "stress",
}


def facts_of(estimator: Any) -> tuple[dict[str, Any], dict[str, float]]:
    """Params and metrics that a fitted estimator keeps: its classes; the numbers its fit arrived at."""
    *_, final = chain(estimator)
    attributes = getattr(final, "__dict__", {})
    found: dict[str, Any] = {
        "n_features_in": kept(estimator, "n_features_in_"),
        "n_iter": _greatest(kept(final, "n_iter_")),
        "converged": _converged(final),
    }
    if hasattr(support := kept(final, "n_support_"), "tolist"):
        found["n_support"] = sum(support.tolist())
    if "tree_" in attributes:  # of a decision tree; neighbours keep one of another kind
        found["tree_depth"] = getattr(attributes["tree_"], "max_depth", None)
        found["n_leaves"] = getattr(attributes["tree_"], "n_leaves", None)
    is_foreign = not type(final).__module__.startswith("sklearn.")
    for attribute, name in _NUMBERS.items():
        if attribute in attributes or (is_foreign and attribute.startswith("best_iteration")):
            found[name] = _single(kept(final, attribute))
    if "lower_bounds_" in attributes:  # a curve, and this its last value
        found.pop("lower_bound", None)
    if found.get("best_iteration") == 0:  # LightGBM's word for: it was not told to look for one
        del found["best_iteration"]
    metrics = {name: float(value) for name, value in found.items() if isinstance(value, Real)}
    classes = _class_names(kept(estimator, "classes_"))
    return ({} if classes is None else {"classes": classes}), metrics


def _single(value: Any) -> Any:
    """One number, also where an estimator has it once for each class; None if they differ."""
    if getattr(value, "size", 0) >= 1 and getattr(value, "dtype", None) is not None and value.dtype.kind in "iuf":
        numbers = set(value.ravel().tolist())
        return numbers.pop() if len(numbers) == 1 else None
    return value


def _greatest(n_iter: Any) -> Any:
    """Iterations of the class, output or component that took the most."""
    if isinstance(n_iter, list | tuple):
        return max(n_iter, default=None)
    return n_iter.max() if getattr(n_iter, "ndim", 0) and n_iter.size else n_iter


def _converged(estimator: Any) -> bool | None:
    """Whether it stopped before the last iteration it was allowed; None where that says nothing."""
    said = kept(estimator, "converged_")
    if said is not None:
        return bool(said)
    attributes = getattr(estimator, "__dict__", {})
    most, is_judged = attributes.get("max_iter"), attributes.get("tol") is not None
    # Of histogram boosting `max_iter` is the number of trees, and all of them is the rule.
    if not isinstance(most, int) or most <= 0 or not is_judged or "max_leaf_nodes" in attributes:
        return None
    taken = _greatest(kept(estimator, "n_iter_"))
    return bool(taken < most) if isinstance(taken, Real) else None


def _class_names(classes: Any) -> list[Any] | None:
    if isinstance(classes, list):  # several outputs
        names = [_class_names(part) for part in classes]
        return names if names and all(name is not None for name in names) and len(names) <= _MAX_CLASSES else None
    if getattr(classes, "ndim", 0) != 1 or not 0 < len(classes) <= _MAX_CLASSES:
        return None
    plain = classes.tolist()
    return plain if all(isinstance(name, str | int | float | None) for name in plain) else None
