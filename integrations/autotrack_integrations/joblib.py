"""joblib: what a pool does belongs to where the pool was started, in threads and in processes.

Watches   Parallel.__call__, Parallel._dispatch, BatchedCalls.__call__, BatchCompletionCallBack._register_outcome (all
          but the first private; checked on joblib 1.3 to 1.6)
Records   nothing itself. Threads of a pool get the open run, and the scope of a fit, so that fits in them are
          recorded in the run, or stay silent inside the fit. Tasks of the user's own that go to loky processes are
          recorded there, into the same store, as children of the open run
Never     changes what a task computes, returns or raises; a task sent from inside a fit carries nothing of ours
Needs     joblib >= 1.3
"""

import threading
import weakref
from collections.abc import Callable, Generator, Mapping
from typing import Any

from autotrack import run
from autotrack.hooks import Call, Carried, Patch, inside
from autotrack.run.workers import InWorker, for_workers

__all__ = ["watch"]

Task = tuple[Callable[..., Any], tuple[Any, ...], dict[str, Any]]
OnResult = Callable[[Any, tuple[Any, ...], Mapping[str, Any], Any], None]


def watch() -> list[Patch]:
    """Start watching; the caller keeps the patches and calls undo() on each."""
    from joblib.parallel import BatchedCalls, Parallel

    of_pool: weakref.WeakKeyDictionary[Any, Carried] = weakref.WeakKeyDictionary()
    of_batch: weakref.WeakKeyDictionary[Any, Carried] = weakref.WeakKeyDictionary()
    results = _Results()

    def watch_parallel(call: Call) -> Generator[None, None, None]:
        """Remember what a pool works for."""
        if inside() is None and run.recorder() is None:
            return
        pool = call.args[0]
        of_pool[pool] = Carried()
        yield
        if getattr(pool, "return_as", "list") == "list":
            of_pool.pop(pool, None)

    def watch_dispatch(call: Call) -> Generator[None, None, None]:
        """Remember it for each batch of tasks: later batches are dispatched by threads of the pool."""
        pool, batch = call.args[:2]
        carried = of_pool.get(pool)
        if carried is None:
            return
        of_batch[batch] = carried
        backend = type(pool._backend).__name__
        if backend == "LokyBackend":
            with carried.here():
                how = for_workers()
            if how is not None:
                batch.items = [(InWorker(task, how), args, kwargs) for task, args, kwargs in batch.items]
        if backend != "ThreadingBackend":  # whose threads tell of each task themselves
            results.expect(carried, batch.items)
        yield

    def watch_batch(call: Call) -> Generator[None, None, None]:
        """Run a batch with what was carried, in whatever thread it runs."""
        carried = of_batch.get(call.args[0])
        if carried is not None:
            with carried.here():
                yield

    return [
        Patch(Parallel, "__call__", watch_parallel),
        Patch(Parallel, "_dispatch", watch_dispatch),
        Patch(BatchedCalls, "__call__", watch_batch),
        *results.watch(),
    ]


class _Results:
    """Tells whoever waits for the tasks of a pool of each that was done in another process, as its result comes in."""

    def __init__(self) -> None:
        self._dispatched = threading.local()  # the batch that this thread is dispatching
        self._of_batch: weakref.WeakKeyDictionary[Any, tuple[OnResult, list[Task]]] = weakref.WeakKeyDictionary()

    def watch(self) -> list[Patch]:
        """Start watching; without what is watched in this version of joblib there are no results."""
        from joblib.parallel import BatchCompletionCallBack

        def watch_callback(call: Call) -> Generator[None, None, None]:
            """The object that will get the result of the batch that is dispatched."""
            batch, self._dispatched.batch = getattr(self._dispatched, "batch", None), None
            if batch is not None:
                self._of_batch[call.args[0]] = batch
                yield

        def watch_outcome(call: Call) -> Generator[None, None, None]:
            """Tell of the results before the pool goes on: they are heard before the fit they are a part of ends."""
            batch = self._of_batch.pop(call.args[0], None)
            if batch is None:
                return
            on_result, tasks = batch
            outcome = call.argument(1, "outcome")
            found = outcome["result"] if outcome["status"] == "Done" else [outcome["result"]]
            if len(found) == len(tasks):  # else it failed, and nobody knows in which of its tasks
                for (function, args, kwargs), result in zip(tasks, found, strict=True):
                    on_result(function, args, kwargs, result)
            yield

        if not hasattr(BatchCompletionCallBack, "_register_outcome"):
            return []
        return [
            Patch(BatchCompletionCallBack, "__init__", watch_callback),
            Patch(BatchCompletionCallBack, "_register_outcome", watch_outcome),
        ]

    def expect(self, carried: Carried, tasks: list[Task]) -> None:
        """A batch is about to be dispatched by this thread."""
        with carried.here():
            scope = inside()
        if scope is not None and scope.on_result is not None:
            self._dispatched.batch = scope.on_result, tasks
