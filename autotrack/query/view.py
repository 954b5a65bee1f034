"""What a search looks at: all rows of a store, in Python or through its index, with the same answers.

ask(store, lambda view: view.search(...))       # through the index, if there is one and it holds
"""

from collections.abc import Callable, Collection, Sequence
from functools import cached_property
from typing import Any, Protocol, TypeVar, cast

from autotrack.query.conditions import Condition, Key
from autotrack.query.evaluate import names_of, predicate
from autotrack.query.order import Order, ordered
from autotrack.types import Row

__all__ = ["RowSource", "RowsView", "View", "ask", "entries", "unknown"]

_COLUMNS = {"params": "params", "metrics": "summary", "tags": "tags"}  # space of a key -> column of the row
_T = TypeVar("_T")


class RowSource(Protocol):
    """What can be searched: a store, or anything else that has rows.

    One that also has `indexed()`, as a store has it, is searched through its index.
    """

    def rows(self, run_ids: Collection[str] | None = None) -> dict[str, Row]: ...


class View(Protocol):
    """All rows, as they are at one moment."""

    def search(
        self, condition: Condition, experiment: str | None, orders: Sequence[Order], most: int | None
    ) -> Sequence[Row]:
        """The rows that fit, in order."""
        ...

    def get(self, run_id: str) -> Row | None:
        """The row with this id."""
        ...

    def starting_with(self, prefix: str) -> list[str]:
        """The ids that start so, sorted."""
        ...

    def newest(self, count: int) -> list[str]:
        """The last ids, the newest first."""
        ...

    def named(self, name: str) -> str | None:
        """The id of the newest run of this name."""
        ...

    def has(self, space: str, name: str) -> bool:
        """Whether any run has this param, metric or tag."""
        ...

    def names(self, space: str) -> list[str]:
        """The names of all params, metrics or tags, sorted."""
        ...


def ask(source: RowSource, question: Callable[[View], _T]) -> _T:
    """The answer to a question about the rows of a source. It may be asked twice: if the index proves damaged."""
    indexed: Callable[[], Any] | None = getattr(source, "indexed", None)
    if indexed is not None:
        from autotrack.query.indexed import IndexView

        with indexed() as index:  # ends quietly where the index cannot answer
            if index is not None:
                return question(IndexView(index))
    return question(_SourceView(source))


class RowsView:
    """A view of rows in memory."""

    def __init__(self, rows: dict[str, Row]) -> None:
        self._rows = rows

    def search(
        self, condition: Condition, experiment: str | None, orders: Sequence[Order], most: int | None
    ) -> Sequence[Row]:
        holds = predicate(condition)
        found = [
            row for row in self._rows.values() if experiment in (None, row.get("experiment")) and holds(row) is True
        ]
        return ordered(found, orders)[:most]

    def get(self, run_id: str) -> Row | None:
        return self._rows.get(run_id)

    def starting_with(self, prefix: str) -> list[str]:
        return sorted(run_id for run_id in self._rows if run_id.startswith(prefix))

    def newest(self, count: int) -> list[str]:
        return sorted(self._rows, reverse=True)[:count]

    def named(self, name: str) -> str | None:
        return max((run_id for run_id, row in self._rows.items() if row.get("name") == name), default=None)

    def has(self, space: str, name: str) -> bool:
        return any(name in entries(row, space) for row in self._rows.values())

    def names(self, space: str) -> list[str]:
        return sorted({name for row in self._rows.values() for name in entries(row, space)})


class _SourceView(RowsView):
    """All rows of a source, loaded once more than a single one is asked for."""

    def __init__(self, source: RowSource) -> None:
        self._source = source

    @cached_property
    def _rows(self) -> dict[str, Row]:  # type: ignore[override]
        return self._source.rows()

    def get(self, run_id: str) -> Row | None:
        is_loaded = "_rows" in self.__dict__
        return (self._rows if is_loaded else self._source.rows([run_id])).get(run_id)


def unknown(keys: Sequence[Key], view: View) -> list[Key]:
    """Those of the keys that are params, metrics or tags which no run has."""
    return [
        key
        for key in dict.fromkeys(keys)
        if key.space and not any(view.has(key.space, name) for name, _ in names_of(key))
    ]


def entries(row: Row, space: str) -> dict[str, Any]:
    """All params, metrics or tags of a row."""
    return cast(dict[str, Any], row.get(_COLUMNS[space]) or {})
