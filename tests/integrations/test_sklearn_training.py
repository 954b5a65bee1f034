"""Training metrics: those of sklearn.metrics, and never at the price of what the user's script does."""

import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics
from sklearn.base import BaseEstimator, ClassifierMixin, TransformerMixin
from sklearn.datasets import load_iris, make_multilabel_classification
from sklearn.ensemble import HistGradientBoostingRegressor, RandomForestClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression, PoissonRegressor, Ridge, SGDClassifier
from sklearn.model_selection import GridSearchCV
from sklearn.multioutput import MultiOutputClassifier
from sklearn.neighbors import (
    KernelDensity,
    KNeighborsClassifier,
    KNeighborsRegressor,
    LocalOutlierFactor,
    RadiusNeighborsRegressor,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.semi_supervised import SelfTrainingClassifier
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor
from sklearn.utils import all_estimators

import autotrack
from autotrack_integrations.sklearn.predictions import Predictions
from autotrack_integrations.sklearn.training import _classifier_metrics

X, y = load_iris(return_X_y=True)
rng = np.random.RandomState(0)
target = X @ [1.0, 2.0, -1.0, 0.5] + rng.normal(0, 0.3, len(X))


pytestmark = pytest.mark.usefixtures("enabled")


def recorded(estimator, *data):
    estimator.fit(*data)
    return autotrack.last_run()


class Counting(TransformerMixin, ClassifierMixin, BaseEstimator):
    """A user's own class whose methods count how often they are called."""

    def __init__(self):
        self.calls = []

    def fit(self, X, y=None):
        self.calls = ["fit"]
        self.classes_ = np.array([0, 1, 2])
        return self

    def transform(self, X):
        self.calls.append("transform")
        return X

    def predict(self, X):
        self.calls.append("predict")
        return np.zeros(len(X), dtype=int)


def test_methods_of_the_users_own_are_called_as_often_as_without_us():
    own, step = Counting(), Counting()
    assert "code of its own" in recorded(own, X, y).lacks["train metrics"]
    assert own.calls == ["fit"]
    recorded(make_pipeline(step, LogisticRegression(max_iter=300)), X, y)
    assert step.calls == ["fit", "transform"]


def test_functions_of_the_users_own_are_called_as_often_as_without_us():
    calls = []

    def double(values):
        calls.append("double")
        return 2 * values

    def scorer(estimator, X, y):
        calls.append("scorer")
        return 0.5

    recorded(make_pipeline(FunctionTransformer(double), LogisticRegression(max_iter=300)), X, y)
    assert calls == ["double"]
    calls.clear()
    run = recorded(GridSearchCV(DecisionTreeClassifier(), {"max_depth": [1]}, scoring=scorer, cv=2), X, y)
    assert calls == ["scorer"] * 2
    assert "train_score" not in run.metrics
    assert "train_accuracy" in run.metrics


def test_class_that_only_adds_to_a_librarys_has_training_metrics():
    class Mine(LogisticRegression):
        def fit(self, X, y):
            self.seen_ = len(X)
            return super().fit(X, y)

    assert "train_accuracy" in recorded(Mine(max_iter=300), X, y).metrics


def test_data_is_not_written_into_a_second_time():
    with autotrack.paused():
        once = X.copy()
        make_pipeline(StandardScaler(copy=False), LogisticRegression()).fit(once, y)
    data = X.copy()
    run = recorded(make_pipeline(StandardScaler(copy=False), LogisticRegression()), data, y)
    assert (data == once).all()
    assert "write into the data" in run.lacks["train metrics"]


def test_verbose_forest_prints_what_it_would_have(capfd):
    def printed():
        RandomForestClassifier(n_estimators=3, verbose=1, random_state=0).fit(X, y)
        said = capfd.readouterr()
        return (said.out + said.err).count("Done")

    with autotrack.paused():
        without = printed()
    assert printed() == without


def test_predicting_the_training_data_warns_nobody():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        run = recorded(RadiusNeighborsRegressor(radius=1e-9), X[:, :1].round(), y)
    assert run.lacks.keys() <= {"train metrics"}


@pytest.mark.parametrize("shape", ["array", "column", "list", "column of a frame"])
def test_one_target_is_one_whatever_holds_it(shape):
    held = {
        "array": target,
        "column": target[:, None],
        "list": target.tolist(),
        "column of a frame": pd.DataFrame({"t": target}),
    }[shape]
    model = Ridge()
    run = recorded(model, X, held)
    with autotrack.paused():
        assert run.metrics["train_r2"] == pytest.approx(metrics.r2_score(target, model.predict(X)))


def test_metrics_of_several_outputs_are_those_of_sklearn_metrics():
    outputs = np.column_stack([target, target**2, np.ones(len(X))])
    model = DecisionTreeRegressor(max_depth=2, random_state=0)
    found = recorded(model, X, outputs).metrics
    with autotrack.paused():
        predicted = model.predict(X)
        assert found["train_score"] == pytest.approx(model.score(X, outputs))
        assert found["train_r2"] == pytest.approx(metrics.r2_score(outputs, predicted))
        for name in ("mean_absolute_error", "mean_squared_error", "root_mean_squared_error"):
            assert found[f"train_{name}"] == pytest.approx(getattr(metrics, name)(outputs, predicted))


def test_regressor_of_labels_that_are_no_numbers_is_recorded():
    run = recorded(KNeighborsRegressor(1), X, np.array(["a", "b", "c"])[y].astype(object))
    assert run.status == "finished"
    assert "train_r2" not in run.metrics


def test_score_of_its_own_stands_beside_the_usual_metrics():
    model = PoissonRegressor()
    found = recorded(model, X, np.abs(target)).metrics
    with autotrack.paused():
        assert found["train_score"] == model.score(X, np.abs(target))
        assert found["train_r2"] == pytest.approx(metrics.r2_score(np.abs(target), model.predict(X)))


def test_labels_the_model_does_not_know_are_not_taken_for_others():
    some = np.where(np.arange(len(y)) % 2, y, -1)
    model = SelfTrainingClassifier(LogisticRegression(max_iter=300))
    found = recorded(model, X, some).metrics
    has_label = some != -1
    with autotrack.paused():
        expected = model.score(X[has_label], some[has_label])
    assert found["train_score"] == found["train_accuracy"] == pytest.approx(expected)


def test_predictions_that_tie_in_probability_are_those_of_predict():
    model = SGDClassifier(loss="modified_huber", max_iter=3, tol=None, random_state=0)
    found = recorded(model, X, y).metrics
    with autotrack.paused():
        assert found["train_accuracy"] == model.score(X, y)


@st.composite
def predictions(draw):
    """True and predicted classes and probabilities: rare and missing classes, ties, certainty."""
    count = draw(st.integers(2, 4))
    true = draw(st.lists(st.integers(0, count - 1), min_size=2, max_size=30))
    level = st.sampled_from([0.0, 1e-9, 0.25, 0.5, 1.0])
    rows = [draw(st.lists(level, min_size=count, max_size=count)) for _ in true]
    proba = np.array([row if sum(row) else [1.0] * count for row in rows])
    return np.array(true), proba / proba.sum(axis=1, keepdims=True), np.arange(count)


@given(predictions())
@settings(max_examples=60)
def test_metrics_of_any_predictions_are_those_of_sklearn_metrics(case):
    true, proba, classes = case
    predicted = proba.argmax(axis=1)
    found = _classifier_metrics(Predictions(true, predicted, classes, proba))
    averaged = {"average": "weighted", "zero_division": 0}
    expected = {
        "train_accuracy": metrics.accuracy_score(true, predicted),
        "train_precision": metrics.precision_score(true, predicted, **averaged),
        "train_recall": metrics.recall_score(true, predicted, **averaged),
        "train_f1": metrics.f1_score(true, predicted, **averaged),
        "train_log_loss": metrics.log_loss(true, proba, labels=classes),
    }
    if len(set(true)) == len(classes):
        scores = proba[:, 1] if len(classes) == 2 else proba
        expected["train_roc_auc"] = metrics.roc_auc_score(true, scores, multi_class="ovr")
    assert found == pytest.approx(expected)


@given(st.lists(st.tuples(*[st.booleans()] * 6), min_size=1, max_size=20))
@settings(max_examples=40)
def test_metrics_of_several_labels_are_those_of_sklearn_metrics(rows):
    true, predicted = np.array(rows)[:, :3], np.array(rows)[:, 3:]
    averaged = {"average": "weighted", "zero_division": 0}
    assert _classifier_metrics(Predictions(true, predicted)) == pytest.approx(
        {
            "train_accuracy": metrics.accuracy_score(true, predicted),
            "train_precision": metrics.precision_score(true, predicted, **averaged),
            "train_recall": metrics.recall_score(true, predicted, **averaged),
            "train_f1": metrics.f1_score(true, predicted, **averaged),
            "train_hamming_loss": metrics.hamming_loss(true, predicted),
        }
    )


@pytest.mark.parametrize("cls", [cls for _, cls in all_estimators("classifier")], ids=lambda cls: cls.__name__)
def test_accuracy_of_each_classifier_is_that_of_its_own_predictions(cls):
    """Also of those whose predictions are taken from their probabilities or decision values."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model = cls()
            coarse, two = X.round(), (y > 0).astype(int)
            model.fit(coarse, two)
    except (TypeError, ValueError):  # needs arguments, or data of another kind
        pytest.skip("not for these rows")
    run = autotrack.last_run()
    if "train metrics" in run.lacks:
        assert run.lacks["train metrics"].startswith("its predictions draw")
        return
    with autotrack.paused(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert run.metrics["train_accuracy"] == metrics.accuracy_score(two, model.predict(coarse))
        assert run.metrics["train_score"] == pytest.approx(model.score(coarse, two))


def test_score_that_fails_takes_no_other_metric_along():
    class Odd(ClassifierMixin, BaseEstimator):
        """As a library's, but for its score."""

        __module__ = "sklearn.odd"

        def fit(self, X, y):
            self.classes_ = np.unique(y)
            return self

        def predict(self, X):
            return np.zeros(len(X), dtype=int)

        def score(self, X, y):
            raise AttributeError("no such loss")

    run = recorded(Odd(), X, y)
    assert run.metrics["train_accuracy"] == pytest.approx(1 / 3)
    assert run.lacks["train metrics"] == "score() raised AttributeError: no such loss"


def test_single_row_has_no_r2_as_scikit_learn_says():
    run = recorded(DecisionTreeRegressor(), X[:1], target[:1])
    assert np.isnan(run.metrics["train_r2"])
    assert run.metrics["train_mean_squared_error"] == 0


def test_weights_of_samples_do_not_enter_the_metrics():
    model = LogisticRegression(max_iter=300)
    model.fit(X, y, sample_weight=np.where(y == 0, 100.0, 0.01))
    with autotrack.paused():
        assert autotrack.last_run().metrics["train_accuracy"] == model.score(X, y)


def test_each_row_is_predicted_once():
    asked = []

    class Counted(DecisionTreeClassifier):
        __module__ = "sklearn.counted"

        def predict_proba(self, X, check_input=True):
            asked.append(len(X))
            return super().predict_proba(X, check_input)

    run = recorded(Counted(), X, y)
    assert run.tables.keys() >= {"confusion", "roc", "calibration"}
    assert {"train_accuracy", "train_log_loss", "train_roc_auc"} <= run.metrics.keys()
    assert asked == [len(X)]


def test_multilabel_and_multioutput_classifiers_have_the_score_they_have():
    some_X, labels = make_multilabel_classification(100, random_state=0)
    for model in (RandomForestClassifier(5, random_state=0), MultiOutputClassifier(LogisticRegression())):
        run = recorded(model, some_X, labels)
        with autotrack.paused():
            predicted = model.predict(some_X)
            assert run.metrics["train_score"] == pytest.approx(model.score(some_X, labels))
            assert run.metrics["train_f1"] == pytest.approx(metrics.f1_score(labels, predicted, average="weighted"))
            assert run.metrics["train_hamming_loss"] == pytest.approx(metrics.hamming_loss(labels, predicted))
    run = recorded(DecisionTreeClassifier(), X, np.column_stack([y, y[::-1]]))
    assert "multiclass-multioutput is not supported" in run.lacks["train metrics"]
    assert run.status == "finished"


@pytest.mark.parametrize("method", ["fit", "fit_predict"])
def test_outlier_factors_need_no_prediction(method):
    model = LocalOutlierFactor(contamination=0.1)
    getattr(model, method)(X)
    with autotrack.paused():
        expected = (LocalOutlierFactor(contamination=0.1).fit_predict(X) == -1).mean()
    assert autotrack.last_run().metrics["train_outlier_share"] == expected


def test_density_is_a_model():
    model = KernelDensity()
    run = recorded(model, X)
    with autotrack.paused():
        assert run.metrics["train_score"] == model.score(X)


def test_search_without_a_refit_has_no_training_metrics_and_lacks_none():
    run = recorded(GridSearchCV(DecisionTreeClassifier(), {"max_depth": [1]}, refit=False, cv=2), X, y)
    assert run.lacks == {}
    assert "train_score" not in run.metrics
    assert run.params["best.max_depth"] == 1


def test_slow_predictions_are_of_a_sample_of_rows_and_that_is_recorded():
    many = np.tile(X, (400, 1)) + rng.normal(0, 0.1, (60_000, 4))
    labels = np.tile(y, 400)
    run = recorded(KNeighborsClassifier(50), many, labels)
    shortage = run.lacks["train metrics"]
    if shortage != "predicting the training data takes too long":  # on a slow machine not even a sample
        assert "of the 60,000 rows" in shortage
        assert run.metrics["train_accuracy"] > 0.9


def test_linear_model_of_many_rows_is_predicted_in_full():
    many = np.tile(X, (20, 1))
    model = LinearRegression()
    run = recorded(model, many, np.tile(target, 20))
    assert run.lacks == {}
    with autotrack.paused():
        assert run.metrics["train_r2"] == pytest.approx(model.score(many, np.tile(target, 20)))


def test_single_class_has_no_area_under_the_curve(store_path):
    from sklearn.linear_model import RidgeClassifier

    autotrack.enable(store=store_path)
    RidgeClassifier().fit(X, np.zeros(len(X)))
    metrics = autotrack.last_run().metrics
    assert metrics["train_accuracy"] == 1.0
    assert "train_roc_auc" not in metrics


def test_method_that_was_replaced_in_an_object_is_not_called_once_more(store_path):
    autotrack.enable(store=store_path)
    model = HistGradientBoostingRegressor(max_iter=2)
    calls = []
    model._raw_predict = lambda *args, **kwargs: calls.append(args)
    model.fit(X, X[:, 0])
    assert calls == []
    assert "code of its own" in autotrack.get_run(autotrack.last_run().id).lacks["train metrics"]
