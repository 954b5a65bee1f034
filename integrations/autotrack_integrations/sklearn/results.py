"""scikit-learn: what a metric function returned, as metrics and as small tables.

Watches   nothing; metrics.py calls it with what a function was given and returned
Records   metrics   a number, under the name of its scorer: `roc_auc`, `f1_macro`; of functions that return several
                    numbers each of them
          tables    confusion                  true, one column `predicted <label>` for each label
                    confusion_by_class         class, tn, fp, fn, tp
                    roc                        fpr, tpr, threshold
                    precision_recall           precision, recall, threshold
                    det                        fpr, fnr, threshold
                    calibration                predicted, observed
                    report, scores_by_class    class, precision, recall, f1, support
                    <metric>_by_class          class, value, of average=None; `<metric>_by_output` of raw values
Never     computes anything but the labels of small data; keeps what belongs to the user: tables are copies, of at most
          MAX_POINTS rows
Needs     scikit-learn >= 1.4
"""

from collections.abc import Callable, Mapping, Sequence
from numbers import Real
from typing import Any

from autotrack_integrations.sklearn.points import picked

__all__ = ["MAX_POINTS", "Table", "is_number", "labels_of", "numbers_of", "scorer_name", "table_of"]

MAX_POINTS = 1_000  # of a curve, the ends among them, and classes of a table
_MAX_LABELLED = 50_000  # rows that are looked through for their labels, if the function was given none
# Arguments that make another metric of it, as `f1_macro`, `fbeta_beta_2`: part of its name unless they are the default.
_QUALIFIERS = ("average", "multi_class", "beta", "k", "normalize", "adjusted", "alpha", "power", "max_fpr", "weights")
_CURVES: dict[str, tuple[str, tuple[str, ...]]] = {
    "roc_curve": ("roc", ("fpr", "tpr", "threshold")),
    "precision_recall_curve": ("precision_recall", ("precision", "recall", "threshold")),
    "det_curve": ("det", ("fpr", "fnr", "threshold")),
    "calibration_curve": ("calibration", ("observed", "predicted")),
}
_SEVERAL = {
    "precision_recall_fscore_support": ("precision", "recall", "f1"),
    "homogeneity_completeness_v_measure": ("homogeneity", "completeness", "v_measure"),
    "class_likelihood_ratios": ("positive_likelihood_ratio", "negative_likelihood_ratio"),
}

Table = Mapping[str, Any]


def numbers_of(function: str, given: Mapping[str, Any], defaults: Mapping[str, Any], result: Any) -> dict[str, float]:
    """The numbers among what a function returned, by name. NaN and infinities are numbers."""
    if is_number(result):
        return {scorer_name(function, given, defaults): float(result)}
    names = _SEVERAL.get(function, ())
    if not isinstance(result, tuple) or len(result) < len(names):
        return {}
    named = {name: value for name, value in zip(names, result, strict=False) if is_number(value)}
    return {scorer_name(name, given, defaults): float(value) for name, value in named.items()}


