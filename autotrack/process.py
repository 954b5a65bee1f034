"""What this process records into and reads from: the recorder of each store, the store that is read.

Knows the rooms, and of them only how to start: what is recorded is `run`'s affair, what is read `query`'s.
"""

import threading
from contextlib import suppress
from pathlib import Path

from autotrack import config, run
from autotrack.errors import StoreNotFoundError
from autotrack.run import Recorder, Run
from autotrack.store import Store
from autotrack.types import Row

__all__ = ["author", "get_run", "reading_store", "record_into", "recorder_of", "reopened"]

_lock = threading.RLock()
_recorders: dict[Path | str, Recorder] = {}


def record_into(settings: config.Settings) -> Recorder:
    """Record into the store of these settings from here on."""
    if isinstance(settings.store, str):
        Store.to_record(settings.store)  # told now if the library for buckets is missing; nobody waits for a server
    else:
        with suppress(StoreNotFoundError):
            Store.open(settings.store)  # told now if it is a file or of a newer format; made when the first run starts
    recorder = recorder_of(settings.store)
    recorder.experiment, recorder.log_models, recorder.author = (
        settings.experiment,
        settings.log_models,
        settings.author,
    )
    recorder.leave_out = frozenset(settings.leave_out)
    recorder.monitor = settings.monitor
    recorder.keep_models = settings.keep_models
    config.keep(settings)
    run.use(recorder)
    return recorder


def recorder_of(store: Path | str) -> Recorder:
    """One recorder for each store a process writes to."""
    with _lock:
        if store not in _recorders:
            _recorders[store] = Recorder(store)
        return _recorders[store]


def reading_store() -> Store:
    """The store that is read, with all in it that was logged here."""
    path = config.load().store
    if path in _recorders:
        _recorders[path].flush()
    return Store.open(path)


def reopened(row: Row) -> Run:
    """The run of a row that was read."""
    path = config.load().store
    return Run(row, lambda: recorder_of(path))


def get_run(id_or_unique_prefix: str) -> Run:
    """The run with this id, or the only one whose id starts so.

    Raises:
        RunNotFoundError, AmbiguousRunError: None, or several.
        StoreNotFoundError: There is no store yet.
    """
    from autotrack.query import resolve

    return reopened(resolve(reading_store(), id_or_unique_prefix))


def author() -> str | None:
    """Who does things here: the setting, else what the process record says; None: nobody has asked git yet."""
    recorder = run.recorder()
    return config.load().author or (recorder.process_fields().get("author") if recorder is not None else None)
