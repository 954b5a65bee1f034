"""Registering a model: the package of a run, or of a model as it is, becomes a version of a name.

What is registered is more than what a fit leaves: bound by its seal to the name, with its lineage (run, params,
metrics, data, code, author) and, where the format has one that holds this model, a form that is data only, which
others can load without trusting anybody.
"""

import json
import math
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from autotrack import config
from autotrack.errors import AutotrackError, ModelCorruptedError, ModelNotFoundError, StoreError
from autotrack.guard import guard
from autotrack.model.manifest import sha256
from autotrack.models import manifest_of, package_manifest, with_model
from autotrack.names import tag_texts
from autotrack.process import author, get_run, recorder_of
from autotrack.run import Run
from autotrack.run.best import Best
from autotrack.run.buffer import settle
from autotrack.store import Store
from autotrack.types import ModelVersion

if TYPE_CHECKING:
    from autotrack.model import Package
    from autotrack.registry import Registry

__all__ = ["register_model"]


def register_model(
    run_or_model: Any,
    name: str,
    *,
    alias: str | None = None,
    tags: Mapping[str, Any] | None = None,
    description: str | None = None,
    input_example: Any = None,
) -> ModelVersion:
    """Give a model a name and the next version number.

    Args:
        run_or_model: A run, its id, or a model itself, which is its run's if a run of this process has kept it and it
            has not changed since. Of a study it is the model of the best trial.
        name: The registered model's name.
        alias: A movable name that this version gets, such as `champion`.
        input_example: A few rows to call the model with. They become part of the package: mind what they say.

    Raises:
        ModelNotFoundError: The run has no model.
        ModelCorruptedError: A file of it is missing or was changed.
        UntrustedModelError: The package is not the one that its run kept.
        InvalidNameError: A name cannot be used.
        ModelSaveError: The model cannot be turned into a package.
        DataError: The input example cannot be kept, or the tags are not by their keys.
    """
    from autotrack.model.example import example_json
    from autotrack.registry import Registry, check_new_names

    check_new_names(name, alias)
    tag_texts(tags)  # told before any work, as what follows
    if input_example is not None:
        example_json(input_example)
    store, source, found = _source(run_or_model)
    registry = Registry(store)
    manifest = None
    if found is not None and input_example is None:
        manifest = _registered_before(registry, name, sha256(source), found)
    if manifest is None:
        manifest = _package(store, source, name, found, input_example)
    return registry.register(
        name,
        manifest,
        run_id=None if found is None else found.id,
        alias=alias,
        tags=tags,
        description=description,
        by=author(),
    )


def _source(run_or_model: Any) -> tuple[Store, bytes, Run | None]:
    """The store, the manifest and the run of a run's model, or of a model whose files are kept for the purpose."""
    from autotrack.model import pack

    if isinstance(run_or_model, str):
        run_or_model = get_run(run_or_model.removeprefix("run:"))
    if isinstance(run_or_model, Best):
        run_or_model = run_or_model.run
    if isinstance(run_or_model, Run):
        found = with_model(run_or_model)
        return _kept(found, manifest_of(found, None))
    package = pack(run_or_model)
    origin = _origin(run_or_model, package)
    if origin is not None:
        return _kept(*origin)
    store = recorder_of(config.load().store).buffer.store()
    _put_files(store, package)
    return store, package.manifest, None


def _kept(found: Run, manifest: str) -> tuple[Store, bytes, Run]:
    """The same of a model that a run keeps."""
    from autotrack.model import Manifest
    from autotrack.model.loading import check_place

    name = next(name for name, sha256 in found.models.items() if sha256 == manifest)
    data = _made_durable(found.store, manifest)
    check_place(Manifest.parse(data), (found.id, name), None)
    return found.store, data, found


def _origin(model: Any, package: "Package") -> tuple[Run, str] | None:
    """The run of this process that has kept this very model, file by file as it is now; and the manifest there."""
    from autotrack.model import Manifest
    from autotrack.model.origins import origins

    files = Manifest.parse(package.manifest).files
    settle()  # what is being trained keeps its model as it is now
    for run_id, name in origins(model):
        with suppress(AutotrackError):  # of another store, deleted, dropped as not among the best
            found = get_run(run_id)
            manifest = found.models.get(name)
            if manifest is not None and Manifest.parse(package_manifest(found.store, manifest)).files == files:
                return found, manifest
    return None


