"""How soon another process sees what was logged, and what logging costs alone: calls, batches, until on disk.

python benchmarks/live.py --points 200
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

WRITER = """
import sys, time
import autotrack
autotrack.enable(store=sys.argv[1])
with autotrack.start_run("live") as run:
    print(run.id, flush=True)
    for step in range(int(sys.argv[2])):
        run.log_metric("now", time.time(), step=step)
        time.sleep(0.05)
"""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--points", type=int, default=200, help="points that are watched (default: 200)")
    parser.add_argument("--json", action="store_true", help="print JSON")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = {**visibility(Path(folder) / "live", arguments.points), **rates(Path(folder) / "rates")}
    if arguments.json:
        print(json.dumps(found, indent=2))
        return
    for name, value in found.items():
        print(f"{name:44} {value:12,.3f}")


def visibility(root: Path, points: int) -> dict[str, float]:
    """Seconds from a call in another process until a reader here has the point."""
    from autotrack.store import Store

    writer = subprocess.Popen([sys.executable, "-c", WRITER, root, str(points)], stdout=subprocess.PIPE, text=True)
    assert writer.stdout is not None
    run_id = writer.stdout.readline().strip()
    delays: list[float] = []
    while not (root / "autotrack.json").exists():
        time.sleep(0.01)
    store = Store.open(root)
    while len(delays) < points:
        values = list(store.points(run_id, "now").values)
        seen = time.time()
        delays += [seen - logged for logged in values[len(delays) :]]
        time.sleep(0.005)
    writer.wait()
    return {"seen by another process, median (s)": statistics.median(delays), "the same, latest (s)": max(delays)}


def rates(root: Path) -> dict[str, float]:
    """Points a second: one by one, 20 in a call; in the caller, and until all of it is on disk."""
    import autotrack

    autotrack.enable(store=root)
    found = {}
    batch = {f"metric_{number}": float(number) for number in range(20)}
    with autotrack.start_run("rates") as run:
        for name, calls, count in (
            ("log_metric", lambda: run.log_metric("loss", 0.5), 1),
            ("log_metrics of 20", lambda: run.log_metrics(batch), 20),
        ):
            repeats = 200_000 // count
            started = time.perf_counter()
            for _ in range(repeats):
                calls()
            called_s = time.perf_counter() - started
            run.history("loss")  # reading writes what was logged before it
            durable_s = time.perf_counter() - started
            found[f"{name}: points a second in the caller"] = repeats * count / called_s
            found[f"{name}: points a second until on disk"] = repeats * count / durable_s
    autotrack.disable()
    return found


if __name__ == "__main__":
    main()
