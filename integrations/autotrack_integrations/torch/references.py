"""What stands in a skeleton for an object that pickle would write otherwise.

Tensors are references by name. Parametrized modules, which torch does not pickle, are their class and state. For what
torch.compile or data parallelism is wrapped around stands what is inside; for a lock, a new one; for a module of the
user's own, its name (own_source.py). Hooks are kept where they are torch's, a module's own or small; the others, which
look on at training, are left out. Nothing of autotrack is ever in a skeleton.
"""

import pickle
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from types import CodeType, FunctionType, ModuleType
from typing import Any

from autotrack.model.own_code import EndedError, OwnCodeError, pickles_itself
from autotrack.model.own_source import is_own
from autotrack_integrations.torch import tensor_file

__all__ = ["ByValueError", "NotSaved", "Place", "References", "TooLargeError", "is_plain", "unwrapped"]

_HOOK_BYTES = 100_000  # of a hook that is kept though it is neither torch's nor a module's
_GLOBAL_BYTES = 1_000_000  # of a global that the script's own code refers to, once the whole has turned out too large
_HOOKS = (
    *("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks", "_state_dict_hooks"),
    *("_state_dict_pre_hooks", "_load_state_dict_pre_hooks", "_load_state_dict_post_hooks"),
)
_LOCKS = {type(threading.Lock()): "Lock", type(threading.RLock()): "RLock"}
_PLAIN = (bool, int, float, str, type(None))  # never replaced; and such attributes of a tensor are kept
_WATCHED = "<watched importlib._bootstrap>"  # the file that code of our wrappers names; see autotrack.hooks
_MAIN = ("__main__", "__mp_main__")

Place = tuple[int, int, tuple[int, ...], tuple[int, ...], int]  # in memory: block, its length, size, stride, offset

Fits = Callable[[Any, int, bool], bool]


class TooLargeError(EndedError):
    """More bytes than allowed."""


class ByValueError(pickle.PicklingError):
    """Plain pickle would name something that is nowhere else."""


