"""Runs that several processes record into, at once or one after the other: each finds the same one by its key.

The first process to ask for a key puts the id of a new run under it, into the store; the others read it there. What
goes by a key may be made anew (a data base that is deleted, a study of the same name in the next one): then the key has
a next run.
"""

import json
from collections.abc import Callable
from hashlib import blake2b

from autotrack.store import Store, new_id

__all__ = ["shared_id"]

_FOLDER = "shared"


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
