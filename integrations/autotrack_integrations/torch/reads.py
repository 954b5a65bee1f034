"""torch: what a script reads for itself, as `acc = (predicted == y).float().mean().item()`.

Watches   Tensor.item, Tensor.tolist, Tensor.__float__ (public)
Records   metrics   under the name of what the value is assigned to, or of the tensor that is read; of an evaluation the
                    mean over its batches
Never     reads a tensor itself; records a loss or metric again that is on record already; counts (integers)
Needs     torch >= 2.2
"""

import math
import sys
from typing import Any

from autotrack.hooks import Tap, destination, is_users, receiver
from autotrack_integrations.torch.here import here

__all__ = ["watch_reads"]

_MAX_KNOWN = 10_000  # places of which the name is remembered
_NO_NAMES = {"self", "x", "i", "_", "lr", "epoch", "step"}

_names: dict[tuple[int, int], str] = {}


def watch_reads() -> list[Tap]:
    """Start watching; the caller keeps the taps and calls undo() on each."""
    import torch

    skip = torch.compiler.is_compiling
    return [Tap(torch.Tensor, name, after=_hear, skip=skip) for name in ("item", "__float__")]


def _hear(value: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    training = here.training
    if training is None or here.stepping is not None or here.is_busy or type(value) is not float:
        return
    frame = sys._getframe(3)
    code = frame.f_code
    if not is_users(code) or value in here.recent:
        return
    place = (id(code), frame.f_lasti)
    name = _names.get(place)
    if name is None:
        if len(_names) >= _MAX_KNOWN:
            _names.clear()
        name = _names[place] = _name(frame)
    if not name or any(judged.value == value for judged in here.judged):
        return
    if here.evaluations:
        evaluation = next(reversed(here.evaluations.values()))
        evaluation.said.setdefault(name, []).append(value)
    elif math.isfinite(value) or not math.isnan(value):
        training.hear_value(name, value)


def _name(frame: Any) -> str:
    target, accumulates = destination(frame)
    own = receiver(frame)
    name = own if accumulates and own else target or own
    return "" if name in _NO_NAMES or len(name) < 2 else name
