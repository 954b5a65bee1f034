"""Optuna: trials that a process finds in a study and has not run: there before, added, waiting, or run by others.

Watches   nothing; study.py asks
Records   nothing itself; it says of which trials this process is to write the record
Never     records a trial that another process may be recording: whoever runs a trial records it, and as long as others
          that record are alive in the study, what is missing may be theirs
Needs     nothing
"""

import threading
from collections.abc import Callable, Sequence
from typing import Any

from autotrack.run.shared import Presence

__all__ = ["Found"]


class Found:
    """The trials of a study that this process has not run.

    Args:
        presence: This process among those that share the study; None: no other process can know it.
        states: The states that trials have on record, by their number.
        write: Records a trial as it is.
    """

    def __init__(
        self, presence: Presence | None, states: Callable[[], dict[int, str]], write: Callable[[Any, str], None]
    ) -> None:
        self._presence = presence
        self._states = states
        self._write = write
        self._first = 0  # all trials before this are known
        self._known: set[int] = set()  # trials that are on record, or that we record because we run them
        self._waiting: set[int] = set()
        self._has_others = False  # some were recorded by others
        self._lock = threading.Lock()

    @property
    def next_number(self) -> int | None:
        """The first number that no trial has, if this process has recorded all trials; None if it has not."""
        with self._lock:
            return None if self._has_others or self._known or self._waiting else self._first

    def take(self, number: int) -> None:
        """This process runs the trial. Called before anything of it is written."""
        with self._lock:
            self._know(number)

    def record(self, trials: Sequence[Any]) -> None:
        """Record those of the study's trials that nobody else does. Slow where the study is shared."""
        with self._lock:
            news = [each for each in trials[self._first :] if self._is_news(each)]
        if not news or (self._presence is not None and not self._presence.is_alone()):
            return
        states = {} if self._presence is None else self._states()  # read last: now it is complete
        for frozen in news:
            with self._lock:
                if self._is_news(frozen):  # it may have been taken up meanwhile
                    self._record(frozen, frozen.state.name.lower(), states.get(frozen.number))

    def _record(self, frozen: Any, state: str, before: str | None) -> None:
        """Record a trial, unless it is on record as it is, or somebody has begun to record it."""
        if state == "waiting":
            self._waiting.add(frozen.number)
        else:
            self._know(frozen.number)
        if before is None or (before == "waiting" and before != state):
            self._write(frozen, state)
        else:
            self._has_others = True

    def _is_news(self, frozen: Any) -> bool:
        """Whether something may be to be recorded of a trial."""
        number, state = frozen.number, frozen.state.name
        is_known = number < self._first or number in self._known
        return not is_known and state != "RUNNING" and not (state == "WAITING" and number in self._waiting)

    def _know(self, number: int) -> None:
        self._waiting.discard(number)
        if number >= self._first:
            self._known.add(number)
        while self._first in self._known:
            self._known.remove(self._first)
            self._first += 1
