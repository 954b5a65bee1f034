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
from types import CodeType, FunctionType
from typing import Any

from autotrack.guard import guard, guarded
from autotrack.hooks.replacing import FRAME_FILE, replace

__all__ = ["Call", "Hook", "Patch", "Tap"]


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


class _Watching:
    """Of one function, until `undo()`."""

    def __init__(self, owner: Any, name: str) -> None:
        self.active = True
        self._replaced = replace(owner, name, self._wrap)

    def _wrap(self, original: Callable[..., Any]) -> Callable[..., Any]:
        raise NotImplementedError

    @property
    def codes(self) -> tuple[CodeType, ...]:
        """The code of ours that runs with each call."""
        return self._replaced.codes

    def undo(self) -> None:
        """Stop watching and leave the function as it was; under somebody else's wrapper ours stays, silent."""
        self.active = False
        self._replaced.undo()

    def __reduce__(self) -> tuple[Any, ...]:
        return type(None), ()


class Patch(_Watching):
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
        self.hook = hook
        self.place = f"{hook.__module__}.{hook.__name__}"
        super().__init__(owner, name)

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

    def _wrap(self, original: Callable[..., Any]) -> Callable[..., Any]:
        return _watched(original, self)


Heard = Callable[[Any, tuple[Any, ...], dict[str, Any]], None]


class Tap(_Watching):
    """The lean kind, for what is called in every step: it costs half a microsecond where a `Patch` costs three.

    Args:
        before: Called with the arguments before the function runs: `before(args, kwargs)`.
        after: Called with what it returned: `after(result, args, kwargs)`.
        failed: Called with what it raised: `failed(error, args, kwargs)`.
        skip: Whether to leave everything out now: a compiler is reading the function.
    """

    def __init__(
        self,
        owner: Any,
        name: str,
        *,
        before: Callable[[tuple[Any, ...], dict[str, Any]], None] | None = None,
        after: Heard | None = None,
        failed: Heard | None = None,
        skip: Callable[[], bool] = bool,
    ) -> None:
        place = f"{getattr(owner, '__name__', owner)}.{name}"
        self.before = before and guarded(place, before)
        self.after = after and guarded(place, after)
        self.failed = failed and guarded(place, failed)
        self.skip = skip
        super().__init__(owner, name)

    def _wrap(self, original: Callable[..., Any]) -> Callable[..., Any]:
        return _tapped(original, self, self.skip, (self.before, self.after, self.failed))


def _watched(original: Callable[..., Any], patch: Patch | None) -> Callable[..., Any]:
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

    return _dressed(watched, original)


def _tapped(
    original: Callable[..., Any],
    tap: Tap | None,
    skip: Callable[[], bool],
    listeners: tuple[Any, Any, Any],
) -> Callable[..., Any]:
    before, after, failed = listeners

    def only_after(*args: Any, **kwargs: Any) -> Any:
        result = original(*args, **kwargs)
        if tap is not None and not skip() and tap.active:
            after(result, args, kwargs)
        return result

    def around(*args: Any, **kwargs: Any) -> Any:
        if tap is None or skip() or not tap.active:
            return original(*args, **kwargs)
        if before is not None:
            before(args, kwargs)
        try:
            result = original(*args, **kwargs)
        except BaseException as error:
            if failed is not None:
                failed(error, args, kwargs)
            raise
        if after is not None:
            after(result, args, kwargs)
        return result

    return _dressed(only_after if before is None and failed is None else around, original)


def _dressed(watched: Any, original: Callable[..., Any]) -> Callable[..., Any]:
    # Libraries look at the name of the calling frame (metadata routing in scikit-learn) and at the globals of a
    # function (torch.jit); a pickled wrapper must not carry globals of ours. So both are the original's.
    name = getattr(original, "__name__", "watched")
    code = watched.__code__.replace(
        co_name=name, co_qualname=getattr(original, "__qualname__", name), co_filename=FRAME_FILE
    )
    names = getattr(original, "__globals__", {"__builtins__": builtins})
    return functools.update_wrapper(FunctionType(code, names, name, None, watched.__closure__), original)
