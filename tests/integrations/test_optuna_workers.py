"""Of several workers on one study each trial is recorded once, by who has run it, however late that is written."""

import subprocess
import sys
import textwrap

import optuna
import pytest
from sklearn.datasets import load_iris
from sklearn.tree import DecisionTreeClassifier

import autotrack
from autotrack.run import buffer
from autotrack_integrations.optuna import settling

optuna.logging.set_verbosity(optuna.logging.ERROR)

# A worker that says when its trial is over in the storage, and writes nothing of it before its end.
SLOW_WRITER = """
    import sys, autotrack, optuna
    from autotrack.run import buffer
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    autotrack.enable(store="store")
    buffer.TICK_S = 3600
    backend = optuna.storages.journal.JournalFileBackend("study.log")
    study = optuna.create_study(study_name="s", storage=optuna.storages.JournalStorage(backend), load_if_exists=True)
    trial = study.ask()
    trial.report(trial.number + 0.5, 0)
    study.tell(trial, trial.number)
    print("told", flush=True)
    sys.stdin.readline()
"""


@pytest.fixture
def slow_writer(tmp_path):
    """A running worker that has told trial 0 and has not written its record."""
    command = [sys.executable, "-c", textwrap.dedent(SLOW_WRITER)]
    with subprocess.Popen(command, cwd=tmp_path, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as worker:
        assert worker.stdout.readline() == "told\n"
        yield worker
        worker.kill()


def end(worker):
    worker.communicate("\n", timeout=60)
    assert worker.returncode == 0


def join(store_path):
    autotrack.enable(store=store_path)
    backend = optuna.storages.journal.JournalFileBackend("study.log")
    return optuna.create_study(study_name="s", storage=optuna.storages.JournalStorage(backend), load_if_exists=True)


def beside(study):
    """A trial of the study that nobody records."""
    with autotrack.paused():
        optuna.load_study(study_name="s", storage=study._storage).optimize(objective, n_trials=1)


def objective(trial):
    trial.report(trial.number + 0.5, 0)
    return trial.number


def points():
    """Number of each trial on record, with the values of its metrics over all steps."""
    (run,) = autotrack.search_runs("parent is null")
    keys = ("value", "intermediate_value")
    return {int(t.tags["trial"]): [list(t.history(key).values) for key in keys] for t in run.trials()}


@pytest.mark.slow
def test_trial_of_a_worker_that_has_not_written_it_yet_is_recorded_once(slow_writer, store_path):
    study = join(store_path)
    study.optimize(objective, n_trials=1)
    assert points() == {1: [[1.0], [1.5]]}
    end(slow_writer)
    study.optimize(objective, n_trials=1)
    assert points() == {number: [[number], [number + 0.5]] for number in range(3)}


@pytest.mark.slow
def test_trial_of_a_worker_that_was_killed_before_it_wrote_it_is_recorded_by_another(slow_writer, store_path):
    slow_writer.kill()
    slow_writer.wait(10)
    join(store_path).optimize(objective, n_trials=1)
    assert points() == {0: [[0.0], [0.5]], 1: [[1.0], [1.5]]}


@pytest.mark.slow
def test_trial_that_nobody_records_is_recorded_once_no_other_worker_is_left(slow_writer, store_path):
    study = join(store_path)
    with autotrack.paused():
        study.optimize(objective, n_trials=1)
    study.optimize(objective, n_trials=1)
    assert points() == {2: [[2.0], [2.5]]}
    end(slow_writer)
    study.optimize(objective, n_trials=1)
    assert points() == {number: [[number], [number + 0.5]] for number in range(4)}


def test_enqueued_trials_of_a_quick_study_do_not_stay_waiting(store_path):
    autotrack.enable(store=store_path)
    study = optuna.create_study()
    for number in range(5):
        study.enqueue_trial({"x": number / 10})
    study.optimize(lambda trial: trial.suggest_float("x", 0, 1), n_trials=6)
    (run,) = autotrack.search_runs("parent is null")
    assert [(t.status, t.tags["state"]) for t in run.trials()] == [("finished", "complete")] * 6


def test_many_short_calls_of_optimize_read_all_trials_seldom_and_miss_none_at_the_end(run_python, store_path):
    script = """
        import autotrack, json, optuna, sys
        from autotrack_integrations.optuna import settling

        settling.SHARE = 1e-9  # so that after the first time it is never due again
        autotrack.enable(store=sys.argv[1])
        place = optuna.storages.JournalStorage(optuna.storages.journal.JournalFileBackend("study.log"))
        study = optuna.create_study(study_name="s", storage=place)
        reads, read = [], settling.Settling._read
        settling.Settling._read = lambda self, study: reads.append(1) or read(self, study)
        for number in range(20):
            with autotrack.paused():
                other = optuna.load_study(study_name="s", storage=place)
                other.optimize(lambda trial: trial.suggest_float("x", 0, 1) - number, n_trials=1)
            study.optimize(lambda trial: trial.suggest_float("x", 0, 1), n_trials=1)
        print(json.dumps(len(reads)))
    """
    assert run_python(script, str(store_path)) == 1
    autotrack.enable(store=store_path)
    (run,) = autotrack.search_runs("parent is null")
    assert len(run.children) == 40
    assert run.best.metrics["value"] < -17


def test_study_that_nobody_else_works_on_is_not_read_again(store_path, monkeypatch):
    study = join(store_path)
    study.optimize(objective, n_trials=2)
    reads, read = [], optuna.Study.get_trials
    monkeypatch.setattr(optuna.Study, "get_trials", lambda *args, **kwargs: reads.append(1) or read(*args, **kwargs))
    study.optimize(objective, n_trials=5)
    assert not reads
    beside(study)
    study.optimize(objective, n_trials=1)
    assert len(reads) == 1
    assert points() == {number: [[number], [number + 0.5]] for number in range(9)}


def test_what_is_told_after_the_trials_were_read_counts_too(store_path, monkeypatch):
    monkeypatch.setattr(buffer, "TICK_S", 3600)  # what is left for later is done when somebody reads
    study = join(store_path)
    study.ask()
    beside(study)
    study.optimize(objective, n_trials=1)
    for _ in range(2):
        trial = study.ask()
        study.tell(trial, -trial.number)
    (run,) = autotrack.search_runs("parent is null")
    assert (run.params["best_trial"], run.metrics["best_value"], run.metrics["trials_done"]) == (4, -4, 4)


def test_model_of_a_trial_that_was_told_after_the_trials_were_read_is_kept(store_path, monkeypatch):
    monkeypatch.setattr(buffer, "TICK_S", 3600)
    monkeypatch.setattr(settling, "SHARE", 1e-9)
    study = join(store_path)
    study.ask()
    beside(study)
    for depth in (1, 2):
        study.optimize(
            lambda _, depth=depth: -DecisionTreeClassifier(max_depth=depth).fit(*load_iris(return_X_y=True)).max_depth,
            n_trials=1,
        )
    (run,) = autotrack.search_runs("parent is null")
    assert run.best.tags["trial"] == "3"
    assert run.best.model["model_class"].endswith("DecisionTreeClassifier")
