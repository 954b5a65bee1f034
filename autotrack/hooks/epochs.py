"""The epoch of a training, as the loops of the user's code count it.

    reader = EpochReader.find(frame, creation_of_its_optimizer)     # at its first step
    reader.read(frame)                                              # at each step: 0, 0, 0, 1, 1, 1 ...

It is the outermost loop with a variable named like an epoch, or one around it that counts and is no stage of the work
(`for iteration in ...: for epoch in range(update_epochs)`); without such a name, the loop around that of the batches.
Loops that were under way when the optimizer was made (folds, seeds) are around the training. Frames are not kept.
"""

from collections.abc import Iterator, Sequence
from numbers import Integral
from types import CodeType, FrameType
from typing import Any, NamedTuple

from autotrack.hooks.loops import Loop, enclosing, is_epoch, offsets, words
from autotrack.hooks.variables import can_read, give_back, local_values
from autotrack.hooks.whose import is_users

__all__ = ["Creation", "EpochReader", "creation"]

_MAX_FRAMES = 200  # looked at: a notebook's own are some forty
_GENERATOR = 0x20 | 0x80 | 0x200  # CO_GENERATOR, CO_COROUTINE, CO_ASYNC_GENERATOR: called from anywhere
_PLAIN = frozenset((int, str, float, bool, type(None)))
_STAGES = {
    *("block", "cv", "experiment", "exp", "fold", "layer", "level", "part", "phase", "rep", "repeat", "repetition"),
    *("restart", "run", "seed", "split", "stage", "task", "trial"),
}


# `for optimizer in optimizers: optimizer.step()` takes no batches.
_ACTORS = {"opt", "optim", "optimizer", "model", "net", "network", "agent", "param", "group"}


class _Standing(NamedTuple):
    """Where a frame stood: the loops it was in, and what their variables were."""

    code: CodeType
    loops: tuple[Loop, ...]
    marks: tuple[Any, ...]


Creation = tuple[_Standing, ...]


class _Found(NamedTuple):
    """A loop on the stack; `depth` counts the frames from the innermost one outward."""

    depth: int
    loop: Loop
    frame: FrameType


def creation(frame: FrameType | None) -> Creation:
    """Where something is being made: the user's frames from this one outward, the outermost first."""
    standing = [
        _Standing(each.f_code, loops, tuple(_marks(each, loop) for loop in loops))
        for _, each in _users_frames(frame)
        for loops in (enclosing(each),)
    ]
    return tuple(reversed(standing))


class EpochReader:
    """Reads the epoch at a step. Numbers never go back: each change of the loop's variable is one more."""

    def __init__(self, created: Creation) -> None:
        self._created = created
        self._number: int | None = None
        self._last: Any = None
        self._failed: list[tuple[int, int]] | None = None  # a path on which no loop was found
        self._loop: Loop
        self._code: CodeType
        self._inside: frozenset[int]
        self._depth: int  # of the loop's frame, from the one that is asked about
        self._variable: str
        self._is_local: bool
        self._around: tuple[tuple[int, Loop], ...]  # loops further out in the training, and how much further

    @classmethod
    def find(cls, frame: FrameType, created: Creation | None) -> "EpochReader | None":
        """The reader for a training that is making a step; None if no loop says what an epoch is.

        Args:
            frame: The innermost of the user's frames.
            created: Where its optimizer was made, if that is known.
        """
        reader = cls(created or ())
        return None if reader._look(frame) is None else reader

    def read(self, frame: FrameType) -> int | None:
        """The epoch now, from 0."""
        at: FrameType | None = frame
        for _ in range(self._depth):
            at = at.f_back if at is not None else None
        if at is None or at.f_code is not self._code or at.f_lasti not in self._inside:
            at = self._search(frame)
            if at is None:
                return self._number
        if self._is_local:
            space = at.f_locals
            value = space.get(self._variable)
            give_back(at, space)
        else:
            value = local_values(at, (self._variable,))[0]
        mark = value if type(value) in _PLAIN else _mark(value)
        caller = None if at.f_back is None or self._code.co_flags & _GENERATOR else at.f_back.f_lasti
        around = self._around and tuple(self._marks_around(at))
        now = (mark, caller, around, self._loop)
        if now != self._last:
            self._number = self._first(mark) if self._number is None else self._number + 1
            self._last = now
        return self._number

    def _first(self, mark: Any) -> int:
        """The number of the first epoch: a resumed training goes on where it was."""
        loop = self._loop
        if type(mark) is not int or not (loop.counts or is_epoch(self._variable)):
            return 0
        return max(0, mark - loop.starts_at_one)

    def _search(self, frame: FrameType) -> FrameType | None:
        """The frame of the loop, where it is not as deep as before; of another loop, where this one is over."""
        path = []
        for depth, at in enumerate(_frames(frame)):
            if at.f_code is self._code and at.f_lasti in self._inside:
                self._depth = depth
                return at
            path.append((id(at.f_code), at.f_lasti))
        if path == self._failed:
            return None
        found = self._look(frame)
        self._failed = path if found is None else None
        return found

    def _look(self, frame: FrameType) -> FrameType | None:
        """Find the loop of the epochs among those on the stack; None leaves everything as it is."""
        found = list(_loops_of_training(frame, self._created))
        index = _choose([each.loop for each in found])
        if index is None:
            return None
        self._depth, loop, at = found[index]
        self._loop, self._code, self._inside = loop, loop.code, offsets(loop)
        self._variable = _variable(loop)
        self._is_local = "." not in self._variable
        self._around = tuple((each.depth - self._depth, each.loop) for each in found[:index] if _is_readable(each.loop))
        return at

    def _marks_around(self, frame: FrameType) -> Iterator[Any]:
        """What the loops further out in the training stand at."""
        at: FrameType | None = frame
        depth = 0
        for wanted, loop in reversed(self._around):
            while depth < wanted and at is not None:
                at, depth = at.f_back, depth + 1
            if at is not None:
                yield _marks(at, loop)


