"""Which run an object came out of: a fitted model, an array that a model predicted.

Objects are remembered by identity and weakly: nothing is added to them and nothing is kept alive. A view of a
remembered array (`proba[:, 1]`) leads to it through its `base`.
"""

import weakref
from typing import Any

__all__ = ["Origin", "origin_of", "remember", "weak"]

_MAX_BASES = 8  # views of views of an array that are followed


class Origin:
    """Where an object came from.

    Attributes:
        run: The run of the model.
        training: Weak references to the data the model was fitted on.
        inputs: A weak reference to what was predicted from; for the model itself: None.
        data_set: The name of the data it was predicted from, where that is known for sure; else empty.
    """

    __slots__ = ("data_set", "inputs", "run", "training")

    def __init__(
        self,
        run: Any,
        training: "tuple[weakref.ref[Any] | None, ...]" = (),
        inputs: "weakref.ref[Any] | None" = None,
        data_set: str = "",
    ) -> None:
        self.run = run
        self.training = training
        self.inputs = inputs
        self.data_set = data_set

    def is_training(self, value: Any) -> bool:
        """Whether this is the very object the model was fitted on."""
        return value is not None and any(known is not None and known() is value for known in self.training)


_known: "dict[int, tuple[weakref.ref[Any], Origin]]" = {}


def remember(value: Any, origin: Origin) -> None:
    """Remember where an object came from, for as long as it lives; what cannot be referred to weakly is left out."""
    key = id(value)
    reference = weak(value, lambda dead: _forget(key, dead))
    if reference is not None:
        _known[key] = (reference, origin)


def origin_of(value: Any) -> Origin | None:
    """Where an object, or the array it is a view of, came from."""
    for _ in range(_MAX_BASES):
        if value is None:
            return None
        entry = _known.get(id(value))
        if entry is not None and entry[0]() is value:
            return entry[1]
        value = getattr(value, "base", None)
    return None


def weak(value: Any, callback: Any = None) -> "weakref.ref[Any] | None":
    """A weak reference, or None for what has none (lists, numbers)."""
    try:
        return weakref.ref(value, callback)
    except TypeError:
        return None


def _forget(key: int, dead: "weakref.ref[Any]") -> None:
    entry = _known.get(key)
    if entry is not None and entry[0] is dead:
        del _known[key]
