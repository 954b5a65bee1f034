"""Lightning: its Trainer, as `lightning.pytorch` and `pytorch_lightning`. The torch package records the training.

Watches   Trainer.fit, validate and test, Tuner.lr_find and scale_batch_size (public); Trainer._run_sanity_check and
          _LoggerConnector.log_metrics (private; Lightning 2.0 to 2.6)
Records   metrics   what is logged with `self.log`, under its own names, with or without a logger
          params    hyperparameters that were saved; of the Trainer, what is not as by default, as `trainer.max_epochs`
Never     takes the sanity check or the search for a learning rate for training; adds a callback or a logger
Needs     Lightning >= 2.0
"""

import inspect
from collections.abc import Generator, Mapping
from importlib import import_module
from typing import Any

from autotrack import run
from autotrack.hooks import Call, Patch, Tap
from autotrack.run.configs import flat
from autotrack_integrations.trainers import fits

__all__ = ["watch", "watch_old", "watch_old_tuner", "watch_tuner"]

_SETTINGS = (
    "accumulate_grad_batches",
    "check_val_every_n_epoch",
    "gradient_clip_algorithm",
    "gradient_clip_val",
    "limit_train_batches",
    "limit_val_batches",
    "max_epochs",
    "max_steps",
    "min_epochs",
    "overfit_batches",
    "precision",
    "val_check_interval",
)


def watch() -> list[Patch | Tap]:
    """Start watching `lightning.pytorch`; the caller keeps the patches and calls undo() on each."""
    return _watch("lightning.pytorch")


def watch_old() -> list[Patch | Tap]:
    """The same for `pytorch_lightning`."""
    return _watch("pytorch_lightning")


def watch_tuner() -> list[Patch]:
    """Start watching the Tuner of `lightning.pytorch`: what it tries is no training."""
    return _watch_tuner("lightning.pytorch")


def watch_old_tuner() -> list[Patch]:
    """The same for `pytorch_lightning`."""
    return _watch_tuner("pytorch_lightning")


def _watch(package: str) -> list[Patch | Tap]:
    trainer = import_module(f"{package}.trainer.trainer").Trainer
    connector = import_module(f"{package}.trainer.connectors.logger_connector.logger_connector")._LoggerConnector
    return [
        Patch(trainer, "fit", watch_fit),
        Patch(trainer, "validate", watch_evaluation),
        Patch(trainer, "test", watch_evaluation),
        Patch(trainer, "_run_sanity_check", unheard),
        Tap(connector, "log_metrics", before=_hear_metrics),
    ]


def _watch_tuner(package: str) -> list[Patch]:
    tuner = import_module(f"{package}.tuner.tuning").Tuner
    return [Patch(tuner, "lr_find", unheard), Patch(tuner, "scale_batch_size", unheard)]


def watch_fit(call: Call) -> Generator[None, None, None]:
    """All that steps in it is one training."""
    trainer, module = call.args[0], _unwrapped(call.argument(1, "model"))
    fit = None if module is None else fits.begin(trainer, module, _epoch, _settings)
    if fit is None:
        return
    yield
    fits.end(fit, call.error)


def watch_evaluation(call: Call) -> Generator[None, None, None]:
    """It is of the training that the module was in."""
    module = _unwrapped(call.argument(1, "model")) or getattr(call.args[0], "lightning_module", None)
    with fits.evaluation(module):
        yield


def unheard(call: Call) -> Generator[None, None, None]:
    """Nothing in it is on record."""
    with run.paused():
        yield


def _unwrapped(module: Any) -> Any:
    """The module itself, where it was compiled."""
    return getattr(module, "_orig_mod", module)


def _epoch(trainer: Any) -> int:
    return int(trainer.current_epoch)


def _settings(trainer: Any) -> Mapping[str, Any]:
    """Hyperparameters under their own names, those of the Trainer after its name."""
    found: dict[str, Any] = {}
    for owner in (getattr(trainer, "datamodule", None), trainer.lightning_module):
        found.update(flat(getattr(owner, "hparams", {})))
    defaults = {name: each.default for name, each in inspect.signature(type(trainer)).parameters.items()}
    values = {name: getattr(trainer, name, None) for name in _SETTINGS}
    usual = {"max_steps": -1, "limit_train_batches": 1.0, "limit_val_batches": 1.0, "precision": "32-true"}
    usual |= {"accumulate_grad_batches": 1, "check_val_every_n_epoch": 1, "overfit_batches": 0.0}
    usual |= {"min_epochs": 0, "val_check_interval": 1.0}
    changed = fits.plain_settings(values, {**defaults, **usual})
    return {**found, **{f"trainer.{name}": value for name, value in changed.items()}}


def _hear_metrics(args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    trainer = args[0].trainer
    metrics = args[1] if len(args) > 1 else kwargs.get("metrics")
    training = fits.training_of(trainer.lightning_module)
    if metrics and training is not None and run.is_recording():
        values = {name: value for name, value in metrics.items() if name not in ("epoch", "step")}
        training.own |= {"epoch", "step", "hp_metric"}  # which Lightning adds for its loggers
        training.hear_metrics(values, is_evaluation=bool(trainer.evaluating))
