"""torch: the settings of a training, as they are at its first step.

Watches   Module.__init__, LRScheduler.__init__ and ReduceLROnPlateau.__init__ (public): what they were made with
Records   params    optimizer, scheduler, criterion, loader and model with their arguments, n_parameters, n_trainable,
                    device, dtype, amp, compiled, seed; what the script says of itself: arguments, configs, constants
          data      the data set's length, and shape and fingerprint of tensors in memory
          tables    modules: each with its class, number of parameters and shapes
Never     keeps what was passed to a constructor, but numbers, texts and short lists of them
Needs     torch >= 2.2
"""

import re
import sys
import weakref
from collections.abc import Mapping
from dataclasses import asdict, is_dataclass
from types import FrameType
from typing import Any

from autotrack import model, run
from autotrack.guard import guard
from autotrack.hooks import Tap, local_variables, names_around
from autotrack.run import heard
from autotrack_integrations.torch.here import Loss, here
from autotrack_integrations.torch.loaders import loader_of
from autotrack_integrations.torch.places import user_frames
from autotrack_integrations.torch.references import unwrapped

__all__ = ["record_joined", "record_settings", "watch_constructors"]

_PLAIN = (bool, int, float, str, type(None))
_MAX_LENGTH = 32  # of a list that is a setting
_MAX_TEXT = 200
_LEAST_ROWS = 8  # of a tensor that is data
_MAX_TENSORS = 20  # of a data set that are described
_MAX_MODULES = 2000  # rows of the table

_SCHEDULERS = ("LRScheduler", "ReduceLROnPlateau", "SequentialLR", "ChainedScheduler")
_LOSS = re.compile("loss|criterion|objective", re.IGNORECASE)

# What modules and schedulers were made with, by identity: hashing is code of their own.
_arguments: "dict[int, tuple[weakref.ref[Any], dict[str, Any]]]" = {}
_schedulers: "weakref.WeakKeyDictionary[Any, list[weakref.ref[Any]]]" = weakref.WeakKeyDictionary()


def watch_constructors() -> list[Tap]:
    """Start watching; the caller keeps the taps and calls undo() on each."""
    import torch
    from torch.optim import lr_scheduler

    skip = torch.compiler.is_compiling
    taps = [Tap(torch.nn.Module, "__init__", before=_hear_module, skip=skip)]
    for name in _SCHEDULERS:
        taps.append(Tap(getattr(lr_scheduler, name), "__init__", before=_hear_scheduler, skip=skip))
    return taps


