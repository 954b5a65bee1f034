"""The public interface: puts the rooms together. The only file that knows every room; integrations only by name."""

import os
import sys
import threading
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autotrack import config, run
from autotrack.entry_points import entry_points
from autotrack.errors import ConfigError, nearest
from autotrack.guard import guard
from autotrack.hooks import forget_import, on_import
from autotrack.models import export_model, load_model
from autotrack.names import check_name
from autotrack.process import get_run, reading_store, record_into, reopened
from autotrack.registration import register_model
from autotrack.run import Run, active_run, last_run, paused
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

if TYPE_CHECKING:
    from autotrack.query import Runs

__all__ = [
    "active_run",
    "disable",
    "enable",
    "export_model",
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
        ("sklearn.base", "autotrack_integrations.sklearn.estimators:watch"),
        ("sklearn.base", "autotrack_integrations.sklearn.shown_warnings:watch"),
        ("sklearn.base", "autotrack_integrations.sklearn.search:watch"),
        ("sklearn.metrics", "autotrack_integrations.sklearn.metrics:watch"),
        ("sklearn.calibration", "autotrack_integrations.sklearn.metrics:watch_calibration"),
        ("sklearn.model_selection", "autotrack_integrations.sklearn.selection:watch"),
        ("sklearn.inspection", "autotrack_integrations.sklearn.inspection:watch"),
        ("catboost", "autotrack_integrations.sklearn.estimators:watch_catboost"),
        ("optuna_integration.sklearn.sklearn", "autotrack_integrations.sklearn.optuna_search:watch"),
        ("joblib.parallel", "autotrack_integrations.joblib:watch"),
    ),
    "torch": (
        ("torch", "autotrack_integrations.torch.watch:watch"),
        ("lightning.pytorch.trainer.trainer", "autotrack_integrations.trainers.lightning:watch"),
        ("lightning.pytorch.tuner.tuning", "autotrack_integrations.trainers.lightning:watch_tuner"),
        ("pytorch_lightning.trainer.trainer", "autotrack_integrations.trainers.lightning:watch_old"),
        ("pytorch_lightning.tuner.tuning", "autotrack_integrations.trainers.lightning:watch_old_tuner"),
        ("transformers.trainer", "autotrack_integrations.trainers.transformers:watch"),
        ("ignite.engine", "autotrack_integrations.trainers.ignite:watch"),
        ("accelerate.accelerator", "autotrack_integrations.trainers.accelerate:watch"),
    ),
    "optuna": (("optuna", "autotrack_integrations.optuna.watch:watch"),),
    "hyperopt": (("hyperopt", "autotrack_integrations.searches.hyperopt:watch"),),
    "ray": (
        ("ray.tune", "autotrack_integrations.searches.ray_tune:watch"),
        ("ray.tune", "autotrack_integrations.searches.ray_worker:watch"),
    ),
    "script": (  # what a script says of itself, whatever it trains with
        ("argparse", "autotrack_integrations.script.settings:watch_argparse"),
        ("click", "autotrack_integrations.script.settings:watch_click"),
        ("fire.core", "autotrack_integrations.script.settings:watch_fire"),
        ("hydra._internal.callbacks", "autotrack_integrations.script.settings:watch_hydra"),
        ("torch.utils.tensorboard.writer", "autotrack_integrations.script.said:watch_tensorboard"),
        ("tensorboardX.writer", "autotrack_integrations.script.said:watch_tensorboardx"),
        ("torchmetrics", "autotrack_integrations.script.said:watch_torchmetrics"),
        ("tqdm.std", "autotrack_integrations.script.said:watch_tqdm"),
        ("torch", "autotrack_integrations.script.screen:watch_print"),
    ),
    "processes": (
        ("multiprocessing.process", "autotrack_integrations.processes:watch"),
        (
            "torch.distributed.elastic.multiprocessing.subprocess_handler.subprocess_handler",
            "autotrack_integrations.processes:watch_launcher",
        ),
    ),
}

_BESIDE_LIBRARIES = ("script", "processes")  # what is watched that is no library

_lock = threading.RLock()
_is_enabled = False
_starters: "list[_Starter]" = []
_patches: list[Any] = []  # each has undo()


def enable(
    *,
    store: str | os.PathLike[str] | None = None,
    experiment: str | None = None,
    libraries: Sequence[str] | None = None,
    log_models: bool | None = None,
    leave_out: Sequence[str] | None = None,
    monitor: str | None = None,
    keep_models: str | int | None = None,
    tags: Mapping[str, Any] | None = None,
) -> None:
    """Record every training from here on. Imports none of the libraries it watches; enabling twice changes nothing.

    Args:
        store: Folder to record into; made when the first run starts. Default: the nearest `.autotrack` upward,
            else one in the project's root.
        experiment: Name of the group its runs belong to.
        libraries: Which libraries to watch, such as `["sklearn"]`. Default: all that are known.
        log_models: Whether to keep fitted models. Default: True.
        leave_out: Parts not to record: some of train_metrics, later_metrics, tables, curves, candidates,
            fingerprints, warnings. Default: none.
        monitor: The metric by which the best weights of a PyTorch training are chosen, such as `val_accuracy`.
            Default: `val_loss`, or without one `train_loss_epoch`.
        keep_models: Of which trials of a study the models are kept: `"best"`, `"all"`, or of so many of the best
            ones; the others are dropped while it runs. Default: 3.
        tags: Tags of every run.

    Raises:
        StoreError: The store's path is a file, or its format is too new for this version.
        ConfigError, InvalidNameError: A setting cannot be used.
    """
    global _is_enabled
    with _lock:
        given: dict[str, Any] = {
            "store": store,
            "experiment": experiment,
            "libraries": libraries,
            "log_models": log_models,
        }
        given.update(leave_out=leave_out, monitor=monitor, keep_models=keep_models)
        settings = config.load(given, anew=not _is_enabled)
        wanted = _known_libraries(settings.libraries)
        recorder = record_into(settings)
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
    known = _integrations()
    for library in libraries:
        for module, function in known[library]:
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


def _integrations() -> Mapping[str, tuple[tuple[str, str], ...]]:
    """Ours, and those of other distributions: `library = "module:function"`; the function is `watch` by default."""
    others = entry_points("autotrack.integrations")
    functions = {name: path if ":" in path else f"{path}:watch" for name, path in others.items()}
    return {name: ((name, function),) for name, function in functions.items()} | LIBRARIES


def _known_libraries(names: Sequence[str] | None) -> list[str]:
    known = _integrations()
    for name in names or ():
        if name not in known:
            raise ConfigError(
                f"There is no integration for the library {name!r}.{nearest(name, known)}\n"
                f"Expected some of: {', '.join(known)}.",
                library=name,
            )
    return list(known if names is None else dict.fromkeys(names))


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
        record_into(config.load())
    if experiment is not None:
        check_name("experiment name", experiment)
    return run.start(name if name is not None else _script_name(), experiment=experiment, params=params, tags=tags)


def _script_name() -> str:
    return (Path(sys.argv[0]).stem if sys.argv and sys.argv[0] else "") or "run"


# ---- reading back


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

    rows = search(reading_store(), where, experiment=experiment, order_by=order_by, limit=limit)
    return Runs(rows, reopened)


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

    return query.sql(reading_store(), text)


# ---- doctor


def doctor() -> dict[str, Any]:
    """What autotrack finds on this machine: settings and their origins, the store, libraries, problems."""
    from autotrack.diagnosis import examine

    return examine([name for name in _integrations() if name not in _BESIDE_LIBRARIES])
