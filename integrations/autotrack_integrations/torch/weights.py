"""torch: which modules a training trains, and their weights: the last ones, and the best ones.

Watches   nothing; training.py says when something was judged, and when weights are about to move
Records   models    `model`: the last weights, `best`: those with the lowest val_loss, else train_loss_epoch; of several
                    modules each under its variable's name
          params    best_step, best_epoch
Never     adds anything to a module; keeps a module alive longer than its optimizer; copies weights that are not better
Needs     torch >= 2.2

The best weights are copied into memory at once, before the next step, and made a package at the end, and now and then
before it, lest a killed process leave none. Buffers (the statistics of batch normalisation) move with the forward pass,
before a step: so they are copied where an evaluation begins.
"""

import math
import time
from collections.abc import Iterable, Mapping
from functools import partial
from types import FrameType
from typing import Any

from autotrack import model, run
from autotrack.guard import guard
from autotrack.types import best_of, is_lower_better
from autotrack_integrations.torch.model import tensors_of
from autotrack_integrations.torch.named import named
from autotrack_integrations.torch.references import unwrapped
from autotrack_integrations.torch.roots import roots_of
from autotrack_integrations.torch.unseen import computing, unseen

__all__ = ["Weights"]

KEEP_EVERY_S = 20.0
_USUAL = ("val_loss", "train_loss_epoch")

Tensors = dict[str, Any]


class Weights:
    """The modules of one training.

    Attributes:
        roots: Modules that cover the optimizer's parameters, by the names of their variables.
        run: Where they are kept.
    """

    def __init__(self, optimizer: Any, frame: FrameType | None, root: Any = None) -> None:
        self.run: run.Run | None = None
        self._wanted = {id(parameter) for group in optimizer.param_groups for parameter in group["params"]}
        self.roots: dict[str, Any] = {} if root is None else {"model": root}
        if root is None:
            self.find(optimizer, frame)
        self._monitor = ""
        self._best = math.inf
        self._best_at: tuple[int, int | None] | None = None
        self._before: Mapping[str, Any] = {}  # metrics of the training that this one goes on with
        self._best_copy: dict[str, Tensors] = {}
        self._last_copy: dict[str, Tensors] | None = None
        self._buffers: dict[str, Tensors] = {}
        self._places: dict[str, _Places] = {}  # where the tensors of each module are
        self._is_best_kept = True
        self._is_last_kept = True
        self._kept_at = time.monotonic()

    @property
    def name(self) -> str:
        """What is trained, as the name of its class."""
        return "+".join(dict.fromkeys(type(root).__name__ for root in map(unwrapped, self.roots.values())))

    def find(self, optimizer: Any, frame: FrameType | None) -> None:
        """Look for the modules around a frame."""
        with guard("torch.model"):
            self.roots, self._places = roots_of(self._wanted, frame), {}

    def goes_on(self, summaries: Mapping[str, Any]) -> None:
        """It goes on with a training that had these metrics: only what is better than its best weights is kept."""
        self._before = summaries

    def include(self, other: "Weights") -> None:
        """The modules of another one belong to it as well."""
        self._wanted |= other._wanted
        self.roots.update(other.roots)

    def shares(self, optimizer: Any) -> bool:
        """Whether some of the optimizer's parameters are among its own."""
        return any(id(parameter) in self._wanted for group in optimizer.param_groups for parameter in group["params"])

    def is_evaluating(self) -> bool:
        """Whether all that is trained is switched to evaluation."""
        for root in self.roots.values():  # a loop: this is asked in every step
            if root.training:
                return False
        return bool(self.roots)

    def moved(self) -> None:
        """A step has changed the weights."""
        if self._buffers:
            self._buffers = {}
        self._last_copy = None
        self._is_last_kept = False

    def hold_buffers(self) -> None:
        """Copy what a forward pass may change."""
        with guard("torch.model"), computing():
            for name, root in self.roots.items():
                self._buffers[name] = _copied(self._places_of(name, root).buffers())

    def _places_of(self, name: str, root: Any) -> "_Places":
        places = self._places.get(name)
        if places is None or places.shape != _shape(root):
            places = self._places[name] = _Places(root)
        return places

    def judge(self, key: str, value: float, step: int, epoch: int | None) -> None:
        """The weights as they are now have this value; copied if it is better than all before."""
        chosen = getattr(run.recorder(), "monitor", None)
        if key != self._monitor:
            if key != chosen if chosen else self._monitor == "val_loss" or key not in _USUAL:
                return
            self._monitor, self._best = key, math.inf
            if key in self._before:
                best = best_of(key, self._before[key])
                self._best = best if is_lower_better(key) else -best
        value = value if is_lower_better(key) else -value
        if not value < self._best or not self._keeps_models():
            return
        self._best, self._best_at, self._is_best_kept = value, (step, epoch), False
        with guard("torch.model"), computing():
            for name, root in self.roots.items():
                live = {**self._places_of(name, root).tensors(), **self._buffers.get(name, {})}
                self._best_copy[name] = _copied(live, self._best_copy.get(name))
        if time.monotonic() - self._kept_at > KEEP_EVERY_S:
            self._kept_at = time.monotonic()
            self._save_best()

    def keep_last(self) -> None:
        """Somebody else is about to change them."""
        if self._last_copy is None and self._keeps_models():
            with guard("torch.model"), computing():
                self._last_copy = {name: _copied(tensors_of(root)) for name, root in self.roots.items()}

    def save(self) -> None:
        """Keep the last weights and the best ones with the run, as far as they are not yet."""
        if self.run is None or self._is_last_kept or not self._keeps_models():
            return
        self._is_last_kept = True
        for name, root in self.roots.items():
            tensors = None if self._last_copy is None else self._last_copy[name]
            self._keep(root, "model" if len(self.roots) == 1 else name, tensors)
        self._save_best()

    def release(self) -> None:
        """Let go of the modules, and of the copies."""
        self.roots, self._best_copy, self._last_copy, self._buffers, self._places = {}, {}, None, {}, {}

    def _keeps_models(self) -> bool:
        recorder = run.recorder()
        is_wanted = self.run.keeps_models if self.run is not None else recorder is not None and recorder.log_models
        with unseen():
            return is_wanted and not any(p.is_meta for root in self.roots.values() for p in root.parameters())

    def _save_best(self) -> None:
        if self._best_at is None or self._is_best_kept or self.run is None:
            return
        self._is_best_kept = True
        for name, tensors in self._best_copy.items():
            if name in self.roots:
                self._keep(self.roots[name], "best" if len(self.roots) == 1 else f"best-{name}", dict(tensors))
        step, epoch = self._best_at
        found = {"best_step": step, **({} if epoch is None else {"best_epoch": epoch})}
        self.run.soon(partial(self.run.derive_params, found))

    def _keep(self, root: Any, name: str, tensors: Mapping[str, Any] | None) -> None:
        assert self.run is not None
        with guard("torch.model"):
            try:
                with computing():
                    package = model.pack(root, flavor="torch", run_id=self.run.id, name=name, tensors=tensors)
            except model.ModelSaveError as error:
                self.run.soon(partial(self.run.lack, name, str(error)))
                raise
            self.run.soon(partial(self.run.log_package, package.manifest, package.files, name))


