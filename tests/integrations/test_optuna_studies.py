"""A study is one run and its trials are its children, however it is driven and whatever becomes of them."""

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time

import optuna
import pytest
from sklearn.datasets import load_iris
from sklearn.tree import DecisionTreeClassifier

import autotrack

optuna.logging.set_verbosity(optuna.logging.ERROR)
X, y = load_iris(return_X_y=True)


@pytest.fixture(autouse=True)
def _recorded(store_path):
    autotrack.enable(store=store_path)


def only_study():
    (study,) = (run for run in autotrack.search_runs() if run.parent is None)
    return study


def square(trial):
    return trial.suggest_float("x", -1, 1) ** 2


def fit(trial):
    depth = trial.suggest_int("depth", 1, 8)
    time.sleep(0.005)
    return DecisionTreeClassifier(max_depth=depth, random_state=trial.number).fit(X, y).score(X, y)


def new_study(**settings):
    return optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0), **settings)


def test_study_is_a_run_with_its_trials_as_children():
    study = new_study(study_name="squares")
    study.optimize(square, n_trials=5)
    run = only_study()
    assert (run.name, run.status, run.source) == ("squares", "finished", "optuna")
    assert run.params["directions"] == ["minimize"]
    assert run.params["sampler"] == "RandomSampler"
    assert run.params["storage"] == "in memory"
    assert run.params["best_trial"] == study.best_trial.number
    assert run.params["best.x"] == study.best_params["x"]
    assert run.metrics["best_value"] == study.best_value
    assert [(t.params["x"], t.metrics["value"], t.status) for t in run.children] == [
        (t.params["x"], t.value, "finished") for t in study.trials
    ]


def test_states_of_trials_are_told_with_reason_and_error():
    def objective(trial):
        for step in range(3):
            trial.report(10.0 * trial.number + step, step)
        if trial.number == 1:
            raise optuna.TrialPruned
        if trial.number == 2:
            raise ValueError("no good")
        trial.set_user_attr("kind", "plain")
        return 1.0

    new_study().optimize(objective, n_trials=3, catch=(ValueError,))
    complete, pruned, failed = only_study().trials()
    assert [t.tags["state"] for t in (complete, pruned, failed)] == ["complete", "pruned", "fail"]
    assert (pruned.status, pruned.reason) == ("finished", "pruned at step 2")
    assert failed.status == "failed"
    assert failed.error.startswith("ValueError: no good")
    assert "in objective" in failed.error
    assert complete.tags["user_attrs.kind"] == "plain"
    assert list(pruned.history("intermediate_value").values) == [10.0, 11.0, 12.0]


def test_failing_study_is_failed_and_its_exception_is_the_users():
    error = RuntimeError("mine")

    def objective(trial):
        raise error

    with pytest.raises(RuntimeError) as caught:
        new_study().optimize(objective, n_trials=2)
    assert caught.value is error
    assert only_study().status == "failed"
    assert only_study().children[0].status == "failed"


def test_ask_and_tell_by_trial_and_by_number():
    study = new_study()
    first, second = study.ask(), study.ask()
    study.tell(second, first.suggest_float("x", 0, 1))
    study.tell(first.number, 2.0)
    third = study.ask()
    assert [t.tags["state"] for t in only_study().trials()] == ["complete", "complete", "running"]
    study.tell(third, state=optuna.trial.TrialState.FAIL)
    assert [t.metrics.get("value") for t in only_study().trials()] == [2.0, study.trials[1].value, None]
    assert only_study().status == "running"


def test_enqueued_trial_waits_and_is_run():
    study = new_study()
    study.enqueue_trial({"x": 0.25}, user_attrs={"from": "me"})
    study.enqueue_trial({"x": 0.5})
    trial = study.ask()
    assert [t.tags["state"] for t in only_study().trials()] == ["running", "waiting"]
    study.tell(trial, square(trial))
    study.optimize(square, n_trials=1)
    assert [(t.tags["state"], t.params["x"]) for t in only_study().trials()] == [("complete", 0.25), ("complete", 0.5)]
    assert only_study().trials()[0].tags["user_attrs.from"] == "me"


def test_added_trials_are_recorded():
    space = {"x": optuna.distributions.FloatDistribution(0, 1)}
    study = new_study()
    study.add_trial(optuna.trial.create_trial(params={"x": 0.5}, distributions=space, value=-7.0))
    study.optimize(square, n_trials=1)
    assert [t.metrics["value"] for t in only_study().trials()] == [-7.0, study.trials[1].value]
    assert only_study().best.name == "trial 0"


def test_added_trials_are_recorded_of_a_study_that_runs_none():
    study = new_study()
    study.add_trials([optuna.trial.create_trial(value=float(number)) for number in (3, 1, 2)])
    assert [t.metrics["value"] for t in only_study().trials()] == [3, 1, 2]
    assert only_study().params["best_trial"] == 1


