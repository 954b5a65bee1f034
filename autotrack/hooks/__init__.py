"""Looking on: watch a function without being able to change what it does."""

from autotrack.hooks.caller import calling_module, names_in_callers
from autotrack.hooks.nesting import Carried, Scope, inside
from autotrack.hooks.on_import import forget_import, on_import
from autotrack.hooks.patch import Call, Patch, Tap

__all__ = [
    "Call",
    "Carried",
    "Patch",
    "Scope",
    "Tap",
    "calling_module",
    "forget_import",
    "inside",
    "names_in_callers",
    "on_import",
]
