"""CatBoost: its classes have scikit-learn's interface and not its base class."""

import numpy as np
import pytest
from sklearn.datasets import load_diabetes, load_iris
from sklearn.model_selection import GridSearchCV, train_test_split

import autotrack
from autotrack.testing import IntegrationContract
from recorded import only_run

catboost = pytest.importorskip("catboost")

X, y = load_iris(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)
QUIET = {"iterations": 5, "verbose": 0, "allow_writing_files": False, "thread_count": 1}


class TestCatBoost(IntegrationContract):
    setup = "from catboost import CatBoostRegressor; X, y = [[0.0], [1.0], [2.0], [3.0]], [0.0, 1.0, 2.0, 3.0]"
    training = (
        "result = CatBoostRegressor(iterations=3, verbose=0, allow_writing_files=False, thread_count=1)"
        ".fit(X, y).predict(X).tolist()"
    )
    watched = "CatBoostRegressor.fit"


@pytest.fixture
def _enabled(store_path):
    autotrack.enable(store=store_path)


@pytest.mark.usefixtures("_enabled")
def test_classifier_is_recorded_with_metrics_curves_and_model():
    model = catboost.CatBoostClassifier(**QUIET).fit(X_train, y_train, eval_set=(X_test, y_test))
    score = model.score(X_test, y_test)
    run = only_run()
    assert (run.name, run.status, run.params["iterations"]) == ("CatBoostClassifier", "finished", 5)
    assert run.metrics["test_score"] == score
    assert run.metrics["train_accuracy"] > 0.8
    curves = [run.history(key).values for key in run.metrics if len(run.history(key)) == 5]
    assert model.evals_result_["validation"]["MultiClass"] in curves
    loaded = autotrack.load_model(f"run:{run.id}")
    assert np.array_equal(loaded.predict(X_test), model.predict(X_test))


@pytest.mark.usefixtures("_enabled")
def test_fits_in_a_search_belong_to_it():
    search = GridSearchCV(catboost.CatBoostRegressor(**QUIET), {"depth": [1, 2]}, cv=2)
    search.fit(*load_diabetes(return_X_y=True))
    assert len(only_run().children) == 2


@pytest.mark.usefixtures("_enabled")
def test_failing_fit_raises_its_own_error_and_leaves_a_failed_run():
    with pytest.raises(catboost.CatBoostError):
        catboost.CatBoostClassifier(**QUIET).fit(X_train, y_train[:5])
    assert only_run().status == "failed"
