"""torch: which modules an optimizer trains, found from the outside: in the variables around its first step.

Watches   nothing
Records   nothing
Never     keeps a module; adds anything to one
Needs     torch >= 2.2
"""

from collections.abc import Iterable, Iterator
from types import FrameType
from typing import Any

from autotrack.hooks import local_variables
from autotrack_integrations.torch.places import user_frames
from autotrack_integrations.torch.references import unwrapped

__all__ = ["roots_of"]

_MAX_ENTRIES = 100  # of a list or dict that is searched for modules


def roots_of(wanted: set[int], frame: FrameType | None) -> dict[str, Any]:
    """The module that covers these parameters and has the fewest others; else the fewest that cover them together."""
    covers: list[tuple[str, Any, set[int], int]] = []
    for name, module in _modules_around(frame):
        own = {id(parameter) for parameter in module.parameters()}
        if own & wanted and not any(module is known for _, known, _, _ in covers):
            covers.append((name, module, own & wanted, len(own)))
    if not covers:
        covers = _anywhere(wanted)
    whole = [entry for entry in covers if entry[2] == wanted]
    if whole:
        name, module, _, _ = min(whole, key=lambda entry: (entry[3], entry[1] is not unwrapped(entry[1])))
        return {name: module}
    chosen: dict[str, Any] = {}
    left = set(wanted)
    while covers and left:
        name, module, own, _ = max(covers, key=lambda entry: (len(entry[2] & left), -entry[3]))
        if not own & left:
            break
        chosen[name if name not in chosen else f"{name}_{len(chosen)}"] = module
        left -= own
    return chosen


def _modules_around(frame: FrameType | None) -> Iterator[tuple[str, Any]]:
    """Modules in the variables of the calling code, in attributes of its objects and in its lists and dicts."""
    from torch.nn import Module

    seen: set[int] = set()
    for each in user_frames(frame):
        spaces = [local_variables(each)]
        if id(each.f_globals) not in seen:
            seen.add(id(each.f_globals))
            spaces.append(list(each.f_globals.items()))
        for space in spaces:
            for name, value in space:
                for inner, candidate in ((name, value), *_inside(name, value)):
                    if issubclass(type(candidate), Module) and id(candidate) not in seen:
                        seen.add(id(candidate))
                        yield inner, candidate


def _inside(name: str, value: Any) -> Iterable[tuple[str, Any]]:
    from torch.nn import Module

    if type(value) is dict:
        return [(str(key), entry) for key, entry in list(value.items())[:_MAX_ENTRIES]]
    if type(value) in (list, tuple):
        return [(f"{name}_{number}", entry) for number, entry in enumerate(value[:_MAX_ENTRIES])]
    if issubclass(type(value), (Module, type)) or type(value).__module__ in ("builtins", "torch"):
        return ()
    attributes = getattr(value, "__dict__", None)
    return list(attributes.items())[:_MAX_ENTRIES] if type(attributes) is dict else ()


def _anywhere(wanted: set[int]) -> list[tuple[str, Any, set[int], int]]:
    """The last resort: all that lives. Takes some ten milliseconds."""
    import gc

    from torch.nn import Module

    found = []
    for candidate in gc.get_objects():
        if issubclass(type(candidate), Module):
            own = {id(parameter) for parameter in candidate.parameters()}
            if own & wanted:
                found.append((type(candidate).__name__, candidate, own & wanted, len(own)))
    return found
