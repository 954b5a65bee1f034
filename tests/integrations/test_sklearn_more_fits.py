"""Fits that are easily overlooked, or recorded where they should not be."""

import numpy as np
import pytest
from sklearn.cluster import SpectralCoclustering, k_means
from sklearn.covariance import EmpiricalCovariance
from sklearn.datasets import load_iris
from sklearn.feature_selection import mutual_info_classif
from sklearn.linear_model import SGDClassifier
from sklearn.metrics import accuracy_score
from sklearn.model_selection import GridSearchCV
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import NearestNeighbors
from sklearn.semi_supervised import LabelSpreading, SelfTrainingClassifier
from sklearn.tree import DecisionTreeClassifier

import autotrack
from recorded import only_run, runs

X, y = load_iris(return_X_y=True)


pytestmark = pytest.mark.usefixtures("enabled")


def test_biclusterings_and_covariances_are_models():
    SpectralCoclustering(3, random_state=0).fit(X)
    fitted = EmpiricalCovariance().fit(X)
    first, second = runs()
    assert (first.name, second.name) == ("SpectralCoclustering", "EmpiricalCovariance")
    assert second.metrics["train_score"] == fitted.score(X)
    assert first.lacks == second.lacks == {}


def test_what_scikit_learn_fits_for_itself_is_no_run():
    DecisionTreeClassifier().cost_complexity_pruning_path(X, y)
    mutual_info_classif(X, y)
    NearestNeighbors().fit(X)
    GaussianNB().fit(X, y)
    assert only_run().name == "GaussianNB"


def test_function_of_a_clustering_is_a_fit():
    k_means(X, 3, n_init=1, random_state=0)
    assert only_run().name == "KMeans"


def test_models_inside_a_sampler_are_no_runs():
    samplers = pytest.importorskip("imblearn.over_sampling")
    samplers.SMOTE(random_state=0).fit_resample(X[:110], y[:110])
    pytest.importorskip("imblearn.under_sampling").ClusterCentroids(random_state=0).fit_resample(X[:110], y[:110])
    GaussianNB().fit(X, y)
    assert only_run().name == "GaussianNB"


@pytest.mark.parametrize("estimator", [SelfTrainingClassifier(GaussianNB()), LabelSpreading()], ids=str)
def test_training_metrics_of_semi_supervised_models_are_of_the_rows_with_a_label(estimator):
    partly = np.where(np.arange(150) % 3 == 0, y, -1)
    estimator.fit(X, partly)
    has_label = partly != -1
    expected = accuracy_score(partly[has_label], estimator.predict(X[has_label]))
    assert only_run().metrics["train_accuracy"] == pytest.approx(expected)
    assert only_run().metrics["train_score"] == pytest.approx(expected)


def test_search_without_refit_lacks_nothing():
    GridSearchCV(DecisionTreeClassifier(), {"max_depth": [1, 2]}, cv=2, refit=False).fit(X, y)
    assert only_run().lacks == {}


def test_series_has_the_tables_of_its_last_model():
    model = SGDClassifier(random_state=0)
    model.partial_fit(X, y, classes=[0, 1, 2])
    model.partial_fit(X, y)
    expected = model.coef_[0].tolist()
    del model
    assert only_run().tables["coefficients"]["coefficient 0"][:4] == expected


def test_training_data_given_as_lists_is_known_again():
    rows, labels = X.tolist(), y.tolist()
    model = GaussianNB().fit(rows, labels)
    score = model.score(rows, labels)
    assert only_run().metrics["train_score"] == score
    assert "score" not in only_run().metrics


class Study:
    """Code as many write it: everything in attributes."""

    def __init__(self):
        self.X_train, self.X_test = X[::2], X[1::2]
        self.y_train, self.y_test = y[::2], y[1::2]

    def run(self):
        self.model = GaussianNB().fit(self.X_train, self.y_train)
        return accuracy_score(self.y_test, self.model.predict(self.X_test))


def test_data_in_attributes_has_their_names():
    found = Study().run()
    assert only_run().metrics["test_accuracy"] == found


POOL = """
import json, sys
import autotrack
from multiprocessing import Pool
from sklearn.datasets import load_iris
from sklearn.naive_bayes import GaussianNB

def train(exponent):
    return GaussianNB(var_smoothing=10.0 ** -exponent).fit(*load_iris(return_X_y=True)).theta_.sum()

if __name__ == "__main__":
    autotrack.enable(store=sys.argv[1])
    for start in range(0, 12, 4):
        with Pool(2) as pool:
            pool.map(train, range(start, start + 4))
    runs = autotrack.search_runs()
    print(json.dumps([[run.status, run.params["var_smoothing"]] for run in runs]))
"""


def test_fits_in_a_pool_that_is_terminated_are_all_on_record(run_python, store_path):
    autotrack.disable()
    found = run_python(POOL, str(store_path))
    assert sorted(found) == sorted(["finished", 10.0**-exponent] for exponent in range(12))
