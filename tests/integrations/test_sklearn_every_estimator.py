"""Every estimator of scikit-learn comes out of a fit the same, bit by bit, with and without autotrack."""

import inspect
import pickle
import warnings

import numpy as np
import pytest
from sklearn.base import BaseEstimator, clone
from sklearn.utils import all_estimators
from sklearn.utils._test_common.instance_generator import _construct_instances
from sklearn.utils.validation import check_is_fitted

import autotrack

generator = np.random.default_rng(0)
X = np.abs(generator.normal(size=(60, 4))) + np.repeat([[0.0], [1.0], [3.0]], 20, axis=0)
y = np.repeat([0, 1, 2], 20)
TEXTS = ["one two", "two three", "three one one"] * 20
DICTS = [{"a": 1.0, "b": float(number)} for number in range(60)]

CLASSES = {name: cls for name, cls in all_estimators() if name != "FrozenEstimator"}  # that one is not fitted
# What is said of time, and of addresses in memory, differs from one fit to the next.
TIMES = ("_time_", "refit_time_", "cv_results_")
METHODS = ("predict", "predict_proba", "decision_function", "score_samples", "transform", "labels_")


def instance(name):
    """One of them, small and repeatable."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that some are deprecated
        estimator = next(iter(_construct_instances(CLASSES[name])))
    small = {"n_estimators": 3, "max_iter": 5, "n_jobs": 1, "random_state": 0, "cv": 2, "n_init": 1}
    params = estimator.get_params()
    return estimator.set_params(**{key: value for key, value in small.items() if key in params})


def data(estimator):
    """What it can be fitted on."""
    name = type(estimator).__name__
    tags = estimator.__sklearn_tags__()
    if tags.input_tags.string:
        return (TEXTS, y)
    if tags.input_tags.dict or name in ("DictVectorizer", "FeatureHasher"):
        return (DICTS, y)
    if name in ("LabelBinarizer", "LabelEncoder"):
        return (y,)
    if name == "MultiLabelBinarizer":
        return ([[label] for label in y],)
    if name == "IsotonicRegression":
        return (X[:, 0], y)
    if tags.input_tags.pairwise:
        return (X @ X.T, y)
    if tags.target_tags.two_d_labels or name.startswith("MultiTask") or name in ("CCA", "PLSCanonical", "PLSSVD"):
        return (X, np.column_stack([y, y[::-1]]))
    if "Binary" in name or name in ("TunedThresholdClassifierCV", "FixedThresholdClassifier"):
        return (X, (y > 0).astype(int))
    return (X, y)


def fitted(name):
    """What a user can see of a fit: attributes, predictions, warnings, errors, the global random state."""
    np.random.seed(3)
    estimator, seen = instance(name), {}
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            assert estimator.fit(*data(estimator)) is estimator
            check_is_fitted(estimator)
            for method in METHODS:
                if hasattr(estimator, method) and callable(getattr(estimator, method)):
                    seen[method] = getattr(estimator, method)(data(estimator)[0])
            if hasattr(estimator, "score"):
                seen["score"] = estimator.score(*data(estimator))
            seen["copy"] = clone(estimator).get_params(deep=False).keys()
        except Exception as error:
            seen["error"] = (type(error), str(error).partition(" at 0x")[0])
        attributes = {key: value for key, value in vars(estimator).items() if not key.endswith(TIMES)}
    # an upload that another test began may warn now; what scikit-learn's fit makes us say would be another warning
    shown = [one for one in caught if "autotrack cannot upload" not in str(one.message)]
    seen["warnings"] = [(one.category, str(one.message), one.filename, one.lineno) for one in shown]
    seen["random state"] = np.random.get_state()[1].tolist()
    return seen, attributes


def flat(value):
    """As bytes; what cannot be pickled as the names of its parts."""
    if type(value).__name__.startswith(("KDTree", "BallTree")):
        return type(value)  # they pickle the unused bytes between the fields of a struct, too
    try:
        return pickle.dumps(value)
    except (pickle.PicklingError, AttributeError, TypeError):
        return repr(sorted(value)) if isinstance(value, dict) else type(value).__name__


@pytest.mark.parametrize("name", CLASSES)
def test_fit_is_the_same_with_and_without(name, store_path):
    warm_up = fitted(name)  # lazily made things of scikit-learn itself: caches, imports, once-only warnings
    plain_seen, plain_attributes = fitted(name)
    autotrack.enable(store=store_path)
    seen, attributes = fitted(name)
    assert seen.keys() == plain_seen.keys()
    for key, value in plain_seen.items():
        assert flat(seen[key]) == flat(value), key
    assert list(attributes) == list(plain_attributes)
    for key, value in plain_attributes.items():
        if flat(warm_up[1].get(key)) == flat(value):  # not the same twice without us either: sets, objects of C
            assert flat(attributes[key]) == flat(value), key


def test_signatures_documentation_and_kinds_are_the_same_with_and_without(store_path):
    def facts():
        found = {}
        for name, cls in CLASSES.items():
            estimator = instance(name)
            for method in ("__init__", "fit", "fit_predict", "fit_transform", "partial_fit", *METHODS, "score"):
                function = getattr(cls, method, None)
                if callable(function):
                    found[name, method] = (
                        str(inspect.signature(function)),
                        inspect.getdoc(function),
                        function.__name__,
                        function.__qualname__,
                        getattr(function, "__module__", None),
                    )
                found[name, method, "has"] = hasattr(estimator, method)
            found[name] = (isinstance(estimator, BaseEstimator), repr(estimator), cls.__mro__)
        return found

    without = facts()
    autotrack.enable(store=store_path)
    assert facts() == without
