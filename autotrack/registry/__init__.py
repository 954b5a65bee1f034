"""Registered models: names, immutable numbered versions, movable aliases, and who did what when.

    version = Registry(store).register("churn", manifest_sha256, alias="champion")
    Registry(store).resolve("churn@champion").manifest

Truth is an append-only, hash-chained log of events per model (events.py); everything else is folded from it.
"""

from autotrack.registry.events import Event
from autotrack.registry.registry import Registry, check_new_names
from autotrack.registry.uri import ModelRef, parse

__all__ = ["Event", "ModelRef", "Registry", "check_new_names", "parse"]
