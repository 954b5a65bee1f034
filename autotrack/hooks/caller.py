"""Who calls, and what the calling code calls some objects: `y_test` says more about an array than its shape.

Frames are read, never kept and never changed: what a function's locals refer to ends when it would have ended.
"""

import sys
from collections.abc import Iterator, Mapping, Sequence
from types import FrameType
from typing import Any

from autotrack.hooks.patch import FRAME_FILE

__all__ = ["calling_module", "names_in_callers"]

_IS_FUNCTION = 0x1  # CO_OPTIMIZED: the frame's locals are slots, and `f_locals` a snapshot of them
_MAX_FRAMES = 60  # frames looked at
_MAX_NAMES = 2000  # names in one frame: a namespace beyond it is a library's, not a script's
_UNHELD = 4  # references to a frame's snapshot that nobody else holds: its own, our three


def calling_module(skip: Sequence[str]) -> str:
    """The module of the nearest frame outside autotrack and the modules in `skip`; an empty string without one."""
    for frame in _frames(sys._getframe(1)):
        module = str(frame.f_globals.get("__name__", ""))
        if module not in skip:
            return module
    return ""


def names_in_callers(objects: Sequence[Any], skip: Sequence[str]) -> Iterator[list[str]]:
    """For each calling frame, from the inside out, the names it has for the objects, in the objects' order.

    Args:
        objects: What to look for, by identity.
        skip: Top-level packages whose frames are passed over, such as `sklearn`.
    """
    for frame in _frames(sys._getframe(1)):
        if str(frame.f_globals.get("__name__", "")).partition(".")[0] not in skip:
            yield _names(frame, objects)


def _frames(frame: FrameType | None) -> Iterator[FrameType]:
    """This frame and those around it, less ours."""
    for _ in range(_MAX_FRAMES):
        if frame is None:
            return
        package = str(frame.f_globals.get("__name__", "")).partition(".")[0]
        if not package.startswith("autotrack") and frame.f_code.co_filename != FRAME_FILE:
            yield frame
        frame = frame.f_back


def _names(frame: FrameType, objects: Sequence[Any]) -> list[str]:
    local = frame.f_locals
    names = _names_in(local, objects, [""] * len(objects))
    _names_in(_attributes(local.get("self")), objects, names)  # `self.y_test`
    if local is not frame.f_globals:
        _names_in(frame.f_globals, objects, names)
    if frame.f_code.co_flags & _IS_FUNCTION and sys.version_info < (3, 13):
        _drop(local)
    return names


def _attributes(owner: Any) -> Mapping[str, Any]:
    """What an object has in its own dict, without running code of its class."""
    try:
        attributes = object.__getattribute__(owner, "__dict__")
    except AttributeError:
        return {}
    return attributes if isinstance(attributes, dict) else {}


def _names_in(space: Mapping[str, Any], objects: Sequence[Any], names: list[str]) -> list[str]:
    """The names, those still missing filled in."""
    for name, value in list(space.items()) if len(space) <= _MAX_NAMES else ():
        for index, wanted in enumerate(objects):
            if value is wanted and wanted is not None and not names[index] and not name.startswith("_"):
                names[index] = name
    return names


def _drop(snapshot: dict[str, Any]) -> None:
    """Empty a frame's snapshot, which would keep the user's data alive, unless the user holds it as `locals()`."""
    if sys.getrefcount(snapshot) <= _UNHELD:
        snapshot.clear()
