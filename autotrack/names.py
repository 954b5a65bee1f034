"""Which names people may give, and one clear error for the others.

Names are data: they stand in columns, never in paths. So nearly everything printable goes; the rules keep
out what would make a name impossible to type, to tell apart or to write into a reference.
"""

import re
from collections.abc import Iterable
from typing import Any

from autotrack.errors import DataError, InvalidNameError

__all__ = [
    "by_key",
    "check_artifact_name",
    "check_key",
    "check_model_name",
    "check_name",
    "check_new_model_name",
    "tag_texts",
]

MAX_NAME = 250  # characters: one screen line and a half, and within what file systems allow for one name
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_REFERENCE = re.compile(r"[@/:\\]")
_DIRECTION = re.compile(r"[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_INVISIBLE = re.compile(r"[\u00ad\u200b\u2060\ufeff]")  # joiners can be seen in emoji and in some scripts


def check_name(kind: str, name: object) -> str:
    """`name` if a run, experiment, alias ... may be called so. `kind` is the word the error uses.

    Raises:
        InvalidNameError: Not a string, empty, only dots or spaces, longer than 250 characters, or with control
            characters.
    """
    text = check_key(kind, name)
    if text in (".", ".."):
        raise _invalid(kind, text, "'.' and '..' mean folders")
    return text


def check_key(kind: str, key: object) -> str:
    """`key` if a metric, param or tag may be called so (as `check_name`, but dots are fine)."""
    if not isinstance(key, str):
        raise _invalid(kind, key, f"it is of type {type(key).__name__}, not a string")
    if not key.strip():
        raise _invalid(kind, key, "it is empty")
    if len(key) > MAX_NAME:
        raise _invalid(kind, key, f"it has {len(key):,} characters")
    if found := _CONTROL.search(key):
        raise _invalid(kind, key, f"it holds the control character {found.group()!r}")
    return key


def check_model_name(kind: str, name: object) -> str:
    """`name` if a registered model or an alias may be called so: it must fit into `name@alias` and `name/3`."""
    text = check_name(kind, name)
    if found := _REFERENCE.search(text):
        raise _invalid(kind, text, f"{found.group()!r} has a meaning in references such as name@alias or name/3")
    if found := _DIRECTION.search(text):
        raise _invalid(kind, text, f"it holds {found.group()!a}, which makes text read as another one")
    if text != text.strip():
        raise _invalid(kind, text, "it starts or ends with a space")
    return text


def check_new_model_name(kind: str, name: object) -> str:
    """`name` if a model or an alias may be called so from now on: no other name looks the same.

    Those that are registered already go by `check_model_name`.
    """
    text = check_model_name(kind, name)
    if found := _INVISIBLE.search(text):
        raise _invalid(kind, text, f"it holds {found.group()!a}, which cannot be seen")
    if not text.isascii():
        from unicodedata import is_normalized

        if not is_normalized("NFC", text):
            why = "it is not in Unicode's composed form, which unicodedata.normalize('NFC', name) gives"
            raise _invalid(kind, text, why)
    return text


def check_artifact_name(name: object) -> str:
    """`name` if an artifact may be called so: a relative path with `/`, staying inside its run."""
    text = check_key("artifact name", name)
    parts = text.replace("\\", "/").split("/")
    if any(part in ("", ".", "..") for part in parts) or ":" in parts[0]:
        raise _invalid("artifact name", text, "it is not a relative path that stays inside the run")
    return "/".join(parts)


def tag_texts(tags: object) -> dict[str, str]:
    """Tags as texts; none for None.

    Raises:
        DataError: They are not by their keys.
        InvalidNameError: A key cannot be called so.
    """
    return {} if tags is None else {check_key("tag key", key): str(value) for key, value in by_key("Tags", tags)}


def by_key(what: str, values: Any) -> Iterable[tuple[Any, Any]]:
    """The items of a mapping, or of what has such, as a pandas Series.

    Raises:
        DataError: It has none.
    """
    if callable(getattr(values, "items", None)):
        items: Iterable[tuple[Any, Any]] = values.items()
        return items
    raise DataError(
        f"{what} of type {type(values).__name__} cannot be recorded.\n"
        "Expected a value for each key, as in {'name': value}.",
        value=values,
    )


def _invalid(kind: str, name: object, why: str) -> InvalidNameError:
    shown = repr(name) if len(repr(name)) <= 60 else repr(name)[:57] + "..."
    return InvalidNameError(
        f"Invalid {kind} {shown}: {why}.\nExpected 1 to {MAX_NAME} printable characters. Choose another name.",
        kind=kind,
        name=name,
    )
