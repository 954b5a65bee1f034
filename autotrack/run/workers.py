"""How to record in another process what this one has it do: into the same store, as children of the open run.

What is sent to the other process is wrapped: there it switches recording on, and is then called as it would have been.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

from autotrack.guard import guard
from autotrack.run.current import active_run, inside_run, is_recording, recorder, use
from autotrack.run.exits import fail_at_exit
from autotrack.run.heard import hear_settings, settings

__all__ = ["ForWorkers", "InProcess", "InWorker", "for_workers"]


@dataclass(frozen=True)
class ForWorkers:
    """How to record in a worker.

    Attributes:
        enabling: Arguments of `enable()`.
        open_run: The open run's id and experiment, if there is one.
        settings: What the script has read from its command line.
    """

    enabling: dict[str, Any]
    open_run: tuple[str, str] | None
    settings: dict[str, Any] = field(default_factory=dict)


def for_workers() -> ForWorkers | None:
    """What a worker needs to record as this process does here and now; None: nothing is recorded here."""
    target = recorder()
    if target is None or not is_recording():
        return None
    active = active_run()
    enabling = {
        "store": str(target.buffer.root),
        "experiment": target.experiment,
        "log_models": target.log_models,
        "leave_out": sorted(target.leave_out),
        "monitor": target.monitor,
        "keep_models": "all" if target.keep_models is None else target.keep_models,
        "tags": target.tags,
    }
    return ForWorkers(enabling, None if active is None else (active.id, active.experiment), settings())


class InWorker:
    """A task of the user's, recorded also in another process. There it is called as it would have been."""

    def __init__(self, task: Callable[..., Any], how: ForWorkers) -> None:
        self.task = task
        self.how = how
        self.sender = os.getpid()

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if os.getpid() == self.sender:
            return self.task(*args, **kwargs)
        with _recording(self.how):
            return self.task(*args, **kwargs)


class InProcess(InWorker):
    """The whole work of a process of multiprocessing, which ends with it: what is open is ended truly."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        try:
            return super().__call__(*args, **kwargs)
        except BaseException as error:
            with guard("the end of a process"):
                _fail_open_runs(error)
            raise


def _fail_open_runs(error: BaseException) -> None:
    """Multiprocessing prints an error and keeps it not, so the exit would not know. Of `sys.exit` it does."""
    if not isinstance(error, SystemExit):
        fail_at_exit(error)


@contextmanager
def _recording(how: ForWorkers) -> Iterator[None]:
    """Record in this block only: the process is used again, also for the insides of fits, which stay silent."""
    open_run = inside_run(*how.open_run) if how.open_run else nullcontext()
    if recorder() is not None:  # forked, a task before switched it on for itself, or the user's script does
        with open_run:
            yield
        return
    with guard("recording in a worker"):
        import_module("autotrack").enable(**how.enabling)  # by name: rooms import downward only
        hear_settings(how.settings)
    target = recorder()
    try:
        with open_run:
            yield
    finally:
        use(None)
        if target is not None:
            with guard("recording in a worker"):
                target.flush()
