"""A `where` and an `order_by` as SQL over the tables of the index (store/index_rows.py), as evaluate.py means them.

The three-valued logic is SQL's own: what a run does not have is NULL. Inside a comparison nothing is NULL any more:

    case when <the run has it> then <0 or 1> end

What SQL cannot say exactly (patterns, whole numbers beyond 64 bits) is a call of `ask`, which has evaluate.py answer.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from math import nan
from typing import Protocol

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
from autotrack.query.evaluate import Reading, names_of, question
from autotrack.query.order import Order
from autotrack.store.index_rows import INEXACT, NAN, NO_NUMBER, NULL, NUMBER, number_of
from autotrack.types import Summary, best_of

__all__ = ["Keys", "Query", "UnfitError"]

_MOST_KEYS = 40  # that are joined: sqlite joins at most 64 tables
_MOST_PARTS = 200  # of one `and`, `or` or list: sqlite's expressions are at most 1000 deep
_LARGEST = 2**63
_MIN_OR_MAX: Summary = {"last": 0, "min": 0, "max": 1, "last_step": 0, "count": 1}


class UnfitError(Exception):
    """SQL is not the way to answer this. Never leaves this room."""


class Keys(Protocol):
    """What the compiler must know of the index."""

    def key(self, space: str, name: str) -> tuple[int, bool] | None:
        """The number of a key, and whether it has numbers that sqlite cannot hold; None if no run has it."""
        ...


@dataclass(frozen=True)
class _Source:
    """Where one key's value stands, as SQL. `alias`: the joined table that has a line for each run with a value."""

    there: str
    kind: str
    number: str
    text: str = "''"
    is_text: str = "0"
    alias: str = ""
    is_inexact: bool = False


_NOWHERE = _Source("0", str(NO_NUMBER), "NULL")


