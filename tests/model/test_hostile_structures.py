"""Data-only files made to harm: refused when they are loaded, before anything of them is used."""

import io
import json
import pickle
import stat
import time
import zipfile
import zlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import scipy.sparse
import skops.io
from sklearn.base import BaseEstimator
from sklearn.cluster import BisectingKMeans, KMeans
from sklearn.decomposition import NMF
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import (
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    IsolationForest,
    RandomForestClassifier,
)
from sklearn.feature_extraction import DictVectorizer, FeatureHasher
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier, NearestNeighbors
from sklearn.preprocessing import MultiLabelBinarizer, OneHotEncoder, SplineTransformer, StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier
from sklearn.tree._tree import Tree

from autotrack.errors import AutotrackError, ModelVersionError, UntrustedModelError
from autotrack_integrations.sklearn import data_only, skops_file

X = np.random.default_rng(0).random((80, 4))
y = (X[:, 0] + X[:, 1] > 1).astype(int)
y3 = y + (X[:, 2] > 0.6)
texts = ["a good film", "a bad film", "good actors", "bad plot"] * 5

Members = dict[str, bytes]


def taken_apart(model: object) -> tuple[dict[str, Any], Members]:
    """The schema of a model's file, and its other members."""
    with zipfile.ZipFile(io.BytesIO(skops.io.dumps(model))) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    return json.loads(members.pop("schema.json")), members


def put_together(schema: object, members: Members, compression: int = zipfile.ZIP_STORED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
        archive.writestr("schema.json", schema if isinstance(schema, (str, bytes)) else json.dumps(schema))
    return file.getvalue()


def refused(data: bytes) -> str:
    """Why a file was not loaded."""
    with pytest.raises(UntrustedModelError) as caught:
        data_only.load(data)
    return str(vars(caught.value)["reason"])


def array_bytes(array: Any) -> bytes:
    file = io.BytesIO()
    np.save(file, array, allow_pickle=False)
    return file.getvalue()


# --- crafted trees and arrays -----------------------------------------------------------------------------------------


def crafted_tree(change: Callable[[dict[str, Any]], None]) -> Any:
    """A fitted decision tree with other nodes, as its own __setstate__ takes them."""
    model = DecisionTreeClassifier(max_depth=3, random_state=0).fit(X, y)
    _, args, state = model.tree_.__reduce__()
    state = {**state, "nodes": state["nodes"].copy(), "values": state["values"].copy()}
    change(state)
    model.tree_ = Tree(*args)
    model.tree_.__setstate__(state)
    return model


def set_node(field: str, value: int, node: int = 0) -> Callable[[dict[str, Any]], None]:
    def change(state: dict[str, Any]) -> None:
        state["nodes"][field][node] = value

    return change


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (set_node("left_child", 10**6), "child outside"),
        (set_node("right_child", -7), "child outside"),
        (set_node("left_child", 0), "child outside"),  # a circle of one
        (set_node("left_child", 1, node=2), "child outside"),  # upward
        (set_node("left_child", -1), "one child"),
        (set_node("feature", 4), "no feature"),
        (set_node("feature", -3), "no feature"),
        (lambda state: state.update(max_depth=0), "deeper"),
        (lambda state: state.update(max_depth=10**12), "deeper"),
        (lambda state: state.update(node_count=0), "fewer nodes"),
    ],
)
@pytest.mark.parametrize("forest", [False, True], ids=["tree", "forest"])
def test_tree_with_a_path_out_of_it_is_refused(change: Any, reason: str, forest: bool) -> None:
    model = crafted_tree(change)
    if forest:
        grove = RandomForestClassifier(2, random_state=0).fit(X, y)
        grove.estimators_[1] = model
        model = grove
    assert reason in refused(skops.io.dumps(model))


def test_tree_that_claims_more_nodes_than_it_has_is_cut_to_those_it_has() -> None:
    model = DecisionTreeClassifier(max_depth=3).fit(X, y)
    schema, members = taken_apart(model)
    tree = schema["content"]["content"]["tree_"]
    tree["content"]["content"]["node_count"].update(content="1000000", __id__=1)
    loaded: Any = data_only.load(put_together(schema, members))
    assert loaded.tree_.node_count == model.tree_.node_count
    assert (loaded.predict(X) == model.predict(X)).all()


