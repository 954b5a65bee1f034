"""One run for each outermost fit of a model, with what a scikit-learn user wants to know of it."""

import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.cluster import DBSCAN, KMeans
from sklearn.compose import ColumnTransformer
from sklearn.covariance import EllipticEnvelope
from sklearn.datasets import load_diabetes, load_iris
from sklearn.decomposition import PCA
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import (
    BaggingClassifier,
    HistGradientBoostingClassifier,
    IsolationForest,
    RandomForestClassifier,
    StackingClassifier,
    VotingClassifier,
)
from sklearn.feature_selection import SelectFromModel
from sklearn.linear_model import LassoCV, LogisticRegression, LogisticRegressionCV, Ridge, RidgeCV
from sklearn.mixture import GaussianMixture
from sklearn.model_selection import GridSearchCV, cross_val_score, cross_validate
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

import autotrack
from recorded import only_run, runs

X, y = load_iris(return_X_y=True)


pytestmark = pytest.mark.usefixtures("enabled")


def test_classifier_is_recorded_with_params_data_metrics_and_model():
    LogisticRegression(C=0.5, max_iter=300).fit(X, y)
    run = only_run()
    assert run.name == "LogisticRegression"
    assert run.status == "finished"
    assert run.params["C"] == 0.5
    assert run.params["max_iter"] == 300
    assert run.params["class_weight"] is None
    assert run.params["fit_intercept"] is True
    assert run.data["X"]["shape"] == [150, 4]
    assert run.data["y"]["shape"] == [150]
    assert run.metrics["fit_time_s"] > 0
    assert run.started_at <= run.ended_at
    assert run.model["flavor"] == "sklearn"
    assert run.lacks == {}


@pytest.mark.parametrize(
    "estimator",
    [
        LogisticRegression(max_iter=300),
        RandomForestClassifier(n_estimators=5, random_state=0),
        DecisionTreeClassifier(max_depth=2, random_state=0),
        HistGradientBoostingClassifier(max_iter=5, random_state=0),
        BaggingClassifier(n_estimators=3, random_state=0),
        make_pipeline(StandardScaler(), LogisticRegression(max_iter=300)),
    ],
    ids=lambda estimator: type(estimator).__name__,
)
@pytest.mark.parametrize("classes", [2, 3])
def test_training_metrics_are_those_of_sklearn_metrics(estimator, classes):
    from sklearn import metrics

    rows = y < classes
    some_X, some_y = X[rows] + np.random.RandomState(0).normal(0, 0.8, X[rows].shape), y[rows]
    fitted = clone(estimator).fit(some_X, some_y)
    found = only_run().metrics
    with autotrack.paused():
        predicted, proba = fitted.predict(some_X), fitted.predict_proba(some_X)
        assert found["train_score"] == fitted.score(some_X, some_y)
        assert found["train_accuracy"] == metrics.accuracy_score(some_y, predicted)
        for name in ("precision", "recall", "f1"):
            wanted = getattr(metrics, f"{name}_score")(some_y, predicted, average="weighted", zero_division=0)
            assert found[f"train_{name}"] == pytest.approx(wanted)
        assert found["train_log_loss"] == pytest.approx(metrics.log_loss(some_y, proba))
        scores = proba[:, 1] if classes == 2 else proba
        assert found["train_roc_auc"] == pytest.approx(metrics.roc_auc_score(some_y, scores, multi_class="ovr"))


def test_regression_metrics_are_those_of_sklearn_metrics():
    from sklearn import metrics

    some_X, some_y = load_diabetes(return_X_y=True)
    fitted = Ridge(alpha=0.1).fit(some_X, some_y)
    found = only_run().metrics
    with autotrack.paused():
        predicted = fitted.predict(some_X)
        assert found["train_score"] == found["train_r2"] == pytest.approx(metrics.r2_score(some_y, predicted))
        for name in ("mean_absolute_error", "mean_squared_error", "root_mean_squared_error"):
            assert found[f"train_{name}"] == pytest.approx(getattr(metrics, name)(some_y, predicted))


def test_string_labels_and_frames_are_recorded_like_numbers():
    frame = pd.DataFrame(X, columns=["a", "b", "c", "d"])
    labels = pd.Series(np.array(["x", "y", "z"])[y])
    fitted = LogisticRegression(max_iter=300).fit(frame, labels)
    run = only_run()
    assert run.metrics["train_accuracy"] == fitted.score(frame, labels)
    assert run.data["X"]["names"] == ["a", "b", "c", "d"]


