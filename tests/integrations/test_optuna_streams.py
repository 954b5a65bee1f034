"""Recording draws no random number: seeded studies and the global random streams are the same with and without."""

import random
import warnings

import numpy as np
import optuna
import pytest

import autotrack

optuna.logging.set_verbosity(optuna.logging.ERROR)
samplers = optuna.samplers
STEPS = {"x": [-1.0, 0.0, 1.0], "n": [1, 2], "kind": ["a", "b"]}


def objective(trial):
    x = trial.suggest_float("x", -1, 1, step=0.01)
    n = trial.suggest_int("n", 1, 8)
    kind = trial.suggest_categorical("kind", ["a", "b"])
    for step in range(3):
        trial.report(x * n + step, step)
        if trial.should_prune():
            raise optuna.TrialPruned
    return x * x + n + (kind == "a") + random.random() + np.random.random()


def coarse(trial):
    x, n, kind = (trial.suggest_categorical(name, choices) for name, choices in STEPS.items())
    return x * x + n + (kind == "a")


def two_objectives(trial):
    x = trial.suggest_float("x", -1, 1)
    return x * x, (x - trial.suggest_float("y", -1, 1)) ** 2


FAMILIES = {
    "random": lambda: (samplers.RandomSampler(seed=1), objective),
    "tpe": lambda: (samplers.TPESampler(seed=1, n_startup_trials=4), objective),
    "tpe multivariate": lambda: (
        samplers.TPESampler(seed=1, n_startup_trials=4, multivariate=True, group=True, constant_liar=True),
        objective,
    ),
    "qmc": lambda: (samplers.QMCSampler(seed=1, scramble=True), objective),
    "grid": lambda: (samplers.GridSampler(STEPS, seed=1), coarse),
    "brute force": lambda: (samplers.BruteForceSampler(seed=1), coarse),
    "partly fixed": lambda: (samplers.PartialFixedSampler({"n": 3}, samplers.RandomSampler(seed=1)), objective),
    "nsga-ii": lambda: (samplers.NSGAIISampler(seed=1, population_size=4), two_objectives),
    "nsga-iii": lambda: (samplers.NSGAIIISampler(seed=1, population_size=4), two_objectives),
    "cma-es": lambda: pytest.importorskip("cmaes") and (samplers.CmaEsSampler(seed=1, n_startup_trials=3), objective),
    "gp": lambda: pytest.importorskip("torch") and (samplers.GPSampler(seed=1, n_startup_trials=4), objective),
}


def search(family, count=12):
    """All that a study of this sampler comes to, and where the global streams stand after it."""
    random.seed(0)
    np.random.seed(0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        sampler, function = FAMILIES[family]()
        directions = ["minimize"] * (2 if function is two_objectives else 1)
        study = optuna.create_study(
            sampler=sampler, pruner=optuna.pruners.MedianPruner(n_startup_trials=3), directions=directions
        )
        study.optimize(function, n_trials=count)
        found = [(t.state, t.params, t.values, t.intermediate_values) for t in study.trials]
    return found, random.random(), np.random.random()


SLOW = {"gp": pytest.mark.slow}


@pytest.mark.parametrize("family", [pytest.param(name, marks=SLOW.get(name, ())) for name in FAMILIES])
def test_seeded_study_is_the_same_with_and_without(family, store_path):
    without = search(family)
    autotrack.enable(store=store_path)
    recorded = search(family)
    assert recorded == without
    (run,) = autotrack.search_runs("parent is null")
    trials = run.trials()
    assert [t.params for t in trials] == [params for _, params, _, _ in recorded[0]]
    assert {name for t in trials for name in t.metrics} <= {"value", "value_0", "value_1", "intermediate_value"}


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::optuna.exceptions.ExperimentalWarning")
def test_what_optuna_trains_for_itself_is_no_run(store_path):
    pytest.importorskip("torch")
    from optuna import terminator

    autotrack.enable(store=store_path)
    study = optuna.create_study(sampler=samplers.RandomSampler(seed=0))
    study.optimize(lambda trial: trial.suggest_float("x", 0, 1) + trial.suggest_float("y", 0, 1), n_trials=6)
    forest = optuna.importance.MeanDecreaseImpurityImportanceEvaluator(n_trees=2, seed=0)
    optuna.importance.get_param_importances(study, evaluator=forest)
    terminator.RegretBoundEvaluator(seed=0).evaluate(study.trials, study.direction)
    assert [run.source for run in autotrack.search_runs("parent is null")] == ["optuna"]
    assert len(autotrack.search_runs()) == 7
