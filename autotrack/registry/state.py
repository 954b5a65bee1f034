"""What a registered model is now: the fold of its events. Nothing here reads or writes."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime

from autotrack.errors import StoreFormatError
from autotrack.registry.events import Event
from autotrack.types import ModelVersion

__all__ = ["State", "Version", "fold", "ranges"]

_SHOWN_RANGES = 8


@dataclass(frozen=True)
class Version:
    """One registered version, also after its deletion."""

    number: int
    manifest: str
    run_id: str | None
    created_at: datetime
    created_by: str
    tags: dict[str, str]
    description: str
    deleted: Event | None = None


@dataclass(frozen=True)
class State:
    """A model after some of its events. Never changed: `fold` makes a new one."""

    name: str
    count: int = 0  # events folded in
    previous: str | None = None  # SHA-256 of the last one
    versions: dict[int, Version] = field(default_factory=dict)
    aliases: dict[str, int] = field(default_factory=dict)
    moved: dict[str, Event] = field(default_factory=dict)  # the last event of each alias, also of removed ones

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
        if not self.numbers:
            return f"{self.name!r} has no versions left, all were deleted"
        versions = f"{self.name!r} has version{'s' if len(self.numbers) > 1 else ''} {ranges(self.numbers)}"
        if not self.aliases:
            return f"{versions} and no alias"
        named = ", ".join(repr(alias) for alias in sorted(self.aliases)[:_SHOWN_RANGES])
        return f"{versions} and the alias{'es' if len(self.aliases) > 1 else ''} {named}"


def fold(state: State, events: Iterable[Event]) -> State:
    """The state after some more events.

    Raises:
        StoreFormatError: An event does what this autotrack does not know.
    """
    versions, aliases, moved = dict(state.versions), dict(state.aliases), dict(state.moved)
    count, previous = state.count, state.previous
    for event in events:
        detail = event.detail
        if event.op == "register":
            versions[detail["version"]] = _registered(event)
        elif event.op == "alias":
            aliases[detail["alias"]] = detail["to"]
            moved[detail["alias"]] = event
        elif event.op == "unalias":
            aliases.pop(detail["alias"], None)
            moved[detail["alias"]] = event
        elif event.op in _CHANGES:
            versions[detail["version"]] = _CHANGES[event.op](versions[detail["version"]], event)
        else:
            raise StoreFormatError(
                f"Event {event.number} of the model {state.name!r} is of the kind {event.op!r}, "
                "which this autotrack does not know.\n"
                f"Expected register, alias, unalias, {', '.join(_CHANGES)}. "
                "Upgrade with: pip install --upgrade autotrack"
            )
        count, previous = event.number + 1, event.sha256
    return State(state.name, count, previous, versions, aliases, moved)


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


def _registered(event: Event) -> Version:
    return Version(
        number=event.detail["version"],
        manifest=event.detail["manifest"],
        run_id=event.detail["run_id"],
        created_at=event.at,
        created_by=event.by,
        tags=dict(event.detail["tags"]),
        description=event.detail["description"],
    )


def _tagged(version: Version, event: Event) -> Version:
    tags = {key: value for key, value in version.tags.items() if key != event.detail["key"]}
    if event.detail["value"] is not None:
        tags[event.detail["key"]] = event.detail["value"]
    return replace(version, tags=tags)


def _described(version: Version, event: Event) -> Version:
    return replace(version, description=event.detail["description"])


def _deleted(version: Version, event: Event) -> Version:
    return replace(version, deleted=event)


_CHANGES = {"tag": _tagged, "describe": _described, "delete": _deleted}
