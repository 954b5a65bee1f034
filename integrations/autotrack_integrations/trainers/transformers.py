"""Transformers: its Trainer. The training is recorded by the torch package.

Watches   Trainer.train, evaluate, predict and log (public)
Records   metrics   what it logs, as `val_accuracy` for `eval_accuracy`; not what the torch package knows
          params    TrainingArguments that are not as by default
Never     adds a callback; reads the model's configuration from the hub
Needs     transformers >= 4.40
"""

import dataclasses
from collections.abc import Generator, Mapping
from importlib import import_module
from typing import Any

from autotrack import run
from autotrack.hooks import Call, Patch, Tap
from autotrack_integrations.trainers import fits

__all__ = ["watch"]

_KNOWN = {"epoch", "grad_norm", "learning_rate", "loss", "num_input_tokens_seen", "total_flos", "train_loss"}
_TIMES = ("_runtime", "_per_second", "_compilation_time")
_PLACES = {"output_dir", "logging_dir", "run_name", "disable_tqdm", "report_to", "logging_steps", "hub_token"}


def watch() -> list[Patch | Tap]:
    """Start watching; the caller keeps the patches and calls undo() on each."""
    trainer = import_module("transformers.trainer").Trainer
    return [
        Patch(trainer, "train", watch_train),
        Patch(trainer, "evaluate", watch_evaluation),
        Patch(trainer, "predict", watch_evaluation),
        Tap(trainer, "log", before=_hear_log),
    ]


def watch_train(call: Call) -> Generator[None, None, None]:
    """All that steps in it is one training."""
    trainer = call.args[0]
    model = getattr(trainer, "model", None)
    fit = None if model is None else fits.begin(trainer, model, _epoch, _settings)
    if fit is None:
        return
    yield
    fits.end(fit, call.error)


def watch_evaluation(call: Call) -> Generator[None, None, None]:
    """It is of the training that the model was in."""
    with fits.evaluation(getattr(call.args[0], "model", None)):
        yield


def _epoch(trainer: Any) -> int:
    return int(trainer.state.epoch or 0)


def _settings(trainer: Any) -> Mapping[str, Any]:
    values, defaults = {}, {}
    for field in dataclasses.fields(trainer.args):
        if field.name not in _PLACES:
            values[field.name] = getattr(trainer.args, field.name, None)
            defaults[field.name] = field.default
    return fits.plain_settings(values, defaults)


def _hear_log(args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    trainer, logs = args[0], args[1] if len(args) > 1 else kwargs.get("logs")
    training = fits.training_of(getattr(trainer, "model", None))
    if training is None or not run.is_recording() or not isinstance(logs, dict):
        return
    values, found = {}, {}
    for name, value in logs.items():
        if name in _KNOWN or name.endswith(_TIMES) or type(value) not in (int, float):
            continue
        if name.startswith("eval_"):
            found[f"val_{name.removeprefix('eval_')}"] = float(value)
        else:
            values[name] = float(value)
    # The names under which its own callback writes the same to TensorBoard.
    training.own |= {f"eval/{name[5:]}" if name.startswith("eval_") else f"train/{name}" for name in logs}
    training.own |= {"train/epoch"}
    training.hear_metrics(values)
    training.hear_metrics(found, is_evaluation=True)
