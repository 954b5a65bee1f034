"""How a wrapper of ours takes the place of a function, and gives it back.

A function of a module is changed in place: it gets other code, and stays the same object. So it is watched wherever it
was imported to, can be pickled and looked up in tables, and is afterwards what it was. An attribute of a class, a
closure cell or whatever else can be called is replaced.
"""

import inspect
import time
from collections.abc import Callable
from types import CodeType, FunctionType, ModuleType
from typing import Any

__all__ = ["FRAME_FILE", "replace"]

# Stands in tracebacks for a frame of ours. `warnings` counts no frames of the import system when it looks for the line
# to blame, and knows them by these two words: so a warning of the watched function names the line that it always named.
FRAME_FILE = "<watched importlib._bootstrap>"

_A_CALL_S = 0.0005  # in which another thread, that has entered a watched function, gets from there to its wrapper

Function = Callable[..., Any]
Wrap = Callable[[Function], Function]


class _Replaced:
    """An attribute that holds a wrapper of ours until `undo()`."""

    def __init__(self, owner: Any, name: str, wrap: Wrap) -> None:
        self.owner, self.name = owner, name
        self._was_own = name in getattr(owner, "__dict__", (name,))
        self._original = _unwatched(_read(owner, name) if self._was_own else inspect.getattr_static(owner, name))
        self._wrapper = self._wrapped(wrap)
        setattr(owner, name, self._wrapper)

    def _wrapped(self, wrap: Wrap) -> Any:
        original = self._original
        if isinstance(original, (staticmethod, classmethod)):
            return type(original)(wrap(original.__func__))
        if not callable(original):
            raise TypeError(f"{self.name!r} of {self.owner!r} is a {type(original).__name__}, not a function")
        return wrap(original)

    @property
    def codes(self) -> tuple[CodeType, ...]:
        """The code of ours that runs with each call."""
        return (getattr(self._wrapper, "__func__", self._wrapper).__code__,)

    def undo(self) -> None:
        """Leave the attribute as it was; under somebody else's wrapper ours stays."""
        if _read(self.owner, self.name) is self._wrapper:
            if self._was_own:
                setattr(self.owner, self.name, self._original)
            else:
                delattr(self.owner, self.name)


class _Recoded:
    """A function that runs a wrapper of ours until `undo()`."""

    def __init__(self, function: FunctionType, wrap: Wrap) -> None:
        self._function, self._code = function, function.__code__
        self._decorated = function.__dict__.get("__wrapped__")
        original = _copy(function)
        self._wrapper = wrap(original)
        self._global = f"_watched_{id(function):x}"  # a name, not a constant: a compiler can follow it
        self._entry = _entry(self._code, self._global)
        function.__globals__[self._global] = self._wrapper
        function.__code__ = self._entry
        function.__dict__["__wrapped__"] = original  # its own signature and source

    @property
    def codes(self) -> tuple[CodeType, ...]:
        """The code of ours that runs with each call."""
        return self._entry, getattr(self._wrapper, "__code__", self._entry)

    def undo(self) -> None:
        """Give the function its code back, unless somebody else has given it another."""
        if self._function.__code__ is not self._entry:
            return
        self._function.__code__ = self._code
        time.sleep(_A_CALL_S)
        del self._function.__globals__[self._global]
        del self._function.__dict__["__wrapped__"]
        if self._decorated is not None:
            self._function.__dict__["__wrapped__"] = self._decorated


def replace(owner: Any, name: str, wrap: Wrap) -> _Replaced | _Recoded:
    """Put a wrapper in the place of a function.

    Args:
        owner: What holds it: a module, a class, a descriptor or a closure cell.
        name: The attribute.
        wrap: Makes the wrapper, a Python function, from the function.
    """
    found = _read(owner, name)
    if isinstance(owner, ModuleType) and type(found) is FunctionType and found.__code__.co_filename != FRAME_FILE:
        return _Recoded(found, wrap)
    return _Replaced(owner, name, wrap)


def _read(owner: Any, name: str) -> Any:
    """The attribute as it is stored, without binding descriptors; None if it is not there."""
    stored = getattr(owner, "__dict__", None)
    return getattr(owner, name, None) if stored is None else stored.get(name)


def _unwatched(function: Any) -> Any:
    """The function without wrappers of ours: a class body may have taken over a watched one from another class."""
    while getattr(getattr(function, "__code__", None), "co_filename", None) == FRAME_FILE:
        function = function.__wrapped__
    return function


def _copy(function: FunctionType) -> FunctionType:
    copy = FunctionType(
        function.__code__, function.__globals__, function.__name__, function.__defaults__, function.__closure__
    )
    copy.__kwdefaults__ = function.__kwdefaults__
    copy.__annotations__ = function.__annotations__
    copy.__qualname__, copy.__module__, copy.__doc__ = function.__qualname__, function.__module__, function.__doc__
    copy.__dict__.update(function.__dict__)
    return copy


def _entry(code: CodeType, wrapper: str) -> CodeType:
    """Code that calls a global and refers to the same variables of enclosing functions, as the function needs it."""
    variables = ", ".join(code.co_freevars)
    source = [
        f"def enclosing({variables}):",
        "    def watched(*args, **kwargs):",
        f"        if False: {variables or 'pass'}",
        f"        return {wrapper}(*args, **kwargs)",
        "    return watched",
    ]
    space: dict[str, Any] = {}
    exec(compile("\n".join(source), FRAME_FILE, "exec"), space)  # nothing but names is put in
    made: CodeType = space["enclosing"](*code.co_freevars).__code__
    return made.replace(co_name=code.co_name, co_qualname=code.co_qualname)
