"""Rows as the index keeps them: whole, as compact JSON, and taken apart into what a search compares.

    runs   one line per run: its fields
    texts  one line per param and tag of a run: its text, and the number it is or reads as
    nums   one line per metric of a run: last, min, max, count

A number that is NaN stands as NULL in `nums`, and in `texts` under a kind of its own, as do whole numbers beyond the
64 bits of sqlite. Standard library only.
"""

import json
import math
from collections.abc import Iterator
from typing import Any, cast

from autotrack.store.rows import RowState
from autotrack.types import Row

__all__ = [
    "INEXACT",
    "NAN",
    "NO_NUMBER",
    "NULL",
    "NUMBER",
    "RUN_COLUMNS",
    "DamagedRowError",
    "decode",
    "encode",
    "metric_lines",
    "number_of",
    "run_line",
    "text_lines",
]

# Kinds of a line in `texts`: which number it has.
NO_NUMBER, NUMBER, NAN, INEXACT, NULL = range(5)

RUN_COLUMNS = (
    "run_id",
    "newest",  # the start, or 0: what runs are sorted by
    "is_open",  # its process may have died since: shown as what it is now
    "is_deleted",
    "start_ts",
    "end_ts",
    "duration",
    "git_dirty",
    "status",
    "experiment",
    "name",
    "parent_run_id",
    "source",
    "host",
    "author",
    "git_commit",
    "reason",
    "error",
)
_FIELDS = RUN_COLUMNS[8:]
_SUMMARY = ("last", "min", "max", "last_step", "last_ts", "count")
_LARGEST = 2**63
_encoder = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), check_circular=False)


class DamagedRowError(Exception):
    """The index holds what it cannot hold. Never leaves this room."""


def encode(state: RowState) -> bytes:
    """The whole row, with all that later patches need."""
    summary = {key: [cast(Any, one)[name] for name in _SUMMARY] for key, one in state.summary.items()}
    parts = [state.run_id, state.updated_ts, state.writer, state.base_ts, state.stamps, state.fields, summary]
    return _encoder.encode(parts).encode("utf-8")


def decode(data: bytes) -> RowState:
    """The row that was encoded so.

    Raises:
        DamagedRowError: It was not.
    """
    try:
        run_id, updated_ts, writer, base_ts, stamps, fields, summary = json.loads(data)
        state = RowState(run_id)
        state.updated_ts, state.writer, state.base_ts = updated_ts, writer, base_ts
        state.stamps, state.fields = stamps, fields
        state.summary = {key: cast(Any, dict(zip(_SUMMARY, values, strict=True))) for key, values in summary.items()}
    except (ValueError, TypeError, AttributeError) as error:
        raise DamagedRowError(str(error)) from error
    return state


def run_line(state: RowState, row: Row) -> tuple[Any, ...]:
    """The values of RUN_COLUMNS; empty texts are none."""
    start, end = row.get("start_ts"), row.get("end_ts")
    return (
        state.run_id,
        start or 0,
        state.fields.get("status", "running") == "running",
        bool(state.fields.get("deleted")),
        start,
        end,
        None if start is None or end is None else (end - start) / 1_000_000,
        row.get("git_dirty"),
        *(row.get(field) or None for field in _FIELDS),
    )


def text_lines(row: Row) -> Iterator[tuple[str, str, int, int | float | None, str, bool]]:
    """The params and tags of a row: space, name, kind, number, text, and whether it is a text."""
    types = row.get("param_types", {})
    for name, text in row.get("params", {}).items():
        kind = types.get(name)
        is_number = kind in ("int", "float", "bool")
        number_kind, number = _kept(number_of(text)) if is_number else (NO_NUMBER, None)
        yield "params", name, NULL if kind == "null" else number_kind, number, text, not is_number
    for name, text in row.get("tags", {}).items():
        yield "tags", name, *_kept(number_of(text)), text, True


def metric_lines(row: Row) -> Iterator[tuple[str, float | None, float | None, float | None, int]]:
    """The metrics of a row: name, last, min, max, count."""
    for name, one in row.get("summary", {}).items():
        yield name, one["last"], one["min"], one["max"], one["count"]


def number_of(text: str) -> int | float | None:
    """The number or truth value that a text reads as."""
    if text in ("True", "true", "False", "false"):
        return text in ("True", "true")
    if "." not in text:  # most texts are floats: a failed try would take longer than all else
        try:
            return int(text, 0)
        except ValueError:
            pass
    try:
        return float(text)
    except ValueError:
        return None


def _kept(number: int | float | None) -> tuple[int, int | float | None]:
    """The kind of a number, and the number if sqlite can hold it."""
    if number is None:
        return NO_NUMBER, None
    if isinstance(number, float):
        return (NAN, None) if math.isnan(number) else (NUMBER, number)
    return (NUMBER, number) if -_LARGEST <= number < _LARGEST else (INEXACT, None)
