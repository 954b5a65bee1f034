"""Reading back: search runs, find one by its id, hand them to other programs.

Works on rows, wherever they come from: anything with a `rows()` as a store has it can be searched.
"""

from autotrack.query.downsample import downsample
from autotrack.query.evaluate import duration_s, matches
from autotrack.query.export import record, typed
from autotrack.query.filter import parse
from autotrack.query.runs import Runs, resolve, search, unknown_keys
from autotrack.query.sql import sql
from autotrack.query.view import RowSource

__all__ = [
    "RowSource",
    "Runs",
    "downsample",
    "duration_s",
    "matches",
    "parse",
    "record",
    "resolve",
    "search",
    "sql",
    "typed",
    "unknown_keys",
]