class NotSaved:
    """Stands for a global of the training script that was not saved with the model."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return f"<{self.name} of the training script: not saved>"

    def __getattr__(self, attribute: str) -> Any:
        raise AttributeError(f"{self!r} has no {attribute!r}")


class References:
    """What stands in one skeleton for an object.

    Attributes:
        by_value: What stands in the script itself may be taken along.
        modules: Names of modules that loading imports.
        extras: Copies of tensors that had no name, by the names they were given.
        left_out: What is missing, as the user knows it.
        is_careful: Globals of the script are looked at before they are taken along.

    Args:
        limit: Bytes of tensors without a name.
        fits: Whether something can be pickled within so many bytes, by value if need be; None: hooks and globals are
            taken as they are.
        may_run_own: Whether code of the user's own may run.
    """

    def __init__(
        self,
        names: Mapping[int, str],
        places: Mapping[int, Place],
        limit: int,
        fits: Fits | None,
        *,
        by_value: bool,
        may_run_own: bool,
    ) -> None:
        import torch

        self.by_value = by_value
        self.modules: set[str] = set()
        self.extras: dict[str, Any] = {}
        self.left_out: list[str] = []
        self.is_careful = False
        self._names, self._places, self._left, self._fits = names, places, limit, fits
        self._harmless: set[type] = set()  # types of which no own code runs, or may run
        self._may_run_own = may_run_own
        self._extra_names: dict[int, str] = {}
        self._alive: list[Any] = []
        self._instead: dict[int, tuple[Any, Any]] = {}  # by identity: an object, kept alive, and what stands for it
        self._parametrized: set[int] = set()
        self._tensor, self._module, self._device = torch.Tensor, torch.nn.Module, torch.device

    def of(self, value: Any) -> tuple[Any, ...] | None:
        """A reference, which the unpickler resolves; None: pickle it as it is."""
        if type(value) in _PLAIN:
            return None
        if type(value) not in self._harmless:
            self._look_at(type(value))
        if id(value) in self._instead:
            return self._reference(self._instead[id(value)][1])
        if isinstance(value, self._tensor):
            return self._of_tensor(value)
        if isinstance(value, self._module):
            return self._of_module(value)
        if isinstance(value, type):
            self._note(value.__module__)
        elif isinstance(value, FunctionType):
            return self._of_function(value)
        elif isinstance(value, ModuleType) and is_own(value):
            self._note(value.__name__)
            return ("module", value.__name__)
        elif type(value) in _LOCKS:
            return ("lock", _LOCKS[type(value)])
        elif isinstance(value, self._device):
            return ("device", str(value))
        elif isinstance(value, NotSaved):
            return self._reference(value)
        return None

    def _look_at(self, kind: type) -> None:
        if not self._may_run_own and not issubclass(kind, type) and pickles_itself(kind):
            raise OwnCodeError(f"{kind.__module__}.{kind.__qualname__}")
        self._harmless.add(kind)

    @staticmethod
    def _reference(value: Any) -> tuple[Any, ...]:
        return ("not_saved", vars(value)["name"]) if isinstance(value, NotSaved) else ("as", value)

    def _note(self, module: str | None) -> None:
        if module in _MAIN and not self.by_value:
            raise ByValueError
        if module is not None:
            self.modules.add(module)

    def _of_function(self, function: FunctionType) -> tuple[Any, ...] | None:
        if function.__code__.co_filename == _WATCHED:
            return ("named", function.__module__, function.__qualname__)
        compiled = function.__dict__.get("_torchdynamo_orig_callable")
        if compiled is not None:
            return ("as", compiled)
        self._note(function.__module__)
        if self.is_careful and function.__module__ in _MAIN:
            self._look_at_globals(function)
        return None

    def _look_at_globals(self, function: FunctionType) -> None:
        """Leave out what the function refers to and what is data, or cannot be saved: most often it is not needed."""
        for name in sorted(_names_in(function.__code__) & function.__globals__.keys()):
            value = function.__globals__[name]
            if isinstance(value, (type, FunctionType, ModuleType, *_PLAIN)) or id(value) in self._instead:
                continue
            if self._fits is not None and not self._fits(value, _GLOBAL_BYTES, True):
                self._instead[id(value)] = value, NotSaved(name)
                self.left_out.append(name)

    def _of_tensor(self, tensor: Any) -> tuple[Any, ...] | None:
        if not is_plain(tensor):
            self._note(type(tensor).__module__)
            if tensor.is_meta and type(tensor).__name__ in ("Tensor", "Parameter"):
                raise pickle.PicklingError("a tensor on the meta device has no values")
            if tensor.device.type != "cpu" and type(tensor) is self._tensor:
                self._instead[id(tensor)] = tensor, tensor.detach().cpu()
                return ("as", self._instead[id(tensor)][1])
            return None
        attributes = {name: value for name, value in vars(tensor).items() if type(value) in _PLAIN}
        is_parameter = type(tensor) is not self._tensor
        name = self._names.get(id(tensor)) or self._extra(tensor)
        return ("tensor", name, is_parameter, tensor.requires_grad, attributes, self._places.get(id(tensor)))

    def _extra(self, tensor: Any) -> str:
        name = self._extra_names.get(id(tensor))
        if name is None:
            self._left -= tensor.numel() * tensor.element_size()
            if self._left < 0:
                raise TooLargeError
            name = self._extra_names[id(tensor)] = f"extra:{len(self._extra_names)}"
            self.extras[name] = tensor.detach().clone()
            self._alive.append(tensor)  # so that its identity stays its own
        return name

    def _of_module(self, module: Any) -> tuple[Any, ...] | None:
        inner = unwrapped(module)
        if inner is not module:
            return ("as", inner)
        for name in _HOOKS:
            hooks = vars(module).get(name)
            if hooks and id(hooks) not in self._instead and self._fits is not None:
                self._instead[id(hooks)] = hooks, self._kept(hooks, type(module).__name__)
        kind = type(module)
        if "parametrizations" in (vars(module).get("_modules") or {}) and kind.__name__.startswith("Parametrized"):
            return self._of_parametrized(module, kind.__bases__[0])
        return None

    def _of_parametrized(self, module: Any, base: Any) -> tuple[Any, ...]:
        """Its class was made by torch, with a __getstate__ that raises: the class before, and its state."""
        if id(module) in self._parametrized:
            return ("again", id(module))
        self._parametrized.add(id(module))
        return ("parametrized", id(module), base, base.__getstate__(module))

    def _kept(self, hooks: Mapping[Any, Any], owner: str) -> Mapping[Any, Any]:
        """The hooks that are the model's: of torch, of a module, or small and without tensors of their own."""
        kept: OrderedDict[Any, Any] = OrderedDict()
        for key, hook in hooks.items():
            origin = _origin(hook).partition(".")[0]
            if origin in ("autotrack", "autotrack_integrations"):
                continue
            if origin == "torch" or self._is_small(hook):
                kept[key] = hook
            else:
                self.left_out.append(f"{getattr(hook, '__qualname__', type(hook).__qualname__)} on {owner}")
        return kept

    def _is_small(self, hook: Any) -> bool:
        fits = self._fits
        if fits is None or fits(hook, _HOOK_BYTES, self.by_value):
            return True
        if not self.by_value and fits(hook, _HOOK_BYTES, True):
            raise ByValueError  # the module is pickled anew, as this hook needs it
        return False


def _names_in(code: CodeType) -> set[str]:
    inner = (each for each in code.co_consts if isinstance(each, CodeType))
    return set(code.co_names).union(*(_names_in(each) for each in inner))


def unwrapped(module: Any) -> Any:
    """What torch.compile, DataParallel or DistributedDataParallel were put around; else the module itself."""
    from torch.nn import DataParallel
    from torch.nn.parallel import DistributedDataParallel

    while True:
        parts = vars(module).get("_modules") or {}
        if "_orig_mod" in parts and type(module).__name__ == "OptimizedModule":
            module = parts["_orig_mod"]
        elif isinstance(module, DataParallel | DistributedDataParallel) and "module" in parts:
            module = parts["module"]
        else:
            return module


def is_plain(tensor: Any) -> bool:
    """Whether a tensor is numbers in a grid, of no class of its own, so that its values are all there is to it."""
    import torch

    return (
        type(tensor) in (torch.Tensor, torch.nn.Parameter)
        and tensor.layout == torch.strided
        and not tensor.is_quantized
        and not tensor.is_nested
        and not tensor.is_meta
        and tensor_file.can_hold(tensor)
    )


def _origin(hook: Any) -> str:
    """The module whose hook it is; of a method of a module of torch, torch."""
    import torch

    while hasattr(hook, "func") and not hasattr(hook, "__code__"):  # functools.partial
        hook = hook.func
    hook = getattr(hook, "hook", hook) if type(hook).__name__ == "_WrappedHook" else hook
    owner = getattr(hook, "__self__", hook)
    if isinstance(owner, torch.nn.Module):
        return "torch"
    name = getattr(owner, "__module__", None) or type(owner).__module__
    return str(name)
