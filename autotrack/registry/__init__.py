"""Registered models: names, immutable numbered versions, movable aliases, and who did what when.

    autotrack.registry.set_alias("churn", "champion", 3)        # of the store in force
    Registry(store).resolve("churn@champion").manifest          # of any store

Truth is an append-only, hash-chained log of events per model (events.py); everything else is folded from it.
"""

from autotrack.registry.events import Event
from autotrack.registry.here import (
    aliases,
    delete_alias,
    delete_version,
    describe,
    diff,
    export,
    get,
    history,
    import_file,
    list,  # noqa: A004
    promote,
    resolve,
    rollback,
    set_alias,
    set_tag,
    verify,
    versions,
)
from autotrack.registry.registry import Registry, check_new_names
from autotrack.registry.uri import ModelRef, parse

__all__ = [
    "Event",
    "ModelRef",
    "Registry",
    "aliases",
    "check_new_names",
    "delete_alias",
    "delete_version",
    "describe",
    "diff",
    "export",
    "get",
    "history",
    "import_file",
    "list",
    "parse",
    "promote",
    "resolve",
    "rollback",
    "set_alias",
    "set_tag",
    "verify",
    "versions",
]
