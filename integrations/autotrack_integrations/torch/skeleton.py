"""A module without its tensors, as bytes: a pickle in which each tensor is a reference by name.

Plain pickle comes first; cloudpickle takes along by value what stands in the script (`__main__`) or in a function.
Written otherwise than pickle would: tensors; parametrized modules, which torch does not pickle; wrappers of compile and
of data parallelism inside of a module (what they wrap stands for them); locks (new ones); the user's own modules
(own_source.py). Hooks on modules are kept where they are torch's, a module's own or small; the others, which look on at
training, are left out, and said to be when the model is loaded. Nothing of autotrack is ever in it.
"""

import io
import pickle
import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import FunctionType, ModuleType
from typing import TYPE_CHECKING, Any

from autotrack_integrations.torch import tensor_file
from autotrack_integrations.torch.own_source import is_own

if TYPE_CHECKING:
    from typing_extensions import Buffer

__all__ = ["FAILURES", "MAX_BYTES", "Place", "Skeleton", "TooLargeError", "dump", "is_plain", "size_of", "unwrapped"]

MAX_BYTES = 5_000_000  # of a skeleton: ten thousand layers; one that is larger drags data along
_HOOK_BYTES = 100_000  # of a hook that is kept though it is neither torch's nor a module's
_HOOKS = (
    *("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks", "_state_dict_hooks"),
    *("_state_dict_pre_hooks", "_load_state_dict_pre_hooks", "_load_state_dict_post_hooks"),
)
_LOCKS = {type(threading.Lock()): "Lock", type(threading.RLock()): "RLock"}
_PLAIN = (bool, int, float, str, type(None))  # attributes of a tensor that are kept
_WATCHED = "<watched>"  # the file that code objects of our wrappers name
_MAIN = ("__main__", "__mp_main__")

Place = tuple[int, int, tuple[int, ...], tuple[int, ...], int]  # in memory: block, its length, size, stride, offset

# What pickling raises, by its own words or by those of the object's __getstate__ and __reduce__.
FAILURES = (
    pickle.PickleError,
    AttributeError,
    ImportError,
    LookupError,
    NotImplementedError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
)


class TooLargeError(Exception):
    """More bytes than allowed."""


class _ByValueError(pickle.PicklingError):
    """Plain pickle would name something that is nowhere else."""


@dataclass
class Skeleton:
    """A module without its tensors.

    Attributes:
        by_value: Byte code is in it.
        modules: Names of modules that loading imports.
        extras: Tensors in it that had no name, by the names they were given.
    """

    data: bytes = b""
    by_value: bool = False
    modules: set[str] = field(default_factory=set)
    extras: dict[str, Any] = field(default_factory=dict)


def dump(module: Any, names: Mapping[int, str], places: Mapping[int, Place], limit: int = MAX_BYTES) -> Skeleton:
    """The module without its tensors.

    Args:
        names: Of tensors, by identity.
        places: Where tensors lie in memory that they share with others, by identity.

    Raises:
        TooLargeError: It has more bytes than `limit`, or tensors without a name have.
        Exception: One of FAILURES: something in it cannot be pickled.
    """
    try:
        return _dump(pickle.Pickler, module, names, places, limit, by_value=False)
    except FAILURES:
        import cloudpickle  # type: ignore[import-untyped, unused-ignore]

        return _dump(cloudpickle.Pickler, module, names, places, limit, by_value=True)


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


def size_of(value: Any, limit: int = MAX_BYTES) -> int | None:
    """How many bytes a value adds to a skeleton, tensors not counted; `limit` if more; None if it cannot be pickled."""
    try:
        return len(dump(value, _Unnamed(), {}, limit).data)
    except TooLargeError:
        return limit
    except FAILURES:
        return None


class _Unnamed(dict[int, str]):
    """Any tensor has a name."""

    def get(self, key: int, default: Any = None) -> Any:
        return "any"


class _Sink(io.BytesIO):
    def __init__(self, limit: int) -> None:
        super().__init__()
        self._left = limit

    def write(self, data: "Buffer", /) -> int:
        self._left -= memoryview(data).nbytes
        if self._left < 0:
            raise TooLargeError
        return super().write(data)


