"""What a joblib pool does belongs to where the pool was started."""

import joblib
import pytest
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression

import autotrack

X, y = load_iris(return_X_y=True)


def fit(C):
    return LogisticRegression(C=C, max_iter=300).fit(X, y).C


def in_threads(*values):
    return joblib.Parallel(n_jobs=2, prefer="threads")(joblib.delayed(fit)(C) for C in values)


def test_fits_in_threads_of_a_pool_are_runs_each(store_path):
    autotrack.enable(store=store_path)
    assert in_threads(1, 2, 3) == [1, 2, 3]
    assert sorted(run.params["C"] for run in autotrack.search_runs()) == [1, 2, 3]


def test_fits_in_threads_of_a_pool_belong_to_the_open_run(store_path):
    autotrack.enable(store=store_path)
    with autotrack.start_run("mine") as mine:
        in_threads(1, 2, 3)
    assert len(mine.children) == 2
    assert sorted([mine.params["C"], *(child.params["C"] for child in mine.children)]) == [1, 2, 3]


def test_paused_reaches_the_threads_of_a_pool(store_path):
    autotrack.enable(store=store_path)
    fit(1)
    with autotrack.paused():
        in_threads(2, 3)
    assert [run.params["C"] for run in autotrack.search_runs()] == [1]


SCRIPT = """
    import json, sys
    import autotrack, joblib
    from sklearn.base import BaseEstimator, ClassifierMixin
    from sklearn.datasets import load_iris
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import GridSearchCV
    X, y = load_iris(return_X_y=True)

    class Mine(LogisticRegression):
        pass

    def fit(C):
        if C < 0:
            raise ValueError("theirs")
        return Mine(C=C, max_iter=300).fit(X, y)

    def pool(*values):
        return joblib.Parallel(n_jobs=2)(joblib.delayed(fit)(C) for C in values)

    def runs():
        return sorted([run.name, run.params["C"]] for run in autotrack.search_runs() if run.name == "Mine")

    autotrack.enable(store=sys.argv[1], tags={"who": "me"})
    models = pool(1, 2, 3)
    found = [[model.C for model in models], runs(), sorted({run.tags["who"] for run in autotrack.search_runs()})]
    with autotrack.paused():
        pool(4)
    GridSearchCV(Mine(max_iter=300), {"C": [5, 6]}, cv=2, n_jobs=2).fit(X, y)
    found.append(runs())
    found.append(sorted(run.name for run in autotrack.search_runs()))
    try:
        pool(-1)
    except ValueError as error:
        found.append(str(error))
    autotrack.disable()
    pool(7)
    autotrack.enable(store=sys.argv[1])
    found.append(len(autotrack.search_runs()))
    print(json.dumps(found))
"""


@pytest.mark.slow
def test_fits_in_loky_processes_are_recorded_there_and_those_of_a_search_stay_silent(run_python, store_path):
    fitted, runs, tags, after, names, error, count = run_python(SCRIPT, str(store_path), timeout_s=120)
    assert fitted == [1, 2, 3]
    assert runs == [["Mine", 1], ["Mine", 2], ["Mine", 3]]
    assert tags == ["me"]
    assert after == runs
    assert names == ["GridSearchCV", "Mine", "Mine", "Mine", "candidate 0", "candidate 1"]
    assert error == "theirs"
    assert count == 6


IN_A_RUN = """
    import json, sys
    import autotrack, joblib
    from sklearn.datasets import load_iris
    from sklearn.naive_bayes import GaussianNB
    X, y = load_iris(return_X_y=True)

    def fit(smoothing):
        autotrack.log_metric("smoothing", smoothing)
        return GaussianNB(var_smoothing=smoothing).fit(X, y)

    autotrack.enable(store=sys.argv[1])
    with autotrack.start_run("mine") as run:
        joblib.Parallel(n_jobs=2)(joblib.delayed(fit)(value) for value in (1e-9, 1e-3))
    fits = [child.params["var_smoothing"] for child in run.children]
    print(json.dumps([sorted(fits), sorted(autotrack.get_run(run.id).history("smoothing").values), run.params]))
"""


@pytest.mark.slow
def test_fits_in_loky_processes_are_children_of_the_open_run_and_may_log_to_it(run_python, store_path):
    fits, logged, params = run_python(IN_A_RUN, str(store_path), timeout_s=120)
    assert fits == logged == [1e-9, 1e-3]
    assert params == {}


def test_search_in_threads_of_a_pool_has_its_candidates_and_fits_of_the_user_are_runs(store_path):
    from sklearn.model_selection import GridSearchCV

    autotrack.enable(store=store_path)
    searches = joblib.Parallel(n_jobs=2, prefer="threads")(
        joblib.delayed(GridSearchCV(LogisticRegression(max_iter=300), {"C": values}, cv=2).fit)(X, y)
        for values in ([1, 2], [3, 4, 5])
    )
    runs = [run for run in autotrack.search_runs() if run.parent is None]
    found = sorted([child.params["C"] for child in run.children] for run in runs)
    assert found == [[1, 2], [3, 4, 5]]
    assert len(searches) == 2


def test_pool_that_hands_out_results_one_by_one_is_left_alone(store_path):
    autotrack.enable(store=store_path)
    fits = joblib.Parallel(n_jobs=2, prefer="threads", return_as="generator")(joblib.delayed(fit)(C) for C in (1, 2))
    assert list(fits) == [1, 2]
    assert sorted(run.params["C"] for run in autotrack.search_runs()) == [1, 2]
