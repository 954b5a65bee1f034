"""diff: what differs between two models, down to inputs that would break a caller and to each tensor."""

import json
import struct
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

import autotrack
from autotrack.diffs import Diff
from autotrack.diffs.shown import Entry
from autotrack.errors import InvalidNameError, ModelCorruptedError, ModelNotFoundError
from autotrack.registry import Registry
from autotrack.store import Store

Package = Callable[..., str]
X = np.array([[0.0, 1.0], [1.0, 0.0], [2.0, 1.0], [3.0, 0.0]])


@pytest.fixture(autouse=True)
def enabled(store: Store) -> None:
    autotrack.enable(store=store.root)


def fitted(C: float = 1.0, columns: dict[str, str] | None = None) -> str:
    """A run's id: of a fit on two features, or on a frame with these columns."""
    data: Any = X
    if columns is not None:
        pandas = pytest.importorskip("pandas")
        data = pandas.DataFrame({name: np.arange(4).astype(dtype) for name, dtype in columns.items()})
    LogisticRegression(C=C).fit(data, [0, 1, 0, 1])
    run = autotrack.last_run()
    assert run is not None
    return run.id


def signature(*names: str, dtypes: tuple[str, ...] = (), **outputs: Any) -> dict[str, Any]:
    inputs = {"kind": "dataframe", "names": list(names), "dtypes": list(dtypes or ("float64",) * len(names))}
    inputs["shape"] = [100, len(names)]
    return {"inputs": inputs, "outputs": {"kind": "ndarray", "shape": [None], "dtype": "int64", **outputs}}


def safetensors(**tensors: Any) -> bytes:
    """A file in this format, as its documentation describes it."""
    names = {"float32": "F32", "float64": "F64", "int64": "I64", "float16": "F16", "uint16": "BF16", "bool": "BOOL"}
    header, data = {}, b""
    for name, tensor in tensors.items():
        end = len(data) + tensor.nbytes
        header[name] = {
            "dtype": names[tensor.dtype.name],
            "shape": list(tensor.shape),
            "data_offsets": [len(data), end],
        }
        data += tensor.tobytes()
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


@pytest.fixture
def weighed(store: Store, registry: Registry, package: Package) -> Callable[..., Diff]:
    """`weighed(first, second)`: the diff of two versions with these safetensors files."""

    def compare(*contents: bytes) -> Diff:
        for content in contents:
            file = {
                "path": "weights.safetensors",
                "sha256": store.blobs.put(content),
                "size_bytes": len(content),
            }
            registry.register("net", package(store, files=[file], run_id=str(len(registry.list()))))
        found: Diff = autotrack.registry.diff("net/1", f"net/{len(registry.versions('net'))}")
        return found

    return compare


def test_two_versions_are_compared_in_every_part() -> None:
    autotrack.register_model(fitted(C=1.0), "churn", alias="champion")
    autotrack.register_model(fitted(C=2.0), "churn")
    found = autotrack.registry.diff("churn@champion", "churn/2")
    assert (found.a, found.b) == ("churn/1", "churn/2")
    names = ["model", "params", "metrics", "data", "code", "environment", "signature", "files", "weights"]
    assert [section.name for section in found.sections] == names
    assert found["params"].entries == (Entry("C", 1.0, 2.0),)
    assert found["data"].is_equal
    assert found["data"].same == 2
    assert found["environment"].is_equal
    assert found["signature"].is_equal
    assert not found.is_breaking
    assert "model.pkl" in [entry.key for entry in found["weights"].entries]
    log_loss = next(entry for entry in found["metrics"].entries if entry.key == "train_log_loss")
    assert float(log_loss.note) == pytest.approx(log_loss.b - log_loss.a, rel=1e-4)


def test_model_of_a_run_is_compared_with_a_registered_one() -> None:
    run_id = fitted(C=1.0)
    autotrack.register_model(run_id, "churn")
    found = autotrack.registry.diff("churn", f"run:{run_id[:16]}")
    assert found.b == f"run:{run_id}"
    for name in ("model", "params", "metrics", "data", "code", "environment", "signature", "weights"):
        assert found[name].is_equal, str(found)


