"""Progress: how far a search is, and what its best trials are. It is told of the trials that are over, a batch at a
time, and never looks at one twice, but when the whole truth is asked for.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from autotrack import run
from autotrack.objectives import front

__all__ = ["Ended", "Progress"]

_MAX_LISTED = 200  # trials of a front that stand in a param


class Ended(NamedTuple):
    """A trial that is over."""

    number: int
    state: str
    values: Sequence[float] | None
    is_feasible: bool
    params: Mapping[str, Any]

    @property
    def is_ranked(self) -> bool:
        """Whether it may be the best one."""
        return self.state == "complete" and self.is_feasible and self.values is not None


class Progress:
    """What the run of a study says of its trials as a whole."""

    def __init__(self, target: run.Run, directions: Sequence[str]) -> None:
        self._run = target
        self._directions = directions
        self._counted: set[int] = set()
        self._states: Counter[str] = Counter()
        self._best: Ended | None = None
        self._front: dict[int, Sequence[float]] = {}
        self._is_front_told = True

    def add(self, news: Sequence[Ended]) -> None:
        """Some more trials are over."""
        if not news:
            return
        before = self._best
        points = [(each.number, each.values[0]) for each in news if self._take(each) and each.values is not None]
        if len(self._directions) > 1:
            self._tell_front()
        if points:
            self._run.derive_series({"best_value": [value for _, value in points]}, [number for number, _ in points])
        if self._best is not before:
            self._tell_best()
        self._tell_counts()

    def settle(self, all_of_them: Sequence[Ended]) -> None:
        """These are all trials, of all processes, as they were a while ago; what was told since then counts as well."""
        for each in all_of_them:
            self._take(each)
        if len(self._directions) > 1:
            self._tell_front()
        if self._best is not None and self._best.values is not None:
            self._run.derive_metrics({"best_value": self._best.values[0]}, max(self._counted))
            self._tell_best()
        self._tell_counts()

    def _take(self, each: Ended) -> bool:
        """Count a trial, once; whether it is the best one so far, where there is one objective."""
        if each.number in self._counted:
            return False
        self._counted.add(each.number)
        self._states[each.state] += 1
        if each.values is None or not each.is_ranked:
            return False
        if len(self._directions) > 1:
            self._front[each.number] = each.values
            return False
        if not self._is_better(each):
            return False
        self._best = each
        return True

    def _is_better(self, each: Ended) -> bool:
        if self._best is None or self._best.values is None or each.values is None:
            return True
        ours, theirs = self._best.values[0], each.values[0]
        if ours == theirs:
            return each.number < self._best.number  # as Optuna: of equals the first
        return theirs > ours if self._directions[0] == "maximize" else theirs < ours

    def _tell_best(self) -> None:
        if self._best is not None:
            best = {f"best.{name}": value for name, value in self._best.params.items()}
            self._run.derive_params({"best_trial": self._best.number, **best})

    def _tell_front(self) -> None:
        kept = front(self._directions, self._front)
        self._front = {number: self._front[number] for number in kept}
        listed = kept if len(kept) <= _MAX_LISTED else f"{len(kept)} trials"
        self._run.derive_params({"pareto_trials": listed})

    def _tell_counts(self) -> None:
        done = self._states.total()
        counts = {"trials_done": float(done), "trials_complete": float(self._states["complete"])}
        for state, name in (("pruned", "trials_pruned"), ("fail", "trials_failed")):
            if self._states[state]:
                counts[name] = float(self._states[state])
        self._run.derive_metrics(counts, max(done - 1, 0))
