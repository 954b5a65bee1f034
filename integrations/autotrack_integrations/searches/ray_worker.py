"""Ray Tune, in the process of a trial: what is trained there is the trial's own.

Watches   RunnerThread.run, in which a user's function runs; _TrainSession.get_next and UtilMonitor.get_data, through
          which each result of a function and of a class goes (private; checked on Ray 2.60)
Records   nothing itself. A trial's id, on its way to the trial's process, is an `Arriving`: there it is plain text
          again, and has switched recording on before, into the same store, with the trial's run as the open one
Never     leaves anything of ours in a trial's process that its code could meet; needs autotrack to be installed there;
          records on another machine, unless the store is in a bucket
Needs     Ray >= 2.9
"""

import os
from collections.abc import Callable, Generator
from importlib import import_module
from typing import Any

from autotrack import run
from autotrack.guard import guard
from autotrack.hooks import Call, Patch, Tap
from autotrack.run import Run
from autotrack.run.capture import host_name
from autotrack.run.workers import ForWorkers
from autotrack.types import Row

__all__ = ["Arriving", "record_here", "watch"]

_trial: tuple[int, Run] | None = None  # the one that this process runs, and the process


class Arriving(str):
    """The id of a trial. Pickled, it becomes the text alone, in a process that records what the trial trains.

    Args:
        how: How to record there.
        target: Of the trial's run: id, experiment, name, source.
    """

    __slots__ = ("how", "target")

    def __new__(cls, trial_id: str, how: ForWorkers, target: Row) -> "Arriving":
        made = super().__new__(cls, trial_id)
        made.how = how.enabling
        made.target = target
        return made

    how: dict[str, Any]
    target: Row

    def __reduce__(self) -> tuple[Any, ...]:
        return _arrival(), (str.__str__(self), host_name(), self.how, dict(self.target))


def _arrival() -> Callable[..., str]:
    """What is called there. A function inside a function is pickled as it is, so that it can be read anywhere."""

    def arrive(trial_id, *how):  # type: ignore[no-untyped-def]  # types would be pickled with it
        try:
            from autotrack_integrations.searches.ray_worker import record_here
        except ImportError:
            return trial_id
        record_here(*how)
        return trial_id

    return arrive


def record_here(host: str, enabling: dict[str, Any], target: Row) -> None:
    """Record in this process from now on: what it trains belongs to this trial."""
    global _trial
    with guard("ray.trial"):
        if host != host_name() and "://" not in enabling["store"]:
            return
        if run.recorder() is None:
            import_module("autotrack").enable(**enabling)  # by name: rooms import downward only
        recorder = run.recorder()
        if recorder is not None:
            row: Row = {**target, "status": "running"}
            _trial = os.getpid(), Run(row, lambda: recorder, is_live=True)
            run.join(_trial[1])  # for as long as the process, which runs nothing else


def watch() -> list[Patch | Tap]:
    """Start watching; the caller keeps the patches and calls undo() on each."""
    threads, sessions, util = map(
        import_module, ("ray.air._internal.util", "ray.train._internal.session", "ray.tune.utils.util")
    )
    # What is recorded is written before the search hears of a result: then it may end the process at any time. The
    # methods of trainables cannot be watched here: the class that Ray makes of one has got hold of all of them.
    return [
        Patch(threads.RunnerThread, "run", watch_thread),
        Tap(sessions._TrainSession, "get_next", after=lambda _, __, ___: _write()),
        Tap(util.UtilMonitor, "get_data", before=lambda _, __: _write()),
    ]


def watch_thread(_: Call) -> Generator[None, None, None]:
    """The trial's run is the open one of the thread that its function runs in."""
    if _trial is None or _trial[0] != os.getpid():
        return
    leave = run.join(_trial[1])
    try:
        yield
    finally:
        leave()
        _write()


def _write() -> None:
    """Write what waits."""
    recorder = run.recorder()
    if recorder is not None and _trial is not None and _trial[0] == os.getpid():
        recorder.buffer.flush()
