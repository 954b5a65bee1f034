"""torch: what is summed up over one epoch of a training.

Watches   nothing; training.py adds each step, loaders.py and scores.py what they find
Records   nothing itself: training.py notes the metrics
Never     waits for a device before `metrics`
Needs     torch >= 2.2
"""

import math
import time
from typing import Any

from autotrack_integrations.torch.evaluation import read_all
from autotrack_integrations.torch.scores import Sums

__all__ = ["Epoch"]


class Epoch:
    """One epoch.

    Attributes:
        number: From 0; None where the script has no epochs, or has not begun the first.
        waited_s: Time spent waiting for batches.
        scores: Sums of the scores of its batches, as far as they were taken.
    """

    def __init__(self, number: int | None = None) -> None:
        self.number = number
        self.waited_s = 0.0
        self.scores: Sums = {}
        self._losses: list[Any] = []
        self._samples = 0
        self._started = time.perf_counter()

    def begin(self, number: int | None) -> None:
        """It has turned out which one it is."""
        self.number = number
        self._started = time.perf_counter()

    def add(self, loss: Any, samples: int) -> None:
        """One step: its loss, which may lie on a device."""
        self._losses.append(loss)
        self._samples += samples

    def __len__(self) -> int:
        """How many steps it has."""
        return len(self._losses)

    def loss(self) -> float:
        """The mean of the losses so far; NaN if there is none, or if reading one would wait for a device."""
        if not all(type(loss) is float for loss in self._losses):
            return math.nan
        return _mean(self._losses)

    def metrics(self) -> dict[str, float]:
        """All that is known at its end. Reads what lies on a device."""
        took_s = time.perf_counter() - self._started
        self._losses = read_all(self._losses)
        found = {"train_loss_epoch": _mean(self._losses)} if self._losses else {}
        for name, (part, count) in self.scores.items():
            hits, total = read_all([part, count])
            if total:
                key, value = ("rmse", math.sqrt(hits / total)) if name == "mse" else (name, hits / total)
                found[f"train_{key}"] = value
        if took_s > 0 and len(self) > 1:
            if self._samples:
                found["samples_per_s"] = self._samples / took_s
            if self.waited_s:
                found["data_wait_share"] = min(1.0, self.waited_s / took_s)
        return found


def _mean(values: list[float]) -> float:
    return math.fsum(values) / len(values) if values else math.nan
