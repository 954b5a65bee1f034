"""scikit-learn: what an estimator itself keeps of each iteration of its fit.

Watches   nothing; fit.py calls it after a fit
Records   metrics   each with a value per iteration, step = number of the iteration
                      train_loss, val_loss        networks, boosting, skorch
                      train_subset_score          histogram boosting that stops early by a score: of at most 10,000 rows
                      val_score                   the same, and networks; LogisticRegressionCV (by C, with C_path),
                                                  TunedThresholdClassifierCV (by threshold), RFECV (by n_features)
                      val_mean_squared_error      of the folds, with alpha_path: LassoCV, ElasticNetCV, LarsCV ...
                      <set>_<metric>              evals_result_ of XGBoost, LightGBM, CatBoost, as `val_logloss`
                      monitored_<score>           what a ScoringMonitor has seen of the iterations
                      and what others keep        _SOURCES says which attribute becomes what
Never     calls code of the user's own; copies what it does not record
Needs     scikit-learn >= 1.4
"""

import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from autotrack import run
from autotrack_integrations.sklearn.asking import FAILURES, chain, kept
from autotrack_integrations.sklearn.results import is_number

__all__ = ["curves_of", "record_curves"]

Curves = Iterator[tuple[str, Any]]

_MAX_POINTS = 10_000  # of a curve; of longer ones evenly spaced steps are recorded, the last among them

# Attributes that are one number per iteration, whatever estimator has them.
_PLAIN = {
    "error_": "reconstruction_error",
    "loglike_": "log_likelihood",
    "loss_curve_": "train_loss",
    "lower_bounds_": "lower_bound",
    "oob_improvement_": "oob_improvement",
    "oob_scores_": "oob_loss",  # "the history of the loss values on the out-of-bag samples"
    "validation_scores_": "val_score",
}


