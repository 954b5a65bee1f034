"""The current run of each thread and task, and where runs are recorded now.

A thread starts without a current run; an asyncio task has the one of the task that made it. A forked child keeps
it, so that fits in the child become children of the run they were forked in.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from autotrack.errors import AutotrackError
from autotrack.hooks import Scope, inside
from autotrack.names import check_name
from autotrack.run.buffer import now_us
from autotrack.run.exits import finish_at_exit
from autotrack.run.inputs import tag_texts
from autotrack.run.recorder import Recorder
from autotrack.run.run import Run
from autotrack.store import new_id
from autotrack.types import Row

__all__ = [
    "Opened",
    "active_run",
    "announce",
    "ended",
    "go_on",
    "inside_run",
    "is_recording",
    "join",
    "keeps",
    "last_run",
    "paused",
    "recorder",
    "start",
    "start_fit",
    "use",
]

_active: ContextVar[Run | None] = ContextVar("autotrack_run", default=None)
_recorder: Recorder | None = None
_last: Run | None = None


def use(new: Recorder | None) -> None:
    """Record into this recorder from now on; runs that are open stay with theirs."""
    global _recorder
    _recorder = new


def recorder() -> Recorder | None:
    """Where runs are recorded now."""
    return _recorder


def is_recording() -> bool:
    """Whether hooks may record here and now: enabled, neither paused nor inside another fit."""
    return _recorder is not None and inside() is None


def keeps(part: str) -> bool:
    """Whether this part of the record (one of `config.PARTS`) is kept."""
    return _recorder is not None and part not in _recorder.leave_out


def active_run() -> Run | None:
    """The run that is open in this thread or task."""
    run = _active.get()
    return run if run is not None and run.status == "running" else None


def last_run() -> Run | None:
    """The run that was started last in this process."""
    return _last


@contextmanager
def inside_run(run_id: str, experiment: str) -> Iterator[None]:
    """In this block the open run is one of another process: what is logged goes to it, new runs are its children."""
    target = _recorder
    if target is None:
        yield
        return
    with Run({"run_id": run_id, "experiment": experiment, "status": "running"}, lambda: target):
        yield


def join(run: Run) -> Callable[[], None]:
    """Make a run that goes on in another process the active one of this thread, until what is returned is called."""
    token = _active.set(run)
    return lambda: _active.reset(token)


class paused(Scope):  # noqa: N801  used as a function
    """Context manager: hooks record nothing in this block, in this thread or task. Blocks nest."""


class Opened:
    """Context manager around the work of a hook: a run that it opened ends with it, whatever happens.

    A hook ends its run itself, also where the user's code fails. But Ctrl-C may come at any line of the hook's own:
    then its run would stay open, and every later one would become its child.
    """

    __slots__ = ("_before",)

    def __enter__(self) -> None:
        self._before = _active.get()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        opened = _active.get()
        if kind is None or opened is None or opened is self._before or opened.source == "user":
            return
        try:
            opened.finish("killed" if kind is GeneratorExit else "failed", error)
        finally:
            _active.set(self._before)


def start(
    name: str,
    *,
    source: str = "user",
    experiment: str | None = None,
    params: Mapping[str, Any] | None = None,
    tags: Mapping[str, Any] | None = None,
    parent: Run | None = None,
    is_active: bool = True,
    run_id: str | None = None,
) -> Run:
    """Open a run as a child of `parent` or of the active one, and make it the active one until it is finished.

    Args:
        run_id: Its id, where that is settled; see `shared_id`.
        is_active: False: the active run stays what it is; this one is only told what its holder tells it.

    Raises:
        AutotrackError: Nothing is set up to record into.
    """
    target = _recorder
    if target is None:
        raise AutotrackError("There is no store to record into.\nExpected autotrack.enable() or start_run() before.")
    parent = parent or active_run()
    row: Row = {
        "run_id": run_id or new_id(),
        "experiment": experiment or (parent.experiment if parent else target.experiment),
        "name": check_name("run name", name),
        "source": source,
        "status": "running",
        "start_ts": now_us(),
        "tags": {**target.tags, **tag_texts(tags or {})},
    }
    if parent is not None:
        row["parent_run_id"] = parent.id
    run = Run(row, lambda: target, is_live=True)
    run.held = None if parent is None else parent.held
    target.begin(row)
    if params:
        run.log_params(params)
    if is_active:
        enter(run)
    else:
        announce(run)
    return run


def start_fit(name: str, source: str, *, is_active: bool = True) -> tuple[Run, bool]:
    """The run of a model fit, and whether it is ours to finish.

    Without a run of the user's the fit has its own. In the user's run the first fit is recorded in the run
    itself, every further one is a child of it.
    """
    active = active_run()
    if active is not None and active.is_of_this_process and active.claim_fit():
        return active, False
    return start(name, source=source, parent=active, is_active=is_active), True


def ended(run_id: str) -> Row | None:
    """The row of a run that has ended, in the store that is recorded into; None if it is not there, or goes on, or if
    what would go on with it belongs to another one that is open.
    """
    target = _recorder
    if target is None or active_run() is not None:
        return None
    target.buffer.flush()
    row = target.buffer.store().rows([run_id]).get(run_id)
    return row if row is not None and row.get("status", "running") != "running" else None


def go_on(row: Row) -> Run:
    """Go on with a run that has ended, which need not have been of this process; it is not made the active one.

    Raises:
        AutotrackError: Nothing is set up to record into.
    """
    target = _recorder
    if target is None:
        raise AutotrackError("There is no store to record into.\nExpected autotrack.enable() or start_run() before.")
    run = Run(row, lambda: target, is_live=True)
    run.reopen()
    announce(run)
    return run


def announce(run: Run) -> None:
    """A run of this process has begun."""
    global _last
    _last = run
    finish_at_exit(run)


def enter(run: Run) -> None:
    """Make a run of this process the active one of this thread until it is finished."""
    before = _active.get()
    _active.set(run)
    announce(run)

    def leave(finished: Run) -> None:
        if _active.get() is finished:
            _active.set(before)

    run.on_finish.append(leave)
