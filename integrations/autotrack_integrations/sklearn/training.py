"""scikit-learn: metrics on the training data, from one pass of predictions in bounded time.

Watches   nothing; fit.py calls it after a fit
Records   metrics   classifiers        train_score train_accuracy train_precision train_recall train_f1 (the last three
                                       averaged over the classes by their share), train_log_loss, train_roc_auc
                    several labels     the same without the last two, train_hamming_loss; accuracy: of whole rows
                    regressors         train_score train_r2 train_mean_absolute_error train_mean_squared_error
                                       train_root_mean_squared_error (of several outputs the mean)
                    clusterers         train_n_clusters train_noise_share train_inertia
                    outlier detectors  train_outlier_share
                    others             train_score
Never     predicts where asking.py objects: code of the user's own, random states, too little time
Needs     scikit-learn >= 1.4

Formulas are those of sklearn.metrics (accuracy_score, precision_recall_fscore_support(average="weighted"), log_loss,
roc_auc_score(multi_class="ovr"), r2_score, mean_squared_error ...), on arrays that are already validated. Weights of
samples do not enter: every row counts the same.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from autotrack_integrations.sklearn.asking import (
    FAILURES,
    NotAskedError,
    Rows,
    affordable_rows,
    ask,
    chain,
    labelled,
    library_method,
    objection,
    on_host,
)
from autotrack_integrations.sklearn.predictions import Predictions, of_classifier, of_regressor

__all__ = ["Answers", "kind_of", "training_metrics"]

# Methods `score` that are accuracy, of whole rows where there are several labels, and R2.
_USUAL_SCORES = frozenset({"ClassifierMixin.score", "MultiOutputClassifier.score", "RegressorMixin.score"})
_WITHOUT_TARGET = ("density_estimator", "model")  # kinds whose `score` may do without one


@dataclass
class Answers:
    """What asking the model gave: metrics, and the predictions they are of; why none, or not of all rows, if so."""

    metrics: dict[str, float] = field(default_factory=dict)
    reason: str = ""
    predictions: Predictions | None = None


def kind_of(estimator: Any) -> str | None:
    """classifier, regressor, clusterer, outlier_detector, density_estimator or model; None: it only transforms."""
    try:
        from sklearn.utils import get_tags

        kind = get_tags(estimator).estimator_type
    except (ImportError, *FAILURES):
        kind = getattr(estimator, "_estimator_type", None)  # scikit-learn < 1.6, and its third parties
    if kind == "sampler":  # imbalanced-learn's: they only change the data
        return None
    if kind:
        return "density_estimator" if kind == "DensityEstimator" else str(kind)  # scikit-learn < 1.6 wrote it so
    if hasattr(estimator, "predict") or hasattr(estimator, "fit_predict"):
        return "model"
    if hasattr(estimator, "transform") or hasattr(estimator, "fit_transform"):
        return None
    if hasattr(estimator, "score_samples"):
        return "density_estimator"
    return "model" if hasattr(estimator, "score") or hasattr(type(estimator), "biclusters_") else None


def training_metrics(
    estimator: Any, params: Mapping[str, Any], X: Any, y: Any, *, fit_s: float, result: Any = None
) -> Answers:
    """The training metrics of a fitted estimator.

    Args:
        params: Its `get_params(deep=True)`.
        X: What it was fitted on; shape (n_samples, n_features).
        y: Its target; shape (n_samples,) or (n_samples, n_outputs), or None.
        fit_s: How long the fit took, in seconds: the time for predictions is a share of it.
        result: What the fit returned: of fit_predict the labels.
    """
    import numpy as np

    kind = kind_of(estimator)
    if kind == "clusterer":
        return Answers(_cluster_metrics(estimator))
    if kind == "outlier_detector" and (share := _outlier_share(estimator, result)) is not None:
        return Answers({"train_outlier_share": share})
    if reason := objection(estimator, params):
        return Answers(reason=reason)
    if not hasattr(estimator, "predict") and not (kind in _WITHOUT_TARGET and hasattr(estimator, "score")):
        return Answers()
    try:
        with np.errstate(all="ignore"):  # the user did not predict: nothing of it is to be seen
            rows = affordable_rows(estimator, X, y, fit_s)
            if kind == "classifier":
                rows = labelled(rows, on_host(getattr(estimator, "classes_", None)))
            found = Answers(reason=rows.shortage, predictions=_predictions(kind, estimator, rows))
            _add_metrics(found, kind, estimator, rows)
            return found
    except NotAskedError as error:
        return Answers(reason=str(error))


def _predictions(kind: str | None, estimator: Any, rows: Rows) -> Predictions | None:
    if rows.y is None:
        return None
    if kind == "classifier":
        return of_classifier(estimator, rows.X, rows.y)
    return of_regressor(estimator, rows.X, rows.y) if kind == "regressor" else None


def _add_metrics(found: Answers, kind: str | None, estimator: Any, rows: Rows) -> None:
    if kind == "outlier_detector":
        found.metrics["train_outlier_share"] = float((ask(estimator.predict, rows.X) == -1).mean())
        return
    if rows.y is None and kind not in _WITHOUT_TARGET:
        return
    if found.predictions is not None:
        of_kind = _regressor_metrics if kind == "regressor" else _classifier_metrics
        found.metrics.update(of_kind(found.predictions))
    usual = found.metrics.get("train_r2" if kind == "regressor" else "train_accuracy")
    if usual is not None and _has_usual_score(estimator):
        found.metrics["train_score"] = usual
    elif hasattr(estimator, "score") and not _scores_by_a_function(estimator):
        try:
            found.metrics["train_score"] = float(ask(estimator.score, rows.X, rows.y))
        except NotAskedError as error:  # the other metrics do not depend on it
            found.reason = found.reason or str(error)


def _classifier_metrics(found: Predictions) -> dict[str, float]:
    if found.classes is None:
        return _label_metrics(found)
    confusion, count = found.confusion, len(found.true)
    hits, support = confusion.diagonal(), confusion.sum(axis=1)
    metrics = {"train_accuracy": float(hits.sum()) / count, **_averages(hits, support, confusion.sum(axis=0))}
    if found.proba is not None and math.isfinite(found.proba.sum()):
        metrics["train_log_loss"] = _log_loss(found.proba, found.true)
        if len(support) > 1 and support.all():
            columns = [1] if len(support) == 2 else range(len(support))
            areas = [_area_under_roc(found.proba[:, column], found.true == column) for column in columns]
            metrics["train_roc_auc"] = sum(areas) / len(areas)
    elif found.scores is not None and len(support) == 2 and support.all() and math.isfinite(found.scores.sum()):
        metrics["train_roc_auc"] = _area_under_roc(found.scores, found.true == 1)
    return metrics


def _label_metrics(found: Predictions) -> dict[str, float]:
    wrong = found.true != found.predicted
    hits = (found.true & found.predicted).sum(axis=0)
    return {
        "train_accuracy": 1.0 - float(wrong.any(axis=1).mean()),
        **_averages(hits, found.true.sum(axis=0), found.predicted.sum(axis=0)),
        "train_hamming_loss": float(wrong.mean()),
    }


def _averages(hits: Any, support: Any, chosen: Any) -> dict[str, float]:
    """Precision, recall and F1 of each class, averaged by how many rows are of it."""
    precision = recall = f1 = 0.0
    for hit, true, said in zip(hits.tolist(), support.tolist(), chosen.tolist(), strict=True):
        recall += hit
        precision += true * hit / max(said, 1)
        f1 += true * 2 * hit / max(true + said, 1)
    total = max(int(support.sum()), 1)
    return {"train_precision": precision / total, "train_recall": recall / total, "train_f1": f1 / total}


def _log_loss(proba: Any, true: Any) -> float:
    import numpy as np

    tiny = np.finfo(proba.dtype).eps
    return -float(np.log(proba[np.arange(len(true)), true].clip(tiny, 1 - tiny)).mean())


def _area_under_roc(scores: Any, positive: Any) -> float:
    """The share of pairs (positive, negative) that the scores put in order; ties count half (Mann and Whitney's U)."""
    ordered = scores[~positive]
    ordered.sort()
    wanted = scores[positive]
    below = ordered.searchsorted(wanted, "left").sum() + ordered.searchsorted(wanted, "right").sum()
    return float(below) / (2.0 * len(ordered) * len(wanted))


def _regressor_metrics(found: Predictions) -> dict[str, float]:
    import numpy as np

    true = found.true
    error = found.predicted - true
    squared = (error**2).sum(axis=0)
    spread = ((true - true.mean(axis=0)) ** 2).sum(axis=0)
    # A constant target is explained in full or not at all; scikit-learn says 1 and 0 there, and nothing of one row.
    r2 = np.where(spread > 0, 1.0 - squared / np.where(spread > 0, spread, 1.0), squared == 0)
    mean_squared = squared / len(true)
    return {
        "train_r2": float(r2.mean()) if len(true) > 1 else math.nan,
        "train_mean_absolute_error": float(np.abs(error).mean()),
        "train_mean_squared_error": float(mean_squared.mean()),
        "train_root_mean_squared_error": float(np.sqrt(mean_squared).mean()),
    }


def _cluster_metrics(estimator: Any) -> dict[str, float]:
    """From what the fit left behind: nothing is predicted."""
    import numpy as np

    *_, final = chain(estimator)
    found = {}
    labels = np.asarray(getattr(final, "labels_", ()))
    if labels.ndim == 1 and labels.size and labels.dtype.kind in "iu":
        found["train_n_clusters"] = float((np.unique(labels) >= 0).sum())
        if (noise := float((labels < 0).mean())) > 0:
            found["train_noise_share"] = noise
    inertia = getattr(final, "inertia_", None)
    if isinstance(inertia, float):
        found["train_inertia"] = float(inertia)
    return found


def _outlier_share(estimator: Any, result: Any) -> float | None:
    """From the labels that fit_predict gave, or the factors that LocalOutlierFactor keeps; None: it has to predict."""
    import numpy as np

    if isinstance(result, np.ndarray):
        return float((result == -1).mean())
    *_, final = chain(estimator)
    factors, offset = getattr(final, "negative_outlier_factor_", None), getattr(final, "offset_", None)
    return None if factors is None or offset is None else float((factors < offset).mean())


def _has_usual_score(estimator: Any) -> bool:
    *_, final = chain(estimator)
    if any(getattr(part, "scoring", None) is not None for part in chain(estimator)):
        return False
    return library_method(final, "score") in _USUAL_SCORES


def _scores_by_a_function(estimator: Any) -> bool:
    return any(callable(getattr(part, "scoring", None)) for part in chain(estimator))
