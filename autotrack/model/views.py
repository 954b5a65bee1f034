"""Any X or y as tables of columns, without a copy of it.

Works by looking at the libraries that are already loaded. What cannot be seen from outside (generators, arrays on a
device, lazy frames, classes of the user's) is said to be so: nothing is iterated, converted, computed or waited for.
"""

import mmap
import sys
from collections.abc import Sequence
from types import ModuleType
from typing import Any

from autotrack.model.arrow_columns import arrow_column, polars_column
from autotrack.model.cells import UnseenError
from autotrack.model.columns import ArrayColumn, CategoryColumn, CellColumn, Column, ListColumn, MaskedColumn

__all__ = ["FAILURES", "Table", "failures", "tables_of"]

_MAX_BASES = 8  # views of views of an array that are followed to the file they may lie in
_SPARSE_PARTS = {
    **dict.fromkeys(("csr", "csc", "bsr"), ("data", "indices", "indptr")),
    "coo": ("data", "coords"),
    "dia": ("data", "offsets"),
    "lil": ("rows", "data"),
}

# What data raises that cannot be looked at the way its kind usually can.
FAILURES = (ArithmeticError, AttributeError, BufferError, LookupError, MemoryError, OSError, RuntimeError, TypeError,
            ValueError)  # fmt: skip


class Table:
    """Columns of the same length.

    Attributes:
        header: All that is not in the bytes: what it is, its shape.
        rows: How many rows the columns have.
        row_bytes: What one of them takes, about.
        names: Of the columns; None for what has none.
        is_on_disk: Whether reading it may mean reading a file.
    """

    __slots__ = ("columns", "header", "is_on_disk", "names", "row_bytes", "rows")

    def __init__(
        self,
        header: str,
        rows: int,
        columns: Sequence[Column],
        names: Sequence[Any] | None = None,
        is_on_disk: bool = False,
    ) -> None:
        self.header, self.rows, self.columns = header, rows, columns
        self.names, self.is_on_disk = names, is_on_disk
        self.row_bytes = columns[0].row_bytes if len(columns) == 1 else sum(column.row_bytes for column in columns)


def failures() -> tuple[type[Exception], ...]:
    """`FAILURES`, and what Polars raises, if it is loaded."""
    polars = sys.modules.get("polars.exceptions")
    return FAILURES if polars is None else (*FAILURES, polars.PolarsError)


def tables_of(data: Any) -> list[Table]:
    """The data as tables: one, or of a sparse matrix one for each of its arrays.

    Raises:
        UnseenError: Its content cannot be seen.
    """
    numpy = sys.modules.get("numpy")
    if numpy is not None and isinstance(data, numpy.ndarray):
        return [_array_table(data, numpy)]
    if isinstance(data, list | tuple):
        kind = "list" if isinstance(data, list) else "tuple"
        return [Table(kind, len(data), [ListColumn(data)])]
    for base in type(data).__mro__[:-1]:
        library = base.__module__.partition(".")[0]
        module = sys.modules.get(library)
        if module is not None and library in _LIBRARIES:
            found = _LIBRARIES[library](data, module)
            if found:
                return found
    raise UnseenError(f"objects of {type(data).__module__}.{type(data).__qualname__}")


def _array_table(data: Any, numpy: ModuleType) -> Table:
    """In C order, however it lies. What is contiguous is seen as one long column, of which any part can be taken."""
    masked = sys.modules.get("numpy.ma")
    if masked is not None and isinstance(data, masked.MaskedArray):
        return _masked_table(data, numpy)
    array = data if type(data) is numpy.ndarray else numpy.asarray(data)
    shape = array.shape
    if array.flags.c_contiguous or not shape:
        array = array.reshape(-1)
    return Table(f"ndarray {shape}", len(array), [ArrayColumn(array)], None, _is_on_disk(data))


def _is_on_disk(array: Any) -> bool:
    for _ in range(_MAX_BASES):
        array = array.obj if isinstance(array, memoryview) else getattr(array, "base", None)
        if array is None:
            return False
        if isinstance(array, mmap.mmap):
            return True
    return False


def _masked_table(data: Any, numpy: ModuleType) -> Table:
    values = numpy.asarray(data.data).reshape(-1) if not data.shape else numpy.asarray(data.data)
    mask = numpy.ma.getmaskarray(data).reshape(values.shape)

    def filled(start: int, stop: int) -> Any:
        part = values[start:stop].copy()
        part[mask[start:stop]] = numpy.zeros((), part.dtype)
        return part

    column = MaskedColumn(values.dtype.str, values.dtype.itemsize, filled, lambda start, stop: mask[start:stop])
    return Table(f"masked {data.shape}", len(values), [column])


