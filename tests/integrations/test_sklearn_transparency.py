"""scikit-learn and the user's objects are the same with and without autotrack."""

import inspect
import io
import pickle

import cloudpickle
import joblib
import numpy as np
import pytest
import sklearn
from sklearn.base import BaseEstimator, ClassifierMixin, TransformerMixin, clone
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import estimator_checks_generator

import autotrack

X, y = load_iris(return_X_y=True)


def all_attributes():
    """Every attribute of every estimator class and of the modules we watch, by identity, closure cells included."""
    seen = {}
    classes, waiting = set(), [BaseEstimator, TransformerMixin, ClassifierMixin]
    while waiting:
        cls = waiting.pop()
        if cls not in classes and not issubclass(cls, type):
            classes.add(cls)
            waiting += [*cls.__subclasses__(), *(base for base in cls.__mro__ if base is not object)]
    for cls in classes:
        for name, value in vars(cls).items():
            if name not in ("__dict__", "__weakref__", "__doc__"):
                seen[cls, name] = value
                seen[cls, name, "fn"] = getattr(value, "fn", None)
    for module in (sklearn.metrics, sklearn.model_selection, joblib.parallel):
        for name, value in vars(module).items():
            seen[module.__name__, name] = value
            cells = getattr(value, "__closure__", None) or ()
            for index, cell in enumerate(cells):
                seen[module.__name__, name, index] = cell.cell_contents
    return seen


def test_disable_leaves_every_attribute_as_it_was(store_path):
    import sklearn.model_selection  # noqa: F401

    before = all_attributes()
    autotrack.enable(store=store_path)
    changed = all_attributes()
    assert sum(changed[key] is not before[key] for key in before) > 100
    autotrack.enable()
    autotrack.disable()
    after = all_attributes()
    assert after.keys() == before.keys()
    assert [key for key in before if after[key] is not before[key]] == []


def test_class_defined_while_enabled_is_left_as_it_would_have_been(store_path):
    autotrack.enable(store=store_path)

    class Mine(TransformerMixin, BaseEstimator):
        def fit(self, X, y=None):
            return self

        def fit_transform(self, X, y=None):
            return X

        def transform(self, X):
            return X

        def predict(self, X):
            return np.zeros(len(X))

    assert Mine.fit.__code__.co_filename == "<watched importlib._bootstrap>"
    autotrack.disable()
    for name in ("fit", "fit_transform", "predict"):
        method = getattr(Mine, name)
        while method is not None:
            assert method.__code__.co_filename != "<watched importlib._bootstrap>"
            method = getattr(method, "__wrapped__", None)


def test_enabling_before_importing_sklearn_watches_it_and_is_undone_exactly(run_python):
    script = """
        import json, sys
        import autotrack
        autotrack.enable()
        from sklearn.linear_model import LogisticRegression
        from sklearn.cluster import KMeans
        from sklearn.decomposition import PCA
        from sklearn.pipeline import Pipeline
        import sklearn.metrics, sklearn.model_selection, sklearn.ensemble
        from sklearn.base import BaseEstimator
        LogisticRegression().fit([[0.0], [1.0]], [0, 1])
        count = len(autotrack.search_runs())
        autotrack.disable()
        left, classes = [], [BaseEstimator]
        while classes:
            cls = classes.pop()
            classes += cls.__subclasses__()
            for owner in cls.__mro__:
                for name, value in vars(owner).items():
                    while value is not None:
                        value = getattr(value, "fn", value)
                        if "<watched" in getattr(getattr(value, "__code__", None), "co_filename", ""):
                            left.append(f"{owner.__name__}.{name}")
                        value = getattr(value, "__wrapped__", None)
        finders = [str(finder) for finder in sys.meta_path if "autotrack" in str(finder)]
        print(json.dumps([count, left, finders, "__init_subclass__" in vars(BaseEstimator)]))
    """
    assert run_python(script) == [1, [], [], False]


def test_estimator_gains_no_attribute(store_path):
    plain = vars(LogisticRegression(max_iter=300).fit(X, y)).keys()
    autotrack.enable(store=store_path)
    assert vars(LogisticRegression(max_iter=300).fit(X, y)).keys() == plain


def test_clone_pickles_and_signatures_are_unchanged_while_enabled(store_path):
    def facts():
        model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=300)).fit(X, y)
        file = io.BytesIO()
        joblib.dump(model, file)
        texts = [pickle.dumps(model), cloudpickle.dumps(model), cloudpickle.dumps(clone(model)), file.getvalue()]
        signatures = [inspect.signature(f) for f in (LogisticRegression.fit, model.fit, model.predict, accuracy_score)]
        sources = [inspect.getsource(f) for f in (LogisticRegression.fit, accuracy_score)]
        return texts, signatures, sources, repr(clone(model))

    without = facts()
    autotrack.enable(store=store_path)
    assert facts() == without
    assert b"autotrack" not in b"".join(without[0])


def test_class_of_main_pickled_by_value_does_not_refer_to_us(run_python, store_path):
    script = """
        import json, sys
        import autotrack, cloudpickle
        autotrack.enable(store=sys.argv[1])
        from sklearn.base import BaseEstimator, ClassifierMixin
        class Mine(ClassifierMixin, BaseEstimator):
            def fit(self, X, y):
                self.classes_ = [0, 1]
                return self
            def predict(self, X):
                return [0] * len(X)
        data = cloudpickle.dumps(Mine().fit([[1]], [1]))
        print(json.dumps(["autotrack" in str(data), len(autotrack.search_runs())]))
    """
    assert run_python(script, str(store_path)) == [False, 1]


def test_metadata_routing_still_works(store_path):
    autotrack.enable(store=store_path)
    with sklearn.config_context(enable_metadata_routing=True):
        model = LogisticRegression(max_iter=300).set_fit_request(sample_weight=True)
        pipeline = make_pipeline(StandardScaler().set_fit_request(sample_weight=True), model)
        pipeline.fit(X, y, sample_weight=np.ones(len(y)))
        assert pipeline.predict_proba(X).shape == (150, 3)


@pytest.mark.filterwarnings("ignore")
def test_sklearns_own_estimator_checks_pass_while_enabled(store_path):
    autotrack.enable(store=store_path)
    for estimator, check in estimator_checks_generator(LogisticRegression()):
        name = getattr(check, "func", check).__name__
        if "array_api" not in name:
            check(estimator)
