"""The registry of one store: register packages under names, number them, point aliases at them.

Every change is one event (events.py), decided on the newest state and added only if no other event came first;
else it is decided anew. So versions are unique and dense, and of two who move an alias with the same `expect`,
one gets an error. Reading folds the events; those already folded are kept.
"""

import builtins
import os
import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date
from functools import cache, partial
from importlib import import_module
from typing import TYPE_CHECKING, Any

from autotrack.errors import InvalidNameError, ModelNotFoundError, StoreError, nearest
from autotrack.guard import tell_once
from autotrack.names import check_key, check_model_name, check_new_model_name, tag_texts
from autotrack.registry import changes, facts, moves
from autotrack.registry.events import Event, EventLog, folder_of
from autotrack.registry.moment import moment
from autotrack.registry.moves import UNSET, Change, Unset
from autotrack.registry.state import State, fold
from autotrack.registry.uri import ModelRef, parse
from autotrack.types import ModelVersion, Row

if TYPE_CHECKING:
    from autotrack.store import Store

__all__ = ["Registry", "check_new_names"]

Moment = str | date  # a datetime is a date, too
Gate = str | Callable[..., object]

_SHA256 = re.compile(r"[0-9a-f]{64}")


class Registry:
    """Registered models of one store. Safe to use from many threads and processes at once."""

    def __init__(self, store: "Store") -> None:
        self.store = store
        self._blobs = store.blobs
        self._log = EventLog(store.backend)
        self._states: dict[str, State] = {}
        self._lock = threading.Lock()

    def register(
        self,
        name: str,
        manifest_sha: str,
        *,
        run_id: str | None = None,
        alias: str | None = None,
        tags: Mapping[str, object] | None = None,
        description: str | None = None,
        by: str | None = None,
        origin: Mapping[str, Any] | None = None,
    ) -> ModelVersion:
        """Make a package the next version of a model. The same package again is the version it already is.

        Args:
            manifest_sha: SHA-256 of the package's manifest, which must be among the store's blobs.
            alias: Pointed at the version, wherever it pointed before.
            by: Who does this, as user@host. None: whoever runs this process.
            origin: Of an imported version, where it was registered first.

        Raises:
            InvalidNameError, DataError: `name`, `alias` or a tag cannot be called so; `tags` have no keys.
            ModelNotFoundError: No such manifest in the store.
        """
        check_new_names(name, alias)
        texts = tag_texts(tags)
        self._check_manifest(manifest_sha)
        self._blobs.publish()  # before the event that names them
        more = {} if origin is None else {"origin": dict(origin)}
        number = 0

        def decide(state: State) -> Change | None:
            nonlocal number
            found = state.holding(manifest_sha)
            number = found or len(state.versions) + 1
            detail = {"version": number, "manifest": manifest_sha, "run_id": run_id, "tags": texts, **more}
            return None if found else ("register", {**detail, "description": str(description or "")})

        state = self._commit(name, decide, by)
        for key, value in texts.items():
            state = self._commit(name, partial(changes.tag, version=number, key=key, value=value), by)
        if description is not None:
            state = self._commit(name, lambda now: changes.describe(now, number, str(description)), by)
        if alias is not None:
            return self.set_alias(name, alias, number, by=by)
        return state.model_version(number)

    def list(self) -> builtins.list[str]:
        """Names of all models with at least one version, sorted. One whose record is damaged is among them."""
        return [name for name in self._log.names() if self._may_have_versions(name)]

    def get(self, name: str, *, as_of: Moment | None = None) -> ModelVersion:
        """The newest version of a model that is not deleted, or was not at that moment."""
        return self._resolve(ModelRef("model", check_model_name("model name", name)), as_of)

    def versions(self, name: str, *, as_of: Moment | None = None) -> builtins.list[ModelVersion]:
        """All versions of a model that are not deleted, or were not at that moment, oldest first."""
        state = self._known(name, as_of)
        return [state.model_version(number) for number in state.numbers]

    def aliases(self, name: str, *, as_of: Moment | None = None) -> dict[str, int]:
        """The version each alias of a model points at, or pointed at."""
        return dict(sorted(self._known(name, as_of).aliases.items()))

    def resolve(self, ref: str | ModelRef, *, as_of: Moment | None = None) -> ModelVersion:
        """The version a reference means (uri.py says which forms there are).

        Args:
            as_of: What it meant then, with the aliases and tags of then (moment.py says how moments are written).

        Raises:
            InvalidNameError: It has none of the forms, or means a run's model instead of a registered one.
            ModelNotFoundError: There is no such model, version or alias.
        """
        return self._resolve(parse(ref) if isinstance(ref, str) else ref, as_of)

    def run_of(self, version: ModelVersion) -> tuple[Row, bool]:
        """The row of the run that a version came from, and whether it is the run as it is now (facts.py)."""
        return facts.run_of(self.store, self._known(version.name).versions[version.version])

    def origin_of(self, version: ModelVersion) -> dict[str, Any] | None:
        """Of an imported version, where it was registered first."""
        return self._known(version.name).versions[version.version].origin

    def holding(self, name: str, manifest_sha: str) -> ModelVersion | None:
        """The version of a model that is this very package, if there is one."""
        folder_of(check_model_name("model name", name))
        state = self._state(name)
        number = state.holding(manifest_sha)
        return None if number is None else state.model_version(number)

    def set_alias(
        self, name: str, alias: str, version: int, *, expect: int | Unset | None = UNSET, by: str | None = None
    ) -> ModelVersion:
        """Point an alias at a version.

        Args:
            expect: Where it must point now, None: it must not exist. Left out: wherever it points.

        Raises:
            RegistryConflictError: It points elsewhere than `expect` says.
        """
        moves.check_alias(alias)
        number = changes.number_of(name, version)

        def decide(state: State) -> Change | None:
            changes.check_version(state, number)
            return moves.move(state, alias, number, expect)

        return self._change(name, decide, by).model_version(number)

    def promote(
        self,
        name: str,
        version: int,
        to: str = "champion",
        *,
        gate: Gate | None = None,
        force: bool = False,
        reason: str | None = None,
        expect: int | Unset | None = UNSET,
        by: str | None = None,
    ) -> ModelVersion:
        """Point the alias `to` at a version, and in the same event `previous-<to>` at where it pointed.

        Args:
            gate: What must hold, as `"metrics.test_f1 >= champion"`, or a function (gates.py). It is asked anew if
                somebody else's change comes first.
            force: Promote even if the gate fails, which is recorded.
            reason: Recorded with the event.
            expect: Where `to` must point now, None: it must not exist. Left out: wherever it points.

        Raises:
            GateFailedError: The gate does not hold.
            RegistryConflictError: The alias points elsewhere than `expect` says.
            SearchError: The gate cannot be read.
        """
        moves.check_promotable(to)
        number = changes.number_of(name, version)
        judge = None if gate is None else import_module("autotrack.gates").judge(gate, self, to)
        said: dict[str, Any] = {}

        def decide(state: State) -> Change | None:
            changes.check_version(state, number)
            moves.check_expected(state, to, expect)
            if state.aliases.get(to) == number:
                return None
            if judge is not None:
                said["gate"] = outcome = judge(state, number)
                if not outcome["passed"] and not force:
                    raise changes.gate_failed(state, number, to, outcome)
                outcome["forced"] = not outcome["passed"]
            op, detail = moves.promotion(state, to, number)
            return op, {**detail, **said, **({} if reason is None else {"reason": str(reason)})}

        state = self._change(name, decide, by)
        for warning in said.get("gate", {}).get("warnings", ()):
            tell_once(f"gate {name}/{number} {state.count} {warning}", warning)
        return state.model_version(number)

    def rollback(
        self, name: str, alias: str = "champion", *, reason: str | None = None, by: str | None = None
    ) -> ModelVersion:
        """Point an alias back at the version it pointed at before; a second time one further back.

        Deleted versions are passed over. `previous-<alias>` shows where the next rollback leads.

        Raises:
            ModelNotFoundError: There is no such model or alias, or nothing to go back to.
        """
        moves.check_promotable(alias)

        def decide(state: State) -> Change:
            op, detail = moves.back(state, alias)
            return op, {**detail, **({} if reason is None else {"reason": str(reason)})}

        state = self._change(name, decide, by)
        return state.model_version(state.aliases[alias])

    def delete_alias(self, name: str, alias: str, *, by: str | None = None) -> None:
        """Remove an alias; the version it points at stays."""
        self._change(name, lambda state: moves.remove(state, alias), by)

    def set_tag(self, name: str, version: int, key: str, value: str | None, *, by: str | None = None) -> ModelVersion:
        """Set a tag of a version; None removes it."""
        check_key("tag", key)
        number = changes.number_of(name, version)
        text = None if value is None else str(value)
        return self._change(name, lambda state: changes.tag(state, number, key, text), by).model_version(number)

    def set_description(self, name: str, version: int, text: str, *, by: str | None = None) -> ModelVersion:
        """Say what a version is."""
        number = changes.number_of(name, version)
        return self._change(name, lambda state: changes.describe(state, number, str(text)), by).model_version(number)

    def delete_version(self, name: str, version: int, *, by: str | None = None) -> None:
        """Delete a version. Its number is never given again, and the history keeps that it was there.

        Raises:
            RegistryConflictError: An alias points at it.
        """
        number = changes.number_of(name, version)

        def decide(state: State) -> Change | None:
            changes.check_version(state, number)
            moves.unused(state, number)
            return "delete", {"version": number}

        self._change(name, decide, by)

    def history(self, name: str) -> builtins.list[Event]:
        """Everything that happened to a model, oldest first, also to deleted versions."""
        folder_of(check_model_name("model name", name))
        if not (events := self._log.read(name)):
            raise self._not_registered(name)
        return events

    def verify(self, name: str) -> builtins.list[str]:
        """What is wrong with a model's record, one sentence each: events missing or changed, packages not here.

        The bytes of packages are looked at by verification.py.

        Raises:
            ModelNotFoundError: There is no such model.
        """
        folder_of(check_model_name("model name", name))
        if not self._log.exists(name):
            raise self._not_registered(name)
        if problems := [*self._log.problems(name)]:
            return problems
        try:
            state = fold(State(name), self._log.read(name))
        except StoreError as error:
            return [str(error).splitlines()[0]]
        return [
            f"The package of version {number} of {name!r} is not in the store: {state.versions[number].manifest}."
            for number in state.numbers
            if not self._blobs.has(state.versions[number].manifest)
        ]

    def _change(self, name: str, decide: Callable[[State], Change | None], by: str | None) -> State:
        """As `_commit`, for a model that must be there."""
        self._known(name)
        return self._commit(name, decide, by)

    def _commit(self, name: str, decide: Callable[[State], Change | None], by: str | None) -> State:
        """Record what `decide` makes of the newest state, which is given back; again if somebody was faster."""
        folder_of(check_model_name("model name", name))
        while True:
            state = self._state(name)
            change = decide(state)
            if change is None:
                return state
            op, detail = change
            event = self._log.append(name, state.count, state.previous, op=op, by=by or _whoami(), detail=detail)
            if event is not None:
                return self._keep(fold(state, [event]))

    def _state(self, name: str) -> State:
        with self._lock:
            state = self._states.get(name, State(name))
            if state.count > 0 and not self._log.has(name, state.count - 1, state.previous):
                state = State(name)  # the store was replaced by another copy
            state = self._states[name] = fold(state, self._log.read(name, state.count, state.previous))
            return state

    def _keep(self, state: State) -> State:
        with self._lock:
            if self._states[state.name].count < state.count:
                self._states[state.name] = state
        return state

    def _may_have_versions(self, name: str) -> bool:
        try:
            return bool(self._state(name).numbers)
        except StoreError:
            return True  # whoever reads it is told what is wrong with it

    def _known(self, name: str, as_of: Moment | None = None) -> State:
        """The state now, or after the last event that says it happened by then."""
        folder_of(check_model_name("model name", name))
        if as_of is None:
            state = self._state(name)
            if state.count == 0:
                raise self._not_registered(name)
            return state
        events = self._log.read(name)
        if not events:
            raise self._not_registered(name)
        at = moment(as_of)
        count = max((event.number + 1 for event in events if event.at <= at), default=0)
        return replace(fold(State(name), events[:count]), as_of=at)

    def _not_registered(self, name: str) -> ModelNotFoundError:
        return ModelNotFoundError(
            f"No model {name!r} is registered in this store.{nearest(name, self._log.names())}\n"
            "Expected the name of a registered model. See them with: autotrack models",
            name=name,
        )

    def _resolve(self, ref: ModelRef, as_of: Moment | None = None) -> ModelVersion:
        if ref.kind != "model" or ref.name is None:
            raise InvalidNameError(
                f"{str(ref)!r} is a model of a run, not a registered one.\n"
                "Expected name, name@alias or name/number. Register it first, or load it by this reference.",
                reference=str(ref),
            )
        state = self._known(ref.name, as_of)
        if ref.alias is not None:
            if ref.alias not in state.aliases:
                raise changes.not_found(state, ref)
            return state.model_version(state.aliases[ref.alias])
        if ref.version is not None:
            changes.check_version(state, ref.version)
            return state.model_version(ref.version)
        if not state.numbers:
            raise changes.not_found(state, ref)
        return state.model_version(state.numbers[-1])

    def _check_manifest(self, manifest_sha: str) -> None:
        if not (_SHA256.fullmatch(manifest_sha) and self._blobs.has(manifest_sha)):
            raise ModelNotFoundError(
                f"There is no model package {manifest_sha!r} in this store.\n"
                "Expected the SHA-256 of a manifest that the store keeps. Save the model first.",
                manifest=manifest_sha,
            )


def check_new_names(name: str, alias: str | None = None) -> None:
    """Nothing if a model and an alias may be called so; for callers who have work to do before they register.

    Raises:
        InvalidNameError: One of them may not.
    """
    folder_of(check_new_model_name("model name", name))
    if alias is not None:
        moves.check_alias(check_new_model_name("alias", alias))


@cache
def _whoami() -> str:
    """user@host, as far as this machine says."""
    import getpass
    import socket

    try:
        user = getpass.getuser()
    except (OSError, LookupError, ImportError):  # no account for this user id, as in many containers
        user = str(os.getuid()) if hasattr(os, "getuid") else "unknown"
    return f"{user}@{socket.gethostname()}"
