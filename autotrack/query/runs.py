"""Searching runs, finding one by its id, and `Runs`, the sequence a search gives back."""

import operator
import sys
import warnings
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar, overload

from autotrack.errors import (
    AmbiguousRunError,
    AutotrackError,
    AutotrackWarning,
    RunNotFoundError,
    SearchError,
    nearest,
)
from autotrack.query import export, table
from autotrack.query.conditions import Condition, Key, keys_of
from autotrack.query.filter import parse
from autotrack.query.indexed import LazyRows
from autotrack.query.order import parse_order
from autotrack.query.view import RowSource, RowsView, View, ask, unknown
from autotrack.types import Row

__all__ = ["Runs", "resolve", "search", "unknown_keys"]

_ID_LENGTH = 22  # hex digits
_CANDIDATES = 5  # of an ambiguous id that its error shows
RunT = TypeVar("RunT")


def search(
    store: RowSource,
    where: str | None = "",
    *,
    experiment: str | None = None,
    order_by: str | Sequence[str] | None = None,
    limit: int | None = None,
) -> Sequence[Row]:
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
    keys = [*keys_of(condition), *(order.key for order in orders)]

    def answer(view: View) -> tuple[Sequence[Row], list[str]]:
        return view.search(condition, experiment, orders, most), _unknown_told(keys, view)

    found, messages = ask(store, answer)
    for message in messages:
        warnings.warn(message, AutotrackWarning, stacklevel=_callers_level())
    return found


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

    def answer(view: View) -> Row | AutotrackError:
        if row := view.get(text) or view.get(id_or_prefix):
            return row
        found = view.starting_with(text)
        if len(found) == 1 and (row := view.get(found[0])):
            return row
        return _ambiguous(text, found, view) if found else _not_found(id_or_prefix, view)

    found = ask(store, answer)
    if isinstance(found, AutotrackError):
        raise found
    return found


def unknown_keys(condition: Condition, rows: Iterable[Row]) -> list[Key]:
    """The params, metrics and tags a condition compares and no run has."""
    return unknown(list(keys_of(condition)), RowsView({str(number): row for number, row in enumerate(rows)}))


class Runs(Sequence[RunT]):
    """Runs in the order they were searched in. Slices are `Runs` too; a run is opened when it is asked for."""

    def __init__(self, rows: Iterable[Row], open_run: Callable[[Row], RunT]) -> None:
        # Those of an index are made one by one as they are looked at.
        self._rows: Sequence[Row] = rows if isinstance(rows, LazyRows) else list(rows)
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
        return export.to_pandas(self.rows)

    def to_polars(self) -> Any:
        """The same as a Polars DataFrame.

        Raises:
            MissingLibraryError: Polars is not installed.
        """
        return export.to_polars(self.rows)

    def to_arrow(self) -> Any:
        """The same as a pyarrow Table."""
        return export.to_arrow(self.rows)


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


def _unknown_told(keys: Sequence[Key], view: View) -> list[str]:
    """What to tell of the keys that no run has; nothing if there are no runs."""
    if not view.newest(1):
        return []
    messages = []
    for key in unknown(keys, view):
        names = view.names(key.space)
        known = (
            f"There are: {', '.join(names[:12])}{', ...' if len(names) > 12 else ''}."
            if names
            else f"No run has any {key.space}."
        )
        messages.append(f"No run has the {key.space[:-1]} {key.name!r}.{nearest(key.name, names)} {known}")
    return messages


def _callers_level() -> int:
    """The stacklevel, for a `warn` in the function that asks, of the innermost frame outside autotrack."""
    level = 0
    frame = sys._getframe(1)
    while frame.f_back is not None and frame.f_globals.get("__name__", "").partition(".")[0] == "autotrack":
        frame = frame.f_back
        level += 1
    return level + 1


def _not_found(asked: str, view: View) -> RunNotFoundError:
    named = view.named(asked)
    newest = view.newest(1000)  # comparing texts is slow: the newest will do
    hint = f" A run named {asked!r} has the id {named!r}." if named else nearest(asked, newest)
    expected = "Expected a run id, or the first few characters of one. List them with: autotrack ls"
    if not newest:
        expected = "Expected a run id, and this store has no runs yet."
    return RunNotFoundError(f"No run {asked!r}.{hint}\n{expected}", run_id=asked)


def _ambiguous(asked: str, found: list[str], view: View) -> AmbiguousRunError:
    newest = found[::-1][:_CANDIDATES]
    rows = [(run_id, view.get(run_id) or Row()) for run_id in newest]
    lines = [
        f"    {run_id}  {table.show_time(row.get('start_ts'))}  {row.get('name', '')}".rstrip() for run_id, row in rows
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
