"""Workers that share a store in a bucket, each with a cache folder of its own, as on machines of their own."""

import os
import subprocess
import sys
import textwrap

import pytest

import autotrack

TUNE = """
    import sys, autotrack, optuna
    from sklearn.datasets import load_iris
    from sklearn.tree import DecisionTreeClassifier
    autotrack.enable(store=sys.argv[1])
    backend = optuna.storages.journal.JournalFileBackend(sys.argv[2])
    study = optuna.create_study(study_name="shared", storage=optuna.storages.JournalStorage(backend),
                                load_if_exists=True, direction="maximize", sampler=optuna.samplers.RandomSampler())
    X, y = load_iris(return_X_y=True)
    def objective(trial):
        depth = trial.suggest_int("depth", 1, 8)
        score = DecisionTreeClassifier(max_depth=depth, random_state=trial.number).fit(X, y).score(X, y)
        trial.report(score, 0)
        return score
    study.optimize(objective, n_trials=10)
"""

SEARCH = """
    import sys, autotrack, joblib
    from dask.distributed import Client, LocalCluster
    from sklearn.datasets import load_iris
    from sklearn.model_selection import GridSearchCV
    from sklearn.tree import DecisionTreeClassifier
    def main():
        autotrack.enable(store=sys.argv[1])
        cluster = LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None)
        with cluster, Client(cluster), joblib.parallel_config("dask"):
            search = GridSearchCV(DecisionTreeClassifier(random_state=0), {"max_depth": [1, 2, 3, 4]}, cv=3)
            search.fit(*load_iris(return_X_y=True))
        print("null")
    if __name__ == "__main__":
        main()
"""


@pytest.mark.slow
def test_workers_of_a_study_record_into_one_bucket(bucket, tmp_path, monkeypatch):
    pytest.importorskip("optuna")
    pytest.importorskip("sklearn")
    workers = [
        subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(TUNE), bucket, str(tmp_path / "study.log")],
            env={**os.environ, "OMP_NUM_THREADS": "1", "XDG_CACHE_HOME": str(tmp_path / f"machine-{number}")},
            stderr=subprocess.DEVNULL,
        )
        for number in range(3)
    ]
    assert [worker.wait(timeout=120) for worker in workers] == [0, 0, 0]
    monkeypatch.setenv("AUTOTRACK_STORE", bucket)
    (run,) = autotrack.search_runs("parent is null")
    trials = run.trials()
    assert [int(trial.tags["trial"]) for trial in trials] == list(range(30))
    assert len({trial.tags["worker"] for trial in trials}) == 3
    assert all(list(trial.history("intermediate_value").values) == [trial.metrics["value"]] for trial in trials)
    assert all(trial.params["random_state"] == int(trial.tags["trial"]) for trial in trials)
    assert run.status == "finished"
    assert run.best.metrics["value"] == max(trial.metrics["value"] for trial in trials)
    assert autotrack.load_model(f"run:{run.id}", trust=True).max_depth == run.best.params["depth"]


@pytest.mark.slow
def test_search_on_dask_is_in_the_bucket_with_all_its_fits(bucket, run_python, elsewhere, monkeypatch):
    pytest.importorskip("distributed")
    pytest.importorskip("sklearn")
    run_python(SEARCH, bucket, timeout_s=120)
    elsewhere()
    monkeypatch.setenv("AUTOTRACK_STORE", bucket)
    (run,) = autotrack.search_runs("parent is null")
    assert [child.params["max_depth"] for child in run.children] == [1, 2, 3, 4]
    assert all(len(child.history("test_score").values) == 3 for child in run.children)
    assert len(autotrack.search_runs()) == 5
