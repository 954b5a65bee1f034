"""torch models: weights apart from the rest, so that they can be loaded without running any code. Installs no hook.

Saves     weights.safetensors   each parameter, buffer and other tensor by its name; what is tied once
          skeleton.pkl          the module with references where its tensors are
          code/…                the user's own modules its classes are defined in
Loads     the module, on the CPU, ready to run or to be trained further; or only the weights, into a module given
Never     changes the module, moves it, runs its forward, or pickles autotrack
Needs     torch >= 2.2
"""

import hashlib
import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from autotrack.errors import ConfigError, ModelSaveError
from autotrack.guard import tell_once
from autotrack.model import own_code, own_source
from autotrack.model.formats import Saved
from autotrack.model.own_code import TookTooLongError, UnpicklableError
from autotrack_integrations.torch import skeleton, tensor_file
from autotrack_integrations.torch.assembly import assemble
from autotrack_integrations.torch.named import attributes, named, registered, shared_places
from autotrack_integrations.torch.references import TooLargeError, unwrapped
from autotrack_integrations.torch.skeleton import Skeleton

__all__ = ["MAX_BYTES", "Structure", "handles", "load", "load_into", "save", "structure", "tensors_of"]

MAX_BYTES = 4 << 30  # of weights: they are in memory twice while they are saved; training took four times as much
_WEIGHTS = "weights.safetensors"
_SKELETON = "skeleton.pkl"
_TIES = "autotrack.ties"  # name -> the name under which a tensor is written; in the notes of the weights
_OTHERS = "autotrack.others"  # names that are not in the module's state_dict
_CODE = "autotrack.code"  # which sources these are: tells packages with modules of the same name apart
_SHOWN = 5  # names in an error


@dataclass(frozen=True)
class Structure:
    """All of a module but the values of its tensors: made where the module is, turned into files anywhere.

    Attributes:
        names: Of its tensors, ties once.
    """

    names: frozenset[str]
    model_class: str
    skeleton: Skeleton = field(repr=False)
    code: Mapping[str, bytes] = field(repr=False)
    modules: frozenset[str] = field(repr=False)
    notes: Mapping[str, str] = field(repr=False)

    def saved(self, tensors: Mapping[str, Any]) -> Saved:
        """The files, with these values.

        Args:
            tensors: At least all of `names`; others are left out.

        Raises:
            ModelSaveError: A tensor is missing, or there is too much of them.
        """
        missing = self.names - tensors.keys()
        if missing:
            raise ModelSaveError(f"No values for {_listed(missing)}.\nExpected one for each of the model's tensors.")
        values = {name: tensors[name] for name in self.names} | self.skeleton.extras
        size = sum(tensor.numel() * tensor.element_size() for tensor in values.values())
        if size > MAX_BYTES:
            raise ModelSaveError(
                f"The weights of {self.model_class} take {size / 2**30:.1f} GiB and were not saved.\n"
                f"Expected at most {MAX_BYTES / 2**30:g} GiB. Save them yourself and record the file.",
                size_bytes=size,
            )
        weights = tensor_file.dump(values, self.notes)
        files = {_WEIGHTS: weights, _SKELETON: self.skeleton.data, **self.code}
        return Saved(files, self.skeleton.by_value, self.modules, self.model_class)


def handles(model: object) -> bool:
    """Whether it is a module, or the structure of one. False without importing anything while torch is not loaded."""
    base = getattr(sys.modules.get("torch.nn"), "Module", None)
    return isinstance(model, Structure) or (isinstance(base, type) and isinstance(model, base))


def save(model: object, tensors: Mapping[str, Any] | None = None) -> Saved:
    """The module as files.

    Args:
        model: A module, or its structure.
        tensors: Values instead of the module's own, by the names that `tensors_of` gives; for a structure, all of them.

    Raises:
        ModelSaveError: Something in it cannot be saved.
    """
    if isinstance(model, Structure):
        return model.saved(tensors or {})
    return structure(model).saved({**tensors_of(model), **(tensors or {})})


def tensors_of(module: Any) -> dict[str, Any]:
    """The live tensors by name, detached: parameters, buffers and those in other attributes; ties once."""
    return {name: tensor.detach() for name, tensor in named(module)[0].items()}


def structure(module: Any) -> Structure:
    """All of a module but the values of its tensors, which is small and quickly made.

    Raises:
        ModelSaveError: Something in it cannot be pickled, or it is too large, or takes too long.
    """
    module = unwrapped(module)
    model_class = f"{type(module).__module__}.{type(module).__qualname__}"
    try:
        return own_code.run(model_class, lambda may_run_own: _structure(module, model_class, may_run_own))
    except TookTooLongError as error:
        raise ModelSaveError(
            f"The model {model_class} {error} and was not saved.\n"
            "Expected attributes whose __reduce__ and __getstate__ come to an end."
        ) from None


