"""Tables that explain a model: those of sklearn.metrics and of the fitted attributes, made without predicting again."""

import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.calibration import calibration_curve
from sklearn.cluster import DBSCAN, KMeans
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.datasets import load_iris, make_multilabel_classification
from sklearn.ensemble import GradientBoostingRegressor, IsolationForest, RandomForestClassifier
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.feature_selection import RFE, VarianceThreshold
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge, RidgeClassifier, SGDClassifier
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler
from sklearn.svm import SVC, LinearSVC
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

import autotrack
from autotrack_integrations.sklearn.points import MAX_POINTS, calibration, precision_recall, roc, shortened, steps_down
from autotrack_integrations.sklearn.predictions import Predictions
from autotrack_integrations.sklearn.tables import record_tables

X, y = load_iris(return_X_y=True)
names = np.array(["setosa", "versicolor", "virginica"])[y]
frame = pd.DataFrame(X, columns=["sepal length", "sepal width", "petal length", "petal width"])
two_x, two_y = X[50:], y[50:] - 1
target = X @ [1.0, 2.0, -1.0, 0.5]


pytestmark = pytest.mark.usefixtures("enabled")


def tables_of(estimator, *data):
    estimator.fit(*data)
    return autotrack.last_run().tables


# ---- points


@st.composite
def scored(draw):
    """Scores and which rows are positive: ties, floats of both sizes, at least one row of each kind."""
    kind = draw(st.sampled_from([np.float32, np.float64]))
    scores = draw(st.lists(st.one_of(st.sampled_from([0.0, 0.25, 0.5, 1.0]), st.floats(0, 1, width=32)), min_size=2))
    flags = draw(st.lists(st.booleans(), min_size=len(scores), max_size=len(scores)))
    return np.array([*scores, 0.5, 0.5], dtype=kind), np.array([*flags, True, False])


@given(scored())
@settings(max_examples=60)
def test_points_of_few_rows_are_those_of_sklearn(given_rows):
    scores, positive = given_rows
    steps = steps_down(scores, positive)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fpr, tpr, thresholds = metrics.roc_curve(positive, scores)
        precision, recall, cuts = metrics.precision_recall_curve(positive, scores, drop_intermediate=True)
        observed, predicted = calibration_curve(positive, scores, n_bins=10)
    assert len(fpr) <= MAX_POINTS
    assert len(precision) <= MAX_POINTS
    found = roc(steps)
    for mine, theirs in ((found["fpr"], fpr), (found["tpr"], tpr), (found["threshold"], thresholds)):
        assert mine == pytest.approx(theirs, abs=1e-5)
    found = precision_recall(steps)
    for mine, theirs in ((found["precision"], precision), (found["recall"], recall), (found["threshold"][:-1], cuts)):
        assert mine == pytest.approx(theirs, abs=1e-5)
    found = calibration(scores, positive)
    assert found["observed"] == pytest.approx(observed, abs=1e-6)
    assert found["predicted"] == pytest.approx(predicted, abs=1e-6)
    assert found["count"].sum() == len(scores)


def test_digits_are_left_out_of_values_of_any_size():
    values = np.array([np.inf, 1234567.8, 0.123456789, 1.23456789e-9, 5e-324, 0.0, -2.00000004, np.nan, 1e300, -np.inf])
    expected = [np.inf, 1234570.0, 0.123457, 1.23457e-9, 5e-324, 0.0, -2.0, np.nan, 1e300, -np.inf]
    assert shortened("threshold", values).tolist() == pytest.approx(expected, rel=1e-12, abs=0, nan_ok=True)
    assert shortened("fpr", np.array([1 / 3])).tolist() == [0.333333]
    assert shortened("count", np.array([1_234_567])).tolist() == [1_234_567]


def test_predictions_that_are_no_numbers_warn_nobody_and_leave_the_rest():
    true = np.array([0, 1, 0, 1])
    proba = np.array([[np.nan, np.nan], [1e-320, 1.0], [0.5, 0.5], [0.2, 0.8]])
    with autotrack.paused():
        model = DecisionTreeClassifier().fit(two_x, two_y)
    with autotrack.start_run() as run:
        record_tables(run, model, {}, Predictions(true, true, model.classes_, proba))
    assert run.tables.keys() == {"feature_importances", "confusion"}
    with autotrack.start_run() as run:
        record_tables(run, model, {}, Predictions(true, true, model.classes_, proba[1:][[0, 0, 1, 2]]))
    assert "roc" in run.tables
    with autotrack.start_run() as run:
        record_tables(run, model, {}, Predictions(np.array([1.0, np.inf]), np.array([np.inf, np.inf])))
    assert run.tables["residuals"]["residual"][0] is None


