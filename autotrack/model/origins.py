"""Which runs of this process a live model was packed for: known as long as it lives, by identity and weakly."""

import weakref
from typing import Any

__all__ = ["origins", "remember"]

_known: dict[int, tuple["weakref.ref[Any]", list[tuple[str, str]]]] = {}


def remember(model: object, run_id: str, name: str) -> None:
    """The model was packed for this run under this name. Nothing is kept of one that takes no weak reference."""
    key = id(model)
    known = _known.get(key)
    if known is not None and known[0]() is model:
        known[1].append((run_id, name))
        return
    try:
        ref = weakref.ref(model, lambda dead: _forget(key, dead))
    except TypeError:
        return
    _known[key] = ref, [(run_id, name)]


def origins(model: object) -> list[tuple[str, str]]:
    """The id of each run, the newest first, and what the model is called there."""
    known = _known.get(id(model))
    return list(dict.fromkeys(reversed(known[1]))) if known is not None and known[0]() is model else []


def _forget(key: int, dead: "weakref.ref[Any]") -> None:
    known = _known.get(key)
    if known is not None and known[0] is dead:
        del _known[key]
