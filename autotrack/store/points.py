"""Packed points to columns: sorted for a file of the `metrics` table, summarised for the `runs` table.

Imports numpy and pyarrow when called.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from autotrack.store.columns import times_to_array, to_array
from autotrack.store.journal import NO_EPOCH
from autotrack.store.rows import TimedSummary
from autotrack.store.schema import METRICS, arrow_schema
from autotrack.store.segments import Segment

__all__ = ["LAYOUT", "points_of", "points_to_table", "summaries", "touched_runs"]

# What POINT packs, as numpy has it.
LAYOUT = [("run", "<u4"), ("key", "<u4"), ("step", "<i8"), ("ts", "<i8"), ("value", "<f8"), ("epoch", "<i4")]


def points_of(segment: Segment) -> Any:
    """The segment's points as a numpy array with the fields of POINT; those whose names are lost are left out."""
    import numpy as np

    points = np.frombuffer(segment.points or b"", np.dtype(LAYOUT))
    known = _known(points["run"], segment.runs) & _known(points["key"], segment.keys)
    return points if known.all() else points[known]


def summaries(segment: Segment) -> list[tuple[str, str, TimedSummary, int]]:
    """What the points of a segment come to: run id, key, summary, and when the latest of them was recorded."""
    if segment.summaries is None:
        segment.summaries = list(_summarised(segment))
    return segment.summaries


def touched_runs(segment: Segment) -> set[str]:
    """The ids of the runs that a segment says something about."""
    numbers = {number for number, _, _ in [*segment.heads, *segment.patches]}
    if segment.points:
        import numpy as np

        numbers.update(np.unique(points_of(segment)["run"]).tolist())
    return {segment.runs[number] for number in numbers if number in segment.runs}


def _summarised(segment: Segment) -> Iterator[tuple[str, str, TimedSummary, int]]:
    if not segment.points:
        return
    import numpy as np

    points = points_of(segment)
    if not len(points):
        return
    points = points[np.lexsort((points["ts"], points["step"], points["key"], points["run"]))]
    is_start = np.ones(len(points), bool)
    is_start[1:] = (points["run"][1:] != points["run"][:-1]) | (points["key"][1:] != points["key"][:-1])
    starts = np.flatnonzero(is_start)
    ends = np.append(starts[1:], len(points))
    last = points[ends - 1]
    columns = (
        last["run"].tolist(),
        last["key"].tolist(),
        last["value"].tolist(),
        np.fmin.reduceat(points["value"], starts).tolist(),
        np.fmax.reduceat(points["value"], starts).tolist(),
        last["step"].tolist(),
        last["ts"].tolist(),
        (ends - starts).tolist(),
        np.maximum.reduceat(points["ts"], starts).tolist(),
    )
    for run, key, value, low, high, step, ts, count, updated_ts in zip(*columns, strict=True):
        summary: TimedSummary = {
            "last": value,
            "min": low,
            "max": high,
            "last_step": step,
            "last_ts": ts,
            "count": count,
        }
        yield segment.runs[run], segment.keys[key], summary, updated_ts


def points_to_table(segments: Sequence[tuple[Segment, int | None]]) -> Any:
    """The points of segments, each with its writer's rank, as a table of `metrics`, sorted; None if there are none."""
    import numpy as np
    import pyarrow as pa

    parts = [(segment, rank, points_of(segment)) for segment, rank in segments]
    parts = [part for part in parts if len(part[2])]
    if not parts:
        return None
    run_names = sorted({name for segment, _, _ in parts for name in segment.runs.values()})
    key_names = sorted({name for segment, _, _ in parts for name in segment.keys.values()})
    runs = np.concatenate([_codes(points["run"], segment.runs, run_names) for segment, _, points in parts])
    keys = np.concatenate([_codes(points["key"], segment.keys, key_names) for segment, _, points in parts])
    points = np.concatenate([points for _, _, points in parts])
    has_rank = np.concatenate([np.full(len(points), rank is not None) for _, rank, points in parts])
    ranks = np.concatenate([np.full(len(points), rank or 0, "<i4") for _, rank, points in parts])
    order = np.lexsort((points["ts"], points["step"], keys, runs))
    points = points[order]
    columns = {
        "run_id": _dictionary(runs[order], run_names),
        "key": _dictionary(keys[order], key_names),
        "step": times_to_array("long", points["step"]),
        "epoch": times_to_array("long", points["epoch"], points["epoch"] != NO_EPOCH),
        "ts": times_to_array("timestamp", points["ts"]),
        "value": times_to_array("double", points["value"]),
        "rank": times_to_array("integer", ranks[order], has_rank[order]),
    }
    schema = arrow_schema(METRICS)
    for name in ("run_id", "key"):
        schema = schema.set(schema.get_field_index(name), pa.field(name, columns[name].type))
    return pa.Table.from_arrays([columns[name] for name in METRICS], schema=schema)


def _known(numbers: Any, names: Mapping[int, str]) -> Any:
    import numpy as np

    return np.isin(numbers, np.fromiter(names, "<u4", len(names)))


def _codes(numbers: Any, names: Mapping[int, str], sorted_names: Sequence[str]) -> Any:
    """For each number the position of its name in the sorted names."""
    import numpy as np

    position = {name: place for place, name in enumerate(sorted_names)}
    known = np.fromiter(names, "<u4", len(names))
    codes = np.fromiter((position[name] for name in names.values()), "<i4", len(names))
    by_number = np.argsort(known)
    return codes[by_number][np.searchsorted(known[by_number], numbers)]


def _dictionary(codes: Any, names: Sequence[str]) -> Any:
    import pyarrow as pa

    return pa.DictionaryArray.from_arrays(times_to_array("integer", codes), to_array("string", names))
