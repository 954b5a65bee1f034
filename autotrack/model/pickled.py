"""Any Python object as a pickle: protocol 5, or cloudpickle where plain pickle cannot give it back elsewhere.

Plain pickle names classes and functions by where they are imported from; those of the user's script (`__main__`)
are not there in another process. cloudpickle takes such code along by value, which only the same Python minor can
read. So plain pickle comes first: 3 to 10 times faster, and readable by later Pythons. The source of the user's own
modules goes along under code/ (own_source.py), what has a format of its own into a file of its own (reducers.py).

Pickling runs code of the objects. Whatever that raises is the reason why the model was not saved; size, number of
objects and time are limited. Where it is code of the user's own, it runs where it can be left behind (bounded.py).
"""

import hashlib
import io
import pickle
import re
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from importlib import import_module
from typing import TYPE_CHECKING, Any

from autotrack.errors import ModelSaveError
from autotrack.model import own_code, own_source
from autotrack.model.formats import Saved, parts
from autotrack.model.own_code import EndedError, TookTooLongError, UnpicklableError, is_of_script, pickling
from autotrack.model.reducers import PROTOCOL, Reducers

if TYPE_CHECKING:
    from typing_extensions import Buffer

__all__ = ["FILE", "MAX_BYTES", "MAX_OBJECTS", "handles", "load", "save"]

FILE = "model.pkl"
_CODE = "code.sha256"  # of the sources, as `sha256sum` writes it: tells models with modules of one name apart
MAX_BYTES = 1 << 30  # 1 GiB: it is held in memory beside the model while the user's process goes on
MAX_OBJECTS = 10_000_000  # pickle keeps each one, with those made for it: 60 bytes or more a piece
_PROBE_BYTES = 1 << 20  # of one attribute, while searching for the one that cannot be pickled
_PROBE_DEPTH = 3
_PROBE_CHILDREN = 100

_COUNTED = 2048  # bytes of a frame in which its objects are counted; the rest is taken to be alike
_FRAME_BYTES = 65_536  # pickle writes larger buffers on their own, outside of the frames that hold its opcodes
_NAME = re.compile(rb"\x8c[\x01-\xff]([A-Za-z_][A-Za-z0-9_.]*)\x94")  # a short string that stands in the pickle
_GLOBAL = re.compile(  # one that is the module of a global
    _NAME.pattern + rb"(?:\x8c[\x01-\xff][A-Za-z_<][A-Za-z0-9_.<>]*\x94|h.|j....)\x93\Z", re.DOTALL
)
_GLOBAL_BYTES = 2 * (1 + 1 + 255 + 1) + 1  # at most, from the module's name to the opcode that puts it together
# Code of the script goes along by value after one of these: what plain pickle raises, or the object's own methods.
_FAILURES = (pickle.PickleError, AttributeError, ImportError, LookupError, OSError, RuntimeError, TypeError, ValueError)


class _LimitError(EndedError):
    """The pickle grew beyond a limit."""


class _Sink(io.BytesIO):
    """Takes a pickle in, up to its limits, and notes the names in its opcodes (arrays are not searched)."""

    def __init__(self, limit: int, *, by_value: bool) -> None:
        super().__init__()
        self.left = limit
        self.by_value = by_value
        self.objects_left = MAX_OBJECTS
        self.deadline = time.monotonic() + own_code.MAX_S
        self.names: set[str] = set()
        self.modules: set[str] = set()

    def write(self, data: "Buffer", /) -> int:
        size = memoryview(data).nbytes
        self.left -= size
        if isinstance(data, bytes) and (size <= _FRAME_BYTES or data[0] in b"\x80\x95"):  # PROTO, FRAME
            self.objects_left -= data[:_COUNTED].count(pickle.MEMOIZE) * size // min(size, _COUNTED)
            self._note_modules(data)
            if self.by_value:
                self.names.update(map(bytes.decode, _NAME.findall(data)))
        if self.left < 0:
            raise _LimitError(f"is larger than {MAX_BYTES / 2**30:g} GiB as a pickle")
        if self.objects_left < 0:
            raise _LimitError(f"consists of more than {MAX_OBJECTS:,} objects")
        if time.monotonic() > self.deadline:
            raise TookTooLongError
        return super().write(data)

    def _note_modules(self, data: bytes) -> None:
        end = data.find(pickle.STACK_GLOBAL)
        while end >= 0:
            is_one = pickle.MEMOIZE in (data[end - 1 : end], data[end - 3 : end - 2], data[end - 6 : end - 5])
            found = _GLOBAL.search(data, max(0, end - _GLOBAL_BYTES), end + 1) if is_one else None
            if found is not None:
                self.modules.add(found[1].decode())
            end = data.find(pickle.STACK_GLOBAL, end + 1)


def handles(model: object) -> bool:
    """True: this format takes whatever no other one does."""
    return True


def save(model: object) -> Saved:
    """Pickle `model`, which stays as it is.

    Raises:
        ModelSaveError: It, or something in it, cannot be pickled, is larger than MAX_BYTES, or takes too long.
    """
    try:
        return own_code.run(_class_name(model), lambda may_run_own: _save(model, may_run_own=may_run_own))
    except (TookTooLongError, _LimitError) as error:
        raise _refused(model, str(error)) from None


def load(files: Callable[[str], bytes]) -> object:
    """The object again. This runs code the pickle's writer chose: who calls this has checked who that is."""
    return _Unpickler(files).load()