def _structure(module: Any, model_class: str, may_run_own: bool) -> Structure:
    tensors, ties, others = named(module)
    names = {id(tensor): name for name, tensor in tensors.items()}
    try:
        made = skeleton.dump(module, names, shared_places(tensors), may_run_own=may_run_own)
    except TooLargeError:
        raise ModelSaveError(
            f"The model {model_class} was not saved: it takes more than {skeleton.MAX_BYTES / 1e6:g} MB beside its "
            f"weights.\nExpected no data in its attributes.{_culprit(module, names, may_run_own)}",
            limit_bytes=skeleton.MAX_BYTES,
        ) from None
    except UnpicklableError as failed:
        culprit = _culprit(module, names, may_run_own)
        raise ModelSaveError(
            f"The model {model_class} cannot be pickled and was not saved: {failed}.\n"
            f"Expected attributes that can be pickled: no open files, connections.{culprit}",
            error=failed.error,
        ) from failed.error
    code, libraries = own_source.sources(made.modules)
    notes = {_TIES: json.dumps(ties), _OTHERS: json.dumps(sorted(others)), _CODE: _digest(code)}
    modules = frozenset(libraries | {"torch"} | ({"cloudpickle"} if made.by_value else set()))
    return Structure(frozenset(tensors), model_class, made, code, modules, notes)


def load(files: Callable[[str], bytes]) -> object:
    """The module again. This runs code the writer chose: who calls this has checked who that is."""
    tensors, notes = tensor_file.parse(files(_WEIGHTS))
    module, left_out = assemble(files(_SKELETON), tensors, own_source.Code(files, notes.get(_CODE, "")))
    if left_out:
        tell_once(
            f"torch.left_out:{','.join(left_out)}",
            f"The model {type(module).__name__} was saved without some hooks and globals of the script that trained "
            f"it: {_listed(left_out)}. If its output depends on them, set them again.",
        )
    return module


def load_into(files: Callable[[str], bytes], module: object) -> object:
    """The saved weights, copied into `module`, which is returned. Runs nothing of the package.

    Raises:
        ConfigError: It is no module, or its tensors have other names, shapes or kinds of numbers; it is unchanged then.
    """
    import torch

    if not handles(module) or isinstance(module, Structure):
        raise ConfigError(f"Weights cannot be loaded into {type(module).__name__!r}.\nExpected a torch.nn.Module.")
    values, notes = tensor_file.parse(files(_WEIGHTS))
    for other, name in tensor_file.pairs(notes.get(_TIES, "{}")).items():
        if name in values:
            values[other] = values[name]
    optional = set(tensor_file.texts(notes.get(_OTHERS, "[]"))) | {name for name in values if name.startswith("extra:")}
    targets, ties, others = named(module, any_kind=True)
    targets = targets | {other: targets[name] for other, name in ties.items()}
    _check(values, targets, values.keys() - optional, targets.keys() - others, module)
    with torch.no_grad():
        for name in targets.keys() & values.keys():
            target, value = targets[name], values[name]
            if torch.nn.parameter.is_lazy(target):
                target.materialize(value.shape)
            if target.shape == value.shape:
                target.copy_(value)
    return module


def _check(
    values: Mapping[str, Any], targets: Mapping[str, Any], saved: set[str], expected: set[str], module: object
) -> None:
    import torch

    wrong = []
    if missing := expected - values.keys():
        wrong.append(f"no values for {_listed(missing)}")
    if unexpected := saved - targets.keys():
        wrong.append(f"no place for {_listed(unexpected)}")
    other = []
    for name in sorted(expected & values.keys()):
        value, target = values[name], targets[name]
        is_lazy = torch.nn.parameter.is_lazy(target)
        fits = torch.can_cast(value.dtype, target.dtype) and (is_lazy or value.shape == target.shape)
        if target.is_meta or not fits:
            place = "uninitialized" if is_lazy else "on the meta device" if target.is_meta else _kind(target)
            other.append(f"{name} is {_kind(value)}, here {place}")
    if other:
        wrong.append("; ".join(other[:_SHOWN]))
    if wrong:
        raise ConfigError(
            f"The saved weights do not fit this {type(module).__name__}: {'; '.join(wrong)}.\n"
            "Expected the module they were saved from, made with the same arguments. It was left as it is.",
            missing=sorted(missing),
            unexpected=sorted(unexpected),
        )


def _digest(files: Mapping[str, bytes]) -> str:
    whole = hashlib.sha256()
    for path, data in sorted(files.items()):
        whole.update(f"{path}\n{len(data)}\n".encode() + data)
    return whole.hexdigest()[:16]


def _kind(tensor: Any) -> str:
    return f"{str(tensor.dtype).removeprefix('torch.')}{list(tensor.shape)}"


def _listed(names: Any) -> str:
    shown = ", ".join(repr(name) for name in sorted(names)[:_SHOWN])
    return shown if len(names) <= _SHOWN else f"{shown} and {len(names) - _SHOWN} more"


def _culprit(module: Any, names: Mapping[int, str], may_run_own: bool) -> str:
    """Which attribute cannot be saved or is large, if that is quickly known."""
    for prefix, part in registered("", module, frozenset()):
        for name, value in attributes(part):
            size = 0 if handles(value) else skeleton.size_of(value, names, may_run_own=may_run_own)
            what = f"{prefix + name!r} (a {type(value).__name__})"
            if size is None:
                return f" The one that cannot is {what}: leave it out."
            if size >= skeleton.MAX_BYTES:
                return f" The largest is {what}: pass what is needed of it as an argument."
    return ""
