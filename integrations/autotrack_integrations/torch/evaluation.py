"""torch: evaluations. Loss functions called where no gradient is wanted, or where none comes.

Watches   nothing; losses.py tells of each batch
Records   of each evaluation its loss and scores at the step it was made: `val_loss`, `val_accuracy`, `test_loss` ...
Never     takes a metric of the batch in training for an evaluation; mixes two evaluations
Needs     torch >= 2.2

An evaluation is the batches that are judged in one place, called from the same places, with the same words in the loops
around it (`for split in ("train", "val")`), between two steps. It ends where training goes on. What it is of says the
code: the loader's, the mask's and the function's name, what its result is assigned to.
"""

import math
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from types import FrameType
from typing import Any

from autotrack.hooks import argument_names, destination, enclosing, local_values, targets
from autotrack_integrations.torch.here import here
from autotrack_integrations.torch.places import user_frames
from autotrack_integrations.torch.scores import Sums, add, score
from autotrack_integrations.torch.unseen import computing

__all__ = ["Batch", "Evaluation", "admit_unreached", "evaluation_of", "hear_evaluation", "name_evaluations", "read_all"]

_WORDS = {"test": "test", "val": "val", "dev": "val", "train": "train", "holdout": "holdout", "eval": ""}
_NO_WORDS = ("value", "device", "develop", "trainable", "trainer", "evaluat", "tester")
_MAX_DEPTH = 6
_MAX_KNOWN = 1000  # places whose words are remembered


@dataclass(slots=True)
class Batch:
    """What a loss function said of one batch, and what it was given as the truth."""

    function: str
    value: Any
    is_sum: bool
    samples: int
    target: Any


@dataclass(slots=True)
class _Place:
    """What the code says of a place where batches are judged.

    Attributes:
        key: The same for all calls that belong to one evaluation.
        words: Of which data it is, as far as the code says so.
        name: What the loss is called there.
        loops: Variables of the loops around it, each with the depth of its frame and the names of what it goes through.
    """

    key: tuple[Any, ...]
    words: tuple[str, ...]
    name: str
    loops: tuple[tuple[int, str, tuple[str, ...]], ...]


@dataclass
class Evaluation:
    """One evaluation.

    Attributes:
        words: What the code says it is of, the most telling first: `test`, `val`, `train`.
        losses: Of each place that called a loss function: its values, and how many samples each is of.
        is_sum: Whether the values are means over samples that are to be weighted by their number.
    """

    key: Any
    words: tuple[str, ...]
    losses: dict[int, tuple[str, list[Any], list[int], bool]] = field(default_factory=dict)
    scores: Sums = field(default_factory=dict)
    scored_at: dict[str, int] = field(default_factory=dict)
    said: dict[str, list[float]] = field(default_factory=dict)
    is_incomplete: bool = False
    last_site: int = 0

    def add(self, site: int, name: str, batch: Batch, found: dict[str, tuple[Any, Any]]) -> None:
        """One batch, judged at one place."""
        if batch.value is not None:
            known = self.losses.setdefault(site, (name, [], [], batch.is_sum))
            known[1].append(batch.value)
            known[2].append(batch.samples)
            self.is_incomplete, self.last_site = True, site
            if type(batch.value) is float:
                here.now.recent.append(batch.value)
        add(self.scores, {key: value for key, value in found.items() if self.scored_at.setdefault(key, site) == site})

    def complete(self, value: float) -> bool:
        """The script has read the whole loss of the last batch, of which the loss function's value is a term."""
        if not self.is_incomplete:
            return False
        self.is_incomplete = False
        _, values, samples, is_sum = self.losses[self.last_site]
        values[-1] = value / max(samples[-1], 1) if is_sum else value
        here.now.recent.append(value)
        return True

    def is_readable(self) -> bool:
        """Whether its metrics can be had without waiting for a device."""
        values = [*(part for sums in self.scores.values() for part in sums)]
        values += [value for _, each, _, _ in self.losses.values() for value in each]
        return all(isinstance(value, (int, float)) for value in values)

    def metrics(self) -> dict[str, float]:
        """Its metrics, without a prefix. Waits for the device, where there is one: the evaluation is over."""
        found: dict[str, float] = {}
        for number, (name, values, samples, is_sum) in enumerate(self.losses.values()):
            read = read_all(values)
            weights = samples if is_sum else [1] * len(read)
            total = sum(weights)
            loss = (
                sum(value * weight for value, weight in zip(read, weights, strict=True)) / total if total else math.nan
            )
            found["loss" if number == 0 else name or f"loss_{number}"] = loss
        for name, sums in self.scores.items():
            part, count = read_all(sums)
            share = part / count if count else math.nan
            if name == "mse":
                found["rmse"] = math.sqrt(share)
            else:
                found[name] = share
        return found


