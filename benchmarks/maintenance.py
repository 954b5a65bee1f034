"""What sealing and merging cost: points per CPU second, peak memory, bytes per point at rest.

    python benchmarks/maintenance.py --points 10_000_000 --json

Points come as from 40 trainings of equal length with 5 metrics each, recorded 250,000 at a time by writers that take
turns, so that every sealed file has points of many runs and a merge has to interleave them. Each step runs in a process
of its own: its memory is its own peak, less what the same imports take in an idle process.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

RUNS, KEYS = 40, 5
BATCH = 250_000  # points of one writer: a file of its own when sealed alone


def write(root: Path, points: int, first_point: int = 0) -> None:
    """Record the points from this one on: a writer after the other, each a part of every run."""
    import numpy as np

    from autotrack.store import Store

    layout = [("run", "<u4"), ("key", "<u4"), ("step", "<i8"), ("ts", "<i8"), ("value", "<f8"), ("epoch", "<i4")]
    store = Store.open(root, create=True)
    random = np.random.default_rng(first_point)
    for first in range(first_point, points, BATCH):
        count = min(BATCH, points - first)
        steps = first // (RUNS * KEYS) + np.arange(count) // (RUNS * KEYS)
        batch = np.zeros(count, layout)
        batch["run"], batch["key"] = np.arange(count) % RUNS, np.arange(count) // RUNS % KEYS
        batch["step"] = steps
        batch["ts"] = 1_700_000_000_000_000 + steps * 20_000 + random.integers(0, 1000, count)
        batch["value"] = np.exp(-steps / points) + random.normal(0, 0.01, count)
        batch["epoch"] = steps // 1000
        names = {number: f"0190f3ab{number:014x}" for number in range(RUNS)}
        writer = store.new_writer()
        writer.write(names, {number: f"metric_{number}" for number in range(KEYS)}, [], b"")
        for start in range(0, count, 10_000):
            writer.write({}, {}, [], batch[start : start + 10_000].tobytes())
        writer.close()


def nothing(*_: object) -> None:
    """The imports alone."""


def seal(root: Path, *_: object) -> None:
    """Everything in one call, as a reader or `autotrack compact` meets it after a busy day."""
    from autotrack.store import Store

    Store.open(root).seal()


def merge(root: Path, *_: object) -> None:
    """All small files into few."""
    from autotrack.store import Store

    Store.open(root).compact()


STEPS = {one.__name__: one for one in (write, nothing, seal, merge)}


def measured(step: str, root: Path, points: int, first: int = 0) -> dict[str, float]:
    """CPU seconds and peak memory of one step."""
    done = subprocess.run(
        [sys.executable, __file__, "--step", step, "--root", root, "--points", str(points), "--first", str(first)],
        check=True,
        capture_output=True,
        text=True,
    )
    return json.loads(done.stdout.splitlines()[-1])


def run_step(step: str, root: Path, points: int, first: int) -> None:
    import numpy  # noqa: F401
    import pyarrow.parquet  # noqa: F401

    from autotrack.store import columns, compact, merge, parquet, scan  # noqa: F401

    before = os.times()
    STEPS[step](root, points, first)
    after = os.times()
    print(
        json.dumps(
            {
                "cpu_s": after.user + after.system - before.user - before.system,
                "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
            }
        )
    )


def size_of(root: Path) -> tuple[int, int]:
    """How many files `metrics` has, and their bytes."""
    files = list((root / "tables" / "metrics").glob("*.parquet"))
    return len(files), sum(path.stat().st_size for path in files)


def bench(points: int) -> dict[str, object]:
    with tempfile.TemporaryDirectory() as folder:
        idle = measured("nothing", Path(folder), 0)["peak_mb"]
        whole, parts = Path(folder) / "whole", Path(folder) / "parts"
        measured("write", whole, points)
        sealed = measured("seal", whole, points)
        sealed_files, sealed_bytes = size_of(whole)
        cpu_s = 0.0
        for first in range(0, points, BATCH):  # a file for each writer
            measured("write", parts, min(first + BATCH, points), first)
            cpu_s += measured("seal", parts, BATCH)["cpu_s"]
        small_files, _ = size_of(parts)
        merged = measured("merge", parts, points)
        files, size_bytes = size_of(parts)
    return {
        "points": points,
        "seal_points_per_cpu_s": round(points / sealed["cpu_s"]),
        "seal_peak_mb": round(sealed["peak_mb"] - idle),
        "sealed_files": sealed_files,
        "sealed_bytes_per_point": round(sealed_bytes / points, 2),
        "small_seals_points_per_cpu_s": round(points / cpu_s),
        "merge_points_per_cpu_s": round(points / merged["cpu_s"]),
        "merge_peak_mb": round(merged["peak_mb"] - idle),
        "merged_files": f"{small_files} -> {files}",
        "merged_bytes_per_point": round(size_bytes / points, 2),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--points", type=int, default=10_000_000)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--step", choices=STEPS, help=argparse.SUPPRESS)
    parser.add_argument("--first", type=int, default=0, help=argparse.SUPPRESS)
    parser.add_argument("--root", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.step:
        run_step(options.step, options.root, options.points, options.first)
        return
    found = bench(options.points)
    if options.json:
        print(json.dumps(found, indent=2))
        return
    for name, value in found.items():
        print(f"{name:32} {value if isinstance(value, str) else format(value, ',')}")


if __name__ == "__main__":
    main()
