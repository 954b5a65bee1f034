"""Runs that several processes record into, at once or one after the other: each finds the same one by its key.

The first process to ask for a key puts the id of a new run under it, into the store; the others read it there. What
goes by a key may be made anew (a data base that is deleted, a study of the same name in the next one): then the key has
a next run.

Each of them says that it is there, and can ask whether others are that may have something of the run still to write.
"""

import json
import time
from collections.abc import Callable
from hashlib import blake2b

from autotrack.run.buffer import Buffer
from autotrack.store import Store, new_id

__all__ = ["Presence", "shared_id"]

_FOLDER = "shared"
_PRESENT = "present"
_UNHEARD_S = 60.0  # in a bucket: a writer is heard of for the first time within this, or never


def shared_id(store: Store, key: str, is_it: Callable[[str], bool]) -> tuple[str, bool]:
    """The id of the run that goes by this key, and whether it is new.

    Args:
        is_it: Whether the run of this id, which is on record under the key, is the one that is meant.
    """
    prefix = f"{_FOLDER}/{blake2b(key.encode('utf-8', 'surrogateescape'), digest_size=16).hexdigest()}-"
    known = store.backend.list(prefix)
    number = max(len(known) - 1, 0)
    while True:
        place = f"{prefix}{number:06d}.json"
        mine = new_id()
        if number >= len(known) and store.backend.put_if_absent(place, json.dumps({"run_id": mine}).encode()):
            return mine, True
        run_id: str = json.loads(store.backend.get(place))["run_id"]
        if is_it(run_id):
            return run_id, False
        number += 1


class Presence:
    """That this process records into a run which others may record into as well. Said once, before it does."""

    def __init__(self, buffer: Buffer, run_id: str) -> None:
        self._buffer = buffer
        self._prefix = f"{_PRESENT}/{run_id}/"
        buffer.flush()  # then the journal has a writer
        if buffer.writer_id is not None:
            buffer.store().backend.put_if_absent(self._prefix + buffer.writer_id, b"{}")

    def is_alone(self) -> bool:
        """Whether nobody else has anything of the run still to write: what is on record from now on is all there is.

        Of two processes that say that they are there and then ask, at most one is told that it is alone.
        """
        backend = self._buffer.store().backend
        others = backend.stats(self._prefix)
        mine = others.pop(f"{self._prefix}{self._buffer.writer_id}", None)
        for key, stat in others.items():
            life = self._buffer.store().life(key.removeprefix(self._prefix))
            is_unheard = backend.is_remote and time.time() - stat.modified_s < _UNHEARD_S
            if life == "alive" or is_unheard:
                return False
            if life == "gone":
                backend.delete(key)
        return mine is not None
