"""How long a search takes in stores of 1,000 to 100,000 runs: through the index, and without one.

Each run has 20 params and 10 metrics. What is asked: a filter over a param and a metric, ordered by a metric, the
first 50. The stores are written as segments of the live record and sealed. Printed are medians in milliseconds; how to
read them: README.md beside this file.
"""

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from autotrack.query import search
from autotrack.query.filter import parse
from autotrack.query.order import parse_order
from autotrack.query.view import RowsView
from autotrack.store import NO_EPOCH, POINT, Store, new_id
from autotrack.values import encode

SEARCHES = {
    "filter, order, 50": ("params.p3 > 0.5 and metrics.m2 > 0.25", "metrics.m1 desc"),
    "text filter, order, 50": ("params.kernel in ('rbf', 'poly') and status = 'finished'", "metrics.m5"),
    "pattern, 50": ("params.kernel like '%b%' or name like 'run 9%'", None),
    "order only, 50": ("", "metrics.m4.max desc"),
    "newest 50": ("", None),
}
FRESH = """
import sys, time
started = time.process_time(), time.perf_counter()
from autotrack.query import search
from autotrack.store import Store
rows = search(Store.open(sys.argv[1]), sys.argv[2], order_by=sys.argv[3] or None, limit=50)
assert len(rows) == 50 and [row for row in rows]
print(time.process_time() - started[0], time.perf_counter() - started[1])
"""


def main() -> None:
    """Measure each size and print one table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="*", default=[1_000, 10_000, 100_000], help="runs of each store")
    parser.add_argument("--repeats", type=int, default=7, help="of each measurement (default: 7)")
    parser.add_argument("--json", action="store_true", help="print JSON")
    arguments = parser.parse_args()
    found: dict[str, list[float]] = {}
    for size in arguments.sizes:
        with tempfile.TemporaryDirectory() as folder:
            os.environ["XDG_CACHE_HOME"] = str(Path(folder) / "cache")
            store = Store.open(Path(folder) / "store", create=True)
            fill(store, size)
            for name, value in measured(store, arguments.repeats).items():
                found.setdefault(name, []).append(value)
    if arguments.json:
        print(json.dumps({"sizes": arguments.sizes, **found}, indent=2))
        return
    print(f"{'ms':44}" + "".join(f"{size:>12,}" for size in arguments.sizes))
    for name, values in found.items():
        print(f"{name:44}" + "".join(f"{value:12.1f}" for value in values))


def fill(store: Store, size: int) -> None:
    """Runs as a writer records them, 20,000 to a file."""
    chance = random.Random(0)
    for first in range(0, size, 20_000):
        writer = store.new_writer()
        keys = {number: f"m{number}" for number in range(10)}
        for number in range(first, min(first + 20_000, size)):
            ts = 1_700_000_000_000_000 + number * 1_000_000
            values = {f"p{place}": chance.random() for place in range(19)} | {
                "kernel": chance.choice(["rbf", "poly", "s"])
            }
            params = {name: encode(value) for name, value in values.items()}
            row = {
                "status": "finished",
                "name": f"run {number}",
                "experiment": "default",
                "source": "user",
                "start_ts": ts,
                "end_ts": ts + 500_000,
                "params": {name: text for name, (text, _) in params.items()},
                "param_types": {name: kind for name, (_, kind) in params.items()},
            }
            points = b"".join(POINT.pack(number, key, 0, ts, chance.random(), NO_EPOCH) for key in keys)
            writer.write({number: new_id()}, keys if number == first else {}, [(number, ts, row)], points)
        writer.close()
        store.seal()


def measured(store: Store, repeats: int) -> dict[str, float]:
    """Medians for one store, in milliseconds."""
    where, order_by = SEARCHES["filter, order, 50"]
    found = {"index build": 1e3 * timed(lambda: search(store, where, order_by=order_by, limit=50))}
    for name, (condition, order) in SEARCHES.items():

        def ask(condition: str = condition, order: str | None = order) -> None:
            list(search(store, condition, order_by=order, limit=50))

        found[f"warm: {name}"] = 1e3 * statistics.median(timed(ask) for _ in range(repeats))
    found["warm: all runs, lazily"] = 1e3 * statistics.median(timed(lambda: search(store)) for _ in range(repeats))
    for name in ("filter, order, 50", "newest 50"):
        times = [fresh(store, *SEARCHES[name]) for _ in range(repeats)]
        found[f"fresh process: {name} (CPU)"] = 1e3 * statistics.median(cpu for cpu, _ in times)
        found[f"fresh process: {name} (wall)"] = 1e3 * statistics.median(wall for _, wall in times)
    orders = parse_order(order_by)
    found["Python: filter, order, 50"] = 1e3 * timed(
        lambda: RowsView(store.rows()).search(parse(where), None, orders, 50)
    )
    found["index size (MB)"] = sum(path.stat().st_size for path in Path(os.environ["XDG_CACHE_HOME"]).rglob("*")) / 1e6
    return found


def fresh(store: Store, where: str, order_by: str | None) -> tuple[float, float]:
    """CPU and wall seconds from the first import to the first answer in a fresh interpreter."""
    command = [sys.executable, "-c", FRESH, str(store.root), where, order_by or ""]
    cpu, wall = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
    return float(cpu), float(wall)


def timed(call: Callable[[], object]) -> float:
    """Wall seconds of one call."""
    started = time.perf_counter()
    call()
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
