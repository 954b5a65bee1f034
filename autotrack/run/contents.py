"""Which run predictions came out of, by what they contain: where they were copied, or turned into a list or a series.

Asked only about what `provenance` does not know. Two ways, neither keeps a prediction alive:

- a small prediction leaves a print of its values, so that `list(model.predict(X))` is known although the array is gone;
- a prediction that still lives is compared with what is asked about: the same values, the position of the largest
  probability in each row, or one side of a threshold on scores. Where several models have predicted as many rows, only
  of a round threshold: labels of their mean are one side of some threshold on each of them, by chance.

A part picked out of a prediction (`predicted[order]`) is not known again: it would be a guess. Nor are labels that are
all the same, which any model may have predicted, and people write by hand.
"""

import sys
from collections import deque
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from autotrack.run.provenance import Origin


__all__ = ["alike", "keep_print"]

MAX_VALUES = 10_000  # of a prediction that leaves a print: up to here it takes about 10 us
MAX_COMPARED = 2_000_000  # values of a living prediction that are compared
_MAX_PRINTS = 64  # the newest are kept
_MAX_LIVING = 16  # the newest are compared
_MIN_ROWS = 10  # of fewer values others have the same by chance
_ROUND = 20  # thresholds are round that are multiples of a twentieth

_prints: "dict[int, Origin]" = {}
_rows: "deque[tuple[int, str]]" = deque(maxlen=_MAX_PRINTS)  # of the newest predictions, and the run of each


def keep_print(prediction: Any, origin: "Origin") -> None:
    """Remember what a prediction contains. Takes microseconds, or nothing where it is not small."""
    numpy = sys.modules.get("numpy")
    if numpy is None or type(prediction) is not numpy.ndarray:
        return
    if prediction.ndim and (not _rows or _rows[-1] != (len(prediction), origin.run.id)):
        _rows.append((len(prediction), origin.run.id))
    if not _MIN_ROWS <= prediction.size <= MAX_VALUES:
        return
    key = _print(prediction)
    if key is not None:
        _prints.pop(key, None)
        while len(_prints) >= _MAX_PRINTS and (oldest := next(iter(tuple(_prints)), None)) is not None:
            _prints.pop(oldest, None)
        _prints[key] = origin


def alike(value: Any, living: "Iterable[tuple[Any, Origin]]") -> "Origin | None":
    """Where something with these contents came from; None if no prediction has them.

    Args:
        living: What is remembered and still lives, the newest first.
    """
    array = _as_array(value)
    if array is None or array.size < _MIN_ROWS or _is_constant(array):
        return None
    key = _print(array) if array.size <= MAX_VALUES else None
    printed = None if key is None else _prints.get(key)
    found = _alive(array, living) if array.ndim == 1 and array.size <= MAX_COMPARED else None
    known = [origin for origin in (printed, found) if origin is not None]
    return max(known, key=lambda origin: origin.number, default=None)  # of two that are alike, the newer one


def _alive(array: Any, living: "Iterable[tuple[Any, Origin]]") -> "Origin | None":
    """The newest prediction that still lives and is alike."""
    import numpy as np

    count = 0
    is_only = len({run for rows, run in list(_rows) if rows == len(array)}) < 2
    for value, origin in living:
        candidate = _rows_of(value) if type(value) is np.ndarray else None
        if candidate is None or len(candidate) != len(array):
            continue
        count += 1
        if _is_derived(array, candidate, is_only):
            return origin
        if count == _MAX_LIVING:
            break
    return None


def _rows_of(prediction: Any) -> Any:
    """A prediction as it came, of the memory that a part of it refers to; None if it has not one or two axes."""
    if prediction.ndim == 3 and prediction.shape[1] == 1:  # of trees: rows, outputs, classes
        return prediction[:, 0]
    if prediction.ndim == 2 and len(prediction) == 2 < prediction.shape[1]:  # of networks: both classes, rows
        return prediction.T
    return prediction if prediction.ndim in (1, 2) else None


def _as_array(value: Any) -> Any:
    """The values of an array, a list or a series as an array; None for anything else. Runs no code of the user's."""
    numpy = sys.modules.get("numpy")
    if numpy is None:
        return None
    if isinstance(value, numpy.ndarray):
        return numpy.asarray(value)
    if type(value) in (list, tuple):
        first = value[0] if value else None
        plain = isinstance(first, int | float | str | numpy.generic) and len(value) <= MAX_VALUES
        return numpy.array(value) if plain and len(set(map(type, value))) == 1 else None
    if type(value).__module__.partition(".")[0] in ("pandas", "polars") and hasattr(value, "to_numpy"):
        array = value.to_numpy() if len(value) <= MAX_COMPARED else None
        return array if isinstance(array, numpy.ndarray) else None
    return None


def _is_constant(array: Any) -> bool:
    """Whether all values are the same. Objects that are not text are not asked: that would run code of theirs."""
    if array.dtype.kind == "O":
        cells = array.reshape(-1).tolist()
        return set(map(type, cells)) == {str} and len(set(cells)) == 1
    return bool((array == array.flat[0]).all())


def _print(array: Any) -> int | None:
    """Of the values and their number, whatever their type: 1 is 1.0 is True."""
    kind = array.dtype.kind
    if kind in "biuf":
        from xxhash import xxh3_64_intdigest

        values = array.astype("f8", "C").reshape(-1)  # of a small array a small copy
        return xxh3_64_intdigest(values.view("u1"), len(array) if array.ndim else 0)
    if kind in "OU":
        cells = array.reshape(-1).tolist()
        return hash(tuple(cells)) if set(map(type, cells)) == {str} else None
    return None


def _is_derived(labels: Any, prediction: Any, is_only: bool) -> bool:
    """Whether labels were made of a prediction.

    Args:
        is_only: Whether no other model has predicted these rows: then any threshold will do.
    """
    import numpy as np

    if prediction.ndim == 1 and labels.dtype.kind == prediction.dtype.kind and np.array_equal(labels, prediction):
        return True
    if prediction.dtype.kind != "f" or labels.dtype.kind not in "biu":
        return False
    if prediction.ndim == 2:
        if np.array_equal(labels, prediction.argmax(axis=1)):
            return True
        if prediction.shape[1] != 2:
            return False
        prediction = prediction[:, 1]
    low, high = labels.min(), labels.max()
    is_high = labels == high
    if low == high or not bool(((labels == low) | is_high).all()):
        return False
    below, above = float(prediction[~is_high].max()), float(prediction[is_high].min())
    return below < above and (is_only or above * _ROUND // 1 >= below * _ROUND)
