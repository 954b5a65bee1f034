"""The view of a store's rows through its index: sealed rows by SQL, live ones in Python, merged."""

from collections.abc import Iterable, Sequence
from typing import overload

from autotrack.query.compile import Query, UnfitError
from autotrack.query.conditions import Condition
from autotrack.query.order import Order, ordered
from autotrack.query.view import RowsView
from autotrack.store.index import Index
from autotrack.store.index_rows import decode
from autotrack.types import Row

__all__ = ["IndexView", "LazyRows"]

_SHOWN = "NOT is_deleted AND rid NOT IN (SELECT rid FROM hidden)"
_LAST_CHAR = 0xD7FF  # the next code point is half of a pair, which no text ends with


class LazyRows(Sequence[Row]):
    """Rows as the index keeps them, each made when it is looked at: 100,000 of them would take seconds, and a GB."""

    def __init__(self, rows: Iterable[bytes | Row]) -> None:
        self._rows = list(rows)

    def __len__(self) -> int:
        return len(self._rows)

    @overload
    def __getitem__(self, index: int) -> Row: ...
    @overload
    def __getitem__(self, index: slice) -> "LazyRows": ...
    def __getitem__(self, index: int | slice) -> "Row | LazyRows":
        if isinstance(index, slice):
            return LazyRows(self._rows[index])
        row = self._rows[index]
        return decode(row).to_row() if isinstance(row, bytes) else row

    def insert(self, row: Row, orders: Sequence[Order]) -> None:
        """Put a row where it belongs among rows that are in order."""
        low, high = 0, len(self._rows)
        while low < high:
            middle = (low + high) // 2
            if ordered([row, self[middle]], orders)[0] is row:
                high = middle
            else:
                low = middle + 1
        self._rows.insert(low, row)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and list(self) == list(other)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return repr(list(self))


class IndexView:
    """See View. The index must stay frozen as long as it is asked."""

    def __init__(self, index: Index) -> None:
        self._index = index
        self._live = RowsView(index.live)

    def search(
        self, condition: Condition, experiment: str | None, orders: Sequence[Order], most: int | None
    ) -> Sequence[Row]:
        try:
            query = Query(self, condition, experiment, orders)
        except UnfitError:
            return RowsView(self._all_rows()).search(condition, experiment, orders, most)
        self._index.function("ask", 5, query.ask)
        found = query.run(self._index.select, most)
        rows = LazyRows(self._data(rid) for rid in found)
        for row in self._live.search(condition, experiment, orders, most):
            rows.insert(row, orders)
        return rows[:most]

    def get(self, run_id: str) -> Row | None:
        live = self._live.get(run_id)
        if live is not None:
            return live
        found = self._index.select(
            f"SELECT data FROM runs JOIN rows USING (rid) WHERE run_id = ? AND {_SHOWN}", (_safe(run_id),)
        )
        return decode(found[0][0]).to_row() if found else None

    def starting_with(self, prefix: str) -> list[str]:
        last = ord(prefix[-1])
        end = prefix[:-1] + chr(last + 1) if last < _LAST_CHAR else chr(0x10FFFF) * 2
        found = self._ids("run_id >= ? AND run_id < ?", _safe(prefix), _safe(end))
        return sorted([*(run_id for run_id in found if run_id.startswith(prefix)), *self._live.starting_with(prefix)])

    def newest(self, count: int) -> list[str]:
        found = self._ids("1 ORDER BY run_id DESC LIMIT ?", count)
        return sorted([*found, *self._live.newest(count)], reverse=True)[:count]

    def named(self, name: str) -> str | None:
        live = self._live.named(name)
        found = self._ids("name = ? ORDER BY run_id DESC LIMIT 1", _safe(name))
        return max([*found, *([] if live is None else [live])], default=None)

    def has(self, space: str, name: str) -> bool:
        if self._live.has(space, name):
            return True
        known = self.key(space, name)
        return known is not None and self._is_used(space, known[0])

    def names(self, space: str) -> list[str]:
        known = self._index.select("SELECT k, name FROM keys WHERE space = ?", (space,))
        return sorted({*(name for k, name in known if self._is_used(space, k)), *self._live.names(space)})

    def key(self, space: str, name: str) -> tuple[int, bool] | None:
        """See Keys."""
        found = self._index.select("SELECT k, has_inexact FROM keys WHERE space = ? AND name = ?", (space, _safe(name)))
        return (found[0][0], bool(found[0][1])) if found else None

    def _ids(self, condition: str, *values: str | int | None) -> list[str]:
        return [
            run_id
            for (run_id,) in self._index.select(f"SELECT run_id FROM runs WHERE {_SHOWN} AND {condition}", values)
        ]

    def _is_used(self, space: str, k: int) -> bool:
        table = "nums" if space == "metrics" else "texts"
        sql = f"SELECT 1 FROM {table} WHERE k = ? AND rid NOT IN (SELECT rid FROM hidden) LIMIT 1"
        return bool(self._index.select(sql, (k,)))

    def _data(self, rid: int) -> bytes:
        data: bytes = self._index.select("SELECT data FROM rows WHERE rid = ?", (rid,))[0][0]
        return data

    def _all_rows(self) -> dict[str, Row]:
        found = self._index.select(f"SELECT data FROM runs JOIN rows USING (rid) WHERE {_SHOWN}")
        rows = {row["run_id"]: row for row in (decode(data).to_row() for (data,) in found)} | self._index.live
        return dict(sorted(rows.items()))


def _safe(text: str) -> str | None:
    """The text as sqlite can hold it; None, which is equal to nothing, if it holds half of a surrogate pair."""
    return None if text.encode("utf-8", "replace").decode("utf-8") != text else text
