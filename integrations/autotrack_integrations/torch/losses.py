"""torch: losses, as the loss functions return them and as backward starts at them.

Watches   the loss functions of torch.nn.functional, which the modules call as well (public); torch.autograd.backward,
          which Tensor.backward calls (public)
Records   nothing itself: steps.py makes it a step, evaluation.py an evaluation
Never     waits for a device; keeps a graph alive; computes where autograd, a compiler or a transform would notice
Needs     torch >= 2.2

The true loss is the loss function's own value: not scaled by a GradScaler, not divided for accumulation. It is found
from the tensor that backward starts at through its graph, past what only scales it. A loss of several terms, or one
that the user has written out, is the value of that tensor itself.
"""

import sys
import weakref
from collections.abc import Callable
from typing import Any

from autotrack import run
from autotrack.hooks import Tap, receiver
from autotrack_integrations.torch.evaluation import Batch, evaluation_of, hear_evaluation
from autotrack_integrations.torch.here import Judged, Loss, here, path_of, user_frame
from autotrack_integrations.torch.scores import score_training

__all__ = ["LOSSES", "watch_losses"]

LOSSES = (
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "cosine_embedding_loss",
    "cross_entropy",
    "ctc_loss",
    "gaussian_nll_loss",
    "hinge_embedding_loss",
    "huber_loss",
    "kl_div",
    "l1_loss",
    "margin_ranking_loss",
    "mse_loss",
    "multi_margin_loss",
    "multilabel_margin_loss",
    "multilabel_soft_margin_loss",
    "nll_loss",
    "poisson_nll_loss",
    "smooth_l1_loss",
    "soft_margin_loss",
    "triplet_margin_loss",
    "triplet_margin_with_distance_loss",
)
_SCALES = {"MulBackward0", "DivBackward0"}
_PASSES = {"ToCopyBackward0", "CloneBackward0", "AliasBackward0", "ViewBackward0", "SqueezeBackward0", "MeanBackward0"}
_MAX_NODES = 12  # of a graph that are looked at, from where backward starts
_MAX_TERMS = 200
_LEAST_SCALE = 128.0  # by which a GradScaler multiplies; a smaller factor is a weight of the user's


def watch_losses() -> list[Tap]:
    """Start watching; the caller keeps the taps and calls undo() on each."""
    import torch
    from torch._C._functorch import is_functorch_wrapped_tensor
    from torch.nn import functional

    read = torch._C.TensorBase.item

    def is_readable(tensor: Any) -> bool:
        return type(tensor) is torch.Tensor and not tensor.is_meta and not is_functorch_wrapped_tensor(tensor)

    def value_of(scalar: Any) -> Any:
        """A number where that takes no waiting, else the scalar for later."""
        return read(scalar) if scalar.is_cpu else scalar.detach()

    def hear_loss(name: str) -> Callable[[Any, tuple[Any, ...], dict[str, Any]], None]:
        def hear(result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
            if here.is_busy or not run.is_recording() or not is_readable(result):
                return
            target = args[1] if len(args) > 1 else kwargs.get("target")
            is_sum = kwargs.get("reduction") == "sum"
            samples = target.shape[0] if is_readable(target) and target.dim() else 1
            value = value_of(result) if result.dim() == 0 else None
            if value is not None and is_sum:
                value = value / max(samples, 1)
            seen = weakref.ref(target) if is_readable(target) else None
            batch = Batch(name, value, is_sum, samples, target)
            if not result.requires_grad:
                hear_evaluation(batch, args, kwargs)
                return
            if not here.criterion:
                here.criterion = name
                here.autocast = _autocast()
            frame = user_frame(sys._getframe(2))
            site = None if frame is None else (id(frame.f_code), frame.f_lasti)
            deferred = None
            if site in here.sites and not _is_evaluating():
                score_training(name, args, kwargs)
            else:
                deferred = evaluation_of(batch, args, kwargs)
            here.judged.append(Judged(result.grad_fn._sequence_nr(), value, is_sum, samples, seen, site, deferred))

        return hear

    def hear_backward(args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """Before it runs: afterwards the graph is gone."""
        if here.is_busy or not run.is_recording():
            return
        roots = args[0] if args else kwargs.get("tensors")
        root = roots[0] if isinstance(roots, (list, tuple)) and roots else roots
        if not is_readable(root) or root.numel() != 1:
            return
        frame = user_frame(sys._getframe(2))
        value, divisor, samples = _true_value(root, value_of)
        here.losses.append(Loss(path_of(frame), receiver(frame) if frame else "", value, divisor, samples))

    def hear_failure(error: BaseException, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        if here.training is not None:
            here.training.fail(error)

    skip = torch.compiler.is_compiling
    taps = [Tap(functional, name, after=hear_loss(name), skip=skip) for name in LOSSES if hasattr(functional, name)]
    taps.append(Tap(torch.autograd, "backward", before=hear_backward, failed=hear_failure, skip=skip))
    return taps


def _autocast() -> str:
    import torch

    for device in ("cuda", "cpu"):
        if torch.is_autocast_enabled(device):
            return str(torch.get_autocast_dtype(device)).removeprefix("torch.")
    return ""


def _is_evaluating() -> bool:
    """Whether the model in training is switched to evaluation: a graph alone makes no training of it."""
    training = here.training
    return training is not None and training.is_evaluating()


def _true_value(root: Any, value_of: Callable[[Any], Any]) -> tuple[Any, int, int]:
    """Value, divisor and number of samples of what backward starts at."""
    judged = {each.number: each for each in here.judged}
    node, scale, divisor = root.grad_fn, 1.0, 1
    for _ in range(_MAX_NODES):
        if node is None:
            break
        found = judged.get(node._sequence_nr())
        if found is not None and found.value is not None:
            _reach(found)
            return found.value, 1, found.samples
        name = node.name()
        nexts = [each for each, _ in node.next_functions if each is not None]
        if len(nexts) != 1 or name not in _SCALES | _PASSES:
            break
        if name in _SCALES:
            factor = _factor(node)
            if name == "MulBackward0" and factor >= _LEAST_SCALE:
                scale *= factor
            elif name == "DivBackward0" and factor >= 2 and factor == int(factor):
                divisor *= int(factor)
        node = nexts[0]
    value = value_of(root) if scale == 1.0 else value_of(root) / scale
    terms = _terms(node, judged) if judged else []
    samples = max((each.samples for each in terms), default=0)
    if terms and all(each.is_sum for each in terms):
        value = value / max(samples, 1)
    return value, divisor, samples


def _terms(node: Any, judged: dict[int, Judged]) -> list[Judged]:
    """Which of the results of loss functions went into it."""
    found, seen, todo = [], set(), [node]
    while todo and len(seen) < _MAX_TERMS:
        node = todo.pop(0)
        if node is None or node in seen:
            continue
        seen.add(node)
        each = judged.get(node._sequence_nr())
        if each is not None:
            _reach(each)
            found.append(each)
            if len(found) == len(judged):
                break
        else:
            todo += [following for following, _ in node.next_functions]
    return found


def _reach(judged: Judged) -> None:
    """It is a loss of training: backward goes through it."""
    judged.deferred = None
    here.target = judged.target
    if judged.site is not None:
        here.sites.add(judged.site)


def _factor(node: Any) -> float:
    """By what a node multiplies or divides; 1 where it cannot be known without waiting."""
    other = getattr(node, "_saved_other", None)
    if other is None or not getattr(other, "is_cpu", False) or other.dim() != 0:
        return 1.0
    return float(other.detach().numpy())
