"""Winners: of a search's trials, whose models are kept: those of the best, or of all. The others' are dropped while the
search goes on. A trial's models wait in its `Held`, which is told to keep or to drop them; never more are kept than was
asked for, beside those of trials that are running.
"""

import bisect
from collections.abc import Sequence

from autotrack.objectives import front
from autotrack.run.held import Held

__all__ = ["Winners"]


class Winners:
    """The best trials of a study so far, in this process.

    Args:
        most: How many trials keep their models; None: all. Of several objectives, how many of those on the front.
    """

    def __init__(self, directions: Sequence[str], most: int | None) -> None:
        self._directions = list(directions)
        self._most = most
        self._best: list[tuple[float, int]] = []  # loss and number, the best first
        self._values: dict[int, Sequence[float]] = {}  # of those on the front
        self._held: dict[int, Held] = {}  # of those that are kept

    def end(self, number: int, values: Sequence[float] | None, held: Held | None) -> None:
        """A trial is over.

        Args:
            values: What it reached; None if it is not to be compared: it failed, was pruned or broke a constraint.
            held: Its models; None if none are kept at all.
        """
        if held is None:
            return
        if self._most is None:
            held.keep()
            return
        losers = [number] if values is None or not self._most else self._enter(number, values)
        self._held[number] = held
        for loser in losers:
            known = self._held.pop(loser, None)
            if known is not None:
                known.drop()
        if number in self._held:
            held.keep()

    def confine(self, values: dict[int, Sequence[float]]) -> None:
        """These are trials of all processes that work on the study: of ours among them, only the best are kept."""
        if self._most is None:
            return
        losers = values.keys() - self._chosen(values)
        for number in self._held.keys() & losers:
            self._held.pop(number).drop()
            self._values.pop(number, None)
        self._best = [entry for entry in self._best if entry[1] not in losers]

    def _chosen(self, values: dict[int, Sequence[float]]) -> list[int]:
        """Which of these trials keep their models."""
        if len(self._directions) > 1:
            return front(self._directions, values)[-self._limit :] if self._limit else []
        return sorted(values, key=lambda number: (self._loss(values[number]), number))[: self._limit]

    @property
    def _limit(self) -> int:
        return 0 if self._most is None else self._most

    def _loss(self, values: Sequence[float]) -> float:
        return -values[0] if self._directions[0] == "maximize" else values[0]

    def _enter(self, number: int, values: Sequence[float]) -> list[int]:
        """Rank a trial; those that fall out."""
        if len(self._directions) > 1:
            self._values[number] = values
            kept = self._chosen(self._values)
            losers = [known for known in self._values if known not in kept]
            for loser in losers:
                del self._values[loser]
            return losers
        bisect.insort(self._best, (self._loss(values), number))
        losers = [loser for _, loser in self._best[self._limit :]]
        del self._best[self._limit :]
        return losers