def test_trials_added_one_by_one_are_all_on_record_at_the_end(run_python, store_path):
    script = """
        import autotrack, optuna, sys
        autotrack.enable(store=sys.argv[1])
        study = optuna.create_study()
        for number in range(300):
            study.add_trial(optuna.trial.create_trial(value=float(number)))
        print("null")
    """
    run_python(script, str(store_path))
    assert [t.metrics["value"] for t in only_study().trials()] == list(range(300))


@pytest.mark.filterwarnings("ignore::optuna.exceptions.ExperimentalWarning")
def test_several_objectives_have_a_front():
    study = new_study(directions=["minimize", "maximize"])
    study.set_metric_names(["cost", "gain"])
    study.optimize(lambda t: (t.suggest_float("x", 0, 1), t.suggest_float("y", 0, 1)), n_trials=20)
    run = only_study()
    expected = sorted(t.number for t in study.best_trials)
    assert run.params["pareto_trials"] == expected
    assert [int(t.tags["trial"]) for t in run.trials().front] == expected
    trial = run.trials()[3]
    assert (trial.metrics["value_0"], trial.metrics["gain"]) == tuple(study.trials[3].values)
    with pytest.raises(autotrack.AutotrackError, match="2 objectives"):
        _ = run.best.params


@pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::optuna.exceptions.ExperimentalWarning")
def test_best_trial_keeps_all_constraints():
    sampler = optuna.samplers.TPESampler(seed=0, constraints_func=lambda t: (0.3 - t.params["x"],))
    study = optuna.create_study(sampler=sampler)
    study.optimize(lambda t: t.suggest_float("x", 0, 1), n_trials=15)
    run = only_study()
    assert run.best.metrics["value"] == study.best_value >= 0.3
    assert run.params["best_trial"] == study.best_trial.number
    assert run.best.metrics["constraint_0"] <= 0


def test_continued_study_continues_its_run():
    study = new_study()
    study.optimize(square, n_trials=2)
    study.optimize(square, n_trials=3)
    assert len(only_study().children) == 5


@pytest.mark.parametrize("kind", ["journal", "sqlite"])
def test_study_loaded_again_continues_its_run(kind, tmp_path):
    for count in (2, 3):
        study = new_study(study_name="shared", storage=storage_in(tmp_path, kind), load_if_exists=True)
        study.optimize(square, n_trials=count)
    run = only_study()
    assert [t.metrics["value"] for t in run.trials()] == [t.value for t in study.trials]
    assert (run.params["best_trial"], run.status) == (study.best_trial.number, "finished")


def test_study_made_anew_in_a_deleted_storage_has_a_run_of_its_own(tmp_path):
    for count in (2, 3):
        (tmp_path / "study.db").unlink(missing_ok=True)
        study = new_study(study_name="again", storage=storage_in(tmp_path, "sqlite"))
        study.optimize(square, n_trials=count)
    assert sorted(len(run.children) for run in autotrack.search_runs("parent is null")) == [2, 3]


def storage_in(folder, kind):
    if kind == "sqlite":
        return f"sqlite:///{folder / 'study.db'}"
    return optuna.storages.JournalStorage(optuna.storages.journal.JournalFileBackend(str(folder / "study.log")))


def test_fits_in_threads_are_each_in_the_run_of_its_own_trial():
    new_study(direction="maximize").optimize(fit, n_trials=20, n_jobs=4)
    run = only_study()
    trials = run.trials()
    assert len(trials) == 20
    for trial in trials:
        assert trial.params["random_state"] == int(trial.tags["trial"])
        assert trial.params["max_depth"] == trial.params["depth"]
        assert trial.children == []
    assert len(autotrack.search_runs()) == 21


def test_further_fits_of_an_objective_are_children_of_its_trial():
    def objective(trial):
        return sum(DecisionTreeClassifier(max_depth=d).fit(X, y).score(X, y) for d in (1, 2, 3))

    new_study().optimize(objective, n_trials=2)
    assert [[child.params["max_depth"] for child in trial.children] for trial in only_study().trials()] == [[2, 3]] * 2


def test_study_in_an_objective_is_inside_its_trial():
    def objective(trial):
        inner = new_study(study_name="inner")
        inner.optimize(fit, n_trials=2)
        return inner.best_value + 0 * trial.suggest_float("x", 0, 1)

    new_study().optimize(objective, n_trials=2)
    for trial in only_study().trials():
        (inner,) = trial.children
        assert (inner.name, [t.params["random_state"] for t in inner.trials()]) == ("inner", [0, 1])
        assert "random_state" not in trial.params


def test_study_in_a_run_of_the_users_is_its_child():
    with autotrack.start_run("mine") as mine:
        new_study().optimize(square, n_trials=1)
        autotrack.log_param("after", 1)
    assert [run.id for run in autotrack.search_runs("parent is null")] == [mine.id]
    assert mine.children[0].source == "optuna"
    assert mine.params == {"after": 1}


