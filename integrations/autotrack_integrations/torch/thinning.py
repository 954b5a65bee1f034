"""torch: fewer points of a metric the more there are: every step of the first thousands, then every tenth ...

Watches   nothing
Records   nothing
Never     drops the first or a non-finite value
Needs     nothing
"""

import math
from collections.abc import Iterable

__all__ = ["Thinned"]

FULL_STEPS = 5_000  # of which every value is kept; of ten times as many every tenth, and so on: 5,000 + 4,500 a decade

Point = tuple[str, int, int, float, int]


class Thinned:
    """The points of one training that are written."""

    def __init__(self) -> None:
        self._also = ""
        self._kept: list[Point] = []  # of train_loss, while it may turn out to have another name as well

    def also_as(self, name: str) -> None:
        """What was `train_loss` so far has this name, too."""
        self._also = name

    def points(self, notes: Iterable[Point]) -> list[Point]:
        """Those of these that are kept."""
        kept = [note for note in notes if note[1] < FULL_STEPS or self._is_kept(note)]
        if len(self._kept) < FULL_STEPS:
            self._kept += [point for point in kept if point[0] == "train_loss"]
        if self._also:
            name, self._also = self._also, ""
            until = min((point[1] for point in kept if point[0] == name), default=math.inf)
            kept[:0] = [(name, *point[1:]) for point in self._kept if point[1] < until]
        return kept

    @staticmethod
    def _is_kept(note: Point) -> bool:
        key, step, _, value, _ = note
        if key.endswith("_epoch") or key.startswith(("val_", "test_", "lr")) or not math.isfinite(value):
            return True
        stride: int = 10 ** len(str(step // FULL_STEPS))
        return step % stride == 0
