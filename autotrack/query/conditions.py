"""What a `where` says, as a small tree of plain values: made by filter.py, asked by evaluate.py.

The tree knows neither the text it was written as nor how rows are looked at, so other readers of it (an index
in SQL) need nothing else.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

__all__ = [
    "FIELDS",
    "SPACES",
    "And",
    "Compare",
    "Condition",
    "FieldKind",
    "In",
    "IsNull",
    "Key",
    "Like",
    "Matches",
    "Not",
    "Operator",
    "Or",
    "Value",
    "keys_of",
]

Operator = Literal["=", "!=", "<", "<=", ">", ">="]
Value = str | int | float | bool
FieldKind = Literal["text", "time", "number", "bool"]

# Name in a search -> column of the row (`duration` is worked out), kind of value.
FIELDS: dict[str, tuple[str, FieldKind]] = {
    "run_id": ("run_id", "text"),
    "id": ("run_id", "text"),
    "name": ("name", "text"),
    "experiment": ("experiment", "text"),
    "status": ("status", "text"),
    "author": ("author", "text"),
    "host": ("host", "text"),
    "source": ("source", "text"),
    "parent": ("parent_run_id", "text"),
    "parent_run_id": ("parent_run_id", "text"),
    "git_commit": ("git_commit", "text"),
    "git_dirty": ("git_dirty", "bool"),
    "error": ("error", "text"),
    "reason": ("reason", "text"),
    "started_at": ("start_ts", "time"),
    "ended_at": ("end_ts", "time"),
    "duration": ("duration", "number"),
    "duration_s": ("duration", "number"),
}
SPACES = ("params", "metrics", "tags")


@dataclass(frozen=True)
class Key:
    """What is compared: a field (`space` is empty), a param, a metric or a tag.

    Attributes:
        is_exact: The name was quoted, so `.min` and the like at its end are part of it.
    """

    space: str
    name: str
    is_exact: bool = False

    def __str__(self) -> str:
        return f"{self.space}.{self.name}" if self.space else self.name


@dataclass(frozen=True)
class Compare:
    """`key operator value`. Times are microseconds since 1970."""

    key: Key
    operator: Operator
    value: Value


@dataclass(frozen=True)
class In:
    """The key's value is one of these."""

    key: Key
    values: tuple[Value, ...]


@dataclass(frozen=True)
class Like:
    """The whole text fits a pattern: % any characters, _ one character, a backslash takes their meaning away."""

    key: Key
    pattern: str
    ignores_case: bool = False


@dataclass(frozen=True)
class Matches:
    """A regular expression is found somewhere in the text."""

    key: Key
    pattern: str


@dataclass(frozen=True)
class IsNull:
    """The run has no such value, or a param that is None."""

    key: Key


@dataclass(frozen=True)
class Not:
    part: "Condition"


@dataclass(frozen=True)
class And:
    """All parts hold; without parts, everything does."""

    parts: tuple["Condition", ...]


@dataclass(frozen=True)
class Or:
    parts: tuple["Condition", ...]


Condition = Compare | In | Like | Matches | IsNull | Not | And | Or


def keys_of(condition: Condition) -> Iterator[Key]:
    """Every key the tree compares, those only asked for `is null` left out."""
    if isinstance(condition, And | Or):
        for part in condition.parts:
            yield from keys_of(part)
    elif isinstance(condition, Not):
        yield from keys_of(condition.part)
    elif not isinstance(condition, IsNull):
        yield condition.key
