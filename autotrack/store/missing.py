"""Points that another store has and this one has not.

    for part, reached in missing_points(ours, theirs): ...      # both in streams, each of them in order

Two points are the same if run, key, step, time, value (bit for bit) and rank are; where one side has it more often, the
rest of them is missing on the other. Memory does not grow with the streams: what is in hand of each goes up to the
same place. Imports numpy when called.
"""

from bisect import bisect_left
from collections.abc import Collection, Iterator, Sequence
from typing import Any

from autotrack.store.merge import Part, Place, joined

__all__ = ["missing_points", "only"]


class _Stream:
    """One stream, and what of it is in hand."""

    def __init__(self, parts: Iterator[Part], is_theirs: bool) -> None:
        self.is_theirs = is_theirs
        self.has_more = True
        self.hand: Part | None = None
        self._parts = parts

    def more(self) -> None:
        """Take the next part in hand, too."""
        part = next(self._parts, None)
        if part is None:
            self.has_more = False
        else:
            self.hand = part if self.hand is None else joined([self.hand, part])

    def take_below(self, bound: Place | None) -> Part | None:
        """What comes before this place, None: all in hand; it is not in hand any more."""
        part = self.hand
        if part is None or bound is None:
            self.hand = None
            return part
        count = bisect_left(range(len(part)), bound, key=part.place)
        self.hand = part.cut(count) if count < len(part) else None
        return part.cut(0, count) if count else None


def missing_points(
    ours: Sequence[Iterator[Part]], theirs: Sequence[Iterator[Part]]
) -> Iterator[tuple[Part, Place | None]]:
    """What is missing on our side, and the place before which nothing else will come; None: the end."""
    streams = [_Stream(parts, False) for parts in ours] + [_Stream(parts, True) for parts in theirs]
    while True:
        for stream in streams:
            if stream.hand is None and stream.has_more:
                stream.more()
        active = [stream for stream in streams if stream.hand is not None]
        if not any(stream.is_theirs for stream in active):
            return
        # Before the end of what is in hand of each: behind it, the same point may come once more.
        bound = min((one.hand.place(-1) for one in active if one.has_more and one.hand is not None), default=None)
        taken = [(stream.is_theirs, stream.take_below(bound)) for stream in active]
        known = [part for is_theirs, part in taken if part is not None and not is_theirs]
        new = [part for is_theirs, part in taken if part is not None and is_theirs]
        if new:
            yield _without(new, known), bound
        elif not known:  # all that is in hand of one is at one place
            for stream in active:
                if stream.has_more and stream.hand is not None and stream.hand.place(-1) == bound:
                    stream.more()


def only(parts: Iterator[Part], run_ids: Collection[str]) -> Iterator[Part]:
    """A stream without the points of other runs."""
    import numpy as np

    for part in parts:
        is_wanted = np.fromiter((name in run_ids for name in part.run_names), bool, len(part.run_names))
        chosen = is_wanted[part.runs]
        if chosen.all():
            yield part
        elif chosen.any():
            yield _chosen(part, chosen)


def _without(new: Sequence[Part], known: Sequence[Part]) -> Part:
    """The new points that are not among the known, each as often as it is there less often."""
    import numpy as np

    if not known:
        return joined(new)
    whole = joined([*known, *new])
    is_new = np.arange(len(whole)) >= sum(map(len, known))
    fields = whole.fields
    identity = [
        np.where(fields["has_rank"], fields["rank"].astype("<i8"), -(2**40)),
        np.ascontiguousarray(fields["value"], "<f8").view("<i8"),
        fields["ts"],
        fields["step"],
        whole.keys,
        whole.runs,
    ]
    order = np.lexsort([is_new, *identity])  # of equal points the known come first
    differs = np.zeros(len(order), bool)
    differs[0] = True
    for column in identity:
        ordered = column[order]
        differs[1:] |= ordered[1:] != ordered[:-1]
    starts = np.flatnonzero(differs)
    group = np.cumsum(differs) - 1
    known_counts = np.add.reduceat(~is_new[order], starts, dtype="<i8")
    place = np.arange(len(order)) - starts[group]
    return _chosen(whole, np.sort(order[is_new[order] & (place >= 2 * known_counts[group])]))


def _chosen(part: Part, chosen: Any) -> Part:
    fields = {name: values[chosen] for name, values in part.fields.items()}
    return Part(part.run_names, part.key_names, part.runs[chosen], part.keys[chosen], fields)
