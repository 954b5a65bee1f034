"""Made `format-1/`, the sample of a store as version 0.1.0 writes it. Not run again: its bytes are kept for ever.

    python tests/data/make_format_1.py <empty folder>

Ids, times, process and host are fixed, so that the same code and the same pyarrow make the same bytes.
"""

import itertools
import math
import os
import sys
import time
from pathlib import Path
from unittest.mock import patch

from autotrack.store import NO_EPOCH, POINT, Store

NOON = 1_764_072_000_000_000  # 2025-11-25 12:00 UTC, in microseconds
HOST = os.uname_result(("Linux", "sample-host", "", "", "x86_64"))


def points(run: int, key: int, values: list[float], epoch: int = NO_EPOCH) -> bytes:
    """Packed points, a second apart."""
    return b"".join(
        POINT.pack(run, key, step, NOON + 1_000_000 * (step + 1), value, epoch) for step, value in enumerate(values)
    )


def make(folder: Path) -> None:
    """A store with sealed and live parts, all kinds of values, two blobs."""
    store = Store.open(folder, create=True)
    (folder / ".gitignore").unlink()  # this one is to be seen by git
    manifest = store.blobs.put(b'{"sample": "the bytes of a manifest"}\n')
    store.blobs.put(b"the bytes of a model\n")

    first = store.new_writer(rank=0)
    begin = {"status": "running", "experiment": "sample", "name": "first", "start_ts": NOON, "author": "ada"}
    params = {"lr": "0.1", "kernel": "rbf", "depth": "None", "layers": "[1, 2]", "ü/🎈": "é"}
    types = {"lr": "float", "kernel": "string", "depth": "null", "layers": "json", "ü/🎈": "string"}
    rows = [
        (0, NOON, {**begin, "params": params, "param_types": types, "git_dirty": True}),
        (1, NOON + 1, {**begin, "name": "second"}),
        (2, NOON + 2, {**begin, "name": "deleted", "deleted": True}),
        (1, NOON + 9, {"status": "failed", "error": "ValueError: no", "end_ts": NOON + 9}),
        (0, NOON + 9_000_000, {"status": "finished", "end_ts": NOON + 9_000_000, "models": {"model": manifest}}),
    ]
    values = [0.5, math.nan, math.inf, -math.inf, -0.0, 0.25]
    first.write({0: "run-1", 1: "run-2", 2: "run-3"}, {0: "loss", 1: "é"}, rows, points(0, 0, values, 3))
    first.write({}, {}, [], points(1, 1, [math.nan, math.nan]))
    first.close()
    store.seal()

    second = store.new_writer(max_bytes=0)
    second.write({0: "run-4"}, {0: "loss"}, [(0, NOON + 20, {**begin, "name": "killed"})], points(0, 0, [1.0]))
    second.write({}, {}, [(0, NOON + 21, {"tags": {"seen": "live"}})], b"")
    store.seal()  # the first segment of a writer that lives
    late = store.new_writer()
    late.write({7: "run-1"}, {}, [(7, NOON + 30_000_000, {"tags": {"late": "yes"}})], b"")
    late.close()
    second.close()


if __name__ == "__main__":
    counter = itertools.count()
    clock = itertools.count(NOON * 1000, 1_000_000)
    with (
        patch("secrets.token_hex", lambda size=8: f"{next(counter):0{2 * size}x}"),
        patch.object(time, "time_ns", lambda: next(clock)),
        patch.object(time, "time", lambda: NOON / 1e6),
        patch.object(os, "uname", lambda: HOST),
        patch.object(os, "getpid", lambda: 4242),
        patch("uuid.uuid4", lambda: f"00000000-0000-4000-8000-{next(counter):012x}"),
        patch("autotrack.store.journal._boot_id", lambda: "00000000-0000-4000-8000-000000000000"),
    ):
        make(Path(sys.argv[1]))
