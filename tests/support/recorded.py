"""What is on record, for tests whose every run is told."""

import autotrack
from autotrack.run import Run

__all__ = ["only_run", "runs"]


def runs(where: str = "") -> list[Run]:
    """Runs that are nobody's children, oldest first."""
    return sorted((run for run in autotrack.search_runs(where) if run.parent is None), key=lambda run: run.id)


def only_run() -> Run:
    """The only one of them."""
    (run,) = runs()
    return run
