"""Numbers a script shows: those who listen hear them, as the script says them.

Watches   SummaryWriter.add_scalar, add_scalars, add_hparams (of torch and of tensorboardX); torchmetrics'
          _squeeze_if_scalar, through which every compute() hands its value (private; checked on torchmetrics 1.2 to
          1.9), and MetricCollection.compute; tqdm.set_postfix, set_postfix_str, set_description
Records   nothing itself: `heard.say`. TensorBoard's tags stay as they are; other names become `val_loss`
Never     calls a `__str__` or `__float__` of the user's, reads a tensor that is not on the CPU, or changes what is
          shown; without a listener a call is looked at no further
Needs     torchmetrics >= 1.2
"""

import re
import sys
from collections.abc import Mapping
from importlib import import_module
from typing import Any

from autotrack.hooks import Tap, is_users, local_values, names_in_callers
from autotrack.run.heard import Forgetting, Undoable, hear_settings, is_listening, say
from autotrack.run.whose import callers, is_called_by_user
from autotrack_integrations.script.lines import as_key, numbers_in

__all__ = ["watch_tensorboard", "watch_tensorboardx", "watch_torchmetrics", "watch_tqdm"]

_GENERIC = ("", "metric", "m", "self", "value")  # names that say no more than that it is a metric
_WORDS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_MAX_PRINTED = 2000  # characters of a bar's text that are looked at


def as_number(value: Any) -> float | None:
    """A number, of whatever library, if reading it runs no code of the user's and waits for no device; else None."""
    if type(value) in (int, float):
        return float(value)
    torch, numpy = sys.modules.get("torch"), sys.modules.get("numpy")
    if torch is not None and type(value) is torch.Tensor:
        if value.numel() != 1 or value.device.type != "cpu" or value.is_complex():
            return None
        detached = value.detach() if value.requires_grad else value
        value = (detached.float() if value.dtype is torch.bfloat16 else detached).numpy()
    if numpy is not None and isinstance(value, numpy.ndarray | numpy.generic):
        return float(value.reshape(-1)[0]) if value.size == 1 and value.dtype.kind in "iuf" else None
    return None


def _numbers(values: Any) -> dict[str, float]:
    items = list(values.items()) if isinstance(values, dict) else []
    found = {key: as_number(value) for key, value in items if type(key) is str}
    return {key: value for key, value in found.items() if value is not None}


# ---- TensorBoard


def watch_tensorboard() -> list[Undoable]:
    """Start watching; the caller keeps what is returned and calls undo() on each."""
    from torch.utils.tensorboard.writer import SummaryWriter

    return _watch_writer(SummaryWriter)


def watch_tensorboardx() -> list[Undoable]:
    """Start watching; the caller keeps what is returned and calls undo() on each."""
    return _watch_writer(import_module("tensorboardX.writer").SummaryWriter)


def _watch_writer(writer: type[Any]) -> list[Undoable]:
    return [
        Tap(writer, "add_scalar", after=_hear_scalar),
        Tap(writer, "add_scalars", after=_hear_scalars),
        Tap(writer, "add_hparams", after=_hear_hparams),
        Forgetting(),
    ]


def _hear_scalar(_: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> None:
    if is_listening():
        _, tag, value, step, *_ = (*args, *[None] * 3) if len(args) < 4 else args
        tag, value = kwargs.get("tag", tag), kwargs.get("scalar_value", value)
        say("tensorboard", _numbers({tag: value}), _as_step(kwargs.get("global_step", step)))


def _hear_scalars(_: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> None:
    if is_listening():
        _, main, values, step, *_ = (*args, *[None] * 3) if len(args) < 4 else args
        main, values = kwargs.get("main_tag", main), kwargs.get("tag_scalar_dict", values)
        tagged = {f"{main}/{tag}": value for tag, value in _numbers(values).items()}
        say("tensorboard", tagged, _as_step(kwargs.get("global_step", step)))


def _hear_hparams(_: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> None:
    """The settings; the metrics beside them come through `add_scalar`."""
    settings = args[1] if len(args) > 1 else kwargs.get("hparam_dict")
    if isinstance(settings, dict) and is_called_by_user(()):
        hear_settings(settings)


def _as_step(step: Any) -> int | None:
    number = as_number(step)
    return int(number) if number is not None and number == number // 1 else None


# ---- torchmetrics


def watch_torchmetrics() -> list[Undoable]:
    """Start watching; the caller keeps what is returned and calls undo() on each."""
    from torchmetrics import MetricCollection, metric

    of_one = [Tap(metric, "_squeeze_if_scalar", after=_hear_metric)] if hasattr(metric, "_squeeze_if_scalar") else []
    return [*of_one, Tap(MetricCollection, "compute", after=_hear_collection)]


def _hear_metric(result: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> None:
    """The value of a metric that the user's own code computes: not a batch's, not one inside another metric."""
    if not is_listening():
        return
    frames = callers()
    wrapper, caller = next(frames, None), next(frames, None)
    if wrapper is None or caller is None or not is_users(caller.f_code):
        return
    (metric,) = local_values(wrapper, ["self"])
    values = result if isinstance(result, dict) else {_name_of(metric): result}
    say("torchmetrics", {as_key(key): value for key, value in _numbers(values).items()})


def _name_of(metric: Any) -> str:
    """What the user's code calls a metric; where that says nothing, what it is."""
    for (name,) in names_in_callers([metric], skip=("torchmetrics",)):
        if name not in _GENERIC:
            return name
        if name:
            break
    return _WORDS.sub("_", type(metric).__name__)


def _hear_collection(result: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> None:
    if is_listening() and is_called_by_user(()):
        say("torchmetrics", {as_key(key): value for key, value in _numbers(result).items()})


# ---- progress bars


def watch_tqdm() -> list[Undoable]:
    """Start watching; the caller keeps what is returned and calls undo() on each."""
    from tqdm.std import tqdm

    return [
        Tap(tqdm, "set_postfix", after=_hear_postfix),
        Tap(tqdm, "set_postfix_str", after=_hear_bar_text),
        Tap(tqdm, "set_description", after=_hear_bar_text),
        Tap(tqdm, "set_description_str", after=_hear_bar_text),
    ]


def _hear_postfix(_: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> None:
    if not is_listening():
        return
    shown = {**(args[1] if len(args) > 1 else kwargs.get("ordered_dict") or {}), **kwargs}
    texts = {key: value for key, value in shown.items() if type(key) is str and type(value) is str}
    found = {key: number for key, text in texts.items() for number in numbers_in(f"x={text}").values()}
    found.update(_numbers({key: value for key, value in shown.items() if key not in ("ordered_dict", "refresh")}))
    say("progress bar", {as_key(key): value for key, value in found.items()})


def _hear_bar_text(_: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> None:
    text = args[1] if len(args) > 1 else kwargs.get("s", kwargs.get("desc"))
    if is_listening() and type(text) is str:
        say("progress bar", numbers_in(text[:_MAX_PRINTED]))
