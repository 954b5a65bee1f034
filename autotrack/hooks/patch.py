"""Patch: watch one function. The function runs once, with the caller's own arguments, whatever we do around it.

A hook is a generator function: what stands before its `yield` runs before the watched function, what stands
after it runs afterwards, with `call.result` or `call.error` set. A hook that returns before it yields is not
interested in this call. Its author cannot forget the function, call it twice or swallow its error, because
only the wrapper below calls it.

A wrapper that is pickled by value (cloudpickle does that with classes of `__main__`) forgets its patch and
is then the function alone: nothing that is pickled refers to autotrack.
"""

import builtins
import functools
import inspect
from collections.abc import Callable, Generator
from types import FunctionType
from typing import Any

from autotrack.guard import guard

__all__ = ["Call", "Hook", "Patch"]

FRAME_FILE = "<watched>"  # stands in tracebacks for the one frame of ours


class Call:
    """One call of a watched function. `result` and `error` are set after the hook's `yield`."""

    __slots__ = ("args", "error", "kwargs", "result")

    def __init__(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self.args = args
        self.kwargs = kwargs
        self.result: Any = None
        self.error: BaseException | None = None

    def argument(self, position: int, name: str, default: Any = None) -> Any:
        """The argument passed at this position (0 is `self` of a method) or by this name."""
        return self.args[position] if len(self.args) > position else self.kwargs.get(name, default)


Hook = Callable[[Call], Generator[None, None, None]]
Visit = tuple[Call, Generator[None, None, None]]


class Patch:
    """A watched attribute of a module, class, descriptor or closure cell. Watching starts at once; `undo()` ends it.

    Args:
        owner: What holds the function.
        name: The attribute, such as `fit`, or `cell_contents` of a closure cell.
        hook: A generator function of one argument, the `Call`.

    Raises:
        AttributeError: The owner has no such attribute.
        TypeError: The hook is not a generator function, or the attribute is not a function.
    """

    def __init__(self, owner: Any, name: str, hook: Hook) -> None:
        if not inspect.isgeneratorfunction(hook):
            raise TypeError(
                f"{hook!r} is no hook. Expected a generator function: one `yield`, where the original runs."
            )
        self.owner, self.name, self.hook = owner, name, hook
        self.place = f"{hook.__module__}.{hook.__name__}"
        self.active = True
        self._was_own = name in getattr(owner, "__dict__", (name,))
        self._original = _unwatched(_read(owner, name) if self._was_own else inspect.getattr_static(owner, name))
        self._wrapper = _wrap(self._original, self)
        setattr(owner, name, self._wrapper)

    def undo(self) -> None:
        """Stop watching and leave the attribute as it was; under somebody else's wrapper ours stays, silent."""
        self.active = False
        if _read(self.owner, self.name) is self._wrapper:
            if self._was_own:
                setattr(self.owner, self.name, self._original)
            else:
                delattr(self.owner, self.name)

    def enter(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Visit | None:
        """The part before `yield`. None: the hook failed or is not interested."""
        with guard(self.place):
            call = Call(args, kwargs)
            steps = self.hook(call)
            for _ in steps:
                return call, steps
        return None

    def leave(self, visit: Visit, result: Any, error: BaseException | None) -> None:
        """The part after `yield`."""
        call, steps = visit
        with guard(self.place):
            call.result, call.error = result, error
            try:
                for _ in steps:
                    raise RuntimeError(f"the hook {self.place} yields more than once")
            finally:
                # An error refers to its frames and they to the user's data: keep neither alive.
                call.result = call.error = None

    def __reduce__(self) -> tuple[Any, ...]:
        return type(None), ()


def _read(owner: Any, name: str) -> Any:
    """The attribute as it is stored, without binding descriptors; None if it is not there."""
    stored = getattr(owner, "__dict__", None)
    return getattr(owner, name, None) if stored is None else stored.get(name)


def _unwatched(function: Any) -> Any:
    """The function without wrappers of ours: a class body may have taken over a watched one from another class."""
    while getattr(getattr(function, "__code__", None), "co_filename", None) == FRAME_FILE:
        function = function.__wrapped__
    return function


def _wrap(original: Any, patch: Patch) -> Any:
    if isinstance(original, (staticmethod, classmethod)):
        return type(original)(_wrap_function(original.__func__, patch))
    if not callable(original):
        raise TypeError(f"{patch.name!r} of {patch.owner!r} is a {type(original).__name__}, not a function")
    return _wrap_function(original, patch)


def _wrap_function(original: Callable[..., Any], patch: Patch | None) -> Callable[..., Any]:
    def watched(*args: Any, **kwargs: Any) -> Any:
        if patch is None or not patch.active:
            return original(*args, **kwargs)
        visit = patch.enter(args, kwargs)
        if visit is None:
            return original(*args, **kwargs)
        try:
            result = original(*args, **kwargs)
        except BaseException as error:
            patch.leave(visit, None, error)
            raise
        patch.leave(visit, result, None)
        return result

    # Libraries look at the name of the calling frame (metadata routing in scikit-learn) and at the globals of a
    # function (torch.jit); a pickled wrapper must not carry globals of ours. So both are the original's.
    name = getattr(original, "__name__", "watched")
    code = watched.__code__.replace(
        co_name=name, co_qualname=getattr(original, "__qualname__", name), co_filename=FRAME_FILE
    )
    names = getattr(original, "__globals__", {"__builtins__": builtins})
    return functools.update_wrapper(FunctionType(code, names, name, None, watched.__closure__), original)
