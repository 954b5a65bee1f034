"""scikit-learn: small tables that explain a fitted model.

Watches   nothing; fit.py calls it after a fit
Records   tables    feature_importances  feature, importance; the greatest first
                    coefficients         feature, one column for each class or output; the intercept last
                    confusion            true, one column `predicted <class>` for each class
                    roc                  fpr, tpr, threshold; of more than two classes one curve for each (`class`)
                    precision_recall     precision, recall, threshold; the same
                    calibration          predicted (mean of the bin), observed (share), count; the same
                    residuals            quantile, residual (true - predicted), prediction; of several outputs each
                    cluster_sizes        cluster, size
Never     predicts: made of what training.py predicted and of what the fit left behind. On the thread of the
          fit only references and small copies are taken; points are computed on a thread of ours
Needs     scikit-learn >= 1.4
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from autotrack import run
from autotrack.guard import guard
from autotrack_integrations.sklearn.asking import chain, kept
from autotrack_integrations.sklearn.explained import weights_of
from autotrack_integrations.sklearn.points import MAX_POINTS, calibration, precision_recall, roc, shortened, steps_down
from autotrack_integrations.sklearn.predictions import Predictions

__all__ = ["record_tables"]

_KEPT_VALUES = 200_000  # of predictions, until the points are computed: more rows are thinned evenly
_MAX_ROWS = 300  # of a table of curves: where there are many classes each has fewer points
_MAX_CURVES = 10  # classes or outputs; of more than these there are no curves
_QUANTILES = 21  # 0, 0.05 ... 1
_MAX_CLUSTERS = 1_000

Columns = dict[str, Any]
Make = Callable[[], Mapping[str, Columns]]


def record_tables(
    target: run.Run, estimator: Any, params: Mapping[str, Any], predictions: Predictions | None = None
) -> None:
    """Record the tables of a fitted estimator.

    Args:
        params: Its `get_params(deep=True)`.
        predictions: Of its training data, if it was asked for them.
    """
    makes: list[Make] = []
    weights = weights_of(estimator, params)
    if weights is not None:
        makes.append(weights.tables)
        for name, why in weights.lacks.items():
            target.lack(name, why)
    if predictions is not None and predictions.classes is not None:
        makes.append(_of_classifier(predictions))
    elif predictions is not None and predictions.true.dtype.kind == "f":
        makes.append(_of_regressor(predictions))
    sizes = _cluster_sizes(estimator)
    if sizes is not None:
        makes.append(lambda: {"cluster_sizes": sizes})
    if makes:
        target.derive_tables(partial(_all_of, makes))


def _all_of(makes: list[Make]) -> dict[str, Columns]:
    """All tables that can be made: one that fails takes no other along."""
    import numpy as np

    tables: dict[str, Columns] = {}
    for make in makes:
        with guard("sklearn.tables"), np.errstate(all="ignore"):  # the user shall not see warnings of ours
            tables.update(make())
    return tables


def _of_classifier(found: Predictions) -> Make:
    import numpy as np

    classes, confusion = found.classes, found.confusion
    count = len(classes)
    values, is_proba = (found.scores, False) if found.proba is None else (found.proba, True)
    true = found.true
    if values is None or count > _MAX_CURVES:
        values = None
    else:
        if values.ndim == 2 and count == 2:
            values = values[:, 1]
        true, values = _thinned(true, values)

    def make() -> dict[str, Columns]:
        names = [str(name) for name in classes.tolist()]
        tables: dict[str, Columns] = {
            "confusion": {
                "true": names,
                **{f"predicted {name}": confusion[:, at] for at, name in enumerate(names)},
            }
        }
        if values is None:
            return tables
        most = min(MAX_POINTS, _MAX_ROWS // count)
        curves: dict[str, list[Columns]] = {"roc": [], "precision_recall": [], "calibration": []}
        for at, name in [(1, "")] if values.ndim == 1 else list(enumerate(names)):
            positive, scores = true == at, values if values.ndim == 1 else values[:, at]
            if not np.isfinite(scores).all() or positive.all() or not positive.any():
                continue
            steps = steps_down(scores, positive)
            made = {"roc": roc(steps, most), "precision_recall": precision_recall(steps, most)}
            if is_proba:
                made["calibration"] = calibration(scores, positive)
            for kind, columns in made.items():
                length = len(next(iter(columns.values())))
                curves[kind].append({"class": [name] * length, **columns} if name else columns)
        tables.update((kind, _stacked(parts)) for kind, parts in curves.items() if parts)
        return tables

    return make


def _stacked(parts: list[Columns]) -> Columns:
    """Tables of the same columns, one below the other."""
    import numpy as np

    return {key: shortened(key, np.concatenate([part[key] for part in parts])) for key in parts[0]}


def _of_regressor(found: Predictions) -> Make:
    import numpy as np

    true, predicted = _thinned(found.true, found.predicted)
    with np.errstate(all="ignore"):
        residual = true - predicted  # a new array: `true` may be the user's own

    def make() -> dict[str, Columns]:
        shares = np.linspace(0, 1, _QUANTILES)
        columns: Columns = {"quantile": shares.round(2)}
        for name, values in (("residual", residual), ("prediction", predicted)):
            if values.ndim == 1:
                columns[name] = np.quantile(values, shares)
            elif values.shape[1] <= _MAX_CURVES:
                each = np.quantile(values, shares, axis=0)
                columns.update((f"{name} {at}", each[:, at]) for at in range(values.shape[1]))
        return {"residuals": columns} if len(columns) > 1 else {}

    return make


def _thinned(*arrays: Any) -> list[Any]:
    """The arrays, or evenly spaced rows of them in new ones, where they hold too much to be kept for a moment."""
    step = -(-max(array.size for array in arrays) // _KEPT_VALUES)
    return [array if step <= 1 else array[::step].copy() for array in arrays]


def _cluster_sizes(estimator: Any) -> Columns | None:
    import numpy as np

    *_, final = chain(estimator)
    labels = np.asarray(kept(final, "labels_"))
    if labels.ndim != 1 or not labels.size or labels.dtype.kind not in "iu":
        return None
    least = int(labels.min())
    if int(labels.max()) - least > _MAX_CLUSTERS:
        return None
    sizes = np.bincount(labels - least)
    (found,) = np.nonzero(sizes)
    return {"cluster": found + least, "size": sizes[found]}
