"""What recording costs a trial of Optuna: studies of trivial objectives, alone and recorded, in fresh interpreters.

Printed are microseconds a trial, of the first tenth of the trials, the median tenth and the last one; of recorded
studies the bytes a trial takes when it is at rest, and how long it takes to list all trials, sorted by value, in
another process. How to read it: README.md beside this file.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

PARTS = 10
KINDS = ("memory", "journal", "sqlite")


def main() -> None:
    """All storages, alone and recorded, or one of them in this process."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=10_000)
    parser.add_argument("--storages", default=",".join(KINDS))
    parser.add_argument("--alone", nargs=3, metavar=("STORAGE", "WHO", "FOLDER"), help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.alone:
        kind, who, folder = asked.alone
        read_back(Path(folder)) if who == "read" else measure(kind, who, Path(folder), asked.trials)
        return
    for kind in asked.storages.split(","):
        for who in ("alone", "recorded"):
            with tempfile.TemporaryDirectory() as folder:
                for step in (who, "read") if who == "recorded" else (who,):
                    command = [sys.executable, __file__, "--trials", str(asked.trials), "--alone", kind, step, folder]
                    subprocess.run(command, check=True)


def measure(kind: str, who: str, folder: Path, count: int) -> None:
    """One study."""
    if who == "recorded":
        import autotrack

        autotrack.enable(store=folder / "store")
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0), storage=storage(kind, folder))

    def objective(trial: optuna.Trial) -> float:
        return trial.suggest_float("x", -1, 1) ** 2 + trial.suggest_int("n", 1, 9)

    study.optimize(objective, n_trials=20)
    found = []
    for _ in range(PARTS):
        begun = time.perf_counter()
        study.optimize(objective, n_trials=count // PARTS)
        found.append((time.perf_counter() - begun) * 1e6 / (count // PARTS))
    first, middle, last = found[0], sorted(found)[PARTS // 2], found[-1]
    print(f"{kind:8} {who:9} us a trial: first {first:.0f}, median {middle:.0f}, last {last:.0f}")


def storage(kind: str, folder: Path) -> object:
    """Where a study lies."""
    import optuna
    from optuna.storages.journal import JournalFileBackend

    if kind == "sqlite":
        return f"sqlite:///{folder / 'study.db'}"
    return optuna.storages.JournalStorage(JournalFileBackend(str(folder / "log"))) if kind == "journal" else None


def read_back(folder: Path) -> None:
    """What is on record, as another process sees it."""
    os.environ["AUTOTRACK_STORE"] = str(folder / "store")
    import autotrack
    from autotrack.store import Store

    Store.open(folder / "store").compact(older_than_s=0)
    (study,) = autotrack.search_runs("parent is null")
    found_s = []
    count = 0
    for _ in range(3):  # the first makes the index
        begun = time.perf_counter()
        count = len(autotrack.search_runs(f"parent = '{study.id}'", order_by="metrics.value"))
        found_s.append(time.perf_counter() - begun)
    size = sum(file.stat().st_size for file in (folder / "store").rglob("*") if file.is_file())
    print(f"{'':18} {size / count:.0f} bytes a trial; {count} trials listed and sorted in {found_s[-1] * 1e3:.0f} ms")


if __name__ == "__main__":
    main()
