"""A study out of its record."""

import math

import optuna

import autotrack
from autotrack.store import Store, scan

optuna.logging.set_verbosity(optuna.logging.ERROR)


def objective(trial):
    x = trial.suggest_float("x", -1, 1)
    for step in range(trial.number % 4):
        trial.report(math.inf if step == 2 else x + step, 2 * step)
    if trial.number == 3:
        raise optuna.TrialPruned
    return x


def test_reports_of_all_trials_come_back_and_are_read_at_once(store_path, monkeypatch):
    autotrack.enable(store=store_path)
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    study.optimize(objective, n_trials=8)
    (run,) = autotrack.search_runs("parent is null")
    Store.open(store_path).compact()
    opened = []
    real = scan.read_points
    monkeypatch.setattr(scan, "read_points", lambda *args: opened.append(args[2].name) or real(*args))
    again = run.to_study()
    assert [t.intermediate_values for t in again.trials] == [t.intermediate_values for t in study.trials]
    assert [t.values for t in again.trials if t.number != 3] == [t.values for t in study.trials if t.number != 3]
    assert len(opened) == len(set(opened))
