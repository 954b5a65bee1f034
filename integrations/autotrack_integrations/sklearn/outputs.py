"""scikit-learn: what the predictions of a fitted model are, known from its target; nothing is predicted.

Watches   nothing; fit.py asks it for the signature of a model
Records   kind, shape (rows: None) and dtype of what predict gives; of a classifier its classes
Never     calls predict
Needs     scikit-learn >= 1.4
"""

from collections.abc import Mapping
from typing import Any

from autotrack_integrations.sklearn.asking import chain, kept

__all__ = ["outputs_of"]

_MAX_CLASSES = 100  # that are listed; a signature is no dictionary


def outputs_of(estimator: Any, target: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """What `predict` of a fitted estimator gives, as `signature.describe` would say it.

    Args:
        target: What its y was; None: it was fitted without one.

    Returns:
        None where it has no predict, or where that cannot be known.
    """
    last = list(chain(estimator))[-1]
    if not hasattr(type(last), "predict"):
        return None
    columns = list(target.get("shape", ()))[1:] if target is not None else []
    classes, labels = kept(last, "classes_"), kept(last, "labels_")
    if isinstance(classes, list):  # one array for each output
        dtypes = {str(getattr(each, "dtype", "object")) for each in classes}
        return _array(columns, dtypes.pop() if len(dtypes) == 1 else "object")
    if hasattr(classes, "dtype"):
        few = classes.tolist() if len(classes) <= _MAX_CLASSES else None
        return _array(columns, str(classes.dtype)) | ({"classes": few} if few else {})
    if hasattr(labels, "dtype"):
        return _array([], str(labels.dtype))
    return None if target is None else _array(columns, "float64")


def _array(columns: list[Any], dtype: str) -> dict[str, Any]:
    return {"kind": "ndarray", "shape": [None, *columns], "dtype": dtype}
