"""What is asked first of data: how much of it is missing, how its classes are balanced, how its target spreads.

    {"missing": {"age": 177, "cabin": 687}}    of a frame, by column; of an array one number; absent where nothing is
    {"classes": {"no": 549, "yes": 342}}       of a target of classes
    {"spread": {"min": 25.0, "max": 346.0, "mean": 152.1, "std": 77.0}}      of a numeric target
    {"missing_of": 65536}                      of so many rows only, the first ones; likewise `classes_of`, `spread_of`

One pass each, piece by piece, ended when its time is up.
"""

import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from math import isnan
from typing import Any

from autotrack.model.cells import PLAIN, UnseenError
from autotrack.model.fingerprint import BUDGET_S, fingerprint_tables, ranges
from autotrack.model.signature import MAX_NAMES, describe
from autotrack.model.views import Table, failures, tables_of

__all__ = ["BUDGET_SHARE", "inspect", "signature_of"]

BUDGET_SHARE = 0.2  # of the budget for each of these; the rest is for the fingerprint
_OF_VALUES = frozenset(
    {
        *("fingerprint", "sampled", "no_fingerprint"),
        *("missing", "missing_of", "classes", "classes_of", "spread", "spread_of"),
    }
)
MAX_CLASSES = 100  # more are no classes
_MAX_TEXT = 200  # characters of one label
_SMALL = 1000  # integers below it are counted by position
_LOOK_ROWS = 65_536  # rows between two looks at the clock


def inspect(data: Any, *, budget_s: float = BUDGET_S, target: str = "") -> dict[str, Any]:
    """What `data` is, with its fingerprint and what is asked first of it. Plain JSON values.

    Args:
        data: Anything given to fit or predict.
        budget_s: The processor time it may take, in seconds.
        target: What the data is a target of: `classifier` (then its classes are counted), `regressor` (its spread is
            computed) or another kind of model (as its type suggests); empty: it is no target.
    """
    described = describe(data)
    if described["kind"] == "none":
        return described
    try:
        tables = tables_of(data)
        described.update(fingerprint_tables(tables, budget_s))
    except UnseenError as reason:
        return {**described, "no_fingerprint": str(reason)}
    except failures() as error:
        return {**described, "no_fingerprint": f"{type(error).__name__}: {error}"[:_MAX_TEXT]}
    try:
        _add_quality(described, tables[0], budget_s * BUDGET_SHARE, target)
    except failures():
        pass  # values that cannot be compared or counted: then there is nothing to say of them
    return described


def signature_of(described: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Of a description what holds for other data of the same kind: nothing of the values."""
    if described is None:
        return None
    return {key: value for key, value in described.items() if key not in _OF_VALUES}


def _add_quality(described: dict[str, Any], table: Table, budget_s: float, target: str) -> None:
    if table.is_on_disk or not table.columns or not table.rows:
        return
    only = table.columns[0] if len(table.columns) == 1 else None
    if any(column.may_miss for column in table.columns):
        _add_missing(described, table, budget_s)
    if target and only is not None and len(described.get("shape", ())) == 1:
        _add_target(described, table, budget_s, target)


def _add_missing(described: dict[str, Any], table: Table, budget_s: float) -> None:
    counts = [0] * len(table.columns)
    seen = 0
    for start, stop in _until(budget_s, table):
        for position, column in enumerate(table.columns):
            if column.may_miss:
                counts[position] += column.missing(start, stop)
        seen = stop
    if any(counts):
        if table.names is None:
            described["missing"] = sum(counts)
        else:
            found = [(str(name)[:_MAX_TEXT], count) for name, count in zip(table.names, counts, strict=True) if count]
            described["missing"] = dict(found[:MAX_NAMES])
    if seen < table.rows:
        described["missing_of"] = seen


def _until(budget_s: float, table: Table) -> Iterable[tuple[int, int]]:
    """Ranges of rows, until the time is up."""
    return ((0, table.rows),) if table.rows <= _LOOK_ROWS else _timed(budget_s, table)


def _timed(budget_s: float, table: Table) -> Iterator[tuple[int, int]]:
    deadline = time.thread_time() + budget_s
    for start, stop in ranges(table):
        for first in range(start, stop, _LOOK_ROWS):
            if first > 0 and time.thread_time() > deadline:
                return
            yield first, min(first + _LOOK_ROWS, stop)


def _add_target(described: dict[str, Any], table: Table, budget_s: float, target: str) -> None:
    column = table.columns[0]
    values = column.values(0, 1)
    kind = values.dtype.kind
    is_float = kind == "f" or (kind == "O" and len(values) > 0 and type(values[0]) is float)
    if target == "classifier" or (target != "regressor" and not is_float):
        described.update(_classes(table, budget_s))
    elif is_float or kind in "iu" or (kind == "O" and len(values) > 0 and type(values[0]) is int):
        described.update(_spread(table, budget_s))


def _classes(table: Table, budget_s: float) -> dict[str, Any]:
    """How often each label occurs, in the order of the labels; nothing if there are too many."""
    counts: dict[Any, int] = {}
    seen = 0
    for start, stop in _until(budget_s, table):
        for label, count in _counted(table.columns[0].values(start, stop)).items():
            counts[label] = counts.get(label, 0) + count
        seen = stop
        if len(counts) > MAX_CLASSES:
            return {}
    for absent in [label for label in counts if label is None or (type(label) is float and isnan(label))]:
        del counts[absent]  # told under `missing`
    try:
        labels = sorted(counts)
    except TypeError:  # of several types, or None among them
        labels = sorted(counts, key=str)
    found: dict[str, Any] = {"classes": {str(label)[:_MAX_TEXT]: counts[label] for label in labels}}
    if seen < table.rows:
        found["classes_of"] = seen
    return found


def _counted(values: Any) -> dict[Any, int]:
    import numpy as np

    kind = values.dtype.kind
    if kind == "b":
        positive = int(np.count_nonzero(values))
        return {label: count for label, count in ((False, len(values) - positive), (True, positive)) if count}
    if kind in "iu" and len(values) and np.minimum.reduce(values) >= 0 and np.maximum.reduce(values) < _SMALL:
        return {label: count for label, count in enumerate(np.bincount(values).tolist()) if count}
    if kind in "OT":
        cells = values.tolist()
        if not set(map(type, cells)) <= PLAIN:  # counting them would call code of theirs
            raise UnseenError("labels that are objects")
        return Counter(cells)
    labels, counts = np.unique(values, return_counts=True)
    return dict(zip(labels.tolist(), counts.tolist(), strict=True))


def _spread(table: Table, budget_s: float) -> dict[str, Any]:
    """Smallest, largest, mean and standard deviation. Pieces are put together as Chan, Golub and LeVeque do."""
    import numpy as np

    count, mean, squares, low, high = 0, 0.0, 0.0, np.inf, -np.inf
    seen = 0
    with np.errstate(all="ignore"):
        for start, stop in _until(budget_s, table):
            values = np.asarray(table.columns[0].values(start, stop), dtype=float)
            size, middle = len(values), float(values.mean())
            squares += float(((values - middle) ** 2).sum()) + (middle - mean) ** 2 * count * size / (count + size)
            mean += (middle - mean) * size / (count + size)
            count += size
            low, high = min(low, float(values.min())), max(high, float(values.max()))
            seen = stop
    found = {"min": low, "max": high, "mean": mean, "std": (squares / max(count, 1)) ** 0.5}
    if not all(np.isfinite(value) for value in found.values()):
        return {}
    return {"spread": found, **({"spread_of": seen} if seen < table.rows else {})}