def _hear_module(args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    (made, *_) = args
    if not type(made).__module__.startswith(("torch.", "torchmetrics")):
        _remember(made, sys._getframe(3), {})


def _hear_scheduler(args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    (made, *given) = args
    optimizer = given[0] if given else kwargs.get("optimizer")
    if isinstance(optimizer, (list, tuple)):  # of a chain: its schedulers, which have the optimizer
        optimizer = getattr(optimizer[0], "optimizer", None) if optimizer else None
    _remember(made, sys._getframe(3), kwargs)
    if optimizer is not None:
        known = _schedulers.setdefault(optimizer, [])
        if not any(each() is made for each in known):
            known.append(weakref.ref(made))


def _remember(made: Any, frame: FrameType | None, given: Mapping[str, Any]) -> None:
    """The frames that call the base class's constructor are those of its own: their locals are the arguments."""
    found: dict[str, Any] = {}
    for name, value in given.items():
        found.update(_plain(name, value))
    while frame is not None and frame.f_code.co_name == "__init__" and frame.f_code.co_varnames:
        code = frame.f_code
        here_are = dict(local_variables(frame))
        if here_are.get(code.co_varnames[0]) is not made:
            break
        found = {}
        for name in code.co_varnames[1 : code.co_argcount + code.co_kwonlyargcount]:
            found.update(_plain(name, here_are.get(name)))
        frame = frame.f_back
    key = id(made)
    _arguments[key] = weakref.ref(made, lambda _: _arguments.pop(key, None)), found


def _made_with(made: Any) -> dict[str, Any]:
    known = _arguments.get(id(made))
    return known[1] if known is not None and known[0]() is made else {}


def _plain(name: str, value: Any) -> dict[str, Any]:
    """A setting by its name, if it is one; a configuration as its fields."""
    if type(value) in _PLAIN:
        return {name: value[:_MAX_TEXT] if type(value) is str else value}
    if type(value) in (list, tuple) and len(value) <= _MAX_LENGTH and all(type(entry) in _PLAIN for entry in value):
        return {name: list(value)}
    if is_dataclass(value) and not isinstance(value, type):
        return {f"{name}.{key}": entry for key, entry in asdict(value).items() if type(entry) in _PLAIN}
    if isinstance(value, type) or type(value).__name__ in ("function", "builtin_function_or_method"):
        return {name: str(getattr(value, "__name__", ""))}
    return {}


# ---- what is recorded


def record_settings(
    target: run.Run, optimizer: Any, roots: Mapping[str, Any], frame: FrameType | None, losses: list[Loss]
) -> None:
    """Record all of it; each part is guarded on its own."""
    said: dict[str, Any] = {}
    with guard("torch.settings"):
        said.update(heard.constants())
        said.update(heard.configs(user_frames(frame)))
        said.update(heard.settings())
    found: dict[str, Any] = {}
    for part in (_of_optimizer, _of_schedulers) if optimizer is not None else ():
        with guard("torch.settings"):
            found.update(part(optimizer))
    with guard("torch.settings"):
        found.update(_of_modules(roots))
    with guard("torch.settings"):
        found.update(_of_criterion(frame, roots))
    with guard("torch.settings"):
        found.update(_of_process())
    loader = loader_of(here.now.pass_number)
    with guard("torch.settings"):
        found.update(_of_loader(loader))
    target.derive_params({**said, **found})
    with guard("torch.data"):
        target.describe_data(_data(loader, frame))
    if run.keeps("tables"):
        with guard("torch.tables"):
            table = _module_table(roots)
            target.derive_tables(lambda: {"modules": table})


def record_joined(target: run.Run, optimizer: Any, roots: Mapping[str, Any]) -> None:
    """Another optimizer has turned out to belong to a training: its settings, and all modules by name."""
    number = sum(re.fullmatch(r"optimizer(_\d+)?", key) is not None for key in target.params)
    target.derive_params({**_of_optimizer(optimizer, f"optimizer_{number + 1}"), **_of_modules(roots)})


def _of_optimizer(optimizer: Any, name: str = "optimizer") -> dict[str, Any]:
    if not hasattr(optimizer, "defaults"):
        return {}
    found = {name: type(optimizer).__name__}
    groups = optimizer.param_groups
    for number, group in enumerate(groups):
        prefix = f"{name}.{number}." if number else f"{name}."
        for key, value in group.items():
            if key in ("params", "param_names") or (number and groups[0].get(key) is value):
                continue
            if (number == 0 or groups[0].get(key) != value) and key != "initial_lr":
                found.update(_plain(prefix + key, value))
        if "initial_lr" in group and (number == 0 or groups[0].get("initial_lr") != group["initial_lr"]):
            found[f"{prefix}lr"] = group["initial_lr"]  # before a scheduler changed it
    return found


def _of_schedulers(optimizer: Any) -> dict[str, Any]:
    found: dict[str, Any] = {}
    living = [each for ref in _schedulers.get(optimizer, ()) if (each := ref()) is not None]
    parts = {id(part) for each in living for part in getattr(each, "_schedulers", ())}
    for number, scheduler in enumerate(each for each in living if id(each) not in parts):
        prefix = f"scheduler_{number}" if number else "scheduler"
        found[prefix] = type(scheduler).__name__
        for key, value in _made_with(scheduler).items():
            if key not in ("last_epoch", "verbose"):
                found[f"{prefix}.{key}"] = value
    return found


def _of_modules(roots: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, root in roots.items():
        module = unwrapped(root)
        prefix = "model" if len(roots) == 1 else name
        found[prefix] = type(module).__name__
        for key, value in _made_with(module).items():
            found[f"{prefix}.{key}"] = value
        if module is not root:
            found[f"{prefix}.wrapped_by"] = type(root).__name__
    parameters = {id(parameter): parameter for root in roots.values() for parameter in root.parameters()}.values()
    if parameters:
        first = next(iter(parameters))
        found["n_parameters"] = sum(parameter.numel() for parameter in parameters)
        found["n_trainable"] = sum(parameter.numel() for parameter in parameters if parameter.requires_grad)
        found["device"], found["dtype"] = str(first.device), str(first.dtype).removeprefix("torch.")
    return found


def _of_criterion(frame: FrameType | None, roots: Mapping[str, Any]) -> dict[str, Any]:
    """The loss module that the calling code has, with its settings; else the loss function that was called."""
    from torch.nn import Module

    trained = {id(part) for root in roots.values() for part in root.modules()}
    for each in user_frames(frame):
        local = local_variables(each)
        attributes = getattr(next((value for key, value in local if key == "self"), None), "__dict__", {})
        modules = attributes.get("_modules", {}) if isinstance(attributes, dict) else {}
        for name, value in [*local, *each.f_globals.items(), *attributes.items(), *modules.items()]:
            if not issubclass(type(value), Module) or id(value) in trained:
                continue
            if _LOSS.search(type(value).__name__) or _LOSS.search(name):
                found: dict[str, Any] = {"criterion": type(value).__name__}
                for key, setting in (vars(value) | _made_with(value)).items():
                    if not key.startswith("_") and key != "training":
                        found.update(_plain(f"criterion.{key}", setting))
                return found
    return {"criterion": here.now.criterion} if here.now.criterion else {}


def _of_process() -> dict[str, Any]:
    import torch

    found: dict[str, Any] = {}
    seed = torch.initial_seed()
    if seed < 1 << 40:  # beyond it Python has drawn it: nobody has set one
        found["seed"] = seed
    if here.now.autocast:
        found["amp"] = here.now.autocast
    return found


def _of_loader(loader: Any) -> dict[str, Any]:
    if loader is None:
        return {}
    batches = getattr(loader, "batch_sampler", None)
    batches = getattr(batches, "batch_sampler", batches)  # of one that takes the share of a rank
    sampler = getattr(batches, "sampler", None) or getattr(loader, "sampler", None)
    found = {
        "loader.batch_size": loader.batch_size or getattr(batches, "batch_size", None),
        "loader.shuffle": any(each.__name__ == "RandomSampler" for each in type(sampler).__mro__),
        "loader.num_workers": loader.num_workers,
        "loader.drop_last": loader.drop_last,
        "loader.sampler": None if sampler is None else type(sampler).__name__,
    }
    return {key: value for key, value in found.items() if value is not None}


def _data(loader: Any, frame: FrameType | None) -> dict[str, Any]:
    """The data set of the loader, with the tensors that it holds."""
    if loader is None:
        return {} if frame is None else _tensors_around(frame)
    dataset = loader.dataset
    described: dict[str, Any] = {"kind": "dataset", "type": type(dataset).__name__}
    while type(dataset).__name__ == "Subset":
        dataset = dataset.dataset
    if hasattr(type(loader.dataset), "__len__"):
        described["shape"] = [len(loader.dataset)]
    found = {"train": described}
    tensors = getattr(dataset, "tensors", None)
    if isinstance(tensors, tuple):
        held: list[tuple[str, Any]] = [(f"tensor_{number}", tensor) for number, tensor in enumerate(tensors)]
    else:
        held = list(getattr(dataset, "__dict__", {}).items())
    for name, tensor in held[:_MAX_TENSORS]:
        if (about := _described(tensor)) is not None:
            found[f"train.{name}"] = about
    return found


def _tensors_around(frame: FrameType) -> dict[str, Any]:
    """The data of a training without a loader: the tensors with the most rows that its loop names."""
    import torch

    names = names_around(frame)
    space = {**frame.f_globals, **dict(local_variables(frame))}
    held = {name: space[name] for name in names if type(space.get(name)) is torch.Tensor}
    data = {name: tensor for name, tensor in held.items() if tensor.dim() and not tensor.requires_grad}
    rows = max((len(tensor) for tensor in data.values()), default=0)
    if rows < _LEAST_ROWS:
        return {}
    chosen = sorted(name for name, tensor in data.items() if len(tensor) == rows)[:_MAX_TENSORS]
    return {name: about for name in chosen if (about := _described(data[name])) is not None}


def _described(tensor: Any) -> dict[str, Any] | None:
    import torch

    if type(tensor) is not torch.Tensor:
        return None
    about: dict[str, Any] = {
        "kind": "tensor",
        "shape": list(tensor.shape),
        "dtype": str(tensor.dtype).removeprefix("torch."),
    }
    if run.keeps("fingerprints") and tensor.is_cpu and not tensor.requires_grad and tensor.dtype != torch.bfloat16:
        about.update(model.inspect(tensor.numpy()))
    return about


def _module_table(roots: Mapping[str, Any]) -> dict[str, list[Any]]:
    rows: list[tuple[str, str, int, str]] = []
    for variable, root in roots.items():
        for name, module in unwrapped(root).named_modules():
            own = list(module.named_parameters(recurse=False))
            shapes = ", ".join(f"{key} {'x'.join(map(str, parameter.shape))}" for key, parameter in own)
            path = name or variable if len(roots) == 1 else f"{variable}.{name}".rstrip(".")
            rows.append((path, type(module).__name__, sum(parameter.numel() for _, parameter in own), shapes))
    rows = rows[:_MAX_MODULES]
    columns = list(zip(*rows, strict=True)) or [(), (), (), ()]
    return {key: list(column) for key, column in zip(("module", "class", "parameters", "shapes"), columns, strict=True)}
