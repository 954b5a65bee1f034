"""What data is said to be: kind, shape, dtypes, names, whatever the library, and never a value of it."""

import json
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import scipy.sparse as sp

from autotrack.model import describe
from autotrack.model.signature import MAX_NAMES


def test_arrays() -> None:
    assert describe(np.zeros((3, 2))) == {"kind": "ndarray", "shape": [3, 2], "dtype": "float64"}
    assert describe(np.array(["a", "b"])) == {"kind": "ndarray", "shape": [2], "dtype": "<U1"}
    records = describe(np.zeros(2, dtype=[("a", "i4"), ("b", "f8")]))
    assert records["dtype"] == "[('a', '<i4'), ('b', '<f8')]"


def test_memmap_is_told_from_an_array_in_memory(tmp_path: Path) -> None:
    data = np.memmap(tmp_path / "data", dtype="float32", mode="w+", shape=(4, 2))
    assert describe(data) == {"kind": "memmap", "shape": [4, 2], "dtype": "float32", "type": "numpy.memmap"}


def test_pandas() -> None:
    frame = pd.DataFrame({"age": [1, 2], "name": ["a", "b"]})
    said = describe(frame)
    assert (said["kind"], said["library"], said["shape"]) == ("dataframe", "pandas", [2, 2])
    assert said["names"] == ["age", "name"]
    assert said["dtypes"][0] == "int64"
    assert describe(frame["age"]) == {
        "kind": "series", "library": "pandas", "shape": [2], "dtype": "int64", "name": "age",
    }  # fmt: skip


def test_frame_with_repeated_and_numbered_columns() -> None:
    said = describe(pd.DataFrame(np.zeros((2, 3)), columns=[0, 0, "x"]))
    assert said["names"] == ["0", "0", "x"]


def test_subclass_of_a_data_frame_is_a_data_frame() -> None:
    class Shapes(pd.DataFrame):
        pass

    said = describe(Shapes({"a": [1]}))
    assert said["kind"] == "dataframe"
    assert said["type"].endswith("Shapes")


@pytest.mark.parametrize("make", [pd.DataFrame, pl.DataFrame, pa.table], ids=["pandas", "polars", "pyarrow"])
def test_frame_with_very_many_columns_stays_bounded(make: Any) -> None:
    said = describe(make({f"c{number}": [1.0] for number in range(5000)}))
    assert said["shape"] == [1, 5000]
    assert len(said["names"]) == len(said["dtypes"]) == MAX_NAMES


def test_polars() -> None:
    frame = pl.DataFrame({"a": [1, 2], "b": ["x", "y"]})
    assert describe(frame) == {
        "kind": "dataframe", "library": "polars", "shape": [2, 2], "names": ["a", "b"], "dtypes": ["Int64", "String"],
    }  # fmt: skip
    assert describe(frame["b"])["dtype"] == "String"
    assert describe(frame.lazy()) == {"kind": "lazyframe", "library": "polars"}


def test_pyarrow() -> None:
    table = pa.table({"a": [1, 2], "b": ["x", "y"]})
    assert describe(table)["dtypes"] == ["int64", "string"]
    assert describe(table["a"]) == {"kind": "series", "library": "pyarrow", "shape": [2], "dtype": "int64"}
    assert describe(pa.array([1.5]))["dtype"] == "double"


@pytest.mark.parametrize("make", [sp.csr_matrix, sp.csc_array, sp.coo_array])
def test_sparse_matrix_stays_sparse(make: Any) -> None:
    said = describe(make(([1.0], ([0], [2])), shape=(1_000_000, 1_000_000)))
    assert (said["kind"], said["shape"], said["stored"]) == ("sparse", [1_000_000, 1_000_000], 1)


def test_lists() -> None:
    assert describe([[1, 2], [3, 4]]) == {"kind": "list", "shape": [2, 2], "dtype": "int"}
    assert describe(["a text", "another"]) == {"kind": "list", "shape": [2], "dtype": "str"}
    assert describe(()) == {"kind": "tuple", "shape": [0]}
    assert describe([[]])["shape"] == [1, 0]


def test_other_things_are_described_by_their_type_and_shape() -> None:
    class Lazy:
        shape = (float("nan"), 3)
        dtype = "float32"

    said = describe(Lazy())
    assert said["shape"] == [None, 3]
    assert said["dtype"] == "float32"
    assert describe(None) == {"kind": "none"}
    assert describe({"a": [1], "b": [2]})["names"] == ["a", "b"]
    assert describe(7) == {"kind": "other", "type": "builtins.int"}


def test_object_that_cannot_be_iterated_copied_or_asked_for_its_shape() -> None:
    class Guarded:
        def __iter__(self) -> NoReturn:
            pytest.fail("was iterated")

        def __array__(self) -> NoReturn:
            pytest.fail("was copied")

        @property
        def shape(self) -> NoReturn:
            raise RuntimeError("not computed yet")

    assert describe(Guarded()) == {"kind": "other", "type": f"{__name__}.{Guarded.__qualname__}"}


def test_every_description_is_plain_json() -> None:
    wide = np.zeros(1, dtype=[(f"field{number}", "f8") for number in range(500)])
    for data in (wide, pd.Series([1], name=("a", 1)), pd.DataFrame({("a", "b"): [1]}), pl.Series([1]), [object()]):
        said = describe(data)
        assert json.loads(json.dumps(said)) == said
        assert len(json.dumps(said)) < 1000
