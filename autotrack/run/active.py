"""Logging by hand into the run that is open in this thread or task: `autotrack.log_metric("loss", 0.3)`."""

import os
from collections.abc import Mapping
from typing import Any

from autotrack.errors import AutotrackError
from autotrack.run.current import active_run
from autotrack.run.run import Run

__all__ = [
    "log_artifact",
    "log_figure",
    "log_metric",
    "log_metrics",
    "log_model",
    "log_param",
    "log_params",
    "set_tag",
    "set_tags",
]


def log_param(key: str, value: Any) -> None:
    """Record one setting in the open run; see `Run.log_param`."""
    _active().log_param(key, value)


def log_params(params: Mapping[str, Any]) -> None:
    """Record some settings in the open run; see `Run.log_param`."""
    _active().log_params(params)


def log_metric(key: str, value: float, step: int | None = None, epoch: int | None = None) -> None:
    """Record one value of a metric in the open run; see `Run.log_metrics`."""
    _active().log_metric(key, value, step, epoch)


def log_metrics(metrics: Mapping[str, float], step: int | None = None, epoch: int | None = None) -> None:
    """Record the values of some metrics at one step of the open run; see `Run.log_metrics`."""
    _active().log_metrics(metrics, step, epoch)


def set_tag(key: str, value: Any) -> None:
    """Tag the open run."""
    _active().set_tag(key, value)


def set_tags(tags: Mapping[str, Any]) -> None:
    """Tag the open run."""
    _active().set_tags(tags)


def log_artifact(source: str | os.PathLike[str] | bytes, name: str | None = None) -> None:
    """Keep a file, the files of a folder, or bytes with the open run; see `Run.log_artifact`."""
    _active().log_artifact(source, name)


def log_figure(figure: Any, name: str) -> None:
    """Keep a picture with the open run; see `Run.log_figure`."""
    _active().log_figure(figure, name)


def log_model(model: Any, name: str = "model") -> None:
    """Keep a model with the open run; see `Run.log_model`."""
    _active().log_model(model, name)


def _active() -> Run:
    current = active_run()
    if current is None:
        raise AutotrackError(
            "No run is open here, so nothing was recorded.\n"
            "Expected a call inside `with autotrack.start_run():`. To add to the run of the last fit, use "
            "autotrack.last_run()."
        )
    return current
