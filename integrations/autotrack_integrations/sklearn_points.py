"""scikit-learn: the points of ROC, precision-recall and calibration curves, few enough to be kept.

Watches   nothing; sklearn_tables.py computes with it, on a thread of ours
Never     more than MAX_POINTS points a curve: evenly picked, the ends always among them
Needs     numpy

Formulas are those of sklearn.metrics.roc_curve and precision_recall_curve and of sklearn.calibration.calibration_curve.
"""

from dataclasses import dataclass
from typing import Any

__all__ = ["MAX_POINTS", "calibration", "precision_recall", "roc", "steps_down"]

MAX_POINTS = 100  # of a curve: a picture shows no more
_BINS = 10  # of equal width, as calibration_curve has them


@dataclass(frozen=True)
class Steps:
    """As the threshold goes down from score to score: how many rows at or above it are positive, and how many not."""

    thresholds: Any
    true_positives: Any
    false_positives: Any


def steps_down(scores: Any, positive: Any) -> Steps:
    """One step for each distinct score, the greatest first.

    Args:
        scores: Shape (n_samples,), finite.
        positive: Shape (n_samples,), bool; some are and some are not.
    """
    import numpy as np

    order = np.argsort(scores, kind="stable")[::-1]
    scores, positive = scores[order], positive[order]
    last = np.append(np.flatnonzero(np.diff(scores)), len(scores) - 1)
    true_positives = positive.cumsum()[last]
    return Steps(scores[last].astype(float), true_positives, 1 + last - true_positives)


def roc(steps: Steps) -> dict[str, Any]:
    """Rates of false and true positives by threshold, without points on a straight line between others."""
    import numpy as np

    tps, fps, thresholds = steps.true_positives, steps.false_positives, steps.thresholds
    if len(fps) > 2:
        bends = (np.diff(fps, 2) != 0) | (np.diff(tps, 2) != 0)
        corner = np.concatenate([[True], bends, [True]])
        tps, fps, thresholds = tps[corner], fps[corner], thresholds[corner]
    picked = _picked(len(fps) + 1)
    return {
        "fpr": _rounded(np.append(0.0, fps / fps[-1])[picked]),
        "tpr": _rounded(np.append(0.0, tps / tps[-1])[picked]),
        "threshold": _short(np.append(np.inf, thresholds)[picked]),
    }


def precision_recall(steps: Steps) -> dict[str, Any]:
    """Precision and recall by threshold, the lowest first; at last the point (1, 0), which has none.

    As of precision_recall_curve(drop_intermediate=True).
    """
    import numpy as np

    tps, fps, thresholds = steps.true_positives, steps.false_positives, steps.thresholds
    if len(tps) > 2:  # of steps with the same recall the first and the last
        ends = (np.diff(tps[:-1]) != 0) | (np.diff(tps[1:]) != 0)
        kept = np.concatenate([[True], ends, [True]])
        tps, fps, thresholds = tps[kept], fps[kept], thresholds[kept]
    precision = np.append((tps / (tps + fps))[::-1], 1.0)
    recall = np.append((tps / tps[-1])[::-1], 0.0)
    picked = _picked(len(precision))
    return {
        "precision": _rounded(precision[picked]),
        "recall": _rounded(recall[picked]),
        "threshold": _short(np.append(thresholds[::-1], np.nan)[picked]),
    }


def calibration(proba: Any, positive: Any) -> dict[str, Any]:
    """Of the rows in each tenth of probability: the mean of what was predicted, the share that is so, their number."""
    import numpy as np

    edges = np.linspace(0.0, 1.0, _BINS + 1)
    bins = np.searchsorted(edges[1:-1], proba)
    count = np.bincount(bins, minlength=_BINS)
    held = count > 0
    predicted = np.bincount(bins, weights=proba, minlength=_BINS)[held] / count[held]
    observed = np.bincount(bins, weights=positive, minlength=_BINS)[held] / count[held]
    return {"predicted": _rounded(predicted), "observed": _rounded(observed), "count": count[held]}


def _picked(length: int) -> Any:
    """Positions of at most MAX_POINTS points, evenly spaced, first and last included."""
    import numpy as np

    if length <= MAX_POINTS:
        return slice(None)
    return np.linspace(0, length - 1, MAX_POINTS).round().astype(int)


def _rounded(shares: Any) -> Any:
    return shares.round(6)  # a millionth: no curve shows more, and the file is half as long


def _short(thresholds: Any) -> list[float]:
    return [float(f"{threshold:.6g}") for threshold in thresholds.tolist()]
