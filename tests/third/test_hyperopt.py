"""Hyperopt: a search is one run, each point a run inside it, and what the objective trains is the point's own."""

import os
import pickle
import signal
import subprocess
import sys
import textwrap
import time
from functools import partial

import numpy as np
import pytest
from sklearn.datasets import load_iris
from sklearn.tree import DecisionTreeClassifier

import autotrack
from recorded import only_run, runs

hyperopt = pytest.importorskip("hyperopt")
from hyperopt import Trials, fmin, hp, rand, tpe  # noqa: E402  before `enable()`, as scripts have it
from hyperopt.pyll import scope  # noqa: E402

X, y = load_iris(return_X_y=True)
QUIET = {"verbose": False, "show_progressbar": False}


@pytest.fixture(autouse=True)
def _recorded(store_path):
    autotrack.enable(store=store_path)


def square(x):
    return x**2


def search(objective=square, space=None, **settings):
    given = {"algo": rand.suggest, "max_evals": 5, "rstate": np.random.default_rng(0), **QUIET, **settings}
    return fmin(objective, hp.uniform("x", -1, 1) if space is None else space, **given)


def fit(config):
    model = DecisionTreeClassifier(max_depth=int(config["depth"]), random_state=0).fit(X, y)
    return {"loss": 1 - model.score(X, y), "status": "ok"}


def test_search_is_a_run_with_its_points_as_children():
    trials = Trials()
    best = search(trials=trials, algo=partial(tpe.suggest, n_startup_jobs=3), timeout=60)
    run = only_run()
    assert (run.name, run.status, run.source) == ("fmin", "finished", "hyperopt")
    assert run.params["directions"] == ["minimize"]
    assert (run.params["algo"], run.params["algo.n_startup_jobs"]) == ("tpe.suggest", 3)
    assert (run.params["max_evals"], run.params["timeout"]) == (5, 60)
    assert run.params["space.x"] == "uniform(-1, 1)"
    assert [(t.params["x"], t.metrics["value"], t.metrics["loss"]) for t in run.trials()] == [
        (t["misc"]["vals"]["x"][0], t["result"]["loss"], t["result"]["loss"]) for t in trials.trials
    ]
    assert {(t.name.split()[0], t.status, t.tags["state"]) for t in run.children} == {("trial", "finished", "complete")}
    assert run.best.params == {"x": best["x"]} == {"x": run.params["best.x"]}
    assert run.metrics["best_value"] == trials.best_trial["result"]["loss"]
    assert run.metrics["trials_complete"] == 5
    assert list(run.trials().to_pandas()["value"]) == trials.losses()


def test_params_are_what_the_objective_gets():
    seen = []
    space = {
        "kind": hp.choice("kind", ["a", 2, None, 0.5]),
        "n": scope.int(hp.quniform("n", 1, 9, 1)),
        "m": hp.uniformint("m", 1, 9),
        "r": hp.randint("r", 7),
        "lr": hp.loguniform("lr", -5, 0),
        "model": hp.pchoice("model", [(0.5, {"name": "svm", "C": hp.uniform("C", 0, 1)}), (0.5, {"name": "tree"})]),
    }

    def objective(config):
        seen.append(config)
        return 0.0

    search(objective, space, max_evals=10)
    run = only_run()
    for config, trial in zip(seen, run.trials(), strict=True):
        for label in ("kind", "n", "m", "r", "lr"):
            got = config[label].item() if isinstance(config[label], np.generic) else config[label]
            assert (trial.params[label], type(trial.params[label])) == (got, type(got))
        assert trial.params["model"] == {"name": config["model"]["name"]}
        assert trial.params.get("C") == config["model"].get("C")
    assert run.params["space.kind"] == "a | 2 | None | 0.5"


def test_numbers_of_the_result_are_metrics_and_texts_are_noted():
    search(lambda x: {"loss": x, "status": "ok", "accuracy": np.float64(0.5), "note": "good", "model": object()})
    trial = only_run().trials()[0]
    assert trial.metrics["accuracy"] == 0.5
    assert trial.tags["user_attrs.note"] == "good"
    assert "user_attrs.model" not in trial.tags


def test_states_of_points_are_told_with_reason_and_error():
    def objective(x):
        objective.calls += 1
        if objective.calls == 2:
            raise ValueError("no good")
        if objective.calls == 3:
            return {"status": "fail"}
        return float("nan") if objective.calls == 4 else 10.0 - objective.calls

    objective.calls = 0
    search(objective, max_evals=5, catch_eval_exceptions=True)
    run = only_run()
    assert [t.tags["state"] for t in run.trials()] == ["complete", "fail", "fail", "complete", "complete"]
    failed, returned = run.trials()[1:3]
    assert failed.status == returned.status == "failed"
    assert failed.error.startswith("ValueError: no good")
    assert returned.reason == "The objective returned the status 'fail'."
    assert run.best.id == run.trials()[4].id
    assert run.metrics["trials_failed"] == 2


