"""What a row is before it is Parquet: patches folded into rows, points into summaries. No pyarrow here.

A row is made of patches, and a patch is a part of a row: its fields replace the row's, its maps are merged
into the row's. `RowState` also keeps when each field was set and lets the later one win, so that it does not
matter in which order the patches of several writers come, or whether one comes twice.
"""

import json
import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from autotrack.store.schema import MAP_FIELDS as MAPS
from autotrack.store.schema import SCALAR_FIELDS
from autotrack.types import Row, Summary

__all__ = ["MAPS", "RowState", "TimedSummary", "add_value", "apply_patch", "join_summaries", "printable"]


def apply_patch(row: Row, patch: Row) -> None:
    """Fold one patch into a row, in place."""
    for field, value in patch.items():
        if field in MAPS:
            row.setdefault(field, {}).update(value)  # type: ignore[misc]
        else:
            row[field] = value  # type: ignore[literal-required]


def add_value(summary: Summary | None, value: float, step: int) -> Summary:
    """The summary after one more point, which comes later than the others; a summary that is given is changed."""
    if summary is None:
        return {"last": value, "min": value, "max": value, "last_step": step, "count": 1}
    summary["count"] += 1
    if step >= summary["last_step"]:
        summary["last"], summary["last_step"] = value, step
    if not summary["min"] <= value <= summary["max"]:  # also where one of them is NaN
        summary["min"] = _ignoring_nan(min, summary["min"], value)
        summary["max"] = _ignoring_nan(max, summary["max"], value)
    return summary


def join_summaries(old: Summary | None, new: Summary) -> Summary:
    """The summary of two groups of points of one metric; `new` came later and wins at the same step."""
    if old is None:
        return new
    newest = new if new["last_step"] >= old["last_step"] else old
    return {
        "last": newest["last"],
        "min": _ignoring_nan(min, old["min"], new["min"]),
        "max": _ignoring_nan(max, old["max"], new["max"]),
        "last_step": newest["last_step"],
        "count": old["count"] + new["count"],
    }


_ENDING = ("status", "reason", "end_ts")
_MAX_TS = 2**62  # far beyond any clock, and safe in 64 bits


class TimedSummary(Summary):
    """A summary that knows when its last point was recorded: the order of points is (step, time)."""

    last_ts: int


