"""Trials of a search, of whatever library: runs inside its run, with ids that follow from it and their number."""

import os
import threading
from collections.abc import Mapping, Sequence

from autotrack.objectives import names_of_values
from autotrack.types import Row

__all__ = ["start_row", "trial_id", "values_by_name", "worker"]

_ID_GAP = 1 << 40  # a millisecond, in ids: trials sort behind their search, and short forms of its id mean that


def trial_id(search_run_id: str, number: int) -> str:
    """The run id of a trial: the same in whatever process it is asked for."""
    return f"{int(search_run_id, 16) + _ID_GAP + number:022x}"


def start_row(number: int, run_id: str, common: Row, tags: Mapping[str, str], started_us: int) -> Row:
    """A trial that has begun."""
    return {
        **common,
        "run_id": run_id,
        "name": f"trial {number}",
        "status": "running",
        "start_ts": started_us,
        "tags": {**tags, "trial": str(number), "state": "running"},
    }


def values_by_name(
    values: Sequence[float] | None, names: Sequence[str] | None, taken: frozenset[str] = frozenset()
) -> dict[str, float]:
    """The objectives by the metrics that hold them.

    Args:
        names: The search's own names for them.
        taken: What the user has logged himself; that stays as it is.
    """
    if values is None:
        return {}
    found: dict[str, float] = {}
    for key, value in zip(names_of_values(len(values)), values, strict=True):
        found[f"objective_{key}" if key in taken else key] = float(value)
    for key, value in zip(names or (), values, strict=False):
        if key not in taken:
            found.setdefault(str(key), float(value))
    return found


def worker() -> str:
    """This process and thread: who runs a trial."""
    thread = threading.current_thread()
    return str(os.getpid()) if thread is threading.main_thread() else f"{os.getpid()} {thread.name}"
