"""Workers of a pool that is terminated as soon as it has the results: what they had recorded is on record."""

import sys

import pytest

import autotrack

POOL = """
import json, multiprocessing, sys

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, confusion_matrix

import autotrack

X = np.random.default_rng(0).normal(size=(300, 4))
y = (X[:, 0] > 0).astype(int)
X_test, y_test = X[200:], y[200:]


def train(C):
    model = LogisticRegression(C=C).fit(X[:200], y[:200])
    predicted = model.predict(X_test)
    confusion_matrix(y_test, predicted)
    return accuracy_score(y_test, predicted)


autotrack.enable(store=sys.argv[1])
with multiprocessing.get_context("fork").Pool(2) as pool:
    scores = pool.map(train, [0.01, 1.0, 100.0])
runs = autotrack.search_runs(order_by="params.C")
found = [[run.metrics.get("test_accuracy"), "test_confusion" in run.tables, list(run.models)] for run in runs]
print(json.dumps([scores, found]))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="there is no fork")
def test_metrics_computed_in_a_pool_that_is_terminated_are_on_record(run_python, store_path):
    autotrack.disable()
    scores, found = run_python(POOL, str(store_path))
    assert found == [[score, True, ["model"]] for score in scores]
