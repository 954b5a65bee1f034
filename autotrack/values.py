"""Params as text and back: any value becomes a text a person would write and the word for its type.

    text     type     value
    '0.1'    float    0.1
    'rbf'    string   'rbf'
    'None'   null     None
    '[1, 2]' json     [1, 2]

What has no exact text (an estimator, a function, a large array) becomes a short description, type `string`.
"""

import json
import re
from typing import Any

__all__ = ["decode", "encode"]

MAX_TEXT = 100_000  # characters of one param: a long prompt or SQL text fits, a serialised data set does not
_MAX_DESCRIPTION = 500  # characters of the description of an object that has no exact text
_MAX_ITEMS = 200  # items of a list or array that is kept as a list
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
    if type(plain) in (str, float, int, bool):
        return encode(plain)
    if isinstance(plain, list | dict):
        text = json.dumps(plain)
        if len(text) <= MAX_TEXT:
            return text, "json"
    return _describe(value), "string"


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
    """The value in the types JSON has, as far as that is exact; the value itself otherwise."""
    if isinstance(value, bool | int | float | str) or value is None:
        for base in (bool, int, float, str):  # an enum or a subclass is recorded as the builtin it is
            if isinstance(value, base):
                return base(value)
        return value
    if isinstance(value, list | tuple | set | frozenset):
        if len(value) > _MAX_ITEMS:
            return value
        items = [_plain(item) for item in value]
        return items if all(_is_plain(item) for item in items) else value
    if isinstance(value, dict):
        if len(value) > _MAX_ITEMS or not all(isinstance(key, str) for key in value):
            return value
        items_by_key = {key: _plain(item) for key, item in value.items()}
        return items_by_key if all(_is_plain(item) for item in items_by_key.values()) else value
    if type(value).__module__ == "numpy":
        return _plain_numpy(value)
    return value


def _plain_numpy(value: Any) -> Any:
    if getattr(value, "ndim", None) is None or getattr(value, "size", _MAX_ITEMS + 1) > _MAX_ITEMS:
        return value
    kind = getattr(getattr(value, "dtype", None), "kind", "")
    return value.tolist() if kind in "biufU" else value


def _is_plain(value: Any) -> bool:
    return value is None or type(value) in (bool, int, float, str, list, dict)


def _describe(value: Any) -> str:
    """A short text for an object: its qualified name if it is a function or class, else its repr without addresses."""
    if callable(value) and hasattr(value, "__qualname__"):
        return f"{value.__module__}.{value.__qualname__}"
    if type(value).__repr__ is object.__repr__ or getattr(value, "shape", None) is not None:
        shape = getattr(value, "shape", None)
        return f"{type(value).__module__}.{type(value).__qualname__}" + (f"(shape={shape})" if shape is not None else "")
    if hasattr(value, "get_params"):  # an estimator: its own params are recorded one by one
        return f"{type(value).__name__}()"
    if isinstance(value, list | tuple | set | frozenset | dict) and len(value) > _MAX_ITEMS:
        return f"{type(value).__name__} of {len(value)} items"
    text = _ADDRESS.sub("", repr(value))
    return text if len(text) <= _MAX_DESCRIPTION else text[: _MAX_DESCRIPTION - 3] + "..."


def _clipped(text: str) -> str:
    """Text that every Parquet reader takes: valid UTF-8, at most MAX_TEXT characters."""
    if len(text) > MAX_TEXT:
        text = text[: MAX_TEXT - 3] + "..."
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")
