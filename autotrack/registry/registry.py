"""The registry of one store: register packages under names, number them, point aliases at them.

Every change is one event (events.py), decided on the newest state and added only if no other event came first;
else it is decided anew. So versions are unique and dense, and of two who move an alias with the same `expect`,
one gets an error. Reading folds the events; those already folded are kept.
"""

import builtins
import operator
import os
import re
import threading
from collections.abc import Callable, Mapping
from functools import cache, partial
from typing import TYPE_CHECKING

from autotrack.errors import InvalidNameError, ModelNotFoundError, StoreError, nearest
from autotrack.names import check_key, check_model_name
from autotrack.registry import aliases
from autotrack.registry.aliases import UNSET, Change, Unset
from autotrack.registry.events import Event, EventLog, folder_of
from autotrack.registry.state import State, fold
from autotrack.registry.uri import ModelRef, parse
from autotrack.types import ModelVersion

if TYPE_CHECKING:
    from autotrack.store import Store

__all__ = ["Registry", "check_new_names"]

_SHA256 = re.compile(r"[0-9a-f]{64}")


class Registry:
    """Registered models of one store. Safe to use from many threads and processes at once."""

    def __init__(self, store: "Store") -> None:
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
    ) -> ModelVersion:
        """Make a package the next version of a model. The same package again is the version it already is.

        Args:
            manifest_sha: SHA-256 of the package's manifest, which must be among the store's blobs.
            alias: Pointed at the version, wherever it pointed before.
            by: Who does this, as user@host. None: whoever runs this process.

        Raises:
            InvalidNameError: `name`, `alias` or a tag cannot be called so.
            ModelNotFoundError: No such manifest in the store.
        """
        check_new_names(name, alias)
        texts = {check_key("tag", key): str(value) for key, value in (tags or {}).items()}
        self._check_manifest(manifest_sha)
        self._blobs.publish()  # before the event that names them
        number = 0

        def decide(state: State) -> Change | None:
            nonlocal number
            found = state.holding(manifest_sha)
            number = found or len(state.versions) + 1
            detail = {"version": number, "manifest": manifest_sha, "run_id": run_id, "tags": texts}
            return None if found else ("register", {**detail, "description": str(description or "")})

        state = self._commit(name, decide, by)
        for key, value in texts.items():
            state = self._commit(name, partial(_tag, version=number, key=key, value=value), by)
        if description is not None:
            state = self._commit(name, lambda now: _describe(now, number, str(description)), by)
        if alias is not None:
            return self.set_alias(name, alias, number, by=by)
        return state.model_version(number)

    def list(self) -> builtins.list[str]:
        """Names of all models with at least one version, sorted. One whose record is damaged is among them."""
        return [name for name in self._log.names() if self._may_have_versions(name)]

    def get(self, name: str) -> ModelVersion:
        """The newest version of a model that is not deleted."""
        return self._resolve(ModelRef("model", check_model_name("model name", name)))

    def versions(self, name: str) -> builtins.list[ModelVersion]:
        """All versions of a model that are not deleted, oldest first."""
        state = self._known(name)
        return [state.model_version(number) for number in state.numbers]

    def resolve(self, ref: str | ModelRef) -> ModelVersion:
        """The version a reference means (uri.py says which forms there are).

        Raises:
            InvalidNameError: It has none of the forms, or means a run's model instead of a registered one.
            ModelNotFoundError: There is no such model, version or alias.
        """
        return self._resolve(parse(ref) if isinstance(ref, str) else ref)

    def set_alias(
        self, name: str, alias: str, version: int, *, expect: int | Unset | None = UNSET, by: str | None = None
    ) -> ModelVersion:
        """Point an alias at a version.

        Args:
            expect: Where it must point now, None: it must not exist. Left out: wherever it points.

        Raises:
            RegistryConflictError: It points elsewhere than `expect` says.
        """
        aliases.check_alias(alias)
        number = _number(name, version)

        def decide(state: State) -> Change | None:
            _check_version(state, number)
            return aliases.move(state, alias, number, expect)

        return self._change(name, decide, by).model_version(number)

    def delete_alias(self, name: str, alias: str, *, by: str | None = None) -> None:
        """Remove an alias; the version it points at stays."""
        self._change(name, lambda state: aliases.remove(state, alias), by)

    def set_tag(self, name: str, version: int, key: str, value: str | None, *, by: str | None = None) -> ModelVersion:
        """Set a tag of a version; None removes it."""
        check_key("tag", key)
        number = _number(name, version)
        text = None if value is None else str(value)
        return self._change(name, lambda state: _tag(state, number, key, text), by).model_version(number)

    def set_description(self, name: str, version: int, text: str, *, by: str | None = None) -> ModelVersion:
        """Say what a version is."""
        number = _number(name, version)
        return self._change(name, lambda state: _describe(state, number, str(text)), by).model_version(number)

    def delete_version(self, name: str, version: int, *, by: str | None = None) -> None:
        """Delete a version. Its number is never given again, and the history keeps that it was there.

        Raises:
            RegistryConflictError: An alias points at it.
        """
        number = _number(name, version)

        def decide(state: State) -> Change | None:
            _check_version(state, number)
            aliases.unused(state, number)
            return "delete", {"version": number}

        self._change(name, decide, by)

    def history(self, name: str) -> builtins.list[Event]:
        """Everything that happened to a model, oldest first, also to deleted versions."""
        self._known(name)
        return self._log.read(name)

    def verify(self, name: str) -> builtins.list[str]:
        """What is wrong with a model's record, one sentence each: events missing or changed, packages not here.

        Raises:
            ModelNotFoundError: There is no such model.
        """
        self._check_exists(name)
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
            if self._log.append(name, state.count, state.previous, op=op, by=by or _whoami(), detail=detail):
                return self._state(name)

    def _state(self, name: str) -> State:
        with self._lock:
            state = self._states.get(name, State(name))
            if state.count > 0 and not self._log.has(name, state.count - 1, state.previous):
                state = State(name)  # the store was replaced by another copy
            state = self._states[name] = fold(state, self._log.read(name, state.count, state.previous))
            return state

    def _may_have_versions(self, name: str) -> bool:
        try:
            return bool(self._state(name).numbers)
        except StoreError:
            return True  # whoever reads it is told what is wrong with it

    def _known(self, name: str) -> State:
        self._check_exists(name)
        return self._state(name)

    def _check_exists(self, name: str) -> None:
        folder_of(check_model_name("model name", name))
        if not self._log.exists(name):
            raise ModelNotFoundError(
                f"No model {name!r} is registered in this store.{nearest(name, self._log.names())}\n"
                "Expected the name of a registered model. See them with: autotrack models",
                name=name,
            )

    def _resolve(self, ref: ModelRef) -> ModelVersion:
        if ref.kind != "model" or ref.name is None:
            raise InvalidNameError(
                f"{str(ref)!r} is a model of a run, not a registered one.\n"
                "Expected name, name@alias or name/number. Register it first, or load it by this reference.",
                reference=str(ref),
            )
        state = self._known(ref.name)
        if ref.alias is not None:
            if ref.alias not in state.aliases:
                raise _not_found(state, ref)
            return state.model_version(state.aliases[ref.alias])
        if ref.version is not None:
            _check_version(state, ref.version)
            return state.model_version(ref.version)
        if not state.numbers:
            raise _not_found(state, ref)
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
    folder_of(check_model_name("model name", name))
    if alias is not None:
        aliases.check_alias(alias)