def test_curves_of_many_rows_have_few_points_and_keep_their_area():
    rng = np.random.RandomState(0)
    positive = rng.random(20_000) < 0.3
    scores = rng.normal(positive, 1.0)
    steps = steps_down(scores, positive)
    found = roc(steps)
    assert len(found["fpr"]) == MAX_POINTS
    assert (found["fpr"][0], found["tpr"][0], found["fpr"][-1], found["tpr"][-1]) == (0, 0, 1, 1)
    assert metrics.auc(found["fpr"], found["tpr"]) == pytest.approx(metrics.roc_auc_score(positive, scores), abs=1e-3)
    found = precision_recall(steps)
    assert len(found["recall"]) == MAX_POINTS
    expected = metrics.average_precision_score(positive, scores)
    assert metrics.auc(found["recall"], found["precision"]) == pytest.approx(expected, abs=1e-2)


# ---- tables of predictions


def test_confusion_matrix_names_its_classes():
    found = tables_of(LogisticRegression(max_iter=300), X, names)["confusion"]
    model = LogisticRegression(max_iter=300)
    with autotrack.paused():
        expected = metrics.confusion_matrix(names, model.fit(X, names).predict(X))
    assert found["true"] == ["setosa", "versicolor", "virginica"]
    assert [found[f"predicted {name}"] for name in found["true"]] == expected.T.tolist()


def test_binary_classifier_has_one_curve_each_and_of_several_classes_each_has_one():
    found = tables_of(LogisticRegression(), two_x, two_y)
    model = LogisticRegression()
    with autotrack.paused():
        proba = model.fit(two_x, two_y).predict_proba(two_x)[:, 1]
    fpr, tpr, thresholds = metrics.roc_curve(two_y, proba)
    assert found["roc"]["fpr"] == pytest.approx(fpr)
    assert found["roc"]["tpr"] == pytest.approx(tpr)
    assert found["roc"]["threshold"][0] is None
    assert found["roc"]["threshold"][1:] == pytest.approx(thresholds[1:], rel=1e-5)
    assert found["precision_recall"].keys() == {"precision", "recall", "threshold"}
    assert sum(found["calibration"]["count"]) == len(two_y)
    found = tables_of(LogisticRegression(max_iter=300), X, names)
    assert list(dict.fromkeys(found["roc"]["class"])) == ["setosa", "versicolor", "virginica"]


@pytest.mark.parametrize("model", [LinearSVC(), RidgeClassifier(), SGDClassifier(random_state=0)], ids=str)
def test_decision_values_give_curves_where_there_are_no_probabilities(model):
    found = tables_of(model, two_x, two_y)
    with autotrack.paused():
        scores = model.decision_function(two_x)
        assert autotrack.last_run().metrics["train_roc_auc"] == pytest.approx(metrics.roc_auc_score(two_y, scores))
    assert found["roc"]["fpr"] == pytest.approx(metrics.roc_curve(two_y, scores)[0])
    assert "calibration" not in found


def test_class_that_is_not_among_the_rows_has_no_curve_and_takes_none_along():
    with autotrack.paused():
        model = LogisticRegression(max_iter=300).fit(X, y)
        proba, true = model.predict_proba(X), np.where(y == 0, 1, y)
    with autotrack.start_run() as run:
        record_tables(run, model, {}, Predictions(true, proba.argmax(axis=1), model.classes_, proba))
    assert set(run.tables["roc"]["class"]) == {"1", "2"}
    assert run.tables["confusion"]["predicted 0"] == [0, 50, 0]


def test_many_classes_have_no_curves():
    labels = np.arange(len(X)) % 12
    found = tables_of(DecisionTreeClassifier(random_state=0), X, labels)
    assert found.keys() == {"feature_importances", "confusion"}
    assert len(found["confusion"]["true"]) == 12


def test_residuals_are_quantiles_of_what_is_true_less_what_was_predicted():
    model = Ridge(alpha=100)
    found = tables_of(model, X, target)["residuals"]
    with autotrack.paused():
        predicted = model.predict(X)
    shares = np.linspace(0, 1, 21)
    assert found["quantile"] == pytest.approx(shares)
    assert found["residual"] == pytest.approx(np.quantile(target - predicted, shares))
    assert found["prediction"] == pytest.approx(np.quantile(predicted, shares))