def test_paused_study_leaves_nothing_even_in_threads():
    with autotrack.paused():
        new_study().optimize(square, n_trials=4, n_jobs=2)
    new_study(study_name="seen").optimize(square, n_trials=1)
    assert [run.name for run in autotrack.search_runs("parent is null")] == ["seen"]


def test_what_is_logged_in_an_objective_is_the_trials():
    def objective(trial):
        autotrack.log_metric("value", 77.0)
        return 1.0

    new_study().optimize(objective, n_trials=1)
    run = only_study()
    assert (run.best.metrics["value"], run.best.metrics["objective_value"]) == (77.0, 1.0)
    assert run.to_study().best_value == 1.0


def test_sampler_draws_the_same_numbers_as_without():
    def values():
        study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=3))
        study.optimize(square, n_trials=25)
        return [trial.params for trial in study.trials]

    recorded = values()
    autotrack.disable()
    assert recorded == values()


WORKER = """
    import sys, time, os, autotrack, optuna
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend
    folder, count = sys.argv[1], int(sys.argv[2])
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    autotrack.enable(store=folder + "/store")
    study = optuna.create_study(study_name="s", storage=JournalStorage(JournalFileBackend(folder + "/log")),
                                load_if_exists=True, sampler=optuna.samplers.RandomSampler())
    def objective(trial):
        x = trial.suggest_float("x", -1, 1)
        if count == 0:
            print("begun", flush=True)
            time.sleep(60)
        return x * x
    study.optimize(objective, n_trials=max(count, 1))
"""


def start_worker(folder, count):
    command = [sys.executable, "-c", textwrap.dedent(WORKER), str(folder), str(count)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"})


def end_of(worker):
    worker.communicate(timeout=120)
    return worker.returncode


@pytest.mark.slow
def test_four_processes_on_one_storage_are_one_study(tmp_path):
    workers = [start_worker(tmp_path, 50) for _ in range(4)]
    assert [end_of(worker) for worker in workers] == [0] * 4
    run = only_study()
    trials = run.trials()
    numbers = [int(t.tags["trial"]) for t in trials]
    assert numbers == list(range(200))
    assert len({t.tags["worker"] for t in trials}) == 4
    assert all(t.status == "finished" for t in trials)
    best = min(trials, key=lambda t: t.metrics["value"])
    assert (run.best.id, run.params["best_trial"], run.status) == (best.id, int(best.tags["trial"]), "finished")
    assert run.metrics["trials_done"] == 200


@pytest.mark.slow
def test_killed_worker_leaves_a_killed_trial_and_the_study_goes_on(tmp_path):
    worker = start_worker(tmp_path, 0)
    assert worker.stdout.readline() == "begun\n"
    time.sleep(1)
    worker.send_signal(signal.SIGKILL)
    worker.wait(10)
    worker.stdout.close()
    assert end_of(start_worker(tmp_path, 5)) == 0
    run = only_study()
    assert [t.status for t in run.trials()] == ["killed"] + ["finished"] * 5
    assert [record["state"] for record in run.trials().records()] == ["killed"] + ["complete"] * 5
    assert run.status == "finished"


def test_study_dropped_by_its_user_is_finished():
    trial = new_study().ask()
    trial.study.tell(trial, 1.0)
    del trial
    assert only_study().children[0].status == "finished"


def test_two_threads_that_optimize_one_study_end_it_once():
    study = new_study()
    threads = [threading.Thread(target=study.optimize, args=(square, 5)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (only_study().status, len(only_study().children)) == ("finished", 10)


@pytest.mark.parametrize("order", ["import optuna; autotrack.enable()", "autotrack.enable(); import optuna"])
def test_study_is_recorded_whichever_is_first_and_disable_puts_all_back(order, run_python):
    found = run_python(f"""
        import autotrack, json
        {order}
        import optuna.study._optimize as loop
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        study = optuna.create_study()
        study.optimize(lambda t: t.suggest_float("x", 0, 1), n_trials=2)
        count = len(autotrack.search_runs())
        autotrack.disable()
        study.optimize(lambda t: t.suggest_float("x", 0, 1), n_trials=2)
        module = optuna.study.study
        watched = [getattr(module.Study, name) for name in ("optimize", "ask", "add_trial")]
        watched += [getattr(loop, name) for name in ("_run_trial", "_tell_with_warning", "_log_failed_trial")]
        watched += [module._tell_with_warning, optuna.Trial.report, optuna.Trial._suggest]
        watched += [optuna.importance.FanovaImportanceEvaluator.evaluate]
        left = [each.__qualname__ for each in watched if each.__code__.co_filename == "<watched>"]
        print(json.dumps([count, len(autotrack.search_runs()), left]))
    """)
    assert found == [3, 3, []]


def test_worker_is_told_of_trials_that_were_begun_here_only():
    study = new_study()
    study.add_trial(optuna.trial.create_trial(value=1.0))
    study.optimize(square, n_trials=1)
    assert [t.tags.get("worker") for t in only_study().trials()] == [None, str(os.getpid())]
