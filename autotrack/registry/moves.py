"""Aliases: which names they may have, and the rules by which they move: compare-and-set, promotion, rollback.

`previous-<alias>` is where the next rollback leads: a promotion points it at where the alias pointed before, a rollback
one step further back, and removes it where there is nothing further back. So a second rollback goes on, it does not
undo the first.

A rule is a pure function of the state: the registry asks it again whenever somebody else's event came first.
"""

import re
from typing import Any, Final, Literal

from autotrack.errors import InvalidNameError, ModelNotFoundError, RegistryConflictError, nearest
from autotrack.names import check_model_name, check_new_model_name
from autotrack.registry.state import State

__all__ = [
    "UNSET",
    "Change",
    "Unset",
    "back",
    "check_alias",
    "check_expected",
    "check_promotable",
    "move",
    "promotion",
    "remove",
    "unused",
]

Unset = Literal["unset"]
UNSET: Final[Unset] = "unset"  # of `expect`: move it wherever it points, since None means "must not exist yet"
Change = tuple[str, dict[str, Any]]  # an event's op and detail
_RESERVED = re.compile(r"latest|v?[0-9]+", re.IGNORECASE)
_PREVIOUS = "previous-"


def check_alias(alias: object) -> str:
    """`alias` if an alias may be called so.

    Raises:
        InvalidNameError: Not a valid name, or one that reads as a version: `latest`, `3`, `v3`.
    """
    text = check_model_name("alias", alias)
    if _RESERVED.fullmatch(text):
        raise InvalidNameError(
            f"Invalid alias {text!r}: it reads as a version.\n"
            "Expected a name other than 'latest', a number or 'v' and a number. Choose another, such as 'champion'.",
            kind="alias",
            name=text,
        )
    return text


def move(state: State, alias: str, version: int, expect: int | Unset | None) -> Change | None:
    """What to record so that `alias` points at `version`; None if it does.

    Raises:
        RegistryConflictError: It does not point where the caller expects.
        InvalidNameError: It is new, and cannot be told from others.
    """
    check_expected(state, alias, expect)
    current = state.aliases.get(alias)
    if current == version:
        return None
    if current is None:
        check_new_model_name("alias", alias)
    return "alias", {"alias": alias, "from": current, "to": version}


def check_expected(state: State, alias: str, expect: int | Unset | None) -> None:
    """Nothing if an alias points where the caller expects.

    Raises:
        RegistryConflictError: It does not.
    """
    if expect not in (UNSET, state.aliases.get(alias)):
        raise _conflict(state, alias, expect)


def check_promotable(alias: object) -> str:
    """`alias` if versions may be promoted to it: there must be a name for where it pointed before.

    Raises:
        InvalidNameError: Not a valid alias, or one that promotions move themselves: `previous-champion`.
    """
    text = check_alias(alias)
    if text.startswith(_PREVIOUS):
        raise InvalidNameError(
            f"Nothing is promoted to {text!r}: it is where {text.removeprefix(_PREVIOUS)!r} pointed before.\n"
            f"Expected an alias of its own, such as 'champion'. Go back to that version with a rollback.",
            kind="alias",
            name=text,
        )
    check_alias(_PREVIOUS + text)
    return text


def promotion(state: State, alias: str, version: int) -> Change:
    """What to record so that `alias` points at `version`, and `previous-<alias>` at where it points now."""
    current = state.aliases.get(alias)
    if current is None:
        check_new_model_name("alias", alias)
    also = {} if current is None else {"also": {_PREVIOUS + alias: current}}
    return "alias", {"alias": alias, "from": current, "to": version, **also}


def back(state: State, alias: str) -> Change:
    """What to record so that `alias` points where it pointed before, as far as that is not deleted.

    Raises:
        ModelNotFoundError: No such alias, or it never pointed anywhere else.
    """
    if alias not in state.aliases:
        raise _no_alias(state, alias, "roll back")
    trail = state.trail(alias)
    if not trail:
        raise ModelNotFoundError(
            f"The alias '{state.name}@{alias}' was not rolled back: before version {state.aliases[alias]} it pointed "
            f"at none that is left; {state.summary()}.\n"
            f"Expected an earlier version. See where it pointed with: autotrack models history {state.name}",
            name=state.name,
            alias=alias,
        )
    to, previous = trail[-1], _PREVIOUS + alias
    earlier = [number for number in trail[:-1] if number != to]
    detail: dict[str, Any] = {"alias": alias, "from": state.aliases[alias], "to": to, "rollback": True}
    if earlier or previous in state.aliases:
        detail["also"] = {previous: earlier[-1] if earlier else None}
    return "alias", detail


def remove(state: State, alias: str) -> Change:
    """What to record so that `alias` is gone."""
    if alias not in state.aliases:
        raise _no_alias(state, alias, "delete")
    return "unalias", {"alias": alias, "from": state.aliases[alias]}


def unused(state: State, version: int) -> None:
    """Nothing if no alias points at `version`.

    Raises:
        RegistryConflictError: One does.
    """
    if named := state.aliases_of(version):
        shown = ", ".join(f"'{state.name}@{alias}'" for alias in named)
        points, each = ("points", "the alias") if len(named) == 1 else ("point", "each alias")
        raise RegistryConflictError(
            f"Version {version} of {state.name!r} was not deleted: {shown} {points} at it.\n"
            f"Expected a version without aliases. Move or delete {each} first.",
            name=state.name,
            version=version,
            aliases=named,
        )


def _no_alias(state: State, alias: str, what: str) -> ModelNotFoundError:
    return ModelNotFoundError(
        f"No alias {alias!r} to {what}: {state.summary()}.{nearest(alias, state.aliases)}\n"
        f"Expected an alias of {state.name!r}. See them with: autotrack models show {state.name}",
        name=state.name,
        alias=alias,
    )


def _conflict(state: State, alias: str, expect: object) -> RegistryConflictError:
    current = state.aliases.get(alias)
    event = state.moved.get(alias)
    by = f" ({event.by} did that at {event.at:%Y-%m-%d %H:%M:%S} UTC)" if event else ""
    points = "does not exist" if current is None else f"points at version {current}"
    return RegistryConflictError(
        f"The alias '{state.name}@{alias}' was not moved: it {points}{by}.\n"
        f"Expected {'no such alias yet' if expect is None else f'version {expect}'}. "
        "Look at what changed, then try again with the version it has now.",
        name=state.name,
        alias=alias,
        current=current,
        expect=expect,
    )
