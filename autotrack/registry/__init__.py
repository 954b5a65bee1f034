"""Registered models: names, immutable numbered versions, movable aliases, and who did what when.

    autotrack.registry.set_alias("churn", "champion", 3)        # of the store in force
    Registry(store).resolve("churn@champion").manifest          # of any store

Truth is an append-only, hash-chained log of events per model (events.py); everything else is folded from it.
"""

from autotrack.registry.events import Event
from autotrack.registry.here import delete_alias, delete_version, get, history, list, set_alias, versions  # noqa: A004
from autotrack.registry.registry import Registry, check_new_names
from autotrack.registry.uri import ModelRef, parse

__all__ = [
    "Event",
    "ModelRef",
    "Registry",
    "check_new_names",
    "delete_alias",
    "delete_version",
    "get",
    "history",
    "list",
    "parse",
    "set_alias",
    "versions",
]
