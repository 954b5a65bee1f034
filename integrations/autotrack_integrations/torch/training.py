"""torch: the record of one training, from its first step to its end.

Watches   nothing; steps.py tells of each step, evaluation.py of what was evaluated, loaders.py of the batches
Records   metrics   train_loss and lr per step, each loss under its own name where there are several, train_loss_epoch,
                    train_accuracy, samples_per_s and data_wait_share per epoch; those of each evaluation
          params    settings.py
          models    weights.py
          tags      trouble: where the loss stopped being a number, and what the lr and the gradients were before
Never     waits for a device between two epochs; does more in a step than to note it down
Needs     torch >= 2.2

A step is a step of the optimizer that stepped first; others that belong to the training step along with it.
"""

import math
import threading
import time
import weakref
from collections.abc import Mapping
from types import FrameType
from typing import Any

from autotrack import run
from autotrack.guard import guard
from autotrack.hooks import EpochReader
from autotrack.run.buffer import now_us
from autotrack_integrations.torch.epoch import Epoch
from autotrack_integrations.torch.evaluation import Evaluation, admit_unreached, name_evaluations, read_all
from autotrack_integrations.torch.here import Checkpoint, Loss, here
from autotrack_integrations.torch.notes import Notes
from autotrack_integrations.torch.places import Path
from autotrack_integrations.torch.scores import plain
from autotrack_integrations.torch.settings import record_joined, record_settings
from autotrack_integrations.torch.told import Told
from autotrack_integrations.torch.unseen import unseen
from autotrack_integrations.torch.weights import Weights

__all__ = ["Training"]