@pytest.mark.parametrize(
    "args",
    [(4, np.array([2]), 1000), (4, np.array([2]), -1), (4, np.array([], dtype=np.int64), 1), (-1, np.array([2]), 1)],
)
def test_tree_whose_constructor_is_lied_to_is_refused(args: Any) -> None:
    schema, members = taken_apart(DecisionTreeClassifier(max_depth=3).fit(X, y))
    given = schema["content"]["content"]["tree_"]["__reduce__"]["args"]["content"]
    given[0].update(content=json.dumps(args[0]), __id__=1)
    given[2].update(content=json.dumps(args[2]), __id__=2)
    members[given[1]["file"]] = array_bytes(args[1])
    assert "decision tree" in refused(put_together(schema, members))


def test_tree_whose_nodes_are_no_array_is_refused() -> None:
    """Its __setstate__ would copy memory from whatever has the attributes of an array."""
    schema, members = taken_apart(DecisionTreeClassifier(max_depth=3).fit(X, y))
    state = schema["content"]["content"]["tree_"]["content"]["content"]
    members.pop(state["nodes"]["file"])
    state["nodes"] = {"__class__": "str", "__module__": "builtins", "__loader__": "JsonNode", "content": "[]"}
    assert "no member" in refused(put_together(schema, members))


def hist(change: Callable[[Any], None]) -> Any:
    model = HistGradientBoostingClassifier(max_iter=3, random_state=0).fit(X, y)
    change(model)
    return model


def set_hist(field: str, value: int) -> Callable[[Any], None]:
    def change(model: Any) -> None:
        model._predictors[1][0].nodes[field][0] = value

    return change


@pytest.mark.parametrize(
    "change",
    [
        set_hist("left", 2**31),
        set_hist("right", 0),
        set_hist("feature_idx", 10**9),
        set_hist("feature_idx", -1),
        set_hist("is_leaf", 7),
        set_hist("is_categorical", 1),
        lambda model: delattr(model, "n_features_in_"),
        lambda model: setattr(model, "n_features_in_", 2),
        lambda model: setattr(model._predictors[0][0], "nodes", model._predictors[0][0].nodes[:0]),
        lambda model: setattr(model._predictors[0][0], "nodes", model._predictors[0][0].nodes[:1]),
        lambda model: setattr(model._bin_mapper, "is_categorical_", np.ones(4, dtype=np.uint8)),
        lambda model: setattr(model, "_preprocessor", StandardScaler().fit(X[:, :1])),
    ],
)
def test_histogram_boosting_with_a_path_out_of_it_is_refused(change: Any) -> None:
    refused(skops.io.dumps(hist(change)))


def changed(model: Any, **values: Any) -> Any:
    for name, value in values.items():
        setattr(model, name, value)
    return model


def boosted(**values: Any) -> Any:
    return changed(GradientBoostingClassifier(n_estimators=3, random_state=0).fit(X, y3), **values)


def wide_tree() -> Any:
    """A tree of a hundred features, in order by itself."""
    wide = np.random.default_rng(0).random((80, 100))
    return GradientBoostingClassifier(n_estimators=1).fit(wide, y).estimators_[0, 0]


@pytest.mark.parametrize(
    "build",
    [
        lambda: boosted(n_trees_per_iteration_=1),
        lambda: boosted(estimators_=boosted().estimators_[:, :2]),
        lambda: boosted(estimators_=np.array([[wide_tree()] * 3], dtype=object)),
        lambda: boosted(init_=DummyClassifier(strategy="prior").fit(X, y)),
        lambda: boosted(init_=LogisticRegression().fit(X, y3)),
        lambda: boosted(_loss=GradientBoostingClassifier(n_estimators=1).fit(X, y)._loss),
        lambda: changed(boosted(), init_=changed(boosted().init_, class_prior_=np.ones(1))),
    ],
)
def test_boosting_with_other_columns_than_trees_is_refused(build: Any) -> None:
    assert "boosting" in refused(skops.io.dumps(build()))


