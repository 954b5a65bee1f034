"""A history small enough to draw that looks the same: of each stretch of it, the points that a line shows."""

from collections.abc import Sequence
from typing import Any

from autotrack.errors import SearchError
from autotrack.types import History

__all__ = ["downsample"]

_OF_FINITE = 4  # points of a stretch: the first, the last, the least, the greatest
_OF_ANY = 7  # and the first NaN, the first infinity, the first negative infinity


def downsample(history: History, most: int = 2000) -> History:
    """At most so many points of a history, in their order; all of them where there are no more.

    It is cut into stretches of equally many points. Of each, the first and the last point are kept, the least and the
    greatest finite value, and where not all are finite the first NaN and the first infinity of either sign, so that no
    peak and no divergence is lost.

    Raises:
        SearchError: `most` is less than 7.
    """
    if most < _OF_ANY:
        raise SearchError(f"most is {most!r}.\nExpected at least {_OF_ANY} points.", most=most)
    count = len(history)
    if count <= most:
        return history
    import numpy as np

    values = np.asarray(history.values, dtype="<f8")
    is_finite = np.isfinite(values)
    stretches = most // (_OF_FINITE if is_finite.all() else _OF_ANY)
    width = -(-count // stretches)
    starts = np.arange(0, count, width)
    kept = [starts, np.minimum(starts + width, count) - 1]
    kept.append(starts + _rows(np.where(is_finite, values, np.inf), width, np.inf).argmin(axis=1))
    kept.append(starts + _rows(np.where(is_finite, values, -np.inf), width, -np.inf).argmax(axis=1))
    for is_odd in (np.isnan(values), values == np.inf, values == -np.inf):
        rows = _rows(is_odd, width, False)
        kept.append((starts + rows.argmax(axis=1))[rows.any(axis=1)])
    places: list[int] = np.unique(np.concatenate(kept)).tolist()
    return History(
        _chosen(history.steps, places),
        _chosen(history.epochs, places),
        _chosen(history.times, places),
        _chosen(history.values, places),
    )


def _rows(values: Any, width: int, filling: float) -> Any:
    """The values as a table with a stretch in each line, the last one filled up."""
    import numpy as np

    missing = -len(values) % width
    return np.concatenate([values, np.full(missing, filling, values.dtype)]).reshape(-1, width)


def _chosen(values: Sequence[Any], places: Sequence[int]) -> list[Any]:
    return [values[place] for place in places]
