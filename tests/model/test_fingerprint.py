"""A change in any cell changes the fingerprint, whatever the data is; equal data has equal ones, however it lies."""

import json
import mmap
import time
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import scipy.sparse as sp

from autotrack.model.fingerprint import SAMPLE_BYTES, SAMPLES, fingerprint

LARGE = SAMPLES * SAMPLE_BYTES  # bytes; beyond it data may be sampled
NO_TIME = 1e-9


def of(data: Any, **budget: float) -> str:
    found = fingerprint(data, **budget)
    assert "fingerprint" in found, found
    return str(found["fingerprint"])


def test_a_cell_far_down_is_seen() -> None:
    frame = pd.DataFrame({"n": np.arange(30_000), "s": [f"row {number}" for number in range(30_000)]})
    changed = frame.copy()
    changed.loc[20_000, "s"] = "another"
    assert of(changed) != of(frame)
    array = np.zeros(1_000_001)
    before = of(array)
    array[1_000_000] = 1
    assert of(array) != before


def test_fingerprint_is_tagged_by_how_it_was_made() -> None:
    assert of(np.zeros(3)).startswith("xxh3:")
    assert len(of(np.zeros(3))) == len("xxh3:") + 32


def test_equal_data_has_the_same_fingerprint_in_another_process(run_python: Any) -> None:
    make = """
        import json, sys
        import numpy as np, pandas as pd, polars as pl, pyarrow as pa, scipy.sparse as sp
        from autotrack.model.fingerprint import fingerprint
        frame = pd.DataFrame({
            "n": [1.5, None], "s": ["a", None], "o": [1, "x"], "c": pd.Categorical(["u", None]),
            "d": pd.to_datetime(["2020-01-01", None], utc=True), "i": pd.array([1, None], dtype="Int64"),
        })
        found = [fingerprint(data) for data in (
            frame, frame["o"], pl.DataFrame({"s": ["a", None], "c": pl.Series(["x", "y"], dtype=pl.Categorical)}),
            pa.table({"s": ["a", None]}), sp.csr_array(np.eye(3)), [[1, "a"], (2.5, None)], np.arange(10.0),
            np.array([{"a": {1, 2, 3}}, {"b", "c", "d"}], dtype=object),
        )]
        print(json.dumps(found))
    """
    first, second = run_python(make), run_python(make)
    assert first == second
    assert all("fingerprint" in found for found in first)


class Colour(Enum):
    RED = 1
    BLUE = 2


