"""scikit-learn: the points of ROC, precision-recall and calibration curves, few enough to be kept.

Watches   nothing; tables.py computes with it, on a thread of ours
Never     more points a curve than asked for: evenly picked, the ends always among them
Needs     numpy

Formulas are those of sklearn.metrics.roc_curve and precision_recall_curve and of sklearn.calibration.calibration_curve.
"""

from dataclasses import dataclass
from functools import cache
from typing import Any

__all__ = ["MAX_POINTS", "calibration", "picked", "precision_recall", "roc", "shortened", "steps_down"]

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

    order = scores.argsort(kind="stable")[::-1]
    scores, positive = scores[order], positive[order]
    (last,) = np.nonzero(np.concatenate([scores[1:] != scores[:-1], [True]]))
    true_positives = positive.cumsum()[last]
    return Steps(scores[last].astype(float), true_positives, 1 + last - true_positives)


def roc(steps: Steps, most: int = MAX_POINTS) -> dict[str, Any]:
    """Rates of false and true positives by threshold, without points on a straight line between others."""
    import numpy as np

    tps, fps = steps.true_positives, steps.false_positives
    bends = (fps[2:] - fps[1:-1] != fps[1:-1] - fps[:-2]) | (tps[2:] - tps[1:-1] != tps[1:-1] - tps[:-2])
    tps, fps, thresholds = _where(bends, tps, fps, steps.thresholds)
    kept = picked(len(fps) + 1, most)
    return {
        "fpr": np.concatenate([[0.0], fps / fps[-1]])[kept],
        "tpr": np.concatenate([[0.0], tps / tps[-1]])[kept],
        "threshold": np.concatenate([[np.inf], thresholds])[kept],
    }


def precision_recall(steps: Steps, most: int = MAX_POINTS) -> dict[str, Any]:
    """Precision and recall by threshold, the lowest first; at last the point (1, 0), which has none.

    As of precision_recall_curve(drop_intermediate=True): of steps with the same recall the first and the last.
    """
    import numpy as np

    tps = steps.true_positives
    ends = (tps[1:-1] != tps[:-2]) | (tps[2:] != tps[1:-1])
    tps, fps, thresholds = _where(ends, tps, steps.false_positives, steps.thresholds)
    kept = picked(len(tps) + 1, most)
    return {
        "precision": np.concatenate([(tps / (tps + fps))[::-1], [1.0]])[kept],
        "recall": np.concatenate([(tps / tps[-1])[::-1], [0.0]])[kept],
        "threshold": np.concatenate([thresholds[::-1], [np.nan]])[kept],
    }


def calibration(proba: Any, positive: Any) -> dict[str, Any]:
    """Of the rows in each tenth of probability: the mean of what was predicted, the share that is so, their number."""
    import numpy as np

    bins = np.searchsorted(_edges(), proba)
    count = np.bincount(bins, minlength=_BINS)
    held = count > 0
    predicted = np.bincount(bins, weights=proba, minlength=_BINS)[held] / count[held]
    observed = np.bincount(bins, weights=positive, minlength=_BINS)[held] / count[held]
    return {"predicted": predicted, "observed": observed, "count": count[held]}


def shortened(column: str, values: Any) -> Any:
    """The values of a column with as many digits as a curve shows: a millionth; of thresholds six significant ones."""
    import numpy as np

    if values.dtype.kind != "f":
        return values
    if column != "threshold":
        return values.round(6)
    with np.errstate(all="ignore"):
        scale = 10.0 ** (5 - np.floor(np.log10(np.abs(values))))
        return np.where(np.isfinite(scale) & (scale > 0), np.round(values * scale) / scale, values)


@cache
def _edges() -> Any:
    """Those between the bins, as calibration_curve computes them."""
    import numpy as np

    return np.linspace(0.0, 1.0, _BINS + 1)[1:-1]


def picked(length: int, most: int) -> Any:
    """Positions of at most so many points, evenly spaced, first and last included."""
    import numpy as np

    if length <= most:
        return slice(None)
    return np.linspace(0, length - 1, most).round().astype(int)


def _where(inner: Any, *arrays: Any) -> list[Any]:
    """The first and the last value of each array, and those between that a mask is true for."""
    import numpy as np

    if len(arrays[0]) <= 2:
        return list(arrays)
    kept = np.concatenate([[True], inner, [True]])
    return [array[kept] for array in arrays]
