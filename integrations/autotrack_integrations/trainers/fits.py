"""Loops of libraries: all that steps in one is one training, which ends with it; evaluations of its model are its own.

Watches   nothing; the modules of the libraries say when a loop begins and ends
Records   nothing itself
Never     keeps a library's trainer, model or optimizer alive once its loop is over
Needs     torch >= 2.2
"""

import weakref
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from autotrack import run
from autotrack_integrations.torch.here import Fit, here
from autotrack_integrations.torch.training import Training

__all__ = ["begin", "end", "evaluation", "plain_settings", "training_of"]

_PLAIN = (bool, int, float, str)
_fits: "weakref.WeakKeyDictionary[Any, Fit]" = weakref.WeakKeyDictionary()  # by model: the last one of each


def begin(
    trainer: Any,
    model: Any,
    epoch: Callable[[Any], int | None],
    settings: Callable[[Any], Mapping[str, Any]],
    again: Fit | None = None,
) -> Fit | None:
    """A library's loop begins; None: it is inside another one, or nothing is recorded.

    Args:
        model: What is trained; None: it is looked for.
        epoch: The trainer's epoch now, from 0.
        settings: What the trainer was set to.
        again: The loop that goes on, where it is no new one.
    """
    if here.now.fit is not None or not run.is_recording():
        return None
    ref = weakref.ref(trainer)

    def epoch_now() -> int | None:
        living = ref()
        return None if living is None else epoch(living)

    def settings_now() -> Mapping[str, Any]:
        living = ref()
        return {} if living is None else settings(living)

    here.now.criterion = here.now.autocast = ""  # of a training before
    fit = here.now.fit = again or Fit(model, epoch_now, settings_now)
    if model is not None:
        _fits[model] = fit
    return fit


def end(fit: Fit, error: BaseException | None, *, may_go_on: bool = False) -> None:
    """It is over, finished or failed. In a run of the user's, the run goes on."""
    if here.now.fit is fit:
        here.now.fit = None
    fit.root = None
    training = fit.training
    if training is None:
        return
    if error is not None:
        training.fail(error)
    training.settle()
    training.keep_last()  # the best weights may be loaded into the model before it is tested
    if error is not None or not may_go_on:
        training.finish()


def training_of(model: Any) -> Training | None:
    """The training that a model was in last, or is in."""
    try:
        fit = _fits.get(model)
    except TypeError:  # no weak reference to it
        return None
    return None if fit is None else fit.training


@contextmanager
def evaluation(model: Any) -> Iterator[None]:
    """A library evaluates a model, by itself or in its loop: that is one evaluation, of the training of this model.

    A model that was not trained here is not evaluated for any training: nothing is recorded.
    """
    now = here.now
    if now.fit is not None:
        if now.fit.training is not None:
            now.fit.training.end_evaluations(is_over=False)
        yield
        return
    training = training_of(model)
    if training is None:
        with run.paused():
            yield
        return
    before, now.training = now.training, training
    try:
        training.end_evaluations(is_over=True)
        yield
        training.settle()
    finally:
        now.training = before


def plain_settings(values: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
    """Those that are plain values and not what they are by default; a member of an enumeration as its value."""
    found: dict[str, Any] = {}
    for name, value in values.items():
        default = defaults.get(name)
        plain, usual = (getattr(each, "value", each) for each in (value, default))
        if type(plain) in _PLAIN and (type(plain) is not type(usual) or plain != usual):
            found[name] = plain
    return found