class Training:
    """A training and its run.

    Attributes:
        run: Its run; None until it is clear that it is a training of its own.
        fit: The loop of a library that it runs in.
        paths: Where backward was called for it.
        epoch: What is summed up over the epoch under way.
    """

    def __init__(self, optimizer: Any, frame: FrameType | None, created: Any, loaded: Checkpoint | None = None) -> None:
        self.run: run.Run | None = None
        self._ended = None if loaded is None else run.ended(loaded.run_id)  # which goes on with this one
        self.fit = here.now.fit
        self.paths: set[Path] = set()
        self.steps = 0 if loaded is None or self._ended is None else loaded.steps
        self.epoch = Epoch()
        self.is_adversarial = False
        self.own: set[str] = set()  # metrics that the script has logged through its library
        self.told: Told | None = None
        self._is_ours = False
        self._optimizer = weakref.ref(optimizer)
        self._epochs = EpochReader.find(frame, created) if frame is not None else None
        self._weights = Weights(optimizer, frame, None if self.fit is None else self.fit.root)
        self._notes = Notes(self._tell_trouble)
        self._evaluations: dict[Any, str] = {}
        self._passes = 0
        self._pass_number = 0
        self._error: BaseException | None = None
        self._is_troubled = False
        self._grad_norm = math.nan
        self.has_ended = False
        self._thread = threading.get_ident()
        self.began_at = time.perf_counter()
        self.rival: Training | None = None  # whose part it may turn out to be

    # ---- steps

    def before_step(self, frame: FrameType | None, optimizer: Any) -> None:
        """The optimizer is about to step: weights are still those of the evaluation and the epoch before."""
        now = here.now
        if now.losses or not now.judged:
            if now.deferred:
                admit_unreached()
        else:  # gradients came another way, as by torch.autograd.grad: the last loss is that of the step
            last = now.judged[-1]
            now.losses.append(Loss((), "loss", last.value, 1, last.samples))
        if now.evaluations:
            (now.training or self).end_evaluations(is_over=False)
        number = self._read_epoch(frame)
        if number != self.epoch.number:
            if self.epoch.number is not None:
                self._end_epoch()
            self.epoch.begin(number)
            self._notes.start_epoch(number)
        if now.waited_s:
            self.epoch.waited_s += now.waited_s
            now.waited_s = 0.0
        self._notes.rates(self.steps, optimizer.param_groups)

    def after_step(self, losses: list[Loss]) -> None:
        """It has stepped, after backward was called for these losses."""
        step, self.steps = self.steps, self.steps + 1
        self._weights.moved()
        if losses:
            self.epoch.add(*self._notes.losses(losses, step))
            self._error = None
        self._notes.wake()

    def after_step_of_other(self, losses: list[Loss]) -> None:
        """Another optimizer of the same training has stepped."""
        self._weights.moved()
        self._notes.named(losses, max(0, self.steps - 1), now_us())
        self._notes.wake()

    def _read_epoch(self, frame: FrameType | None) -> int | None:
        if self.fit is not None:
            return self.fit.epoch()
        if self._epochs is not None and frame is not None:
            return self._epochs.read(frame)
        if here.now.pass_number != self._pass_number:  # a new one over the training data
            self._pass_number = here.now.pass_number
            self._passes += 1
        return self._passes - 1 if self._passes else None

    # ---- ends of epochs and evaluations

    def _end_epoch(self) -> None:
        """Of each epoch what is only known at its end. Weights are still those of its last step."""
        epoch, self.epoch = self.epoch, Epoch(self.epoch.number)
        with guard("torch.epoch"):
            self._notes.read_waiting()
            at_us, step, metrics = now_us(), max(0, self.steps - 1), epoch.metrics()
            loss = metrics.get("train_loss_epoch")
            if len(epoch) == 1:
                del metrics["train_loss_epoch"]  # of one step: it is on record
            for key, value in metrics.items():
                if key not in self.own:
                    self._notes.add(key, step, at_us, value)
            if loss is not None:
                here.now.recent.append(loss)
                if "val" not in self._evaluations.values():
                    self._judge("train_loss_epoch", loss)

    def end_evaluations(self, *, is_over: bool) -> None:
        """What was evaluated since the last step is complete."""
        found, here.now.evaluations = list(here.now.evaluations.values()), {}
        with guard("torch.evaluation"):
            at_us = now_us()
            named = name_evaluations(found, self._evaluations, is_over=is_over)
            for name, evaluation in named.items():
                self._note_evaluation(name, evaluation, at_us)

    def _note_evaluation(self, name: str, evaluation: Evaluation, at_us: int) -> None:
        step = self.steps
        metrics = {f"{name}_{key}": value for key, value in evaluation.metrics().items()}
        for key, value in metrics.items():
            here.now.recent.append(value)
            if key not in self.own:
                self._notes.add(key, step, at_us, value)
                self._judge(key, value)
        for key, values in evaluation.said.items():
            if key not in self.own:
                self._notes.add(key, step, at_us, sum(values) / len(values))

    def _judge(self, key: str, value: float) -> None:
        if self.is_adversarial and key == "train_loss_epoch":
            return
        self._weights.judge(key, value, self.steps, self.epoch.number)

    # ---- what else happens

    def is_evaluating(self) -> bool:
        """Whether its model is switched to evaluation."""
        return self._weights.is_evaluating()

    def hold(self) -> None:
        """An evaluation begins: buffers such as the statistics of batch normalisation may move before it is judged."""
        self._weights.hold_buffers()

    def hear_norm(self, norm: Any) -> None:
        """The script has computed the norm of the gradients."""
        if isinstance(norm, float):
            self._grad_norm = norm if math.isfinite(norm) else self._grad_norm
        self._notes.add("grad_norm", self.steps, now_us(), norm)

    def _is_under_way(self) -> bool:
        return here.now.training is self and here.now.stepping is None

    def _note_told(self, name: str, value: float, step: int | None) -> None:
        if name not in self.own:
            self._notes.add(name, max(0, self.steps - 1) if step is None else step, now_us(), value)
            self._notes.wake()

    def _under_way(self) -> list[float]:
        """The metrics of the epoch and the evaluations under way, as far as they can be read without waiting."""
        found: list[float] = []
        if not math.isnan(loss := self.epoch.loss()):
            found.append(loss)
        for evaluation in here.now.evaluations.values():
            if evaluation.is_readable():
                found += evaluation.metrics().values()
        return found

    def may_name_loss(self, name: str) -> bool:
        """Whether the loss of the training is called so, or something without a name is meant."""
        return not name or name in self._notes.names

    @property
    def is_over(self) -> bool:
        """Whether it has ended, or will as soon as somebody looks: its optimizer is gone."""
        return self.has_ended or self._optimizer() is None

    def is_of(self, run_id: str) -> bool:
        """Whether this is its run."""
        return self.run is not None and self.run.id == run_id

    def where(self) -> str:
        """How far it is."""
        number = self.epoch.number
        return f"step {self.steps}" if number is None else f"step {self.steps}, epoch {number}"

    def hear_metrics(self, values: Mapping[str, Any], *, is_evaluation: bool = False) -> None:
        """The script has logged these through its library: they are kept under its names, whatever else is found."""
        known = {name: value for name, value in values.items() if name not in ("train_loss", "lr")}
        self.own.update(known)
        at_us, step = now_us(), self.steps if is_evaluation else max(0, self.steps - 1)
        if is_evaluation:
            known = dict(zip(known, read_all(list(known.values())), strict=True))
        for name, value in known.items():
            self._notes.add(name, step, at_us, plain(value))
            if is_evaluation:
                self._judge(name, value)
        self._notes.wake()

    def fail(self, error: BaseException) -> None:
        """Something of torch's has raised while it was training."""
        self._error = error

    def take(self, other: "Training") -> None:
        """What the other one trains is a part of this training."""
        self._weights.include(other._weights)
        if self.run is not None:
            with guard("torch.settings"):
                record_joined(self.run, other._optimizer(), self._weights.roots)

    def owns_parameters_of(self, optimizer: Any) -> bool:
        """Whether some of the parameters are the same."""
        return self._weights.shares(optimizer)

    def keep_last(self) -> None:
        """Its weights are about to be changed by something else."""
        self._weights.keep_last()

    def _tell_trouble(self, step: int, value: float) -> None:
        if self.run is not None and not self._is_troubled:
            self._is_troubled = True
            before = f"gradient norm before {self._grad_norm:.6g}" if math.isfinite(self._grad_norm) else ""
            lr = f"lr {self._notes.lrs[0]}" if self._notes.lrs else ""
            facts = ", ".join(fact for fact in (f"loss is {value} at step {step}", lr, before) if fact)
            self.run.set_tag("trouble", facts)

    # ---- its run

    def open(self, losses: list[Loss], frame: FrameType | None) -> None:
        """It is a training of its own: its run begins."""
        if self._ended is None:
            self.run, self._is_ours = run.start_fit(self._weights.name or "training", "torch", is_active=False)
        else:
            self.run, self._is_ours = run.go_on(self._ended), True
            self._weights.goes_on(self._ended["summary"])
        self._weights.run = self.run
        self.run.on_finish.append(lambda _: self._end())
        self._notes.open(self.run)
        loaded, here.now.loaded = here.now.loaded, None
        if loaded is not None and loaded.run_id != self.run.id:
            self.run.set_tag("resumed from", loaded.run_id)
        with guard("torch.said"):
            self.told = Told(self._note_told, self._is_under_way, self._under_way)
        optimizer = self._optimizer()
        with guard("torch.settings"), unseen():
            record_settings(self.run, optimizer, self._weights.roots, frame, losses)
        if self.fit is not None:
            self.fit.training = self
            with guard("torch.settings"):
                self.run.derive_params(self.fit.settings())

    def finish_soon(self) -> None:
        """Its optimizer has died: in a callback of the garbage collector, where no lock may be taken. Its weights may
        live on in another training, and are not to be kept alive by this one.
        """
        if self.run is None:
            return
        with guard("torch.steps"):
            if self._thread == threading.get_ident():
                self._complete(is_over=True)
                here.now.forget_places()
            self._weights.save()
            self._weights.release()
        if self._is_ours and self.run.status == "running":
            self.run.soon(self.finish)

    def finish(self) -> None:
        """No more steps come."""
        if self.run is not None and self._is_ours and self.run.is_of_this_process:
            self.run.finish("finished" if self._error is None else "failed", self._error)

    def leave(self) -> None:
        """Nothing is watched any more: it is over for us, though a run that it is only a part of goes on."""
        self.finish()
        if self.run is not None and self.run.is_of_this_process:
            self._end()

    def reopen(self, optimizer: Any, frame: FrameType | None) -> None:
        """It goes on after all."""
        if self.run is not None and self.run.status != "running":
            self.run.reopen()
            self.has_ended = False
            self._weights.find(optimizer, frame)
            self._notes.open(self.run)
            if self.told is not None:
                self.told.listen()

    def _end(self) -> None:
        if self.has_ended or self.run is None:
            return
        self.has_ended = True
        if self.told is not None:
            self.told.stop()
            if shown := self.told.tag():
                self.run.set_tag("shown", shown)
        self._complete(is_over=True)
        with guard("torch.model"):
            self._weights.save()
            self._weights.release()

    def settle(self) -> None:
        """Somebody is about to read, in the thread of the training: as if it had ended here."""
        if self._thread != threading.get_ident() or here.now.stepping is not None or self.run is None:
            return
        self._complete(is_over=True)
        if self.has_ended:
            self._notes.tell()
        else:
            with guard("torch.model"):
                self._weights.save()

    def _complete(self, *, is_over: bool) -> None:
        if here.now.training is self:
            admit_unreached()
            if here.now.evaluations:
                self.end_evaluations(is_over=is_over)
        if self.epoch:
            self._end_epoch()
        self._notes.read_waiting()
