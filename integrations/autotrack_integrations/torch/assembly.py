"""A module again, from its skeleton and its tensors. Runs code the writer chose: the caller has checked who that is."""

import importlib
import io
import pickle
import threading
from collections.abc import Mapping
from typing import Any

from autotrack.model.own_source import Code
from autotrack_integrations.torch.references import NotSaved, Place

__all__ = ["assemble"]


def assemble(skeleton: bytes, tensors: Mapping[str, Any], code: Code) -> tuple[Any, list[str]]:
    """The module with these tensors in it, and what was left out of it.

    Args:
        tensors: By the names the skeleton has for them; they become the module's own.
        code: Where modules are found that cannot be imported here.
    """
    module, left_out = _Unpickler(skeleton, tensors, code).load()
    return module, left_out


class _Unpickler(pickle.Unpickler):
    def __init__(self, data: bytes, tensors: Mapping[str, Any], code: Code) -> None:
        super().__init__(io.BytesIO(data))
        self._tensors, self._code = tensors, code
        self._made: dict[Any, Any] = {}
        self._blocks: dict[int, Any] = {}

    def find_class(self, module: str, name: str, /) -> Any:
        find = super().find_class
        return self._code.find(module, lambda module: find(module, name))

    def persistent_load(self, reference: Any, /) -> Any:
        kind, *rest = reference
        return getattr(self, f"_{kind}")(*rest)

    def _tensor(
        self,
        name: str,
        is_parameter: bool,
        requires_grad: bool,
        attributes: dict[str, Any],
        place: Place | None,
    ) -> Any:
        import torch

        if name not in self._made:
            tensor = self._tensors[name] if place is None else self._placed(self._tensors[name], place)
            made = torch.nn.Parameter(tensor, requires_grad) if is_parameter else tensor.requires_grad_(requires_grad)
            vars(made).update(attributes)
            self._made[name] = made
        return self._made[name]

    def _placed(self, tensor: Any, place: Place) -> Any:
        """The tensor, in memory that it shares with others as it did."""
        import torch

        block, length, size, stride, offset = place
        if tuple(tensor.shape) != size:
            return tensor
        memory = self._blocks.setdefault(block, torch.zeros(length, dtype=tensor.dtype))
        return memory.as_strided(size, stride, offset).copy_(tensor)

    def _parametrized(self, key: int, base: Any, state: Any) -> Any:
        from torch.nn.utils import parametrize

        module = base.__new__(base)
        module.__setstate__(state)
        parametrize._inject_new_class(module)  # private; torch 2.2 to 2.13
        for name in module.parametrizations:
            parametrize._inject_property(module, name)
        self._made[key] = module
        return module

    def _again(self, key: int) -> Any:
        return self._made[key]

    def _module(self, name: str) -> Any:
        return self._code.find(name, importlib.import_module)

    def _named(self, module: str, name: str) -> Any:
        return self.find_class(module, name)

    def _as(self, value: Any) -> Any:
        return value

    def _device(self, name: str) -> Any:
        """A device that is not here is the CPU: a forward that moves its input there goes on working."""
        import torch

        device = torch.device(name)
        is_here = getattr(getattr(torch, device.type, None), "is_available", None)
        return torch.device("cpu") if is_here is not None and not is_here() else device

    def _not_saved(self, name: str) -> Any:
        return NotSaved(name)

    def _lock(self, kind: str) -> Any:
        return getattr(threading, kind)()
