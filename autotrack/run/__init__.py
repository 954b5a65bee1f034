"""A run while it lives: started, logged to, finished; on its way to the store."""

from autotrack.run.buffer import settlers
from autotrack.run.children import Child, Children
from autotrack.run.current import (
    Opened,
    active_run,
    announce,
    ended,
    go_on,
    inside_run,
    is_recording,
    join,
    keeps,
    last_run,
    paused,
    recorder,
    start,
    start_fit,
    use,
)
from autotrack.run.ranks import is_silent_rank
from autotrack.run.recorder import Recorder
from autotrack.run.run import Run

__all__ = [
    "Child",
    "Children",
    "Opened",
    "Recorder",
    "Run",
    "active_run",
    "announce",
    "ended",
    "go_on",
    "inside_run",
    "is_recording",
    "is_silent_rank",
    "join",
    "keeps",
    "last_run",
    "paused",
    "recorder",
    "settlers",
    "start",
    "start_fit",
    "use",
]