def test_search_that_raises_has_failed_and_the_exception_is_the_users_own():
    mine = ValueError("theirs")

    def objective(_):
        raise mine

    with pytest.raises(ValueError, match="theirs") as caught:
        search(objective)
    assert caught.value is mine
    run = only_run()
    assert run.status == "failed"
    assert [t.status for t in run.children] == ["failed"]


def test_same_trials_go_on_in_the_same_run():
    trials = Trials()
    search(trials=trials, max_evals=3)
    search(trials=trials, max_evals=7)
    run = only_run()
    assert run.status == "finished"
    assert [t.tags["trial"] for t in run.trials()] == [str(t["tid"]) for t in trials.trials]
    assert run.metrics["trials_done"] == 7


def test_trials_that_were_emptied_are_another_search():
    trials = Trials()
    search(trials=trials, max_evals=3)
    trials.delete_all()
    search(trials=trials, max_evals=2)
    assert [len(run.children) for run in runs()] == [3, 2]


def test_points_of_loaded_trials_are_on_record_too():
    autotrack.disable()
    trials = Trials()
    search(trials=trials, max_evals=4)
    autotrack.enable(store="store")
    loaded = pickle.loads(pickle.dumps(trials))
    best = search(trials=loaded, max_evals=6)
    run = only_run()
    assert [t.metrics["value"] for t in run.trials()] == loaded.losses()
    assert run.best.params["x"] == best["x"]


def test_fits_of_twenty_points_are_each_in_their_own():
    search(fit, {"depth": hp.quniform("depth", 1, 8, 1)}, max_evals=20)
    run = only_run()
    assert len(run.children) == 20
    for trial in run.trials():
        assert trial.params["max_depth"] == trial.params["depth"]
        assert not trial.children


def test_best_model_is_registered_and_loaded_by_name():
    search(fit, {"depth": hp.choice("depth", [1, 2, 3, 4, 5, 6])}, max_evals=12)
    run = only_run()
    assert autotrack.register_model(run, "tree").run_id == run.best.id
    assert autotrack.load_model("tree").max_depth == run.best.params["depth"]
    assert len([t for t in run.trials() if t.models]) == 3
    assert all("keep_models" in t.lacks["model"] for t in run.trials() if not t.models)


def test_search_inside_a_point_is_its_child():
    def outer(x):
        search(lambda z: (z - x) ** 2, max_evals=2)
        return x

    search(outer, max_evals=3)
    run = only_run()
    assert len(run.children) == 3
    for trial in run.children:
        (inner,) = trial.children
        assert (inner.source, len(inner.children)) == ("hyperopt", 2)


def test_search_inside_a_trial_of_optuna_is_the_trials_own():
    optuna = pytest.importorskip("optuna")
    optuna.logging.set_verbosity(optuna.logging.ERROR)

    def objective(trial):
        return search(max_evals=2)["x"] + trial.suggest_float("shift", 0, 1)

    optuna.create_study().optimize(objective, n_trials=2)
    study = only_run()
    assert study.source == "optuna"
    for trial in study.children:
        (inner,) = trial.children
        assert [t.params.keys() for t in inner.children] == [{"x"}, {"x"}]


def test_search_inside_a_run_of_the_users_is_its_child_and_a_pause_is_silent():
    with autotrack.start_run("mine"):
        search()
        with autotrack.paused():
            search()
    (child,) = only_run().children
    assert len(child.children) == 5


def test_results_random_streams_and_pickles_are_the_same_with_and_without():
    def outcome():
        trials, stream = Trials(), np.random.default_rng(3)
        best = search(trials=trials, rstate=stream, algo=tpe.suggest, max_evals=25)
        docs = [{**doc, "book_time": None, "refresh_time": None} for doc in trials.trials]
        return best, docs, stream.random(), b"autotrack" in pickle.dumps(trials)

    recorded = outcome()
    autotrack.disable()
    assert recorded == outcome()
    assert not recorded[-1]


@pytest.mark.slow
def test_search_that_was_killed_in_a_point_is_killed_and_so_is_the_point(store_path):
    script = """
        import os, signal, sys, time, autotrack
        from hyperopt import fmin, hp, rand
        autotrack.enable(store=sys.argv[1])
        calls = []
        def objective(x):
            calls.append(x)
            if len(calls) == 3:
                print("here", flush=True)
                time.sleep(60)
            return x
        fmin(objective, hp.uniform("x", 0, 1), algo=rand.suggest, max_evals=5, verbose=False)
    """
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(script), str(store_path)], stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout.readline() == "here\n"

        time.sleep(1)
        os.kill(child.pid, signal.SIGKILL)
    run = only_run()
    assert run.status == "killed"
    assert [t.status for t in run.trials()] == ["finished", "finished", "killed"]
