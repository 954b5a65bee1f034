"""Params as text and back: any value becomes a text a person would write and the word for its type.

    text     type     value
    '0.1'    float    0.1
    'rbf'    string   'rbf'
    'None'   null     None
    '[1, 2]' json     [1, 2]

What has no exact text (an estimator, a function, a large array) becomes a short description, type `string`.
"""

import json
import os
import re
from typing import Any

from autotrack.guard import guard
from autotrack.types import Row

__all__ = ["decode", "encode", "last_metrics", "params_of"]

MAX_TEXT = 100_000  # characters of one param: a long prompt or SQL text fits, a serialised data set does not
_MAX_DESCRIPTION = 500  # characters of the description of an object that has no exact text
_MAX_ITEMS = 200  # items of a list or array that is kept as a list
_INEXACT = object()
_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")


def encode(value: Any) -> tuple[str, str]:
    """The text of a value and its type: int, float, bool, string, null or json."""
    kind = type(value)
    if kind is str:
        return _clipped(value), "string"
    if kind is float:
        return repr(value), "float"
    if kind is int:
        return str(value) if value.bit_length() < 10_000 else hex(value), "int"
    if kind is bool:
        return str(value), "bool"
    if value is None:
        return "None", "null"
    plain = _plain(value)
    if plain is _INEXACT:
        return _describe(value), "string"
    if not isinstance(plain, list | dict):
        return encode(plain)
    text = json.dumps(plain)
    return (text, "json") if len(text) <= MAX_TEXT else (_describe(value), "string")


def decode(text: str, kind: str | None) -> Any:
    """The value that `encode` made this text of. Lists stand for tuples and arrays too."""
    if kind == "float":
        return float(text)
    if kind == "int":
        return int(text, 0)
    if kind == "bool":
        return text == "True"
    if kind == "null":
        return None
    return json.loads(text) if kind == "json" else text


def _plain(value: Any) -> Any:
    """The value in the types JSON has, if that is exact; `_INEXACT` otherwise."""
    for base in (bool, int, float, str):  # an enum or a subclass is recorded as the builtin it is
        if isinstance(value, base):
            return base(value)
    if value is None:
        return None
    if isinstance(value, list | tuple | dict) and len(value) > _MAX_ITEMS:
        return _INEXACT
    if isinstance(value, list | tuple):
        items = [_plain(item) for item in value]
        return _INEXACT if any(item is _INEXACT for item in items) else items
    if isinstance(value, dict):
        by_key = {key: _plain(item) for key, item in value.items()}
        is_exact = all(isinstance(key, str) and item is not _INEXACT for key, item in by_key.items())
        return by_key if is_exact else _INEXACT
    return _plain_numpy(value) if type(value).__module__ == "numpy" else _INEXACT


def _plain_numpy(value: Any) -> Any:
    is_small = getattr(value, "size", _MAX_ITEMS + 1) <= _MAX_ITEMS
    return value.tolist() if is_small and getattr(getattr(value, "dtype", None), "kind", "") in "biufU" else _INEXACT


def _describe(value: Any) -> str:
    """A short text for an object: its qualified name if it is a function or class, else its repr without addresses."""
    kind = type(value)
    if callable(value) and hasattr(value, "__name__"):
        return f"{getattr(value, '__module__', None) or kind.__module__}.{value.__name__}"
    if (shape := getattr(value, "shape", None)) is not None:
        return f"{kind.__module__}.{kind.__qualname__}(shape={shape})"
    if hasattr(value, "get_params"):  # an estimator: its own params are recorded one by one
        return f"{kind.__name__}()"
    if isinstance(value, list | tuple | set | frozenset | dict):
        if len(value) > _MAX_ITEMS:
            return f"{kind.__name__} of {len(value)} items"
        if not isinstance(value, dict):  # the steps of a pipeline
            inner = ", ".join(encode(item)[0] for item in value)
            return f"{kind.__name__}({inner})"[:_MAX_DESCRIPTION]
    if isinstance(value, os.PathLike):
        return os.fsdecode(value)
    text = f"{kind.__module__}.{kind.__qualname__}"
    with guard("description of a param"):  # by somebody else's __repr__
        shown = repr(value)
        if shown != object.__repr__(value):
            text = _ADDRESS.sub("", shown)
    return text if len(text) <= _MAX_DESCRIPTION else text[: _MAX_DESCRIPTION - 3] + "..."


def _clipped(text: str) -> str:
    """Text that every Parquet reader takes: valid UTF-8, at most MAX_TEXT characters."""
    if len(text) > MAX_TEXT:
        text = text[: MAX_TEXT - 3] + "..."
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode("utf-8")


def params_of(row: Row) -> dict[str, Any]:
    """The params of a run's row, with their types."""
    types = row.get("param_types", {})
    return {key: decode(text, types.get(key)) for key, text in row.get("params", {}).items()}


def last_metrics(row: Row) -> dict[str, float]:
    """The last value of each metric of a run's row."""
    return {key: summary["last"] for key, summary in row.get("summary", {}).items()}
