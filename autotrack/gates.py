"""Gates: what must hold for a version to be promoted, as a rule or a function; and what is recorded of the answer.

    "metrics.test_f1 >= champion"                                  at least as good as where `champion` points
    "metrics.test_f1 >= champion + 0.01 and tags.approved = 'yes'"
    "metrics.val_loss < 0.3 and git_dirty = false"
    lambda candidate, current: candidate.metrics["f1"] > 0.9      # current is None for the first one

A rule is a search (query/filter.py) asked of one version: of its run, and of its own tags, which win over the run's.
Beside that it may compare a metric with `champion`, or the alias the version is promoted to. Where that alias is not
there yet, the comparison passes, and that is said. NaN never passes, and a missing value never does.
"""

import json
import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from autotrack.errors import DataError, SearchError, nearest
from autotrack.query.conditions import Condition, Key, keys_of
from autotrack.query.evaluate import matches, reader
from autotrack.query.filter import parse, parse_key
from autotrack.query.words import Word, search_error, split
from autotrack.types import ModelVersion, Row
from autotrack.values import last_metrics, params_of

if TYPE_CHECKING:
    from autotrack.registry import Registry
    from autotrack.registry.state import State

__all__ = ["Contender", "judge", "same_data"]

Outcome = dict[str, Any]
Judge = Callable[["State", int], Outcome]

_CHAMPION = "champion"
_ORDER = ("<", "<=", ">", ">=")
_APART = re.compile(r"(?<=\s)([+-])(\s+)(?=[0-9.])")  # `champion + 0.01`: a sign belongs to its number
_MOST_NAMES = 3  # of metrics, in a reason, which the history keeps


@dataclass(frozen=True)
class Contender:
    """A version as a gate sees it.

    Attributes:
        row: Of its run, with the version's own tags.
        is_live: It is the run as it is now; else what the package says of it.
    """

    version: ModelVersion
    row: Row
    is_live: bool

    @property
    def metrics(self) -> dict[str, float]:
        """The last value of each metric."""
        return last_metrics(self.row)

    @property
    def params(self) -> dict[str, Any]:
        """The params of the run, with their types."""
        return params_of(self.row)

    @property
    def tags(self) -> dict[str, str]:
        """The tags of the run and of the version."""
        return dict(self.row.get("tags", {}))


@dataclass(frozen=True)
class _Comparison:
    """`metrics.f1 >= champion + 0.01`, and where in the rule the part behind the operator stands."""

    key: Key
    operator: str
    alias: str
    offset: float
    start: int
    end: int


@dataclass
class _Answer:
    """What is found while a rule is asked."""

    values: dict[str, dict[str, Any]] = field(default_factory=dict)
    data: dict[str, str] = field(default_factory=dict)
    compared_with: dict[str, int | None] = field(default_factory=dict)
    reasons: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def judge(gate: str | Callable[..., object], registry: "Registry", to: str) -> Judge:
    """What answers for a version of a state of its model; the answer is plain JSON.

    Args:
        to: The alias the version is promoted to.

    Raises:
        SearchError: The rule cannot be read.
        DataError: It is neither a text nor a function.
    """

    def contender(state: "State", number: int) -> Contender:
        version = state.model_version(number)
        row, is_live = registry.run_of(version)
        tags = {**row.get("tags", {}), **dict(version.tags)}
        return Contender(version, cast(Row, {**row, "tags": tags}), is_live)

    if isinstance(gate, str):
        rule = _Rule(gate, to)
        return lambda state, number: rule.ask(
            contender(state, number),
            {alias: contender(state, state.aliases[alias]) for alias in rule.aliases if alias in state.aliases},
        )
    if not callable(gate):
        raise DataError(
            f"A gate of type {type(gate).__name__} cannot be asked.\n"
            "Expected a rule such as 'metrics.test_f1 >= champion', or a function of candidate and current."
        )

    def asked(state: "State", number: int) -> Outcome:
        current = contender(state, state.aliases[to]) if to in state.aliases else None
        passed = bool(gate(contender(state, number), current))
        answer = _Answer(compared_with={to: state.aliases.get(to)})
        if current is None:
            answer.notes.append(f"There was no {to!r} yet.")
        if not passed:
            answer.reasons.append("It gave False.")
        return _outcome(f"{getattr(gate, '__module__', '')}.{getattr(gate, '__qualname__', gate)}", passed, answer)

    return asked