@pytest.mark.parametrize("attribute", ["n_features_in_", "_validate_X_predict", "__sklearn_tags__"])
def test_attribute_that_lets_other_features_in_is_refused(attribute: str) -> None:
    model = DecisionTreeClassifier(max_depth=3).fit(X, y)
    vars(model)[attribute] = 2 if attribute == "n_features_in_" else np.positive
    refused(skops.io.dumps(model))


@pytest.mark.parametrize("value", [None, "4", True, -1, 0, [4], 2**80])
def test_number_of_features_that_is_none_is_refused(value: Any) -> None:
    refused(skops.io.dumps(changed(LogisticRegression().fit(X, y), n_features_in_=value)))


def test_tree_without_a_number_of_features_is_refused() -> None:
    model = IsolationForest(n_estimators=2, random_state=0).fit(X)
    del model.estimators_[0].n_features_in_
    assert "other features" in refused(skops.io.dumps(model))


def neighbours(place: int, value: Any, algorithm: str = "kd_tree") -> Any:
    """A neighbour search whose tree has another state at one place."""
    model = NearestNeighbors(algorithm=algorithm, leaf_size=5).fit(X)
    state = list(model._tree.__getstate__())
    state[place] = value(np.array(state[place])) if callable(value) else value
    model._tree.__setstate__(tuple(state))
    return model


def _with(index: int, value: int) -> Callable[[Any], Any]:
    def change(array: Any) -> Any:
        array[index] = value
        return array

    return change


def _with_field(field: str, value: int) -> Callable[[Any], Any]:
    def change(array: Any) -> Any:
        array[field][0] = value
        return array

    return change


@pytest.mark.parametrize("algorithm", ["kd_tree", "ball_tree"])
@pytest.mark.parametrize(
    ("place", "value"),
    [
        (0, lambda data: data[:, :1].copy()),
        (0, lambda data: data[:10].copy()),
        (1, _with(0, 10**9)),
        (1, _with(0, -1)),
        (1, _with(0, 5)),  # twice the same point
        (1, lambda points: points[:3].copy()),
        (2, _with_field("idx_start", -5)),
        (2, _with_field("idx_end", 10**9)),
        (2, lambda nodes: nodes[:1].copy()),
        (3, lambda bounds: bounds[:, :1].copy()),
        (3, lambda bounds: bounds[:, :, :1].copy()),
        (4, 0),
        (4, 10**6),
        (5, 40),
        (6, 10**9),
        (11, None),
        (12, np.ones(3)),
    ],
)
def test_neighbour_tree_that_names_what_it_does_not_have_is_refused(algorithm: str, place: int, value: Any) -> None:
    assert "neighbour tree" in refused(skops.io.dumps(neighbours(place, value, algorithm)))


def test_neighbour_tree_without_a_state_is_refused() -> None:
    schema, members = taken_apart(NearestNeighbors(algorithm="kd_tree").fit(X))
    tree = schema["content"]["content"]["_tree"]
    for state in (None, {"__class__": "str", "__module__": "builtins", "__loader__": "JsonNode", "content": "null"}):
        tree["content"] = state
        used = json.dumps(schema)
        refused(put_together(schema, {name: data for name, data in members.items() if name in used}))


def _neighbours_of(**values: Any) -> Any:
    return changed(KNeighborsClassifier(algorithm="brute").fit(X, y3), **values)


def _one_hot(**values: Any) -> Any:
    return changed(OneHotEncoder().fit(np.array([["a"], ["b"], ["c"]])), **values)


def _spline(**values: Any) -> Any:
    model = SplineTransformer().fit(X)
    for name, value in values.items():
        vars(model.bsplines_[0])[name] = value
    return model


def _support(**values: Any) -> Any:
    return changed(SVC().fit(X, y3), **values)