def _dump(
    base: Any,
    module: Any,
    names: Mapping[int, str],
    places: Mapping[int, Place],
    limit: int,
    *,
    by_value: bool,
    is_trial: bool = False,
) -> Skeleton:
    references = _References(names, places, Skeleton(by_value=by_value), 0 if is_trial else limit, is_trial)

    class Pickler(base):  # type: ignore[misc]
        def persistent_id(self, value: Any) -> tuple[Any, ...] | None:
            return references.of(value)

    sink = _Sink(limit)
    Pickler(sink, protocol=5).dump([module, references.left_out])
    references.skeleton.data = sink.getvalue()
    return references.skeleton


class _References:
    """What stands in the skeleton for an object."""

    def __init__(
        self,
        names: Mapping[int, str],
        places: Mapping[int, Place],
        skeleton: Skeleton,
        limit: int,
        is_trial: bool,
    ) -> None:
        import torch

        self.skeleton = skeleton
        self.left_out: list[str] = []
        self._names, self._places, self._left, self._is_trial = names, places, limit, is_trial
        self._extra_names: dict[int, str] = {}
        self._instead: dict[int, Any] = {}  # by identity of what lives as long as the module
        self._parametrized: set[int] = set()
        self._tensor, self._module = torch.Tensor, torch.nn.Module

    def of(self, value: Any) -> tuple[Any, ...] | None:
        """A reference, which the unpickler resolves; None: pickle it as it is."""
        if isinstance(value, self._tensor):
            return self._of_tensor(value)
        if isinstance(value, self._module):
            return self._of_module(value)
        if id(value) in self._instead:
            return ("as", self._instead[id(value)])
        if isinstance(value, type):
            self._note(value.__module__)
        elif isinstance(value, FunctionType):
            return self._of_function(value)
        elif isinstance(value, ModuleType) and is_own(value):
            self._note(value.__name__)
            return ("module", value.__name__)
        elif type(value) in _LOCKS:
            return ("lock", _LOCKS[type(value)])
        return None

    def _note(self, module: str | None) -> None:
        if module in _MAIN and not self.skeleton.by_value:
            raise _ByValueError
        if module is not None:
            self.skeleton.modules.add(module)

    def _of_function(self, function: FunctionType) -> tuple[Any, ...] | None:
        if function.__code__.co_filename == _WATCHED:
            return ("named", function.__module__, function.__qualname__)
        compiled = function.__dict__.get("_torchdynamo_orig_callable")
        if compiled is not None:
            return ("as", compiled)
        self._note(function.__module__)
        return None

    def _of_tensor(self, tensor: Any) -> tuple[Any, ...] | None:
        if not is_plain(tensor):
            self._note(type(tensor).__module__)
            if tensor.is_meta and type(tensor).__name__ in ("Tensor", "Parameter"):
                raise pickle.PicklingError("a tensor on the meta device has no values")
            if tensor.device.type != "cpu" and type(tensor) is self._tensor:
                return ("as", self._instead.setdefault(id(tensor), tensor.detach().cpu()))
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
            self.skeleton.extras[name] = tensor  # alive, so that its identity stays its own
        return name

    def _of_module(self, module: Any) -> tuple[Any, ...] | None:
        inner = unwrapped(module)
        if inner is not module:
            return ("as", inner)
        for name in _HOOKS:
            hooks = vars(module).get(name)
            if hooks and id(hooks) not in self._instead and not self._is_trial:
                self._instead[id(hooks)] = self._kept(hooks, type(module).__name__)
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
        kept: OrderedDict[Any, Any] = OrderedDict()
        for key, hook in hooks.items():
            origin = _origin(hook)
            if origin.partition(".")[0] in ("autotrack", "autotrack_integrations"):
                continue
            if origin.partition(".")[0] == "torch" or self._fits(hook):
                kept[key] = hook
            else:
                self.left_out.append(f"{getattr(hook, '__qualname__', type(hook).__qualname__)} on {owner}")
        return kept

    def _fits(self, hook: Any) -> bool:
        """Whether it can be pickled, is small and holds no tensor that is not the model's."""
        import cloudpickle  # type: ignore[import-untyped, unused-ignore]

        def can(pickler: Any, by_value: bool) -> bool:
            try:
                _dump(pickler, hook, self._names, {}, _HOOK_BYTES, by_value=by_value, is_trial=True)
            except (*FAILURES, TooLargeError):
                return False
            return True

        if not self.skeleton.by_value and can(pickle.Pickler, False):
            return True
        fits = can(cloudpickle.Pickler, True)
        if fits and not self.skeleton.by_value:
            raise _ByValueError  # the module is pickled anew, as this hook needs it
        return fits


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
