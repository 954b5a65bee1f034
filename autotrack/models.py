"""Models by name: registered from runs or as they are, loaded back checked."""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from autotrack import config
from autotrack.errors import DataError, ModelCorruptedError, ModelNotFoundError, StoreError, nearest
from autotrack.process import author, get_run, reading_store, recorder_of
from autotrack.run import Run
from autotrack.run.best import Best
from autotrack.store import Store
from autotrack.types import ModelVersion

__all__ = ["load_model", "register_model"]


def register_model(
    run_or_model: Any,
    name: str,
    *,
    alias: str | None = None,
    tags: Mapping[str, Any] | None = None,
    description: str | None = None,
) -> ModelVersion:
    """Give a model a name and the next version number.

    Args:
        run_or_model: A run, its id, or a model itself. Of a study it is the model of the best trial.
        name: The registered model's name.
        alias: A movable name that this version gets, such as `champion`.

    Raises:
        ModelNotFoundError: The run has no model.
        ModelCorruptedError: A file of it is missing or was changed.
        InvalidNameError: A name cannot be used.
        ModelSaveError: The model cannot be turned into a package.
    """
    from autotrack.registry import Registry, check_new_names

    check_new_names(name, alias)
    store, manifest, run_id = _manifest_to_register(run_or_model)
    return Registry(store).register(
        name, manifest, run_id=run_id, alias=alias, tags=tags, description=description, by=author()
    )


def _manifest_to_register(run_or_model: Any) -> tuple[Store, str, str | None]:
    """The store, the SHA-256 of the manifest and the run of a run's model, or of a model kept for the purpose."""
    if isinstance(run_or_model, str):
        run_or_model = get_run(run_or_model)
    if isinstance(run_or_model, Best):
        run_or_model = run_or_model.run
    if isinstance(run_or_model, Run):
        run_or_model = _with_model(run_or_model)
        manifest = _manifest_of(run_or_model, None)
        _make_durable(run_or_model.store, manifest)
        return run_or_model.store, manifest, run_or_model.id
    from autotrack.model import pack

    store = recorder_of(config.load().store).buffer.store()
    package = pack(run_or_model)
    for content in package.files.values():
        store.blobs.put(content)
    return store, store.blobs.put(package.manifest), None


def _with_model(found: Run) -> Run:
    """The run itself; of a study, which has no model of its own, the best trial."""
    if found.models or found.params.get("directions") is None:
        return found
    with suppress(DataError):  # there is no best one: the study is said to have no model
        best: Run = found.best.run
        return best
    return found


def _manifest_of(found: Run, name: str | None) -> str:
    """The SHA-256 of the manifest of a run's model; None: of its `model`, or of its only one."""
    models = found.models
    if name is None and ("model" in models or len(models) == 1):
        name = "model" if "model" in models else next(iter(models))
    if name in models:
        return models[name]
    if models:
        raise ModelNotFoundError(
            f"Run {found.id} ({found.name}) has no model {name or 'model'!r}.{nearest(name or 'model', models)}\n"
            f"Expected one of: {', '.join(models)}. Name it as in: run:{found.id}/{next(iter(models))}",
            run_id=found.id,
        )
    raise ModelNotFoundError(
        f"Run {found.id} ({found.name}) has no model: {found.lacks.get('model', 'it recorded none')}.\n"
        "Expected a run with a model. Keep models with enable(log_models=True) or run.log_model(model).",
        run_id=found.id,
    )


def load_model(reference: str, *, trust: bool | str | None = None, module: Any = None) -> Any:
    """A model back, working and checked.

    Args:
        reference: `name` (its newest version), `name@alias`, `name/3`, `run:<id>`; also `models:/…` and `runs:/…`.
        trust: True, or `sha256:<package id>`: load a package that was not saved by this user.
        module: A torch module that takes the weights; no code of the package is run then.

    Raises:
        ModelNotFoundError, RunNotFoundError: There is no such model, version, alias or run.
        ModelCorruptedError: A file is not the one that was saved.
        UntrustedModelError: Somebody else saved it, and loading it would run their code.
    """
    from autotrack.model import unpack
    from autotrack.registry import Registry, parse

    wanted = parse(reference)
    store = reading_store()
    if wanted.run_id is not None:
        manifest = _manifest_of(_with_model(get_run(wanted.run_id)), wanted.artifact)
    else:
        manifest = Registry(store).resolve(wanted).manifest
    return unpack(_package_manifest(store, manifest), store.blobs.get, trust=trust, module=module)


def _make_durable(store: Store, manifest: str) -> None:
    """See to it that the whole package is here, unchanged, and survives a power cut: a fit does not wait for that."""
    from autotrack.model import Manifest

    data = _package_manifest(store, manifest)
    try:
        for file in Manifest.parse(data).files:
            store.blobs.put(store.blobs.get(file.sha256), durable=True)
    except StoreError as error:
        raise ModelCorruptedError(f"This model was not registered. {error}", manifest=manifest) from error
    store.blobs.put(data, durable=True)


def _package_manifest(store: Store, sha256: str) -> bytes:
    try:
        return store.blobs.get(sha256)
    except StoreError as error:
        raise ModelCorruptedError(f"The manifest of this model cannot be used. {error}", manifest=sha256) from error
