"""Estimators of other libraries with scikit-learn's interface are recorded like its own."""

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_diabetes, load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import autotrack
from recorded import only_run

X, y = load_iris(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)


pytestmark = pytest.mark.usefixtures("enabled")


def check_classifier(model, **fitting):
    model.fit(X_train, y_train, **fitting)
    score = model.score(X_test, y_test)
    run = only_run()
    assert (run.name, run.status) == (type(model).__name__, "finished")
    assert run.metrics["test_score"] == score
    assert {"train_accuracy", "train_log_loss", "fit_time_s"} <= run.metrics.keys()
    loaded = autotrack.load_model(f"run:{run.id}")
    assert (np.asarray(loaded.predict(X_test)) == np.asarray(model.predict(X_test))).all()
    return run


def test_xgboost_classifier_is_recorded_with_the_curves_of_its_evaluation():
    xgboost = pytest.importorskip("xgboost")
    model = xgboost.XGBClassifier(n_estimators=6, n_jobs=1, eval_metric="mlogloss")
    run = check_classifier(model, eval_set=[(X_train, y_train), (X_test, y_test)], verbose=False)
    assert run.params["n_estimators"] == 6
    curves = [run.history(key).values for key in run.metrics if len(run.history(key)) == 6]
    assert model.evals_result()["validation_1"]["mlogloss"] in curves


def test_xgboost_regressor_in_a_pipeline_and_a_search_is_one_run():
    xgboost = pytest.importorskip("xgboost")
    search = GridSearchCV(
        make_pipeline(StandardScaler(), xgboost.XGBRegressor(n_estimators=3, n_jobs=1)),
        {"xgbregressor__max_depth": [1, 2]},
        cv=2,
    )
    search.fit(*load_diabetes(return_X_y=True))
    run = only_run()
    assert len(run.children) == 2
    assert run.params["best.xgbregressor__max_depth"] == search.best_params_["xgbregressor__max_depth"]


@pytest.mark.filterwarnings("ignore:The argument .eval_set.")
def test_lightgbm_classifier_is_recorded_with_the_curves_of_its_evaluation():
    lightgbm = pytest.importorskip("lightgbm")
    model = lightgbm.LGBMClassifier(n_estimators=5, n_jobs=1, verbose=-1)
    run = check_classifier(model, eval_set=[(X_test, y_test)])
    curves = [run.history(key).values for key in run.metrics if len(run.history(key)) == 5]
    assert next(iter(model.evals_result_.values()))["multi_logloss"] in curves


def test_sampler_in_a_pipeline_of_imbalanced_learn_is_part_of_its_run():
    over_sampling, pipeline = pytest.importorskip("imblearn.over_sampling"), pytest.importorskip("imblearn.pipeline")
    over_sampling.RandomOverSampler(random_state=0).fit_resample(X, y)
    model = pipeline.make_pipeline(over_sampling.RandomOverSampler(random_state=0), LogisticRegression(max_iter=500))
    run = check_classifier(model)
    assert run.params["randomoversampler__random_state"] == 0


def test_ensemble_of_imbalanced_learn_is_one_run():
    ensemble = pytest.importorskip("imblearn.ensemble")
    check_classifier(ensemble.BalancedRandomForestClassifier(5, random_state=0))


def test_columns_of_a_frame_are_named_whatever_the_library():
    lightgbm = pytest.importorskip("lightgbm")
    frame = pd.DataFrame(X, columns=["a", "b", "c", "d"])
    lightgbm.LGBMClassifier(n_estimators=2, n_jobs=1, verbose=-1).fit(frame, y)
    assert only_run().tables["feature_importances"]["feature"] == ["a", "b", "c", "d"] or set(
        only_run().tables["feature_importances"]["feature"]
    ) == {"a", "b", "c", "d"}