def table_of(
    function: str, given: Mapping[str, Any], defaults: Mapping[str, Any], result: Any, labels: Callable[[], Any]
) -> tuple[str, Table] | None:
    """What else a function returned, as a table with its name; None if it is none that is known.

    Args:
        labels: Finds the labels of the data, in order, or None.
    """
    if function in _CURVES:
        name, columns = _CURVES[function]
        return name, _curve(columns, result)
    if function == "classification_report":
        rows = _report_rows(result)
        return ("report", _report(rows)) if rows else None
    if function == "precision_recall_fscore_support" and getattr(result[0], "ndim", 0) == 1:
        classes = _classes(labels(), len(result[0]))
        return "scores_by_class", {"class": classes, **_copied(("precision", "recall", "f1", "support"), result)}
    shape = getattr(result, "shape", ())
    if not shape or shape[0] > MAX_POINTS:
        return None
    if function == "confusion_matrix":
        names = _classes(labels(), shape[0])
        suffix = f"_{given['normalize']}" if given.get("normalize") else ""
        return f"confusion{suffix}", {
            "true": names,
            **{f"predicted {name}": column.tolist() for name, column in zip(names, result.T, strict=True)},
        }
    if function == "multilabel_confusion_matrix" and len(shape) == 3:
        counts = _copied(("tn", "fp", "fn", "tp"), result.reshape(-1, 4).T)
        return "confusion_by_class", {"class": _classes(labels(), shape[0]), **counts}
    if len(shape) == 1 and "average" in given and given["average"] is None:
        name = scorer_name(function, given, defaults)
        return f"{name}_by_class", {"class": _classes(labels(), shape[0]), "value": result.tolist()}
    if len(shape) == 1 and given.get("multioutput") == "raw_values":
        name = scorer_name(function, given, defaults)
        return f"{name}_by_output", {"output": list(range(shape[0])), "value": result.tolist()}
    return None


def scorer_name(function: str, given: Mapping[str, Any], defaults: Mapping[str, Any]) -> str:
    """roc_auc for roc_auc_score, f1_macro for f1_score(average="macro"), as scikit-learn names its scorers."""
    name = function.removesuffix("_score")
    for key in _QUALIFIERS:
        value = given.get(key)
        if isinstance(value, str | Real) and value != defaults.get(key):
            name += f"_{value}" if isinstance(value, str) else f"_{key}_{value}".lower()
    return name


def is_number(value: Any) -> bool:
    """Whether it is one number; a bool is none."""
    return isinstance(value, Real) and not isinstance(value, bool)


def labels_of(given: Mapping[str, Any], arrays: list[Any]) -> Any:
    """The labels a function has put its results in the order of, where that is cheap to know; else None."""
    if given.get("labels") is not None:
        return given["labels"]
    if any(not hasattr(array, "__len__") or len(array) > _MAX_LABELLED for array in arrays):
        return None
    from sklearn.utils.multiclass import unique_labels

    return unique_labels(*arrays)


def _curve(columns: Sequence[str], result: Any) -> Table:
    """Its arrays; the last point of precision and recall has no threshold."""
    import numpy as np

    length = len(result[0])
    kept = picked(length, MAX_POINTS)
    table = {}
    for column, values in zip(columns, result, strict=True):
        padded = np.append(values, np.nan) if len(values) == length - 1 else values
        table[column] = padded[kept].tolist()
    return table


def _report_rows(result: Any) -> list[tuple[str, list[float]]]:
    """Of classification_report, as a dict or as text, those rows that have all four numbers."""
    if isinstance(result, dict):
        keys = ("precision", "recall", "f1-score", "support")
        rows = [(str(name), row) for name, row in result.items() if isinstance(row, Mapping)]
        return [(name, [float(row[key]) for key in keys]) for name, row in rows if all(key in row for key in keys)]
    found = []
    for line in result.splitlines() if isinstance(result, str) else ():
        *name, precision, recall, f1, support = line.rsplit(None, 4) if len(line.split()) > 4 else [""] * 4
        if name and precision[0].isdigit():
            found.append((name[0].strip(), [float(text) for text in (precision, recall, f1, support)]))
    return found


def _report(rows: list[tuple[str, list[float]]]) -> Table:
    names = ("precision", "recall", "f1", "support")
    return {"class": [name for name, _ in rows], **{key: [row[at] for _, row in rows] for at, key in enumerate(names)}}


def _classes(labels: Any, count: int) -> list[str]:
    """Their names; their positions where the labels are not known."""
    known = [] if labels is None else list(labels)
    return [str(label) for label in (known if len(known) == count else range(count))]


def _copied(names: Sequence[str], columns: Any) -> dict[str, list[Any]]:
    return {name: column.tolist() for name, column in zip(names, columns, strict=True)}