def read_all(values: list[Any]) -> list[float]:
    """Numbers as they are; scalars on a device all at once."""
    if all(isinstance(value, (int, float)) for value in values):
        return [float(value) for value in values]
    import torch

    with computing():
        tensors = [value.detach().double() for value in values if isinstance(value, torch.Tensor)]
        numbers = iter(torch.stack(tensors).tolist())
    return [next(numbers) if isinstance(value, torch.Tensor) else float(value) for value in values]


def hear_evaluation(batch: Batch, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """A loss function was called without a graph."""
    admit = evaluation_of(batch, args, kwargs)
    if admit is not None:
        admit()


def evaluation_of(batch: Batch, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Callable[[], None] | None:
    """Adds a batch to the evaluation it belongs to, once it is known that no gradient comes."""
    if batch.target is not None and here.now.target is not None and here.now.target() is batch.target:
        return None  # a metric of the data in training
    frames = list(islice(user_frames(sys._getframe(2)), _MAX_DEPTH))
    if not frames:
        return None
    path = tuple([(id(frame.f_code), frame.f_lasti) for frame in frames])
    place = _places.get(path)
    if place is None:
        if len(_places) >= _MAX_KNOWN:
            _places.clear()
        place = _places[path] = _look(frames)
    said = tuple(_said(frames, place))
    found = score(batch.function, args, kwargs)
    site, batch.target = frames[0].f_lasti, None
    if here.now.training is not None and not here.now.evaluations:
        here.now.training.hold()

    def admit() -> None:
        key = (*place.key, said)
        evaluation = here.now.evaluations.get(key)
        if evaluation is None:
            words = (*(word for text in said for word in _words(text)), *place.words)
            evaluation = here.now.evaluations[key] = Evaluation(key, words)
        evaluation.add(site, place.name, batch, found)

    return admit


def admit_unreached() -> None:
    """No backward will reach what it has not reached: that is an evaluation."""
    deferred, here.now.deferred = here.now.deferred, {}
    for admit in deferred.values():
        admit()


def name_evaluations(found: list[Evaluation], known: dict[Any, str], *, is_over: bool) -> dict[str, Evaluation]:
    """A name for each evaluation made between two steps: the one it has, else what it is of.

    Args:
        known: The name of each evaluation that was made before, by its key; grows.
        is_over: No step comes after them: nothing says any more that it is the validation of a training.
    """
    new = [each for each in found if each.key not in known]
    taken = set(known.values())
    for each in new:
        word = next(iter(each.words), "")
        is_validation = word != "train" and not is_over and "val" not in taken and len(new) == 1 and not known
        name = "val" if is_validation else {"": "val", "train": "train_eval"}.get(word, word)
        if name in taken:
            name = next(
                free for free in (*_fallbacks(name), *(f"{name}_{n}" for n in range(2, 999))) if free not in taken
            )
        taken.add(name)
        known[each.key] = name
    return {known[each.key]: each for each in found}


def _fallbacks(name: str) -> tuple[str, ...]:
    return ("test",) if name == "val" else ()


_places: dict[tuple[tuple[int, int], ...], _Place] = {}


def _look(frames: list[FrameType]) -> _Place:
    """What the code around a place says, read once."""
    words: list[str] = []
    names: list[str] = []
    functions: list[str] = []
    loops: list[tuple[int, str, tuple[str, ...]]] = []
    for depth, frame in enumerate(frames):
        texts = [*argument_names(frame)]
        for loop in reversed(enclosing(frame)):
            if not loop.counts:
                texts += loop.names
                loops += [(depth, name, loop.names) for name in loop.variables]
        if depth:
            texts += targets(frame)
        names += texts
        words += [word for text in texts for word in _words(text)]
        functions += [word for word in _words(frame.f_code.co_name) if word != "train"]
    # The same evaluation may be called from several lines: what it is given tells it from others, or what it is called.
    said = list(dict.fromkeys(words)) or functions[:1]
    tells = said or [name for name in names if not re.search("epoch|step|iter", name.lower())]
    place = (id(frames[0].f_code), *tells)
    return _Place(place, (*words, *functions), destination(frames[0])[0], tuple(loops))


def _said(frames: list[FrameType], place: _Place) -> Iterator[str]:
    """What loops around it stand at: a word, or one of several things that have names (`for mask in (val, test)`)."""
    for depth, name, names in place.loops:
        frame = frames[depth]
        value, *things = local_values(frame, (name, *names))
        if isinstance(value, str):
            yield value
        elif value is not None and len(names) > 1:
            for thing, known in zip(things, names, strict=True):
                if (thing if thing is not None else frame.f_globals.get(known)) is value:
                    yield known
                    break


def _words(text: str) -> Iterable[str]:
    """Of which data a name says it is."""
    for token in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", text):
        lower = token.lower()
        if lower.startswith(_NO_WORDS):
            continue
        for start, word in _WORDS.items():
            if lower.startswith(start) and word:
                yield word
