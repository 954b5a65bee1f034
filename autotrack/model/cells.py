"""Python objects as bytes: the cells of an object column, the items of a list.

Equal cells give equal bytes in every process. No code of the user's runs for it: what is neither a plain value nor one
of the types named below cannot be seen, and is said to be so.
"""

import marshal
from itertools import chain
from typing import Any

__all__ = ["CELLS", "PLAIN", "UnseenError", "cells_of", "encode"]

CELLS = 512  # encoded at once: enough that a call costs nothing, few enough that time is looked at between
PLAIN = frozenset({str, int, float, bool, type(None), bytes, complex})

_VERSION = 2  # of marshal: the last one whose bytes do not depend on who else refers to an object
_MAX_DEPTH = 20  # lists in lists; a list may hold itself
# Modules whose objects print all there is to them. `pandas` for Timestamp, Timedelta, Interval, NA, NaT.
_PRINTED = frozenset({"datetime", "decimal", "fractions", "ipaddress", "pandas", "pathlib", "uuid", "zoneinfo"})
_BASES: tuple[Any, ...] = (int, float, str, bytes)  # whose subclasses are seen as what they are beneath


class UnseenError(ValueError):
    """Something whose content cannot be seen from outside; the message says what."""


def encode(cells: Any) -> bytes:
    """The cells, in a list or tuple, as bytes.

    Raises:
        UnseenError: One of them is of a type that cannot be seen.
    """
    types = set(map(type, cells))
    if types <= PLAIN:
        return marshal.dumps(cells, _VERSION)
    if types <= {list, tuple} and set(map(type, chain.from_iterable(cells))) <= PLAIN:
        return marshal.dumps(cells, _VERSION)
    return marshal.dumps([_plain(cell, 0) for cell in cells], _VERSION)


def cells_of(data: Any, start: int, stop: int) -> list[Any] | tuple[Any, ...]:
    """Some items of a list or tuple, without calling what a class of the user's has made of `[]`."""
    part = slice(start, stop)
    return list.__getitem__(data, part) if isinstance(data, list) else tuple.__getitem__(data, part)


def _plain(cell: Any, depth: int) -> Any:
    """The cell as a value that `marshal` writes; what is not a plain value itself becomes a tuple with its type."""
    kind = type(cell)
    if kind in PLAIN:
        return cell
    if depth >= _MAX_DEPTH:
        raise UnseenError("lists nested too deep")
    if isinstance(cell, list | tuple):
        items = [_plain(item, depth + 1) for item in cells_of(cell, 0, len(cell))]
        return items if isinstance(cell, list) else tuple(items)
    if kind is dict:
        return ("dict", [(_plain(key, depth + 1), _plain(value, depth + 1)) for key, value in cell.items()])
    if kind in (set, frozenset):
        return ("set", sorted(marshal.dumps(_plain(item, depth + 1), _VERSION) for item in cell))
    if kind.__module__.partition(".")[0] == "numpy":
        return _of_numpy(cell, depth)
    if kind.__module__.partition(".")[0] in _PRINTED:
        return (kind.__qualname__, repr(cell))
    return _by_base(cell, kind)


def _of_numpy(cell: Any, depth: int) -> Any:
    """A NumPy scalar, or an array in a cell."""
    dtype = getattr(cell, "dtype", None)
    if dtype is None:
        raise UnseenError(f"objects of {type(cell).__module__}.{type(cell).__qualname__}")
    if dtype.hasobject or dtype.kind == "T":
        return ("array", list(cell.shape), _plain(cell.tolist(), depth + 1))
    return ("array", dtype.str, list(cell.shape), cell.tobytes())


def _by_base(cell: Any, kind: type) -> Any:
    """An enum's member by its name, an instance of a subclass of `str` and the like by its text."""
    enum = _enum_name(cell)
    if enum is not None:
        return (kind.__qualname__, enum)
    for base in _BASES:
        if isinstance(cell, base):
            return (kind.__qualname__, base.__repr__(cell))
    raise UnseenError(f"objects of {kind.__module__}.{kind.__qualname__}")


def _enum_name(cell: Any) -> str | None:
    from enum import Enum

    return str(cell._name_) if isinstance(cell, Enum) else None
