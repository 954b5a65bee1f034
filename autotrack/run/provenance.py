"""Which run an object came out of: a fitted model, an array that a model predicted.

Objects are remembered by identity and weakly: nothing is added to them and nothing is kept alive. A view of a
remembered array (`proba[:, 1]`) leads to it through its `base`.
"""

import weakref
from collections.abc import Iterator, Mapping
from itertools import count
from typing import Any

from autotrack.run.contents import alike, keep_print

__all__ = ["Evaluation", "Origin", "evaluations", "origin_of", "origin_of_copy", "remember", "weak"]

_MAX_BASES = 8  # views of views of an array that are followed
_numbers = count(1)


class Origin:
    """Where an object came from.

    Attributes:
        run: The run of the model.
        training: Weak references to the data the model was fitted on.
        inputs: A weak reference to what was predicted from; for the model itself: None.
        data_set: The name of the data it was predicted from, where that is known for sure; else empty.
        number: Larger than that of every origin before it.
    """

    __slots__ = ("data_set", "inputs", "number", "run", "training")

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
        self.number = next(_numbers)

    def is_training(self, value: Any) -> bool:
        """Whether this is the very object the model was fitted on."""
        return value is not None and any(known is not None and known() is value for known in self.training)


class Evaluation:
    """Data that a model was evaluated on: told from other data by identity, and by its fingerprint.

    Args:
        seen: What was predicted from, and the truth, by name, as far as they are known.
        prints: Their fingerprints.
    """

    __slots__ = ("prints", "seen")

    def __init__(self, seen: Mapping[str, Any], prints: Mapping[str, str | None] | None = None) -> None:
        self.seen = {name: weak(value) for name, value in seen.items()}
        self.prints = dict(prints or {})

    def is_of(self, seen: Mapping[str, Any]) -> bool:
        """Whether it was of these very objects."""
        known = self.seen
        return all((found := known.get(name)) is not None and found() is value for name, value in seen.items())

    def has(self, prints: Mapping[str, str | None]) -> bool:
        """Whether it was of data with these fingerprints. What only one of the two knows does not count."""
        both = [(value, self.prints[name]) for name, value in prints.items() if name in self.prints]
        return bool(both) and all(first is not None and first == second for first, second in both)


_known: "dict[int, tuple[weakref.ref[Any], Origin]]" = {}
_evaluations: "weakref.WeakKeyDictionary[Any, dict[str, list[Evaluation]]]" = weakref.WeakKeyDictionary()


def remember(value: Any, origin: Origin) -> None:
    """Remember where an object came from, for as long as it lives; what cannot be referred to weakly is left out."""
    key = id(value)
    reference = weak(value, lambda dead: _forget(key, dead))
    if reference is not None:
        _known[key] = (reference, origin)
        keep_print(value, origin)


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


def origin_of_copy(value: Any) -> Origin | None:
    """Where a copy of a prediction came from, or a list, a series or labels made of it: by what it contains."""
    return alike(value, _living())


def _living() -> Iterator[tuple[Any, Origin]]:
    """What is remembered and still lives, the newest first."""
    for reference, origin in reversed(list(_known.values())):
        value = reference()
        if value is not None:
            yield value, origin


def evaluations(run: Any) -> dict[str, list[Evaluation]]:
    """What the model of a run has been evaluated on so far, by the name of the data."""
    return _evaluations.setdefault(run, {})


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