class _Places:
    """Where the tensors of a module are, so that they need not be looked for every time.

    Attributes:
        shape: The module as it was when they were looked for.
    """

    def __init__(self, root: Any) -> None:
        self._root = root
        self.shape = _shape(root)
        self._parameters: list[tuple[str, dict[str, Any], str]] = []  # a tensor's name, what holds it, under which key
        self._others: list[tuple[str, dict[str, Any], str]] = []
        names = {id(tensor): name for name, tensor in named(root)[0].items()}
        for module in unwrapped(root).modules():
            for space in (module._parameters, module._buffers, vars(module)):
                found = self._parameters if space is module._parameters else self._others
                for key, value in space.items():
                    name = names.pop(id(value), None)
                    if name is not None:
                        found.append((name, space, key))
        self._is_complete = not names  # else some are in lists of theirs, or in what is wrapped

    def tensors(self) -> Tensors:
        """All of them."""
        return _at([*self._parameters, *self._others]) if self._is_complete else tensors_of(self._root)

    def buffers(self) -> Tensors:
        """Those that are no parameters."""
        if self._is_complete:
            return _at(self._others)
        parameters = {name for name, _ in unwrapped(self._root).named_parameters(remove_duplicate=False)}
        return {name: tensor for name, tensor in tensors_of(self._root).items() if name not in parameters}


def _shape(root: Any) -> list[tuple[int, int, int]]:
    """The modules it is made of, by which is known whether it is made as it was."""
    return [(id(module), len(module._parameters), len(module._buffers)) for module in unwrapped(root).modules()]


def _at(places: Iterable[tuple[str, dict[str, Any], str]]) -> Tensors:
    return {name: space[key].detach() for name, space, key in places if space.get(key) is not None}


def _copied(live: Mapping[str, Any], into: Tensors | None = None) -> Tensors:
    """Copies on the same device; into those of the last time, where they still fit."""
    if into is not None and all(
        name in into and into[name].shape == tensor.shape and into[name].dtype == tensor.dtype
        for name, tensor in live.items()
    ):
        for name, tensor in live.items():
            into[name].copy_(tensor)
        return into
    return {name: tensor.detach().clone() for name, tensor in live.items()}
