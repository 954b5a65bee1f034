"""Who calls, and what the calling code calls some objects: `y_test` says more about an array than its shape.

Frames are read, never kept and never changed: what a function's locals refer to ends when it would have ended.
"""

import sys
from collections.abc import Iterator, Mapping, Sequence
from types import FrameType
from typing import Any

from autotrack.hooks.replacing import FRAME_FILE
from autotrack.hooks.variables import attributes_of, can_read, give_back

__all__ = ["calling_module", "names_in_callers"]

_MAX_FRAMES = 60  # frames looked at
_MAX_NAMES = 2000  # names in one frame: a namespace beyond it is a library's, not a script's


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
    names = [""] * len(objects)
    if can_read(frame.f_code):
        local = frame.f_locals
        _names_in(local, objects, names)
        _names_in(attributes_of(local.get("self")), objects, names)  # `self.y_test`
        give_back(frame, local)
    return _names_in(frame.f_globals, objects, names)


def _names_in(space: Mapping[str, Any], objects: Sequence[Any], names: list[str]) -> list[str]:
    """The names, those still missing filled in."""
    for name, value in list(space.items()) if len(space) <= _MAX_NAMES else ():
        for index, wanted in enumerate(objects):
            if value is wanted and wanted is not None and not names[index] and not name.startswith("_"):
                names[index] = name
    return names
