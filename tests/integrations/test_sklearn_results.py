"""What metric functions return beside one number is kept: several numbers as metrics, curves and matrices as tables."""

import numpy as np
import pytest
from sklearn import metrics
from sklearn.calibration import calibration_curve
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import train_test_split
from sklearn.tree import DecisionTreeClassifier

import autotrack

X, y = load_breast_cancer(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)


pytestmark = pytest.mark.usefixtures("enabled")


def fitted(depth=3):
    model = DecisionTreeClassifier(max_depth=depth, random_state=0).fit(X_train, y_train)
    return model, autotrack.last_run()


def test_curves_are_kept_as_tables_under_the_name_of_the_data():
    model, run = fitted()
    scores = model.predict_proba(X_test)[:, 1]
    fpr, tpr, _ = metrics.roc_curve(y_test, scores)
    precision, recall, thresholds = metrics.precision_recall_curve(y_test, scores)
    observed, predicted = calibration_curve(y_test, scores, n_bins=3)
    metrics.det_curve(y_test, scores)
    tables = run.tables
    assert tables["test_roc"]["fpr"] == fpr.tolist()
    assert tables["test_roc"]["tpr"] == tpr.tolist()
    assert tables["test_roc"]["threshold"][0] is None  # infinity
    assert tables["test_precision_recall"]["precision"] == precision.tolist()
    assert tables["test_precision_recall"]["recall"] == recall.tolist()
    assert tables["test_precision_recall"]["threshold"] == [*thresholds, None]
    assert tables["test_calibration"] == {"observed": observed.tolist(), "predicted": predicted.tolist()}
    assert set(tables["test_det"]) == {"fpr", "fnr", "threshold"}


def test_tables_are_what_was_returned_whatever_becomes_of_it():
    model, run = fitted()
    matrix = metrics.confusion_matrix(y_test, model.predict(X_test))
    wanted = matrix.T.tolist()
    matrix[:] = -1
    table = run.tables["test_confusion"]
    assert table["true"] == ["0", "1"]
    assert [table["predicted 0"], table["predicted 1"]] == wanted


def test_long_curves_are_thinned_and_keep_their_ends():
    rng = np.random.default_rng(0)
    X_val = rng.normal(size=(5000, 2))
    y_val = (X_val[:, 0] + rng.normal(size=5000) > 0).astype(int)
    model = LogisticRegression().fit(X_val[:50], y_val[:50])
    run = autotrack.last_run()
    precision, recall, _ = metrics.precision_recall_curve(y_val, model.decision_function(X_val))
    table = run.tables["val_precision_recall"]
    assert len(precision) > 1000 == len(table["precision"])
    assert (table["recall"][0], table["recall"][-1]) == (recall[0], recall[-1])


def test_classification_reports_are_tables_as_a_dict_and_as_text():
    model, run = fitted()
    predicted = model.predict(X_test)
    report = metrics.classification_report(y_test, predicted, output_dict=True, target_names=["not so", "so"])
    of_dict = run.tables["test_report"]
    metrics.classification_report(y_test, predicted, target_names=["not so", "so"], digits=17)
    assert of_dict["class"] == ["not so", "so", "macro avg", "weighted avg"]
    assert of_dict["f1"][1] == report["so"]["f1-score"]
    assert run.tables["test_report"]["class"] == of_dict["class"]
    assert run.tables["test_report"]["recall"] == pytest.approx(of_dict["recall"])


def test_values_by_class_and_by_output_are_tables():
    model, run = fitted()
    predicted = model.predict(X_test)
    by_class = metrics.f1_score(y_test, predicted, average=None)
    _, _, _, support = metrics.precision_recall_fscore_support(y_test, predicted)
    metrics.multilabel_confusion_matrix(y_test, predicted)
    assert run.tables["test_f1_by_class"] == {"class": ["0", "1"], "value": by_class.tolist()}
    assert run.tables["test_scores_by_class"]["support"] == support.tolist()
    assert run.tables["test_confusion_by_class"]["tp"][1] == ((y_test == 1) & (predicted == 1)).sum()
    targets = X_train[:, :2]
    ridge = Ridge().fit(X_train, targets)
    run = autotrack.last_run()
    raw = metrics.r2_score(X_test[:, :2], ridge.predict(X_test), multioutput="raw_values")
    assert run.tables["test_r2_by_output"] == {"output": [0, 1], "value": raw.tolist()}


def test_functions_that_return_several_numbers_are_several_metrics():
    model, run = fitted()
    found = metrics.precision_recall_fscore_support(y_test, model.predict(X_test), average="macro")
    keys = ("test_precision_macro", "test_recall_macro", "test_f1_macro")
    assert tuple(run.metrics[key] for key in keys) == found[:3]


def test_displays_are_recorded_like_the_functions_they_call():
    pytest.importorskip("matplotlib").use("agg")
    model, run = fitted()
    metrics.RocCurveDisplay.from_estimator(model, X_test, y_test)
    metrics.PrecisionRecallDisplay.from_predictions(y_test, model.predict_proba(X_test)[:, 1])
    metrics.ConfusionMatrixDisplay.from_estimator(model, X_test, y_test)
    assert {"test_roc", "test_precision_recall", "test_confusion"} <= run.tables.keys()


def test_tables_of_other_data_under_the_same_name_do_not_overwrite_the_first():
    model, run = fitted()
    matrices = []
    for half in (slice(0, 70), slice(70, None)):
        X_fold, y_fold = X_test[half].copy(), y_test[half].copy()
        matrices.append(metrics.confusion_matrix(y_fold, model.predict(X_fold)))
    assert run.tables["fold_confusion"]["predicted 1"] == matrices[0][:, 1].tolist()
    assert run.tables["fold_confusion_2"]["predicted 1"] == matrices[1][:, 1].tolist()


def test_disabling_undoes_the_watch_of_the_calibration_curve(run_python):
    kept = run_python("""
        import json
        import autotrack
        autotrack.enable()
        import sklearn.metrics
        from sklearn.calibration import calibration_curve
        cell = calibration_curve.__closure__[calibration_curve.__code__.co_freevars.index("func")]
        watched = cell.cell_contents.__code__.co_filename
        autotrack.disable()
        print(json.dumps([watched, cell.cell_contents.__code__.co_filename]))
    """)
    assert kept[0] == "<watched importlib._bootstrap>"
    assert kept[1].endswith("calibration.py")
