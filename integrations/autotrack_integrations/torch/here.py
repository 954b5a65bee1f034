"""torch: what is going on in this thread, between one event and the next.

Watches   nothing; losses.py, steps.py, reads.py and loaders.py write down here what happened
Records   nothing
Never     keeps a tensor that has a graph: of a loss its value, on other devices a detached copy of the scalar
Needs     torch >= 2.2
"""

import os
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import FrameType
from typing import TYPE_CHECKING, Any, NamedTuple

from autotrack import run
from autotrack.hooks import is_users, known_codes, receiver

if TYPE_CHECKING:
    from autotrack_integrations.torch.evaluation import Evaluation
    from autotrack_integrations.torch.training import Training

__all__ = [
    "Fit",
    "Judged",
    "Loss",
    "Path",
    "Site",
    "computing",
    "here",
    "is_watching",
    "kept_unseen",
    "now_us",
    "path_of",
    "site_here",
    "unseen",
    "user_frame",
    "user_frames",
]

_getframe = sys._getframe

_MAX_FRAMES = 40  # of a stack that are looked at

Path = tuple[int, ...]  # identity of the code and instruction, of two frames from the inside out


class Judged(NamedTuple):
    """One call of a loss function whose result has a graph.

    Attributes:
        number: The sequence number of its node in the graph, by which it is found again from what backward starts at.
        value: What it returned: per sample, if it summed over them; a scalar tensor where the device is another.
        is_sum: Whether it summed over the samples.
        samples: How many there were.
        target: The target, weakly: which data it was.
        site: Where it was called.
    """

    number: int
    value: Any
    is_sum: bool
    samples: int
    target: Any
    site: "Site | None"


class Loss(NamedTuple):
    """What one backward started at.

    Attributes:
        name: What the user calls it; may be empty.
        divisor: By what number it was divided before, if it was: the number of batches that are accumulated.
    """

    path: Path
    name: str
    value: Any
    divisor: int
    samples: int


class Site:
    """A place in the user's code, and how deep it lies under a function of ours that is called in every step: there it
    is looked for first, which takes no walk over the stack.

    Attributes:
        frames: How many frames further out it is.
        path: As `path_of` gives it; `place` is its inner half.
        name: What the method is called on there: `loss.backward()`; may be empty.
    """

    __slots__ = ("caller", "caller_instruction", "code", "frames", "instruction", "name", "path", "place")

    def __init__(self, frame: FrameType, frames: int) -> None:
        self.frames = frames
        self.code, self.instruction = frame.f_code, frame.f_lasti
        outer = frame.f_back
        self.caller = None if outer is None else outer.f_code
        self.caller_instruction = 0 if outer is None else outer.f_lasti
        self.path = path_of(frame)
        self.place = self.path[:2]
        self.name = receiver(frame)


@dataclass(eq=False)
class Fit:
    """The loop of a library, while it runs in this thread: all that steps in it is one training, which ends with it.

    Attributes:
        root: What is trained, as the user calls it a model; None: it is looked for.
        epoch: The library's own count of epochs, from 0.
        settings: What the library was set to, read when the run begins.
        training: What it became, from its first step on.
    """

    root: Any
    epoch: Callable[[], int | None]
    settings: Callable[[], Mapping[str, Any]]
    training: "Training | None" = None


@dataclass(slots=True)
class _Now:
    """Of one thread.

    Attributes:
        is_busy: Our own computations are under way: nothing of them is heard.
        fit: The loop of a library that is running.
        judged: Loss functions called since the last step.
        sites: Where loss functions were called whose results backward has reached.
        deferred: By the number of such a call what adds it to an evaluation, if no backward reaches it.
        losses: Where backward started since the last step.
        stepping: The training whose optimizer is in its step.
        training: The training that stepped last.
        evaluations: Those under way, by their key.
        recent: Values that are on record already, the newest ones: not recorded twice under another name.
        pass_number: Which pass of a DataLoader gave the last batch; 0 if none did.
        criterion: The loss function that was called last, as `cross_entropy`.
        autocast: The type that it was called under, where autocast is on.
        waited_s: Time spent waiting for batches since the last step.
        fetched_at: When the batch under way was asked for.
        resumed_from: The run whose checkpoint was loaded last.
        is_composite: Whether the last loss was more than the result of one loss function.
        score_at: When the next batch of training may be scored, as `time.perf_counter`.
        target: The target, weakly, of the last loss that backward went through.
    """

    is_busy: bool = False
    fit: Fit | None = None
    judged: list[Judged] = field(default_factory=list)
    sites: set[Path] = field(default_factory=set)
    deferred: dict[int, Callable[[], None]] = field(default_factory=dict)
    losses: list[Loss] = field(default_factory=list)
    stepping: "Training | None" = None
    training: "Training | None" = None
    evaluations: "dict[Any, Evaluation]" = field(default_factory=dict)
    recent: deque[float] = field(default_factory=lambda: deque(maxlen=32))
    pass_number: int = 0
    waited_s: float = 0.0
    fetched_at: float = 0.0
    criterion: str = ""
    autocast: str = ""
    target: Any = None
    score_at: float = 0.0
    is_composite: bool = False
    resumed_from: str = ""

    def forget_places(self) -> None:
        """A training is over: another one may have another loss in the same place."""
        self.criterion = self.autocast = ""
        self.sites.clear()


class _Here(threading.local):
    """Of this thread, in `now`."""

    def __init__(self) -> None:
        self.now = _Now()

    def forget(self) -> None:
        """In a forked child, and when nothing is watched any more."""
        self.now = _Now()


here = _Here()

if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=here.forget)


def is_watching() -> bool:
    """Whether what happens here and now is recorded: not in a trace, which would have our own computations in it."""
    return run.is_recording() and not here.now.is_busy and sys.modules["torch"]._C._get_tracing_state() is None


@contextmanager
def unseen() -> Iterator[None]:
    """In this block modes of the user's that see every operation see none (`torch.set_default_device` is one)."""
    import torch
    from torch.utils._python_dispatch import _disable_current_modes

    with torch._C.DisableTorchFunction():
        if torch._C._len_torch_dispatch_stack():
            with _disable_current_modes():
                yield
        else:
            yield


@contextmanager
def computing() -> Iterator[None]:
    """What is computed in this block is ours: it is not heard, modes do not see it, and it has no graph."""
    import torch

    now = here.now
    before, now.is_busy = now.is_busy, True
    try:
        with unseen(), torch.no_grad():
            yield
    finally:
        now.is_busy = before


def kept_unseen(function: Callable[..., None]) -> Callable[..., None]:
    """A function that looks at tensors in every step, and is seen by no mode of the user's."""
    import torch

    functions, dispatches = torch._C._len_torch_function_stack, torch._C._len_torch_dispatch_stack

    def run(*args: Any) -> None:
        if functions() or dispatches():
            with unseen():
                function(*args)
        else:
            function(*args)

    return run


def now_us() -> int:
    """Microseconds since 1970, UTC."""
    return time.time_ns() // 1000


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


def path_of(frame: FrameType | None) -> Path:
    """Where this is called from: the place in the user's code, and the place that code is called from."""
    if frame is None:
        return ()
    caller = frame.f_back
    if caller is None:
        return id(frame.f_code), frame.f_lasti, 0, 0
    return id(frame.f_code), frame.f_lasti, id(caller.f_code), caller.f_lasti
