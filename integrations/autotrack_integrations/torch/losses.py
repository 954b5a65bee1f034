"""torch: losses, as the loss functions return them and as backward starts at them.

Watches   the loss functions of torch.nn.functional, which the modules call as well (public); torch.autograd.backward,
          which Tensor.backward calls, and torch.nn.utils.clip_grad_norm_ (public)
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
from functools import partial
from time import perf_counter
from types import FrameType
from typing import Any

from autotrack.hooks import Tap
from autotrack_integrations.torch.evaluation import Batch, evaluation_of, hear_evaluation
from autotrack_integrations.torch.here import Judged, Loss, here
from autotrack_integrations.torch.places import Site, site_here
from autotrack_integrations.torch.scores import score_training
from autotrack_integrations.torch.unseen import computing, is_watching, kept_unseen

Heard = Callable[[Any, tuple[Any, ...], dict[str, Any]], None]

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
_MAX_WAITING = 10_000  # losses that wait for a step
_judged = partial(tuple.__new__, Judged)  # without a frame of Python's
_loss = partial(tuple.__new__, Loss)
_LEAST_SCALE = 128.0  # by which a GradScaler multiplies; a smaller factor is a weight of the user's


def watch_losses(tick: Callable[[Any, FrameType | None], None]) -> list[Tap]:
    """Start watching; the caller keeps the taps and calls undo() on each.

    Args:
        tick: Called with what backward starts at, and from where.
    """
    import torch
    from torch.nn import functional

    skip = torch.compiler.is_compiling
    is_readable, value_of = _reading()

    def hear_norm(norm: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        if here.now.training is not None and is_watching() and is_readable(norm):
            here.now.training.hear_norm(value_of(norm))

    hear_backward = kept_unseen(_hear_backward(is_readable, value_of, tick))
    names = [name for name in LOSSES if hasattr(functional, name)]
    return [
        *(
            Tap(functional, name, after=kept_unseen(_hear_loss(name, is_readable, value_of)), skip=skip)
            for name in names
        ),
        Tap(torch.nn.utils, "clip_grad_norm_", after=kept_unseen(hear_norm), skip=skip),
        Tap(torch.autograd, "backward", before=hear_backward, failed=_hear_failure, skip=skip),
    ]


def _reading() -> tuple[Callable[[Any], bool], Callable[[Any], Any]]:
    """Whether something is a tensor that can be read; and its value, or the scalar where reading it would wait."""
    import torch
    from torch import Tensor
    from torch._C._functorch import is_functorch_wrapped_tensor

    read = torch._C.TensorBase.item

    def is_readable(tensor: Any) -> bool:
        return type(tensor) is Tensor and not is_functorch_wrapped_tensor(tensor) and not tensor.is_meta

    def value_of(scalar: Any) -> Any:
        return read(scalar) if scalar.is_cpu else scalar.detach()

    return is_readable, value_of


def _hear_loss(name: str, is_readable: Callable[[Any], bool], value_of: Callable[[Any], Any]) -> Heard:
    from torch import Tensor

    known: Site | None = None

    def hear(result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        nonlocal known
        now = here.now
        if not is_watching() or not is_readable(result):
            return
        target: Any = args[1] if len(args) > 1 else kwargs.get("target")
        is_tensor = type(target) is Tensor
        shape = target.shape if is_tensor else ()
        samples = shape[0] if shape else 1
        value = None if result.ndim else value_of(result)
        is_sum = kwargs.get("reduction") == "sum"
        if is_sum and value is not None:
            value = value / _counted(name, target, samples, kwargs, value_of)
        if not result.requires_grad:
            hear_evaluation(Batch(name, value, is_sum, samples, target), args, kwargs)
            return
        known = site = site_here(known)
        number = result.grad_fn._sequence_nr()
        if len(now.judged) >= _MAX_WAITING:  # no step comes
            now.judged.clear()
            now.deferred.clear()
        if site is not None and site.place in now.sites and not (now.training and now.training.is_evaluating()):
            if perf_counter() >= now.score_at:
                score_training(name, args, kwargs)
        else:
            if not now.criterion:
                now.criterion, now.autocast = name, _autocast()
            deferred = evaluation_of(Batch(name, value, is_sum, samples, target), args, kwargs)
            if deferred is not None:
                now.deferred[number] = deferred
        now.judged.append(_judged((number, value, is_sum, samples, weakref.ref(target) if is_tensor else None, site)))

    return hear


def _hear_backward(
    is_readable: Callable[[Any], bool],
    value_of: Callable[[Any], Any],
    tick: Callable[[Any, FrameType | None], None],
) -> Callable[[tuple[Any, ...], dict[str, Any]], None]:
    known: Site | None = None

    def hear(args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """Before it runs: afterwards the graph is gone."""
        nonlocal known
        now = here.now
        if now.is_busy or not (now.judged or is_watching()):
            return
        roots = args[0] if args else kwargs.get("tensors")
        root: Any = roots[0] if isinstance(roots, (list, tuple)) and roots else roots
        if not is_readable(root) or (root.ndim and root.numel() != 1):
            return
        known = site = site_here(known)
        path = () if site is None else site.path
        if now.stepping is not None and any(loss.path == path for loss in now.losses):
            return  # a closure that the optimizer calls again: the loss of the step is that of the first call
        if len(now.losses) >= _MAX_WAITING:
            now.losses.clear()
        value, divisor, samples = _true_value(root, value_of)
        now.losses.append(_loss((path, "" if site is None else site.name, value, divisor, samples)))
        tick(root, None if site is None else sys._getframe(site.frames - 1))

    return hear


def _hear_failure(error: BaseException, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    if here.now.training is not None:
        here.now.training.fail(error)


def _autocast() -> str:
    import torch

    for device in ("cuda", "cpu"):
        if torch.is_autocast_enabled(device):
            return str(torch.get_autocast_dtype(device)).removeprefix("torch.")
    return ""


def _counted(name: str, target: Any, samples: int, kwargs: dict[str, Any], value_of: Callable[[Any], Any]) -> Any:
    """Over how many a loss function has summed: of classes, those that are not left out."""
    if name not in ("cross_entropy", "nll_loss") or target is None or target.is_floating_point():
        return max(samples, 1)
    with computing():
        return value_of((target != kwargs.get("ignore_index", -100)).sum().clamp(min=1))


def _true_value(root: Any, value_of: Callable[[Any], Any]) -> tuple[Any, int, int]:
    """Value, divisor and number of samples of what backward starts at."""
    if len(here.now.judged) == 1 and root.grad_fn is not None:
        only = here.now.judged[0]
        if only.value is not None and root.grad_fn._sequence_nr() == only.number:  # the usual case
            _reach(only)
            return only.value, 1, only.samples
    judged = {each.number: each for each in here.now.judged}
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
    here.now.is_composite = bool(terms)
    samples = max((each.samples for each in terms), default=0)
    if terms and all(each.is_sum for each in terms):
        value = value / max(samples, 1)
    return value, divisor, samples


def _terms(node: Any, judged: dict[int, Judged]) -> list[Judged]:
    """Which of the results of loss functions went into it."""
    found: list[Judged] = []
    seen: set[Any] = set()
    todo = [node]
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
    now = here.now
    now.target = judged.target
    if now.deferred and now.deferred.pop(judged.number, None) is not None and judged.site is not None:
        now.sites.add(judged.site.place)


def _factor(node: Any) -> float:
    """By what a node multiplies or divides; 1 where it cannot be known without waiting."""
    other = getattr(node, "_saved_other", None)
    if other is None or not getattr(other, "is_cpu", False) or other.dim() != 0:
        return 1.0
    return float(other.detach().numpy())