def _pandas(data: Any, pandas: ModuleType) -> list[Table]:
    if isinstance(data, pandas.DataFrame):
        if hasattr(data, "_iter_column_arrays"):  # private; checked on pandas 1.5 to 3.1
            arrays = list(data._iter_column_arrays())
        else:
            arrays = [data.iloc[:, position].array for position in range(data.shape[1])]
        columns = [_pandas_column(array) for array in arrays]
        return [Table(f"pandas {data.shape}", len(data), columns, list(data.columns))]
    if isinstance(data, pandas.Series | pandas.Index):
        return [Table(f"pandas {data.shape}", len(data), [_pandas_column(data.array)])]
    return []


def _pandas_column(array: Any) -> Column:
    import numpy as np

    if type(array) is np.ndarray:
        return ArrayColumn(array)
    dtype = array.dtype
    kind, name = type(dtype).__name__, str(dtype)
    if kind in ("NumpyEADtype", "PandasDtype") or (kind == "StringDtype" and dtype.storage == "python"):
        return ArrayColumn(np.asarray(array))
    if kind == "CategoricalDtype":
        return _category_column(array)
    if hasattr(array, "asi8"):  # dates, with or without a time zone, differences, periods
        unit = getattr(array, "unit", None) or "ns"
        column = ArrayColumn(array.asi8.view(f"M8[{unit}]"))
        column.dtype = name
        return column
    if hasattr(dtype, "pyarrow_dtype") or kind == "StringDtype":
        return arrow_column(array.__arrow_array__(), name)
    if hasattr(dtype, "numpy_dtype") and hasattr(array, "_mask"):
        inner = dtype.numpy_dtype
        zero = np.zeros((), inner)[()]
        return MaskedColumn(
            name,
            inner.itemsize,
            lambda start, stop: array[start:stop].to_numpy(dtype=inner, na_value=zero),
            lambda start, stop: array[start:stop].isna(),
        )
    if type(array).__module__.startswith("pandas."):
        return CellColumn(name, lambda start, stop: list(array[start:stop]))
    raise UnseenError(f"columns of {name}")


def _category_column(array: Any) -> Column:
    categories = array.dtype.categories
    ordered = "ordered" if array.dtype.ordered else "unordered"
    return CategoryColumn(f"category {ordered}", _pandas_column(categories.array), len(categories), array.codes)


def _polars(data: Any, polars: ModuleType) -> list[Table]:
    if isinstance(data, polars.DataFrame):
        columns = [polars_column(series) for series in data.get_columns()]
        return [Table(f"polars {data.shape}", data.height, columns, data.columns)]
    if isinstance(data, polars.Series):
        return [Table(f"polars {data.shape}", len(data), [polars_column(data)])]
    return []


def _pyarrow(data: Any, pyarrow: ModuleType) -> list[Table]:
    if isinstance(data, pyarrow.Table | pyarrow.RecordBatch):
        columns = [arrow_column(column) for column in data.columns]
        return [Table(f"pyarrow {data.shape}", data.num_rows, columns, data.schema.names)]
    if isinstance(data, pyarrow.ChunkedArray | pyarrow.Array):
        return [Table(f"pyarrow ({len(data)},)", len(data), [arrow_column(data)])]
    return []


def _scipy(data: Any, scipy: ModuleType) -> list[Table]:
    """The arrays of a sparse matrix as they lie: nothing is sorted, summed or made dense."""
    if not hasattr(data, "format") or data.format not in _SPARSE_PARTS:
        return []
    numpy = sys.modules["numpy"]
    parts: list[Any] = []
    for name in _SPARSE_PARTS[data.format]:
        part = (data.row, data.col) if name == "coords" and not hasattr(data, name) else getattr(data, name)
        parts.extend(part if isinstance(part, tuple) else (part,))
    tables = [_array_table(part, numpy) for part in parts]
    tables[0].header = f"sparse {data.format} {data.shape} {tables[0].header}"
    return tables


def _torch(data: Any, torch: ModuleType) -> list[Table]:
    """A dense tensor in main memory. Reading one on a device would wait for the device."""
    if not isinstance(data, torch.Tensor):
        return []
    if data.device.type != "cpu" or data.layout != torch.strided:
        raise UnseenError(f"a tensor on {data.device.type}")
    array = data.detach()
    array = (array.view(torch.int16) if array.dtype == torch.bfloat16 else array).numpy()
    table = _array_table(array, sys.modules["numpy"])
    table.header = f"{data.dtype} {table.header}"
    return [table]


def _array_api_strict(data: Any, library: ModuleType) -> list[Table]:
    if not hasattr(data, "__dlpack_device__") or int(data.__dlpack_device__()[0]) != 1:  # 1 is the main memory
        return []
    numpy = sys.modules["numpy"]
    return [_array_table(numpy.from_dlpack(data), numpy)]


_LIBRARIES = {
    "pandas": _pandas,
    "polars": _polars,
    "pyarrow": _pyarrow,
    "scipy": _scipy,
    "torch": _torch,
    "array_api_strict": _array_api_strict,
}
