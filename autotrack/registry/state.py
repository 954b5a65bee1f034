"""What a registered model is now: the fold of its events. Nothing here reads or writes."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from autotrack.errors import StoreError, StoreFormatError
from autotrack.registry.events import Event
from autotrack.types import ModelVersion

__all__ = ["State", "Version", "fold", "ranges"]

_SHOWN_RANGES = 8


@dataclass(frozen=True)
class Version:
    """One registered version, also after its deletion.

    Attributes:
        origin: Of an imported version, where it was registered first.
    """

    number: int
    manifest: str
    run_id: str | None
    created_at: datetime
    created_by: str
    tags: dict[str, str]
    description: str
    origin: dict[str, Any] | None = None
    deleted: Event | None = None


@dataclass(frozen=True)
class State:
    """A model after some of its events. Not changed once `fold` has given it back.

    Attributes:
        count, previous: How many events these were, and the SHA-256 of the last one.
        moved: The last event of each alias, also of removed ones.
        trails: For each alias the versions it pointed at before, the newest last; what was rolled back is gone from it.
        as_of: The moment it is the state of; None: now.
    """

    name: str
    count: int = 0
    previous: str | None = None
    versions: dict[int, Version] = field(default_factory=dict)
    aliases: dict[str, int] = field(default_factory=dict)
    moved: dict[str, Event] = field(default_factory=dict)
    trails: dict[str, tuple[int, ...]] = field(default_factory=dict)
    as_of: datetime | None = None

    @property
    def numbers(self) -> list[int]:
        """Versions that are not deleted, ascending."""
        return [number for number, version in self.versions.items() if version.deleted is None]

    def holding(self, manifest: str) -> int | None:
        """The version that is this very package."""
        return next((number for number in self.numbers if self.versions[number].manifest == manifest), None)

    def aliases_of(self, number: int) -> tuple[str, ...]:
        """Aliases that point at a version."""
        return tuple(sorted(alias for alias, to in self.aliases.items() if to == number))

    def trail(self, alias: str) -> list[int]:
        """The versions an alias may go back to, the nearest last: not where it points, nothing deleted."""
        current, numbers = self.aliases.get(alias), set(self.numbers)
        return [number for number in self.trails.get(alias, ()) if number in numbers and number != current]

    def model_version(self, number: int) -> ModelVersion:
        """A version as users get it."""
        version = self.versions[number]
        return ModelVersion(
            name=self.name,
            version=number,
            manifest=version.manifest,
            created_at=version.created_at,
            created_by=version.created_by,
            run_id=version.run_id,
            aliases=self.aliases_of(number),
            tags=tuple(sorted(version.tags.items())),
            description=version.description,
        )

    def summary(self) -> str:
        """`'churn' has versions 1-4 and the alias 'staging'`, for error messages."""
        has = "has" if self.as_of is None else "had"
        if not self.versions:
            return f"{self.name!r} {has} no versions yet"
        if not self.numbers:
            return f"{self.name!r} {has} no versions left, all were deleted"
        versions = f"{self.name!r} {has} version{'s' if len(self.numbers) > 1 else ''} {ranges(self.numbers)}"
        if not self.aliases:
            return f"{versions} and no alias"
        names = [repr(alias) for alias in sorted(self.aliases)]
        named = ", ".join([*names[:_SHOWN_RANGES], *(["…"] if len(names) > _SHOWN_RANGES else [])])
        return f"{versions} and the alias{'es' if len(self.aliases) > 1 else ''} {named}"


def fold(state: State, events: Iterable[Event]) -> State:
    """The state after some more events.

    Raises:
        StoreFormatError: An event does what this autotrack does not know.
        StoreError: An event does not fit the ones before, such as a tag of a version that was never registered.
    """
    state = replace(
        state,
        versions=dict(state.versions),
        aliases=dict(state.aliases),
        moved=dict(state.moved),
        trails=dict(state.trails),
    )
    for event in events:
        if event.op not in _OPS:
            raise StoreFormatError(
                f"Event {event.number} of the model {state.name!r} is of the kind {event.op!r}, "
                "which this autotrack does not know.\n"
                f"Expected one of: {', '.join(_OPS)}. Upgrade with: pip install --upgrade autotrack"
            )
        try:
            _OPS[event.op](state, event)
        except (LookupError, TypeError, ValueError) as error:
            raise StoreError(
                f"Event {event.number} of the model {state.name!r} cannot be: it says {event.op} and lacks {error}.\n"
                "Expected an event that autotrack wrote. Restore the folder registry/ from a copy of the store.",
                name=state.name,
                number=event.number,
            ) from None
        state = replace(state, count=event.number + 1, previous=event.sha256)
    return state


def ranges(numbers: Iterable[int]) -> str:
    """`1-4, 7` of ascending numbers."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and runs[-1][-1] == number - 1:
            runs[-1][1:] = [number]
        else:
            runs.append([number])
    shown = ["-".join(str(end) for end in run) for run in runs]
    return ", ".join(shown if len(shown) <= _SHOWN_RANGES else [*shown[:3], "…", *shown[3 - _SHOWN_RANGES :]])


# One function for each kind of event; `state` is the fold's own copy, whose dicts they fill.


def _register(state: State, event: Event) -> None:
    detail = event.detail
    if detail["version"] != len(state.versions) + 1:
        raise ValueError(f"version {len(state.versions) + 1}")
    state.versions[detail["version"]] = Version(
        number=detail["version"],
        manifest=detail["manifest"],
        run_id=detail["run_id"],
        created_at=event.at,
        created_by=event.by,
        tags=dict(detail["tags"]),
        description=detail["description"],
        origin=detail.get("origin"),
    )


def _alias(state: State, event: Event) -> None:
    alias, to = event.detail["alias"], state.versions[event.detail["to"]].number
    trail = state.trails.get(alias, ())
    if event.detail.get("rollback"):
        state.trails[alias] = trail[: len(trail) - 1 - trail[::-1].index(to)]
    elif alias in state.aliases:
        state.trails[alias] = (*trail, state.aliases[alias])
    state.aliases[alias] = to
    state.moved[alias] = event
    for other, number in event.detail.get("also", {}).items():  # where `previous-<alias>` points from now on
        state.aliases.pop(other, None)
        if number is not None:
            state.aliases[other] = state.versions[number].number
        state.moved[other] = event


def _unalias(state: State, event: Event) -> None:
    alias = event.detail["alias"]
    state.trails[alias] = (*state.trails.get(alias, ()), state.aliases.pop(alias))
    state.moved[alias] = event


def _tag(state: State, event: Event) -> None:
    version, key, value = _version(state, event), event.detail["key"], event.detail["value"]
    tags = {known: text for known, text in version.tags.items() if known != key}
    state.versions[version.number] = replace(version, tags=tags if value is None else {**tags, key: value})


def _describe(state: State, event: Event) -> None:
    version = _version(state, event)
    state.versions[version.number] = replace(version, description=event.detail["description"])


def _delete(state: State, event: Event) -> None:
    version = _version(state, event)
    state.versions[version.number] = replace(version, deleted=event)
    for alias in state.aliases_of(version.number):  # none, but for a writer that does not know `also`
        del state.aliases[alias]


def _version(state: State, event: Event) -> Version:
    return state.versions[event.detail["version"]]


_OPS: dict[str, Callable[[State, Event], None]] = {
    "register": _register,
    "alias": _alias,
    "unalias": _unalias,
    "tag": _tag,
    "describe": _describe,
    "delete": _delete,
}
