"""Which call is the outermost one, in this thread and task.

A fit inside a fit belongs to the outer one. `Scope` marks the outer one:

    with Scope() as scope:          # in a hook, around its `yield`
        if scope.is_outermost: ...

Threads start without a scope, so a pool that works for a fit must hand it on (`Scope.shared`). A forked child
inherits the scope of its parent: inside a fit it stays silent, which is right for workers of that fit.
"""

from contextvars import ContextVar, Token
from typing import Any, Self

__all__ = ["Scope", "inside"]

_current: ContextVar["Scope | None"] = ContextVar("autotrack_scope", default=None)


class Scope:
    """The time between start and end of a watched call."""

    __slots__ = ("_token", "is_outermost", "subject")

    def __init__(self, subject: Any = None) -> None:
        self.subject = subject
        self.is_outermost = False
        self._token: Token[Scope | None] | None = None

    def __enter__(self) -> Self:
        self.is_outermost = _current.get() is None
        self._token = _current.set(self)
        return self

    def __exit__(self, *_: object) -> None:
        if self._token is not None:
            _current.reset(self._token)
            self._token = None

    def shared(self) -> "Scope":
        """A scope for another thread that works for this one: what runs in it is inside."""
        return Scope(self.subject)


def inside() -> Scope | None:
    """The scope this code runs in, or None at the outermost level."""
    return _current.get()