@pytest.mark.parametrize(
    "build",
    [
        lambda: _neighbours_of(_y=np.full(80, 10**6)),
        lambda: _neighbours_of(_y=np.zeros(3, dtype=np.int64)),
        lambda: _neighbours_of(_fit_X=X[:, :1].copy()),
        lambda: _neighbours_of(n_samples_fit_=10**6),
        lambda: _neighbours_of(n_neighbors=10**9),
        lambda: changed(KMeans(2, n_init=1).fit(X), cluster_centers_=X[:2, :1].copy()),
        lambda: changed(KMeans(2, n_init=1).fit(X), _n_threads=10**9),
        lambda: changed(BisectingKMeans(2).fit(X), _X_mean=np.zeros(1)),
        lambda: changed(LogisticRegression().fit(X, y), n_jobs=10**9),
        lambda: _support(support_=np.arange(3, dtype=np.int32)),
        lambda: _support(_n_support=np.array([10**6, 1, 1], dtype=np.int32)),
        lambda: _support(_n_support=np.array([80], dtype=np.int32)),
        lambda: _support(_dual_coef_=np.ones((1, 1))),
        lambda: _support(_intercept_=np.ones(1)),
        lambda: _support(_probA=np.ones(1), _probB=np.ones(1)),
        lambda: _support(support_vectors_=X[:, :1].copy()),
        lambda: _support(_sparse=True),
        lambda: _support(kernel=np.add),
        lambda: _one_hot(_n_features_outs=[1]),
        lambda: _one_hot(_n_features_outs=[0]),
        lambda: _one_hot(categories_=[np.array([3.0, 1.0, 2.0])]),
        lambda: _one_hot(_drop_idx_after_grouping=np.array([7], dtype=object), _n_features_outs=[2]),
        lambda: _one_hot(_infrequent_enabled=True, _default_to_infrequent_mappings=[np.array([0, 1, 10**6])]),
        lambda: changed(CountVectorizer().fit(texts), vocabulary_={"good": 10**6}),
        lambda: changed(TfidfVectorizer().fit(texts), vocabulary_={"good": -1}),
        lambda: changed(TfidfVectorizer().fit(texts), vocabulary_={"good": 0.5}),
        lambda: changed(CountVectorizer().fit(texts), token_pattern=r"(a+)+$"),
        lambda: changed(CountVectorizer().fit(texts), token_pattern=r"\w+\w+\w+\w+\w+x"),
        lambda: changed(DictVectorizer().fit([{"a": 1}]), vocabulary_={"a": 9}),
        lambda: changed(FeatureHasher(8), n_features=0),
        lambda: changed(MultiLabelBinarizer().fit([["a"], ["b"]]), _cached_dict={"a": 10**6, "b": 1}),
        lambda: _spline(_c=np.ones((1, 1))),
        lambda: _spline(_t=np.arange(40.0)[::-1].copy()),
        lambda: _spline(k=10**6),
        lambda: changed(StandardScaler().fit(X), memory="/tmp/cache"),
    ],
)
def test_model_that_would_be_read_or_written_out_of_bounds_is_refused(build: Any) -> None:
    refused(skops.io.dumps(build()))


def test_random_state_that_stands_outside_of_its_numbers_is_refused() -> None:
    state = np.random.RandomState(0)
    inner = state.get_state(legacy=False)
    inner["state"]["pos"] = 10**6
    state.set_state(inner)
    assert "random state" in refused(skops.io.dumps(NMF(random_state=state)))


@pytest.mark.parametrize("kind", ["csr_matrix", "csc_matrix", "csr_array", "bsr_matrix", "coo_matrix"])
def test_sparse_matrix_that_points_outside_of_itself_is_refused(kind: str) -> None:
    matrix = getattr(scipy.sparse, kind)(np.eye(4))
    (matrix.col if kind == "coo_matrix" else matrix.indices)[1] = 10**6
    with pytest.raises(AutotrackError):  # SciPy itself refuses some
        data_only.load(skops.io.dumps(changed(LogisticRegression().fit(X, y), coef_=matrix)))


# --- what a schema may ask for ----------------------------------------------------------------------------------------


def node(loader: str, name: str, **values: Any) -> dict[str, Any]:
    module, _, kind = name.rpartition(".")
    return {"__class__": kind, "__module__": module, "__loader__": loader, **values}


def json_node(value: object) -> dict[str, Any]:
    return node("JsonNode", "builtins.str", content=json.dumps(value))


def sequence(*items: Any, kind: str = "Tuple") -> dict[str, Any]:
    return node(f"{kind}Node", f"builtins.{kind.lower()}", content=list(items))


