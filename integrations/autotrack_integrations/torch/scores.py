"""torch: accuracy and errors from what a loss function was given: always in an evaluation, now and then in training.

Watches   nothing; losses.py hands on the arguments of loss functions
Records   accuracy (of classes, of labels, of pixels; less what `ignore_index` leaves out), mse and mae
Never     waits for a device: sums stay where the data is; spends more than 0.2 % of the time on training
Needs     torch >= 2.2
"""

import time
from typing import Any

from autotrack_integrations.torch.here import here
from autotrack_integrations.torch.unseen import computing

__all__ = ["Sums", "add", "plain", "score", "score_training"]

Sums = dict[str, list[Any]]  # name: sum, count; both may be scalars on a device

_SHARE = 0.002  # of the time may go into scores of training
_CLASSES = ("cross_entropy", "nll_loss")
_LABELS = {"binary_cross_entropy": 0.5, "binary_cross_entropy_with_logits": 0.0}
_NUMBERS = ("mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss")


def score(name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, tuple[Any, Any]]:
    """Sum and count of each score of one batch.

    Args:
        name: The loss function, whose arguments these are.
    """
    import torch

    prediction = args[0] if args else kwargs.get("input")
    target = args[1] if len(args) > 1 else kwargs.get("target")
    if not (type(prediction) is torch.Tensor and type(target) is torch.Tensor) or not prediction.numel():
        return {}
    with computing():
        return _score(name, prediction.detach(), target.detach(), kwargs)


def _score(name: str, prediction: Any, target: Any, kwargs: dict[str, Any]) -> dict[str, tuple[Any, Any]]:
    if name in _CLASSES and prediction.dim() >= 1:
        classes = 1 if prediction.dim() > 1 else 0
        chosen = prediction.argmax(classes)
        if target.is_floating_point():
            if target.shape != prediction.shape:
                return {}
            target = target.argmax(classes)
        if chosen.shape != target.shape:
            return {}
        is_hit = chosen == target
        ignored = kwargs.get("ignore_index", -100)
        if target.dim() == 1 and ignored < 0:  # the usual case: nothing is left out
            is_counted = None if name == "nll_loss" and ignored == -100 else target != ignored
        else:
            is_counted = target != ignored
        if is_counted is None:
            return {"accuracy": (is_hit.sum(), is_hit.numel())}
        return {"accuracy": ((is_hit & is_counted).sum(), is_counted.sum())}
    if name in _LABELS and prediction.shape == target.shape:
        if target.is_cpu and not bool(((target == 0) | (target == 1)).all()):
            return {}  # shares, such as the brightness of pixels: there is no right or wrong
        is_hit = (prediction > _LABELS[name]) == (target > 0.5)
        return {"accuracy": (is_hit.sum(), is_hit.numel())}
    if name in _NUMBERS and prediction.shape == target.shape and prediction.is_floating_point():
        error = prediction - target
        return {"mse": ((error * error).sum(), error.numel()), "mae": (error.abs().sum(), error.numel())}
    return {}


def add(sums: Sums, found: dict[str, tuple[Any, Any]]) -> None:
    """Add one batch to the sums."""
    for key, (part, count) in found.items():
        known = sums.setdefault(key, [0, 0])
        known[0] = known[0] + plain(part)
        known[1] = known[1] + plain(count)


def plain(value: Any) -> Any:
    """A number, where reading it takes no waiting."""
    import torch

    return torch._C.TensorBase.item(value) if isinstance(value, torch.Tensor) and value.is_cpu else value


def score_training(name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """Score a batch of training, and say when the next one may be scored."""
    training = here.now.training
    if training is not None:
        started = time.perf_counter()
        add(training.epoch.scores, score(name, args, kwargs))
        ended = time.perf_counter()
        here.now.score_at = ended + (ended - started) / _SHARE
