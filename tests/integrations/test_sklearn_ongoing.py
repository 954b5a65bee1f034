"""partial_fit and warm_start: what goes on is one run with steps."""

import gc
import os
import subprocess
import sys

import numpy as np
import pytest
from sklearn.cluster import MiniBatchKMeans
from sklearn.datasets import load_iris
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import SGDClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.neural_network import MLPClassifier
from sklearn.preprocessing import StandardScaler

import autotrack
from workers import threads_at_once

X, y = load_iris(return_X_y=True)
order = np.random.default_rng(0).permutation(len(X))
X, y = X[order], y[order]


pytestmark = pytest.mark.usefixtures("enabled")


def runs():
    return sorted(autotrack.search_runs(), key=lambda run: run.id)


def only_run():
    (run,) = runs()
    return run


def stream(model, batches=6):
    for rows in np.array_split(np.arange(len(X)), batches):
        model.partial_fit(X[rows], y[rows], classes=[0, 1, 2])


def test_series_of_partial_fit_is_one_run_with_a_step_for_each_call():
    model = SGDClassifier(random_state=0)
    stream(model)
    run = only_run()
    assert run.name == "SGDClassifier"
    assert run.params["loss"] == "hinge"
    assert run.history("fit_time_s").steps == [0, 1, 2, 3, 4, 5]
    assert run.history("n_samples").values == [25.0] * 6
    assert run.history("train_accuracy").steps[0] == 0
    assert run.data["X"]["shape"] == [25, 4]


def test_series_stays_open_until_its_estimator_is_gone_and_keeps_the_last_model():
    model = SGDClassifier(random_state=0)
    stream(model)
    expected = model.predict(X)
    assert only_run().status == "running"
    del model
    gc.collect()
    run = only_run()
    assert run.status == "finished"
    assert list(autotrack.load_model(f"run:{run.id}").predict(X)) == list(expected)


def test_series_ends_when_the_estimator_is_fitted_anew():
    model = GaussianNB()
    stream(model)
    model.fit(X, y)
    series, fit = runs()
    assert (series.status, fit.status) == ("finished", "finished")
    assert len(series.history("fit_time_s")) == 6
    assert fit.metrics["train_accuracy"] > 0.9


def test_partial_fit_after_a_fit_goes_on_in_the_run_of_the_fit():
    model = SGDClassifier(random_state=0).fit(X, y)
    model.partial_fit(X[:30], y[:30])
    run = only_run()
    assert run.status == "running"
    assert run.history("fit_time_s").steps == [0, 1]
    assert run.data["X"]["shape"] == [150, 4]


def test_metrics_computed_of_a_model_of_a_series_join_its_run():
    model = SGDClassifier(random_state=0)
    X_test, y_test = X[100:], y[100:]
    stream(model)
    assert only_run().metrics.get("test_score") is None
    score = model.score(X_test, y_test)
    assert only_run().metrics["test_score"] == score


def test_two_series_in_turn_are_two_runs():
    first, second = SGDClassifier(random_state=0), GaussianNB()
    for rows in np.array_split(np.arange(len(X)), 4):
        first.partial_fit(X[rows], y[rows], classes=[0, 1, 2])
        second.partial_fit(X[rows], y[rows], classes=[0, 1, 2])
    assert [(run.name, len(run.history("fit_time_s"))) for run in runs()] == [("SGDClassifier", 4), ("GaussianNB", 4)]
    assert not any(run.children for run in runs())


def test_fit_between_the_steps_of_a_series_is_a_run_of_its_own():
    model = SGDClassifier(random_state=0)
    model.partial_fit(X, y, classes=[0, 1, 2])
    GaussianNB().fit(X, y)
    model.partial_fit(X, y)
    series, fit = runs()
    assert len(series.history("fit_time_s")) == 2
    assert fit.parent is None


def test_series_of_a_clusterer_is_recorded():
    model = MiniBatchKMeans(3, n_init=1, random_state=0)
    for rows in np.array_split(np.arange(len(X)), 3):
        model.partial_fit(X[rows])
    assert len(only_run().history("fit_time_s")) == 3


