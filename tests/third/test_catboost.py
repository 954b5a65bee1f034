"""CatBoost: its classes have scikit-learn's interface and not its base class."""

import hashlib
import json

import numpy as np
import pytest
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import load_diabetes, load_iris
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import autotrack
from autotrack.model import pack, unpack
from autotrack.testing import IntegrationContract, ModelFormatContract
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


class TestCatBoostFormat(ModelFormatContract):
    flavor = "catboost"
    setup = (
        "import numpy as np; from catboost import CatBoostRegressor; X = np.arange(24.0).reshape(12, 2); y = X[:, 0]"
    )
    model = "CatBoostRegressor(iterations=3, verbose=0, allow_writing_files=False, thread_count=1).fit(X, X[:, 0])"
    predict = "model.predict(X).tolist()"
    spoil = "model._init_params['spoiled'] = sys._getframe()"


def loaded(package):
    by_hash = {hashlib.sha256(data).hexdigest(): data for data in package.files.values()}
    return unpack(package.manifest, by_hash.__getitem__)


def test_model_comes_back_whole_and_is_read_by_catboost_alone(tmp_path):
    model = catboost.CatBoostClassifier(**QUIET | {"iterations": 40}, early_stopping_rounds=3, learning_rate=0.9)
    model.fit(X_train, y_train, eval_set=(X_test, y_test))
    package = pack(model)
    assert json.loads(package.manifest)["flavor"] == "catboost"
    assert sorted(path for path in package.files if path.startswith("booster")) == ["booster-0.cbm"]
    again = loaded(package)
    assert type(again) is type(model)
    assert np.array_equal(again.predict_proba(X_test), model.predict_proba(X_test))
    assert again.get_params() == model.get_params()
    assert again.best_iteration_ == model.best_iteration_
    for name, curve in model.evals_result_["validation"].items():  # CatBoost itself keeps 16 digits of them
        assert again.evals_result_["validation"][name] == pytest.approx(curve, rel=1e-14)
    assert again.feature_names_ == model.feature_names_
    assert again.classes_.tolist() == model.classes_.tolist()
    (tmp_path / "model.cbm").write_bytes(package.files["booster-0.cbm"])
    alone = catboost.CatBoostClassifier().load_model(str(tmp_path / "model.cbm"))
    assert np.array_equal(alone.predict_proba(X_test), model.predict_proba(X_test))


def test_models_within_others_are_kept_apart_too():
    for model, count in [
        (make_pipeline(StandardScaler(), catboost.CatBoostClassifier(**QUIET)), 1),
        (CalibratedClassifierCV(catboost.CatBoostClassifier(**QUIET), cv=2), 2),
    ]:
        model.fit(X_train, y_train)
        package = pack(model)
        assert sorted(path for path in package.files if path.startswith("booster")) == [
            f"booster-{number}.cbm" for number in range(count)
        ]
        assert np.array_equal(loaded(package).predict_proba(X_test), model.predict_proba(X_test))


def test_loaded_model_is_trained_further_as_one_from_catboosts_own_file(tmp_path):
    model = catboost.CatBoostRegressor(**QUIET).fit(X_train, y_train)
    again = loaded(pack(model))
    model.save_model(str(tmp_path / "model.cbm"))
    own = catboost.CatBoostRegressor().load_model(str(tmp_path / "model.cbm"))
    further = [catboost.CatBoostRegressor(**QUIET).fit(X_train, y_train, init_model=start) for start in (own, again)]
    assert further[0].tree_count_ == 10
    assert np.array_equal(further[0].predict(X_test), further[1].predict(X_test))


def test_model_that_was_never_fitted_is_saved_with_its_arguments():
    model = catboost.CatBoostRegressor(**QUIET)
    package = pack(model)
    assert "booster-0.cbm" not in package.files
    assert loaded(package).get_params() == model.get_params()
