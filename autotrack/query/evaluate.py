"""Whether a row fits a condition: the tree of conditions.py made into one function that is asked for each row.

Three answers, as in SQL: true, false, and None where the run has no such value. `not` leaves None as it is, so
`not params.C = 1` finds the runs that have a C, and it is not 1. A text is never equal to a number, greater or less.
NaN is equal to NaN, and neither greater nor less than anything.
"""

import re
from collections.abc import Callable
from typing import NamedTuple

from autotrack.query.conditions import (
    FIELDS,
    And,
    Compare,
    Condition,
    In,
    IsNull,
    Key,
    Like,
    Matches,
    Not,
    Operator,
    Or,
    Value,
)
from autotrack.store.index_rows import number_of
from autotrack.types import Row, best_of

__all__ = ["Reading", "duration_s", "matches", "names_of", "predicate", "question", "reader"]

_STATS = ("last", "min", "max", "count", "best")
Answer = Callable[[Row], bool | None]


class Reading(NamedTuple):
    """One value of a row.

    Attributes:
        number: Its number, if it is or reads as one.
        text: As a person would write it.
        is_text: It was recorded as text, so a quoted value has an order with it.
    """

    number: int | float | None
    text: str
    is_text: bool


def matches(condition: Condition, row: Row) -> bool:
    """Whether the condition holds for this row. For many rows, `predicate` is faster."""
    return predicate(condition)(row) is True


def predicate(condition: Condition) -> Answer:
    """The function that answers for a row: True, False, or None where a value is missing."""
    if isinstance(condition, And):
        return _all_of([predicate(part) for part in condition.parts])
    if isinstance(condition, Not):
        return _not(predicate(condition.part))
    if isinstance(condition, IsNull):
        read = reader(condition.key)
        return lambda row: read(row) is None
    if isinstance(condition, Or):
        return _any_of([predicate(part) for part in condition.parts])
    return _asking(condition.key, question(condition))


def question(leaf: Compare | In | Like | Matches) -> Callable[[Reading], bool]:
    """The function that answers for a value that is there."""
    if isinstance(leaf, Compare):
        return _comparison(leaf.operator, leaf.value)
    if isinstance(leaf, In):
        equals = [_comparison("=", value) for value in leaf.values]
        return lambda reading: any(equal(reading) for equal in equals)
    if isinstance(leaf, Like):
        like = _like(leaf)
        return lambda reading: like.fullmatch(reading.text) is not None
    pattern = re.compile(leaf.pattern)
    return lambda reading: pattern.search(reading.text) is not None


def names_of(key: Key) -> list[tuple[str, str]]:
    """The names a key may have been recorded under, the first wins; and which figure of a metric is meant by each."""
    names = [(key.name, "last")]
    prefix, _, stat = key.name.rpartition(".")
    if key.space == "metrics" and prefix and stat in _STATS and not key.is_exact:
        names.append((prefix, stat))
    return names


def reader(key: Key) -> Callable[[Row], Reading | None]:
    """The function that reads the key's value from a row; None where the row has none, or a param that is None."""
    if key.space == "params":
        return lambda row: _param(row, key.name)
    if key.space == "tags":
        return lambda row: _tag(row, key.name)
    if key.space == "metrics":
        return _metric_reader(key)
    column, kind = FIELDS[key.name]
    if column == "duration":
        return lambda row: _number(duration_s(row))
    if kind == "text":
        return lambda row: Reading(None, text, True) if (text := row.get(column)) else None  # type: ignore[arg-type]
    return lambda row: _number(row.get(column))  # type: ignore[arg-type]


def duration_s(row: Row) -> float | None:
    """Seconds from start to end; None while the run has no end."""
    start, end = row.get("start_ts"), row.get("end_ts")
    return None if start is None or end is None else (end - start) / 1_000_000


def _all_of(answers: list[Answer]) -> Answer:
    def answer(row: Row) -> bool | None:
        result: bool | None = True
        for part in answers:
            found = part(row)
            if found is False:
                return False
            if found is None:
                result = None
        return result

    return answer


def _any_of(answers: list[Answer]) -> Answer:
    def answer(row: Row) -> bool | None:
        result: bool | None = False
        for part in answers:
            found = part(row)
            if found:
                return True
            if found is None:
                result = None
        return result

    return answer


def _not(part: Answer) -> Answer:
    def answer(row: Row) -> bool | None:
        found = part(row)
        return None if found is None else not found

    return answer


def _asking(key: Key, ask: Callable[[Reading], bool]) -> Answer:
    read = reader(key)

    def answer(row: Row) -> bool | None:
        reading = read(row)
        return None if reading is None else ask(reading)

    return answer


def _comparison(operator: Operator, value: Value) -> Callable[[Reading], bool]:
    if isinstance(value, str):
        return _text_comparison(operator, value)
    return _number_comparison(operator, value)


def _text_comparison(operator: Operator, value: str) -> Callable[[Reading], bool]:
    """A quoted value: equal to what a person would write; only texts have an order with it."""
    by_operator: dict[Operator, Callable[[Reading], bool]] = {
        "=": lambda reading: reading.text == value,
        "!=": lambda reading: reading.text != value,
        "<": lambda reading: reading.is_text and reading.text < value,
        "<=": lambda reading: reading.is_text and reading.text <= value,
        ">": lambda reading: reading.is_text and reading.text > value,
        ">=": lambda reading: reading.is_text and reading.text >= value,
    }
    return by_operator[operator]


def _number_comparison(operator: Operator, value: int | float) -> Callable[[Reading], bool]:
    def equal(number: int | float | None) -> bool:
        return number is not None and (number == value or (number != number and value != value))  # noqa: PLR0124  NaN

    by_operator: dict[Operator, Callable[[Reading], bool]] = {
        "=": lambda reading: equal(reading.number),
        "!=": lambda reading: not equal(reading.number),
        "<": lambda reading: reading.number is not None and reading.number < value,
        "<=": lambda reading: reading.number is not None and reading.number <= value,
        ">": lambda reading: reading.number is not None and reading.number > value,
        ">=": lambda reading: reading.number is not None and reading.number >= value,
    }
    return by_operator[operator]


def _like(condition: Like) -> re.Pattern[str]:
    parts = []
    chars = iter(condition.pattern)
    for char in chars:
        if char == "\\":
            parts.append(re.escape(next(chars, "\\")))
        elif char == "%":
            parts.append(".*")
        else:
            parts.append("." if char == "_" else re.escape(char))
    return re.compile("".join(parts), re.DOTALL | (re.IGNORECASE if condition.ignores_case else 0))


def _number(value: int | float | None) -> Reading | None:
    return None if value is None else Reading(value, "", False)  # no text is ever compared with these


def _param(row: Row, name: str) -> Reading | None:
    text = row.get("params", {}).get(name)
    kind = row.get("param_types", {}).get(name)
    if text is None or kind == "null":
        return None
    if kind in ("int", "float", "bool"):
        return Reading(number_of(text), text, False)
    return Reading(None, text, True)


def _tag(row: Row, name: str) -> Reading | None:
    """Tags have no types: one that reads as a number is compared with numbers as one."""
    text = row.get("tags", {}).get(name)
    return None if text is None else Reading(number_of(text), text, True)


def _metric_reader(key: Key) -> Callable[[Row], Reading | None]:
    names = names_of(key)

    def read(row: Row) -> Reading | None:
        summaries = row.get("summary", {})
        for name, stat in names:
            summary = summaries.get(name)
            if summary is not None:
                return _number(best_of(name, summary) if stat == "best" else summary[stat])  # type: ignore[literal-required]
        return None

    return read
