"""Nobody's metric lands in another model's run: blends, constants, shared memory, ids that are used again."""

import gc

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.datasets import make_classification
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import accuracy_score, f1_score, mean_absolute_error, roc_auc_score
from sklearn.neural_network import MLPClassifier
from sklearn.tree import DecisionTreeClassifier

import autotrack

X, y = make_classification(400, 10, random_state=0)
X_train, y_train, X_test, y_test = X[:300], y[:300], X[300:], y[300:]


pytestmark = pytest.mark.usefixtures("enabled")


def fitted(model):
    return model.fit(X_train, y_train), autotrack.last_run()


def later(run):
    return {key for key in run.metrics if key.startswith(("test_", "y_"))}


@pytest.mark.parametrize("weight", [0.3, 0.5, 0.7])
def test_labels_of_a_blend_are_no_metric_of_a_model_in_it(weight):
    rows = [slice(0, 100), slice(100, 200), slice(200, 300)]
    models, runs = [], []
    for part in rows:
        models.append(LogisticRegression().fit(X_train[part], y_train[part]))
        runs.append(autotrack.last_run())
    first, second, third = (model.predict_proba(X_test)[:, 1] for model in models)
    blend = weight * first + (1 - weight) / 2 * (second + third)
    accuracy_score(y_test, blend > 0.5)
    for run, model in zip(runs, models, strict=True):  # unless they are the labels of that model as well
        own = accuracy_score(y_test, model.predict(X_test))
        assert run.metrics.get("test_accuracy", own) == own


def test_any_threshold_is_known_of_the_only_model_and_round_ones_of_several():
    X_test, y_test = X[310:], y[310:]  # as many rows as no other test has
    model, run = fitted(LogisticRegression())
    proba = model.predict_proba(X_test)[:, 1]
    at_odd = f1_score(y_test, proba > 0.3127)
    assert run.metrics["test_f1"] == at_odd
    other, other_run = fitted(DecisionTreeClassifier(max_depth=3, random_state=0))
    other_proba = other.predict_proba(X_test)[:, 1]
    at_round = f1_score(y_test, other_proba > 0.7)
    assert other_run.metrics["test_f1"] == at_round


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("kind", [DecisionTreeClassifier, MLPClassifier])
def test_labels_of_one_column_of_probabilities_are_known_where_the_others_are_gone(kind):
    model, run = fitted(kind(random_state=0))
    score = model.predict_proba(X_test)[:, 1]
    expected = f1_score(y_test, score >= 0.5)
    assert run.metrics["test_f1"] == expected


def test_labels_that_are_all_the_same_are_nobodys():
    model, run = fitted(DummyClassifier(strategy="constant", constant=1))
    predicted = model.predict(X_test)
    accuracy_score(y_test, np.ones(100, dtype=int))
    assert not later(run)
    expected = accuracy_score(y_test, predicted)
    assert run.metrics["test_accuracy"] == expected


class LastValue(RegressorMixin, BaseEstimator):
    """Predicts a column: a view of the memory of the frame."""

    def fit(self, X, y):
        return self

    def predict(self, X):
        return X["lag"].to_numpy()


def test_a_prediction_that_is_a_view_of_the_frame_claims_nothing_else_in_the_frame():
    frame = pd.DataFrame({"lag": X[:, 0], "target": X[:, 1], "other": X[:, 2]})
    model = LastValue().fit(frame[["lag"]], frame["target"])
    run = autotrack.last_run()
    lag = model.predict(frame)
    mean_absolute_error(frame["target"].to_numpy(), frame["other"].to_numpy())
    assert not later(run)
    y_test = frame["target"].to_numpy()
    expected = mean_absolute_error(y_test, lag)
    assert run.metrics["test_mean_absolute_error"] == expected


class Memory(ClassifierMixin, BaseEstimator):
    """Predicts what it was fitted on: the very array."""

    def fit(self, X, y):
        self.classes_, self.known = np.unique(y), y
        return self

    def predict(self, X):
        return self.known


def test_a_target_that_is_predicted_stays_a_target():
    _, run = fitted(Memory())
    Memory().fit(X_train, y_train).predict(X_train)
    accuracy_score(y_train, np.roll(y_train, 1))
    assert "train_accuracy" not in run.metrics


def test_ids_that_are_used_again_lead_to_no_old_run():
    model, run = fitted(Ridge())
    for _ in range(200):
        model.predict(X_test)
        gc.collect(0)
        mean_absolute_error(y_test, np.random.default_rng(0).random(100))
    assert not later(run)


def test_models_with_equal_predictions_have_the_metric_of_their_own_array():
    first, first_run = fitted(DecisionTreeClassifier(random_state=0))
    second, second_run = fitted(DecisionTreeClassifier(random_state=0))
    of_first, of_second = first.predict_proba(X_test), second.predict_proba(X_test)
    roc_auc_score(y_test, of_first[:, 1])
    assert "test_roc_auc" in first_run.metrics
    assert "test_roc_auc" not in second_run.metrics
    roc_auc_score(y_test, of_second[:, 1])
    assert "test_roc_auc" in second_run.metrics
