"""Reading back: search runs, find one by its id, hand them to other programs.

Works on rows, wherever they come from: anything with a `rows()` as a store has it can be searched.
"""

from autotrack.query.evaluate import duration_s, matches
from autotrack.query.export import record, typed
from autotrack.query.filter import parse
from autotrack.query.runs import RowSource, Runs, resolve, search, unknown_keys

__all__ = [
    "RowSource",
    "Runs",
    "duration_s",
    "matches",
    "parse",
    "record",
    "resolve",
    "search",
    "typed",
    "unknown_keys",
]
