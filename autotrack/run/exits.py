"""The end of the process: runs that were left open are ended truly, and everything is written.

A run left open is failed if the script died of an exception or left by `sys.exit` with another code than 0, else
finished. Python does not keep the code of an exit, so `sys.exit` is watched while runs may be open. Killed processes
never come here: the next reader of the store sees those.
"""

import atexit
import os
import sys
import weakref
from collections.abc import Callable, Generator

from autotrack.guard import guard
from autotrack.hooks import Call, Patch
from autotrack.run.recorder import all_recorders
from autotrack.run.run import Run

__all__ = ["before_exit", "fail_at_exit", "finish_at_exit", "forget_exit"]

_open: "weakref.WeakSet[Run]" = weakref.WeakSet()
_pid = 0  # the process whose exit is seen to
_earlier_error: BaseException | None = None  # of a cell of a notebook, from before there was a run
_exit_error: BaseException | None = None
_patches: list[Patch] = []
_before: list[Callable[[], None]] = []


def before_exit(callback: Callable[[], None]) -> None:
    """Call this at the end of the process, while everything can still be recorded."""
    _before.append(callback)


def finish_at_exit(run: Run) -> None:
    """See to it that this run is ended with the process, unless it was before."""
    _open.add(run)
    if not _patches:
        with guard("sys.exit"):
            _patches.append(Patch(sys, "exit", watch_exit))
    _register()


def fail_at_exit(error: BaseException) -> None:
    """The process ends because of this error, which Python will not keep."""
    global _exit_error
    _exit_error = error


def forget_exit() -> None:
    """Leave `sys.exit` as it was."""
    while _patches:
        _patches.pop().undo()


def watch_exit(call: Call) -> Generator[None, None, None]:
    """Remember with what the script said it ends."""
    global _exit_error
    yield
    if isinstance(call.error, SystemExit) and call.error.code not in (None, 0):
        _exit_error = call.error


def _register() -> None:
    """Children of multiprocessing leave by os._exit, past atexit; they have finalizers of their own."""
    global _earlier_error, _pid
    if _pid == os.getpid():
        return
    _pid = os.getpid()
    _earlier_error = _last_error()
    processes, util = sys.modules.get("multiprocessing.process"), sys.modules.get("multiprocessing.util")
    if processes is not None and util is not None and processes.parent_process() is not None:
        util.Finalize(None, _at_exit, exitpriority=10)


def _at_exit() -> None:
    """End what is open, then write everything."""
    for callback in _before:
        with guard("exit"):
            callback()
    with guard("exit"):
        _finish_open_runs()
    for each in all_recorders():
        with guard("exit"):
            each.close()


def _finish_open_runs() -> None:
    died_of = _last_error()
    error = died_of if died_of is not None and died_of is not _earlier_error else _exit_error
    for run in list(_open):
        if run.is_of_this_process:
            run.finish("finished" if error is None else "failed", error)


def _last_error() -> BaseException | None:
    """The exception Python has reported last as not caught."""
    return getattr(sys, "last_exc", None) or getattr(sys, "last_value", None)


def _after_fork() -> None:
    _open.clear()
    for each in all_recorders():
        each.forget()


atexit.register(_at_exit)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