class _Rule:
    """A rule that was read."""

    def __init__(self, text: str, to: str) -> None:
        self.text = text
        self._tight = _APART.sub(r"\2\1", text)  # of the same length: places in it are places in the text
        self._comparisons = list(self._find((_CHAMPION, to)))
        self.aliases = sorted({each.alias for each in self._comparisons})
        try:
            parsed = parse(self._with_numbers(lambda _: 0.0))
        except SearchError as error:  # shown is what was written
            place: int = error.__dict__["position"]
            raise search_error(
                text, place, str(error).partition("\n")[0], "For example: metrics.test_f1 >= champion"
            ) from None
        self._keys = list(dict.fromkeys(keys_of(parsed)))
        if not text.strip():
            raise search_error(text, 0, "The gate is empty.", "For example: metrics.test_f1 >= champion")

    def ask(self, candidate: Contender, holders: Mapping[str, Contender]) -> Outcome:
        """The answer for a candidate, against the versions that the aliases of the rule point at."""
        answer = _Answer(compared_with={alias: _number_of(holders.get(alias)) for alias in self.aliases})
        for key in self._keys:
            self._look(key, candidate, answer)
        for alias in self.aliases:
            if alias not in holders:
                answer.notes.append(f"There is no {alias!r} yet: what compares with it passes, as for the first one.")
        for each in self._comparisons:
            if each.alias in holders:
                self._compare(each, candidate, holders[each.alias], answer)
        passed = not answer.reasons and matches(self._condition(holders), candidate.row)
        if not passed and not answer.reasons:
            answer.reasons = [_shown(key, found) for key, found in answer.values.items()] or ["It does not hold."]
        return _outcome(self.text, passed, answer)

    def _look(self, key: Key, candidate: Contender, answer: _Answer) -> None:
        """Note what the candidate has of a key, and why that never passes."""
        reading = reader(key)(candidate.row)
        value = None if reading is None else reading.number if reading.number is not None else reading.text
        answer.values[str(key)] = {"candidate": _plain(value)}
        if value is None:
            answer.reasons.append(_missing(key, candidate))
        elif isinstance(value, float) and math.isnan(value):
            answer.reasons.append(f"{key} of version {candidate.version.version} is NaN, which never passes.")
        if not candidate.is_live and key.space == "metrics":
            _note(answer.notes, f"The metrics of {_named(candidate)} are what its package says: its run is not here.")

    def _compare(self, each: _Comparison, candidate: Contender, holder: Contender, answer: _Answer) -> None:
        value = _value(each.key, holder)
        answer.values[str(each.key)][each.alias] = _plain(value)
        if value is None:
            answer.reasons.append(_missing(each.key, holder))
            return
        if math.isnan(value):
            answer.reasons.append(f"{each.key} of {_named(holder)}, {each.alias!r}, is NaN, which never passes.")
        agreement = same_data(each.key.name, candidate.row, holder.row)
        answer.data[str(each.key)] = agreement
        if agreement == "different":
            _note(
                answer.warnings,
                f"{each.key} of {_named(candidate)} and of {_named(holder)} were computed on different data "
                "(their fingerprints differ): the comparison may mean little.",
            )
        if not holder.is_live:
            _note(answer.notes, f"The metrics of {_named(holder)} are what its package says: its run is not here.")

    def _condition(self, holders: Mapping[str, Contender]) -> Condition:
        """The rule as a search, with numbers for the aliases."""

        def number(each: _Comparison) -> float:
            value = _value(each.key, holders[each.alias]) if each.alias in holders else None
            if value is None:  # of the first one anything is good enough, but NaN
                return math.inf if each.operator.startswith("<") else -math.inf
            return value + each.offset

        return parse(self._with_numbers(number))

    def _with_numbers(self, number: Callable[[_Comparison], float]) -> str:
        text = self._tight
        for each in reversed(self._comparisons):
            found = number(each)
            written = f"{found:+}" if not math.isfinite(found) else repr(found)
            text = text[: each.start] + written.ljust(each.end - each.start) + text[each.end :]
        return text

    def _find(self, aliases: tuple[str, ...]) -> Iterator[_Comparison]:
        """The places where an alias stands in the place of a number."""
        words = split(self._tight)
        for at, word in enumerate(words):
            if word.kind != "word" or word.text not in aliases:
                continue
            key, operator = (words[at - 2], words[at - 1]) if at >= 2 else (word, word)
            if operator.value not in _ORDER or key.space != "metrics":
                raise search_error(
                    self.text,
                    word.start,
                    f"`{word.text}` stands here in the place of a number.",
                    f"Expected a metric compared with it by {', '.join(_ORDER)}: metrics.test_f1 >= {word.text}",
                )
            offset, end = _offset(words[at + 1], word)
            yield _Comparison(parse_key(self.text, key), str(operator.value), word.text, offset, word.start, end)


