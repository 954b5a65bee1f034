"""Searching runs, finding one by its id, and `Runs`, the sequence a search gives back."""

import operator
import sys
import warnings
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any, Protocol, TypeVar, cast, overload

from autotrack.errors import AmbiguousRunError, AutotrackWarning, RunNotFoundError, SearchError, nearest
from autotrack.query import export, table
from autotrack.query.conditions import Condition, Key, keys_of
from autotrack.query.evaluate import STATS, predicate
from autotrack.query.filter import parse
from autotrack.query.order import ordered, parse_order
from autotrack.types import Row

__all__ = ["RowSource", "Runs", "resolve", "search", "unknown_keys"]

_ID_LENGTH = 22  # hex digits
_CANDIDATES = 5  # of an ambiguous id that its error shows
_COLUMNS = {"params": "params", "metrics": "summary", "tags": "tags"}  # space of a key -> column of the row
RunT = TypeVar("RunT")


class RowSource(Protocol):
    """What can be searched: a store, or anything else that has rows."""

    def rows(self, run_ids: Collection[str] | None = None) -> dict[str, Row]: ...


def search(
    store: RowSource,
    where: str | None = "",
    *,
    experiment: str | None = None,
    order_by: str | Sequence[str] | None = None,
    limit: int | None = None,
) -> list[Row]:
    """The runs a condition holds for, newest first unless `order_by` says otherwise.

    Warns where the search names a param, metric or tag that no run at all has.

    Args:
        store: Where the runs are.
        where: As in `status = 'finished' and params.C > 1`; empty for all. The grammar stands in filter.py.
        experiment: Only runs of the experiment of this very name.
        order_by: As in `metrics.val_accuracy desc, started_at`. Runs without the value come last.
        limit: At most so many runs.

    Raises:
        SearchError: `where`, `order_by` or `limit` cannot be read.
    """
    condition = parse(where or "")
    orders = parse_order(order_by)
    most = _checked_limit(limit)
    rows = list(store.rows().values())
    holds = predicate(condition)
    found = [row for row in rows if experiment in (None, row.get("experiment")) and holds(row) is True]
    _tell_unknown([*keys_of(condition), *(order.key for order in orders)], rows)
    return ordered(found, orders)[:most]


def resolve(store: RowSource, id_or_prefix: str) -> Row:
    """The run with this id, or the only one whose id starts so.

    Raises:
        RunNotFoundError: There is none; the message names the nearest id.
        AmbiguousRunError: There are several; the message lists the first of them.
    """
    asked: Any = id_or_prefix
    text = asked.strip().lower() if isinstance(asked, str) else ""
    if not text:
        raise RunNotFoundError(
            f"{id_or_prefix!r} is no run id.\n"
            f"Expected {_ID_LENGTH} characters, or the first few of them. List them with: autotrack ls",
            run_id=id_or_prefix,
        )
    if len(text) == _ID_LENGTH and (row := store.rows([text]).get(text)):
        return row
    rows = store.rows()
    if row := rows.get(text) or rows.get(id_or_prefix):
        return row
    found = sorted(run_id for run_id in rows if run_id.startswith(text))
    if len(found) == 1:
        return rows[found[0]]
    raise _ambiguous(text, found, rows) if found else _not_found(id_or_prefix, rows)


def unknown_keys(condition: Condition, rows: Iterable[Row]) -> list[Key]:
    """The params, metrics and tags a condition compares and no run has."""
    return _unknown(keys_of(condition), list(rows))


