"""Walk an object's parts without running its code, and without recursion.

`walk` gives every object that can be reached, once. `difference` compares two such graphs part by part.
"""

import math
from collections.abc import Iterator
from typing import Any

__all__ = ["difference", "walk"]

_MAX_OBJECTS = 20_000_000  # a bound for the walk itself: more than fit into the largest file
_PLAIN = (type(None), bool, int, float, complex, str, bytes)

Part = tuple[str, object]


def walk(root: object) -> Iterator[object]:
    """Every object within `root`, and itself. Values such as numbers and strings are left out."""
    seen: dict[int, object] = {}  # holds the objects too: an id is only theirs while they live
    waiting = [root]
    while waiting:
        value = waiting.pop()
        if isinstance(value, _PLAIN) or id(value) in seen:
            continue
        seen[id(value)] = value
        if len(seen) > _MAX_OBJECTS:
            raise RecursionError(f"more than {_MAX_OBJECTS:,} objects")
        yield value
        waiting.extend(part for _, part in _parts(value))


def difference(one: object, other: object) -> str | None:
    """Where two objects differ in type, structure or any value, as a path; None if nowhere."""
    seen: dict[tuple[int, int], tuple[object, object]] = {}
    waiting = [("", one, other)]
    while waiting:
        path, a, b = waiting.pop()
        if a is b or (id(a), id(b)) in seen:
            continue
        seen[id(a), id(b)] = (a, b)
        if type(a) is not type(b):
            return f"{path or 'it'} is a {type(a).__name__}, and comes back as a {type(b).__name__}"
        parts, others = _parts(a), _parts(b)
        if [name for name, _ in parts] != [name for name, _ in others] or not _same(a, b, bool(parts)):
            return f"{path or 'it'} comes back with other values"
        waiting.extend((path + name, x, y) for (name, x), (_, y) in zip(parts, others, strict=True))
    return None


def _same(a: Any, b: Any, has_parts: bool) -> bool:
    import numpy as np

    if isinstance(a, float):
        return a == b or (math.isnan(a) and math.isnan(b))
    if isinstance(a, np.ndarray):
        same = a.dtype == b.dtype and a.shape == b.shape
        if a.dtype.names is not None:  # field by field: the bytes between them are anything
            return same and all(a[name].tobytes() == b[name].tobytes() for name in a.dtype.names)
        return same and bool(a.dtype.hasobject or a.tobytes() == b.tobytes())
    if isinstance(a, np.generic):
        return bool(a.dtype == b.dtype) and a.tobytes() == b.tobytes()
    return has_parts or bool(a == b) or not _is_comparable(a)


def _is_comparable(value: object) -> bool:
    """Whether equality means something: an empty list, a number, a function. Objects without any state are alike."""
    return isinstance(value, (*_PLAIN, list, tuple, dict, set, slice, type)) or callable(value)


def _parts(value: Any) -> list[Part]:
    import numpy as np

    if isinstance(value, (*_PLAIN, type, np.dtype, np.generic, np.ufunc)):
        return []
    if isinstance(value, np.ma.MaskedArray):
        return [(".data", value.data), (".mask", np.asarray(value.mask))]
    if isinstance(value, np.ndarray):
        return [(f"[{number}]", item) for number, item in enumerate(value.flat)] if value.dtype.hasobject else []
    if isinstance(value, (list, tuple)):
        return [(f"[{number}]", item) for number, item in enumerate(value)]
    if isinstance(value, np.random.Generator):
        return [(".state", value.bit_generator.state)]
    if isinstance(value, np.random.RandomState):
        return [(".state", value.get_state(legacy=False))]
    if type(value).__module__.startswith(
        "scipy.sparse"
    ):  # but not what it remembers of itself, as whether it is sorted
        places = [name for name in ("indices", "indptr", "row", "col", "offsets") if hasattr(value, name)]
        indices = [(f".{name}", getattr(value, name).astype(np.int64)) for name in places]  # of whatever width
        return [(".format", value.format), (".shape", value.shape), (".data", value.data), *indices]
    parts: list[Part] = []
    if isinstance(value, dict):
        parts += [(f"[{type(key).__name__}:{key!r:.60}]", item) for key, item in dict.items(value)]
    elif isinstance(value, (set, frozenset)):
        return [(f"{{{item!r:.60}}}", item) for item in sorted(value, key=repr)]
    attributes = getattr(value, "__dict__", None)
    if callable(value) and hasattr(value, "__name__"):
        return parts  # a function
    if attributes:
        return parts + [(f".{name}", item) for name, item in attributes.items()]
    return parts or _compiled(value)


def _compiled(value: Any) -> list[Part]:
    """The state of an object without attributes, if it is one of scikit-learn's compiled ones."""
    if not type(value).__module__.startswith(("sklearn.", "_loss")):
        return []
    reduced = value.__reduce__()
    return [(f"({number})", part) for number, part in enumerate(reduced[1:]) if not isinstance(part, type)]
