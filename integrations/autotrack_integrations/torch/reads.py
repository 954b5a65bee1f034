"""torch: what a script reads for itself, as `acc = (predicted == y).float().mean().item()`.

Watches   Tensor.item, Tensor.tolist (public). `float(t)` is left alone: torch warns there, and says where it was called
Records   metrics   under the name of what the value is assigned to, or of the tensor that is read; of an evaluation the
                    mean over its batches
Never     reads a tensor itself; records a loss or metric again that is on record already; counts (integers)
Needs     torch >= 2.2
"""

import math
import re
import sys
from functools import partial
from operator import attrgetter
from typing import Any

from autotrack.hooks import Tap, destination, is_users, receiver
from autotrack_integrations.torch.here import here

__all__ = ["watch_reads"]

_MAX_KNOWN = 10_000  # places of which the name is remembered
_NO_NAMES = {"self", "x", "i", "_", "lr", "epoch", "step"}

_LOSS = re.compile("loss|err|cost|elbo|nll", re.IGNORECASE)

_names: dict[tuple[int, int], str] = {}


def watch_reads() -> list[Tap]:
    """Start watching; the caller keeps the taps and calls undo() on each."""
    import torch

    is_stepping = partial(attrgetter("now.stepping"), here)  # optimizers read a number of each parameter's state
    return [Tap(torch.Tensor, name, after=_hear, skip=is_stepping) for name in ("item", "tolist")]


def _hear(value: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    training = here.now.training
    if training is None or training.told is None or here.now.is_busy or type(value) is not float:
        return
    frame = sys._getframe(3)
    code = frame.f_code
    if not is_users(code):
        return
    place = (id(code), frame.f_lasti)
    name = _names.get(place)
    if name is None:
        if len(_names) >= _MAX_KNOWN:
            _names.clear()
        name = _names[place] = _name(frame)
    if (
        not name
        or (value in here.now.recent and not training.told.knows(name))
        or any(judged.value == value for judged in here.now.judged)
    ):
        return
    if here.now.evaluations:
        evaluation = next(reversed(here.now.evaluations.values()))
        is_loss = here.now.is_composite and _LOSS.search(name) and training.may_name_loss(receiver(frame))
        if is_loss and evaluation.complete(value):
            return
        evaluation.said.setdefault(name, []).append(value)
    elif math.isfinite(value) or not math.isnan(value):
        training.told.read(name, value, max(0, training.steps - 1))


def _name(frame: Any) -> str:
    target, accumulates = destination(frame)
    own = receiver(frame)
    name = own if own and (accumulates or target.endswith(("s", "list", "history"))) else target or own
    return "" if name in _NO_NAMES or len(name) < 2 else name
