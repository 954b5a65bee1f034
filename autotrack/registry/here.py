"""The registry of the store in force, as `autotrack.registry` offers it: `autotrack.registry.versions("churn")`."""

import builtins

from autotrack import config
from autotrack.registry.aliases import UNSET, Unset
from autotrack.registry.events import Event
from autotrack.registry.registry import Registry
from autotrack.store import Store
from autotrack.types import ModelVersion

__all__ = ["delete_alias", "delete_version", "get", "history", "list", "set_alias", "versions"]


def list() -> builtins.list[str]:  # noqa: A001  read as registry.list()
    """Names of all models with at least one version, sorted."""
    return _registry().list()


def get(name: str) -> ModelVersion:
    """The newest version of a model.

    Raises:
        ModelNotFoundError: There is no such model.
    """
    return _registry().get(name)


def versions(name: str) -> builtins.list[ModelVersion]:
    """All versions of a model, oldest first.

    Raises:
        ModelNotFoundError: There is no such model.
    """
    return _registry().versions(name)


def set_alias(name: str, alias: str, version: int, *, expect: int | Unset | None = UNSET) -> ModelVersion:
    """Point an alias at a version.

    Args:
        expect: Where it must point now, None: it must not exist. Left out: wherever it points.

    Raises:
        RegistryConflictError: It points elsewhere than `expect` says; nothing was changed.
        ModelNotFoundError: There is no such model or version.
        InvalidNameError: The alias cannot be called so.
    """
    return _registry().set_alias(name, alias, version, expect=expect, by=config.load().author)


def delete_alias(name: str, alias: str) -> None:
    """Remove an alias; the version it points at stays.

    Raises:
        ModelNotFoundError: There is no such model or alias.
    """
    _registry().delete_alias(name, alias, by=config.load().author)


def delete_version(name: str, version: int) -> None:
    """Delete a version. Its number is never given again, and the history keeps that it was there.

    Raises:
        RegistryConflictError: An alias points at it.
        ModelNotFoundError: There is no such model or version.
    """
    _registry().delete_version(name, version, by=config.load().author)


def history(name: str) -> builtins.list[Event]:
    """Everything that happened to a model, oldest first: who did what when, also to deleted versions.

    Raises:
        ModelNotFoundError: There is no such model.
    """
    return _registry().history(name)


def _registry() -> Registry:
    return Registry(Store.open(config.load().store))
