"""Ignite: engines. The training is recorded by the torch package.

Watches   Engine.run (public)
Records   metrics   those of an evaluating engine, as `val_accuracy`: the word is that of the data it runs on
Never     adds a handler; ends a run that the engine may go on with
Needs     ignite >= 0.4.10
"""

import re
import sys
import weakref
from collections.abc import Generator, Mapping
from importlib import import_module
from typing import Any

from autotrack import run
from autotrack.hooks import Call, Patch, argument_names
from autotrack_integrations.torch.here import Fit, here
from autotrack_integrations.torch.places import user_frame
from autotrack_integrations.trainers import fits

__all__ = ["watch"]

_engines: "weakref.WeakKeyDictionary[Any, Fit]" = weakref.WeakKeyDictionary()
_WORDS = {"test": "test", "train": "train_eval", "holdout": "holdout"}


def watch() -> list[Patch]:
    """Start watching; the caller keeps the patches and calls undo() on each."""
    return [Patch(import_module("ignite.engine").Engine, "run", watch_run)]


def watch_run(call: Call) -> Generator[None, None, None]:
    """The outermost engine is one training, if anything steps in it; the others evaluate."""
    engine, frame = call.args[0], user_frame(sys._getframe(1))
    word = _word(argument_names(frame)) if frame is not None else "val"
    again = _engines.get(engine) if _goes_on(engine, call.argument(2, "max_epochs")) else None
    fit = fits.begin(engine, None, _epoch, _settings, again)
    if fit is not None:
        _engines[engine] = fit
    yield
    training = here.now.training
    is_evaluation = call.error is None and (fit is None or fit.training is None)
    if training is not None and is_evaluation and run.is_recording():
        training.hear_metrics(_named(engine.state.metrics, word), is_evaluation=True)
    if fit is not None:
        fits.end(fit, call.error, may_go_on=True)


def _goes_on(engine: Any, max_epochs: Any) -> bool:
    """Whether this run takes up where the last one of the engine ended."""
    state = engine.state
    return bool(state.epoch) and (max_epochs or state.max_epochs or 0) > state.epoch


def _epoch(engine: Any) -> int:
    return max(0, int(engine.state.epoch) - 1)


def _settings(engine: Any) -> Mapping[str, Any]:
    return {"max_epochs": engine.state.max_epochs} if engine.state.max_epochs else {}


def _word(names: tuple[str, ...]) -> str:
    found = (_WORDS.get(word) for name in names for word in re.findall("[a-z]+", name.lower()))
    return next(filter(None, found), "val")


def _named(metrics: Mapping[str, Any], word: str) -> dict[str, float]:
    values = {name: value for name, value in metrics.items() if type(value) in (int, float)}
    return {name if name.startswith(f"{word}_") else f"{word}_{name}": float(value) for name, value in values.items()}
