"""Looking on: watch a function without being able to change what it does."""

from autotrack.hooks.caller import names_in_caller
from autotrack.hooks.nesting import Scope, inside
from autotrack.hooks.on_import import forget_import, on_import
from autotrack.hooks.patch import Call, Patch

__all__ = ["Call", "Patch", "Scope", "forget_import", "inside", "names_in_caller", "on_import"]
