"""Metrics computed after a fit join the run of the model they are of, under the name of the data."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn import metrics
from sklearn.cluster import KMeans
from sklearn.datasets import load_breast_cancer
from sklearn.inspection import permutation_importance
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import accuracy_score as imported_before
from sklearn.model_selection import GridSearchCV, cross_val_predict, permutation_test_score, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

import autotrack
from autotrack_integrations.sklearn.metrics import data_name

X, y = load_breast_cancer(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)
X_val, y_val = X_test[:50], y_test[:50]


pytestmark = pytest.mark.usefixtures("enabled")


def fitted(depth=3):
    model = DecisionTreeClassifier(max_depth=depth, random_state=0).fit(X_train, y_train)
    return model, autotrack.last_run()


def test_metric_functions_join_the_run_of_the_model_that_predicted():
    model, run = fitted()
    accuracy = imported_before(y_test, model.predict(X_test))
    area = metrics.roc_auc_score(y_test, model.predict_proba(X_test)[:, 1])
    f1 = metrics.f1_score(y_true=y_test, y_pred=model.predict(X_test))
    macro = metrics.f1_score(y_test, model.predict(X_test), average="macro")
    found = autotrack.get_run(run.id).metrics
    assert found["test_accuracy"] == accuracy
    assert found["test_roc_auc"] == area
    assert found["test_f1"] == f1
    assert found["test_f1_macro"] == macro


def test_score_joins_the_run_under_the_name_of_the_data():
    model, run = fitted()
    on_test, on_val = model.score(X_test, y_test), model.score(X_val, y_val)
    assert run.metrics["test_score"] == on_test
    assert run.metrics["val_score"] == on_val


def test_two_models_are_kept_apart_whatever_the_order():
    first, first_run = fitted(1)
    second, second_run = fitted(5)
    of_second, of_first = second.predict(X_test), first.predict(X_test)
    a, b = metrics.accuracy_score(y_test, of_first), metrics.accuracy_score(y_test, of_second)
    assert (first_run.metrics["test_accuracy"], second_run.metrics["test_accuracy"]) == (a, b)


def test_metric_of_training_data_is_not_recorded_twice():
    model, run = fitted()
    metrics.accuracy_score(y_train, model.predict(X_train))
    assert len(run.history("train_accuracy")) == 1


def test_names_inside_a_function_are_found_and_locals_are_not_kept_alive():
    import gc
    import weakref

    def evaluate():
        model, run = fitted()
        y_holdout = y_test.copy()
        metrics.accuracy_score(y_holdout, model.predict(X_test))
        gone = weakref.ref(y_holdout)
        del y_holdout
        gc.collect()
        return run, gone()

    run, kept = evaluate()
    assert "holdout_accuracy" in run.metrics
    assert kept is None


def test_data_known_by_its_features_only_is_named_by_them():
    model, run = fitted()
    metrics.accuracy_score(list(y_test), model.predict(X_test))
    assert "test_accuracy" in run.metrics


def test_metrics_of_strangers_predictions_are_left_out():
    _, run = fitted()
    before = dict(run.metrics)
    metrics.accuracy_score(y_test, np.zeros_like(y_test))
    assert run.metrics == before


def test_metric_inside_a_metric_and_inside_a_fit_is_silent():
    model, run = fitted()
    metrics.classification_report(y_test, model.predict(X_test))
    GridSearchCV(DecisionTreeClassifier(), {"max_depth": [1]}, scoring="f1", cv=2).fit(X_train, y_train)
    assert not any("precision_recall" in key for key in run.metrics)


def test_pipeline_and_search_predictions_find_their_runs():
    pipeline = make_pipeline(StandardScaler(), LogisticRegression()).fit(X_train, y_train)
    of_pipeline = autotrack.last_run()
    search = GridSearchCV(DecisionTreeClassifier(), {"max_depth": [1]}, cv=2).fit(X_train, y_train)
    of_search = autotrack.last_run()
    metrics.accuracy_score(y_test, pipeline.predict(X_test))
    metrics.accuracy_score(y_test, search.best_estimator_.predict(X_test))
    assert "test_accuracy" in of_pipeline.metrics
    assert "test_accuracy" in of_search.metrics


def test_scorer_objects_are_recorded_like_the_function_they_call():
    model, run = fitted()
    value = metrics.get_scorer("balanced_accuracy")(model, X_test, y_test)
    assert run.metrics["test_balanced_accuracy"] == value


def test_predictions_are_forgotten_with_their_array():
    from autotrack.run import provenance

    model, _ = fitted()
    before = len(provenance._known)
    predicted = model.predict(X_test)
    assert len(provenance._known) == before + 1
    del predicted
    assert len(provenance._known) == before


@pytest.mark.parametrize(
    ("variable", "name"),
    [
        ("y_test", "test"),
        ("ytest", "test"),
        ("X_test", "test"),
        ("test_labels", "test"),
        ("y_te", "test"),
        ("y_tr", "train"),
        ("y_valid", "val"),
        ("labels_holdout", "holdout"),
        ("y_test_2020", "test_2020"),
        ("yesterday", "yesterday"),
        ("y", ""),
        ("X", ""),
        ("y_pred", ""),
        ("Xs_test", "test"),
        ("yr_te", "test"),
        ("inner_test", "inner_test"),
        ("y_pred_test", "test"),
        ("test_preds", "test"),
        ("val_probas", "val"),
    ],
)
def test_data_is_named_after_the_variable(variable, name):
    assert data_name(variable) == name


def test_part_of_a_data_set_does_not_stand_for_the_whole():
    model, run = fitted()
    whole = metrics.accuracy_score(y_test, model.predict(X_test))
    part = metrics.accuracy_score(y_test[:20], model.predict(X_test[:20]))
    assert run.metrics["test_accuracy"] == whole
    assert run.metrics["test_part_accuracy"] == part


def test_data_handed_to_a_function_has_the_name_it_has_outside():
    model, run = fitted()

    def evaluate(estimator, X, y):
        return metrics.accuracy_score(y, estimator.predict(X)), estimator.score(X, y)

    accuracy, score = evaluate(model, X_test, y_test)
    assert evaluate(model, X_train, y_train)[0] == run.metrics["train_accuracy"]
    assert run.metrics["test_accuracy"] == accuracy
    assert run.metrics["test_score"] == score
    assert not {"accuracy", "score"} & run.metrics.keys()


def test_variable_of_the_predictions_names_data_that_has_no_name():
    model, run = fitted()
    pred_val = model.predict(X[:50] + 0)
    value = metrics.accuracy_score(y[:50].tolist(), pred_val)
    assert run.metrics["val_accuracy"] == value


def test_what_scikit_learn_computes_for_itself_is_left_out():
    model, run = fitted()
    before = dict(run.metrics)
    permutation_importance(model, X_test, y_test, n_repeats=2, random_state=0)
    assert run.metrics == before


def test_predictions_of_a_cross_validation_belong_to_its_run():
    predicted = cross_val_predict(DecisionTreeClassifier(random_state=0), X, y, cv=3)
    run = autotrack.last_run()
    assert "test_score" not in run.metrics
    assert metrics.accuracy_score(y, predicted) == run.metrics["cv_accuracy"]
    cross_val_predict(Ridge(), X, y, cv=3)
    assert not any("score" in key for key in autotrack.last_run().metrics)


def test_permutation_test_is_recorded_with_its_p_value():
    score, _, p_value = permutation_test_score(Ridge(), X[:60], y[:60], n_permutations=3, random_state=0)
    found = autotrack.last_run().metrics
    assert (found["test_score"], found["p_value"]) == (score, p_value)


def test_labels_of_a_clusterer_are_of_its_training_data():
    labels = KMeans(2, n_init=1, random_state=0).fit_predict(X)
    run = autotrack.last_run()
    assert metrics.adjusted_rand_score(y, labels) == run.metrics["train_adjusted_rand"]
    assert metrics.silhouette_score(X, labels) == run.metrics["train_silhouette"]


def test_metric_is_of_the_model_that_predicted_and_not_of_the_one_that_gave_the_truth():
    teacher, teachers_run = fitted(1)
    student, students_run = fitted(5)
    truth, predicted = teacher.predict(X_test), student.predict(X_test)
    value = metrics.accuracy_score(truth, predicted)
    assert students_run.metrics["test_accuracy"] == value
    assert "test_accuracy" not in teachers_run.metrics


@pytest.mark.parametrize(
    ("function", "arguments", "key"),
    [
        (metrics.fbeta_score, {"beta": 2}, "test_fbeta_beta_2"),
        (metrics.accuracy_score, {"normalize": False}, "test_accuracy_normalize_false"),
        (metrics.f1_score, {"average": "binary"}, "test_f1"),
        (metrics.precision_score, {"average": "weighted", "zero_division": 0}, "test_precision_weighted"),
        (metrics.balanced_accuracy_score, {"adjusted": True}, "test_balanced_accuracy_adjusted_true"),
    ],
)
def test_arguments_that_make_another_metric_are_part_of_its_name(function, arguments, key):
    model, run = fitted()
    value = function(y_test, model.predict(X_test), **arguments)
    assert run.metrics[key] == value


def test_last_step_of_a_pipeline_finds_the_pipelines_run():
    pipeline = make_pipeline(StandardScaler(), LogisticRegression()).fit(X_train, y_train)
    run = autotrack.last_run()
    value = metrics.accuracy_score(y_test, pipeline[-1].predict(pipeline[:-1].transform(X_test)))
    assert run.metrics["test_accuracy"] == value


def test_score_that_is_no_number_is_the_users_own_affair():
    class Scored(DecisionTreeClassifier):
        def score(self, X, y):
            return {"accuracy": super().score(X, y)}

    model = Scored().fit(X_train, y_train)
    before = dict(autotrack.last_run().metrics)
    assert model.score(X_test, y_test).keys() == {"accuracy"}
    assert autotrack.last_run().metrics == before


@pytest.mark.parametrize(
    "copied",
    [
        pd.Series,
        pl.Series,
        list,
        tuple,
        np.copy,
        lambda predicted: predicted.tolist(),
        lambda predicted: predicted.astype("int8"),
        lambda predicted: pd.DataFrame({"predicted": predicted})["predicted"],
        lambda predicted: pd.Series(predicted, index=np.arange(len(predicted))[::-1]),
    ],
)
def test_copies_of_a_prediction_are_known_by_what_they_contain(copied):
    model, run = fitted()
    predicted = copied(model.predict(X_test))
    assert metrics.accuracy_score(y_test, predicted) == run.metrics["test_accuracy"]


def test_copies_of_predicted_texts_are_known():
    names = np.array(["malign", "benign"])
    truth = names[y_test]
    model = DecisionTreeClassifier(max_depth=3).fit(X_train, names[y_train])
    run = autotrack.last_run()
    value = metrics.accuracy_score(truth, pd.Series(model.predict(X_test)))
    assert run.metrics["test_accuracy"] == value


@pytest.mark.parametrize(
    "made",
    [
        lambda proba: np.argmax(proba, axis=1),
        lambda proba: (proba[:, 1] >= 0.3).astype(int),
        lambda proba: proba[:, 1] > 0.7,
        lambda proba: np.where(proba[:, 1] > 0.5, 1, 0),
    ],
    ids=["argmax", "threshold", "bool", "where"],
)
def test_labels_made_of_probabilities_are_known_while_these_live(made):
    model, run = fitted()
    proba = model.predict_proba(X_test)
    labels = made(proba)
    assert metrics.f1_score(y_test, labels) == run.metrics["test_f1"]


def test_large_predictions_are_known_while_they_live():
    rng = np.random.default_rng(0)
    X_big = rng.normal(size=(30_000, 2))
    y_big = (X_big[:, 0] > 0).astype(int)
    model = DecisionTreeClassifier(max_depth=2).fit(X_big[:100], y_big[:100])
    run = autotrack.last_run()
    predicted = model.predict(X_big)
    assert metrics.accuracy_score(y_big, pd.Series(predicted)) == run.metrics["big_accuracy"]


def test_contents_of_a_few_rows_prove_nothing():
    model, run = fitted()
    model.predict(X_test[:5])
    before = dict(run.metrics)
    metrics.accuracy_score(y_test[:5], list(model.predict(X_test[:5])))
    assert run.metrics == before


def test_copies_of_predictions_of_two_models_are_kept_apart():
    first, first_run = fitted(1)
    second, second_run = fitted(5)
    of_first, of_second = first.predict(X_test).tolist(), second.predict(X_test).tolist()
    a, b = metrics.accuracy_score(y_test, of_first), metrics.accuracy_score(y_test, of_second)
    assert (first_run.metrics["test_accuracy"], second_run.metrics["test_accuracy"]) == (a, b)


def test_models_fitted_in_a_loop_get_each_their_own_score():
    found = []
    for depth in (1, 2, 3):
        model, run = fitted(depth)
        found.append(
            (run, metrics.roc_auc_score(y_test, model.predict_proba(X_test)[:, 1]), model.score(X_test, y_test))
        )
    for run, area, score in found:
        assert (run.metrics["test_roc_auc"], run.metrics["test_score"]) == (area, score)


def test_after_fit_metrics_can_be_left_out(store_path, monkeypatch):
    monkeypatch.setenv("AUTOTRACK_LEAVE_OUT", "later_metrics")
    autotrack.disable()
    autotrack.enable(store=store_path)
    model, run = fitted()
    before = dict(run.metrics)
    metrics.accuracy_score(y_test, model.predict(X_test))
    model.score(X_test, y_test)
    assert run.metrics == before