CHANGES: dict[str, tuple[Any, Any]] = {
    "bool": (np.array([True, False]), np.array([True, True])),
    "dtype": (np.array([1, 2], "i4"), np.array([1, 2], "u4")),
    "shape": (np.zeros((2, 3)), np.zeros((3, 2))),
    "byte order": (np.array([1, 256], "<i2"), np.array([1, 256], ">i2")),
    "text array": (np.array(["a", "b"]), np.array(["a", "c"])),
    "NumPy StringDType": tuple(np.array(["a", x], dtype=np.dtypes.StringDType()) for x in "bc"),
    "structured": tuple(np.array([(1, 2.0), (3, x)], dtype=[("a", "i2"), ("b", "f8")]) for x in (4, 5)),
    "structured, names": tuple(np.zeros(2, dtype=[("a", "i2"), (x, "f8")]) for x in "bc"),
    "structured with objects": tuple(np.array([(1, x)], dtype=[("a", "i2"), ("b", object)]) for x in "bc"),
    "empty": (np.zeros((0, 3)), np.zeros((0, 4))),
    "masked": (np.ma.masked_greater([1, 2, 3], 2), np.ma.masked_greater([1, 2, 3], 1)),
    "object": (np.array([1, "a", None], dtype=object), np.array([1, "a", 0], dtype=object)),
    "object of a type": (np.array([1], dtype=object), np.array([1.0], dtype=object)),
    "object 1 or True": (np.array([1], dtype=object), np.array([True], dtype=object)),
    "enum": (np.array([Colour.RED], dtype=object), np.array([Colour.BLUE], dtype=object)),
    "decimal": (np.array([Decimal("1.0")], dtype=object), np.array([Decimal("1.1")], dtype=object)),
    "arrays in cells": tuple(pd.Series([np.array([1, 2]), np.array([3, x])]) for x in (4, 5)),
    "pandas str": (pd.Series(["ab", "c"]), pd.Series(["a", "bc"])),
    "pandas str missing": (pd.Series(["a", None]), pd.Series(["a", ""])),
    "pandas python strings": tuple(pd.Series(["a", x], dtype=pd.StringDtype("python")) for x in "bc"),
    "pandas Arrow strings": tuple(pd.Series(["a", x], dtype="string[pyarrow]") for x in "bc"),
    "pandas Int64": (pd.Series([1, 0], dtype="Int64"), pd.Series([1, None], dtype="Int64")),
    "pandas boolean": (pd.Series([True, None], dtype="boolean"), pd.Series([True, False], dtype="boolean")),
    "pandas Arrow integers": tuple(pd.Series([1, x], dtype="int64[pyarrow]") for x in (0, None)),
    "date": (pd.Series(pd.to_datetime(["2020-01-01"])), pd.Series(pd.to_datetime(["2020-01-02"]))),
    "time zone": tuple(pd.Series(pd.to_datetime(["2020-01-01"]).tz_localize(x)) for x in ("UTC", "Europe/Berlin")),
    "difference": (pd.Series(pd.to_timedelta(["1s"])), pd.Series(pd.to_timedelta(["2s"]))),
    "period": (pd.Series(pd.period_range("2020", periods=1)), pd.Series(pd.period_range("2021", periods=1))),
    "interval": (pd.Series(pd.interval_range(0, 2)), pd.Series(pd.interval_range(1, 3))),
    "category": (pd.Series(["a", "b"], dtype="category"), pd.Series(["a", "a"], dtype="category")),
    "categories in another order": tuple(
        pd.Series(pd.Categorical(["a", "b"], categories=list(x))) for x in ("ab", "ba")
    ),
    "ordered categories": tuple(pd.Series(pd.Categorical(["a"], categories=["a"], ordered=x)) for x in (False, True)),
    "unused category": tuple(pd.Series(pd.Categorical(["a"], categories=list(x))) for x in ("a", "ab")),
    "renamed categories": tuple(pd.Series(pd.Categorical.from_codes([0], categories=[x])) for x in "ab"),
    "column name": (pd.DataFrame({"a": [1]}), pd.DataFrame({"b": [1]})),
    "type of column name": (pd.DataFrame({"0": [1]}), pd.DataFrame({0: [1]})),
    "columns in another order": (pd.DataFrame({"a": [1], "b": [1]}), pd.DataFrame({"b": [1], "a": [1]})),
    "repeated column names": tuple(pd.DataFrame([[1, x]], columns=["a", "a"]) for x in (1, 2)),
    "pandas sparse": tuple(pd.Series(pd.arrays.SparseArray([0, 0, x])) for x in (1, 2)),
    "rows in another order": (pd.DataFrame({"a": [1, 2]}), pd.DataFrame({"a": [2, 1]})),
    "Polars text": (pl.Series(["ab", "c"]), pl.Series(["a", "bc"])),
    "Polars missing text": (pl.Series(["a", None]), pl.Series(["a", ""])),
    "Polars missing": (pl.Series([1, None]), pl.Series([1, 0])),
    "Polars bool": (pl.Series([True, None]), pl.Series([True, False])),
    "Polars date": tuple(pl.Series(["2020-01-01", f"2020-01-0{x}"]).str.to_date() for x in (2, 3)),
    "Polars category": tuple(pl.Series(["a", x], dtype=pl.Categorical) for x in "bc"),
    "Polars list": (pl.Series([[1, 2], [3]]), pl.Series([[1], [2, 3]])),
    "Polars frame": (pl.DataFrame({"a": [1], "b": ["x"]}), pl.DataFrame({"a": [1], "b": ["y"]})),
    "Arrow text": (pa.array(["ab", "c"]), pa.array(["a", "bc"])),
    "Arrow missing text": (pa.array(["a", None]), pa.array(["a", ""])),
    "Arrow bool": (pa.array([True, False, None]), pa.array([True, True, None])),
    "Arrow decimal": (pa.array([Decimal("1.00")]), pa.array([Decimal("1.01")])),
    "Arrow dictionary": (pa.array(["a", "b"]).dictionary_encode(), pa.array(["a", "a"]).dictionary_encode()),
    "Arrow list": (pa.array([[1, 2], [3]]), pa.array([[1], [2, 3]])),
    "Arrow null": (pa.nulls(2), pa.nulls(3)),
    "Arrow table": (pa.table({"a": [1, None]}), pa.table({"a": [1, 0]})),
    "Arrow text view": (pa.array(["a"], pa.string_view()), pa.array(["b"], pa.string_view())),
    "CSR values": (sp.csr_array([[0, 1.0]]), sp.csr_array([[0, 2.0]])),
    "CSR places": (sp.csr_array([[0, 1.0]]), sp.csr_array([[1.0, 0]])),
    "CSR rows": (sp.csr_array([[1.0], [0]]), sp.csr_array([[0], [1.0]])),
    "CSC": (sp.csc_matrix([[0, 1.0]]), sp.csc_matrix([[1.0, 0]])),
    "COO": (sp.coo_array([[0, 1.0]]), sp.coo_array([[1.0, 0]])),
    "DIA": (sp.dia_array(np.eye(3)), sp.dia_array(np.eye(3, k=1))),
    "BSR": (sp.bsr_array(np.eye(4)), sp.bsr_array(np.eye(4)[::-1])),
    "LIL": (sp.lil_array(np.eye(3)), sp.lil_array(np.eye(3, k=1))),
    "list": ([1, 2], [1, 3]),
    "list or tuple": ([1, 2], (1, 2)),
    "nested list": ([[1, 2], [3, 4]], [[1, 2], [3, 5]]),
    "nested tuples": ([(1, 2)], [[1, 2]]),
    "deep list": ([[1, [2, [3]]]], [[1, [2, [4]]]]),
    "list of texts": (["ab", "c"], ["a", "bc"]),
    "list of arrays": ([np.zeros(2), np.ones(2)], [np.zeros(2), np.zeros(2)]),
    "list of NumPy numbers": ([np.float32(1), np.float32(2)], [np.float32(1), np.float32(3)]),
    "list of dicts": ([{"a": 1}], [{"a": 2}]),
    "ragged list": ([[1], [2, 3]], [[1, 2], [3]]),
}


