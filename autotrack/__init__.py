"""autotrack: the experiment tracker that needs one line, or none.

    import autotrack
    autotrack.enable()          # from here every scikit-learn fit is on record

Importing it loads nothing but a part of the standard library; each name below is loaded when it is first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_HOMES = {
    "autotrack.api": (
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
        "start_run",
    ),
    "autotrack.run": ("Run",),
    "autotrack.query": ("Runs",),
    "autotrack.types": ("History", "ModelVersion"),
    "autotrack.errors": ("AutotrackError", "AutotrackWarning"),
}
_HOME = {name: module for module, names in _HOMES.items() for name in names}

__all__ = ["__version__", "registry", *_HOME]  # noqa: PLE0604  names of _HOMES

if TYPE_CHECKING:
    from autotrack import registry
    from autotrack.api import (
        active_run,
        disable,
        enable,
        get_run,
        last_run,
        load_model,
        log_artifact,
        log_figure,
        log_metric,
        log_metrics,
        log_model,
        log_param,
        log_params,
        paused,
        register_model,
        search_runs,
        set_tag,
        set_tags,
        start_run,
    )
    from autotrack.errors import AutotrackError, AutotrackWarning
    from autotrack.query import Runs
    from autotrack.run import Run
    from autotrack.types import History, ModelVersion


def __getattr__(name: str) -> Any:
    if name == "registry":
        return import_module("autotrack.registry")
    if name not in _HOME:
        raise AttributeError(f"module 'autotrack' has no attribute {name!r}")
    value = getattr(import_module(_HOME[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