def same_data(metric: str, first: Row, second: Row) -> str:
    """Whether a metric of two runs was computed on the same data: same, different or unknown, by their fingerprints.

    Which data that is says the start of the metric's name: `test_f1` was computed on what is recorded as `X_test` and
    `y_test`, `train_f1` on `X` and `y`.
    """
    known = [_prints(row) for row in (first, second)]
    both = known[0].keys() & known[1].keys()
    sets = {name.partition("_")[2] for name in both if name.startswith(("X_", "y_"))}
    data_set = max((each for each in sets if metric.startswith(f"{each}_")), key=len, default=None)
    names = [f"X_{data_set}", f"y_{data_set}"] if data_set else ["X", "y"] if metric.startswith("train_") else []
    pairs = [(known[0][name], known[1][name]) for name in names if name in both]
    comparable = [(one, other) for one, other in pairs if one.partition(":")[0] == other.partition(":")[0]]
    if any(one != other for one, other in comparable):
        return "different"
    return "same" if comparable else "unknown"


def _prints(row: Row) -> dict[str, str]:
    """The fingerprints of a run's data, by the names of the data."""
    found = {name: json.loads(text).get("fingerprint") for name, text in row.get("data", {}).items()}
    return {name: str(fingerprint) for name, fingerprint in found.items() if fingerprint}


def _offset(word: Word, alias: Word) -> tuple[float, int]:
    """What is added to the alias's value by the word behind it, and where that ends."""
    if word.kind == "number" and word.text[0] in "+-":
        return float(word.value), word.start + len(word.text)
    return 0.0, alias.start + len(alias.text)


def _value(key: Key, contender: Contender) -> float | None:
    reading = reader(key)(contender.row)
    return None if reading is None or reading.number is None else float(reading.number)


def _missing(key: Key, contender: Contender) -> str:
    if not contender.row.keys() - {"tags"} and key.space != "tags":
        return f"V{_named(contender)[1:]} came of no run that is known here, so it has no {key}."
    if key.space == "metrics":
        names = sorted(contender.metrics)
        rest = len(names) - _MOST_NAMES
        shown = ", ".join(names[:_MOST_NAMES]) + (f" and {rest} more" if rest > 0 else "")
        hint = nearest(key.name, names)
        return f"V{_named(contender)[1:]} has no metric {key.name!r}.{hint} It has: {shown or 'none'}."
    return f"V{_named(contender)[1:]} has no {key}."


def _number_of(contender: Contender | None) -> int | None:
    return None if contender is None else contender.version.version


def _named(contender: Contender) -> str:
    return f"version {contender.version.version}"


def _shown(key: str, found: Mapping[str, Any]) -> str:
    others = [f"of {alias!r} {value}" for alias, value in found.items() if alias != "candidate"]
    return f"{key} is {found['candidate']!r}" + (f", {', '.join(others)}." if others else ".")


def _note(notes: list[str], note: str) -> None:
    if note not in notes:
        notes.append(note)


def _plain(value: Any) -> Any:
    return value if not isinstance(value, float) or math.isfinite(value) else str(value)


def _outcome(rule: str, passed: bool, answer: _Answer) -> Outcome:
    return {"rule": rule, "passed": passed, **answer.__dict__}
