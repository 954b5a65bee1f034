"""The registry of the store in force, as `autotrack.registry` offers it: `autotrack.registry.versions("churn")`."""

import builtins
import os
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autotrack import config
from autotrack.registry.events import Event
from autotrack.registry.moves import UNSET, Unset
from autotrack.registry.registry import Gate, Moment, Registry
from autotrack.store import Store
from autotrack.types import ModelVersion

if TYPE_CHECKING:
    from autotrack.registry.verification import Verified

__all__ = [
    "aliases",
    "delete_alias",
    "delete_version",
    "describe",
    "diff",
    "export",
    "get",
    "history",
    "import_file",
    "list",
    "promote",
    "resolve",
    "rollback",
    "set_alias",
    "set_tag",
    "verify",
    "versions",
]


def list() -> builtins.list[str]:  # noqa: A001  read as registry.list()
    """Names of all models with at least one version, sorted."""
    return _registry().list()


def get(name: str, *, as_of: Moment | None = None) -> ModelVersion:
    """The newest version of a model.

    Args:
        as_of: What was the newest then: a datetime or an ISO text, in UTC unless it says otherwise. A date alone is the
            end of that day.

    Raises:
        ModelNotFoundError: There is no such model, or was none then.
    """
    return _registry().get(name, as_of=as_of)


def resolve(reference: str, *, as_of: Moment | None = None) -> ModelVersion:
    """The version that `churn@champion`, `churn/3` or `churn` means, or meant at a moment.

    Raises:
        ModelNotFoundError: There is no such model, version or alias, or was none then.
    """
    return _registry().resolve(reference, as_of=as_of)


def versions(name: str, *, as_of: Moment | None = None) -> builtins.list[ModelVersion]:
    """All versions of a model, oldest first; those of then, with the aliases and tags of then.

    Raises:
        ModelNotFoundError: There is no such model.
    """
    return _registry().versions(name, as_of=as_of)


def aliases(name: str, *, as_of: Moment | None = None) -> dict[str, int]:
    """The version each alias of a model points at, or pointed at then.

    Raises:
        ModelNotFoundError: There is no such model.
    """
    return _registry().aliases(name, as_of=as_of)


def promote(
    name: str,
    version: int,
    to: str = "champion",
    *,
    gate: Gate | None = None,
    force: bool = False,
    reason: str | None = None,
    expect: int | Unset | None = UNSET,
) -> ModelVersion:
    """Point an alias at a version, and `previous-<alias>` at the version it pointed at.

    Args:
        gate: What must hold, as `"metrics.test_f1 >= champion"`, `"metrics.val_loss < 0.3 and tags.approved = 'yes'"`;
            or a function of the candidate and the present holder (None for the first), each with `metrics`, `params`,
            `tags` and `version`. The rule, the values and the answer are recorded.
        force: Promote even if the gate fails, which is recorded.
        reason: Recorded with the event.
        expect: Where the alias must point now, None: it must not exist. Left out: wherever it points.

    Raises:
        GateFailedError: The gate does not hold; nothing was changed.
        RegistryConflictError: The alias points elsewhere than `expect` says.
        ModelNotFoundError: There is no such model or version.
        SearchError: The gate cannot be read.
    """
    return _registry().promote(
        name, version, to, gate=gate, force=force, reason=reason, expect=expect, by=config.load().author
    )


def rollback(name: str, alias: str = "champion", *, reason: str | None = None) -> ModelVersion:
    """Point an alias back at the version it pointed at before; a second time one further back.

    Deleted versions are passed over.

    Raises:
        ModelNotFoundError: There is no such model or alias, or nothing to go back to.
    """
    return _registry().rollback(name, alias, reason=reason, by=config.load().author)


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


def set_tag(name: str, version: int, key: str, value: str | None) -> ModelVersion:
    """Set a tag of a version; None removes it.

    Raises:
        ModelNotFoundError: There is no such model or version.
    """
    return _registry().set_tag(name, version, key, value, by=config.load().author)


def describe(name: str, version: int, text: str) -> ModelVersion:
    """Say what a version is.

    Raises:
        ModelNotFoundError: There is no such model or version.
    """
    return _registry().set_description(name, version, text, by=config.load().author)


def history(name: str) -> builtins.list[Event]:
    """Everything that happened to a model, oldest first: who did what when, also to deleted versions.

    Raises:
        ModelNotFoundError: There is no such model.
    """
    return _registry().history(name)


def diff(a: str, b: str) -> Any:
    """What differs between two models: `churn/3`, `churn@champion`, `run:<id>`.

    Returns:
        A `diffs.Diff`: `print(diff)` shows what differs, notebooks show it as tables, `diff.to_dict()` has all of it.

    Raises:
        ModelNotFoundError, RunNotFoundError: There is no such model.
    """
    return import_module("autotrack.diffs").diff(a, b)  # by name: it stands above


def verify(name: str | None = None) -> "Verified":
    """Check the history, the manifests and every byte of one model, or of all.

    Raises:
        ModelNotFoundError: There is no such model.
    """
    from autotrack.registry import verification

    return verification.verify(_store(), name)


def export(reference: str, path: str | os.PathLike[str]) -> Path:
    """Write a version into one file, for `import_file` in another store.

    Args:
        path: A new file, or a folder, in which it is called `churn-3.autotrack`.

    Raises:
        ModelNotFoundError: There is no such version.
        ModelCorruptedError: A part of its package is missing or was changed.
        DataError: The file exists already, or cannot be written.
    """
    from autotrack.registry import portable

    return portable.export(_store(), reference, path)


def import_file(path: str | os.PathLike[str], name: str | None = None) -> ModelVersion:
    """Register the version in a file that `export` wrote; one that is here already stays as it is.

    Who made it is as trusted, or not, as before: its seal comes with it.

    Args:
        name: What the model is to be called here. None: as it was.

    Raises:
        DataError: There is no such file, or it cannot be read.
        ModelCorruptedError: The file is not what `export` wrote; nothing was kept.
    """
    from autotrack.registry import portable

    settings = config.load()
    return portable.import_file(Store.open(settings.store, create=True), path, name, by=settings.author)


def _registry() -> Registry:
    return Registry(_store())


def _store() -> Store:
    return Store.open(config.load().store)
