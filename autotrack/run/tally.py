"""Tally: the trials of a search in this process, from their begin until they are counted, of whatever library.

What takes time is done in the background, a batch at a time: those that take longer than a moment are written, so that
others see them; those that are over are counted and ranked, and their models are kept or dropped.
"""

import os
import threading
from collections import deque
from collections.abc import Sequence
from typing import Generic, Protocol, TypeVar

from autotrack.run.held import Held
from autotrack.run.progress import Ended, Progress
from autotrack.run.recorder import Recorder
from autotrack.run.run import Run
from autotrack.run.winners import Winners

__all__ = ["Tally"]


class _Opened(Protocol):
    def write(self) -> None:
        """Record it as it is by now."""


_T = TypeVar("_T", bound=_Opened)


class Tally(Generic[_T]):
    """The trials of one search.

    Args:
        target: The run of the search.
        most: How many trials keep their models; None: all.
        is_shared: Whether other processes may record into the run as well.

    Attributes:
        open: Those that are under way, by number.
    """

    def __init__(
        self, target: Run, directions: Sequence[str], recorder: Recorder, most: int | None, *, is_shared: bool = False
    ) -> None:
        self.open: dict[int, _T] = {}
        self._run = target
        self._buffer = recorder.buffer
        self._is_shared = is_shared
        self._pid = os.getpid()
        self._winners = Winners(directions, most)
        self._progress = Progress(target, directions)
        self._ended: deque[tuple[Ended, Held | None]] = deque()
        self._is_awaited = False
        self._lock = threading.RLock()  # of what is done in the background
        target.on_finish.append(lambda _: self.catch_up())

    def begin(self, number: int, opened: _T) -> None:
        """A trial has begun."""
        self.open[number] = opened
        self._await()

    def end(self, ended: Ended, held: Held | None) -> None:
        """A trial is over; it is no longer among those that are open."""
        self._ended.append((ended, held))
        self._await()

    def catch_up(self) -> None:
        """Count those that are over by now."""
        with self._lock:
            news = []
            while self._ended:
                ended, held = self._ended.popleft()
                news.append(ended)
                self._winners.end(ended.number, ended.values if ended.is_ranked else None, held)
            self._progress.add(news)

    def settle(self, all_of_them: Sequence[Ended]) -> None:
        """These are all trials, of all processes, as they were a while ago."""
        with self._lock:
            self.catch_up()
            self._progress.settle(all_of_them)
            self._winners.confine(
                {each.number: each.values for each in all_of_them if each.is_ranked and each.values is not None}
            )

    def _await(self) -> None:
        if not self._is_awaited:
            self._is_awaited = True
            self._buffer.later(self._tell)

    def _tell(self) -> None:
        """Record what has come to pass since the last time."""
        self._is_awaited = False
        if self._pid != os.getpid():
            return
        for opened in list(self.open.values()):
            opened.write()
        if self._is_shared and self._run.status == "running":
            self._run.stay_running()  # another process may have ended its part of the search, or have died
        self.catch_up()