@pytest.mark.parametrize(
    ("estimator", "key"),
    [
        (KMeans(3, n_init=1, random_state=0), "train_inertia"),
        (DBSCAN(), "train_n_clusters"),
        (EllipticEnvelope(random_state=0), "train_outlier_share"),
        (IsolationForest(n_estimators=5, random_state=0), "n_features_in"),
        (GaussianMixture(2, random_state=0), "train_score"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseEstimator) else "",
)
def test_clusterers_outlier_detectors_and_mixtures_are_recorded(estimator, key):
    estimator.fit(X)
    run = only_run()
    assert run.status == "finished"
    assert key in run.metrics
    assert run.model is not None


@pytest.mark.parametrize("estimator", [KMeans(3, n_init=1, random_state=0), DBSCAN()])
def test_fit_predict_is_one_run(estimator):
    estimator.fit_predict(X)
    assert only_run().name == type(estimator).__name__


def test_estimators_that_only_transform_open_no_run():
    StandardScaler().fit(X)
    PCA(2).fit_transform(X)
    OneHotEncoder().fit(X)
    make_pipeline(StandardScaler(), PCA(2)).fit_transform(X)
    SelectFromModel(DecisionTreeClassifier()).fit(X, y)
    LogisticRegression(max_iter=300).fit(X, y)
    assert [run.name for run in runs()] == ["LogisticRegression"]


@pytest.mark.parametrize(
    "estimator",
    [
        make_pipeline(StandardScaler(), PCA(2), SVC()),
        VotingClassifier([("a", LogisticRegression(max_iter=300)), ("b", DecisionTreeClassifier())]),
        StackingClassifier([("a", LogisticRegression(max_iter=300)), ("b", DecisionTreeClassifier())]),
        BaggingClassifier(LogisticRegression(max_iter=300), n_estimators=3, n_jobs=2),
        CalibratedClassifierCV(DecisionTreeClassifier(), cv=2),
        OneVsRestClassifier(LogisticRegression(max_iter=300)),
        GridSearchCV(DecisionTreeClassifier(), {"max_depth": [1, 2]}, cv=2),
    ],
    ids=lambda estimator: type(estimator).__name__,
)
def test_fits_inside_a_fit_belong_to_it(estimator):
    estimator.fit(X, y)
    assert only_run().name == type(estimator).__name__


def test_fits_in_threads_of_a_search_belong_to_it():
    import joblib

    with joblib.parallel_config("threading", n_jobs=2):
        GridSearchCV(LogisticRegression(max_iter=300), {"C": [0.1, 1, 10]}, cv=3).fit(X, y)
        VotingClassifier([("a", LogisticRegression(max_iter=300)), ("b", DecisionTreeClassifier())], n_jobs=2).fit(X, y)
    assert [run.name for run in runs()] == ["GridSearchCV", "VotingClassifier"]


def test_search_records_its_candidates_and_its_best_one():
    search = GridSearchCV(DecisionTreeClassifier(random_state=0), {"max_depth": [1, 2, 3]}, cv=3).fit(X, y)
    run = only_run()
    assert run.params["best.max_depth"] == search.best_params_["max_depth"]
    assert run.metrics["best_score"] == search.best_score_
    history = run.history("mean_test_score")
    assert list(history.steps) == [0, 1, 2]
    assert list(history.values) == list(search.cv_results_["mean_test_score"])
    assert type(autotrack.load_model(f"run:{run.id}")) is DecisionTreeClassifier


def test_fit_inside_cross_validate_opens_no_run_of_its_own():
    result = cross_validate(DecisionTreeClassifier(random_state=0), X, y, cv=3)
    scores = cross_val_score(DecisionTreeClassifier(random_state=0), X, y, cv=4)
    first, second = runs()
    assert first.name == "cross_validate(DecisionTreeClassifier)"
    assert list(first.history("test_score").values) == list(result["test_score"])
    assert list(second.history("test_score").values) == list(scores)
    assert second.params["cv"] == 4


def test_fit_that_raises_gives_the_same_exception_and_a_failed_run():
    class Broken(ClassifierMixin, BaseEstimator):
        def fit(self, X, y):
            raise self.error

    estimator = Broken()
    estimator.error = MemoryError("no room for the kernel")
    with pytest.raises(MemoryError) as caught:
        estimator.fit(X, y)
    assert caught.value is estimator.error
    run = only_run()
    assert run.status == "failed"
    assert run.error.startswith("MemoryError: no room for the kernel")
    assert run.ended_at is not None


def test_invalid_params_reach_the_user_and_fail_the_run():
    with pytest.raises(ValueError, match="'C' parameter") as caught:
        LogisticRegression(C=-1).fit(X, y)
    run = only_run()
    assert run.status == "failed"
    assert str(caught.value) in run.error


def test_users_own_estimator_is_recorded():
    class Mean(ClassifierMixin, BaseEstimator):
        def __init__(self, shift=0.0):
            self.shift = shift

        def fit(self, X, y):
            self.classes_ = np.unique(y)
            return self

        def predict(self, X):
            return np.zeros(len(X), dtype=int)

    Mean(shift=2).fit(X, y)
    run = only_run()
    assert run.params == {"shift": 2, "classes": [0, 1, 2]}
    assert "Mean has code of its own" in run.lacks["train metrics"]
    assert type(autotrack.load_model(f"run:{run.id}")).__name__ == "Mean"


def test_first_fit_in_a_users_run_is_recorded_in_it_and_further_ones_are_its_children():
    with autotrack.start_run("mine") as mine:
        LogisticRegression(C=0.1, max_iter=300).fit(X, y)
        DecisionTreeClassifier(max_depth=2).fit(X, y)
        assert autotrack.active_run() is mine
    first, second = sorted(autotrack.search_runs(), key=lambda run: run.id)
    assert (first.name, first.status, first.params["C"]) == ("mine", "finished", 0.1)
    assert "max_depth" not in first.params
    assert second.name == "DecisionTreeClassifier"
    assert second.parent.id == first.id
    assert [child.id for child in first.children] == [second.id]


def test_what_the_user_logs_wins_over_what_is_found():
    with autotrack.start_run("mine") as run:
        run.log_param("C", "as I say")
        run.log_metric("train_accuracy", 0.123)
        LogisticRegression(C=0.1, max_iter=300).fit(X, y)
    found = only_run()
    assert found.params["C"] == "as I say"
    assert found.metrics["train_accuracy"] == 0.123


def test_users_run_is_not_ended_by_a_failing_fit_and_fails_when_its_block_raises():
    with autotrack.start_run("mine"):
        with pytest.raises(ValueError, match="parameter"):
            LogisticRegression(C=-1).fit(X, y)
        assert autotrack.active_run() is not None
    assert only_run().status == "finished"
    with pytest.raises(KeyError), autotrack.start_run("second"):
        raise KeyError("x")
    assert runs()[1].status == "failed"


def test_unpicklable_model_leaves_training_and_record_whole(lenient_guard):
    class Holder(ClassifierMixin, BaseEstimator):
        def fit(self, X, y):
            self.classes_ = np.unique(y)
            self.open_ = (number for number in [1])
            return self

        def predict(self, X):
            return np.zeros(len(X), dtype=int)

    with pytest.warns(autotrack.AutotrackWarning, match="generator") as told:
        assert [Holder().fit(X, y).predict(X).sum() for _ in range(2)] == [0, 0]
    assert len(told) == 1
    for run in runs():
        assert run.status == "finished"
        assert run.metrics["fit_time_s"] > 0
        assert run.model is None
        assert "model" in run.lacks


def test_model_without_memory_of_random_state_is_not_predicted_with():
    state = np.random.RandomState(3)
    model = DummyClassifier(strategy="stratified", random_state=state)
    model.fit(X, y)
    assert state.randint(1000) == np.random.RandomState(3).randint(1000)
    assert "random state" in only_run().lacks["train metrics"]


def test_global_random_state_is_untouched_by_a_recorded_fit():
    np.random.seed(5)
    RandomForestClassifier(n_estimators=3).fit(X, y)
    recorded = np.random.random()
    np.random.seed(5)
    with autotrack.paused():
        RandomForestClassifier(n_estimators=3).fit(X, y)
    assert np.random.random() == recorded


def test_paused_block_records_nothing_and_nests():
    with autotrack.paused():
        with autotrack.paused():
            DecisionTreeClassifier().fit(X, y)
        DecisionTreeClassifier().fit(X, y)
    assert runs_or_none() == []
    DecisionTreeClassifier().fit(X, y)
    assert len(runs()) == 1


def runs_or_none():
    try:
        return runs()
    except autotrack.AutotrackError:
        return []


def test_column_transformer_pipeline_on_a_mixed_frame_comes_back_by_name():
    frame = pd.DataFrame(X, columns=list("abcd")).assign(word=np.array(["s", "m", "l"])[y])
    columns = ColumnTransformer([("n", StandardScaler(), list("abcd")), ("w", OneHotEncoder(), ["word"])])
    fitted = make_pipeline(columns, HistGradientBoostingClassifier(max_iter=5, random_state=0)).fit(frame, y)
    autotrack.register_model(autotrack.last_run(), "iris", alias="champion")
    loaded = autotrack.load_model("iris@champion")
    assert (loaded.predict_proba(frame) == fitted.predict_proba(frame)).all()


def test_log_models_false_keeps_no_model(store_path):
    autotrack.enable(log_models=False)
    DecisionTreeClassifier().fit(X, y)
    assert only_run().model is None


def test_warnings_of_a_fit_are_the_same_with_and_without():
    def told():
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            LogisticRegression(max_iter=1).fit(X, y)
        return [str(warning.message) for warning in caught]

    recorded = told()
    with autotrack.paused():
        assert told() == recorded


def test_estimator_that_searches_by_itself_is_recorded_as_any_other():
    features, target = load_iris(return_X_y=True)
    for model in (RidgeCV([0.1, 1.0], store_cv_results=True), LassoCV(cv=3), LogisticRegressionCV(cv=3)):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model.fit(features, target)
        run = autotrack.last_run()
        assert (run.name, run.status, run.lacks) == (type(model).__name__, "finished", {})
        with autotrack.paused():
            assert run.metrics["train_score"] == pytest.approx(model.score(features, target))