def test_other_data_is_told_by_its_fingerprint() -> None:
    first = fitted()
    LogisticRegression().fit(X + 1, [0, 1, 0, 1])
    run = autotrack.last_run()
    assert run is not None
    (entry,) = autotrack.registry.diff(f"run:{first}", f"run:{run.id}")["data"].entries
    assert entry.key == "X"
    assert entry.a.startswith("ndarray 4 × 2 ")
    assert entry.a != entry.b


def test_inputs_that_a_caller_would_miss_are_breaking() -> None:
    first = fitted(columns={"age": "int64", "income": "float64", "zip": "int64"})
    second = fitted(columns={"age": "float64", "income": "float64", "city": "int64"})
    found = autotrack.registry.diff(f"run:{first}", f"run:{second}")
    assert found.is_breaking
    assert [(entry.key, entry.note) for entry in found["signature"].entries if entry.key.startswith("input ")] == [
        ("input age", "retyped"),
        ("input zip", "removed"),
        ("input city", "added"),
    ]


@pytest.mark.parametrize(
    ("first", "second", "breaking"),
    [
        (signature("a", "b"), signature("a", "b"), []),
        (signature("a", "b"), signature("b", "a"), ["inputs: order"]),
        (signature("a"), signature("a", "b"), ["input b", "inputs: shape"]),
        (signature("a"), signature("a", dtypes=("int64",)), ["input a"]),
        (signature("a", classes=[0, 1]), signature("a", classes=[0, 1, 2]), ["outputs: classes"]),
        (signature("a"), signature("a", dtype="float64"), ["outputs: dtype"]),
        ({"inputs": None, "outputs": None}, signature("a"), []),
    ],
)
def test_signatures_say_what_breaks(
    registry: Registry, package: Package, first: Any, second: Any, breaking: list[str]
) -> None:
    for part in (first, second):
        registry.register("churn", package(registry.store, signature=part))
    registry.register("churn", package(registry.store, "unlike"))
    found = autotrack.registry.diff("churn/1", "churn/1" if first == second else "churn/2")
    assert dict(found["signature"].facts)["breaking"] == breaking
    assert found.is_breaking == bool(breaking)
    unknown = autotrack.registry.diff("churn/1", "churn")["signature"]
    assert unknown.notes == ("It is not known whether they are compatible: only one has a signature.",)


def test_requirements_are_compared_where_no_run_is_here(store: Store, registry: Registry, package: Package) -> None:
    registry.register("churn", package(store, requirements=["numpy==1.26.0", "scipy==1.0", "old==1"]))
    registry.register("churn", package(store, requirements=["numpy==2.0.0", "scipy==1.0", "new==1"]))
    found = autotrack.registry.diff("churn/1", "churn/2")["environment"]
    assert found.entries == (Entry("numpy", "1.26.0", "2.0.0"), Entry("old", "1", None), Entry("new", None, "1"))
    assert found.same == 1


def test_weights_of_one_architecture_differ_by_so_much(weighed: Callable[..., Diff]) -> None:
    one = np.arange(6, dtype="float32").reshape(2, 3)
    other = one.copy()
    other[1, 2] += 0.25
    weights = weighed(safetensors(w=one, b=one), safetensors(w=other, b=one))["weights"]
    assert weights.entries == (Entry("w", "F32 [2, 3]", "F32 [2, 3]", "max |Δ| 0.25"),)
    assert dict(weights.facts) == {"same_architecture": True, "max_abs_difference": 0.25}
    assert weights.same == 1


