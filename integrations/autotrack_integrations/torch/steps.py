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

import atexit
import sys
import time
import weakref
from collections.abc import Callable
from types import FrameType
from typing import Any

from autotrack import run
from autotrack.guard import guard, guarded
from autotrack.hooks import Tap, creation
from autotrack_integrations.torch.here import Checkpoint, Loss, here
from autotrack_integrations.torch.manual import Manual, optimizers_live
from autotrack_integrations.torch.places import Site, site_here, user_frame
from autotrack_integrations.torch.training import Training

__all__ = ["StepWatch"]

_WAITS_STEPS = 16  # of an optimizer that may belong to the training of another one
_WAITS_S = 1.0


class _Known:
    """What is known of one optimizer."""

    __slots__ = (
        "created",
        "created_at",
        "is_first",
        "is_silent",
        "loaded",
        "ref",
        "since",
        "site",
        "training",
        "waiting",
    )

    def __init__(self, optimizer: Any, created: Any, on_death: Callable[[Any], None]) -> None:
        self.ref = weakref.ref(optimizer, on_death)
        self.created = created
        self.created_at = time.perf_counter()
        self.site: Site | None = None  # where it steps
        self.loaded: Checkpoint | None = None  # whose state it goes on with
        self.training: Training | None = None
        self.is_first = True  # of its training's optimizers: its steps are the training's
        self.is_silent = False
        self.waiting: list[list[Loss]] | None = None  # steps it has made while it is not clear whose they are
        self.since = 0.0


