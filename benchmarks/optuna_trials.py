"""What recording costs a trial of Optuna: studies of trivial objectives, alone and recorded, in fresh interpreters.

Printed are microseconds a trial, of the first tenth of the trials, the median tenth and the last one, as wall time and
as CPU of the process; of recorded studies the bytes a trial takes when it is at rest, and how long it takes to list all
trials, sorted by value, in another process. "In turns" are two studies of one process, of which one is recorded: what
that adds is the median of the differences, whatever else the machine does; a fifth of the trials. Optuna's own
callbacks for MLflow (into SQLite) and W&B (offline) are measured in memory where they are installed, on a twentieth of
the trials. How to read it: README.md beside this file.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path
from statistics import quantiles
from typing import Any

PARTS = 10
TURNS = 20
KINDS = ("memory", "journal", "sqlite")
RIVALS = ("mlflow", "wandb")


def main() -> None:
    """All storages, alone and recorded, or one of them in this process."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=10_000)
    parser.add_argument("--storages", default=",".join(KINDS))
    parser.add_argument("--alone", nargs=3, metavar=("STORAGE", "WHO", "FOLDER"), help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.alone:
        kind, who, folder = asked.alone
        if who == "read":
            read_back(Path(folder))
        elif who == "in turns":
            take_turns(kind, Path(folder), asked.trials)
        else:
            measure(kind, who, Path(folder), asked.trials)
        return
    rivals = [name for name in RIVALS if find_spec(name) and find_spec("optuna_integration")]
    for kind in asked.storages.split(","):
        for who in ("alone", "recorded", "in turns", *(rivals if kind == "memory" else ())):
            count = asked.trials // 20 if who in RIVALS else asked.trials // 5 if who == "in turns" else asked.trials
            with tempfile.TemporaryDirectory() as folder:
                for step in (who, "read") if who == "recorded" else (who,):
                    command = [sys.executable, "-W", "ignore", __file__, "--trials", str(count)]
                    subprocess.run([*command, "--alone", kind, step, folder], check=True, stderr=subprocess.DEVNULL)


def measure(kind: str, who: str, folder: Path, count: int) -> None:
    """One study."""
    if who == "recorded":
        import autotrack

        autotrack.enable(store=folder / "store")
    study = new_study(kind, folder)
    callbacks = callback(who, folder)
    study.optimize(objective, n_trials=20, callbacks=callbacks)
    walls, cpus = [], []
    for _ in range(PARTS):
        begun, cpu = time.perf_counter(), time.process_time()
        study.optimize(objective, n_trials=count // PARTS, callbacks=callbacks)
        walls.append((time.perf_counter() - begun) * 1e6 / (count // PARTS))
        cpus.append((time.process_time() - cpu) * 1e6 / (count // PARTS))
    told = [
        f"first {each[0]:.0f}, median {sorted(each)[PARTS // 2]:.0f}, last {each[-1]:.0f}" for each in (walls, cpus)
    ]
    print(f"{kind:8} {who:9} us a trial: {told[0]}; CPU: {told[1]}", flush=True)
    os._exit(0) if who == "wandb" else None  # its exit waits for a network


def take_turns(kind: str, folder: Path, count: int) -> None:
    """Two studies, one recorded and one not."""
    import autotrack
    from autotrack import run

    autotrack.enable(store=folder / "store")
    (folder / "alone").mkdir()
    alone, recorded = new_study(kind, folder / "alone"), new_study(kind, folder)
    size = count // TURNS
    walls, cpus = [], []
    for _ in range(TURNS + 1):
        begun, cpu = time.perf_counter(), time.process_time()
        with autotrack.paused():
            alone.optimize(objective, n_trials=size)
        between, cpu_between = time.perf_counter(), time.process_time()
        recorded.optimize(objective, n_trials=size)
        recorder = run.recorder()
        assert recorder is not None
        recorder.flush()
        walls.append((time.perf_counter() - between - (between - begun)) * 1e6 / size)
        cpus.append((time.process_time() - cpu_between - (cpu_between - cpu)) * 1e6 / size)
    told = []
    for each in (walls[1:], cpus[1:]):  # the first begins the record
        low, middle, high = quantiles(each)
        told.append(f"{middle:.0f} ({low:.0f} to {high:.0f})")
    print(f"{kind:8} in turns: us added a trial, median and quartiles: {told[0]}; CPU: {told[1]}", flush=True)


def new_study(kind: str, folder: Path) -> Any:
    """A study without trials."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    return optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0), storage=storage(kind, folder))


def objective(trial: Any) -> float:
    """An objective that does nothing."""
    return float(trial.suggest_float("x", -1, 1) ** 2 + trial.suggest_int("n", 1, 9))


def callback(who: str, folder: Path) -> list[Any]:
    """What a rival hands to `study.optimize`."""
    if who == "mlflow":
        from optuna_integration.mlflow import MLflowCallback

        return [MLflowCallback(tracking_uri=f"sqlite:///{folder / 'mlflow.db'}", metric_name="value")]
    if who == "wandb":
        os.environ |= {"WANDB_MODE": "offline", "WANDB_DIR": str(folder), "WANDB_SILENT": "true"}
        from optuna_integration.wandb import WeightsAndBiasesCallback

        return [WeightsAndBiasesCallback(metric_name="value", wandb_kwargs={"project": "trials"})]
    return []


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
