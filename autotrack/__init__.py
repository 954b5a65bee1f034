"""autotrack: the experiment tracker that needs one line, or none.

    import autotrack
    autotrack.enable()          # from here every scikit-learn fit is on record

Importing it loads nothing but a part of the standard library; each name below is loaded when it is first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

__all__ = [
    "AutotrackError",
    "AutotrackWarning",
    "History",
    "ModelVersion",
    "Run",
    "Runs",
    "__version__",
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
    "registry",
    "search_runs",
    "set_tag",
    "set_tags",
    "sql",
    "start_run",
]

_HOMES = {  # where a name is loaded from, if not from autotrack.api
    "AutotrackError": "autotrack.errors",
    "AutotrackWarning": "autotrack.errors",
    "History": "autotrack.types",
    "ModelVersion": "autotrack.types",
    "Run": "autotrack.run",
    "Runs": "autotrack.query",
}

if TYPE_CHECKING:
    from autotrack import registry
    from autotrack.api import (
        active_run,
        disable,
        enable,
        export_model,
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
        sql,
        start_run,
    )
    from autotrack.errors import AutotrackError, AutotrackWarning
    from autotrack.query import Runs
    from autotrack.run import Run
    from autotrack.types import History, ModelVersion


def __getattr__(name: str) -> Any:
    if name == "registry":
        return import_module("autotrack.registry")
    if name not in __all__:
        raise AttributeError(f"module 'autotrack' has no attribute {name!r}")
    value = getattr(import_module(_HOMES.get(name, "autotrack.api")), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