class _Unpickler(pickle.Unpickler):
    def __init__(self, files: Callable[[str], bytes]) -> None:
        self._files = files
        self._code: own_source.Code | None = None
        super().__init__(io.BytesIO(files(FILE)))

    def find_class(self, module: str, name: str, /) -> Any:
        if module == Reducers.__module__ and name in ("part", "own_module"):
            return getattr(self, f"_{name}")
        find = super().find_class
        try:
            return find(own_source.public_name(module), name)
        except (AttributeError, ImportError):
            return self._own().find(module, lambda module: find(module, name))

    def _part(self, library: str, path: str, rest: object) -> object:
        module = parts(library)
        if module is None:
            raise RuntimeError(f"{path!r} is in a format of {library!r}, which this installation cannot read")
        return module.restore(self._files(path), rest)

    def _own_module(self, name: str) -> object:
        return self._own().find(name, import_module)

    def _own(self) -> own_source.Code:
        if self._code is None:
            key = ""  # then nothing is found in it
            with suppress(LookupError):
                key = hashlib.sha256(self._files(_CODE)).hexdigest()[:16]
            self._code = own_source.Code(self._files, key)
        return self._code


def _save(model: object, *, may_run_own: bool) -> Saved:
    try:
        sink, made, by_value = _pickle(model, may_run_own=may_run_own)
    except UnpicklableError as error:
        raise _unpicklable(model, error, may_run_own=may_run_own) from error.error
    named = {name for name in sink.names if name in sys.modules} if by_value else sink.modules | made.modules
    code, libraries = own_source.sources(named)
    if code:
        code[_CODE] = "".join(f"{hashlib.sha256(code[path]).hexdigest()}  {path}\n" for path in sorted(code)).encode()
    files = {FILE: sink.getvalue(), **made.files, **code}
    return Saved(files, by_value, (libraries | made.libraries) - {Reducers.__module__}, _class_name(model))


def _pickle(model: object, *, may_run_own: bool) -> "tuple[_Sink, Reducers, bool]":
    """The pickle, what was kept apart from it, and whether byte code is in it."""
    try:
        sink, made = _dump(model, MAX_BYTES, may_run_own=may_run_own)
        if not any(is_of_script(name) for name in sink.modules | made.modules):
            return sink, made, False
    except UnpicklableError as error:
        if not isinstance(error.error, _FAILURES):
            raise
    return *_dump(model, MAX_BYTES, may_run_own=may_run_own, by_value=True), True


def _dump(model: object, limit: int, *, may_run_own: bool, by_value: bool = False) -> tuple[_Sink, Reducers]:
    sink = _Sink(limit, by_value=by_value)
    with pickling():
        if not by_value:
            made = Reducers(may_run=may_run_own)
            pickler = pickle.Pickler(sink, PROTOCOL)
            pickler.dispatch_table = made
            pickler.dump(model)
        else:
            import cloudpickle  # type: ignore[import-untyped, unused-ignore]

            made = Reducers(may_run=may_run_own, base=cloudpickle.Pickler.dispatch_table)
            kind: Any = type("Pickler", (cloudpickle.Pickler,), {"dispatch_table": made})
            with _script_by_value():
                kind(sink, PROTOCOL).dump(model)
    return sink, made


@contextmanager
def _script_by_value() -> Iterator[None]:
    """cloudpickle takes `__main__` along by itself; here also what is it in a child process, and modules of no file."""
    import cloudpickle

    known = cloudpickle.list_registry_pickle_by_value()
    names = [name for name in list(sys.modules) if name not in known and name != "__main__" and is_of_script(name)]
    modules = [sys.modules[name] for name in names]
    for module in modules:
        cloudpickle.register_pickle_by_value(module)
    try:
        yield
    finally:
        for module in modules:
            with suppress(ValueError):  # another thread was faster
                cloudpickle.unregister_pickle_by_value(module)


def _refused(model: object, what: str) -> ModelSaveError:
    return ModelSaveError(
        f"The model {_class_name(model)} {what} and was not saved.\n"
        "Expected a smaller one: large data held in an attribute is part of it. "
        "Save it yourself and record the file with log_artifact.",
        limit_bytes=MAX_BYTES,
    )


def _unpicklable(model: object, failed: UnpicklableError, *, may_run_own: bool) -> ModelSaveError:
    error, advice = failed.error, _culprit(model, may_run_own=may_run_own)
    if isinstance(error, ModuleNotFoundError) and error.name == "cloudpickle":
        advice = "Install what takes code along with: pip install cloudpickle"
    return ModelSaveError(
        f"The model {_class_name(model)} cannot be pickled and was not saved: {failed}.\n"
        f"Expected attributes that can be pickled (no open files, locks, connections, generators). {advice}",
        error=error,
    )


def _culprit(model: object, *, may_run_own: bool) -> str:
    """Which attribute cannot be pickled, if that is quickly known."""
    path = ""
    for _ in range(_PROBE_DEPTH):
        found = next(
            ((step, child) for step, child in _children(model) if not _can_be_pickled(child, may_run_own)), None
        )
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


def _can_be_pickled(value: object, may_run_own: bool) -> bool:
    try:
        _dump(value, _PROBE_BYTES, may_run_own=may_run_own, by_value=True)
    except EndedError:
        return True  # not known: it got that far, at least
    except UnpicklableError:
        return False
    return True


def _class_name(model: object) -> str:
    return f"{type(model).__module__}.{type(model).__qualname__}"
