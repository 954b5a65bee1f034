"""torch: what is going on in this thread, between one event and the next.

Watches   nothing; losses.py, steps.py, reads.py and loaders.py write down here what happened
Records   nothing
Never     keeps a tensor that has a graph: of a loss its value, on other devices a detached copy of the scalar
Needs     torch >= 2.2
"""

import os
import threading
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from autotrack_integrations.torch.places import Path, Site

if TYPE_CHECKING:
    from autotrack_integrations.torch.evaluation import Evaluation
    from autotrack_integrations.torch.training import Training

__all__ = ["Checkpoint", "Fit", "Judged", "Loss", "here"]


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
    site: Site | None


class Checkpoint(NamedTuple):
    """What was saved of a training.

    Attributes:
        run_id: Its run.
        steps: How many it had made.
        parts: The identity of what was loaded, and of its entries: the state of the optimizer is one.
    """

    run_id: str
    steps: int
    parts: frozenset[int]


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
        loaded: The checkpoint of a known run that was loaded last, until a training begins.
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
    loaded: Checkpoint | None = None

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
