"""What the script says about itself: its settings, and the numbers it shows while somebody listens.

Hooks that hear something tell it here, recorders of trainings ask here; neither knows the other. Settings are the
process's. Numbers go to those who listen in the very thread that says them; a forked child starts with no listener.
"""

import os
import threading
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from autotrack.run.configs import configs, constants, flat

__all__ = [
    "Forgetting",
    "Listener",
    "Undoable",
    "configs",
    "constants",
    "hear_settings",
    "is_listening",
    "listen",
    "nobody_listens",
    "say",
    "settings",
    "while_listening",
]

Listener = Callable[[str, dict[str, float], int | None], None]


class Undoable(Protocol):
    """What an integration's `watch()` returns a list of."""

    def undo(self) -> None:
        """Leave everything as it was."""


# ---- settings

_settings: dict[str, Any] = {}


def hear_settings(values: Mapping[str, Any]) -> None:
    """The script has read these settings from its command line or files. Only plain values are kept."""
    for name, value in flat(values):
        _settings.pop(name, None)  # the newest is the last
        _settings[name] = value


def settings() -> dict[str, Any]:
    """What the script has read from its command line and files so far, in order; the newest value of each."""
    return dict(_settings)


class Forgetting:
    """Among the patches of an integration that hears settings: what was heard is forgotten with them."""

    def undo(self) -> None:
        """Forget it."""
        _settings.clear()


# ---- numbers


class _Listeners(threading.local):
    """Of this thread; with the thread they are gone."""

    def __init__(self) -> None:
        self.all: list[Listener] = []


_listeners = _Listeners()
_lock = threading.RLock()
_listening = 0  # listeners in all threads
_makers: dict[Callable[[], Undoable], Undoable | None] = {}  # each with what it made, while somebody listens


def listen(callback: Listener) -> Callable[[], None]:
    """Hear the numbers that the script says in this thread, until what is returned is called.

    Args:
        callback: `callback(source, values, step)`; the source is "tensorboard", "torchmetrics", "progress bar" or
            "printed", the step what the script said it is, or None.
    """
    listeners = _listeners.all
    listeners.append(callback)
    _count(1)
    waiting = [callback]

    def stop() -> None:
        try:
            heard = waiting.pop()  # of several calls one gets it
            listeners.remove(heard)
        except (IndexError, ValueError):  # stopped before, or in a forked child
            return
        _count(-1)

    return stop


def is_listening() -> bool:
    """Whether somebody listens in this thread."""
    return _listening > 0 and bool(_listeners.all)


def nobody_listens() -> bool:
    """Whether nobody listens in any thread."""
    return _listening == 0


def say(source: str, values: Mapping[str, float], step: int | None = None) -> None:
    """The script has said these numbers."""
    if values:
        for listener in tuple(_listeners.all):
            listener(source, dict(values), step)


class while_listening:  # noqa: N801  used as a function
    """Have something in place only while somebody listens, in whatever thread.

    Args:
        make: Puts it in place; what it returns has `undo()`.
    """

    def __init__(self, make: Callable[[], Undoable]) -> None:
        self._make = make
        with _lock:
            _makers[make] = make() if _listening > 0 else None

    def undo(self) -> None:
        """Never have it in place again."""
        with _lock:
            made = _makers.pop(self._make, None)
            if made is not None:
                made.undo()


def _count(change: int) -> None:
    global _listening
    with _lock:
        _listening += change
        for make, made in list(_makers.items()):
            if _listening > 0 and made is None:
                _makers[make] = make()
            elif _listening <= 0 and made is not None:
                _makers[make] = None
                made.undo()


def _after_fork() -> None:
    """The parent's training goes on in the parent."""
    global _listening, _lock
    _lock = threading.RLock()
    _listeners.all.clear()
    _listening = 0
    _count(0)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
