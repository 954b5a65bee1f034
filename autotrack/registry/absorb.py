"""The registered models of another store become models of this one, event by event, byte for byte.

A model that is not here is taken over. Where both have it and one log continues the other, the longer one holds. Where
they went different ways nothing is changed: versions are never renumbered.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from autotrack.errors import AutotrackError, StoreError
from autotrack.registry.events import Event, EventLog
from autotrack.registry.state import State, fold, ranges
from autotrack.store.absorb import copy_blobs, files_of_package

if TYPE_CHECKING:
    from autotrack.store import Store

__all__ = ["ModelsReport", "absorb_models"]


@dataclass
class ModelsReport:
    """What became of the models of the other store.

    Attributes:
        new, longer, same: Names of models that were not here; that have got further events; that nothing was new of.
        left_out: Why a model was left out, by its name.
    """

    new: list[str] = field(default_factory=list)
    longer: list[str] = field(default_factory=list)
    same: list[str] = field(default_factory=list)
    left_out: dict[str, str] = field(default_factory=dict)


def absorb_models(store: "Store", other: "Store") -> ModelsReport:
    """Take over the registered models of another store, which is only read; again after an interruption, the same."""
    here, there = EventLog(store.backend), EventLog(other.backend)
    report = ModelsReport()
    for name in there.names():
        try:
            known, theirs = here.read(name), there.read(name)
            state = fold(State(name), theirs)
            ahead = list(_ahead(known, theirs))
            if ahead:
                _bring(store, other, state)
                _append(here, there, name, ahead)
        except AutotrackError as error:
            report.left_out[name] = str(error)
            continue
        kind = report.same if not ahead else report.longer if known else report.new
        kind.append(name)
    return report


def _ahead(known: list[Event], theirs: list[Event]) -> Iterator[Event]:
    """Their events behind ours.

    Raises:
        StoreError: The two logs went different ways.
    """
    for ours, event in zip(known, theirs, strict=False):
        if ours.sha256 != event.sha256:
            raise _parted(known, theirs, event.number)
    yield from theirs[len(known) :]


def _bring(store: "Store", other: "Store", state: State) -> None:
    """The packages of the versions, before the events that name them."""
    for number in state.numbers:
        manifest = state.versions[number].manifest
        files = files_of_package(other, manifest)
        if files is None or copy_blobs(store, other, {manifest, *files}):
            raise StoreError(
                f"The package of version {number} of {state.name!r} is not whole in {str(other.root)!r}.\n"
                "Expected its manifest and all of its files. Restore them from a copy of that store; import it again."
            )
    store.blobs.publish()


def _append(here: EventLog, there: EventLog, name: str, events: list[Event]) -> None:
    for event in events:
        if not here.append_copy(name, event.number, there.data(name, event.number)):
            raise StoreError(
                f"Somebody registered a version of {name!r} here, or changed one, during the import.\n"
                "Expected the model to rest. See what it has become with: autotrack models show "
                f"{name}; and import again."
            )
    here.note_copied(name, events[-1])


def _parted(known: list[Event], theirs: list[Event], number: int) -> StoreError:
    return StoreError(
        f"Its history here ({_versions(known)}) and there ({_versions(theirs)}) differ from event {number} on.\n"
        "Expected one to continue the other: versions are never renumbered. The runs were imported; register what you "
        "want of theirs under another name with: autotrack.register_model(run_id, name)"
    )


def _versions(events: list[Event]) -> str:
    numbers = [event.detail["version"] for event in events if event.op == "register"]
    return f"version{'s' if len(numbers) > 1 else ''} {ranges(numbers)}"
