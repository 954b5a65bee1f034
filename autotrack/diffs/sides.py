"""One side of a diff: a registered version or the model of a run, with all that is known of it."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from autotrack.errors import ModelCorruptedError, StoreError
from autotrack.model.manifest import Manifest
from autotrack.models import manifest_of, package_manifest, with_model
from autotrack.process import get_run, reading_store
from autotrack.registry import Registry, parse
from autotrack.registry.facts import row_of_package
from autotrack.types import Row
from autotrack.values import last_metrics, params_of

__all__ = ["Side", "side_of"]


@dataclass(frozen=True)
class Side:
    """A model.

    Attributes:
        row: Of its run; where that is not here, what the package says of it.
        read: Gives the bytes of a file of the package by its SHA-256.
    """

    label: str
    row: Row
    manifest: Manifest
    read: Callable[[str], bytes]

    @property
    def params(self) -> dict[str, Any]:
        """With their types."""
        return params_of(self.row)

    @property
    def metrics(self) -> dict[str, float]:
        """The last value of each."""
        return last_metrics(self.row)

    @property
    def data(self) -> dict[str, Mapping[str, Any]]:
        """What is known of each array or frame it was trained or evaluated on."""
        return {name: json.loads(text) for name, text in self.row.get("data", {}).items()}

    @cached_property
    def process(self) -> dict[str, Any]:
        """The process record of its run: command line, git, packages; empty if it is not here."""
        sha256 = self.row.get("process")
        try:
            found = json.loads(self.read(sha256)) if sha256 else {}
        except (StoreError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}


def side_of(reference: str) -> Side:
    """The model that a reference means.

    Raises:
        ModelNotFoundError, RunNotFoundError: There is no such model.
        ModelCorruptedError: Its manifest cannot be used.
    """
    wanted, store = parse(reference), reading_store()
    if wanted.run_id is None:
        registry = Registry(store)
        version = registry.resolve(wanted)
        row, _ = registry.run_of(version)
        sha256, label = version.manifest, f"{version.name}/{version.version}"
    else:
        run = with_model(get_run(wanted.run_id))
        sha256, label = manifest_of(run, wanted.artifact), f"run:{run.id}"
        row = store.rows([run.id])[run.id]
    try:
        manifest = Manifest.parse(package_manifest(store, sha256))
    except ModelCorruptedError as error:
        raise ModelCorruptedError(f"{label} cannot be compared. {error}", reference=reference) from error
    return Side(label, row or row_of_package(manifest), manifest, store.blobs.get)
