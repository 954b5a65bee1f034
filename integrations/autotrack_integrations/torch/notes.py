"""torch: what is noted down in the steps of one training, until it becomes points of its run.

Watches   nothing; training.py notes
Records   metrics   what it is told, under the names it is told; `lr`, `lr_1`: the learning rate of each parameter group
Never     waits for a device, but where it is asked to read what lies there; does more in a step than to append
Needs     torch >= 2.2
"""

import math
from collections.abc import Callable
from typing import Any

from autotrack import run
from autotrack.run.buffer import now_us
from autotrack_integrations.torch.evaluation import read_all
from autotrack_integrations.torch.thinning import Thinned

__all__ = ["Notes"]

_NO_EPOCH = -1
_READ_EVERY = 1000  # values on a device after which they are read, where there is no epoch

Note = tuple[str, int, int, Any, int]  # metric, step, microseconds since 1970, value, epoch


class Notes:
    """Of one training. A thread of ours, which wakes every 200 ms, makes points of them.

    Attributes:
        lrs: The learning rates, as the optimizer has them.
    """

    def __init__(self, tell_trouble: Callable[[int, float], None]) -> None:
        self.lrs: list[Any] = []
        self._tell_trouble = tell_trouble  # called with a step and a loss that is no number
        self._known: list[Note] = []  # values that can be read at once
        self._waiting: list[Note] = []  # values on a device
        self._epoch = _NO_EPOCH
        self._thinned = Thinned()
        self._run: run.Run | None = None
        self._wake: Callable[[], None] = _asleep

    def open(self, of: run.Run) -> None:
        """They are of this run, until it is finished."""
        self._run = of
        self._wake = of.add_source(self.tell)

    def start_epoch(self, epoch: int | None) -> None:
        """What is noted from here on is of this epoch."""
        self._epoch = _NO_EPOCH if epoch is None else epoch

    def loss(self, step: int, at_us: int, value: Any) -> None:
        """The loss of a step."""
        if type(value) is float:
            self._known.append(("train_loss", step, at_us, value, self._epoch))
            if not math.isfinite(value):
                self._tell_trouble(step, value)
        else:
            self.add("train_loss", step, at_us, value)
            if len(self._waiting) >= _READ_EVERY:
                self.read_waiting()

    def add(self, key: str, step: int, at_us: int, value: Any) -> None:
        """A value of a metric: a number, or a scalar on a device."""
        note = (key, step, at_us, value, self._epoch)
        (self._known if type(value) is float or type(value) is int else self._waiting).append(note)

    def rates(self, step: int, groups: list[dict[str, Any]]) -> None:
        """The learning rates of the parameter groups, where they are new."""
        lrs = self.lrs
        if len(groups) == 1 == len(lrs) and groups[0].get("lr") is lrs[0]:
            return
        for number, group in enumerate(groups):
            lr = group.get("lr")
            if number == len(lrs):
                lrs.append(None)
            before, lrs[number] = lrs[number], lr
            if isinstance(lr, (int, float)) and lr != before:  # a tensor may be on a device: reading it would wait
                self.add(f"lr_{number}" if number else "lr", step, now_us(), float(lr))

    def also_as(self, name: str) -> None:
        """What was the loss so far has this name, too."""
        self._thinned.also_as(name)

    def wake(self) -> None:
        """There is something to write."""
        self._wake()

    def read_waiting(self) -> None:
        """The values that are still on a device, all at once: the only place that waits for one."""
        if self._waiting:
            waiting, self._waiting = self._waiting, []
            values = read_all([note[3] for note in waiting])
            for (key, step, at_us, _, epoch), value in zip(waiting, values, strict=True):
                self._known.append((key, step, at_us, value, epoch))
                if key == "train_loss" and not math.isfinite(value):
                    self._tell_trouble(step, value)

    def tell(self) -> None:
        """Make points of what was noted; on a thread of ours."""
        count = len(self._known)
        if count and self._run is not None:
            taken = self._known[:count]
            del self._known[:count]
            self._run.derive_points(self._thinned.points(taken))


def _asleep() -> None:
    """Before there is a run."""