def _number(name: str, version: int) -> int:
    """A version as the number it is, whichever library's integer it came as."""
    try:
        return operator.index(version)
    except TypeError:
        raise ModelNotFoundError(
            f"No version {version!r} of the model {name!r}: a version is a whole number, and this is of type "
            f"{type(version).__name__}.\nExpected a number such as 3. See them with: autotrack models show {name}",
            name=name,
            version=version,
        ) from None


def _check_version(state: State, version: int) -> None:
    if version not in state.numbers:
        raise _not_found(state, ModelRef("model", state.name, version=version))


def _tag(state: State, version: int, key: str, value: str | None) -> Change | None:
    _check_version(state, version)
    if state.versions[version].tags.get(key) == value:
        return None
    return "tag", {"version": version, "key": key, "value": value}


def _describe(state: State, version: int, text: str) -> Change | None:
    _check_version(state, version)
    if state.versions[version].description == text:
        return None
    return "describe", {"version": version, "description": text}


def _not_found(state: State, ref: ModelRef) -> ModelNotFoundError:
    gone = state.versions.get(ref.version) if ref.version is not None else None
    deleted = f" it was deleted by {gone.deleted.by} on {gone.deleted.at:%Y-%m-%d};" if gone and gone.deleted else ""
    hint = nearest(ref.alias, state.aliases) if ref.alias else ""
    return ModelNotFoundError(
        f"No model version {str(ref)!r}:{deleted} {state.summary()}.{hint}\n"
        f"Expected name@alias or name/number. See them with: autotrack models show {state.name}",
        name=state.name,
        version=ref.version,
        alias=ref.alias,
    )


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
