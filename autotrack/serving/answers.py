"""What a model predicted, as the JSON that MLflow's servers answer with: `{"predictions": [...]}`.

Arrays and tensors become lists, frames a list of records, dates ISO 8601, bytes Base64. NaN and infinities, which JSON
does not have, become null.
"""

import base64
import json
import math
from collections.abc import Mapping
from typing import Any

__all__ = ["encoded"]


def encoded(predictions: Any) -> bytes:
    """The body of an answer.

    Raises:
        TypeError: The model predicted something that has no form in JSON.
    """
    plain = _plain(predictions)
    try:
        text = json.dumps({"predictions": plain}, default=_plain, allow_nan=False)
    except ValueError:
        text = json.dumps({"predictions": _finite(plain)}, allow_nan=False)
    return text.encode()


def _plain(value: Any) -> Any:
    """One step towards JSON's types; what is inside comes later."""
    if isinstance(value, list | dict | str | int | float) or value is None:
        return value
    if isinstance(value, bytes | bytearray):
        return base64.b64encode(value).decode()
    if isinstance(value, tuple | set | frozenset):
        return list(value)
    if isinstance(value, Mapping):
        return dict(value)
    if type(value).__name__ in ("NAType", "NaTType"):
        return None
    return _plain_of_library(value, type(value).__module__.partition(".")[0])


def _plain_of_library(value: Any, library: str) -> Any:
    """An array, a tensor, a frame, a series, a date, a scalar."""
    if library == "torch":
        return value.detach().cpu().tolist()
    if library == "scipy" and hasattr(value, "toarray"):
        return value.toarray().tolist()
    if getattr(getattr(value, "dtype", None), "kind", "") in ("M", "m") and library == "numpy":
        return value.astype(str).tolist()
    if hasattr(value, "to_dicts"):  # Polars
        return value.to_dicts()
    if hasattr(value, "to_pylist"):  # Arrow
        return value.to_pylist()
    if hasattr(value, "to_dict") and library == "pandas":
        return (value if hasattr(value, "columns") else value.to_frame()).to_dict("records")
    for method in ("isoformat", "tolist", "to_list", "item"):
        if hasattr(value, method):
            return getattr(value, method)()
    raise TypeError(f"a prediction of type {type(value).__module__}.{type(value).__qualname__} has no form in JSON")


def _finite(value: Any) -> Any:
    value = _plain(value)
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, list):
        return [_finite(each) for each in value]
    if isinstance(value, dict):
        return {str(key): _finite(each) for key, each in value.items()}
    return value
