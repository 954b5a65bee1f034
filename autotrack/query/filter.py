"""The `where` of a search as a small tree, and the parser that makes it. No row is looked at here.

    status = 'finished' and (params.C >= 1 or params.kernel in ('rbf', 'poly')) and metrics.val_accuracy > 0.9

    search      := all-of ("or" all-of)*
    all-of      := one ("and" one)*
    one         := "not" one | "(" search ")" | comparison
    comparison  := key ("=" | "==" | "!=" | "<>" | "<" | "<=" | ">" | ">=") value
                 | key ["not"] ("in" "(" value ("," value)* ")" | "between" value "and" value)
                 | key ["not"] ("like" | "ilike" | "matches") string
                 | key "is" ["not"] "null"
    key         := a field of FIELDS | "params." name | "metrics." name | "tags." name

Keywords in any case. Times are ISO texts, local unless they name a zone; a date alone means that whole day.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, cast, get_args

from autotrack.errors import SearchError, nearest
from autotrack.query.conditions import (
    FIELDS,
    SPACES,
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
from autotrack.query.words import Word, search_error, split
from autotrack.types import RunStatus

__all__ = ["parse", "parse_key"]

_MAX_DEPTH = (
    50  # brackets and `not` inside each other: far beyond what a person writes, far below Python's recursion limit
)
_MOST_SHOWN = 40  # characters of a word that an error repeats: the text itself stands below it
_EXAMPLE = "For example: metrics.val_accuracy > 0.9"
_COMPARISONS = "= != < <= > >= in between like matches is"
_ALSO_FIELDS = (
    "id",
    "parent_run_id",
    "duration_s",
    "source",
    "error",
    "reason",
)  # known, and not worth a line of an error
_KEYWORDS = ("and", "or", "not", "in", "between", "like", "ilike", "matches", "is", "null", "true", "false")


def parse(where: str) -> Condition:
    """The tree of a `where`; an empty one holds for every run.

    Raises:
        SearchError: It cannot be read; the message shows where and what was expected.
    """
    if not isinstance(where, str):
        raise SearchError(
            f"A search is a text, and this is a {type(where).__name__}.\nExpected a condition. {_EXAMPLE}",
            text=repr(where),
        )
    parser = _Parser(where)
    if parser.is_at_end():
        return And(())
    condition = parser.any_of(0)
    if not parser.is_at_end():
        raise parser.expected("and, or, or the end")
    return condition


def parse_key(text: str, word: Word) -> Key:
    """The key this word names.

    Raises:
        SearchError: There is no such field; the message names the nearest.
    """
    if word.kind == "key":
        if word.space in SPACES:
            return Key(word.space, str(word.value), word.is_quoted)
        near = nearest(word.space.lower(), SPACES).removesuffix("'?")
        hint = f"{near}.{word.value}'?" if near else ""
        raise search_error(
            text,
            word.start,
            f"There is no field {_named(word)}.{hint}",
            f"Expected params., metrics., tags. or one of: {_fields()}.",
        )
    if word.kind == "word" and word.value in FIELDS:
        return Key("", str(word.value))
    if word.kind == "word" and word.value not in _KEYWORDS:
        problem = f"There is no field {_named(word)}.{nearest(str(word.value), FIELDS)}"
        name = word.text if len(word.text) <= _MOST_SHOWN else "name"
        recorded = f"params.{name}, metrics.{name}, tags.{name}"
        if word.value in SPACES:
            problem = f"The name after {word.text!r} is missing."
            recorded = f"{word.value}.name"
        expected = f"Expected one of: {_fields()};\nor {recorded} for what a run recorded."
        raise search_error(text, word.start, problem, expected)
    problem = f"Expected a field, found {_named(word)}."
    raise search_error(
        text, word.start, problem, f"Expected params.x, metrics.x, tags.x or one of: {_fields()}.\n{_EXAMPLE}"
    )


class _Parser:
    """Recursive descent over the words; one method for each rule of the grammar."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.words = split(text)
        self.at = 0

    @property
    def word(self) -> Word:
        return self.words[self.at]

    def is_at_end(self) -> bool:
        return self.word.kind == "end"

    def expected(self, what: str) -> SearchError:
        """The error that this word is not what could stand here."""
        return search_error(self.text, self.word.start, f"Expected {what}, found {_named(self.word)}.", f"{_EXAMPLE}")

    def take(self, *values: str) -> str:
        """The keyword or symbol that stands here if it is one of these, and step over it; else an empty string."""
        if self.word.kind in ("word", "symbol") and self.word.value in values:
            self.at += 1
            return str(self.words[self.at - 1].value)
        return ""

    def any_of(self, depth: int) -> Condition:
        parts = [self.all_of(depth)]
        while self.take("or"):
            parts.append(self.all_of(depth))
        return parts[0] if len(parts) == 1 else Or(tuple(parts))

    def all_of(self, depth: int) -> Condition:
        parts = [self.one(depth)]
        while self.take("and"):
            parts.append(self.one(depth))
        return parts[0] if len(parts) == 1 else And(tuple(parts))

    def one(self, depth: int) -> Condition:
        if depth > _MAX_DEPTH:
            problem = f"More than {_MAX_DEPTH} brackets and nots inside each other."
            raise search_error(self.text, self.word.start, problem, "Expected a shorter search. Split it into several.")
        if self.take("not"):
            return Not(self.one(depth + 1))
        if self.take("("):
            condition = self.any_of(depth + 1)
            if not self.take(")"):
                raise self.expected("and, or, or a closing )")
            return condition
        return self.comparison()

    def comparison(self) -> Condition:
        key = parse_key(self.text, self.word)
        self.at += 1
        operator = self.take("=", "!=", "<", "<=", ">", ">=")
        if operator:
            return self.compared(key, cast(Operator, operator))
        if self.take("is"):
            is_not = self.take("not")
            if not self.take("null"):
                raise self.expected("null after `is`" if not is_not else "null after `is not`")
            return Not(IsNull(key)) if is_not else IsNull(key)
        is_not = self.take("not")
        rule = self.take("in", "between", "like", "ilike", "matches")
        if not rule:
            raise self.expected(
                "in, between, like or matches after `not`" if is_not else f"a comparison ({_COMPARISONS}) after {key}"
            )
        rules: dict[str, Callable[[Key, str], Condition]] = {"in": self.listed, "between": self.between}
        condition = rules.get(rule, self.pattern)(key, rule)
        return Not(condition) if is_not else condition

    def compared(self, key: Key, operator: Operator) -> Condition:
        """The comparison with the value that stands here."""
        word = self.word
        value = self.value(key)
        if isinstance(value, _Day):
            return value.compared(key, operator)
        if isinstance(value, bool) and operator not in ("=", "!="):
            raise search_error(
                self.text,
                word.start,
                f"true and false have no order for {operator}.",
                "Expected = or != here, or a number.",
            )
        return Compare(key, operator, value)

    def listed(self, key: Key, _rule: str) -> Condition:
        if not self.take("("):
            raise self.expected("a list such as ('a', 'b') after `in`")
        conditions: list[Condition] = [self.compared(key, "=")]
        while self.take(","):
            conditions.append(self.compared(key, "="))
        if not self.take(")"):
            raise self.expected("a comma or a closing )")
        values = tuple(part.value for part in conditions if isinstance(part, Compare))
        return In(key, values) if len(values) == len(conditions) else Or(tuple(conditions))

    def between(self, key: Key, _rule: str) -> Condition:
        low = self.compared(key, ">=")
        if not self.take("and"):
            raise self.expected("and between the two values")
        return And((low, self.compared(key, "<=")))

    def pattern(self, key: Key, rule: str) -> Condition:
        word = self.word
        if _kind(key) not in ("text", "any"):
            raise search_error(
                self.text,
                word.start,
                f"{key} is not a text, so `{rule}` has nothing to look at.",
                f"Expected {_COMPARISONS}. {_EXAMPLE}",
            )
        if word.kind != "string":
            raise self.expected(f"a text in quotes after `{rule}`")
        self.at += 1
        pattern = str(word.value)
        if rule != "matches":
            return Like(key, pattern, rule == "ilike")
        try:
            re.compile(pattern)
        except (re.error, OverflowError, RecursionError) as error:
            raise search_error(
                self.text,
                word.start,
                f"This regular expression cannot be read: {error}.",
                r"Expected one such as '^lr_\d+$'",
            ) from None
        return Matches(key, pattern)

    def value(self, key: Key) -> "Value | _Day":
        """The value that stands here, as this key compares it."""
        word = self.word
        value: Value
        if word.kind in ("string", "number"):
            value = word.value
        elif word.kind == "word" and word.value in ("true", "false"):
            value = word.value == "true"
        elif word.kind == "word" and word.value in ("null", "none"):
            raise search_error(
                self.text, word.start, "Nothing is equal to null.", f"Expected: {key} is null, or: {key} is not null"
            )
        elif word.kind == "word" and word.value not in _KEYWORDS:
            problem = f"{_named(word)} is neither a number nor in quotes."
            raise search_error(self.text, word.start, problem, f"Expected a value: '{word.text}'")
        else:
            raise self.expected(f"a value for {key}")
        self.at += 1
        return self.fitting(key, value, word)

    def fitting(self, key: Key, value: Value, word: Word) -> "Value | _Day":
        """The value if it is of the key's kind, times and statuses in the form rows have them."""
        kind = _kind(key)
        problem, expected = f"{key} is compared with {_named(word)}.", ""
        if kind == "text" and not isinstance(value, str):
            expected = f"Expected a text in quotes: '{word.text}'"
        elif kind == "number" and (isinstance(value, str | bool)):
            expected = f"Expected a number without quotes. {_EXAMPLE}"
        elif kind == "bool" and not isinstance(value, bool):
            expected = "Expected true or false."
        elif kind == "time":
            moment = _moment(value)
            if moment is not None:
                return moment
            expected = f"Expected a date or time in quotes, for example: {key} >= '2025-01-31' or '2025-01-31T14:00'"
        elif key == Key("", "status"):
            known = get_args(RunStatus)
            value = str(value).lower()
            if value not in known:
                problem = f"No run has the status {_named(word)}.{nearest(value, known)}"
                expected = f"Expected one of: {', '.join(known)}."
        if expected:
            raise search_error(self.text, word.start, problem, expected)
        return value


