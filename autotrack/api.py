"""The public interface: puts the rooms together. The only file that knows every room; integrations only by name."""

import os
import sys
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autotrack import config, run
from autotrack.errors import (
    ConfigError,
    ModelCorruptedError,
    ModelNotFoundError,
    StoreError,
    StoreNotFoundError,
    nearest,
)
from autotrack.guard import guard
from autotrack.hooks import forget_import, on_import
from autotrack.names import check_name
from autotrack.run import Recorder, Run, active_run, last_run, paused
from autotrack.run.active import (
    log_artifact,
    log_figure,
    log_metric,
    log_metrics,
    log_model,
    log_param,
    log_params,
    set_tag,
    set_tags,
)
from autotrack.run.exits import forget_exit
from autotrack.run.inputs import tag_texts
from autotrack.store import Store
from autotrack.types import ModelVersion, Row

if TYPE_CHECKING:
    from autotrack.query import Runs

__all__ = [
    "active_run",
    "disable",
    "enable",
    "get_run",
    "last_run",
    "load_model",
    "log_artifact",
    "log_figure",
    "log_metric",
    "log_metrics",
    "log_model",
    "log_param",
    "log_params",
    "paused",
    "register_model",
    "search_runs",
    "set_tag",
    "set_tags",
    "sql",
    "start_run",
]

# Library: when one of these modules has been imported, this function of an integration starts watching.
LIBRARIES: dict[str, tuple[tuple[str, str], ...]] = {
    "sklearn": (
        ("sklearn.base", "autotrack_integrations.sklearn:watch"),
        ("sklearn.metrics", "autotrack_integrations.sklearn_metrics:watch"),
        ("sklearn.model_selection", "autotrack_integrations.sklearn_selection:watch"),
        ("joblib.parallel", "autotrack_integrations.joblib:watch"),
    ),
}

_lock = threading.RLock()
_is_enabled = False
_starters: "list[_Starter]" = []
_patches: list[Any] = []  # each has undo()
_recorders: dict[Path | str, Recorder] = {}


def enable(
    *,
    store: str | os.PathLike[str] | None = None,
    experiment: str | None = None,
    libraries: Sequence[str] | None = None,
    log_models: bool | None = None,
    tags: Mapping[str, Any] | None = None,
) -> None:
    """Record every training from here on. Imports none of the libraries it watches; enabling twice changes nothing.

    Args:
        store: Folder to record into; made when the first run starts. Default: the nearest `.autotrack` upward,
            else one in the project's root.
        experiment: Name of the group its runs belong to.
        libraries: Which libraries to watch, such as `["sklearn"]`. Default: all that are known.
        log_models: Whether to keep fitted models. Default: True.
        tags: Tags of every run.

    Raises:
        StoreError: The store's path is a file, or its format is too new for this version.
        ConfigError, InvalidNameError: A setting cannot be used.
    """
    global _is_enabled
    with _lock:
        given = {"store": store, "experiment": experiment, "libraries": libraries, "log_models": log_models}
        settings = config.load(given, anew=not _is_enabled)
        wanted = _known_libraries(settings.libraries)
        recorder = _record_into(settings)
        if tags is not None or not _is_enabled:
            recorder.tags = tag_texts(tags or {})
        if not _is_enabled:
            _is_enabled = True
            _watch(wanted)


def disable() -> None:
    """Record nothing more and leave every library as it was. Runs that are open stay open."""
    global _is_enabled
    with _lock:
        for starter in _starters:
            forget_import(starter)
        for patch in reversed(_patches):
            patch.undo()
        _starters.clear()
        _patches.clear()
        forget_exit()
        run.use(None)
        _is_enabled = False


def _watch(libraries: Sequence[str]) -> None:
    for library in libraries:
        for module, function in LIBRARIES[library]:
            starter = _Starter(function)
            _starters.append(starter)
            on_import(module, starter)


class _Starter:
    """Starts an integration, named as `module:function`, when its library is there."""

    def __init__(self, function: str) -> None:
        self.function = function

    def __call__(self) -> None:
        with guard(self.function):
            module, _, name = self.function.partition(":")
            _patches.extend(getattr(import_module(module), name)())


def _known_libraries(names: Sequence[str] | None) -> list[str]:
    for name in names or ():
        if name not in LIBRARIES:
            raise ConfigError(
                f"There is no integration for the library {name!r}.{nearest(name, LIBRARIES)}\n"
                f"Expected some of: {', '.join(LIBRARIES)}.",
                library=name,
            )
    return list(LIBRARIES if names is None else dict.fromkeys(names))


def _record_into(settings: config.Settings) -> Recorder:
    """Record into the store of these settings from here on."""
    if isinstance(settings.store, str):
        Store.to_record(settings.store)  # told now if the library for buckets is missing; nobody waits for a server
    else:
        with suppress(StoreNotFoundError):
            Store.open(settings.store)  # told now if it is a file or of a newer format; made when the first run starts
    recorder = _recorder_of(settings.store)
    recorder.experiment, recorder.log_models, recorder.author = (
        settings.experiment,
        settings.log_models,
        settings.author,
    )
    config.keep(settings)
    run.use(recorder)
    return recorder


