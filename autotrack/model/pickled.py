"""Any Python object as a pickle: protocol 5, or cloudpickle where plain pickle cannot give it back elsewhere.

Plain pickle names classes and functions by where they are imported from; those of the user's script (`__main__`)
are not there in another process. cloudpickle takes such code along by value, which only the same Python minor can
read. So plain pickle comes first: 3 to 10 times faster, and readable by later Pythons.
"""

import io
import pickle
import re
import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from autotrack.errors import ModelSaveError
from autotrack.model.formats import Saved

if TYPE_CHECKING:
    from typing_extensions import Buffer

__all__ = ["FILE", "MAX_BYTES", "handles", "load", "save"]

FILE = "model.pkl"
MAX_BYTES = 1 << 30  # 1 GiB: it is held in memory beside the model while the user's process goes on
_PROBE_BYTES = 1 << 20  # of one attribute, while searching for the one that cannot be pickled
_PROBE_DEPTH = 3
_PROBE_CHILDREN = 100

_FRAME_BYTES = 65_536  # pickle writes larger buffers on their own, outside of the frames that hold its opcodes
_NAMES = re.compile(  # a string that stands in the pickle, and whether it is the module of a global
    rb"\x8c[\x01-\xff]([A-Za-z_][A-Za-z0-9_.]*)\x94((?:\x8c[\x01-\xff][A-Za-z_<][A-Za-z0-9_.<>]*\x94|h.|j....)\x93)?",
    re.DOTALL,
)
# What pickling and unpickling raise, by their own words or by those of the object's __getstate__ and __reduce__.
_FAILURES = (
    pickle.PickleError,
    AttributeError,
    ImportError,
    LookupError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
)


class _TooLargeError(Exception):
    """The pickle grew beyond its limit."""


class _Sink(io.BytesIO):
    """Takes a pickle in, up to a limit, and notes the names in its opcodes (arrays are not searched)."""

    def __init__(self, limit: int) -> None:
        super().__init__()
        self.left = limit
        self.names: set[str] = set()
        self.modules: set[str] = set()

    def write(self, data: "Buffer", /) -> int:
        size = memoryview(data).nbytes
        self.left -= size
        if self.left < 0:
            raise _TooLargeError
        if isinstance(data, bytes) and (size <= _FRAME_BYTES or data[0] in b"\x80\x95"):  # PROTO, FRAME
            for name, is_module in _NAMES.findall(data):
                self.names.add(name.decode())
                if is_module:
                    self.modules.add(name.decode())
        return super().write(data)


def handles(model: object) -> bool:
    """True: this format takes whatever no other one does."""
    return True


def save(model: object) -> Saved:
    """Pickle `model`, which stays as it is.

    Raises:
        ModelSaveError: It, or something in it, cannot be pickled, or is larger than MAX_BYTES.
    """
    sink = _Sink(MAX_BYTES)
    by_value = False
    try:
        try:
            pickle.Pickler(sink, protocol=5).dump(model)
            by_value = "__main__" in sink.names
        except _FAILURES:
            by_value = True
        if by_value:
            sink = _Sink(MAX_BYTES)
            _cloudpickle(model, sink)
    except _TooLargeError:
        raise ModelSaveError(
            f"The model {_class_name(model)} is larger than {MAX_BYTES / 2**30:g} GiB as a pickle and was not saved.\n"
            "Expected a smaller one: large data held in an attribute is part of it. "
            "Save it yourself and record the file with log_artifact.",
            limit_bytes=MAX_BYTES,
        ) from None
    except ImportError as error:
        raise _unpicklable(model, error, "Install what takes code along with: pip install cloudpickle") from error
    except _FAILURES as error:
        raise _unpicklable(model, error, _culprit(model)) from error
    modules = {name for name in sink.names if name in sys.modules} if by_value else sink.modules
    return Saved({FILE: sink.getvalue()}, by_value, modules, _class_name(model))


def load(files: Callable[[str], bytes]) -> object:
    """The object again. This runs code the pickle's writer chose: who calls this has checked who that is."""
    return pickle.loads(files(FILE))


def _cloudpickle(model: object, sink: _Sink) -> None:
    import cloudpickle  # type: ignore[import-untyped, unused-ignore]

    cloudpickle.Pickler(sink, protocol=5).dump(model)


def _unpicklable(model: object, error: BaseException, advice: str) -> ModelSaveError:
    said = str(error).partition("\n")[0][:200]
    return ModelSaveError(
        f"The model {_class_name(model)} cannot be pickled and was not saved: {type(error).__name__}: {said}.\n"
        f"Expected attributes that can be pickled (no open files, locks, connections, generators). {advice}",
        error=error,
    )


def _culprit(model: object) -> str:
    """Which attribute cannot be pickled, if that is quickly known."""
    path = ""
    for _ in range(_PROBE_DEPTH):
        found = next(((step, child) for step, child in _children(model) if not _can_be_pickled(child)), None)
        if found is None:
            break
        step, model = found
        path += step
    if not path:
        return "Remove the one that cannot, or give the class a __getstate__ that leaves it out."
    kind = type(model).__name__
    return f"The one that cannot is {path.lstrip('.')!r} (a {kind}): remove it, or leave it out in __getstate__."


def _children(model: object) -> Iterator[tuple[str, object]]:
    if isinstance(model, dict):
        items = [(f"[{key!r}]", value) for key, value in list(model.items())[:_PROBE_CHILDREN]]
    elif isinstance(model, (list, tuple)):
        items = [(f"[{number}]", value) for number, value in enumerate(model[:_PROBE_CHILDREN])]
    else:
        items = [(f".{name}", value) for name, value in list(getattr(model, "__dict__", {}).items())[:_PROBE_CHILDREN]]
    yield from items


def _can_be_pickled(value: object) -> bool:
    try:
        _cloudpickle(value, _Sink(_PROBE_BYTES))
    except _TooLargeError:
        return True  # not known: it got that far, at least
    except _FAILURES:
        return False
    return True


def _class_name(model: object) -> str:
    return f"{type(model).__module__}.{type(model).__qualname__}"
