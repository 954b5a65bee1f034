"""Run code that may never come back, for so long and no longer: on a thread that is left behind when its time is up.

It is stopped at its next line of Python. A call into C that never returns (a sleep, a socket, a lock) goes on in it, a
daemon thread, until the process ends; one that never lets go of the interpreter's lock stops everybody, as always.
"""

import contextvars
import sys
import threading
from collections.abc import Callable
from typing import TypeVar, cast

__all__ = ["OutOfTimeError", "StoppedError", "within"]

_T = TypeVar("_T")


class OutOfTimeError(Exception):
    """It took longer than it may."""


class StoppedError(BaseException):
    """Raised in the thread that was left behind: its code goes no further."""


def within(limit_s: float, function: Callable[[], _T]) -> _T:
    """What `function` returns or raises, if it does so in time. A Ctrl-C while waiting is the caller's.

    It runs in the caller's context. While a module is being imported it runs right here, without a limit: on another
    thread it could need the very module whose lock this one holds.

    Raises:
        OutOfTimeError: It did not.
    """
    if _is_importing():
        return function()
    found = _Outcome()
    context = contextvars.copy_context()

    def run() -> None:
        with found:
            found.value = context.run(function)

    thread = threading.Thread(target=run, name="autotrack-bounded", daemon=True)
    try:
        thread.start()
        if not found.is_there.wait(limit_s):
            raise OutOfTimeError
    finally:
        if not found.is_there.is_set():
            _stop(thread)
    thread.join()
    if found.error is not None:
        raise found.error
    return cast(_T, found.value)


class _Outcome:
    """Takes what a block gives or raises, for the thread that waits."""

    def __init__(self) -> None:
        self.is_there = threading.Event()
        self.value: object = None
        self.error: BaseException | None = None

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> bool:
        self.error = error
        self.is_there.set()
        return True


def _stop(thread: threading.Thread) -> None:
    import ctypes

    if thread.ident is not None:
        ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread.ident), ctypes.py_object(StoppedError))


def _is_importing() -> bool:
    frame = sys._getframe(1)
    while frame is not None:
        if frame.f_code.co_filename == "<frozen importlib._bootstrap>":
            return True
        frame = frame.f_back  # type: ignore[assignment]
    return False