@dataclass(frozen=True)
class _Day:
    """A date without a time: from its first microsecond up to the next day's first."""

    start: int
    end: int

    def compared(self, key: Key, operator: Operator) -> Condition:
        inside = And((Compare(key, ">=", self.start), Compare(key, "<", self.end)))
        conditions: dict[Operator, Condition] = {
            "=": inside,
            "!=": Not(inside),
            "<": Compare(key, "<", self.start),
            "<=": Compare(key, "<", self.end),
            ">": Compare(key, ">=", self.end),
            ">=": Compare(key, ">=", self.start),
        }
        return conditions[operator]


def _kind(key: Key) -> str:
    """What the key compares: a kind of FIELDS, or `any` for params and tags."""
    if not key.space:
        return FIELDS[key.name][1]
    return "number" if key.space == "metrics" else "any"


def _moment(value: Any) -> "int | _Day | None":
    """Microseconds since 1970 of an ISO text, a whole day if it is only a date; None if it is neither."""
    if not isinstance(value, str):
        return None
    text = value.strip()
    try:
        if re.fullmatch(r"\d{4}-\d\d-\d\d", text):
            day = date.fromisoformat(text)
            return _Day(_microseconds(day.isoformat()), _microseconds((day + timedelta(days=1)).isoformat()))
        return _microseconds(text)
    except (ValueError, OverflowError, OSError):
        return None


def _microseconds(text: str) -> int:
    moment = datetime.fromisoformat(text)
    aware = moment if moment.tzinfo else moment.astimezone()
    since_1970 = aware - datetime.fromisoformat("1970-01-01T00:00:00+00:00")
    return since_1970 // timedelta(microseconds=1)


def _fields() -> str:
    return ", ".join(name for name in FIELDS if name not in _ALSO_FIELDS)


def _named(word: Word) -> str:
    text = word.text if len(word.text) <= _MOST_SHOWN else word.text[: _MOST_SHOWN - 3] + "..."
    return text if word.kind in ("end", "string") else f"`{text}`"
