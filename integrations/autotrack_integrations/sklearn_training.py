"""scikit-learn: metrics on the training data, from one pass of predictions in bounded time.

Watches   nothing; sklearn.py calls it after a fit
Records   metrics   classifiers        train_score train_accuracy train_precision train_recall train_f1 (the last three
                                       averaged over the classes by their share), train_log_loss, train_roc_auc
                    regressors         train_score train_r2 train_mean_absolute_error train_mean_squared_error
                                       train_root_mean_squared_error (of several outputs the mean)
                    clusterers         train_n_clusters train_noise_share train_inertia
                    outlier detectors  train_outlier_share
                    others             train_score
Never     predicts where sklearn_asking.py objects: code of the user's own, random states, too little time
Needs     scikit-learn >= 1.4

Formulas are those of sklearn.metrics (accuracy_score, precision_recall_fscore_support(average="weighted"), log_loss,
roc_auc_score(multi_class="ovr"), r2_score, mean_squared_error ...), on arrays that are already validated.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from autotrack_integrations.sklearn_asking import FAILURES, NotAskedError, Rows, affordable_rows, ask, chain, objection

__all__ = ["Training", "kind_of", "training_metrics"]

_MAX_CLASSES = 200  # a confusion matrix beyond it costs more than it says

# Methods `predict` that are by definition the arg max of `predict_proba` (checked on scikit-learn 1.4 to 1.9): one
# pass over the data gives both. Linear classifiers only with probabilities that never tie where scores do not.
_ARGMAX_OF_PROBA = frozenset(
    {
        "ForestClassifier.predict",
        "BaseDecisionTree.predict",
        "HistGradientBoostingClassifier.predict",
        "BaggingClassifier.predict",
        "_BaseNB.predict",
    }
)
_ARGMAX_BY_PROBA = frozenset({"LogisticRegression.predict_proba", "LinearDiscriminantAnalysis.predict_proba"})


@dataclass
class Training:
    """What was found: metrics; why there are none, or not of all rows, if so."""

    metrics: dict[str, float] = field(default_factory=dict)
    reason: str = ""


def kind_of(estimator: Any) -> str | None:
    """classifier, regressor, clusterer, outlier_detector, density_estimator or model; None: it only transforms."""
    try:
        from sklearn.utils import get_tags

        kind = get_tags(estimator).estimator_type
    except (ImportError, *FAILURES):
        kind = getattr(estimator, "_estimator_type", None)  # scikit-learn < 1.6, and its third parties
    if kind:
        return str(kind)
    if hasattr(estimator, "predict") or hasattr(estimator, "fit_predict"):
        return "model"
    is_density = hasattr(estimator, "score_samples") and not hasattr(estimator, "transform")
    return "density_estimator" if is_density else None


def training_metrics(
    estimator: Any, params: Mapping[str, Any], X: Any, y: Any, *, fit_s: float, result: Any = None
) -> Training:
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
        return Training(_cluster_metrics(estimator))
    if kind == "outlier_detector" and (share := _outlier_share(estimator, result)) is not None:
        return Training({"train_outlier_share": share})
    if reason := objection(estimator, params):
        return Training(reason=reason)
    if not hasattr(estimator, "score" if kind == "density_estimator" else "predict"):
        return Training(reason="it cannot predict")
    try:
        with np.errstate(all="ignore"):  # the user did not predict: nothing of it is to be seen
            rows = affordable_rows(estimator, X, y, fit_s)
            return Training(_metrics(kind, estimator, rows), rows.shortage)
    except NotAskedError as error:
        return Training(reason=str(error))


def _metrics(kind: str | None, estimator: Any, rows: Rows) -> dict[str, float]:
    if kind == "outlier_detector":
        return {"train_outlier_share": float((ask(estimator.predict, rows.X) == -1).mean())}
    if rows.y is None and kind != "density_estimator":
        return {}
    found: dict[str, float] = {}
    if kind == "classifier":
        found = _classifier_metrics(estimator, rows.X, rows.y)
    elif kind == "regressor":
        found = _regressor_metrics(estimator, rows.X, rows.y)
    usual = found.get({"classifier": "train_accuracy", "regressor": "train_r2"}.get(kind or "", ""))
    if usual is not None and _has_usual_score(estimator):
        return {"train_score": usual, **found}
    if hasattr(estimator, "score") and not any(callable(getattr(part, "scoring", None)) for part in chain(estimator)):
        found["train_score"] = float(ask(estimator.score, rows.X, rows.y))
    return found


def _classifier_metrics(estimator: Any, X: Any, y: Any) -> dict[str, float]:
    """Nothing for several outputs, and for labels the model does not know (such as -1 for `unlabelled`)."""
    import numpy as np

    classes = getattr(estimator, "classes_", None)
    true = _positions(classes, y)
    if classes is None or true is None:
        return {}
    proba, predicted = _predict(estimator, X)
    if predicted is None or predicted.shape != true.shape:
        return {}
    count = len(classes)
    confusion = np.bincount(true * count + predicted, minlength=count * count).reshape(count, count)
    hits, support, chosen = confusion.diagonal(), confusion.sum(axis=1), confusion.sum(axis=0)
    share = support / len(true)
    precision, recall = hits / np.maximum(chosen, 1), hits / np.maximum(support, 1)
    f1 = 2 * hits / np.maximum(chosen + support, 1)
    found = {
        "train_accuracy": float(hits.sum()) / len(true),
        "train_precision": float(precision @ share),
        "train_recall": float(recall @ share),
        "train_f1": float(f1 @ share),
    }
    if getattr(proba, "shape", None) == (len(true), count):
        found.update(_probability_metrics(proba, true, support))
    return found


def _probability_metrics(proba: Any, true: Any, support: Any) -> dict[str, float]:
    import numpy as np

    tiny = np.finfo(proba.dtype).eps
    chosen = proba[np.arange(len(true)), true]
    found = {"train_log_loss": float(-np.log(np.clip(chosen, tiny, 1 - tiny)).mean())}
    if len(support) > 1 and support.all():
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

    try:
        true = np.asarray(y, dtype=float)
        predicted = np.asarray(ask(estimator.predict, X), dtype=float)
    except (TypeError, ValueError):  # some regressors take labels as well
        return {}
    if predicted.size != true.size or true.ndim > 2:
        return {}
    error = predicted.reshape(true.shape) - true
    squared = (error**2).sum(axis=0)
    spread = ((true - true.mean(axis=0)) ** 2).sum(axis=0)
    # A constant target is explained in full or not at all; scikit-learn says 1 and 0 there.
    r2 = np.where(spread > 0, 1.0 - squared / np.where(spread > 0, spread, 1.0), squared == 0)
    mean_squared = squared / len(true)
    return {
        "train_r2": float(r2.mean()),
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


def _predict(estimator: Any, X: Any) -> tuple[Any, Any]:
    """The probabilities, if the estimator has them, and the position in `classes_` of each prediction."""
    proba = ask(estimator.predict_proba, X) if hasattr(estimator, "predict_proba") else None
    if proba is not None and _is_argmax(estimator):
        return proba, proba.argmax(axis=1)
    return proba, _positions(estimator.classes_, ask(estimator.predict, X))


def _positions(classes: Any, labels: Any) -> Any:
    """Where in the sorted classes each label stands; None if one is not there, or there are several outputs."""
    import numpy as np

    if not 0 < len(getattr(classes, "shape", ())) < 2 or not 0 < len(classes) <= _MAX_CLASSES:
        return None
    values = np.asarray(labels)
    if values.ndim == 2 and values.shape[1] == 1:
        values = values.ravel()
    if values.ndim != 1 or not values.size:
        return None
    try:
        found = np.minimum(np.searchsorted(classes, values), len(classes) - 1)
        return found if bool(np.all(classes[found] == values)) else None
    except (TypeError, ValueError):  # labels of a kind that cannot be compared with the classes
        return None


def _is_argmax(estimator: Any) -> bool:
    *_, final = chain(estimator)
    predict = _library_method(final, "predict")
    if predict == "LinearClassifierMixin.predict":
        return _library_method(final, "predict_proba") in _ARGMAX_BY_PROBA
    return predict in _ARGMAX_OF_PROBA


def _has_usual_score(estimator: Any) -> bool:
    """Whether `score` is scikit-learn's accuracy (of ClassifierMixin) or R2 (of RegressorMixin)."""
    *_, final = chain(estimator)
    if any(getattr(part, "scoring", None) is not None for part in chain(estimator)):
        return False
    return _library_method(final, "score") in ("ClassifierMixin.score", "RegressorMixin.score")


def _library_method(estimator: Any, name: str) -> str:
    method = getattr(type(estimator), name, None)
    is_theirs = getattr(method, "__module__", "").startswith("sklearn.")
    return getattr(method, "__qualname__", "") if is_theirs else ""
