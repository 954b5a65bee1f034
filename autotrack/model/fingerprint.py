"""Fingerprints of data: equal data has equal ones, in every process; a change in any cell changes it.

    {"fingerprint": "xxh3:9f6e..."}                      of all bytes: what it is, shape, types, names, every cell
    {"fingerprint": "s64:41c2...", "sampled": True}      of 64 evenly spaced pieces: too large, too slow, or in a file
    {"no_fingerprint": "objects of __main__.Shape"}      why there is none

Seen are the cells, in their order, and the names of columns. Not seen: the index of a frame, the name of a series, and
how the data lies in memory (C or Fortran order, strides, Arrow's chunks). Of a sparse matrix all its arrays are seen as
they are. xxh3 tells data apart; it is no protection against somebody who forges it.
"""

import time
from collections.abc import Iterable
from typing import Any

from autotrack.model.cells import UnseenError
from autotrack.model.views import Table, failures, tables_of

__all__ = ["BUDGET_S", "fingerprint", "fingerprint_tables", "ranges"]

BUDGET_S = 0.05  # of one thread's time; what takes longer is sampled
SPEED = 20e9  # bytes a second that are counted on: what could not be done at this speed is not even begun
MAX_BYTES = 1 << 30  # more than this is sampled, whatever the budget
SAMPLES = 64  # pieces of a sampled fingerprint ...
SAMPLE_BYTES = 64 << 10  # ... and how large each of them is; data that is no larger than all of them is seen in full,
SMALL_S = 0.02  # ... for which there is this much time, however short the budget: equal trainings have equal ones
SAMPLE_CELLS = 1_000_000  # of very wide data fewer pieces are taken
_TILE_BYTES = 2 << 20  # rows that are read at once, column by column: so that they are still in the cache
_TILE_ROWS = (512, 32_768)
_CHECK_BYTES = 1 << 20  # the time is looked at after so many bytes, or so many pieces of them
_CHECK_PIECES = 16


class _OverBudgetError(Exception):
    """It takes too long."""


def fingerprint(data: Any, budget_s: float = BUDGET_S) -> dict[str, Any]:
    """The fingerprint of data, as an entry of its description.

    Args:
        data: Anything given to fit or predict.
        budget_s: The processor time it may take, in seconds; beyond it the fingerprint is of a sample.
    """
    try:
        return fingerprint_tables(tables_of(data), budget_s)
    except UnseenError as reason:
        return {"no_fingerprint": str(reason)}
    except failures() as error:
        return {"no_fingerprint": f"{type(error).__name__}: {error}"[:200]}


def fingerprint_tables(tables: list[Table], budget_s: float = BUDGET_S) -> dict[str, Any]:
    """The same, of data that is seen already.

    Raises:
        UnseenError: A cell cannot be seen.
    """
    size = sum([table.rows * table.row_bytes for table in tables])
    is_small = size <= SAMPLES * SAMPLE_BYTES
    if is_small:
        budget_s = max(budget_s, SMALL_S)
    if is_small or (size <= min(MAX_BYTES, budget_s * SPEED) and not any(table.is_on_disk for table in tables)):
        try:
            return {"fingerprint": f"xxh3:{_digest(tables, budget_s)}"}
        except _OverBudgetError:
            pass
    return {"fingerprint": f"s64:{_sample(tables)}", "sampled": True}


def ranges(table: Table) -> Iterable[tuple[int, int]]:
    """All rows of a table, in ranges that are large enough to be fast and small enough to be copied.

    They depend on the types of the columns alone, because they decide the order of the bytes.
    """
    step = _TILE_BYTES // max(1, table.row_bytes)
    if len(table.columns) != 1 or not table.columns[0].is_flat:
        step = min(max(step, _TILE_ROWS[0]), _TILE_ROWS[1])
    step = max(1, step)
    if table.rows <= step:
        return ((0, table.rows),)
    return ((start, min(start + step, table.rows)) for start in range(0, table.rows, step))


def _digest(tables: list[Table], budget_s: float) -> str:
    from xxhash import xxh3_128

    digest = xxh3_128()
    update = digest.update
    seen_bytes = pieces = 0
    deadline = 0.0
    for table in tables:
        update(_header(table))
        for start, stop in ranges(table):
            for buffer in _buffers(table, start, stop):
                update(buffer)
                seen_bytes += len(buffer)
                pieces += 1
                if seen_bytes >= _CHECK_BYTES or pieces >= _CHECK_PIECES:
                    seen_bytes = pieces = 0
                    now = time.thread_time()
                    deadline = deadline or now + budget_s
                    if now > deadline:
                        raise _OverBudgetError
    return str(digest.hexdigest())


def _sample(tables: list[Table]) -> str:
    """Of evenly spaced rows, the first and the last ones among them."""
    from xxhash import xxh3_128

    digest = xxh3_128()
    for table in tables:
        digest.update(_header(table))
        length = min(max(1, SAMPLE_BYTES // max(1, table.row_bytes)), table.rows)
        count = max(2, min(SAMPLES, SAMPLE_CELLS // max(1, len(table.columns) * length)))
        for piece in range(count):
            start = (table.rows - length) * piece // (count - 1)
            for buffer in _buffers(table, start, start + length):
                digest.update(buffer)
    return str(digest.hexdigest())


def _buffers(table: Table, start: int, stop: int) -> Iterable[Any]:
    if len(table.columns) == 1:
        return table.columns[0].buffers(start, stop)
    return (buffer for column in table.columns for buffer in column.buffers(start, stop))


def _header(table: Table) -> bytes:
    """All that is not in the bytes."""
    names = table.names
    if names is None:
        return f"{table.header} {table.columns[0].dtype}".encode()
    columns = [
        (type(name).__name__, str(name), column.dtype) for name, column in zip(names, table.columns, strict=True)
    ]
    return f"{table.header} {columns}".encode(errors="surrogatepass")
