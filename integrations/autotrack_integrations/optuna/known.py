"""Optuna: which record belongs to a study, as long as its storage lives.

Watches   nothing; watch.py asks
Records   nothing
Never     keeps a study or a storage alive
Needs     Study._storage, Study._study_id (private; checked on Optuna 4.0 to 5.0)
"""

import os
import threading
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from autotrack import run
from autotrack_integrations.optuna.study import StudyRecord

__all__ = ["Studies"]


class Studies:
    """The records of the studies of this process."""

    def __init__(self) -> None:
        self._of_storage: weakref.WeakKeyDictionary[Any, dict[int, StudyRecord]] = weakref.WeakKeyDictionary()
        self._silent: weakref.WeakKeyDictionary[Any, int] = weakref.WeakKeyDictionary()
        self._lock = threading.RLock()

    def of(self, study: Any) -> StudyRecord | None:
        """The record of a study, made when it is met; None where nothing is recorded."""
        recorder = run.recorder()
        if recorder is None or not run.is_recording() or study in self._silent:
            return None
        record = self.known(study)
        if record is not None:
            return record
        if run.is_silent_rank():
            return None
        with self._lock:
            record = self.known(study)
            if record is None:
                storage = study._storage
                record = StudyRecord(study, recorder)
                self._of_storage.setdefault(storage, {})[study._study_id] = record
                # Nobody can go on with a study whose storage is gone. In a callback of the garbage collector.
                weakref.finalize(storage, record.finish_soon).atexit = False
            return record

    def known(self, study: Any) -> StudyRecord | None:
        """The record of a study that was met before in this process, and is recorded where things are recorded now."""
        record = self._of_storage.get(study._storage, {}).get(study._study_id)
        is_it = record is not None and record.pid == os.getpid() and record.recorder is run.recorder()
        return record if is_it else None

    @contextmanager
    def silence(self, study: Any) -> Iterator[None]:
        """In this block nothing is recorded of a study, in whatever thread."""
        with self._lock:
            self._silent[study] = self._silent.get(study, 0) + 1
        try:
            yield
        finally:
            with self._lock:
                left = self._silent[study] - 1
                if left:
                    self._silent[study] = left
                else:
                    del self._silent[study]