@pytest.mark.parametrize(
    ("one", "other", "largest"),
    [
        (np.array([1.0, np.nan]), np.array([1.5, np.nan]), 0.5),
        (np.array([1.0]), np.array([np.nan]), np.nan),
        (np.array([np.inf]), np.array([np.inf]), 0.0),
        (np.array([np.inf]), np.array([0.0]), np.inf),
        (np.array([0.0]), np.array([-0.0]), 0.0),
        (np.array([7, 8]), np.array([7, 11]), 3.0),
        (np.array([True]), np.array([False]), 1.0),
        (np.array([1.0], "float16"), np.array([2.0], "float16"), 1.0),
        (np.array([0x3F80], "uint16"), np.array([0x4000], "uint16"), 1.0),  # bfloat16: 1.0 and 2.0
        (np.zeros(0), np.zeros(0), 0.0),
    ],
)
def test_every_kind_of_number_is_compared(weighed: Callable[..., Diff], one: Any, other: Any, largest: float) -> None:
    found = dict(weighed(safetensors(w=one), safetensors(w=other, v=one[:0]))["weights"].facts)
    assert found["max_abs_difference"] is None  # `v` is only there
    again = dict(autotrack.registry.diff("net/1", "net/1")["weights"].facts)
    assert again == {"same_architecture": True, "max_abs_difference": 0.0}
    content = weighed(safetensors(w=other))["weights"]
    assert dict(content.facts)["max_abs_difference"] == pytest.approx(largest, nan_ok=True)


def test_tensors_of_another_shape_or_name_are_another_architecture(weighed: Callable[..., Diff]) -> None:
    one = np.zeros((2, 3), "float32")
    weights = weighed(safetensors(w=one, gone=one), safetensors(w=one.T, new=one))["weights"]
    assert [entry.key for entry in weights.entries] == ["w", "gone", "new"]
    assert dict(weights.facts) == {"same_architecture": False, "max_abs_difference": None}


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"short",
        struct.pack("<Q", 1 << 60) + b"{}",
        struct.pack("<Q", 2) + b"[]",
        struct.pack("<Q", 100_000) + b"[" * 100_000,
        struct.pack("<Q", 65) + b'{"w": {"dtype": "F32", "shape": [9], "data_offsets": [0, 1000]}} ',
        struct.pack("<Q", 62) + b'{"w": {"dtype": "F32", "shape": [9], "data_offsets": [0, 0]}} ',
        struct.pack("<Q", 63) + b'{"w": {"dtype": "F32", "shape": [-1], "data_offsets": [4, 0]}} ',
    ],
)
def test_weights_that_are_no_safetensors_are_told(weighed: Callable[..., Diff], content: bytes) -> None:
    with pytest.raises(ModelCorruptedError, match=r"'weights\.safetensors' of net/2 cannot be compared"):
        weighed(safetensors(w=np.zeros(3, "float32")), content)


def test_diff_is_shown_as_text_as_a_table_and_as_plain_values(
    store: Store, registry: Registry, package: Package
) -> None:
    registry.register("<b>churn", package(store, requirements=["a<script>==1"]))
    registry.register("<b>churn", package(store, requirements=["a<script>==2"]))
    found = autotrack.registry.diff("<b>churn/1", "<b>churn/2")
    assert "a<script>: 1 → 2" in str(found)
    table = found._repr_html_()
    assert "a&lt;script&gt;" in table
    assert "<script>" not in table
    assert "<b>churn" not in table
    plain = json.loads(json.dumps(found.to_dict()))
    assert plain["sections"]["environment"]["differs"] == [{"key": "a<script>", "a": "1", "b": "2", "note": ""}]
    assert plain["sections"]["files"]["size_bytes"]["a"] > 0


def test_what_is_not_there_is_told(registry: Registry) -> None:
    with pytest.raises(ModelNotFoundError):
        autotrack.registry.diff("churn/1", "churn/2")
    with pytest.raises(InvalidNameError):
        autotrack.registry.diff("churn@", "churn/2")
    registry.register("churn", registry.store.blobs.put(b"no manifest"))
    with pytest.raises(ModelCorruptedError, match="unreadable manifest"):
        autotrack.registry.diff("churn/1", "churn/1")