@pytest.mark.parametrize(("first", "second"), CHANGES.values(), ids=CHANGES.keys())
def test_a_difference_is_seen(first: Any, second: Any) -> None:
    assert of(first) != of(second)
    assert of(first) == of(first)


def test_how_an_array_lies_in_memory_does_not_matter() -> None:
    plain = np.arange(600_000.0).reshape(20_000, 30)  # larger than one tile
    wide = np.zeros((20_000, 60))
    wide[:, ::2] = plain
    read_only = plain.copy()
    read_only.flags.writeable = False
    for same in (np.asfortranarray(plain), wide[:, ::2], plain[::-1].copy()[::-1], read_only, plain.view(np.matrix)):
        assert of(same) == of(plain)
    assert of(plain.reshape(20_000, 30, 1).transpose(2, 0, 1)) == of(plain[np.newaxis].copy())


def test_how_a_frame_lies_in_memory_does_not_matter() -> None:
    values = np.random.default_rng(0).normal(size=(40_000, 7))
    by_row = pd.DataFrame(values, columns=list("abcdefg"))
    by_column = pd.DataFrame({name: by_row[name].to_numpy().copy() for name in by_row})
    assert of(by_row) == of(by_column) == of(by_row.copy()) == of(by_row.set_axis(np.arange(40_000)[::-1]))


def test_chunks_and_offsets_of_arrow_do_not_matter() -> None:
    numbers = [None if value % 7 == 0 else value for value in range(100)]
    texts = [None if value % 5 == 0 else "x" * (value % 4) for value in range(100)]
    flags = [None if value % 3 == 0 else value % 2 == 0 for value in range(100)]
    whole = pa.table({"n": numbers, "t": texts, "b": flags, "d": pa.array(texts).dictionary_encode()})
    chunked = pa.concat_tables([whole.slice(0, 13), whole.slice(13, 0), whole.slice(13, 50), whole.slice(63)])
    assert of(chunked) == of(whole)
    plain = whole.drop_columns("d")
    assert of(plain.slice(9, 80)) == of(pa.table(plain.slice(9, 80).to_pydict(), schema=plain.schema))
    as_polars = pl.from_arrow(plain)
    assert of(pl.concat([as_polars[:13], as_polars[13:]], rechunk=False)) == of(as_polars)
    assert of(as_polars[9:20]) == of(as_polars[9:20].clone().rechunk())


