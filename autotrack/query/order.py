"""The `order_by` of a search: `"metrics.val_accuracy desc, started_at"`, or a list of such.

Runs without the value come last in either direction, NaN just before them; numbers come before texts. Among equals,
and without an `order_by`, the newest run is first.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from autotrack.errors import SearchError
from autotrack.query.conditions import Key
from autotrack.query.evaluate import Reading, reader
from autotrack.query.filter import parse_key
from autotrack.query.words import search_error, split
from autotrack.types import Row

__all__ = ["Order", "ordered", "parse_order"]

_EXAMPLE = 'For example: order_by="metrics.val_accuracy desc, started_at"'


@dataclass(frozen=True)
class Order:
    """One key runs are sorted by."""

    key: Key
    is_descending: bool = False


def parse_order(order_by: str | Sequence[str] | None) -> tuple[Order, ...]:
    """The keys of an `order_by`, the most important first; none for None or an empty text.

    Raises:
        SearchError: It cannot be read; the message shows where and what was expected.
    """
    if order_by is None:
        return ()
    texts: Any = [order_by] if isinstance(order_by, str) else order_by
    if not isinstance(texts, Sequence) or not all(isinstance(text, str) for text in texts):
        problem = f"order_by is {order_by!r}."
        raise SearchError(f"{problem}\nExpected a text or a list of texts. {_EXAMPLE}", text=repr(order_by))
    return tuple(order for text in texts for order in _parsed(text))


def ordered(rows: Sequence[Row], orders: Sequence[Order]) -> list[Row]:
    """The rows sorted by these keys, and newest first where those leave it open."""
    result = sorted(rows, key=lambda row: (row.get("start_ts", 0), row.get("run_id", "")), reverse=True)
    for order in reversed(orders):  # sorting is stable: the most important key goes last
        result = _sorted(result, order)
    return result


def _parsed(text: str) -> list[Order]:
    words = split(text)
    orders: list[Order] = []
    at = 0
    while words[at].kind != "end":
        key = parse_key(text, words[at])
        at += 1
        direction = words[at].value if words[at].kind == "word" else ""
        if direction in ("asc", "desc"):
            at += 1
        orders.append(Order(key, direction == "desc"))
        if words[at].value == "," and words[at + 1].kind != "end":
            at += 1
        elif words[at].kind != "end":
            problem = f"Expected asc, desc, a comma and a field, or the end, found {words[at].text!r}."
            raise search_error(text, words[at].start, problem, _EXAMPLE)
    return orders


def _sorted(rows: list[Row], order: Order) -> list[Row]:
    read = reader(order.key)
    present: list[tuple[Reading, Row]] = []
    nan: list[Row] = []
    missing: list[Row] = []
    for row in rows:
        reading = read(row)
        if reading is None:
            missing.append(row)
        elif reading.number != reading.number:  # NaN; math.isnan refuses very large whole numbers
            nan.append(row)
        else:
            present.append((reading, row))
    present.sort(key=lambda pair: _rank(pair[0]), reverse=order.is_descending)
    return [*(row for _, row in present), *nan, *missing]


def _rank(reading: Reading) -> tuple[bool, int | float, str]:
    return (True, 0, reading.text) if reading.number is None else (False, reading.number, "")
