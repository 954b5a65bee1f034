"""What recording adds to a fit, a prediction and a whole script, against the same code unwatched.

The two variants run in turn in one process, in blocks short enough that a busy machine slows both alike; printed is
the median of the differences. How to read it: README.md beside this file.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.datasets import load_iris, make_classification
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.tree import DecisionTreeClassifier

import autotrack

SCRIPT = "from sklearn.linear_model import LogisticRegression; LogisticRegression().fit([[0.0], [1.0]], [0, 1])"
BLOCK = 10  # calls of one variant in a row
PARTS = ["train_metrics", "tables", "curves", "fingerprints", "warnings"]
ENABLED = "import autotrack; autotrack.enable(); "


def main() -> None:
    """Run all of it and print a table, or JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fits", type=int, default=200, help="tiny fits of each variant (default: 200)")
    parser.add_argument("--repeats", type=int, default=7, help="fresh interpreters of each variant (default: 7)")
    parser.add_argument("--json", action="store_true", help="print JSON")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = {**in_process(Path(folder) / "store", arguments.fits), **fresh(Path(folder), arguments.repeats)}
    if arguments.json:
        print(json.dumps(found, indent=2))
        return
    for name, value in found.items():
        print(f"{name:36} {value:10.4f}")


def in_process(store: Path, fits: int) -> dict[str, float]:
    """Fits and predictions, watched and unwatched in turn."""
    X, y = load_iris(return_X_y=True)
    tiny = LogisticRegression(max_iter=200)
    tree = DecisionTreeClassifier()
    big_X, big_y = make_classification(10_000, 20, random_state=0)
    forest = RandomForestClassifier(100, random_state=0)
    turns = max(1, fits // BLOCK)
    autotrack.enable(store=store, log_models=False)
    added = {
        "tiny fit unwatched (ms)": 1e3 * statistics.median(timed(unwatched(tiny, "fit", X, y)) for _ in range(fits)),
        "tiny fit, no model (ms)": 1e3 * difference(tiny, "fit", (X, y), turns),
        "tiny tree unwatched (ms)": 1e3 * statistics.median(timed(unwatched(tree, "fit", X, y)) for _ in range(fits)),
        "tiny tree, no model (ms)": 1e3 * difference(tree, "fit", (X, y), turns),
    }
    autotrack.enable(store=store, leave_out=PARTS)
    added["tiny tree, params and end only (ms)"] = 1e3 * difference(tree, "fit", (X, y), turns)
    autotrack.enable(store=store, leave_out=[], log_models=True)
    added |= {
        "of it, one predict_proba (ms)": 1e3
        * statistics.median(timed(unwatched(tiny, "predict_proba", X)) for _ in range(fits)),
        "tiny fit, with model (ms)": 1e3 * difference(tiny, "fit", (X, y), turns),
        "tiny tree, with model (ms)": 1e3 * difference(tree, "fit", (X, y), turns),
        "predict, 150 rows (us)": 1e6 * difference(tiny, "predict", (X,), turns),
        "forest (ratio)": ratio(forest, "fit", (big_X, big_y), 5),
    }
    with autotrack.paused():  # as inside another fit
        added["nested fit (us)"] = 1e6 * difference(tree, "fit", (X, y), 4 * turns)
    autotrack.disable()
    return added


def unwatched(model: Any, method: str, *data: Any) -> Callable[[], Any]:
    """A call of the very function that is watched. Switching recording off and on would empty Python's caches."""
    original = getattr(type(model), method).__wrapped__
    return lambda: original(model, *data)


def timed(work: Callable[[], Any]) -> float:
    """Seconds of one call."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def pairs(model: Any, method: str, data: tuple[Any, ...], turns: int, block: int) -> list[tuple[float, float]]:
    """Seconds unwatched and watched, in turn and in changing order: medians of blocks, after a call that warms up."""
    works = {False: unwatched(model, method, *data), True: lambda: getattr(model, method)(*data)}
    found = []
    for turn in range(turns):
        times = {}
        for is_watched in (turn % 2 == 0, turn % 2 == 1):
            works[is_watched]()
            times[is_watched] = statistics.median(timed(works[is_watched]) for _ in range(block))
        found.append((times[False], times[True]))
    return found


def difference(model: Any, method: str, data: tuple[Any, ...], turns: int) -> float:
    """The median of watched minus unwatched, in seconds."""
    return statistics.median(watched - plain for plain, watched in pairs(model, method, data, turns, BLOCK))


def ratio(model: Any, method: str, data: tuple[Any, ...], turns: int) -> float:
    """The median of watched over unwatched."""
    return statistics.median(watched / plain for plain, watched in pairs(model, method, data, turns, 1))


def fresh(folder: Path, repeats: int) -> dict[str, float]:
    """Whole interpreters: import, enable, a script."""
    variants = {
        "bare": "pass",
        "import": "import autotrack",
        "enable": "import autotrack; autotrack.enable()",
        "script": SCRIPT,
        "watched script": ENABLED + SCRIPT,
    }
    cpu: dict[str, list[float]] = {name: [] for name in variants}
    wall: dict[str, list[float]] = {name: [] for name in variants}
    for _ in range(repeats):
        for name, code in variants.items():
            started = time.perf_counter()
            done = subprocess.run(
                [sys.executable, "-c", f"{code}\nimport time; print(time.process_time())"],
                cwd=folder,
                capture_output=True,
                check=True,
            )
            wall[name].append(time.perf_counter() - started)
            cpu[name].append(float(done.stdout.split()[-1]))
    middle = {name: statistics.median(values) for name, values in cpu.items()}
    scripts = np.array(wall["watched script"]) / np.array(wall["script"])
    return {
        "import (ms CPU)": 1e3 * (middle["import"] - middle["bare"]),
        "enable (ms CPU)": 1e3 * (middle["enable"] - middle["import"]),
        "script (ratio of wall time)": float(np.median(scripts)),
    }


if __name__ == "__main__":
    main()
