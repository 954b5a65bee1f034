"""Processes that a script starts: what they train is recorded there, as children of the open run.

Watches   BaseProcess.start of multiprocessing (and so Pool, ProcessPoolExecutor, torch.multiprocessing.spawn); where
          torchrun was started with tracking, SubprocessHandler of torch.distributed.elastic (public; torch 2.2 to 2.13)
Records   nothing itself. A process has its work wrapped while it is sent, and switches recording on in itself;
          a script started by the launcher is started as `autotrack run` would
Never     touches the processes that libraries start for themselves: workers of a DataLoader, of loky, managers,
          trackers of resources. Those started inside a fit or a pause are silent too
Needs     nothing
"""

import os
import weakref
from collections.abc import Generator
from contextlib import suppress
from typing import Any

from autotrack.hooks import Call, Patch, is_users
from autotrack.run.whose import callers
from autotrack.run.workers import ForWorkers, InProcess, for_workers

__all__ = ["watch", "watch_launcher"]

# What only hands on the user's wish for a process.
_LAUNCHERS = (
    "concurrent.futures",
    "multiprocessing.context",
    "multiprocessing.pool",
    "multiprocessing.process",
    "threading",
    "torch.distributed",
    "torch.multiprocessing",
)
_MISSING = object()


def watch() -> list[Patch]:
    """Start watching; the caller keeps the patches and calls undo() on each."""
    from multiprocessing.process import BaseProcess

    of_queue: weakref.WeakKeyDictionary[Any, ForWorkers] = weakref.WeakKeyDictionary()

    def watch_start(call: Call) -> Generator[None, None, None]:
        """Wrap what a process of the user's will run, while it is sent; afterwards the process is as it was."""
        process = call.args[0]
        how = _how_to_record(process, of_queue)
        if how is None:
            return
        own: dict[str, Any] = vars(process)
        before = own.get("run", _MISSING)
        wrapped = own["run"] = InProcess(process.run, how)
        yield
        if own.get("run") is wrapped:
            if before is _MISSING:
                del own["run"]
            else:
                own["run"] = before

    return [Patch(BaseProcess, "start", watch_start)]


def _how_to_record(process: Any, of_queue: "weakref.WeakKeyDictionary[Any, ForWorkers]") -> ForWorkers | None:
    """None: it is no process of the user's, or nothing is recorded here.

    A pool replaces workers that are worn out from a thread of its own, which knows of no open run: they work for what
    the first ones did, which were given the same queue.
    """
    how = for_workers()
    if how is None:
        return None
    queue = next(iter(getattr(process, "_args", ())), None)
    starter = next(callers(_LAUNCHERS), None)
    with suppress(TypeError):  # no weak reference to it
        if starter is None:
            return of_queue.get(queue)
        if is_users(starter.f_code):
            of_queue[queue] = how
    return how if starter is not None and is_users(starter.f_code) else None


def watch_launcher() -> list[Patch]:
    """Start watching; the caller keeps the patches and calls undo() on each."""
    from torch.distributed.elastic.multiprocessing.subprocess_handler.subprocess_handler import SubprocessHandler

    return [Patch(SubprocessHandler, "__init__", watch_subprocess)]


def watch_subprocess(call: Call) -> Generator[None, None, None]:
    """Let the way in for tracking stand in the environment of a script while it is started."""
    from autotrack.projects.launch import environment

    how, env = for_workers(), call.argument(3, "env")
    if how is None or not isinstance(env, dict):
        return
    path = env.get("PYTHONPATH", os.environ.get("PYTHONPATH"))
    ours = environment({} if path is None else {"PYTHONPATH": path})
    for name in ("store", "experiment"):
        ours[f"AUTOTRACK_{name.upper()}"] = how.enabling[name]
    before = {name: env[name] for name in ours if name in env}
    env.update(ours)
    yield
    for name in ours:
        del env[name]
    env.update(before)
