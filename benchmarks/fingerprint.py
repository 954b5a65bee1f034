"""How fast data is fingerprinted, and what that adds to a fit of small data.

Each kind of data is made once and fingerprinted in full, without a budget, in the best of some passes. Beside it, the
same bytes through the hash function alone: what cannot be surpassed.
"""

import argparse
import json
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import scipy.sparse as sp
from sklearn.datasets import load_iris
from xxhash import xxh3_128_digest

from autotrack.model import inspect
from autotrack.model.fingerprint import fingerprint

NO_BUDGET_S = 1e9


def main() -> None:
    """Run all of it and print a table, or JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--megabytes", type=int, default=256, help="size of the arrays (default: 256)")
    parser.add_argument("--passes", type=int, default=5, help="of which the best counts (default: 5)")
    parser.add_argument("--json", action="store_true", help="print JSON")
    arguments = parser.parse_args()
    found = {**speeds(arguments.megabytes << 20, arguments.passes), **small()}
    if arguments.json:
        print(json.dumps(found, indent=2))
        return
    for name, value in found.items():
        print(f"{name:36} {value:10.2f}")


def speeds(size: int, passes: int) -> dict[str, float]:
    """Gigabytes a second, by kind of data."""
    columns = 20
    rows = size // 8 // columns
    array = np.random.default_rng(0).normal(size=(rows, columns))

    def by_name() -> dict[str, Any]:
        return {str(at): array[:, at].copy() for at in range(columns)}

    texts = [f"text {number}" for number in range(rows // 10)]
    kinds: dict[str, tuple[Callable[[], Any], int]] = {
        "ndarray": (lambda: array, array.nbytes),
        "ndarray, Fortran order": (lambda: np.asfortranarray(array), array.nbytes),
        "ndarray, every second column": (lambda: array[:, ::2], array.nbytes // 2),
        "pandas, from columns": (lambda: pd.DataFrame(by_name()), array.nbytes),
        "pandas, from an array": (lambda: pd.DataFrame(array), array.nbytes),
        "polars": (lambda: pl.DataFrame(np.asfortranarray(array)), array.nbytes),
        "pyarrow": (lambda: pa.table(by_name()), array.nbytes),
        "CSR": (lambda: sp.csr_array(array), array.nbytes * 3 // 2),
        "pandas str": (lambda: pd.Series(texts, dtype="str"), sum(map(len, texts))),
        "pandas object": (lambda: pd.Series(texts, dtype=object), sum(map(len, texts))),
    }
    found = {"xxh3 alone (GB/s)": array.nbytes / best(lambda: xxh3_128_digest(array), passes) / 1e9}
    for name, (make, n_bytes) in kinds.items():
        data = make()
        found[f"{name} (GB/s)"] = n_bytes / best(lambda data=data: fingerprint(data, NO_BUDGET_S), passes) / 1e9
    found["sampled (ms)"] = 1e3 * best(lambda: fingerprint(array, 0.0), passes)
    found["missing and fingerprint (GB/s)"] = array.nbytes / best(lambda: inspect(array, budget_s=10), passes) / 1e9
    return found


def small() -> dict[str, float]:
    """Microseconds for X and y of iris: description, fingerprint, missing values, classes."""
    X, y = load_iris(return_X_y=True)
    frame = pd.DataFrame(X)
    return {
        "iris, X (us)": 1e6 * best(lambda: inspect(X), 2000),
        "iris, y (us)": 1e6 * best(lambda: inspect(y, target="classifier"), 2000),
        "iris, X as a frame (us)": 1e6 * best(lambda: inspect(frame), 2000),
    }


def best(run: Callable[[], Any], passes: int) -> float:
    """Seconds of the fastest of some passes."""
    seconds = []
    for _ in range(passes):
        started = time.perf_counter()
        run()
        seconds.append(time.perf_counter() - started)
    return min(seconds)


if __name__ == "__main__":
    main()
