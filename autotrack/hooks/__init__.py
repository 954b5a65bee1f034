"""Looking on: watch a function without being able to change what it does."""

from autotrack.hooks.caller import calling_module, names_in_callers
from autotrack.hooks.epochs import Creation, EpochReader, creation
from autotrack.hooks.loops import Loop, enclosing
from autotrack.hooks.naming import argument_names, destination, names_around, receiver, targets
from autotrack.hooks.nesting import Carried, Scope, inside
from autotrack.hooks.on_import import forget_import, on_import
from autotrack.hooks.patch import Call, Patch, Tap
from autotrack.hooks.variables import local_values, local_variables
from autotrack.hooks.whose import is_users, known_codes

__all__ = [
    "Call",
    "Carried",
    "Creation",
    "EpochReader",
    "Loop",
    "Patch",
    "Scope",
    "Tap",
    "argument_names",
    "calling_module",
    "creation",
    "destination",
    "enclosing",
    "forget_import",
    "inside",
    "is_users",
    "known_codes",
    "local_values",
    "local_variables",
    "names_around",
    "names_in_callers",
    "on_import",
    "receiver",
    "targets",
]
