"""What looking on costs around scikit-learn: whole scripts untracked, under autotrack, and under MLflow's autolog.

Each run is an interpreter of its own; the variants take turns. Printed are medians: the time and CPU that a variant
adds to the untracked script, its memory, the files and bytes it leaves. How to read it: README.md beside this file.
MLflow is measured where it is installed, on its default (sqlite in the working directory).
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

SETTLE_S = 1.0  # after a fit, until what trackers do in the background is done: predictions alone are timed
SELDOM = 3  # MLflow takes seconds a fit: it runs every third time
TRACKERS = ("untracked", "autotrack", "autotrack, no model", "mlflow")
COLUMNS = ("body_s", "script_s", "cpu_s", "memory_mb", "files", "kilobytes")


def tiny_fits(count: int = 20) -> tuple[Callable[[], None], int]:
    """Small fits one after the other."""
    from sklearn.datasets import load_iris
    from sklearn.linear_model import LogisticRegression

    X, y = load_iris(return_X_y=True)

    def work() -> None:
        for number in range(count):
            LogisticRegression(C=1.0 + number / count, max_iter=200).fit(X, y)

    return work, count


def forest() -> tuple[Callable[[], None], int]:
    """A forest on a million rows."""
    from sklearn.datasets import make_classification
    from sklearn.ensemble import RandomForestClassifier

    X, y = make_classification(1_000_000, 10, random_state=0)
    model = RandomForestClassifier(4, max_depth=8, max_samples=0.1, n_jobs=1, random_state=0)
    return lambda: model.fit(X, y), 1


def grid() -> tuple[Callable[[], None], int]:
    """A search over 48 candidates, five splits each."""
    from sklearn.datasets import make_classification
    from sklearn.model_selection import GridSearchCV
    from sklearn.tree import DecisionTreeClassifier

    X, y = make_classification(2_000, 20, random_state=0)
    params = {"max_depth": [2, 3, 4, 5, 6, 7], "min_samples_leaf": [1, 2, 4, 8], "criterion": ["gini", "entropy"]}
    return lambda: GridSearchCV(DecisionTreeClassifier(random_state=0), params, cv=5).fit(X, y), 1


def validation() -> tuple[Callable[[], None], int]:
    """Cross-validation with ten splits."""
    from sklearn.datasets import make_classification
    from sklearn.ensemble import GradientBoostingClassifier
    from sklearn.model_selection import cross_validate

    X, y = make_classification(2_000, 20, random_state=0)
    model = GradientBoostingClassifier(n_estimators=20, random_state=0)
    return lambda: cross_validate(model, X, y, cv=10, scoring=["accuracy", "f1", "roc_auc"]), 1


def predictions(rows: int, count: int) -> tuple[Callable[[], None], int]:
    """One fit, then many predictions: these alone are timed."""
    from sklearn.datasets import make_classification
    from sklearn.linear_model import LogisticRegression

    X, y = make_classification(max(rows, 1_000), 20, random_state=0)
    model = LogisticRegression(max_iter=200).fit(X, y)
    asked = X[:rows]
    model.predict(asked)
    time.sleep(SETTLE_S)

    def work() -> None:
        for _ in range(count):
            model.predict(asked)

    return work, count


SCENARIOS: dict[str, Callable[[], tuple[Callable[[], None], int]]] = {
    "20 tiny fits": tiny_fits,
    "forest, 1M rows": forest,
    "grid of 48": grid,
    "cross-validation": validation,
    "2,000 predicts of 100 rows": lambda: predictions(100, 2_000),
    "50 predicts of 100,000 rows": lambda: predictions(100_000, 50),
}


def main() -> None:
    """All variants of all scenarios in turn, or one of them in this process."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=5, help="interpreters of each variant (default: 5)")
    parser.add_argument("--scenarios", default=",".join(SCENARIOS), help="which, separated by commas")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--alone", nargs=2, metavar=("SCENARIO", "TRACKER"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.alone:
        print(json.dumps(measure(*arguments.alone)))
        return
    found = {}
    for scenario in [name for name in SCENARIOS if any(name.startswith(word) for word in _words(arguments.scenarios))]:
        measured: dict[str, list[dict[str, float]]] = {name: [] for name in TRACKERS if _is_here(name)}
        for turn in range(arguments.repeats):
            for tracker, results in measured.items():
                if tracker == "mlflow" and turn % SELDOM:
                    continue
                results.append(in_fresh_interpreter(scenario, tracker))
        found[scenario] = {
            tracker: {column: statistics.median(one[column] for one in results) for column in COLUMNS}
            for tracker, results in measured.items()
        }
        if not arguments.json:
            print(as_table(scenario, found[scenario]), flush=True)
    if arguments.json:
        print(json.dumps(found, indent=2))