def test_target_that_changes_after_the_fit_does_not_change_the_table():
    changing = target.copy()
    Ridge().fit(X, changing)
    changing += 1_000
    assert max(autotrack.last_run().tables["residuals"]["residual"]) < 100


def test_residuals_of_several_outputs_stand_beside_each_other():
    found = tables_of(LinearRegression(), X, np.column_stack([target, -target]))["residuals"]
    assert found.keys() == {"quantile", "residual 0", "residual 1", "prediction 0", "prediction 1"}


def test_clusters_are_counted_noise_included():
    with autotrack.paused():
        labels = DBSCAN(eps=0.4).fit(X).labels_
    found = tables_of(DBSCAN(eps=0.4), X)["cluster_sizes"]
    expected = np.unique(labels, return_counts=True)
    assert found == {"cluster": expected[0].tolist(), "size": expected[1].tolist()}
    assert -1 in found["cluster"]
    assert sum(tables_of(KMeans(3, n_init=1), X)["cluster_sizes"]["size"]) == len(X)


def test_several_labels_and_unknown_labels_have_no_confusion():
    some_X, labels = make_multilabel_classification(50, random_state=0)
    assert "confusion" not in tables_of(DecisionTreeClassifier(), some_X, labels)


def test_isolation_forest_is_not_asked_again():
    IsolationForest(n_estimators=5).fit(X)
    run = autotrack.last_run()
    assert "longer than its fit" in run.lacks["train metrics"]
    assert "train_outlier_share" not in run.metrics
    labels = IsolationForest(n_estimators=5, random_state=0).fit_predict(X)
    assert autotrack.last_run().metrics["train_outlier_share"] == (labels == -1).mean()


def test_many_rows_are_thinned_for_curves_but_counted_in_full():
    rng = np.random.RandomState(0)
    true = rng.randint(0, 2, 500_000)
    scores = rng.normal(true, 1.0)
    with autotrack.start_run() as run:
        with autotrack.paused():
            model = DecisionTreeClassifier().fit(two_x, two_y)
        record_tables(run, model, {}, Predictions(true, (scores > 0.5).astype(int), model.classes_, scores=scores))
    found = run.tables
    assert sum(found["confusion"]["predicted 0"]) + sum(found["confusion"]["predicted 1"]) == len(true)
    area = metrics.auc(found["roc"]["fpr"], found["roc"]["tpr"])
    assert area == pytest.approx(metrics.roc_auc_score(true, scores), abs=0.005)


# ---- tables of what was fitted


def test_importances_are_sorted_and_named():
    model = RandomForestClassifier(5, random_state=0, n_jobs=2)
    found = tables_of(model, frame, y)["feature_importances"]
    order = np.argsort(-model.feature_importances_)
    assert found["feature"] == frame.columns[order].tolist()
    assert found["importance"] == pytest.approx(model.feature_importances_[order])
    found = tables_of(DecisionTreeRegressor(), X, target)["feature_importances"]
    assert set(found["feature"]) == {"x0", "x1", "x2", "x3"}


@pytest.mark.parametrize("warm", [False, True])
def test_tables_are_of_the_fit_they_belong_to_though_the_model_is_fitted_again_at_once(warm):
    model = RandomForestClassifier(3, random_state=0, warm_start=warm)
    runs, expected = [], []
    for seed in range(3):
        model.set_params(n_estimators=3 * (seed + 1), random_state=seed).fit(frame.iloc[seed::4], y[seed::4])
        runs.append(autotrack.last_run())
        expected.append(model.feature_importances_)
    if warm:
        assert len({run.id for run in runs}) == 1
        runs, expected = runs[-1:], expected[-1:]
    for run, importances in zip(runs, expected, strict=True):
        found = dict(zip(*run.tables["feature_importances"].values(), strict=True))
        assert [found[name] for name in frame.columns] == pytest.approx(importances)


def test_coefficients_of_a_model_that_goes_on_learning_in_place_are_those_of_the_fit():
    model = SGDClassifier(random_state=0).fit(X, y)
    run, expected = autotrack.last_run(), model.coef_.copy()
    with autotrack.paused():
        model.partial_fit(X[::-1], y[::-1])
    found = run.tables["coefficients"]
    assert found["coefficient 1"][:-1] == pytest.approx(expected[1])