class StepWatch:
    """The trainings of this process, by optimizer."""

    def __init__(self) -> None:
        from torch.optim import Optimizer
        from torch.optim.optimizer import register_optimizer_step_post_hook, register_optimizer_step_pre_hook

        self._known: dict[int, _Known] = {}
        self._begun: weakref.WeakSet[Training] = weakref.WeakSet()  # also those whose optimizer has died
        before = guarded("torch.steps", self._before_step)
        after = guarded("torch.steps", self._after_step)
        is_compiling = _compiling()

        def before_step(optimizer: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
            if not is_compiling():
                before(optimizer)

        def after_step(optimizer: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
            if not is_compiling():
                after(optimizer)

        self._undo: list[Callable[[], None]] = [
            register_optimizer_step_pre_hook(before_step).remove,
            register_optimizer_step_post_hook(after_step).remove,
        ]
        self.taps = [
            Tap(Optimizer, "__init__", after=self._hear_creation, skip=is_compiling),
            Tap(Optimizer, "load_state_dict", after=self._hear_loading, skip=is_compiling),
        ]
        self.codes = [before_step.__code__, after_step.__code__]
        self._manual: dict[int, tuple[Manual, _Known]] = {}  # by where backward is called
        run.settlers.append(self._settle)
        atexit.register(self._settle_at_exit)

    def undo(self) -> None:
        """Watch no more. Trainings that go on are over for us."""
        for undo in self._undo:
            undo()
        atexit.unregister(self._settle_at_exit)
        self._settle_at_exit()
        run.settlers.remove(self._settle)
        for training in list(self._begun):
            with guard("torch.steps"):
                training.leave()
        self._known.clear()
        here.forget()

    def _hear_creation(self, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self._remember(args[0], creation(user_frame(sys._getframe(2))))

    def _hear_loading(self, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        optimizer, state = args[0], args[1] if len(args) > 1 else kwargs.get("state_dict")
        known, loaded = self._known.get(id(optimizer)), here.now.loaded
        if known is None or known.ref() is not optimizer or known.training is not None:
            return
        known.loaded = loaded if loaded is not None and id(state) in loaded.parts else None

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
        known = self._known.get(id(optimizer))
        if known is None or known.ref() is not optimizer:
            known = self._remember(optimizer, None)
        site = known.site = site_here(known.site)
        frame = None if site is None else sys._getframe(site.frames - 1)
        training = known.training
        if (training is None or training.fit is not here.now.fit) and not known.is_silent:
            training = self._begin(known, optimizer, frame)
        here.now.stepping = training
        if training is not None and known.is_first:
            training.before_step(frame, optimizer)

    def _after_step(self, optimizer: Any) -> None:
        now = here.now
        training, now.stepping = now.stepping, None
        known = self._known.get(id(optimizer))
        losses, now.losses = now.losses, []
        now.judged.clear()
        if now.deferred:
            now.deferred.clear()
        if training is None or known is None:
            return
        if not known.is_first:
            training.after_step_of_other(losses)
            return
        before, now.training = now.training, training
        if training.run is None:
            self._find_place(known, training, before, losses)
            if known.training is not training or training.run is None:
                return
        elif before is not training:
            self._go_on(training, optimizer)
        for loss in losses:
            if loss.path not in training.paths:
                training.paths.add(loss.path)
        training.after_step(losses)

    def _begin(self, known: _Known, optimizer: Any, frame: FrameType | None) -> Training | None:
        """An optimizer's first step: a training of its own, as far as is known; None where another rank records it."""
        if run.is_silent_rank():
            known.is_silent = True
            return None
        for other in self._trainings():
            if other.owns_parameters_of(optimizer):
                other.keep_last()
        if known.training is not None:  # in another loop of a library, or before one
            known.training.finish()
        known.training = Training(optimizer, frame, known.created, known.loaded)
        self._begun.add(known.training)
        known.loaded = None
        known.is_first, known.waiting = True, None
        known.since = time.perf_counter()
        return known.training

    def _find_place(self, known: _Known, training: Training, before: Training | None, losses: list[Loss]) -> None:
        """Whether it is a training of its own, or a part of the one that stepped before."""
        frame = user_frame(sys._getframe(1))
        if before is not None and before is not training and before.run is not None:
            is_same_fit = training.fit is before.fit
            if is_same_fit and (training.fit is not None or not losses):  # without: for the loss of the step before
                self._join(known, before, [losses] if losses else [])
                here.now.training = before
                return
            is_apart = known.created_at > before.began_at or not is_same_fit
            is_apart = is_apart or any(loss.path in before.paths for loss in losses)
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
            self._replay(training, earlier[:-1])
            return
        if before is not None and before is not training and known.created_at > before.began_at:
            before.finish()  # it is over: this one was made after it had begun
        training.open(losses, frame)

    @staticmethod
    def _replay(training: Training, earlier: list[list[Loss]]) -> None:
        for losses in earlier:
            training.paths.update([loss.path for loss in losses])
            training.after_step(losses)

    def _go_on(self, training: Training, optimizer: Any) -> None:
        """A training steps again after others have: those that waited for it are a part of it."""
        training.reopen(optimizer, user_frame(sys._getframe(1)))
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

    # ---- without an optimizer

    def tick(self, root: Any, frame: FrameType | None) -> None:
        """Backward is about to run. Where no optimizer lives, that is a step of a training done by hand."""
        if self._known or frame is None or here.now.stepping is not None:
            return
        place = id(frame.f_code)
        entry = self._manual.get(place)
        if entry is None:
            if optimizers_live():
                return
            manual = Manual(root)
            entry = self._manual[place] = manual, _Known(manual, None, lambda _: None)
        manual, known = entry
        now = here.now
        training = known.training or (None if known.is_silent else self._begin(known, manual, frame))
        if training is None:
            return
        training.before_step(frame, manual)
        losses, now.losses = now.losses, []
        now.judged.clear()
        now.deferred.clear()
        now.training = training
        if training.run is None:
            training.open(losses, frame)
        training.after_step(losses)

    # ---- ends

    def _settle(self) -> None:
        """Somebody is about to read."""
        training = here.now.training
        if training is not None:
            training.settle()

    def _settle_at_exit(self) -> None:
        """The process ends: what waited for others waits no more."""
        for known in list(self._known.values()):
            if known.waiting is not None and known.training is not None:
                waited, known.waiting = known.waiting, None
                with guard("torch.steps"):
                    known.training.open([], None)
                    self._replay(known.training, waited)
        with guard("torch.steps"):
            self._settle()

    def _trainings(self) -> list[Training]:
        return [known.training for known in list(self._known.values()) if known.training is not None]


def _compiling() -> Callable[[], bool]:
    import torch

    return torch.compiler.is_compiling
