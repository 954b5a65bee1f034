"""Estimators and arrays that are not what one expects: the user notices nothing, and the record says what it can."""

import numpy as np
import pytest
import sklearn
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.datasets import make_classification
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GroupKFold, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler

import autotrack

X, y = make_classification(300, 8, random_state=0)


pytestmark = pytest.mark.usefixtures("enabled")


class Plain(ClassifierMixin, BaseEstimator):
    def fit(self, X, y):
        self.classes_ = np.unique(y)
        return self

    def predict(self, X):
        return np.zeros(len(X), int)


class Raising(Plain):
    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        raise RuntimeError(f"no {name}")


class Counting(Plain):
    seen = 0

    def _count(self):
        Counting.seen += 1
        return [1.0]

    labels_ = coef_ = feature_importances_ = loss_curve_ = cv_results_ = n_iter_ = property(_count)


class WrongParams(Plain):
    def get_params(self, deep=True):
        return ["depth", 3]


def test_an_estimator_that_raises_at_unknown_attributes_is_recorded(lenient_guard):
    assert Raising().fit(X, y).classes_.tolist() == [0, 1]
    assert autotrack.last_run().status == "finished"


def test_properties_of_the_users_own_are_not_looked_at():
    Counting().fit(X, y)
    assert Counting.seen == 0


def test_params_that_are_no_dict_are_told_as_missing():
    WrongParams().fit(X, y)
    assert autotrack.last_run().lacks["params"] == "get_params() returned a list"


@pytest.mark.parametrize("is_dispatched", [True, False])
@pytest.mark.parametrize(
    "model",
    [Ridge(solver="svd"), LinearDiscriminantAnalysis(), make_pipeline(MinMaxScaler(), Ridge(solver="svd"))],
    ids=["ridge", "lda", "pipeline"],
)
def test_arrays_of_the_array_api_have_the_metrics_that_numpy_arrays_have(model, is_dispatched, monkeypatch):
    namespace = pytest.importorskip("array_api_strict")
    model.fit(X, y)
    expected = autotrack.last_run()
    monkeypatch.setenv("SCIPY_ARRAY_API", "1")
    with sklearn.config_context(array_api_dispatch=is_dispatched):
        model.fit(namespace.asarray(X), namespace.asarray(y))
    run = autotrack.last_run()
    assert run.status == "finished"
    assert not run.lacks
    trained = {key: value for key, value in expected.metrics.items() if key.startswith("train_")}
    assert {key: run.metrics.get(key) for key in trained} == pytest.approx(trained)
    assert set(run.tables) == set(expected.tables)


def test_arrays_that_a_cross_validation_hands_on_are_described():
    with sklearn.config_context(enable_metadata_routing=True):
        model = LogisticRegression().set_fit_request(sample_weight=True).set_score_request(sample_weight=True)
        given = {"sample_weight": np.linspace(0, 1, 300), "groups": np.arange(300) % 3}
        cross_validate(model, X, y, params=given, cv=GroupKFold(3))
    assert set(autotrack.last_run().data) == {"X", "y", "sample_weight", "groups"}
