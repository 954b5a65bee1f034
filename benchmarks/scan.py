"""One metric's history out of a store that grows: does reading it back cost more when there is more around it?

    python benchmarks/scan.py --sizes 1_000_000 10_000_000 100_000_000

In each store lie one history of 1,000 points and one of a million, among the points of other runs (200,000 points of 5
metrics each), sealed and merged. Read warm, in one process, and from the first import of ours in a fresh interpreter.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

BATCH = 2_000_000  # points of one writer
RUN_POINTS, KEYS = 200_000, 5  # of the other runs
SHORT, LONG = 1_000, 1_000_000
REPEATS = 7

FRESH = """
import sys, time
started = time.perf_counter()
from autotrack.store import Store
count = len(Store.open(sys.argv[1]).points(sys.argv[2], "loss"))
print(time.perf_counter() - started)
"""


def main() -> None:
    """Build each store, read, print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=[1_000_000, 10_000_000], help="points of a store")
    parser.add_argument("--folder", help="where the stores are made (default: a temporary folder)")
    parser.add_argument("--json", action="store_true", help="print JSON")
    arguments = parser.parse_args()
    found = {}
    for size in arguments.sizes:
        with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
            found[size] = bench(Path(folder) / "store", size)
    if arguments.json:
        print(json.dumps(found, indent=2))
        return
    rows = next(iter(found.values()))
    print(f"| | {' | '.join(f'{size:,} points' for size in found)} |\n|---|{'---:|' * len(found)}")
    for row in rows:
        print(f"| {row} | {' | '.join(f'{each[row]:,.1f}' for each in found.values())} |")


def bench(root: Path, size: int) -> dict[str, float]:
    """What reading takes in a store of about this many points."""
    runs = build(root, size)
    found: dict[str, float] = {}
    for name, run_id in runs.items():
        found[f"{name}, warm (ms)"] = 1e3 * warm(root, run_id)
        found[f"{name}, fresh process (ms)"] = 1e3 * statistics.median(fresh(root, run_id) for _ in range(REPEATS))
    files = list((root / "tables" / "metrics").glob("*.parquet"))
    found["files of points"] = len(files)
    found["bytes a point"] = sum(file.stat().st_size for file in files) / size
    return found


def build(root: Path, size: int) -> dict[str, str]:
    """A store with the two histories and what surrounds them; their run ids by name."""
    from autotrack.store import Store

    store = Store.open(root, create=True)
    runs = {"1,000 points": run_id(500), "1,000,000 points": run_id(501)}
    record(store, {runs["1,000 points"]: SHORT}, ["loss"])
    record(store, {runs["1,000,000 points"]: LONG}, ["loss"])
    keys = ["loss", *(f"metric_{number}" for number in range(1, KEYS))]
    number = 0
    for _ in range(0, size - SHORT - LONG, BATCH):
        around = {}
        for _ in range(BATCH // RUN_POINTS):
            around[run_id(number if number < 500 else number + 2)] = RUN_POINTS
            number += 1
        record(store, around, keys)
        store.seal()
    store.compact()
    return runs


def run_id(number: int) -> str:
    """Ids in the order of time, as real ones are."""
    return f"0190f3ab{number:014x}"


def record(store: "object", lengths: dict[str, int], keys: list[str]) -> None:
    """The points of some runs by a writer of their own."""
    import numpy as np

    layout = [("run", "<u4"), ("key", "<u4"), ("step", "<i8"), ("ts", "<i8"), ("value", "<f8"), ("epoch", "<i4")]
    writer = store.new_writer()  # type: ignore[attr-defined]
    writer.write(dict(enumerate(lengths)), dict(enumerate(keys)), [], b"")
    for run, length in enumerate(lengths.values()):
        points = np.zeros(length, layout)
        points["run"], points["key"] = run, np.arange(length) % len(keys)
        points["step"] = np.arange(length) // len(keys)
        points["ts"] = 1_700_000_000_000_000 + points["step"] * 20_000
        points["value"] = np.exp(-points["step"] / length) + np.random.default_rng(run).normal(0, 0.01, length)
        points["epoch"] = points["step"] // 1000
        for start in range(0, length, 10_000):
            writer.write({}, {}, [], points[start : start + 10_000].tobytes())
    writer.close()


def warm(root: Path, wanted: str) -> float:
    """Seconds of one more reading in a process that has read before."""
    from autotrack.store import Store

    store = Store.open(root)
    store.points(wanted, "loss")
    times = []
    for _ in range(REPEATS):
        started = time.perf_counter()
        store.points(wanted, "loss")
        times.append(time.perf_counter() - started)
    return statistics.median(times)


def fresh(root: Path, wanted: str) -> float:
    """Seconds from the first import of ours to the answer."""
    done = subprocess.run([sys.executable, "-c", FRESH, root, wanted], check=True, capture_output=True, text=True)
    return float(done.stdout)


if __name__ == "__main__":
    main()
