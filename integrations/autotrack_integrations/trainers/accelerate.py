"""Accelerate: what a script logs and sets through it. Its loops are the user's own: the torch package records them.

Watches   Accelerator.log and init_trackers (public)
Records   metrics   what is logged, under its own names, with or without trackers
          params    the configuration that trackers are given
Never     starts a tracker
Needs     accelerate >= 0.20
"""

from importlib import import_module
from typing import Any

from autotrack import run
from autotrack.hooks import Tap
from autotrack.run import heard
from autotrack_integrations.torch.here import here

__all__ = ["watch"]


def watch() -> list[Tap]:
    """Start watching; the caller keeps the taps and calls undo() on each."""
    accelerator = import_module("accelerate.accelerator").Accelerator
    return [
        Tap(accelerator, "log", before=_hear_log),
        Tap(accelerator, "init_trackers", before=_hear_config),
    ]


def _hear_log(args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    import torch

    values = args[1] if len(args) > 1 else kwargs.get("values")
    training = here.now.training
    if training is None or not run.is_recording() or not isinstance(values, dict):
        return
    training = training.rival or training
    found = {
        name: float(value) if type(value) is int else value
        for name, value in values.items()
        if type(value) in (int, float) or (isinstance(value, torch.Tensor) and value.numel() == 1)
    }
    found = {name: value for name, value in found.items() if name not in ("epoch", "step")}
    of_evaluation = {name: value for name, value in found.items() if name.lower().startswith(("val", "test", "eval"))}
    training.hear_metrics({name: value for name, value in found.items() if name not in of_evaluation})
    training.hear_metrics(of_evaluation, is_evaluation=True)


def _hear_config(args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    config = args[2] if len(args) > 2 else kwargs.get("config")
    if isinstance(config, dict):
        heard.hear_settings(config)
