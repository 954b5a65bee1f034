"""scikit-learn models as data only: they come back the same, or it is said why they have no such form."""

import io
import json
import sys
import zipfile
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.cluster import HDBSCAN, Birch
from sklearn.ensemble import (
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
)
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.utils.validation import check_array

from autotrack.errors import MissingLibraryError, ModelSaveError
from autotrack_integrations.sklearn import data_only, object_graph, trusted_types
from sklearn_models import differing, fitted, outputs

X = np.random.default_rng(0).random((80, 4))
y = (X[:, 0] + X[:, 1] > 1).astype(int)


class Doubled(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """A transformer of the user's own."""

    def fit(self, X: Any, y: Any = None) -> "Doubled":
        self.fitted_ = True
        return self

    def transform(self, X: Any) -> Any:
        return X * 2


@pytest.mark.parametrize(
    ("family", "name"),
    [
        ("linear", "logistic solver=lbfgs"),
        ("trees", "forest, labels"),
        ("trees", "histograms, three classes"),
        ("trees", "boosting, three classes"),
        ("neighbours and kernels", "KNeighborsClassifier algorithm=ball_tree"),
        ("neighbours and kernels", "SVC kernel=rbf"),
        ("text", "tf-idf"),
        ("tables", "columns, logistic"),
        ("searches", "grid over a pipeline"),
    ],
)
def test_model_comes_back_with_the_same_predictions(family: str, name: str) -> None:
    model, given = fitted(family, name)
    loaded = data_only.load(data_only.save(model))
    assert type(loaded) is type(model)
    assert not differing(outputs(loaded, given), outputs(model, given))


@pytest.mark.parametrize("model", [LogisticRegression(C=3.0), make_pipeline(StandardScaler(), LogisticRegression())])
def test_unfitted_model_comes_back_with_its_params(model: Any) -> None:
    loaded: Any = data_only.load(data_only.save(model))
    assert str(loaded.get_params()) == str(model.get_params())


def test_saving_leaves_the_model_as_it_is() -> None:
    model = RandomForestClassifier(5, random_state=0).fit(X, y)
    before = sorted(vars(model))
    trees = list(model.estimators_)
    data_only.save(model)
    assert sorted(vars(model)) == before
    assert all(one is other for one, other in zip(model.estimators_, trees, strict=True))


def _lambda() -> Any:
    return make_pipeline(FunctionTransformer(lambda X: X + 1), LogisticRegression())


@pytest.mark.parametrize(
    ("build", "reason"),
    [
        (Birch, "Birch"),
        (lambda: HDBSCAN(copy=True), "linkage tree"),
        (_lambda, "<lambda>"),
        (lambda: make_pipeline(FunctionTransformer(check_array), LogisticRegression()), "check_array"),
        (lambda: make_pipeline(FunctionTransformer(np.nan_to_num), LogisticRegression()), "nan_to_num"),
        (lambda: make_pipeline(FunctionTransformer(partial(np.add, 1)), LogisticRegression()), "PartialNode"),
        (lambda: make_pipeline(Doubled(), LogisticRegression()), "Doubled"),
        (lambda: make_pipeline(StandardScaler(), LogisticRegression(), memory="cache"), "cache on disk"),
        (lambda: GradientBoostingClassifier(n_estimators=2, init=LogisticRegression()), "estimator of its own"),
        (
            lambda: KNeighborsClassifier(
                algorithm="ball_tree", metric="mahalanobis", metric_params={"VI": np.eye(X.shape[1])}
            ),
            "MahalanobisDistance64",
        ),
        (lambda: HistGradientBoostingClassifier(categorical_features=[0], max_bins=200), "PartialNode"),
    ],
)
def test_model_without_a_data_only_form_is_refused_with_the_reason(build: Callable[[], Any], reason: str) -> None:
    model = build().fit(X, y)
    with pytest.raises(ModelSaveError, match="no data-only form") as caught:
        data_only.save(model)
    assert reason in vars(caught.value)["reason"]
    assert reason in str(caught.value)


def test_boosted_trees_of_other_libraries_have_no_data_only_form() -> None:
    lightgbm = pytest.importorskip("lightgbm")
    model = lightgbm.LGBMClassifier(n_estimators=2, verbose=-1).fit(X, y)
    with pytest.raises(ModelSaveError, match="not on autotrack's list"):
        data_only.save(model)


def test_model_that_would_come_back_otherwise_is_refused() -> None:
    model = LogisticRegression().fit(X, y)
    model.note = {True: "yes", 1.5: "more", False: "no"}  # skops brings both True and False back as True
    with pytest.raises(ModelSaveError, match=r"comes back"):
        data_only.save(model)


def test_objects_that_refer_to_themselves_are_refused() -> None:
    model = LogisticRegression().fit(X, y)
    model.itself = [model]
    with pytest.raises(ModelSaveError, match="circles"):
        data_only.save(model)


def test_search_is_saved_with_its_results() -> None:
    search = GridSearchCV(LogisticRegression(), {"C": [0.1, 1.0]}, cv=2).fit(X, y)
    loaded: Any = data_only.load(data_only.save(search))
    assert loaded.best_params_ == search.best_params_
    assert (loaded.cv_results_["mean_test_score"] == search.cv_results_["mean_test_score"]).all()
    assert (loaded.predict_proba(X) == search.predict_proba(X)).all()


def test_without_skops_it_is_said_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    data = data_only.save(LogisticRegression().fit(X, y))
    monkeypatch.setitem(sys.modules, "skops.io", None)
    monkeypatch.setitem(sys.modules, "skops", None)
    for call in (lambda: data_only.save(LogisticRegression()), lambda: data_only.load(data)):
        with pytest.raises(MissingLibraryError, match=r"pip install 'autotrack-ml\[sklearn\]'"):
            call()


def test_importing_it_loads_neither_skops_nor_scikit_learn(run_python: Callable[..., Any]) -> None:
    script = """
        import json, sys
        import autotrack_integrations.sklearn.data_only
        print(json.dumps([name for name in ("skops", "sklearn", "numpy", "scipy") if name in sys.modules]))
    """
    assert run_python(script) == []


def test_nothing_on_the_list_can_be_made_to_call_or_open_anything() -> None:
    never = ("partial", "check_array", "nan_to_num", "memmap", "eval", "exec", "getattr", "open", "save", "load")
    assert not [name for name in trusted_types.TRUSTED if name.rpartition(".")[2] in never]
    assert not [
        name for name in trusted_types.TRUSTED if name.startswith(("os.", "subprocess.", "functools.", "operator."))
    ]
    assert not {name for name in trusted_types.TRUSTED if name in trusted_types.REFUSED}


def test_everything_on_the_list_is_where_it_says() -> None:
    """But for names of other versions: the list is for several."""
    from importlib import import_module

    missing = []
    for name in trusted_types.TRUSTED:
        module, _, attribute = name.rpartition(".")
        try:
            getattr(import_module(module), attribute)
        except (ImportError, AttributeError):
            missing.append(name)
    assert len(missing) < 5, missing


@pytest.mark.parametrize(
    ("one", "other", "where"),
    [
        ({"a": [1, 2]}, {"a": [1, 3]}, "[str:'a'][1]"),
        ({"a": 1}, {"b": 1}, "it"),
        ({1: 1}, {"1": 1}, "it"),
        ([1], (1,), "it is a list"),
        (np.array([1.0]), np.array([1.0], dtype=np.float32), "other values"),
        (np.array([1.0, np.nan]), np.array([1.0, 0.0]), "other values"),
        (LogisticRegression(C=1.0), LogisticRegression(C=2.0), ".C"),
        (np.float64(1.0), 1.0, "float64"),
        (np.random.RandomState(0), np.random.RandomState(1), ".state"),
        (len, abs, "it"),
        (float("nan"), 0.0, "it"),
    ],
)
def test_difference_is_named_by_its_place(one: object, other: object, where: str) -> None:
    assert where in (object_graph.difference(one, other) or "")


def test_equal_objects_have_no_difference() -> None:
    values = {"a": float("nan"), "b": np.array([np.nan]), "c": [np.float64("nan")], "d": {1, 2}, "e": slice(1, 2)}
    again = {"a": float("nan"), "b": np.array([np.nan]), "c": [np.float64("nan")], "d": {1, 2}, "e": slice(1, 2)}
    assert object_graph.difference(values, again) is None


def test_file_is_stored_without_compression_and_names_its_types() -> None:
    with zipfile.ZipFile(io.BytesIO(data_only.save(StandardScaler().fit(X)))) as archive:
        assert {member.compress_type for member in archive.infolist()} == {zipfile.ZIP_STORED}
        assert json.loads(archive.read("schema.json"))["__class__"] == "StandardScaler"


def test_making_a_data_only_form_imports_no_other_framework_and_no_pytest(run_python):
    found = run_python(
        """
        import json, sys
        from sklearn.linear_model import LogisticRegression
        from autotrack_integrations.sklearn import data_only

        data_only.save(LogisticRegression().fit([[0.0], [1.0]], [0, 1]))
        import sklearn.externals.array_api_compat.numpy
        print(json.dumps([name for name in ("torch", "dask", "cupy", "pytest", "_pytest") if name in sys.modules]))
        import pytest  # it can be imported all the same
        try:
            import sklearn.externals.array_api_compat.torch  # and so can this
        except ImportError as error:
            assert "torch" not in str(error) or error.name == "torch", error
        """
    )
    assert found == []


def test_data_only_form_of_a_model_is_the_same_bytes_in_whatever_process_it_is_made(run_python):
    script = """
        import hashlib, json, sys
        from sklearn.ensemble import RandomForestClassifier
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler
        from autotrack_integrations.sklearn import data_only

        filler = [object() for _ in range(int(sys.argv[1]))]  # so that all lies elsewhere in memory
        X = [[0.0, 1.0], [1.0, 3.0], [2.0, 2.0], [3.0, 0.0]] * 5
        model = make_pipeline(StandardScaler(), RandomForestClassifier(5, random_state=0)).fit(X, [0, 1, 1, 0] * 5)
        print(json.dumps(hashlib.sha256(data_only.save(model)).hexdigest()))
    """
    assert run_python(script, "0") == run_python(script, "1000")
