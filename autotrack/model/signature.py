"""What an X or y is: kind, shape, dtypes (with their categories), feature names. Not one value of it.

Works by looking at the libraries that are already loaded: data of a library that is not loaded cannot exist. Never
copies, iterates, densifies or computes the data. The result is plain JSON, bounded however wide the data is:

    {"kind": "dataframe", "library": "pandas", "shape": [150, 4], "names": ["sepal", …], "dtypes": ["float64", …]}
"""

import sys
from collections.abc import Iterable
from itertools import islice
from types import ModuleType
from typing import Any

__all__ = ["MAX_NAMES", "describe"]

MAX_NAMES = 1000  # columns listed by name and dtype; `shape` counts all of them
_MAX_TEXT = 200  # characters of one column name or dtype: structured and categorical dtypes can be pages long
_MAX_DIMENSIONS = 32
_MAX_CATEGORIES = 100  # of a column, and columns that list theirs; more are no categories but identifiers
_CATEGORICAL = ("CategoricalDtype", "Enum")  # pandas and Polars

_DTYPE_NAMES: dict[Any, str] = {}  # numpy's own str(dtype) takes longer than all the rest here


def describe(data: object) -> dict[str, Any]:
    """What `data` is, as plain JSON values.

    Args:
        data: Anything given to fit or predict. An unknown kind is described by its type and, if it has one, its shape.
    """
    numpy = sys.modules.get("numpy")
    if numpy is not None and _is(data, numpy, "ndarray"):
        return _ndarray(data, numpy)
    if data is None:
        return {"kind": "none"}
    if isinstance(data, (list, tuple)):
        return _list(data)
    library = type(data).__module__.partition(".")[0]
    if (module := sys.modules.get(library)) is not None and library in _LIBRARIES:
        described = _LIBRARIES[library](data, module)
    else:
        described = _subclass(data)
    return described if described is not None else _other(data)


def _ndarray(data: Any, numpy: ModuleType) -> dict[str, Any]:
    dtype = data.dtype
    name = _DTYPE_NAMES.get(dtype)
    if name is None:
        name = _text(dtype)
        if len(_DTYPE_NAMES) < MAX_NAMES:
            _DTYPE_NAMES[dtype] = name
    described: dict[str, Any] = {"kind": "ndarray", "shape": list(data.shape), "dtype": name}
    if type(data) is not numpy.ndarray:
        described["kind"] = "memmap" if _is(data, numpy, "memmap") else "ndarray"
        described["type"] = _type_name(data)
    return described


def _list(data: list[Any] | tuple[Any, ...]) -> dict[str, Any]:
    described: dict[str, Any] = {"kind": "list" if isinstance(data, list) else "tuple", "shape": [len(data)]}
    if len(data) > 0:
        first = data[0]
        if isinstance(first, (list, tuple)):
            described["shape"].append(len(first))
            first = first[0] if len(first) > 0 else None
        described["dtype"] = type(first).__name__
    return described


def _pandas(data: Any, pandas: ModuleType) -> dict[str, Any] | None:
    if _is(data, pandas, "DataFrame"):
        shown = data if data.shape[1] <= MAX_NAMES else data.iloc[:0, :MAX_NAMES]
        dtypes = list(shown.dtypes)
        return _frame("pandas", data.shape, shown.columns, dtypes) | _categories(shown.columns, dtypes)
    if _is(data, pandas, "Series"):
        return _series("pandas", len(data), data.name, data.dtype)
    return None


def _polars(data: Any, polars: ModuleType) -> dict[str, Any] | None:
    if _is(data, polars, "DataFrame"):
        return _frame("polars", data.shape, data.columns, data.dtypes) | _categories(data.columns, data.dtypes)
    if _is(data, polars, "Series"):
        return _series("polars", len(data), data.name, data.dtype)
    if _is(data, polars, "LazyFrame"):  # its shape and even its schema would have to be computed
        return {"kind": "lazyframe", "library": "polars"}
    return None