def _words(text: str) -> list[str]:
    return [word for word in text.split(",") if word]


def _is_here(tracker: str) -> bool:
    return tracker != "mlflow" or find_spec("mlflow") is not None


def measure(scenario: str, tracker: str) -> dict[str, float]:
    """One scenario in this process: seconds of its body, and the most memory that the process had, in megabytes."""
    if tracker == "mlflow":
        import logging

        import mlflow

        logging.getLogger("mlflow").setLevel(logging.ERROR)
        mlflow.sklearn.autolog(silent=True)
    elif tracker != "untracked":
        import autotrack

        autotrack.enable(log_models="no model" not in tracker)
    work, _ = SCENARIOS[scenario]()
    started = time.perf_counter()
    work()
    body_s = time.perf_counter() - started
    return {"body_s": body_s, "memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3}


def in_fresh_interpreter(scenario: str, tracker: str) -> dict[str, float]:
    """What `measure` finds, and what only the outside sees."""
    with tempfile.TemporaryDirectory() as folder:
        env = {**os.environ, "HOME": folder, "AUTOTRACK_STORE": f"{folder}/store", "OMP_NUM_THREADS": "1"}
        env |= {"MLFLOW_TRACKING_URI": f"sqlite:///{folder}/mlflow.db", "MLFLOW_DISABLE_TELEMETRY": "true"}
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        started = time.perf_counter()
        command = [sys.executable, os.path.abspath(__file__), "--alone", scenario, tracker]
        process = subprocess.Popen(command, cwd=folder, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        output, errors = process.communicate()
        script_s = time.perf_counter() - started
        if process.returncode != 0:
            raise SystemExit(f"{tracker} failed:\n{errors.decode()[-2000:]}")
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        result: dict[str, Any] = json.loads(output.splitlines()[-1])
        files = [path for path in Path(folder).rglob("*") if path.is_file() and ".cache" not in path.parts]
        return {
            "body_s": result["body_s"],
            "script_s": script_s,
            "cpu_s": after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime,
            "memory_mb": result["memory_mb"],
            "files": len(files),
            "kilobytes": sum(path.stat().st_size for path in files) / 1e3,
        }


def as_table(scenario: str, found: dict[str, dict[str, float]]) -> str:
    """A scenario's medians: what each tracker adds to the untracked script."""
    bare = found["untracked"]
    lines = [f"{scenario}: untracked {bare['body_s']:.3f} s, script {bare['script_s']:.2f} s"]
    lines.append(
        f"  {'adds':22}{'body ms':>12}{'body %':>9}{'script ms':>12}{'CPU ms':>10}{'MB':>8}{'files':>8}{'kB':>10}"
    )
    for tracker, row in found.items():
        if tracker != "untracked":
            body, script, cpu = (1e3 * (row[key] - bare[key]) for key in ("body_s", "script_s", "cpu_s"))
            share = 100 * (row["body_s"] / bare["body_s"] - 1)
            memory = row["memory_mb"] - bare["memory_mb"]
            left = f"{row['files'] - bare['files']:8.0f}{row['kilobytes'] - bare['kilobytes']:10.1f}"
            lines.append(f"  {tracker:22}{body:12.1f}{share:9.1f}{script:12.0f}{cpu:10.0f}{memory:8.1f}{left}")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
