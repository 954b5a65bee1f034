"""torch: places in the user's code, from which what is watched is called.

Watches   nothing
Records   nothing
Never     keeps a frame
Needs     nothing
"""

import sys
from collections.abc import Iterator
from types import FrameType

from autotrack.hooks import is_users, known_codes, receiver

__all__ = ["Path", "Site", "site_here", "user_frame", "user_frames"]

_MAX_FRAMES = 40  # of a stack that are looked at

_getframe = sys._getframe

Path = tuple[int, ...]  # identity of the code and instruction, of one or two frames from the inside out


class Site:
    """A place in the user's code, and how deep it lies under a function of ours that is called in every step: there it
    is looked for first, which takes no walk over the stack.

    Attributes:
        frames: How many frames further out it is.
        place: The place itself.
        path: The place, and the place that code is called from.
        name: What the method is called on there: `loss.backward()`; may be empty.
    """

    __slots__ = ("caller", "caller_instruction", "code", "frames", "instruction", "name", "path", "place")

    def __init__(self, frame: FrameType, frames: int) -> None:
        self.frames = frames
        self.code, self.instruction = frame.f_code, frame.f_lasti
        outer = frame.f_back
        self.caller = None if outer is None else outer.f_code
        self.caller_instruction = 0 if outer is None else outer.f_lasti
        self.place: Path = (id(self.code), self.instruction)
        self.path: Path = (*self.place, 0 if outer is None else id(outer.f_code), self.caller_instruction)
        self.name = receiver(frame)


def user_frame(frame: FrameType | None) -> FrameType | None:
    """The nearest frame, from this one outward, whose code is the user's own; else the nearest outside of torch."""
    start = frame
    while frame is not None:
        known = known_codes.get(id(frame.f_code))
        if known[1] if known is not None else is_users(frame.f_code):
            return frame
        frame = frame.f_back
    while start is not None:
        if not str(start.f_globals.get("__name__", "")).startswith(("torch.", "autotrack")):
            return start
        start = start.f_back
    return None


def site_here(known: Site | None) -> Site | None:
    """The nearest place in the user's code, from the caller outward: the known one, where it still is."""
    if known is not None:
        try:
            frame = _getframe(known.frames)
        except ValueError:  # not so deep
            frame = None
        if frame is not None and frame.f_code is known.code and frame.f_lasti == known.instruction:
            outer = frame.f_back
            if outer is None or (outer.f_lasti == known.caller_instruction and outer.f_code is known.caller):
                return known
    start = _getframe(1)
    wanted = user_frame(start)
    if wanted is None:
        return None
    frames, each = 1, start
    while each is not wanted and each.f_back is not None:
        frames, each = frames + 1, each.f_back
    return Site(wanted, frames)


def user_frames(frame: FrameType | None) -> Iterator[FrameType]:
    """The frames of the user's own code, from this one outward."""
    for _ in range(_MAX_FRAMES):
        if frame is None:
            return
        if is_users(frame.f_code):
            yield frame
        frame = frame.f_back
