"""A study out of its record."""

import math
import warnings

import numpy as np
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
    assert [t.values for t in again.trials] == [t.values for t in study.trials]
    assert len(opened) == len(set(opened))


def test_first_report_of_a_step_is_the_one_that_counts(store_path):
    autotrack.enable(store=store_path)
    study = optuna.create_study()

    def reporting(trial):
        for value in (1, 3):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # Optuna says that it ignores the second one
                trial.report(value, 5)
        return 0

    study.optimize(reporting, n_trials=1)
    (run,) = autotrack.search_runs("parent is null")
    assert list(run.trials()[0].history("intermediate_value").values) == [1]
    assert run.to_study().trials[0].intermediate_values == study.trials[0].intermediate_values == {5: 1}


def test_trials_keep_their_numbers_where_one_is_not_on_record(store_path):
    autotrack.enable(store=store_path)
    study = optuna.create_study()
    study.optimize(objective, n_trials=1)
    study.add_trial(optuna.trial.create_trial(state=optuna.trial.TrialState.RUNNING))  # nobody knows who runs it
    study.optimize(lambda trial: trial.suggest_float("x", -1, 1) - 9, n_trials=1)
    (run,) = autotrack.search_runs("parent is null")
    again = run.to_study()
    assert again.best_trial.number == study.best_trial.number == 2
    assert [t.state.name for t in again.trials] == ["COMPLETE", "FAIL", "COMPLETE"]


def test_numbers_of_numpy_that_the_user_noted_come_back_as_numbers(store_path):
    autotrack.enable(store=store_path)
    study = optuna.create_study()
    study.set_user_attr("rows", np.int64(3))
    study.optimize(
        lambda trial: trial.set_user_attr("seen", {"rows": np.int32(4), "all": np.bool_(True)}) or 0, n_trials=1
    )
    (run,) = autotrack.search_runs("parent is null")
    again = run.to_study()
    assert again.user_attrs == {"rows": 3}
    assert again.trials[0].user_attrs == {"seen": {"rows": 4, "all": True}}