def test_coefficients_have_a_column_for_each_class_and_the_intercept_last():
    model = LogisticRegression(max_iter=300)
    found = tables_of(model, frame, names)["coefficients"]
    assert found["feature"] == [*frame.columns, "(intercept)"]
    for at, name in enumerate(model.classes_):
        assert found[f"coefficient {name}"] == pytest.approx([*model.coef_[at], model.intercept_[at]])
    found = tables_of(Ridge(), X, target)["coefficients"]
    assert found.keys() == {"feature", "coefficient"}


def test_kernel_machine_has_coefficients_of_each_pair_if_it_is_linear():
    model = SVC(kernel="linear")
    found = tables_of(model, X, names)["coefficients"]
    assert list(found)[1:] == [
        "coefficient setosa or versicolor",
        "coefficient setosa or virginica",
        "coefficient versicolor or virginica",
    ]
    assert found["coefficient setosa or virginica"][:-1] == pytest.approx(model.coef_[1])
    assert "coefficients" not in tables_of(SVC(), X, names)


def test_features_behind_a_pipeline_are_called_as_its_steps_call_them():
    data = frame.assign(color=np.where(y == 1, "red", "blue"))
    columns = ColumnTransformer(
        [("number", StandardScaler(), list(frame.columns)), ("word", OneHotEncoder(), ["color"])]
    )
    model = make_pipeline(columns, VarianceThreshold(0.1), LogisticRegression(max_iter=500))
    found = tables_of(model, data, y)["coefficients"]
    assert found["feature"] == [*model[:-1].get_feature_names_out(), "(intercept)"]
    assert "word__color_red" in found["feature"]


def test_words_name_the_features_of_a_text_model_inside_a_search():
    texts = ["good day", "bad day", "good night", "bad night"] * 5
    search = GridSearchCV(
        make_pipeline(CountVectorizer(), LogisticRegression()), {"logisticregression__C": [0.1, 1]}, cv=2
    )
    found = tables_of(search, texts, [1, 0, 1, 0] * 5)["coefficients"]
    assert found["feature"] == ["bad", "day", "good", "night", "(intercept)"]


def test_steps_of_the_users_own_are_not_asked_for_names():
    calls = []

    def named(transformer, given_names):
        calls.append(given_names)
        return [f"mine {name}" for name in given_names]

    model = make_pipeline(FunctionTransformer(feature_names_out=named), Ridge())
    model.fit(frame.to_numpy(), target)
    calls.clear()
    assert autotrack.last_run().tables["coefficients"]["feature"][0] == "x0"
    assert calls == []


def test_property_of_the_users_own_is_not_looked_at():
    looked = []

    class Mine(ClassifierMixin, BaseEstimator):
        def fit(self, X, y):
            return self

        def predict(self, X):
            return np.zeros(len(X), dtype=int)

        @property
        def feature_importances_(self):
            looked.append("importances")
            return np.ones(4)

    assert tables_of(Mine(), X, y) == {}
    assert looked == []


def test_wrapped_models_are_explained_by_what_they_wrap():
    eliminated = RFE(LogisticRegression(max_iter=300), n_features_to_select=2)
    found = tables_of(eliminated, frame, y)["coefficients"]
    assert found["feature"] == [*frame.columns[eliminated.support_], "(intercept)"]
    found = tables_of(TransformedTargetRegressor(Ridge(), func=np.log1p, inverse_func=np.expm1), X, target)
    assert len(found["coefficients"]["feature"]) == 5
    found = tables_of(GradientBoostingRegressor(n_estimators=3), X, target)["feature_importances"]
    assert sum(found["importance"]) == pytest.approx(1)


def test_of_many_features_those_that_weigh_most_are_kept_and_that_is_said():
    wide = np.random.RandomState(0).normal(size=(30, 1_500))
    weights = np.zeros(1_500)
    weights[1_234] = 50.0
    LinearRegression().fit(wide, wide @ weights)
    run = autotrack.last_run()
    assert run.lacks["coefficients"] == "the 1,000 that weigh most of 1,500 features"
    found = run.tables["coefficients"]
    assert len(found["feature"]) == 1_001
    assert found["feature"][int(np.argmax(np.abs(found["coefficient"][:-1])))] == "x1234"


@pytest.mark.parametrize("part", ["tables", "train_metrics"])
def test_parts_can_be_left_out(store_path, part):
    autotrack.enable(store=store_path, leave_out=[part])
    LogisticRegression(max_iter=300).fit(X, y)
    run = autotrack.last_run()
    assert ("train_accuracy" in run.metrics) == (part == "tables")
    assert run.tables.keys() == (set() if part == "tables" else {"coefficients"})