class Query:
    """One search, for one index.

    Raises:
        UnfitError: It is too large for sqlite, or sorts by numbers that sqlite cannot hold.
    """

    def __init__(self, keys: Keys, condition: Condition, experiment: str | None, orders: Sequence[Order]) -> None:
        self._keys = keys
        self._sources: dict[Key, _Source] = {}
        self._tables: dict[str, str] = {}  # alias -> "texts AS t5"
        self._values: list[Value] = []
        self._questions: list[Callable[[Reading], bool]] = []
        self._answers: list[dict[str, bool] | None] = []
        self._required: set[str] = set()
        wheres = ["NOT runs.is_deleted", "runs.rid NOT IN (SELECT rid FROM hidden)"]
        if experiment is not None:
            if not experiment or not _is_utf8(experiment):
                raise UnfitError
            wheres.append(f"runs.experiment = {self._bound(experiment)}")
        self._require(condition)
        wheres.append(self._condition(condition))
        self._where = " AND ".join(wheres)
        self._order = [part for order in orders for part in self._order_parts(order)]
        self._first = self._source(orders[0].key) if orders else _NOWHERE
        if len(self._tables) > _MOST_KEYS:
            raise UnfitError

    def run(self, select: Callable[..., list[tuple[int]]], most: int | None) -> list[int]:
        """The numbers of the runs that fit, in order."""
        first = self._first
        if most is not None and first.alias and first.alias not in self._required:
            # Runs without the value come last: where there are enough with it, the others need not be looked at.
            found = select(self._sql({first.alias, *self._required}, most, f" AND {first.there}"), self._values)
            if len(found) == most:
                return [rid for (rid,) in found]
        return [rid for (rid,) in select(self._sql(self._required, most), self._values)]

    def ask(self, number: int, kind: int, value: float | None, text: str, is_text: int) -> bool:
        """The SQL function: what evaluate.py says to a value."""
        answers = self._answers[number]
        if answers is not None and text in answers:
            return answers[text]
        numbers = {NO_NUMBER: None, NUMBER: value, NAN: nan, INEXACT: None}
        reading = Reading(number_of(text) if kind == INEXACT else numbers[kind], text, bool(is_text))
        found = self._questions[number](reading)
        if answers is not None:
            answers[text] = found
        return found

    def _sql(self, required: set[str], most: int | None, further: str = "") -> str:
        joins = [
            f"{'JOIN' if alias in required else 'LEFT JOIN'} {table} AND {alias}.rid = runs.rid"
            for alias, table in sorted(self._tables.items(), key=lambda item: item[0] not in required)
        ]
        order = ", ".join([*self._order, "runs.newest DESC", "runs.run_id DESC"])
        limit = "" if most is None else f" LIMIT {min(most, _LARGEST - 1)}"
        return f"SELECT runs.rid FROM runs {' '.join(joins)} WHERE {self._where}{further} ORDER BY {order}{limit}"

    def _require(self, condition: Condition) -> None:
        """Note the tables in which a run must have a line: without the value, these parts are never true."""
        for part in condition.parts if isinstance(condition, And) else (condition,):
            inner = part.part if isinstance(part, Not) else part
            if isinstance(inner, And | Or | Not) or (isinstance(inner, IsNull) and inner is part):
                continue
            if alias := self._source(inner.key).alias:
                self._required.add(alias)

    def _condition(self, condition: Condition) -> str:
        if isinstance(condition, And | Or):
            if len(condition.parts) > _MOST_PARTS:
                raise UnfitError
            word, empty = (" AND ", "1") if isinstance(condition, And) else (" OR ", "0")
            return f"({word.join(map(self._condition, condition.parts))})" if condition.parts else empty
        if isinstance(condition, Not):
            return f"(NOT {self._condition(condition.part)})"
        source = self._source(condition.key)
        if isinstance(condition, IsNull):
            return f"(NOT ({source.there}))"
        return f"(CASE WHEN {source.there} THEN {self._leaf(condition, source)} END)"

    def _leaf(self, leaf: Compare | In | Like | Matches, source: _Source) -> str:
        if isinstance(leaf, Like | Matches):
            return self._asked(leaf, source)
        values = (leaf.value,) if isinstance(leaf, Compare) else leaf.values
        if len(values) > _MOST_PARTS or not all(map(_is_bindable, values)):
            return self._asked(leaf, source)
        operator: Operator = leaf.operator if isinstance(leaf, Compare) else "="
        parts = [self._comparison(operator, value, source) for value in values]
        compared = f"({' OR '.join(parts)})" if parts else "0"
        if not source.is_inexact:
            return compared
        return f"(CASE WHEN {source.kind} = {INEXACT} THEN {self._asked(leaf, source)} ELSE {compared} END)"

    def _comparison(self, operator: Operator, value: Value, source: _Source) -> str:
        """0 or 1, where the run has a value; not for numbers that sqlite cannot hold."""
        if isinstance(value, str):
            compared = f"{source.text} {operator} {self._bound(value)}"
            return f"({compared})" if operator in ("=", "!=") else f"({source.is_text} AND {compared})"
        if value != value:  # noqa: PLR0124  NaN
            is_nan = f"({source.kind} = {NAN})"
            return {"=": is_nan, "!=": f"(NOT {is_nan})"}.get(operator, "0")
        missing = "1" if operator == "!=" else "0"
        return f"coalesce({source.number} {operator} {self._bound(value)}, {missing})"

    def _asked(self, leaf: Compare | In | Like | Matches, source: _Source) -> str:
        self._questions.append(question(leaf))
        self._answers.append({} if isinstance(leaf, Like | Matches) else None)
        number = len(self._questions) - 1
        return f"ask({number}, {source.kind}, {source.number}, {source.text}, {source.is_text})"

    def _order_parts(self, order: Order) -> Iterator[str]:
        """What order.py does: numbers, texts (both in this direction), NaN, no value."""
        source = self._source(order.key)
        if source.is_inexact:
            raise UnfitError
        direction = "DESC" if order.is_descending else "ASC"
        yield f"CASE WHEN NOT ({source.there}) THEN 2 ELSE {source.kind} = {NAN} END"
        yield f"({source.number}) IS NULL {direction}"
        yield f"{source.number} {direction}"
        if source.text != "''":
            yield f"CASE WHEN {source.kind} = {NO_NUMBER} THEN {source.text} ELSE '' END {direction}"

    def _source(self, key: Key) -> _Source:
        source = self._sources.get(key)
        if source is None:
            find = {"": self._field, "metrics": self._metric}.get(key.space, self._text)
            source = self._sources[key] = find(key)
        return source

    def _field(self, key: Key) -> _Source:
        column, kind = FIELDS[key.name]
        place = f"runs.{column}"
        if kind == "text":
            return _Source(f"{place} IS NOT NULL", str(NO_NUMBER), "NULL", place, "1")
        return _Source(f"{place} IS NOT NULL", str(NUMBER), place)

    def _text(self, key: Key) -> _Source:
        known = self._keys.key(key.space, key.name)
        if known is None:
            return _NOWHERE
        alias = self._joined("texts", known[0])
        there = f"coalesce({alias}.kind != {NULL}, 0)"
        kind, number, text, is_text = (f"{alias}.{column}" for column in ("kind", "num", "text", "is_text"))
        return _Source(there, kind, number, text, is_text, alias, known[1])

    def _metric(self, key: Key) -> _Source:
        """A metric of that very name, or else a figure of one."""
        found: list[tuple[str, str]] = []
        for name, column in names_of(key):
            known = self._keys.key("metrics", name)
            if known is not None:
                if column == "best":
                    column = "max" if best_of(name, _MIN_OR_MAX) else "min"  # noqa: PLW2901
                found.append((self._joined("nums", known[0]), column))
        if not found:
            return _NOWHERE
        there = " OR ".join(f"{alias}.rid IS NOT NULL" for alias, _ in found)
        number = "".join(f" WHEN {alias}.rid IS NOT NULL THEN {alias}.{column}" for alias, column in found)
        number = f"(CASE{number} END)"
        if len(found) == 1:
            number = ".".join(found[0])
        kind = f"(CASE WHEN {number} IS NULL THEN {NAN} ELSE {NUMBER} END)"
        return _Source(there, kind, number, alias=found[0][0] if len(found) == 1 else "")

    def _joined(self, table: str, k: int) -> str:
        alias = f"{table[0]}{k}"
        self._tables[alias] = f"{table} AS {alias} ON {alias}.k = {k}"
        return alias

    def _bound(self, value: Value) -> str:
        self._values.append(value)
        return f"?{len(self._values)}"


def _is_bindable(value: Value) -> bool:
    if isinstance(value, str):
        return _is_utf8(value)
    return isinstance(value, float) or -_LARGEST <= value < _LARGEST


def _is_utf8(text: str) -> bool:
    return text.isascii() or text == text.encode("utf-8", "replace").decode("utf-8")
