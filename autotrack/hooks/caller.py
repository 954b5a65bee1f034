"""Under which names the calling code knows some objects: `y_test` says more about an array than its shape."""

import sys
from collections.abc import Collection, Sequence
from types import FrameType
from typing import Any

from autotrack.hooks.patch import FRAME_FILE

__all__ = ["names_in_caller"]

_IS_FUNCTION = 0x1  # CO_OPTIMIZED: the frame's locals are slots, and `f_locals` a snapshot of them
_MAX_FRAMES = 40


def names_in_caller(objects: Sequence[Any], skip: Collection[str]) -> list[str | None]:
    """The name of each object in the nearest frame outside autotrack and the packages in `skip`; None without one.

    Args:
        objects: What to look for, by identity.
        skip: Top-level packages whose frames are passed over, such as `sklearn`.
    """
    frame = _calling_frame(skip)
    names: list[str | None] = [None] * len(objects)
    if frame is None:
        return names
    spaces = [frame.f_locals] if frame.f_locals is frame.f_globals else [frame.f_locals, frame.f_globals]
    for space in spaces:
        for name, value in list(space.items()):
            for index, wanted in enumerate(objects):
                if value is wanted and wanted is not None and names[index] is None and not name.startswith("_"):
                    names[index] = name
    if frame.f_code.co_flags & _IS_FUNCTION and isinstance(spaces[0], dict) and sys.version_info < (3, 13):
        spaces[0].clear()  # the snapshot would keep the user's data alive until the function ends
    return names


def _calling_frame(skip: Collection[str]) -> FrameType | None:
    frame: FrameType | None = sys._getframe(2)
    for _ in range(_MAX_FRAMES):
        if frame is None:
            return None
        package = str(frame.f_globals.get("__name__", "")).partition(".")[0]
        is_ours = package.startswith("autotrack") or frame.f_code.co_filename == FRAME_FILE
        if not is_ours and package not in skip:
            return frame
        frame = frame.f_back
    return None