def schema_of(value: Any) -> bytes:
    return put_together({**sequence(value, kind="List"), "protocol": 2, "_skops_version": "0.16.0"}, {})


TREE = "sklearn.tree._tree.Tree"


@pytest.mark.parametrize(
    "value",
    [
        node("MethodNode", f"{TREE}", content={"func": "__reduce__", "obj": json_node(1)}),
        node("OperatorFuncNode", "operator.methodcaller", attrs=sequence(json_node("system"), json_node("id"))),
        node("PartialNode", "functools.partial", content={"func": json_node(1)}),
        node("ConstructorFromReduceNode", "sklearn.neighbors._kd_tree.KDTree", content=sequence(json_node([[1]]))),
        node("ConstructorFromReduceNode", "numpy.memmap", content=sequence(json_node("/etc/passwd"))),
        node("QuantileForestNode", TREE, content=json_node(1)),
        node("DefaultDictNode", "collections.defaultdict", content={}),
        node("CachedNode", "builtins.str", __id__=1),
        node("NoSuchNode", "builtins.str"),
        node("FunctionNode", "os.system"),
        node("FunctionNode", "builtins.eval"),
        node("FunctionNode", "numpy.load"),
        node("FunctionNode", "numpy.dtype"),
        node("FunctionNode", "sklearn.utils.validation.check_array"),
        node("FunctionNode", TREE),
        node("TypeNode", "subprocess.Popen"),
        node("TypeNode", "numpy.memmap"),
        node("TypeNode", TREE),
        node("ListNode", TREE, content=[]),
        node("ListNode", "builtins.map", content=[]),
        node("TupleNode", "sklearn.neighbors._kd_tree.KDTree", content=[]),
        node("SetNode", "builtins.list", content=[]),
        node("ObjectNode", "subprocess.Popen", content=None),
        node("ObjectNode", "sklearn.linear_model._logistic.NoSuchModel", content=None),
        node("ObjectNode", "xgboost.core.Booster", content=None),
        node("ObjectNode", "sklearn.cluster._hdbscan.hdbscan.HDBSCAN", content=None),
        node("LossNode", TREE, content=json_node({}), __reduce__={"args": sequence()}),
        node("NdArrayNode", "numpy.memmap", type="json", content=[], shape=sequence(json_node(0))),
        node("NdArrayNode", "numpy.ndarray", type="numpy", file="../../etc/passwd"),
        node("SparseMatrixNode", "scipy.sparse._csr.csr_matrix", type="scipy", file="0.npz"),
        node("SliceNode", "builtins.slice", content={"start": {}, "stop": 1, "step": 1}),
        node("RandomGeneratorNode", "numpy.random._generator.Generator",
             content={"bit_generator": node("DictNode", "builtins.dict", content={"bit_generator": json_node("seed")}),
                      "seed_seq": node("DictNode", "builtins.dict", content={"pool_size": json_node(4)})}),
        node("DictNode", "builtins.dict", content={"a": json_node(1)},
             key_types=sequence(node("FunctionNode", "numpy.sin"), kind="List")),
        node("DictNode", "builtins.dict", content={"a": json_node(1)}, key_types=sequence(kind="List")),
        {"__loader__": "JsonNode"},
        "text",
        None,
        [[[]]],
    ],
)  # fmt: skip
def test_node_that_asks_for_more_than_its_kind_is_refused(value: Any) -> None:
    refused(schema_of(value))


@pytest.mark.parametrize("protocol", [0, 3, -1, True, "2", None, 1.5])
def test_other_protocols_are_refused(protocol: Any) -> None:
    schema, members = taken_apart(StandardScaler().fit(X))
    assert "protocol" in refused(put_together({**schema, "protocol": protocol}, members))


def test_what_a_file_says_to_trust_is_not_read() -> None:
    schema, members = taken_apart(StandardScaler().fit(X))
    schema.update(trusted=["os.system"], trust=True)
    schema["content"]["content"]["with_mean"] = node("FunctionNode", "os.system")
    assert "os.system" in refused(put_together(schema, members))
    assert "trusted.json" in refused(put_together(schema, {**members, "trusted.json": b'["os.system"]'}))


