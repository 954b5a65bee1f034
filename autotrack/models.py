"""Models by reference, back from the store: checked, and only if whoever made them is trusted."""

import os
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from autotrack.errors import (
    ConfigError,
    DataError,
    ModelCorruptedError,
    ModelNotFoundError,
    ModelSaveError,
    StoreError,
    nearest,
)
from autotrack.guard import tell_once
from autotrack.process import get_run, reading_store
from autotrack.run import Run
from autotrack.store import Store

if TYPE_CHECKING:
    from autotrack.registry.registry import Moment

__all__ = ["Found", "export_model", "find_package", "load_model", "manifest_of", "package_manifest", "with_model"]


def load_model(
    reference: str | os.PathLike[str],
    *,
    trust: bool | str | None = None,
    module: Any = None,
    validate: Literal["error", "warn"] | None = None,
    as_of: "Moment | None" = None,
) -> Any:
    """A model back, working and checked.

    Args:
        reference: `name` (its newest version), `name@alias`, `name/3`, `run:<id>`; also `models:/…` and `runs:/…`. A
            `Path` means a package that was exported as a folder.
        trust: True, or `sha256:<package id>`: load a package that was not saved by this user.
        module: A torch module that takes the weights; no code of the package is run then.
        validate: Give the model in a wrapper that checks what is given to `predict` and the like: `error` raises a
            SignatureError where it does not fit what the model was trained on, `warn` tells it. None: the model itself.
            Of a model without a known signature (a torch module, one registered as it is) `input_example=` makes one.
        as_of: What the reference to a registered model meant at this moment: a datetime, or a text such as 2026-05-03.

    Raises:
        ModelNotFoundError, RunNotFoundError: There is no such model, version, alias or run.
        ModelCorruptedError: A file is not the one that was saved.
        UntrustedModelError: Somebody else saved it, and loading it would run their code.
    """
    if validate not in ("error", "warn", None):
        raise ConfigError(f"Invalid validate={validate!r}.\nExpected 'error', 'warn' or None.")
    if isinstance(reference, os.PathLike):
        from autotrack.model.folder import load_folder, read_manifest

        manifest = read_manifest(reference)
        model = load_folder(reference, trust=trust, module=module)
    else:
        from autotrack.model import unpack

        found = find_package(reference, as_of)
        manifest = package_manifest(found.store, found.manifest)
        model = unpack(
            manifest,
            found.store.blobs.read,
            trust=trust,
            module=module,
            run=None if found.run_id is None or found.registered_as else (found.run_id, found.name),
            registered_as=found.registered_as,
        )
    return model if validate is None else _checked(model, manifest, validate)


def _checked(model: Any, manifest: bytes, validate: Literal["error", "warn"]) -> Any:
    from autotrack.model import Manifest
    from autotrack.model.checked import CheckedModel

    parsed = Manifest.parse(manifest)
    if not (parsed.signature or {}).get("inputs"):
        tell_once(
            f"model.unchecked:{parsed.id}",
            f"What is given to the model {parsed.model_class} is not checked: its signature is not known. "
            "Register it with input_example= for that, as in register_model(model, name, input_example=X[:3])",
        )
    return CheckedModel(model, parsed.signature, validate)


def export_model(reference: str, path: str | os.PathLike[str]) -> Path:
    """Write a model as a folder of plain files, which `load_model(Path(folder))` and MLflow load.

    Args:
        reference: As for `load_model`.
        path: A new or empty folder. A name that ends with `.pt2`: of a torch model its `torch.export` program, traced
            with the input example it was registered with; autotrack never loads such a file.

    Raises:
        ModelNotFoundError, RunNotFoundError: There is no such model, version, alias or run.
        ModelCorruptedError: A file is not the one that was saved.
        ModelSaveError: There is something at the path already, or the model has no such form.
        DataError: There is no input example to trace it with.
    """
    from autotrack.model import materialise

    found = find_package(reference)
    manifest = package_manifest(found.store, found.manifest)
    if os.fspath(path).endswith(".pt2"):
        return _export_program(reference, manifest, found.store, Path(path))
    return materialise(manifest, found.store.blobs.read, path)


