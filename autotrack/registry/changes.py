"""Versions: which there are, what may be said of them, and the errors where something cannot be.

As in moves.py, a rule is a pure function of the state and gives what to record.
"""

import operator
from collections.abc import Mapping
from typing import Any

from autotrack.errors import GateFailedError, ModelNotFoundError, nearest
from autotrack.registry.moves import Change
from autotrack.registry.state import State
from autotrack.registry.uri import ModelRef

__all__ = ["check_version", "describe", "gate_failed", "not_found", "number_of", "tag"]


def number_of(name: str, version: int) -> int:
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


def check_version(state: State, version: int) -> None:
    """Nothing if there is this version.

    Raises:
        ModelNotFoundError: There is not.
    """
    if version not in state.numbers:
        raise not_found(state, ModelRef("model", state.name, version=version))


def tag(state: State, version: int, key: str, value: str | None) -> Change | None:
    """What to record so that a version has this tag, or has it no more; None if it is so."""
    check_version(state, version)
    if state.versions[version].tags.get(key) == value:
        return None
    return "tag", {"version": version, "key": key, "value": value}


def describe(state: State, version: int, text: str) -> Change | None:
    """What to record so that a version has this description; None if it has."""
    check_version(state, version)
    if state.versions[version].description == text:
        return None
    return "describe", {"version": version, "description": text}


def gate_failed(state: State, number: int, alias: str, outcome: Mapping[str, Any]) -> GateFailedError:
    """The error that a version does not keep to the rule."""
    why = " ".join([*outcome["reasons"], *outcome["warnings"]])
    return GateFailedError(
        f"Version {number} of {state.name!r} was not promoted to {alias!r}: `{outcome['rule']}` does not hold. {why}\n"
        "Expected the gate to hold. Choose another version, or promote it all the same with force=True (--force), "
        "which is recorded.",
        name=state.name,
        version=number,
        gate=dict(outcome),
    )


def not_found(state: State, ref: ModelRef) -> ModelNotFoundError:
    """The error that there is no such version or alias."""
    gone = state.versions.get(ref.version) if ref.version is not None else None
    deleted = f" it was deleted by {gone.deleted.by} on {gone.deleted.at:%Y-%m-%d};" if gone and gone.deleted else ""
    hint = nearest(ref.alias, state.aliases) if ref.alias else ""
    then = f" at {state.as_of:%Y-%m-%d %H:%M:%S} UTC" if state.as_of else ""
    return ModelNotFoundError(
        f"No model version {str(ref)!r}{then}:{deleted} {state.summary()}.{hint}\n"
        f"Expected name@alias or name/number. See them with: autotrack models show {state.name}",
        name=state.name,
        version=ref.version,
        alias=ref.alias,
    )
