"""Which call is the outermost one, in this thread and task.

A fit inside a fit belongs to the outer one. `Scope` marks the outer one:

    with Scope() as scope:          # in a hook, around its `yield`
        if scope.is_outermost: ...

Threads start without a scope, so a pool that works for a fit must hand it on (`Carried`). A forked child
inherits the scope of its parent: inside a fit it stays silent, which is right for workers of that fit.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar, Token, copy_context
from typing import Any, Self

__all__ = ["Carried", "Scope", "inside"]

_OURS = "autotrack_"  # what the names of all our context variables begin with

Place = tuple["Scope", "Place | None"]  # a scope, and what it is entered in

_place: "ContextVar[Place | None]" = ContextVar("autotrack_scope", default=None)


class Scope:
    """The time between start and end of a watched call.

    Attributes:
        subject: What it is about, such as an estimator.
        is_outermost: Whether it is inside no other scope.
        on_warning: Of the outermost scope: called with each warning that is shown inside it.
        on_result: Called with each task of a pool that works for this scope, and what it returned or raised, as soon
            as it is done, from any thread: `on_result(function, args, kwargs, result)`.
    """

    __slots__ = ("_outermost", "is_outermost", "on_result", "on_warning", "subject")

    def __init__(self, subject: Any = None) -> None:
        self.subject = subject
        self.is_outermost = False
        self._outermost: Scope | None = None  # None: itself, which would be a cycle and keep the subject alive
        self.on_warning: Callable[[Warning], None] | None = None
        self.on_result: Callable[[Any, tuple[Any, ...], Mapping[str, Any], Any], None] | None = None

    def __enter__(self) -> Self:
        around = _place.get()
        self.is_outermost = around is None
        self._outermost = None if around is None else around[0].outermost
        try:
            _place.set((self, around))
        except BaseException:  # Ctrl-C as it returns: nobody would leave this scope
            _place.set(around)
            raise
        return self

    def __exit__(self, *_: object) -> None:
        # What is still open inside was interrupted. What is left later than the scope around it is not here any more.
        place = _place.get()
        while place is not None:
            scope, place = place
            if scope is self:
                _place.set(place)
                return

    @property
    def outermost(self) -> "Scope":
        """The scope around all others; itself, if there is none around it."""
        return self._outermost or self


class Carried:
    """What of ours holds here (the scope, the open run), to hold as well in threads that work for this one."""

    __slots__ = ("_values",)

    def __init__(self) -> None:
        self._values = [
            (variable, value) for variable, value in copy_context().items() if variable.name.startswith(_OURS)
        ]

    @contextmanager
    def here(self) -> Iterator[None]:
        """It holds in this block, in whatever thread or task that is."""
        tokens: list[tuple[ContextVar[Any], Token[Any]]] = []
        try:
            for variable, value in self._values:
                tokens.append((variable, variable.set(value)))
            yield
        finally:
            for variable, token in reversed(tokens):
                variable.reset(token)


def inside() -> Scope | None:
    """The scope this code runs in, or None at the outermost level."""
    place = _place.get()
    return None if place is None else place[0]
