"""joblib: threads that work for a fit belong to it.

Watches   Parallel.__call__, Parallel._dispatch and BatchedCalls.__call__ (the last two private; checked on
          joblib 1.3 to 1.6)
Records   nothing: it hands the scope of a fit on to the pool's threads, so that fits in them stay silent
Never     changes or wraps a task; a task that is pickled for another process carries nothing of ours
Needs     joblib >= 1.3
"""

import weakref
from collections.abc import Generator
from typing import Any

from autotrack.hooks import Call, Patch, Scope, inside

__all__ = ["watch"]


def watch() -> list[Patch]:
    """Start watching; the caller keeps the patches and calls undo() on each."""
    from joblib.parallel import BatchedCalls, Parallel

    of_pool: weakref.WeakKeyDictionary[Any, Scope] = weakref.WeakKeyDictionary()
    of_batch: weakref.WeakKeyDictionary[Any, Scope] = weakref.WeakKeyDictionary()

    def watch_parallel(call: Call) -> Generator[None, None, None]:
        """Remember the scope a pool works for."""
        scope = inside()
        if scope is None:
            return
        pool = call.args[0]
        of_pool[pool] = scope
        yield
        if getattr(pool, "return_as", "list") == "list":
            of_pool.pop(pool, None)

    def watch_dispatch(call: Call) -> Generator[None, None, None]:
        """Remember it for each batch of tasks: later batches are dispatched by threads of the pool."""
        scope = of_pool.get(call.args[0])
        if scope is not None:
            of_batch[call.args[1]] = scope
            yield

    def watch_batch(call: Call) -> Generator[None, None, None]:
        """Run a batch inside the scope, in whatever thread it runs."""
        scope = of_batch.get(call.args[0])
        if scope is not None and inside() is None:
            with scope.shared():
                yield

    return [
        Patch(Parallel, "__call__", watch_parallel),
        Patch(Parallel, "_dispatch", watch_dispatch),
        Patch(BatchedCalls, "__call__", watch_batch),
    ]