def test_partial_fit_of_a_transformer_opens_no_run():
    StandardScaler().partial_fit(X)
    GaussianNB().fit(X, y)
    assert only_run().name == "GaussianNB"


def test_step_that_fails_leaves_a_failed_run_that_the_next_step_goes_on_with():
    model = SGDClassifier(random_state=0)
    model.partial_fit(X, y, classes=[0, 1, 2])
    with pytest.raises(ValueError, match="features"):
        model.partial_fit(X[:, :2], y)
    run = only_run()
    assert run.status == "failed"
    assert run.error.startswith("ValueError")
    model.partial_fit(X, y)
    run = only_run()
    assert (run.status, run.error) == ("running", None)
    assert len(run.history("fit_time_s")) == 2


def test_series_in_a_run_of_the_users_belongs_to_it_and_leaves_its_end_to_the_user():
    model = SGDClassifier(random_state=0)
    with autotrack.start_run("mine") as mine:
        stream(model)
        assert mine.status == "running"
    run = only_run()
    assert (run.name, run.status) == ("mine", "finished")
    assert len(run.history("fit_time_s")) == 6
    assert isinstance(autotrack.load_model(f"run:{run.id}"), SGDClassifier)


def test_copies_of_an_estimator_go_on_in_runs_of_their_own():
    from copy import deepcopy

    model = SGDClassifier(random_state=0)
    model.partial_fit(X, y, classes=[0, 1, 2])
    other = deepcopy(model)
    other.partial_fit(X, y)
    model.partial_fit(X, y)
    assert sorted(len(run.history("fit_time_s")) for run in runs()) == [1, 2]


def test_fits_with_warm_start_are_steps_of_one_run():
    model = RandomForestClassifier(5, warm_start=True, random_state=0)
    for count in (5, 10, 20):
        model.set_params(n_estimators=count).fit(X, y)
        assert only_run().status == "finished"
    run = only_run()
    assert run.params["n_estimators"] == 20
    assert run.history("train_accuracy").steps == [0, 1, 2]
    assert len(autotrack.load_model(f"run:{run.id}").estimators_) == 20


def test_first_fit_of_another_estimator_with_warm_start_is_a_run_of_its_own():
    for _ in range(2):
        MLPClassifier((4,), warm_start=True, max_iter=300, tol=1.0, random_state=0).fit(X, y)
    assert len(runs()) == 2


def test_series_in_threads_do_not_mix():
    def train(seed):
        model = SGDClassifier(random_state=seed)
        for _ in range(20):
            model.partial_fit(X, y, classes=[0, 1, 2])
        models.append(model)

    models: list[SGDClassifier] = []
    threads_at_once(4, train)
    assert sorted(run.params["random_state"] for run in runs()) == [0, 1, 2, 3]
    assert [len(run.history("fit_time_s")) for run in runs()] == [20] * 4


def test_recording_a_series_keeps_no_estimator_alive():
    import weakref

    model = SGDClassifier(random_state=0)
    stream(model)
    reference = weakref.ref(model)
    gc.disable()
    try:
        del model
        assert reference() is None
    finally:
        gc.enable()


SCRIPT = """
import autotrack, sys, numpy as np
autotrack.enable(store=sys.argv[1])
from sklearn.linear_model import SGDClassifier
model = SGDClassifier(random_state=0)
for _ in range(5):
    model.partial_fit(np.eye(4), [0, 1, 0, 1], classes=[0, 1])
{end}
"""


@pytest.mark.parametrize(
    ("end", "status"),
    [
        ("", "finished"),
        ("raise ValueError('later')", "failed"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "killed"),
    ],
    ids=["end", "exception", "SIGKILL"],
)
def test_series_ends_as_its_script_ends(end, status, store_path):
    autotrack.disable()
    if "kill" in end:
        end = f"import time; time.sleep(0.6); {end}"
    subprocess.run(
        [sys.executable, "-c", SCRIPT.format(end=end), str(store_path)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        check=False,
    )
    autotrack.enable(store=store_path)
    run = only_run()
    assert run.status == status
    assert len(run.history("fit_time_s")) == 5
    assert (run.model is not None) is (status != "killed")