class RowState:
    """A row on its way into or out of the tables, with the time at which each of its fields was set."""

    __slots__ = ("base_ts", "fields", "run_id", "stamps", "summary", "updated_ts", "writer")

    def __init__(self, run_id: str) -> None:
        self.run_id = run_id
        self.fields: dict[str, Any] = {}  # set scalar fields, and the maps
        self.summary: dict[str, TimedSummary] = {}
        self.updated_ts = 0
        self.writer: str | None = None  # which one set the status
        self.stamps: dict[str, int] = {}  # by `field` or `map.key`
        self.base_ts = 0  # the stamp of what is set and has none in `stamps`

    def apply(self, patch: Mapping[str, Any], ts: int, writer: str) -> None:
        """Fold in a patch recorded at `ts`. A value its column cannot hold is written as text, never refused."""
        for field, value in patch.items():
            if value is None:
                continue
            if field in MAPS:
                if not isinstance(value, Mapping):
                    continue
                texts = self.fields.setdefault(field, {})
                for name, item in value.items():
                    key = printable(name)
                    if self._wins(f"{field}.{key}", ts, key in texts):
                        texts[key] = _text(item)
            elif field in SCALAR_FIELDS and self._wins(field, ts, field in self.fields):
                self.fields[field] = _clean(field, value)
                if field == "status":
                    self.writer = writer
        self.updated_ts = max(self.updated_ts, ts)

    def kill(self, reason: str, end_ts: int, writer: str, status_ts: int | None = None) -> None:
        """The writer that said `running` (at `status_ts`: a later word about the status stands) has ended."""
        said_ts = self._stamp("status")
        if self.fields.get("status", "running") == "running" and (status_ts is None or said_ts <= status_ts):
            ts = said_ts if status_ts is None else status_ts
            self.apply({"status": "killed", "reason": reason, "end_ts": end_ts}, ts, writer)

    def add_summary(self, key: str, new: TimedSummary, updated_ts: int) -> None:
        """Fold in the summary of further points of a metric, the latest of which was recorded at `updated_ts`."""
        old = self.summary.get(key)
        self.updated_ts = max(self.updated_ts, updated_ts)
        if old is None:
            self.summary[key] = new
            return
        is_newer = (new["last_step"], new["last_ts"]) >= (old["last_step"], old["last_ts"])
        newest = new if is_newer else old
        self.summary[key] = {**join_summaries(old, new), "last": newest["last"], "last_ts": newest["last_ts"]}

    def news_for(self, known: "RowState") -> list[tuple[int, Row]]:
        """Patches, by time, that bring what is known of this run elsewhere up to what is known here.

        Of two values that were set at the same time the greater one stands, whichever side it is on.
        """
        found: dict[int, dict[str, Any]] = {}
        # A run that is open there has not ended, whatever was thought of the process that was its last word here.
        is_open = known.fields.get("status") == "running" and self._stamp("status") <= known._stamp("status")
        for field, value in self.fields.items():
            theirs = known.fields.get(field)
            if field in MAPS:
                for key, text in value.items():
                    path = f"{field}.{key}"
                    if self._beats(known, path, text, (theirs or {}).get(key)):
                        found.setdefault(self._stamp(path), {}).setdefault(field, {})[key] = text
            elif not (is_open and field in _ENDING) and self._beats(known, field, value, theirs):
                found.setdefault(self._stamp(field), {})[field] = value
        if self.updated_ts > known.updated_ts:
            found.setdefault(self.updated_ts, {})
        return sorted(found.items())  # type: ignore[arg-type]

    def to_row(self) -> Row:
        """The row as callers see it: all maps are there, other fields only if they are set."""
        row: dict[str, Any] = {"run_id": self.run_id}
        row |= {field: self.fields[field] for field in SCALAR_FIELDS if field in self.fields}
        row["updated_ts"] = self.updated_ts
        for field in MAPS:
            row[field] = dict(sorted(self.fields.get(field, {}).items()))
        # Resumed: how it ended before does not hold any more.
        is_running = row.get("status") == "running"
        if is_running:
            row.pop("end_ts", None)
        if is_running or self._stamp("reason") < self._stamp("status"):
            row.pop("reason", None)
        row["summary"] = {key: _without_time(summary) for key, summary in sorted(self.summary.items())}
        return row  # type: ignore[return-value]

    def packed_stamps(self) -> dict[str, int]:
        """All stamps, briefly: the most frequent one stands once, under an empty name."""
        stamps = {path: self._stamp(path) for path in self._paths()}
        if not stamps:
            return {}
        base = Counter(stamps.values()).most_common(1)[0][0]
        return {"": base, **{path: ts for path, ts in stamps.items() if ts != base}}

    def _wins(self, path: str, ts: int, is_set: bool) -> bool:
        if is_set and ts < self._stamp(path):
            return False
        self.stamps[path] = ts
        return True

    def _beats(self, known: "RowState", path: str, value: Any, theirs: Any) -> bool:
        ahead = self._stamp(path) - known._stamp(path)
        return theirs is None or ahead > 0 or (ahead == 0 and value > theirs)

    def _stamp(self, path: str) -> int:
        return self.stamps.get(path, self.base_ts)

    def _paths(self) -> Iterator[str]:
        for field, value in self.fields.items():
            if field in MAPS:
                yield from (f"{field}.{key}" for key in value)
            else:
                yield field


def _without_time(summary: TimedSummary) -> Summary:
    return {
        "last": summary["last"],
        "min": summary["min"],
        "max": summary["max"],
        "last_step": summary["last_step"],
        "count": summary["count"],
    }


def _clean(field: str, value: object) -> object:
    """The value as its column can hold it."""
    kind = SCALAR_FIELDS[field]
    if kind == "boolean":
        return bool(value)
    if kind == "timestamp":
        return value if isinstance(value, int) and abs(value) < _MAX_TS else 0
    return _text(value)


def _text(value: object) -> str:
    return printable(value if isinstance(value, str) else json.dumps(value))


def printable(text: str) -> str:
    """The text as UTF-8 can hold it: half a surrogate pair (from a file name, say) is written out as `\\udc80`."""
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode("utf-8")


def _ignoring_nan(pick: Callable[[float, float], float], a: float, b: float) -> float:
    if math.isnan(a):
        return b
    return a if math.isnan(b) else pick(a, b)
