"""What the tests of the query room share.

Fixtures to ask for
    journal     `journal(store, rows)`: record rows, each a patch with `metrics` as a dict of values by step;
                the writer stays open (its runs live) until the test ends or `close()` of what is returned is called
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import pytest

from autotrack.store import NO_EPOCH, POINT, SegmentWriter, Store

NOON = 1_700_000_000_000_000  # microseconds since 1970


def write_rows(writer: SegmentWriter, rows: Iterable[Mapping[str, Any]], ts: int = NOON) -> None:
    """Record rows through one writer, as if at one moment."""
    runs: dict[int, str] = {}
    keys: dict[str, int] = {}
    patches: list[Any] = []
    points = bytearray()
    for number, row in enumerate(rows):
        fields = {name: value for name, value in row.items() if name not in ("run_id", "metrics")}
        runs[number] = row["run_id"]
        patches.append((number, ts, fields))
        for name, values in row.get("metrics", {}).items():
            key = keys.setdefault(name, len(keys))
            for step, value in enumerate(values):
                points += POINT.pack(number, key, step, ts, value, NO_EPOCH)
    writer.write(runs, {key: name for name, key in keys.items()}, patches, bytes(points))


@pytest.fixture
def journal() -> Iterator[Callable[..., SegmentWriter]]:
    """Records rows; lets go of the files at the end."""
    made: list[SegmentWriter] = []

    def record(store: Store, rows: Iterable[Mapping[str, Any]], ts: int = NOON) -> SegmentWriter:
        writer = store.new_writer()
        made.append(writer)
        write_rows(writer, rows, ts)
        return writer

    yield record
    for writer in made:
        writer.abandon()
