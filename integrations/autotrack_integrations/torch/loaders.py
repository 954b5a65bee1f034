"""torch: batches, as they come out of a DataLoader: which pass it is, and how long was waited for them.

Watches   DataLoader.__iter__ (public), the iterators' __next__ (private class _BaseDataLoaderIter; checked on torch 2.2
          to 2.13)
Records   nothing itself: training.py does, per epoch; the settings of the loader settings.py
Never     takes a batch, starts a worker or draws from a random state
Needs     torch >= 2.2
"""

import itertools
import time
import weakref
from typing import Any

from autotrack.hooks import Tap
from autotrack_integrations.torch.here import here

__all__ = ["loader_of", "watch_loaders"]

_MAX_KNOWN = 100  # passes of which the loader is remembered

_numbers = itertools.count(1)  # of passes: the identity of an iterator may be that of one that is gone
_pass_of: dict[int, int] = {}  # by the identity of the iterator
_loaders: "dict[int, weakref.ref[Any]]" = {}  # by the number of the pass


def watch_loaders() -> list[Tap]:
    """Start watching; the caller keeps the taps and calls undo() on each."""
    from torch.utils.data import DataLoader, dataloader

    taps = [Tap(DataLoader, "__iter__", after=_hear_pass)]
    iterator = getattr(dataloader, "_BaseDataLoaderIter", None)
    if iterator is not None:
        taps.append(Tap(iterator, "__next__", before=_before_batch, after=_after_batch, failed=_after_pass))
    return taps


def loader_of(number: int) -> Any:
    """The loader of a pass; None if it is gone."""
    known = _loaders.get(number)
    return None if known is None else known()


def _hear_pass(iterator: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    number = next(_numbers)
    if len(_loaders) >= _MAX_KNOWN:
        del _loaders[next(iter(_loaders))]
        _pass_of.clear()
    _loaders[number] = weakref.ref(args[0])
    _pass_of[id(iterator)] = number


def _before_batch(args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    here.now.fetched_at = time.perf_counter()


def _after_batch(batch: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    here.now.pass_number = _pass_of.get(id(args[0]), 0)
    here.now.waited_s += time.perf_counter() - here.now.fetched_at


def _after_pass(error: BaseException, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    training = here.now.training
    if isinstance(error, StopIteration):
        if training is not None and not here.now.evaluations:
            training.hold()
    elif training is not None:
        training.fail(error)
