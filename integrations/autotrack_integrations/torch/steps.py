"""torch: which training a step belongs to.

Watches   the steps of every optimizer (register_optimizer_step_pre_hook and _post_hook, both public);
          Optimizer.__init__ (public): where it is made
Records   nothing itself: training.py does
Never     keeps an optimizer alive
Needs     torch >= 2.2

A training is what one optimizer does. Optimizers that step in turn for losses from different places are one training:
the discriminator and the generator of a GAN; so are those that step for the same loss. Those that step in turn for
losses from one place are compared with each other: a training each. So an optimizer that was made before another one
stepped first waits for a moment: the other one stepping again says that they belong together.
"""

import sys
import time
import weakref
from collections.abc import Callable
from types import FrameType
from typing import Any

from autotrack import run
from autotrack.guard import guard, guarded
from autotrack.hooks import Tap, creation
from autotrack_integrations.torch.here import Loss, here, user_frame
from autotrack_integrations.torch.training import Training

__all__ = ["StepWatch"]

_WAITS_STEPS = 16  # of an optimizer that may belong to the training of another one
_WAITS_S = 1.0


class _Known:
    """What is known of one optimizer."""

    __slots__ = ("created", "created_at", "is_first", "ref", "since", "training", "waiting")

    def __init__(self, optimizer: Any, created: Any, on_death: Callable[[Any], None]) -> None:
        self.ref = weakref.ref(optimizer, on_death)
        self.created = created
        self.created_at = time.perf_counter()
        self.training: Training | None = None
        self.is_first = True  # of its training's optimizers: its steps are the training's
        self.waiting: list[list[Loss]] | None = None  # steps it has made while it is not clear whose they are
        self.since = 0.0


class StepWatch:
    """The trainings of this process, by optimizer."""

    def __init__(self) -> None:
        from torch.optim import Optimizer
        from torch.optim.optimizer import register_optimizer_step_post_hook, register_optimizer_step_pre_hook

        self._known: dict[int, _Known] = {}
        self._is_compiling = _compiling()
        before = guarded("torch.steps", self._before_step)
        after = guarded("torch.steps", self._after_step)
        is_compiling = self._is_compiling

        def before_step(optimizer: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
            if not is_compiling():
                before(optimizer)

        def after_step(optimizer: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
            if not is_compiling():
                after(optimizer)

        self._undo: list[Callable[[], None]] = [
            register_optimizer_step_pre_hook(before_step).remove,
            register_optimizer_step_post_hook(after_step).remove,
            Tap(Optimizer, "__init__", after=self._hear_creation, skip=is_compiling).undo,
        ]

    def undo(self) -> None:
        """Watch no more. Trainings that go on are over for us."""
        for undo in self._undo:
            undo()
        for known in list(self._known.values()):
            if known.training is not None:
                with guard("torch.steps"):
                    known.training.finish()
        self._known.clear()
        here.forget()

    def _hear_creation(self, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self._remember(args[0], creation(user_frame(sys._getframe(2))))

    def _remember(self, optimizer: Any, created: Any) -> _Known:
        key = id(optimizer)
        known = self._known[key] = _Known(optimizer, created, lambda dead: self._forget(key, dead))
        return known

    def _forget(self, key: int, dead: Any) -> None:
        """In a callback of the garbage collector."""
        known = self._known.get(key)
        if known is not None and known.ref is dead:
            del self._known[key]
            if known.training is not None and known.is_first:
                known.training.finish_soon()

    # ---- steps

    def _before_step(self, optimizer: Any) -> None:
        if not run.is_recording():
            return
        frame = user_frame(sys._getframe(4))
        known = self._known.get(id(optimizer))
        if known is None or known.ref() is not optimizer:
            known = self._remember(optimizer, None)
        training = known.training
        if training is None:
            training = self._begin(known, optimizer, frame)
        here.stepping = training
        if known.is_first:
            training.before_step(frame, optimizer)

    def _after_step(self, optimizer: Any) -> None:
        training, here.stepping = here.stepping, None
        known = self._known.get(id(optimizer))
        if training is None or known is None:
            return
        losses, here.losses = here.losses, []
        here.judged.clear()
        if not known.is_first:
            training.after_step_of_other(losses)
            return
        before = here.training
        here.training = training
        if training.run is None:
            self._settle(known, training, before, losses)
            if known.training is not training or training.run is None:
                return
        elif before is not training:
            self._go_on(training, before)
        training.paths.update([loss.path for loss in losses])
        training.after_step(losses)

    def _begin(self, known: _Known, optimizer: Any, frame: FrameType | None) -> Training:
        """An optimizer's first step: a training of its own, as far as is known."""
        for other in self._trainings():
            if other.owns_parameters_of(optimizer):
                other.keep_last()
        known.training = Training(optimizer, frame, known.created)
        known.since = time.perf_counter()
        return known.training

    def _settle(self, known: _Known, training: Training, before: Training | None, losses: list[Loss]) -> None:
        """Whether it is a training of its own, or a part of the one that stepped before."""
        frame = user_frame(sys._getframe(5))
        if before is not None and before is not training and before.run is not None:
            if not losses:  # for the loss of the step before
                self._join(known, before, [])
                here.training = before
                return
            is_apart = known.created_at > before.began_at or any(loss.path in before.paths for loss in losses)
            if not is_apart and not before.has_ended:
                known.waiting = [losses]
                known.since = time.perf_counter()
                training.rival = before
                return
        if known.waiting is not None:
            known.waiting.append(losses)
            if len(known.waiting) < _WAITS_STEPS and time.perf_counter() - known.since < _WAITS_S:
                return
            earlier, known.waiting = known.waiting, None
            training.rival = None
            training.open(losses, frame)
            for each in earlier[:-1]:
                training.paths.update([loss.path for loss in each])
                training.after_step(each)
            return
        training.open(losses, frame)

    def _go_on(self, training: Training, before: Training | None) -> None:
        """A training steps again after others have: those that waited for it are a part of it."""
        training.reopen()
        for known in list(self._known.values()):
            other = known.training
            if other is not None and other.rival is training and known.waiting is not None:
                waited, known.waiting = known.waiting, None
                self._join(known, training, waited)

    def _join(self, known: _Known, training: Training, waited: list[list[Loss]]) -> None:
        joined, known.training, known.is_first = known.training, training, False
        training.is_adversarial = training.is_adversarial or bool(waited)
        if joined is not None:
            training.take(joined)
        for losses in waited:
            training.after_step_of_other(losses)

    def _trainings(self) -> list[Training]:
        return [known.training for known in list(self._known.values()) if known.training is not None]


def _compiling() -> Callable[[], bool]:
    import torch

    return torch.compiler.is_compiling