def test_values_beneath_a_mask_do_not_matter() -> None:
    validity = pa.array([True, False, True]).buffers()[1]
    garbage = [pa.Array.from_buffers(pa.int64(), 3, [validity, pa.array([1, x, 3]).buffers()[1]]) for x in (5, 6)]
    assert of(garbage[0]) == of(garbage[1]) == of(pa.array([1, None, 3]))
    hidden = [pa.Array.from_buffers(pa.string(), 3, [validity, *pa.array(["a", x, "c"]).buffers()[1:]]) for x in "xy"]
    assert of(hidden[0]) == of(hidden[1]) == of(pa.array(["a", None, "c"]))
    masked = [pd.Series(pd.arrays.IntegerArray(np.array([1, x]), np.array([False, True]))) for x in (5, 6)]
    assert of(masked[0]) == of(masked[1])
    assert of(np.ma.array([1, 5], mask=[0, 1])) == of(np.ma.array([1, 6], mask=[0, 1]))


def test_padding_is_no_data() -> None:
    aligned = np.dtype([("a", "i1"), ("b", "f8")], align=True)
    first, second = np.zeros(3, aligned), np.full(3 * aligned.itemsize, 255, "u1").view(aligned)
    second["a"] = second["b"] = 0
    assert of(first) == of(second)
    clean = np.zeros(2, np.longdouble)
    dirty = np.full(2 * clean.itemsize, 170, "u1").view(np.longdouble)
    dirty[:] = 0
    assert of(clean) == of(dirty)
    assert of(np.nextafter(clean, np.longdouble(1))) != of(clean)


def test_a_view_of_a_subclass_runs_none_of_its_code() -> None:
    class Loud(np.ndarray):
        def __array_finalize__(self, obj: Any) -> None:
            if getattr(Loud, "is_set", False):
                pytest.fail("was called")

        def __getitem__(self, key: Any) -> NoReturn:
            pytest.fail("was called")

    class LoudList(list[Any]):
        def __getitem__(self, key: Any) -> NoReturn:
            pytest.fail("was called")

        def __iter__(self) -> NoReturn:
            pytest.fail("was called")

    loud = np.arange(4.0).view(Loud)
    Loud.is_set = True  # type: ignore[attr-defined]
    assert of(loud) == of(np.arange(4.0))
    assert of(LoudList([1, 2])) == of([1, 2])


class Opaque:
    def __iter__(self) -> NoReturn:
        pytest.fail("was iterated")

    def __repr__(self) -> NoReturn:
        pytest.fail("was printed")

    def __float__(self) -> NoReturn:
        pytest.fail("was converted")

    def __reduce__(self) -> NoReturn:
        pytest.fail("was pickled")


@pytest.mark.parametrize(
    "hide", [lambda x: x, lambda x: [x], lambda x: np.array([x, None], object)[:1], lambda x: pd.Series([x])]
)
def test_objects_that_cannot_be_seen_are_said_to_be_so_and_none_of_their_code_runs(hide: Any) -> None:
    found = fingerprint(hide(Opaque()))
    assert "Opaque" in found.pop("no_fingerprint")
    assert not found


def test_generators_are_not_begun() -> None:
    begun = []
    rows = (begun.append(number) for number in range(3))
    assert fingerprint(rows) == {"no_fingerprint": "objects of builtins.generator"}
    assert not begun


def test_a_list_that_holds_itself_has_no_fingerprint() -> None:
    knot: list[Any] = [1]
    knot.append(knot)
    assert fingerprint(knot) == {"no_fingerprint": "lists nested too deep"}


def test_lazy_frames_are_not_computed() -> None:
    lazy = pl.LazyFrame({"a": [1]}).map_batches(lambda _: pytest.fail("was computed"))
    assert "no_fingerprint" in fingerprint(lazy)


def test_sparse_data_is_neither_sorted_nor_made_dense() -> None:
    matrix = sp.csr_matrix((np.ones(2), np.array([3, 1]), np.array([0, 2])), shape=(1, 10_000_000_000))
    before = matrix.indices.copy()
    assert of(matrix).startswith("xxh3:")
    assert (matrix.indices == before).all()
    assert "_has_sorted_indices" not in vars(matrix)


def test_data_is_not_changed() -> None:
    frame = pd.DataFrame({"a": [1.0, None], "s": ["x", None], "c": pd.Categorical(["u", "v"])})
    before = frame.copy(deep=True)
    of(frame)
    pd.testing.assert_frame_equal(frame, before)
    masked = np.ma.array([1.0, 2.0])
    of(masked)
    assert masked.mask is np.ma.nomask


