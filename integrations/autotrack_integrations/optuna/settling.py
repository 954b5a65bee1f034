"""Optuna: when all trials of a shared study are read again, which takes longer the more there are.

Watches   nothing; study.py says where `optimize` has ended, or a trial was added
Records   nothing itself
Never     takes more than a share of the time: of many short calls most only note that it is due, and what is due at
          the end of the process is done there
Needs     nothing
"""

import os
import time
import weakref
from collections.abc import Callable, Sequence
from typing import Any

from autotrack.guard import guard
from autotrack.run.exits import before_exit

__all__ = ["Settling"]

SHARE = 0.05  # of the time

_due: "weakref.WeakSet[Settling]" = weakref.WeakSet()


class Settling:
    """When one study is settled: what others did in it, as its storage says.

    Args:
        settle: Takes all trials, and records what is to be recorded of them, in the background.
    """

    def __init__(self, settle: Callable[[Sequence[Any]], None]) -> None:
        self._settle = settle
        self._pid = os.getpid()
        self._not_before = 0.0
        self._study: weakref.ref[Any] | None = None

    def due(self, study: Any) -> None:
        """Now, or, where the last time was too short a while ago, later."""
        if time.monotonic() < self._not_before:
            self._study = weakref.ref(study)
            _due.add(self)
            return
        _due.discard(self)
        self._read(study)

    def took(self, seconds: float) -> None:
        """What was read has taken so long to be recorded."""
        self._not_before = max(self._not_before, time.monotonic() + seconds / SHARE)

    def at_exit(self) -> None:
        """What is still due in this process."""
        study = self._study() if self._study is not None and self._pid == os.getpid() else None
        if study is not None:
            self._read(study)

    def _read(self, study: Any) -> None:
        begun = time.monotonic()
        self._settle(study.get_trials(deepcopy=False))
        self.took(time.monotonic() - begun)


def _at_exit() -> None:
    for each in list(_due):
        with guard("optuna.study"):
            each.at_exit()


before_exit(_at_exit)
