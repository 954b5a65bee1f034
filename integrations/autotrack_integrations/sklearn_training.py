"""scikit-learn: metrics on the training data, from one pass of predictions in bounded time.

Watches   nothing; sklearn.py calls it after a fit
Records   metrics   classifiers        train_score train_accuracy train_precision train_recall train_f1 (the last three
                                       averaged over the classes by their share), train_log_loss, train_roc_auc
                    regressors         train_score train_r2 train_mean_absolute_error train_mean_squared_error
                                       train_root_mean_squared_error
                    clusterers         train_n_clusters train_inertia
                    outlier detectors  train_outlier_share
                    others             train_score
Never     predicts longer than a small share of the fit: beyond it every k-th row is used, and that is recorded
Needs     scikit-learn >= 1.4

Formulas are those of sklearn.metrics (accuracy_score, precision_recall_fscore_support(average="weighted"), log_loss,
roc_auc_score(multi_class="ovr"), r2_score, mean_squared_error ...), on arrays that are already validated.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Training", "kind_of", "training_metrics"]

BUDGET_SHARE = 0.05  # of the duration of the fit
BUDGET_S = 0.02  # or this, for fits too short to have a share
PROBE_ROWS = 200  # how many rows are predicted to learn what one costs; fewer are predicted anyway
MIN_ROWS = 50  # a sample smaller than this says nothing
_MAX_CLASSES = 200  # a confusion matrix beyond it costs more than it says

# Methods `predict` that are by definition the arg max of `predict_proba` (checked on scikit-learn 1.4 to 1.9): one
# pass over the data gives both.
_ARGMAX_OF_PROBA = frozenset(
    {
        "LinearClassifierMixin.predict",
        "ForestClassifier.predict",
        "BaseDecisionTree.predict",
        "HistGradientBoostingClassifier.predict",
        "BaggingClassifier.predict",
        "_BaseNB.predict",
    }
)


@dataclass
class Training:
    """What was found: metrics; the number of rows they are of, if not of all; why there are none, if so."""

    metrics: dict[str, float] = field(default_factory=dict)
    rows: int | None = None
    reason: str = ""


def kind_of(estimator: Any) -> str | None:
    """classifier, regressor, clusterer, outlier_detector, density_estimator or model; None: it only transforms."""
    try:
        from sklearn.utils import get_tags

        kind = get_tags(estimator).estimator_type
    except (ImportError, AttributeError, TypeError, ValueError, NotImplementedError):
        kind = getattr(estimator, "_estimator_type", None)  # scikit-learn < 1.6, and its third parties
    if kind:
        return str(kind)
    return "model" if hasattr(estimator, "predict") or hasattr(estimator, "fit_predict") else None


def training_metrics(estimator: Any, X: Any, y: Any, fit_s: float) -> Training:
    """The training metrics of a fitted estimator.

    Args:
        X: What it was fitted on; shape (n_samples, n_features).
        y: Its target; shape (n_samples,) or (n_samples, n_outputs), or None.
        fit_s: How long the fit took, in seconds: the budget is a share of it.
    """
    kind = kind_of(estimator)
    if kind == "clusterer":
        return Training(_cluster_metrics(estimator))
    if _may_draw(estimator):
        return Training(reason="its predictions draw from a random state")
    rows = _affordable_rows(estimator, X, max(BUDGET_SHARE * fit_s, BUDGET_S))
    if rows is None:
        return Training(reason="predicting the training data takes too long")
    X, y, sampled = _sample(X, y, rows)
    if kind == "outlier_detector":
        return Training({"train_outlier_share": float((estimator.predict(X) == -1).mean())}, sampled)
    if kind == "classifier" and _is_plain_target(estimator, y):
        return Training(_classifier_metrics(estimator, X, y), sampled)
    if kind == "regressor" and _has_usual_score(estimator, "RegressorMixin") and getattr(y, "ndim", 1) == 1:
        return Training(_regressor_metrics(estimator, X, y), sampled)
    if hasattr(estimator, "score") and (y is not None or kind == "density_estimator"):
        return Training({"train_score": float(estimator.score(X, y))}, sampled)
    return Training()


def _classifier_metrics(estimator: Any, X: Any, y: Any) -> dict[str, float]:
    import numpy as np

    classes = estimator.classes_
    proba, predicted = _predict(estimator, X)
    true = np.searchsorted(classes, np.asarray(y))
    count = len(classes)
    confusion = np.bincount(true * count + predicted, minlength=count * count).reshape(count, count)
    hits, support, chosen = confusion.diagonal(), confusion.sum(axis=1), confusion.sum(axis=0)
    share = support / len(true)
    precision, recall = hits / np.maximum(chosen, 1), hits / np.maximum(support, 1)
    f1 = 2 * hits / np.maximum(chosen + support, 1)
    accuracy = float(hits.sum()) / len(true)
    found = {"train_score": accuracy, "train_accuracy": accuracy}
    if not _has_usual_score(estimator, "ClassifierMixin"):
        found["train_score"] = float(estimator.score(X, y))
    found["train_precision"] = float(precision @ share)
    found["train_recall"] = float(recall @ share)
    found["train_f1"] = float(f1 @ share)
    if proba is not None:
        found.update(_probability_metrics(proba, true, support))
    return found


def _probability_metrics(proba: Any, true: Any, support: Any) -> dict[str, float]:
    import numpy as np

    tiny = np.finfo(proba.dtype).eps
    chosen = proba[np.arange(len(true)), true]
    found = {"train_log_loss": float(-np.log(np.clip(chosen, tiny, 1 - tiny)).mean())}
    if support.all():
        columns = [1] if len(support) == 2 else range(len(support))
        areas = [_area_under_roc(proba[:, column], true == column) for column in columns]
        found["train_roc_auc"] = float(sum(areas) / len(areas))
    return found


def _area_under_roc(scores: Any, positive: Any) -> float:
    """The share of pairs (positive, negative) that the scores put in order; ties count half (Mann and Whitney's U)."""
    import numpy as np

    ordered = np.sort(scores[~positive])
    wanted = scores[positive]
    below = np.searchsorted(ordered, wanted, "left").sum() + np.searchsorted(ordered, wanted, "right").sum()
    return float(below) / (2.0 * len(ordered) * len(wanted))


def _regressor_metrics(estimator: Any, X: Any, y: Any) -> dict[str, float]:
    import numpy as np

    true = np.asarray(y, dtype=float)
    error = np.asarray(estimator.predict(X), dtype=float).reshape(true.shape) - true
    squared = float(error @ error)
    spread = true - true.mean()
    total = float(spread @ spread)
    r2 = 1.0 - squared / total if total else float(squared == 0.0)
    mean_squared = squared / len(true)
    return {
        "train_score": r2,
        "train_r2": r2,
        "train_mean_absolute_error": float(np.abs(error).mean()),
        "train_mean_squared_error": mean_squared,
        "train_root_mean_squared_error": mean_squared**0.5,
    }


def _cluster_metrics(estimator: Any) -> dict[str, float]:
    """From what the fit left behind: nothing is predicted."""
    import numpy as np

    final = _final(estimator)
    found = {}
    labels = getattr(final, "labels_", None)
    if labels is not None:
        names = np.unique(labels)
        found["train_n_clusters"] = float((names >= 0).sum())
        if names.size and names[0] < 0:
            found["train_noise_share"] = float((labels < 0).mean())
    if isinstance(getattr(final, "inertia_", None), float):
        found["train_inertia"] = float(final.inertia_)
    return found


def _predict(estimator: Any, X: Any) -> tuple[Any, Any]:
    """The probabilities, if the estimator has them, and the position in `classes_` of each prediction."""
    import numpy as np

    proba = estimator.predict_proba(X) if hasattr(estimator, "predict_proba") else None
    if proba is not None and _qualified_predict(_final(estimator)) in _ARGMAX_OF_PROBA:
        return proba, proba.argmax(axis=1)
    return proba, np.searchsorted(estimator.classes_, estimator.predict(X))


def _is_plain_target(estimator: Any, y: Any) -> bool:
    """One output, with known and sorted classes: binary or multiclass."""
    classes = getattr(estimator, "classes_", None)
    if y is None or getattr(y, "ndim", 1) != 1 or len(getattr(classes, "shape", ())) != 1:
        return False
    return 0 < len(classes) <= _MAX_CLASSES


def _has_usual_score(estimator: Any, mixin: str) -> bool:
    """Whether `score` is scikit-learn's accuracy (of ClassifierMixin) or R2 (of RegressorMixin)."""
    if getattr(estimator, "scoring", None) is not None:
        return False
    method = getattr(type(_final(estimator)), "score", None)
    return getattr(method, "__qualname__", "") == f"{mixin}.score"


def _final(estimator: Any) -> Any:
    """The estimator that does the predicting: the last step of a pipeline, the best one of a search."""
    for _ in range(10):
        if hasattr(estimator, "best_estimator_"):
            estimator = estimator.best_estimator_
        elif hasattr(estimator, "_final_estimator"):
            estimator = estimator._final_estimator
        else:
            break
    return estimator


def _qualified_predict(estimator: Any) -> str:
    method = getattr(type(estimator), "predict", None)
    is_theirs = getattr(method, "__module__", "").startswith("sklearn.")
    return getattr(method, "__qualname__", "") if is_theirs else ""


def _may_draw(estimator: Any) -> bool:
    """Whether predicting may advance a random state, which would change what the user computes next."""
    parts = [estimator, *(part for part in estimator.get_params(deep=True).values() if hasattr(part, "get_params"))]
    for part in parts:
        name = type(part).__name__
        is_random_dummy = name == "DummyClassifier" and part.strategy in ("stratified", "uniform")
        if is_random_dummy or (name == "IterativeImputer" and part.sample_posterior):
            return True
    return False


def _affordable_rows(estimator: Any, X: Any, budget_s: float) -> int | None:
    """How many rows may be predicted within the budget, twice over; None: not even a small sample."""
    rows = _row_count(X)
    if rows is None or rows <= PROBE_ROWS:
        return rows or 0
    method: Callable[[Any], Any] | None = getattr(estimator, "predict", None) or getattr(estimator, "score", None)
    probe = _every(X, -(-rows // PROBE_ROWS))
    if method is None or probe is None:
        return rows
    started = time.perf_counter()
    method(probe)
    first_s = time.perf_counter() - started
    if first_s * rows / PROBE_ROWS <= budget_s:
        return rows
    started = time.perf_counter()
    method(probe)  # the first call also loads and allocates
    row_s = (time.perf_counter() - started) / PROBE_ROWS
    affordable = min(rows, int(budget_s / row_s / 2))
    return affordable if affordable >= MIN_ROWS else None


def _sample(X: Any, y: Any, rows: int) -> tuple[Any, Any, int | None]:
    """Every k-th row of X and y, and how many those are; all rows (and None) if they are affordable."""
    total = _row_count(X)
    if total is None or rows >= total:
        return X, y, None
    step = -(-total // rows)
    some_X, some_y = _every(X, step), _every(y, step) if y is not None else None
    if some_X is None or (y is not None and some_y is None):
        return X, y, None
    return some_X, some_y, -(-total // step)


def _every(data: Any, step: int) -> Any:
    """Every step-th row, or None where there is no cheap way to them."""
    if hasattr(data, "iloc"):
        return data.iloc[::step]
    if hasattr(data, "gather_every"):  # Polars
        return data.gather_every(step)
    if isinstance(data, list) or type(data).__module__.startswith("numpy") or hasattr(data, "tocsr"):
        return (data.tocsr() if hasattr(data, "tocsr") else data)[::step]
    return None


def _row_count(X: Any) -> int | None:
    shape = getattr(X, "shape", None)
    if shape:
        return int(shape[0])
    return len(X) if isinstance(X, list) else None