def _registered_before(registry: "Registry", name: str, source: str, found: Run) -> str | None:
    """The manifest of the version that was made of this very model of a run: it is not made again."""
    with suppress(ModelNotFoundError):
        for version in registry.versions(name):
            if version.run_id == found.id and _source_of(found.store, version.manifest) == source:
                return version.manifest
    return None


def _source_of(store: Store, manifest: str) -> str:
    """The SHA-256 of the manifest that a registered one was made of; its own where nothing was added."""
    content: dict[str, Any] = json.loads(package_manifest(store, manifest))
    return str(content.get("source") or manifest)


def _package(store: Store, source: bytes, name: str, found: Run | None, input_example: Any) -> str:
    """Keep the package as it is registered; the SHA-256 of its manifest."""
    from autotrack.model import extend
    from autotrack.model.example import FILE_NAME, example_json

    forms, facts = _data_only(store, source)
    facts |= {"source": None if found is None else sha256(source), "signature": _signature_of(input_example)}
    example = {} if input_example is None else {FILE_NAME: example_json(input_example)}
    lineage = {"author": author()} if found is None else _lineage(found)
    package = extend(source, registered_as=name, lineage=lineage, files={**forms, **example}, facts=facts)
    if package is None:  # somebody else's: it stays as they sealed it
        return store.blobs.put(source, durable=True)
    _put_files(store, package)
    return store.blobs.put(package.manifest, durable=True)


def _put_files(store: Store, package: "Package") -> None:
    from autotrack.model import Manifest

    for file in Manifest.parse(package.manifest).files:
        if file.path in package.files:  # of a registered one: those that were added
            store.blobs.put(package.files[file.path], file.sha256, durable=True)


def _signature_of(input_example: Any) -> dict[str, Any] | None:
    from autotrack.model import describe, signature_of

    return None if input_example is None else {"inputs": signature_of(describe(input_example)), "outputs": None}


def _data_only(store: Store, manifest: bytes) -> tuple[Mapping[str, bytes], dict[str, Any]]:
    """The files of the form that is data only, and what the manifest says of it; of others' packages nothing."""
    from autotrack.model import Manifest, formats, unpack

    flavor = Manifest.parse(manifest).flavor
    save: Any = getattr(formats.for_loading(flavor), "save_data_only", None)
    if save is None:
        return {}, {}
    files: Mapping[str, bytes] = {}
    reason = "it cannot be loaded here"
    with guard("data-only form of a model"):  # loading runs code of the user's
        try:
            files = save(unpack(manifest, store.blobs.read))
        except AutotrackError as error:
            reason = str(error).partition("\n")[0]
    return files, {"data_only": {"files": sorted(files)} if files else {"reason": reason}}


def _lineage(found: Run) -> dict[str, Any]:
    """What the model was made of, as far as its run knows."""
    git = found.code.get("git") or {}
    return {
        "run": {"id": found.id, "name": found.name, "experiment": found.experiment},
        "started_at": found.started_at.isoformat(),
        "author": found.author,
        "params": {key: _strict(value) for key, value in found.params.items()},
        "metrics": {key: _strict(value) for key, value in found.metrics.items()},
        "data": {name: _without_columns(facts) for name, facts in found.data.items()},
        "git": {key: git[key] for key in ("commit", "branch", "dirty", "remote") if key in git},
    }


def _strict(value: Any) -> Any:
    """A value as JSON that every reader takes: it has no NaN and no infinity."""
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


def _without_columns(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Of a data set what tells it from others: its columns stand in the signature."""
    return {key: value for key, value in facts.items() if key not in ("names", "dtypes")}


def _made_durable(store: Store, manifest: str) -> bytes:
    """The manifest, once the whole package is here and survives a power cut: a fit does not wait for that."""
    from autotrack.model import Manifest

    data = package_manifest(store, manifest)
    try:
        for file in Manifest.parse(data).files:
            store.blobs.put(store.blobs.get(file.sha256), file.sha256, durable=True)
    except StoreError as error:
        raise ModelCorruptedError(f"This model was not registered. {error}", manifest=manifest) from error
    store.blobs.put(data, durable=True)
    return data
