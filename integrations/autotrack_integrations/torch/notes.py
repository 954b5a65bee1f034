"""torch: what is noted down in the steps of one training, until it becomes points of its run.

Watches   nothing; training.py notes
Records   metrics   `train_loss` and, where there are several, each loss under its own name; `lr`, `lr_1`: the learning
                    rate of each parameter group; whatever else it is told, under the names it is told
Never     waits for a device, but where it is asked to read what lies there; does more in a step than to append
Needs     torch >= 2.2
"""

import math
from collections.abc import Callable
from typing import Any

from autotrack import run
from autotrack.run.buffer import now_us
from autotrack_integrations.torch.evaluation import read_all
from autotrack_integrations.torch.here import Loss, here
from autotrack_integrations.torch.thinning import Thinned

__all__ = ["Notes"]

_NO_EPOCH = -1
_READ_EVERY = 1000  # values on a device after which they are read, where there is no epoch

Note = tuple[str, int, int, Any, int]  # metric, step, microseconds since 1970, value, epoch


class Notes:
    """Of one training. A thread of ours, which wakes every 200 ms, makes points of them.

    Attributes:
        lrs: The learning rates, as the optimizer has them.
        names: Of the losses, as the script calls them. With a second one each is a metric of its own.
    """

    def __init__(self, tell_trouble: Callable[[int, float], None]) -> None:
        self.lrs: list[Any] = []
        self.names: dict[str, None] = {}
        self._only_name: str | None = None  # while there is but one
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

    def losses(self, losses: list[Loss], step: int) -> tuple[Any, int]:
        """The losses of a step. Returns their sum, which is `train_loss`, and the number of samples."""
        at_us = now_us()
        _, name, value, divisor, samples = losses[0]
        if len(losses) > 1 or divisor != 1 or name != self._only_name:
            value = self.named(losses, step, at_us)
            samples = sum(loss.samples for loss in losses)
        if type(value) is float:
            here.now.recent.append(value)
            self._known.append(("train_loss", step, at_us, value, self._epoch))
            if not math.isfinite(value):
                self._tell_trouble(step, value)
        else:
            self.add("train_loss", step, at_us, value)
            if len(self._waiting) >= _READ_EVERY:
                self.read_waiting()
        return value, samples

    def named(self, losses: list[Loss], step: int, at_us: int) -> Any:
        """Each loss under its own name, once there are several. Returns their sum."""
        by_name: dict[str, list[Any]] = {}
        for loss in losses:
            value = loss.value * loss.divisor if loss.divisor > 1 and len(losses) > 1 else loss.value
            by_name.setdefault(loss.name or "loss", []).append(value)
        means = {name: sum(values) / len(values) for name, values in by_name.items()}
        only = self._only_name
        self.names.update(dict.fromkeys(means))
        self._only_name = next(iter(self.names)) if len(self.names) == 1 else None
        if len(self.names) > 1:
            if only is not None:
                self._thinned.also_as(only)  # so was called what was the loss so far
            for name, value in means.items():
                self.add(name, step, at_us, value)
                if type(value) is float:
                    here.now.recent.append(value)
        return sum(means.values()) if means else math.nan

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