def record_curves(target: run.Run, estimator: Any, recorded: dict[str, int]) -> None:
    """Record what a fitted estimator keeps of each iteration; the step is the number of the iteration, from 0.

    Args:
        recorded: How many values of each curve are on record: a fit that goes on (`warm_start`) makes them longer.
            Brought up to date.
    """
    curves = curves_of(estimator)
    longest = max(map(len, curves.values()), default=0)
    stride = -(-longest // _MAX_POINTS)
    for name, values in curves.items():
        new = range(recorded.get(name, 0), len(values))
        steps = [step for step in new if step % stride == 0 or step == len(values) - 1]
        if steps:
            target.derive_series({name: [values[step] for step in steps]}, steps)
        recorded[name] = len(values)


def curves_of(estimator: Any) -> Mapping[str, Sequence[float]]:
    """The values per iteration that a fitted estimator keeps, by the metric's name; empty if it keeps none."""
    *_, final = chain(estimator)
    attributes = getattr(final, "__dict__", {})
    found: dict[str, Sequence[float]] = {}
    for name, source in _SOURCES.items():
        if name in attributes or (name == "evals_result_" and not type(final).__module__.startswith("sklearn.")):
            try:
                for key, values in source(final, kept(final, name)):
                    if numbers := _numbers(values):
                        found[key] = numbers
            except FAILURES:  # it keeps something else under this name
                continue
    return found


# ---- one function for each kind of thing that is kept; each is given the estimator and the attribute


def _plain(name: str) -> Callable[[Any, Any], Curves]:
    def source(estimator: Any, values: Any) -> Curves:
        yield name, values

    return source


def _boosting_scores(estimator: Any, values: Any) -> Curves:
    """Of histogram boosting scores, the first one before the first iteration; of the older kind losses."""
    if not hasattr(estimator, "validation_score_"):
        yield "train_loss", values
        return
    if getattr(estimator, "scoring", None) == "loss":
        yield "train_loss", [-score for score in values]
        yield "val_loss", [-score for score in estimator.validation_score_]
    else:
        yield "train_subset_score", values
        yield "val_score", estimator.validation_score_


def _rounds(estimator: Any, values: Any) -> Curves:
    """Of AdaBoost; rounds that were not reached are filled up in the arrays."""
    count = len(estimator.estimators_)
    yield "estimator_error", values[:count]
    yield "estimator_weight", estimator.estimator_weights_[:count]


def _evidence(estimator: Any, values: Any) -> Curves:
    """Of Bayesian regression, if it was told to compute it; of LogisticRegressionCV scores by C."""
    if hasattr(estimator, "Cs_"):
        yield from _scores_by_c(estimator, values)
    elif hasattr(estimator, "lambda_"):
        yield "log_marginal_likelihood", values


def _scores_by_c(estimator: Any, values: Any) -> Curves:
    """The mean over classes and folds, for the best ratio of penalties. Axes: folds, then C and ratio either way."""
    import numpy as np

    count = len(estimator.Cs_)
    if isinstance(values, Mapping):
        means = np.mean([np.asarray(scores).mean(axis=0) for scores in values.values()], axis=0).reshape(count, -1)
    else:
        means = np.asarray(values).mean(axis=0).reshape(-1, count).T
    yield "val_score", means[:, means.max(axis=0).argmax()]
    yield "C_path", estimator.Cs_


def _errors_by_alpha(estimator: Any, values: Any) -> Curves:
    """The mean over the folds, for the best ratio of penalties."""
    import numpy as np

    means = np.asarray(values).mean(axis=-1)
    alphas = np.asarray(
        getattr(estimator, "cv_alphas_", None) if hasattr(estimator, "cv_alphas_") else estimator.alphas_
    )
    if means.ndim == 2:
        best = means.min(axis=1).argmin()
        means, alphas = means[best], alphas[best] if alphas.ndim == 2 else alphas
    yield "val_mean_squared_error", means
    yield "alpha_path", alphas


def _criterion(estimator: Any, values: Any) -> Curves:
    yield str(estimator.criterion), values
    yield "alpha_path", estimator.alphas_


def _costs(estimator: Any, values: Any) -> Curves:
    yield "cost", [cost for cost, _ in values]
    yield "dual_gap", [gap for _, gap in values]


def _labeled(estimator: Any, values: Any) -> Curves:
    """How many rows have a label after each iteration; 0 is before the first, -1 those that never got one."""
    import numpy as np

    yield "n_labeled", np.bincount(values[values >= 0]).cumsum()


def _validated(estimator: Any, values: Any) -> Curves:
    """Of RFECV by number of features, of TunedThresholdClassifierCV by threshold; a search has its candidates."""
    if not isinstance(values, Mapping) or "params" in values:
        return
    if "n_features" in values:
        yield "val_score", values["mean_test_score"]
        yield "n_features", values["n_features"]
    elif "thresholds" in values:
        yield "val_score", values["scores"]
        yield "threshold", values["thresholds"]


def _evaluations(estimator: Any, values: Any) -> Curves:
    """`val_logloss` of the only data set that is not the training data; of several each by its own name."""
    names = {"learn": "train", "training": "train", "valid": "val", "validation": "val"}
    others = [name for name in values if names.get(name, name) != "train"]
    for data_set, metrics in values.items():
        is_numbered = re.fullmatch(r"(?:valid|validation|eval)(?:_\d+)?", data_set) and len(others) == 1
        phase = "val" if is_numbered else names.get(data_set, data_set)
        for metric, numbers in metrics.items():
            yield re.sub(r"[^\w@.]+", "_", f"{phase}_{metric}".lower()).strip("_"), numbers


def _epochs(estimator: Any, values: Any) -> Curves:
    """Of skorch: a list of dicts, one for each epoch."""
    names = {"valid_acc": "val_accuracy", "event_lr": "lr", "dur": "epoch_time_s"}
    rows = [row for row in values if isinstance(row, Mapping)]
    for key, value in rows[-1].items() if rows else ():
        is_told_elsewhere = key == "epoch" or key.endswith(("_best", "_batch_count"))
        if is_number(value) and not is_told_elsewhere:
            yield names.get(key, re.sub("^valid_", "val_", key)), [row.get(key, math.nan) for row in rows]


def _monitored(estimator: Any, values: Any) -> Curves:
    """Of scikit-learn's own ScoringMonitor, which the user has set: the scores of each iteration of one fit."""
    for callback in values:
        if type(callback).__module__ != "sklearn.callback._scoring_monitor":
            continue
        rows = callback.get_logs().data
        deepest = max(len(row["task_id_path"]) for row in rows)
        rows = sorted((row for row in rows if len(row["task_id_path"]) == deepest > 1), key=lambda row: row["task_id"])
        if len({row["parent_task_id_path"] for row in rows}) == 1:
            for name, value in rows[0].items():
                if isinstance(value, float):
                    yield f"monitored_{name}", [row[name] for row in rows]


_SOURCES: dict[str, Callable[[Any, Any], Curves]] = {
    **{attribute: _plain(name) for attribute, name in _PLAIN.items()},
    "_skl_callbacks": _monitored,
    "costs_": _costs,
    "criterion_": _criterion,
    "cv_results_": _validated,
    "estimator_errors_": _rounds,
    "evals_result_": _evaluations,
    "history_": _epochs,
    "labeled_iter_": _labeled,
    "mse_path_": _errors_by_alpha,
    "scores_": _evidence,
    "train_score_": _boosting_scores,
}


def _numbers(values: Any) -> list[float]:
    """A curve as numbers; empty if it is no curve."""
    import numpy as np

    array = np.asarray(values)
    is_curve = array.ndim == 1 and array.size > 0 and array.dtype.kind in "iuf"
    numbers: list[float] = array.astype(float).tolist() if is_curve else []
    return numbers
