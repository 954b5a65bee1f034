"""The form of an event: which fields it has, by its op, and what they hold.

An event is data from outside: whoever may write the store can give it the right checksum. `misfit` says what is wrong
with one. Fields and ops of newer versions are passed over.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

__all__ = ["MOST_VERSIONS", "misfit"]

Test = Callable[[Any], bool]

_SHA256 = re.compile(r"[0-9a-f]{64}")
MOST_VERSIONS = 10**18  # as many digits as a reference may have
_END_OF_TIME = 253_402_300_800 * 10**6  # microseconds from 1970 to the year 10000
_SHOWN = 60  # characters of a value that an error repeats


def misfit(content: Mapping[str, Any]) -> str | None:
    """What is wrong with an event, such as "its 'to' is '1'"; None if it has the form of one."""
    op = content.get("op")
    needed, more = _OPS.get(op, (_FRAME, {})) if isinstance(op, str) else (_FRAME, {})
    for name, fits in needed.items():
        if name not in content:
            return f"it has no {name!r}"
        if not fits(content[name]):
            return f"its {name!r} is {ascii(content[name])[:_SHOWN]}"
    wrong = next((name for name, fits in more.items() if name in content and not fits(content[name])), None)
    return None if wrong is None else f"its {wrong!r} is {ascii(content[wrong])[:_SHOWN]}"


def _is_text(value: Any) -> bool:
    return type(value) is str


def _is_flag(value: Any) -> bool:
    return type(value) is bool


def _is_number(value: Any) -> bool:
    """Whether it is one that a version can have."""
    return type(value) is int and 0 < value < MOST_VERSIONS


def _is_time(value: Any) -> bool:
    return type(value) is int and 0 <= value < _END_OF_TIME


def _is_sha256(value: Any) -> bool:
    return _is_text(value) and _SHA256.fullmatch(value) is not None


def _is_origin(value: Any) -> bool:
    parts = {"name": _is_text, "version": _is_number, "created_by": _is_text}
    return isinstance(value, dict) and all(part in value and fits(value[part]) for part, fits in parts.items())


def _is_gate(value: Any) -> bool:
    """Whether it is what gates.py says of an answer, as far as somebody reads it again."""
    if not isinstance(value, dict) or not _is_text(value.get("rule")) or not _is_flag(value.get("passed")):
        return False
    return all(isinstance(part := value.get(name), list) and all(map(_is_text, part)) for name in _SAID)


def _or_none(fits: Test) -> Test:
    return lambda value: value is None or fits(value)


def _by_text(fits: Test) -> Test:
    return lambda value: isinstance(value, dict) and all(map(fits, value.values()))  # keys of JSON are texts


_SAID = ("reasons", "warnings", "notes")
_FRAME: dict[str, Test] = {"op": _is_text, "by": _is_text, "at": _is_time, "previous": _or_none(_is_sha256)}
_DETAILS: dict[str, tuple[dict[str, Test], dict[str, Test]]] = {  # what each op has beside, and what it may have
    "register": (
        {
            "version": _is_number,
            "manifest": _is_sha256,
            "run_id": _or_none(_is_text),
            "tags": _by_text(_is_text),
            "description": _is_text,
        },
        {"origin": _is_origin},
    ),
    "alias": (
        {"alias": _is_text, "from": _or_none(_is_number), "to": _is_number},
        {"also": _by_text(_or_none(_is_number)), "rollback": _is_flag, "reason": _is_text, "gate": _is_gate},
    ),
    "unalias": ({"alias": _is_text, "from": _is_number}, {}),
    "tag": ({"version": _is_number, "key": _is_text, "value": _or_none(_is_text)}, {}),
    "describe": ({"version": _is_number, "description": _is_text}, {}),
    "delete": ({"version": _is_number}, {}),
}
_OPS = {op: ({**_FRAME, **needed}, more) for op, (needed, more) in _DETAILS.items()}