def _recorder_of(store: Path | str) -> Recorder:
    """One recorder for each store a process writes to."""
    with _lock:
        if store not in _recorders:
            _recorders[store] = Recorder(store)
        return _recorders[store]


# ---- a run of one's own


def start_run(
    name: str | None = None,
    *,
    experiment: str | None = None,
    params: Mapping[str, Any] | None = None,
    tags: Mapping[str, Any] | None = None,
) -> Run:
    """Open a run; inside another one, a child of it. Best used as `with autotrack.start_run() as run:`.

    Args:
        name: What it is called. Default: the script's name.

    Raises:
        InvalidNameError: A name cannot be used.
        StoreError: The store's path is a file, or its format is too new for this version.
    """
    if run.recorder() is None:
        _record_into(config.load())
    if experiment is not None:
        check_name("experiment name", experiment)
    return run.start(name if name is not None else _script_name(), experiment=experiment, params=params, tags=tags)


def _script_name() -> str:
    return (Path(sys.argv[0]).stem if sys.argv and sys.argv[0] else "") or "run"


# ---- reading back


def get_run(id_or_unique_prefix: str) -> Run:
    """The run with this id, or the only one whose id starts so.

    Raises:
        RunNotFoundError, AmbiguousRunError: None, or several.
        StoreNotFoundError: There is no store yet.
    """
    from autotrack.query import resolve

    return _reopened(resolve(_reading_store(), id_or_unique_prefix))


def search_runs(
    where: str = "",
    *,
    experiment: str | None = None,
    order_by: str | Sequence[str] | None = None,
    limit: int | None = None,
) -> "Runs[Run]":
    """The runs for which a condition holds, newest first.

    Args:
        where: Such as `metrics.test_f1 > 0.9 and (params.C >= 1 or params.kernel = 'rbf')`.
        experiment: Only runs of this experiment.
        order_by: Such as `metrics.test_f1 desc`.
        limit: At most so many.

    Raises:
        SearchError: The condition or the order cannot be read; the message marks where.
    """
    from autotrack.query import Runs, search

    rows = search(_reading_store(), where, experiment=experiment, order_by=order_by, limit=limit)
    return Runs(rows, _reopened)


def sql(text: str) -> Any:
    """The answer to a SELECT over the views `runs` and `metrics`, live runs included, as a `pyarrow.Table`.

    Args:
        text: Such as `select name, params['C'], metrics['test_f1'] from runs`. The views have the columns of the
            store's tables.

    Raises:
        SearchError: It is not one SELECT, or DuckDB cannot run it.
        MissingLibraryError: DuckDB is not installed.
        StoreNotFoundError: There is no store yet.
    """
    from autotrack import query

    return query.sql(_reading_store(), text)


def _reading_store() -> Store:
    """The store that is read, with all in it that was logged here."""
    path = config.load().store
    if path in _recorders:
        _recorders[path].flush()
    return Store.open(path)


def _reopened(row: Row) -> Run:
    path = config.load().store
    return Run(row, lambda: _recorder_of(path))


# ---- models by name


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
        run_or_model: A run, its id, or a model itself.
        name: The registered model's name.
        alias: A movable name that this version gets, such as `champion`.

    Raises:
        ModelNotFoundError: The run has no model.
        InvalidNameError: A name cannot be used.
        ModelSaveError: The model cannot be turned into a package.
    """
    from autotrack.registry import Registry, check_new_names

    check_new_names(name, alias)
    store, manifest, run_id = _manifest_to_register(run_or_model)
    return Registry(store).register(
        name, manifest, run_id=run_id, alias=alias, tags=tags, description=description, by=_author()
    )


def _manifest_to_register(run_or_model: Any) -> tuple[Store, str, str | None]:
    """The store, the SHA-256 of the manifest and the run of a run's model, or of a model kept for the purpose."""
    if isinstance(run_or_model, str):
        run_or_model = get_run(run_or_model)
    if isinstance(run_or_model, Run):
        return run_or_model.store, _manifest_of(run_or_model, None), run_or_model.id
    from autotrack.model import pack

    store = _recorder_of(config.load().store).buffer.store()
    package = pack(run_or_model)
    for content in package.files.values():
        store.blobs.put(content)
    return store, store.blobs.put(package.manifest), None


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
    store = _reading_store()
    if wanted.run_id is not None:
        manifest = _manifest_of(get_run(wanted.run_id), wanted.artifact)
    else:
        manifest = Registry(store).resolve(wanted).manifest
    return unpack(_package_manifest(store, manifest), store.blobs.get, trust=trust, module=module)


def _package_manifest(store: Store, sha256: str) -> bytes:
    try:
        return store.blobs.get(sha256)
    except StoreError as error:
        raise ModelCorruptedError(f"The manifest of this model cannot be used. {error}", manifest=sha256) from error


def _author() -> str | None:
    recorder = run.recorder()
    return config.load().author or (recorder.process_fields().get("author") if recorder is not None else None)


# ---- doctor


def doctor() -> dict[str, Any]:
    """What autotrack finds on this machine: settings and their origins, the store, libraries, problems."""
    from autotrack.diagnosis import examine

    return examine(LIBRARIES)