def _choose(loops: Sequence[Loop]) -> int | None:
    """Which of the loops around a step, the outermost first, is that of the epochs."""
    usable = [_is_readable(loop) for loop in loops]
    named = next((index for index, loop in enumerate(loops) if usable[index] and _is_named(loop)), None)
    counting = [
        index
        for index, loop in enumerate(loops[:-1])
        if usable[index] and loop.counts and not loop.is_of_batches and not _is_stage(loop)
    ]
    if named is not None:
        return counting[0] if counting and counting[0] < named else named
    if not loops or not loops[-1].is_of_batches or not words(" ".join(loops[-1].variables)).isdisjoint(_ACTORS):
        return None
    return counting[-1] if counting else max((index for index in range(len(loops) - 1) if usable[index]), default=None)


def _is_readable(loop: Loop) -> bool:
    return bool(loop.variables) and can_read(loop.code)


def _is_named(loop: Loop) -> bool:
    return is_epoch(_variable(loop)) or (loop.counts and _variable(loop) == "e")


def _is_stage(loop: Loop) -> bool:
    return any(word in _STAGES or word.removesuffix("s") in _STAGES for word in words(loop.variables[0]))


def _variable(loop: Loop) -> str:
    return next((name for name in loop.variables if is_epoch(name)), loop.variables[0])


def _loops_of_training(frame: FrameType, created: Creation) -> Iterator[_Found]:
    """The loops on the stack, the outermost first, less those that were under way when the optimizer was made."""
    is_shared = True
    for number, (depth, each) in enumerate(reversed(list(_users_frames(frame)))):
        is_shared = is_shared and number < len(created) and created[number].code is each.f_code
        before = dict(zip(created[number].loops, created[number].marks, strict=True)) if is_shared else {}
        for loop in enclosing(each):
            if loop not in before or before[loop] != _marks(each, loop):
                yield _Found(depth, loop, each)


def _users_frames(frame: FrameType | None) -> Iterator[tuple[int, FrameType]]:
    return ((depth, each) for depth, each in enumerate(_frames(frame)) if is_users(each.f_code))


def _frames(frame: FrameType | None) -> Iterator[FrameType]:
    for _ in range(_MAX_FRAMES):
        if frame is None:
            return
        yield frame
        frame = frame.f_back


def _marks(frame: FrameType, loop: Loop) -> tuple[Any, ...]:
    return tuple(_mark(value) for value in local_values(frame, loop.variables))


def _mark(value: Any) -> Any:
    """What tells one value from the next, without keeping it."""
    if type(value) in _PLAIN:
        return value
    return int(value) if issubclass(type(value), Integral) else (type(value).__name__, id(value))