def test_list_within_itself_is_refused() -> None:
    inner = {**sequence(kind="List"), "__id__": 7}
    outer = {**sequence({**inner, "content": [inner]}, kind="List"), "__id__": 7}
    assert "one id" in refused(schema_of(outer))


def test_list_that_doubles_itself_forty_times_is_refused_at_once() -> None:
    """skops would look at every one of its 2 ** 40 items."""
    value = {**json_node(1), "__id__": 1}
    for number in range(2, 40):
        value = {**sequence(value, {"__id__": number - 1, "__loader__": "ListNode"}, kind="List"), "__id__": number}
    started = time.monotonic()
    refused(schema_of(value))
    assert time.monotonic() - started < 60


@pytest.mark.parametrize("depth", [200, 5_000, 200_000])
def test_deep_nesting_is_refused(depth: int) -> None:
    opened, closed = json.dumps(sequence("HERE", kind="List")).split('"HERE"')
    refused(put_together(opened * depth + json.dumps(json_node(1)) + closed * depth, {}))
    refused(put_together("[" * depth, {}))
    refused(put_together("[" * depth + "]" * depth, {}))


def test_plain_value_nested_deeply_is_refused() -> None:
    refused(schema_of(node("JsonNode", "builtins.str", content="[" * 100_000 + "]" * 100_000)))


def test_keys_made_to_collide_are_refused() -> None:
    keys = [str(number * (2**61 - 1)) for number in range(20_000)]
    types = [node("TypeNode", "builtins.int")] * len(keys)
    content = {key: json_node(1) for key in keys}
    value = node("DictNode", "builtins.dict", content=content, key_types=sequence(*types, kind="List"))
    assert "no strings" in refused(schema_of(value))


# --- the container ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "data", [b"", b"PK", b"not a zip", pickle.dumps(LogisticRegression()), b"PK\x03\x04" + b"\0" * 100]
)
def test_pickles_and_other_bytes_are_refused(data: bytes) -> None:
    refused(data)


class Marked(BaseEstimator):  # type: ignore[misc]
    """Its pickle runs code."""

    def __reduce__(self) -> Any:
        return exec, ("raise SystemExit('the pickle was loaded')",)


def test_pickle_within_the_file_is_not_loaded() -> None:
    schema, members = taken_apart(StandardScaler().fit(X))
    name = next(iter(members))
    refused(put_together(schema, {**members, name: pickle.dumps(Marked())}))
    refused(put_together(schema, {**members, "model.pkl": pickle.dumps(Marked())}))
    file = io.BytesIO()
    np.save(file, np.array([Marked()], dtype=object), allow_pickle=True)
    assert "Python objects" in refused(put_together(schema, {**members, name: file.getvalue()}))


@pytest.mark.parametrize(
    "name",
    ["../1.npy", "/etc/passwd", "a/b.npy", "1.npy/", "C:\\1.npy", "1.npy\0", "é.npy", "1" * 300 + ".npy", "1.exe"],
)
def test_members_of_other_names_are_refused(name: str) -> None:
    schema, members = taken_apart(StandardScaler().fit(X))
    with_it = {**members, name: next(iter(members.values()))}
    refused(put_together(schema, with_it))


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_two_members_of_one_name_are_refused() -> None:
    data = data_only.save(StandardScaler().fit(X))
    file = io.BytesIO(data)
    with zipfile.ZipFile(file, "a") as archive:
        archive.writestr("schema.json", "{}")
    assert "one name" in refused(file.getvalue())


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFIFO, stat.S_IFCHR])
def test_links_and_devices_are_refused(kind: int) -> None:
    file = io.BytesIO(data_only.save(StandardScaler().fit(X)))
    with zipfile.ZipFile(file, "a") as archive:
        member = zipfile.ZipInfo("1.npy")
        member.external_attr = (kind | 0o777) << 16
        archive.writestr(member, "/etc/passwd")
    assert "link or device" in refused(file.getvalue())


def test_compressed_members_are_refused() -> None:
    schema, members = taken_apart(StandardScaler().fit(X))
    members["1.npy"] = b"\0" * 2_000_000
    for compression in (zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA):
        assert "compressed" in refused(put_together(schema, members, compression))


