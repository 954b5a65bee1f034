"""Warnings of a fit are part of its record, and reach the user as ever."""

import warnings

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.datasets import load_iris
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import autotrack

X, y = load_iris(return_X_y=True)


pytestmark = pytest.mark.usefixtures("enabled")


def last():
    return autotrack.get_run(autotrack.last_run().id)


class Talking(ClassifierMixin, BaseEstimator):
    def fit(self, X, y):
        for number in (1, 1, 2):
            warnings.warn(f"number {number}", RuntimeWarning, stacklevel=1)
        self.classes_ = np.unique(y)
        return self


def test_convergence_warning_is_in_the_table_and_a_tag_one_can_search_for():
    with pytest.warns(ConvergenceWarning):
        LogisticRegression(max_iter=2).fit(X, y)
    (category,), (message,) = last().tables["warnings"]["category"], last().tables["warnings"]["message"]
    assert category == "ConvergenceWarning"
    assert "failed to converge" in message
    assert [run.id for run in autotrack.search_runs("tags.warning = 'ConvergenceWarning'")] == [last().id]


def test_fit_that_does_not_warn_says_nothing_of_warnings():
    LogisticRegression(max_iter=1000).fit(X, y)
    assert "warnings" not in last().tables
    assert "warning" not in last().tags


def test_warnings_inside_a_pipeline_belong_to_its_run():
    with pytest.warns(ConvergenceWarning):
        make_pipeline(StandardScaler(), LogisticRegression(max_iter=1)).fit(X, y)
    assert last().name == "Pipeline"
    assert last().tags["warning"] == "ConvergenceWarning"


def test_equal_warnings_are_counted():
    with pytest.warns(RuntimeWarning):
        Talking().fit(X, y)
    assert last().tables["warnings"]["message"] == ["number 1", "number 2"]
    assert last().tables["warnings"]["count"] == [2, 1]


def test_warnings_reach_the_user_as_they_are():
    def shown():
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            Talking().fit(X, y)
        return [(str(one.message), one.category, one.filename, one.lineno) for one in caught]

    recorded = shown()
    autotrack.disable()
    assert recorded == shown()


def test_warning_that_a_filter_turns_into_an_error_fails_the_run():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(RuntimeWarning):
            Talking().fit(X, y)
    assert last().status == "failed"
    assert last().error.startswith("RuntimeWarning")


def test_warnings_that_the_user_ignores_are_not_recorded():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        Talking().fit(X, y)
    assert "warnings" not in last().tables


def test_warnings_outside_a_fit_are_nobodys():
    with pytest.warns(RuntimeWarning):
        warnings.warn("outside", RuntimeWarning, stacklevel=1)
    LogisticRegression(max_iter=1000).fit(X, y)
    assert "warnings" not in last().tables


def test_warnings_can_be_left_out(store_path):
    autotrack.enable(store=store_path, leave_out=["warnings"])
    with pytest.warns(RuntimeWarning):
        Talking().fit(X, y)
    assert "warning" not in last().tags
