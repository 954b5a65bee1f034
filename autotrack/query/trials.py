"""The trials of a study, or the candidates of a search, as a table.

Columns: number, state, value (value_0 ... with several objectives), params.x, duration_s, then other metrics, what the
user noted (user_attrs.x), worker, started_at, run_id. Sorted by number.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Any, TypeVar, overload

from autotrack.objectives import best_of_search, directions_of, front, is_ranked, names_of_values, values_of
from autotrack.query import export
from autotrack.query.evaluate import duration_s
from autotrack.query.export import typed
from autotrack.query.table import show_duration, show_number
from autotrack.types import Row, to_datetime

__all__ = ["Trials"]

_SHOWN = 20  # rows of the text table
RunT = TypeVar("RunT")
_NOTED = "user_attrs."
_ALWAYS = ("number", "state", "value", "duration_s")  # columns of the text table


class Trials(Sequence[RunT]):
    """Trials by number; each opens as a run when it is asked for.

    Attributes:
        directions: minimize or maximize, for each objective; empty of a search that is no study.
    """

    def __init__(self, search: Row, rows: Sequence[Row], open_run: Callable[[Row], RunT]) -> None:
        self._search = search
        self._rows = rows
        self._open_run = open_run
        self.directions = directions_of(search)

    @property
    def rows(self) -> list[Row]:
        """Their records, in the same order."""
        return list(self._rows)

    @property
    def best(self) -> RunT | None:
        """The best one; None if there is none, or several objectives."""
        found = best_of_search(self._search, self._rows)
        return None if found is None else self._open_run(found)

    @property
    def front(self) -> "Trials[RunT]":
        """Those that no other is better than in all objectives: with one objective, all that are equally good."""
        count = len(self.directions)
        values = {
            place: found
            for place, row in enumerate(self._rows)
            if is_ranked(row) and (found := values_of(row, count)) is not None
        }
        kept = front(self.directions, values) if count else []
        return Trials(self._search, [self._rows[place] for place in kept], self._open_run)

    def records(self) -> list[dict[str, Any]]:
        """Each as plain values, by column."""
        return [self._record(number, row) for number, row in enumerate(self._rows)]

    def to_pandas(self) -> Any:
        """A pandas DataFrame, a trial per line.

        Raises:
            MissingLibraryError: pandas is not installed.
        """
        return export.library("pandas", "to_pandas()").DataFrame(self._columns())

    def to_polars(self) -> Any:
        """The same as a Polars DataFrame.

        Raises:
            MissingLibraryError: Polars is not installed.
        """
        return export.library("polars", "to_polars()").DataFrame(self._columns(is_typed=True), strict=False)

    def to_arrow(self) -> Any:
        """The same as a pyarrow Table."""
        return export.library("pyarrow", "to_arrow()").table(self._columns(is_typed=True))

    def __len__(self) -> int:
        return len(self._rows)

    @overload
    def __getitem__(self, index: int) -> RunT: ...
    @overload
    def __getitem__(self, index: slice) -> "Trials[RunT]": ...
    def __getitem__(self, index: int | slice) -> "RunT | Trials[RunT]":
        if isinstance(index, slice):
            return Trials(self._search, self._rows[index], self._open_run)
        return self._open_run(self._rows[index])

    def __iter__(self) -> Iterator[RunT]:
        return map(self._open_run, self._rows)

    def __repr__(self) -> str:
        records = [self._record(number, row) for number, row in enumerate(self._rows[:_SHOWN])]
        return _text_table(records, len(self), self._searched())

    def _searched(self) -> set[str]:
        """The columns of what was searched over; empty if that is not known."""
        names = (name for name in self._search.get("params", {}) if name.startswith("space."))
        return {f"params.{name.removeprefix('space.')}" for name in names}

    def _columns(self, *, is_typed: bool = False) -> dict[str, list[Any]]:
        """Every column with its values; `is_typed`: one of several kinds as text, for libraries that want one."""
        records = self.records()
        names = list(dict.fromkeys(name for record in records for name in record))
        ordered = sorted(names, key=_place)
        columns = {name: [record.get(name) for record in records] for name in ordered}
        return {name: _of_one_kind(values) for name, values in columns.items()} if is_typed else columns

    def _record(self, position: int, row: Row) -> dict[str, Any]:
        tags, metrics = row.get("tags", {}), row.get("summary", {})
        count = len(self.directions)
        found: dict[str, Any] = {
            "number": int(tags.get("trial", position)),
            "state": row.get("status") if tags.get("state", "running") == "running" else tags["state"],
        }
        values: Sequence[float | None] | None = values_of(row, count) if count else None
        objectives = names_of_values(count) if count else []
        found.update(dict(zip(objectives, values or [None] * count, strict=True)))
        found.update({f"params.{name}": value for name, value in typed(row).items()})
        found["duration_s"] = duration_s(row)
        found.update(
            {f"metrics.{name}": summary["last"] for name, summary in metrics.items() if name not in objectives}
        )
        found.update({name: text for name, text in tags.items() if name.startswith(_NOTED)})
        found["worker"] = tags.get("worker")
        started = row.get("start_ts")
        found["started_at"] = None if started is None else to_datetime(started)
        found["run_id"] = row["run_id"]
        return found


def _place(name: str) -> tuple[int, str]:
    """Where a column stands: kinds in this order, those of one kind by name."""
    kinds = ("number", "state", "value", "params.", "duration_s", "metrics.", _NOTED, "worker", "started_at", "run_id")
    return next(place for place, kind in enumerate(kinds) if name.startswith(kind)), name


def _of_one_kind(values: list[Any]) -> list[Any]:
    kinds = {type(value) for value in values if value is not None}
    if len(kinds) < 2 and not kinds & {list, dict}:
        return values
    if kinds == {int, float}:
        return [None if value is None else float(value) for value in values]
    return [None if value is None else str(value) for value in values]


def _text_table(records: Sequence[dict[str, Any]], total: int, searched: Collection[str]) -> str:
    names = sorted(dict.fromkeys(name for record in records for name in record), key=_place)
    shown = [
        name for name in names if name.startswith(_ALWAYS) or (name in searched if searched else name[:7] == "params.")
    ]
    lines = [[name.removeprefix("params.") for name in shown]]
    lines += [[_cell(name, record.get(name)) for name in shown] for record in records]
    widths = [max(len(line[column]) for line in lines) for column in range(len(shown))]
    text = ["  ".join(cell.rjust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines]
    if total > len(records):
        text.append(f"... {total - len(records)} more")
    return "\n".join(text) if records else "no trials"


def _cell(name: str, value: Any) -> str:
    if value is None:
        return "-"
    if name == "duration_s":
        return show_duration(value)
    return show_number(value) if isinstance(value, float) else str(value)