def _export_program(reference: str, manifest: bytes, store: Store, path: Path) -> Path:
    from autotrack.model import Manifest, example

    parsed = Manifest.parse(manifest)
    if parsed.flavor != "torch":
        raise ModelSaveError(
            f"{reference!r} is a {parsed.model_class}, which torch.export does not take.\n"
            "Expected a torch module. Export the model as a folder: a path that does not end with .pt2."
        )
    files = {file.path: file.sha256 for file in parsed.files}
    inputs = store.blobs.get(files[example.FILE_NAME]) if example.FILE_NAME in files else None
    exported = import_module("autotrack_integrations.torch.exported")
    data: bytes = exported.export(load_model(reference), inputs)
    try:
        with path.open("xb") as file:
            file.write(data)
    except FileExistsError:
        raise ModelSaveError(f"{str(path)!r} exists already.\nExpected the name of a new file.") from None
    except OSError as error:
        raise ModelSaveError(
            f"{str(path)!r} cannot be written: {error.strerror or error}.\n"
            "Expected a new file, in a folder that is there and can be written to. Choose another place."
        ) from error
    return path


@dataclass(frozen=True)
class Found:
    """Where the package that a reference means was found.

    Attributes:
        manifest: SHA-256 of its manifest.
        run_id: The run whose model it is, if there is one.
        name: What the model is called there.
        registered_as: The registered name, if that was the way to it.
        version: And its number.
    """

    store: Store
    manifest: str
    run_id: str | None
    name: str = "model"
    registered_as: str | None = None
    version: int | None = None


def find_package(reference: str, as_of: "Moment | None" = None) -> Found:
    """The package that a reference means, or meant at some moment; it is not looked into.

    Raises:
        ModelNotFoundError, RunNotFoundError: There is no such model, version, alias or run.
    """
    from autotrack.registry import Registry, parse

    wanted = parse(reference)
    store = reading_store()
    if wanted.run_id is None:
        version = Registry(store).resolve(wanted, as_of=as_of)
        return Found(store, version.manifest, version.run_id, registered_as=version.name, version=version.version)
    found = with_model(get_run(wanted.run_id))
    manifest = manifest_of(found, wanted.artifact)
    name = next(name for name, sha256 in found.models.items() if sha256 == manifest)
    return Found(store, manifest, found.id, name)


def with_model(found: Run) -> Run:
    """The run itself; of a study, which has no model of its own, the best trial."""
    if found.models or found.params.get("directions") is None:
        return found
    with suppress(DataError):  # there is no best one: the study is said to have no model
        best: Run = found.best.run
        return best
    return found


def manifest_of(found: Run, name: str | None) -> str:
    """The SHA-256 of the manifest of a run's model; None: of its `model`, or of its only one.

    Raises:
        ModelNotFoundError: It has none, or several and none is called `model`.
    """
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
    why = "the search had refit=False" if found.params.get("refit") is False else "it recorded none"
    raise ModelNotFoundError(
        f"Run {found.id} ({found.name}) has no model: {found.lacks.get('model', why)}.\n"
        "Expected a run with a model. Keep models with enable(log_models=True) or run.log_model(model).",
        run_id=found.id,
    )


def package_manifest(store: Store, sha256: str) -> bytes:
    """The manifest of a package in a store.

    Raises:
        ModelCorruptedError: It is not there, or was changed.
    """
    from autotrack.model.manifest import MOST_BYTES

    try:
        return store.blobs.get(sha256, most_bytes=MOST_BYTES)
    except StoreError as error:
        raise ModelCorruptedError(f"The manifest of this model cannot be used. {error}", manifest=sha256) from error