def _pyarrow(data: Any, pyarrow: ModuleType) -> dict[str, Any] | None:
    if _is(data, pyarrow, "Table") or _is(data, pyarrow, "RecordBatch"):
        shape = (data.num_rows, data.num_columns)
        return _frame("pyarrow", shape, data.schema.names, data.schema.types)
    if _is(data, pyarrow, "ChunkedArray") or _is(data, pyarrow, "Array"):
        return _series("pyarrow", len(data), None, data.type)
    return None


def _scipy(data: Any, scipy: ModuleType) -> dict[str, Any] | None:
    sparse = sys.modules.get("scipy.sparse")
    if sparse is None or not sparse.issparse(data):
        return None
    return {
        "kind": "sparse",
        "format": data.format,
        "shape": list(data.shape),
        "dtype": _text(data.dtype),
        "stored": int(data.nnz),
    }


_LIBRARIES = {"pandas": _pandas, "polars": _polars, "pyarrow": _pyarrow, "scipy": _scipy}


def _subclass(data: object) -> dict[str, Any] | None:
    """A class of another library (geopandas) or of the user that is a data frame all the same."""
    for base in type(data).__mro__[1:-1]:
        library = base.__module__.partition(".")[0]
        if library in _LIBRARIES and (module := sys.modules.get(library)) is not None:
            described = _LIBRARIES[library](data, module)
            if described is not None:
                return {**described, "type": _type_name(data)}
    return None


def _other(data: object) -> dict[str, Any]:
    described: dict[str, Any] = {"kind": "other", "type": _type_name(data)}
    try:
        shape = getattr(data, "shape", None)
        if isinstance(shape, (tuple, list)) and len(shape) <= _MAX_DIMENSIONS:
            # a lazy array (dask) has sizes that are not numbers yet: unknown, and not computed here
            described["shape"] = [size if type(size) is int else None for size in shape]
        if (dtype := getattr(data, "dtype", None)) is not None:
            described["dtype"] = _text(dtype)
        if "shape" not in described and isinstance(data, dict):
            described["names"] = [_text(key) for key in islice(data, MAX_NAMES)]
            described["shape"] = [len(data)]
    except (AttributeError, TypeError, ValueError, RuntimeError, LookupError):
        pass  # a property of somebody's own class: the type alone is said then
    return described


def _frame(library: str, shape: Iterable[int], names: Iterable[Any], dtypes: Iterable[Any]) -> dict[str, Any]:
    return {
        "kind": "dataframe",
        "library": library,
        "shape": [int(size) for size in shape],
        "names": [_text(name) for name in islice(names, MAX_NAMES)],
        "dtypes": [_text(dtype) for dtype in islice(dtypes, MAX_NAMES)],
    }


def _categories(names: Iterable[Any], dtypes: Iterable[Any]) -> dict[str, Any]:
    """The categories of columns whose type lists them, as part of the type; absent where there are none or too many."""
    found: dict[str, list[Any]] = {}
    for name, dtype in islice(zip(names, dtypes, strict=True), MAX_NAMES):
        if type(dtype).__name__ in _CATEGORICAL and len(found) < _MAX_CATEGORIES and len(dtype.categories) > 0:
            labels = dtype.categories[: _MAX_CATEGORIES + 1]
            labels = labels.to_list() if hasattr(labels, "to_list") else list(labels)
            are_plain = all(type(label) in (str, int, bool) and len(str(label)) <= _MAX_TEXT for label in labels)
            if are_plain and len(labels) <= _MAX_CATEGORIES:
                found[_text(name)] = labels
    return {"categories": found} if found else {}


def _series(library: str, length: int, name: object, dtype: object) -> dict[str, Any]:
    described = {"kind": "series", "library": library, "shape": [length], "dtype": _text(dtype)}
    if name is not None:
        described["name"] = _text(name)
    return described


def _is(data: object, module: ModuleType, name: str) -> bool:
    """isinstance, also while `module` is still being imported by another thread."""
    kind = getattr(module, name, None)
    return isinstance(kind, type) and isinstance(data, kind)


def _type_name(data: object) -> str:
    return f"{type(data).__module__}.{type(data).__qualname__}"


def _text(value: object) -> str:
    return str(value)[:_MAX_TEXT]