class Runs(Sequence[RunT]):
    """Runs in the order they were searched in. Slices are `Runs` too; a run is opened when it is asked for."""

    def __init__(self, rows: Iterable[Row], open_run: Callable[[Row], RunT]) -> None:
        self._rows = list(rows)
        self._open_run = open_run

    @property
    def rows(self) -> list[Row]:
        """The records of the runs, in the same order."""
        return list(self._rows)

    def __len__(self) -> int:
        return len(self._rows)

    @overload
    def __getitem__(self, index: int) -> RunT: ...
    @overload
    def __getitem__(self, index: slice) -> "Runs[RunT]": ...
    def __getitem__(self, index: int | slice) -> "RunT | Runs[RunT]":
        if isinstance(index, slice):
            return Runs(self._rows[index], self._open_run)
        return self._open_run(self._rows[index])

    def __repr__(self) -> str:
        return table.text_table(self._rows)

    def _repr_html_(self) -> str:
        return table.html_table(self._rows)

    def to_pandas(self) -> Any:
        """A pandas DataFrame, one run per line: run_id, name ... then params.x, metrics.y, tags.z.

        Raises:
            MissingLibraryError: pandas is not installed.
        """
        return export.to_pandas(self._rows)

    def to_polars(self) -> Any:
        """The same as a Polars DataFrame.

        Raises:
            MissingLibraryError: Polars is not installed.
        """
        return export.to_polars(self._rows)

    def to_arrow(self) -> Any:
        """The same as a pyarrow Table."""
        return export.to_arrow(self._rows)


def _checked_limit(limit: int | None) -> int | None:
    if limit is None:
        return None
    try:
        count = operator.index(limit)
    except TypeError:
        count = -1
    if count < 0 or isinstance(limit, bool):
        raise SearchError(f"limit is {limit!r}.\nExpected a whole number from 0, or None for all runs.", limit=limit)
    return count


def _unknown(keys: Iterable[Key], rows: Sequence[Row]) -> list[Key]:
    found = []
    for key in dict.fromkeys(keys):
        if not key.space:
            continue
        names = [key.name]
        prefix, _, stat = key.name.rpartition(".")
        if key.space == "metrics" and prefix and stat in STATS and not key.is_exact:
            names.append(prefix)
        if not any(name in _entries(row, key) for row in rows for name in names):
            found.append(key)
    return found


def _entries(row: Row, key: Key) -> dict[str, Any]:
    """What the row has beside this key: all its params, metrics or tags."""
    entries: Any = row.get(_COLUMNS[key.space]) or {}
    return cast(dict[str, Any], entries)


def _tell_unknown(keys: Iterable[Key], rows: Sequence[Row]) -> None:
    if not rows:
        return
    for key in _unknown(keys, rows):
        names = sorted({name for row in rows for name in _entries(row, key)})
        known = (
            f"There are: {', '.join(names[:12])}{', ...' if len(names) > 12 else ''}."
            if names
            else f"No run has any {key.space}."
        )
        message = f"No run has the {key.space[:-1]} {key.name!r}.{nearest(key.name, names)} {known}"
        warnings.warn(message, AutotrackWarning, stacklevel=_callers_level())


def _callers_level() -> int:
    """The stacklevel, for a `warn` in the function that asks, of the innermost frame outside autotrack."""
    level = 0
    frame = sys._getframe(1)
    while frame.f_back is not None and frame.f_globals.get("__name__", "").partition(".")[0] == "autotrack":
        frame = frame.f_back
        level += 1
    return level + 1


def _not_found(asked: str, rows: dict[str, Row]) -> RunNotFoundError:
    named = [run_id for run_id, row in rows.items() if row.get("name") == asked]
    newest = sorted(rows, reverse=True)[:1000]  # comparing texts is slow: the newest will do
    hint = f" A run named {asked!r} has the id {max(named)!r}." if named else nearest(asked, newest)
    expected = "Expected a run id, or the first few characters of one. List them with: autotrack ls"
    if not rows:
        expected = "Expected a run id, and this store has no runs yet."
    return RunNotFoundError(f"No run {asked!r}.{hint}\n{expected}", run_id=asked)


def _ambiguous(asked: str, found: list[str], rows: dict[str, Row]) -> AmbiguousRunError:
    newest = found[::-1][:_CANDIDATES]
    lines = [
        f"    {run_id}  {table.show_time(rows[run_id].get('start_ts'))}  {rows[run_id].get('name', '')}".rstrip()
        for run_id in newest
    ]
    if len(found) > len(newest):
        lines.append(f"    ... {len(found) - len(newest)} more")
    return AmbiguousRunError(
        f"{len(found)} runs have an id that starts with {asked!r}:\n"
        + "\n".join(lines)
        + "\nExpected more characters of the id.",
        run_id=asked,
        candidates=found,
    )
