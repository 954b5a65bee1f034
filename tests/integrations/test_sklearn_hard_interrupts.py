"""Ctrl-C at any moment in code of ours: no run or scope stays open, and the next fit is recorded as ever."""

import contextlib
import sys

import numpy as np
import pytest
from sklearn.inspection import permutation_importance
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.tree import DecisionTreeClassifier

import autotrack
from autotrack import run

X = np.random.default_rng(0).normal(size=(60, 4))
y = (X[:, 0] > 0).astype(int)
OURS = ("/autotrack/", "/autotrack_integrations/")
LEAVING = ("__exit__",)  # interrupted there, nothing of ours could put it right
EVERY = 13  # moments between two that are tried; all of them take a minute


class Interrupt:
    """Raises KeyboardInterrupt at the nth of the moments at which Python itself does, in code of ours.

    Those are the start of a function and the return from one that is not written in Python.
    """

    def __init__(self, at):
        self.left = at
        self.place = "the end"

    def __enter__(self):
        self.before = sys.getprofile()
        sys.setprofile(self.trace)
        return self

    def __exit__(self, *_):
        sys.setprofile(self.before)

    def trace(self, frame, event, _):
        is_ours = any(part in frame.f_code.co_filename for part in OURS)
        if is_ours and event in ("call", "c_return") and frame.f_code.co_name not in LEAVING:
            self.left -= 1
            if self.left == 0:
                self.place = f"{frame.f_code.co_filename}:{frame.f_lineno}"
                raise KeyboardInterrupt


def fit():
    DecisionTreeClassifier(max_depth=2).fit(X, y)


def search():
    GridSearchCV(DecisionTreeClassifier(), {"max_depth": [1, 2]}, cv=2).fit(X, y)


def cross_validation():
    cross_val_score(DecisionTreeClassifier(max_depth=2), X, y, cv=2)


def importance():
    with autotrack.paused():
        model = DecisionTreeClassifier(max_depth=2).fit(X, y)
    permutation_importance(model, X, y, n_repeats=2)


@pytest.mark.slow
@pytest.mark.filterwarnings(
    "ignore::pytest.PytestUnraisableExceptionWarning"
)  # interrupted in a generator that is closed
@pytest.mark.parametrize("call", [fit, search, cross_validation, importance], ids=lambda call: call.__name__)
def test_an_interrupt_at_any_moment_in_ours_leaves_no_run_open(call, store_path):
    autotrack.enable(store=store_path)
    call()
    at, interrupt = 1 - EVERY, None
    while interrupt is None or interrupt.left <= 0:  # once more after the last moment
        at += EVERY
        interrupt = Interrupt(at)
        with contextlib.suppress(KeyboardInterrupt), interrupt:
            call()
        assert run.active_run() is None, interrupt.place
        assert run.is_recording(), interrupt.place
    assert at > 100
    fit()
    assert autotrack.last_run().status == "finished"
    assert autotrack.last_run().parent is None


def test_an_interrupted_fit_is_on_record_as_failed(store_path, monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    autotrack.enable(store=store_path)
    monkeypatch.setattr("autotrack_integrations.sklearn.fit.facts_of", interrupt)
    with pytest.raises(KeyboardInterrupt):
        fit()
    failed = autotrack.last_run()
    assert failed.status == "failed"
    assert failed.error.startswith("KeyboardInterrupt")
