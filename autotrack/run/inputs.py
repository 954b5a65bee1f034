"""What people hand to a run, checked: one number, a step, tags, files. Each error says what was expected instead."""

import math
import operator
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from autotrack import names
from autotrack.errors import DataError
from autotrack.names import check_artifact_name
from autotrack.run.redact import redact, redact_value
from autotrack.types import Row
from autotrack.values import encode

__all__ = ["MAX_ERROR", "artifact_files", "error_text", "integer", "number", "param_fields", "tag_texts"]

MAX_ERROR = 16_000  # characters of message and traceback kept with a failed run


def param_fields(params: Mapping[str, Any]) -> Row:
    """Settings as the fields `params` and `param_types` of a row, without secrets."""
    texts, types = {}, {}
    for key, value in params.items():
        text, types[key] = encode(value)
        texts[key] = redact_value(key, text) if types[key] in ("string", "json") else text
        if texts[key] != text:
            types[key] = "string"
    return {"params": texts, "param_types": types}


def tag_texts(tags: Mapping[str, Any]) -> dict[str, str]:
    """Tags as texts, without secrets.

    Raises:
        DataError: They are not by their keys.
        InvalidNameError: A key is empty, too long or holds control characters.
    """
    return {key: redact_value(key, text) for key, text in names.tag_texts(tags).items()}


def number(key: str, value: Any) -> float:
    if not isinstance(value, str | bytes):
        try:
            return float(value)
        except (TypeError, ValueError, RuntimeError, OverflowError):
            pass
    raise DataError(
        f"Metric {key!r} was given {type(value).__name__} {str(value)[:60]!r}.\n"
        "Expected one number. Record text with log_param or set_tag, several numbers one by one.",
        key=key,
        value=value,
    )


def integer(word: str, value: Any) -> int | None:
    if value is None:
        return None
    try:
        number = operator.index(value)
    except TypeError:
        if not (isinstance(value, float) and math.isfinite(value) and value == int(value)):
            raise DataError(f"{word} is {value!r}.\nExpected an integer, or None.", value=value) from None
        number = int(value)
    bits = 31 if word == "epoch" else 63
    if not -(2**bits) < number < 2**bits:
        raise DataError(f"{word} is {number}.\nExpected an integer of at most {bits} bits.", value=value)
    return number


def artifact_files(source: str | os.PathLike[str] | bytes, name: str | None) -> dict[str, Path | bytes]:
    """Each file by the name it gets in the run."""
    if isinstance(source, bytes | bytearray):
        if name is None:
            raise DataError("log_artifact was given bytes without a name.\nExpected log_artifact(bytes, name='…').")
        return {check_artifact_name(name): bytes(source)}
    path = Path(source)
    base = check_artifact_name(name if name is not None else path.resolve().name)
    if path.is_file():
        return {base: path}
    if path.is_dir():
        return {
            f"{base}/{file.relative_to(path).as_posix()}": file for file in sorted(path.rglob("*")) if file.is_file()
        }
    raise DataError(
        f"There is no file {str(path)!r}.\nExpected the path of a file or folder, or bytes.", path=str(path)
    )


def error_text(error: BaseException) -> str:
    from traceback import format_exception

    message = str(error)
    head = f"{type(error).__name__}: {message}" if message else type(error).__name__
    return redact(f"{head}\n\n{''.join(format_exception(error))}")[:MAX_ERROR]