def test_large_data_is_sampled_where_the_budget_is_short() -> None:
    data = np.zeros(2 * LARGE // 8)
    full, sampled = fingerprint(data, budget_s=1), fingerprint(data, budget_s=NO_TIME)
    assert full["fingerprint"].startswith("xxh3:")
    assert "sampled" not in full
    assert sampled["fingerprint"].startswith("s64:")
    assert sampled["sampled"] is True
    data[-1] = data[0] = 1  # head and tail are always in the sample
    assert fingerprint(data, budget_s=NO_TIME) != sampled


def test_small_data_is_seen_in_full_however_short_the_budget() -> None:
    assert of(np.zeros(LARGE // 8), budget_s=NO_TIME).startswith("xxh3:")


def test_what_takes_too_long_is_sampled_after_all(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter(range(1_000_000))
    monkeypatch.setattr(time, "thread_time", lambda: float(next(clock)))
    texts = pd.Series([f"text {number}" for number in range(50_000)], dtype=object)
    found = fingerprint(texts, budget_s=0.5)
    assert found["sampled"] is True
    assert found == fingerprint(texts.copy(), budget_s=0.5)


@pytest.mark.parametrize(
    "make",
    [
        lambda values: pd.DataFrame({"a": values, "s": values.astype(str)}),
        lambda values: pl.DataFrame({"a": values, "s": values.astype(str)}),
        lambda values: pa.chunked_array([values[:1000], values[1000:]]),
        lambda values: np.stack([values, values], axis=1)[:, ::-1],
        lambda values: sp.csr_array(values.reshape(-1, 8)),
    ],
    ids=["pandas", "polars", "pyarrow", "strided", "sparse"],
)
def test_samples_are_the_same_for_equal_data(make: Any) -> None:
    values = np.arange(2 * LARGE // 8.0)
    first, second = make(values), make(values.copy())
    assert of(first, budget_s=NO_TIME) == of(second, budget_s=NO_TIME)
    assert of(first, budget_s=NO_TIME).startswith("s64:")


def test_data_in_a_file_is_sampled(tmp_path: Path) -> None:
    data = np.memmap(tmp_path / "data", "f8", "w+", shape=(2 * LARGE // 8, 1))
    data[:] = 1
    for seen in (data, np.asarray(data), data[10:], data.T):
        assert fingerprint(seen, budget_s=10)["sampled"] is True
    with (tmp_path / "data").open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
        array = np.frombuffer(mapped, "f8")
        assert fingerprint(array, budget_s=10)["sampled"] is True
        del array
    small = np.memmap(tmp_path / "small", "f8", "w+", shape=(100,))
    assert of(small) == of(np.zeros(100))


def test_very_wide_and_very_flat_data() -> None:
    frame = pd.DataFrame(np.zeros((3, 5000)))
    changed = frame.copy()
    changed.iloc[1, 4000] = 1
    assert of(frame) != of(changed)
    assert of(np.zeros((2, LARGE)), budget_s=NO_TIME).startswith("s64:")
    assert of(np.zeros((LARGE, 0))) != of(np.zeros((LARGE + 1, 0)))


def test_tensors_in_main_memory() -> None:
    torch = pytest.importorskip("torch")
    tensor = torch.arange(6.0).reshape(2, 3)
    assert of(tensor.clone().requires_grad_()) == of(tensor)
    assert of(tensor.T.contiguous().T) == of(tensor)
    assert of(tensor.to(torch.bfloat16)) != of(tensor.to(torch.float16))
    assert fingerprint(tensor.to("meta")) == {"no_fingerprint": "a tensor on meta"}


def test_array_api_arrays() -> None:
    strict = pytest.importorskip("array_api_strict")
    assert of(strict.asarray([1.0, 2.0])) != of(strict.asarray([1.0, 3.0]))


def test_fingerprints_import_no_library_of_data_frames(run_python: Any) -> None:
    loaded = run_python("""
        import json, sys
        import numpy as np
        from autotrack.model import inspect
        inspect(np.arange(6.0).reshape(2, 3)), inspect(["a", "b"], target="classifier"), inspect([[1, None]])
        import polars as pl
        inspect(pl.DataFrame({"a": [1.5, None], "s": ["x", None], "d": [None, True]}))
        inspect(pl.Series(["a", "b"]), target="classifier")
        print(json.dumps([name for name in ("pandas", "pyarrow") if name in sys.modules]))
    """)
    assert loaded == []


def test_every_fingerprint_is_plain_json() -> None:
    for data in (np.zeros(2), [object()], None, pd.DataFrame({"a": [1]})):
        found = fingerprint(data)
        assert json.loads(json.dumps(found)) == found
