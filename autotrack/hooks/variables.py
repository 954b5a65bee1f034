"""Variables of frames, read where they are: nothing of them is kept, nothing is changed.

Before Python 3.13 reading the locals of a function leaves a snapshot of them in its frame, which would keep the user's
objects alive; it is emptied again. A function that calls `locals()` is given that very snapshot, and another look would
add to it what came later: the locals of such a function are not read.
"""

import sys
from collections.abc import Mapping, Sequence
from itertools import pairwise
from types import CodeType, FrameType
from typing import Any

__all__ = ["attributes_of", "can_read", "give_back", "local_values", "local_variables"]

_IS_FUNCTION = 0x1  # CO_OPTIMIZED: the frame's locals are slots, and `f_locals` a snapshot of them
_LEAVES_SNAPSHOT = sys.version_info < (3, 13)
_MAX_KNOWN = 2000  # code objects remembered
_UNHELD = 4  # references to a frame's snapshot that nobody else holds: its own, our three

_known: dict[int, tuple[CodeType, bool]] = {}  # by identity: the hash of a code object is that of all it consists of


def local_values(frame: FrameType, names: Sequence[str]) -> tuple[Any, ...]:
    """The values of some variables; None for what is not there.

    Args:
        names: Local names, or attributes of what they refer to: `self.epoch`.
    """
    if not can_read(frame.f_code):
        return (None,) * len(names)
    space = frame.f_locals
    values = tuple(_value(space, name) for name in names)
    give_back(frame, space)
    return values


def local_variables(frame: FrameType) -> list[tuple[str, Any]]:
    """All variables of the frame with their values, which live as long as the list."""
    if not can_read(frame.f_code):
        return []
    space = frame.f_locals
    variables = list(space.items())
    give_back(frame, space)
    return variables


def can_read(code: CodeType) -> bool:
    """Whether the locals of this code's frames may be looked at without its noticing."""
    if not _LEAVES_SNAPSHOT or not code.co_flags & _IS_FUNCTION:
        return True
    known = _known.get(id(code))
    if known is None:
        if len(_known) >= _MAX_KNOWN:
            _known.clear()
        known = _known[id(code)] = code, not _sees_snapshot(code)
    return known[1]


def give_back(frame: FrameType, space: Mapping[str, Any]) -> None:
    """End the reading of `frame.f_locals`: empty a snapshot, unless somebody else holds it, such as a debugger."""
    if (
        _LEAVES_SNAPSHOT
        and frame.f_code.co_flags & _IS_FUNCTION
        and frame.f_trace is None
        and sys.getrefcount(space) <= _UNHELD
    ):
        space.clear()  # type: ignore[attr-defined]


def attributes_of(owner: Any) -> Mapping[str, Any]:
    """What an object has in its own dict, without running code of its class."""
    try:
        attributes = object.__getattribute__(owner, "__dict__")
    except AttributeError:
        return {}
    return attributes if isinstance(attributes, dict) else {}


def _value(space: Mapping[str, Any], name: str) -> Any:
    first, *rest = name.split(".")
    value = space.get(first)
    for part in rest:
        value = attributes_of(value).get(part)
    return value


def _sees_snapshot(code: CodeType) -> bool:
    """Whether it calls `locals()`, `exec()`, or `vars()` without an argument."""
    if not {"locals", "exec", "vars"}.intersection(code.co_names):
        return False
    from dis import get_instructions

    steps = [each for each in get_instructions(code) if each.opname not in ("PRECALL", "CACHE", "PUSH_NULL")]
    return any(
        name.opname == "LOAD_GLOBAL"
        and (name.argval in ("locals", "exec") or (name.argval == "vars" and call.opname == "CALL" and call.arg == 0))
        for name, call in pairwise(steps)
    )
