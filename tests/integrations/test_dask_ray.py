"""Searches whose fits run on Dask or Ray: one run with all its candidates, and nothing else."""

import pytest

COMMON = """
    import json, sys
    import autotrack, joblib
    from sklearn.datasets import load_iris
    from sklearn.model_selection import GridSearchCV, cross_val_score
    from sklearn.multiclass import OneVsRestClassifier
    from sklearn.svm import SVC
    X, y = load_iris(return_X_y=True)

    def record(backend):
        with joblib.parallel_config(backend, n_jobs=2):
            model = OneVsRestClassifier(SVC())  # has a pool of its own
            search = GridSearchCV(model, {"estimator__C": [0.1, 1, 10]}, cv=3).fit(X, y)
            run = autotrack.last_run()
            scores = cross_val_score(model, X, y, cv=3)
            validation = autotrack.last_run()
        print(json.dumps({
            "names": sorted(run.name for run in autotrack.search_runs() if run.parent is None),
            "params": [child.params["estimator__C"] for child in run.children],
            "scores": [list(child.history("test_score").values) for child in run.children],
            "expected": [[search.cv_results_[f"split{s}_test_score"][c] for s in range(3)] for c in range(3)],
            "apart": len({child.ended_at for child in run.children}),
            "validated": list(validation.history("test_score").values) == list(scores),
            "fits": validation.metrics["fits_done"],
        }))
"""

DASK = """
    def main():
        from dask.distributed import Client, LocalCluster
        autotrack.enable(store=sys.argv[1])
        processes = sys.argv[2] == "processes"
        cluster = LocalCluster(
            n_workers=2 if processes else 1, threads_per_worker=1 if processes else 2, processes=processes,
            dashboard_address=None,
        )
        with cluster, Client(cluster):
            record("dask")

    if __name__ == "__main__":
        main()
"""

RAY = """
    import ray
    from ray.util.joblib import register_ray
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
    register_ray()
    autotrack.enable(store=sys.argv[1])
    record("ray")
"""


def check(found):
    assert found["names"] == ["GridSearchCV", "cross_val_score(OneVsRestClassifier)"]
    assert found["params"] == [0.1, 1, 10]
    assert found["scores"] == found["expected"]
    assert found["apart"] == 3  # each was heard of as it came in
    assert found["validated"]
    assert found["fits"] == 3


@pytest.mark.slow
@pytest.mark.parametrize("where", ["threads", "processes"])
def test_search_on_dask_is_one_run_with_all_its_candidates(run_python, store_path, where):
    pytest.importorskip("distributed")
    check(run_python(COMMON + DASK, str(store_path), where, timeout_s=120))


@pytest.mark.slow
def test_search_on_ray_is_one_run_with_all_its_candidates(run_python, store_path):
    pytest.importorskip("ray")
    check(run_python(COMMON + RAY, str(store_path), timeout_s=180))