def test_schema_that_is_too_large_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(skops_file, "_MAX_SCHEMA_BYTES", 100)
    assert "schema.json" in refused(skops.io.dumps(StandardScaler().fit(X)))


def test_too_many_members_or_bytes_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    data = skops.io.dumps(StandardScaler().fit(X))
    monkeypatch.setattr(skops_file, "_MAX_MEMBERS", 2)
    assert "members" in refused(data)
    monkeypatch.setattr(skops_file, "MAX_BYTES", 100)
    assert "bytes" in refused(data)


def test_sparse_matrix_that_unpacks_to_more_than_it_says_is_refused() -> None:
    """A member that declares ten bytes may hold a gigabyte: it is never unpacked beyond what it declares."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    packed = packer.compress(b"\0" * 20_000_000) + packer.flush()
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w") as archive:
        archive.writestr("data.npy", packed)
    raw = bytearray(inner.getvalue())
    for signature, at in ((b"PK\x03\x04", 8), (b"PK\x01\x02", 10)):
        start = raw.find(signature)
        raw[start + at : start + at + 2] = (8).to_bytes(2, "little")  # deflated
        raw[start + at + 14 : start + at + 18] = (10).to_bytes(4, "little")  # to ten bytes
    value = node("SparseMatrixNode", "scipy.sparse._csr.csr_matrix", type="scipy", file="1.npz")
    schema = {**sequence(value, kind="List"), "protocol": 2}
    assert "does not have" in refused(put_together(schema, {"1.npz": bytes(raw)}))


def test_sparse_matrix_that_declares_too_much_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    model = changed(LogisticRegression().fit(X, y), coef_=scipy.sparse.csr_matrix((1, 100_000)))
    model.more_ = scipy.sparse.csr_matrix(np.zeros((1, 500_000)) + 1)
    data = skops.io.dumps(model)
    monkeypatch.setattr(skops_file, "MAX_BYTES", 1_000_000)
    assert "unpack to more" in refused(data)


@pytest.mark.parametrize(
    "header",
    [
        "{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000000,), }",
        "{'descr': '<f8', 'fortran_order': False, 'shape': (-1,), }",
        "{'descr': '|O', 'fortran_order': False, 'shape': (1,), }",
        "{'descr': '|V0', 'fortran_order': False, 'shape': (1000000000000,), }",
        "{'descr': '<U0', 'fortran_order': False, 'shape': (1000000000000,), }",
        "{'descr': [('a', '|O')], 'fortran_order': False, 'shape': (1,), }",
        "{'descr': __import__('os').system('id'), 'fortran_order': False, 'shape': (1,), }",
        "{'descr': '<f8', 'fortran_order': False, 'shape': (" + "-" * 9000 + "1,), }",
        "{'descr': '<f8', 'fortran_order': False, 'shape': (" + "1, " * 60 + "), }",
        "{'descr': '<f8', 'fortran_order': False, 'shape': (1,), 'more': 1, }",
        "",
    ],
)
def test_array_with_a_header_that_lies_is_refused(header: str) -> None:
    schema, members = taken_apart(StandardScaler().fit(X))
    name = next(iter(members))
    text = header.encode() + b"\n"
    members[name] = b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text + b"\0" * 8
    assert "array" in refused(put_together(schema, members))


def test_every_cut_of_a_file_is_refused() -> None:
    data = data_only.save(StandardScaler().fit(X))
    for end in range(0, len(data) - 1, 97):
        with pytest.raises(AutotrackError):
            data_only.load(data[:end])


def test_file_of_other_libraries_is_told_apart_from_a_hostile_one() -> None:
    schema, members = taken_apart(DecisionTreeClassifier(max_depth=2).fit(X, y))
    nodes = schema["content"]["content"]["tree_"]["content"]["content"]["nodes"]["file"]
    old = np.load(io.BytesIO(members[nodes]))[["left_child", "right_child"]].copy()
    members[nodes] = array_bytes(np.array(old.tolist(), dtype=[("left", "<i8"), ("right", "<i8")]))
    with pytest.raises(ModelVersionError, match="cannot be loaded here"):
        data_only.load(put_together(schema, members))
