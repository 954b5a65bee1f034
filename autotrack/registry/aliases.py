"""Aliases: which names they may have, and the rule by which they move (compare-and-set).

The rule is a pure function of the state: the registry asks it again whenever somebody else's event came first.
"""

import re
from typing import Any, Final, Literal

from autotrack.errors import InvalidNameError, ModelNotFoundError, RegistryConflictError, nearest
from autotrack.names import check_model_name
from autotrack.registry.state import State

__all__ = ["UNSET", "Change", "Unset", "check_alias", "move", "remove", "unused"]

Unset = Literal["unset"]
UNSET: Final[Unset] = "unset"  # of `expect`: move it wherever it points, since None means "must not exist yet"
Change = tuple[str, dict[str, Any]]  # an event's op and detail
_RESERVED = re.compile(r"latest|v?[0-9]+", re.IGNORECASE)


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
    """
    current = state.aliases.get(alias)
    if expect not in (UNSET, current):
        raise _conflict(state, alias, expect)
    if current == version:
        return None
    return "alias", {"alias": alias, "from": current, "to": version}


def remove(state: State, alias: str) -> Change:
    """What to record so that `alias` is gone."""
    if alias not in state.aliases:
        raise ModelNotFoundError(
            f"No alias {alias!r} to delete: {state.summary()}.{nearest(alias, state.aliases)}\n"
            f"Expected an alias of {state.name!r}. See them with: autotrack models show {state.name}",
            name=state.name,
            alias=alias,
        )
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
