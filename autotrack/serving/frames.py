"""Columns and arrays of the libraries a model may have been fitted with, made of checked Python values.

pandas, Polars and Arrow are told apart by name; only the one that is needed is imported, and the model has done that.
"""

import sys
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from autotrack.model.conform import Problem, kind_of
from autotrack.serving.refusal import misfit

__all__ = ["array_of", "as_sent", "as_trained", "column", "of_array", "of_columns"]


def of_array(library: str, names: Sequence[str], array: Any) -> Any:
    """A frame of columns of one dtype."""
    if library == "pandas":
        import pandas as pd

        return pd.DataFrame(array, columns=list(names), copy=False)
    return of_columns(library, names, [_plain_column(library, name, array[:, at]) for at, name in enumerate(names)])


def of_columns(library: str, names: Sequence[str], columns: Sequence[Any]) -> Any:
    """A frame of columns that `column` has made."""
    if library == "pandas":
        import pandas as pd

        frame = pd.DataFrame(dict(enumerate(columns)), copy=False)
        frame.columns = pd.Index(list(names))
        return frame
    if library == "polars":
        import polars as pl

        return pl.DataFrame(list(columns))
    import pyarrow as pa

    return pa.Table.from_arrays(list(columns), names=list(names))


def as_sent(names: Sequence[str], columns: Sequence[Sequence[Any]]) -> Any:
    """A pandas frame with the dtypes that pandas finds."""
    import pandas as pd

    frame = pd.DataFrame({at: pd.Series(list(values)) for at, values in enumerate(columns)})
    frame.columns = pd.Index(list(names))
    return frame


def column(library: str, name: str, dtype: str, cells: list[Any], categories: Sequence[Any] | None) -> Any:
    """One column of a dtype.

    Args:
        categories: The recorded ones; None: those that are among the cells.
    """
    if categories is not None and (unseen := {*cells} - {*categories, None}):
        shown = ", ".join(repr(each) for each in list(categories)[:8])
        raise misfit(Problem(name, f"one of {shown}", ", ".join(sorted(map(repr, unseen))[:8])))
    if library == "pandas":
        return _pandas_column(dtype, cells, categories)
    if library == "polars":
        return _polars_column(name, dtype, cells, categories)
    import pyarrow as pa

    if kind_of(dtype) == "categories":
        return pa.array(cells).dictionary_encode()
    if kind_of(dtype) == "dates":
        cells = [None if cell is None else datetime.fromisoformat(cell) for cell in cells]
    return pa.array(cells).cast(pa.type_for_alias(dtype))


def _pandas_column(dtype: Any, cells: list[Any], categories: Sequence[Any] | None) -> Any:
    import numpy as np
    import pandas as pd

    kind = kind_of(dtype)
    if kind == "categories":
        return pd.Categorical(cells, categories=None if categories is None else list(categories))
    if kind == "dates":
        return pd.Series(pd.to_datetime(cells, format="ISO8601", utc="," in dtype)).astype(dtype)
    if kind == "durations":
        return pd.Series(pd.to_timedelta(cells)).astype(dtype)
    if kind is None or kind == "objects":
        return pd.Series(cells, dtype=object)
    is_numpy = dtype.isalnum() and dtype.islower() and kind != "texts"
    if is_numpy and None in cells and kind != "numbers":  # NumPy's integers and booleans cannot be missing
        return np.array(cells, dtype=float if kind == "integers" else object)
    return np.array(cells, dtype=dtype) if is_numpy else pd.array(cells, dtype=dtype)


def _polars_column(name: str, dtype: str, cells: list[Any], categories: Sequence[Any] | None) -> Any:
    import polars as pl

    kind = kind_of(dtype)
    if kind == "dates":
        cells = [None if cell is None else datetime.fromisoformat(cell) for cell in cells]
        unit = next((unit for unit in ("ms", "us", "ns") if f"'{unit}'" in dtype), "us")
        made = pl.Series(name, cells, dtype=pl.Datetime(unit))  # type: ignore[arg-type]
        return made.cast(pl.Date) if dtype == "Date" else made
    if categories is not None:
        return pl.Series(name, cells, dtype=pl.Enum(list(categories)))
    return pl.Series(name, cells, dtype=getattr(pl, dtype.partition("(")[0], None))


def _plain_column(library: str, name: str, values: Any) -> Any:
    if library == "polars":
        import polars as pl

        return pl.Series(name, values)
    import pyarrow as pa

    return pa.array(values)


def array_of(values: list[Any], kind: str | None) -> Any:
    """Checked cells as a flat array; null among numbers is NaN."""
    import numpy as np

    if kind == "numbers" or (kind == "integers" and None in values):
        return np.array(values, dtype=float)
    if kind in ("integers", "booleans") and None not in values:
        return np.array(values)
    return np.fromiter(values, dtype=object, count=len(values))


def as_trained(array: Any, dtype: str, expected: Mapping[str, Any]) -> Any:
    """The array with the recorded dtype, as a tensor where tensors were.

    Raises:
        OverflowError: A number is too large for it.
    """
    if expected.get("type") == "torch.Tensor":
        torch = sys.modules["torch"]
        tensor = torch.from_numpy(array)
        made = tensor.to(getattr(torch, dtype.removeprefix("torch.")))
        is_changed = not torch.equal(made.to(tensor.dtype), tensor)
        if is_changed and (kind_of(dtype) == "integers" or (made.is_floating_point() and made.isinf().any())):
            raise OverflowError(f"a number is too large for {dtype}")
        return made
    kind = kind_of(dtype)
    if kind == "integers" and array.dtype.kind in "iu":
        made = array.astype(dtype if expected["kind"] not in ("list", "tuple") else "int64", copy=False)
        if (made != array).any():
            raise OverflowError(f"a number is too large for {dtype}")
        return made
    if kind == "numbers":
        return array.astype(dtype if dtype.islower() and dtype != "float" else "float64", copy=False)
    return array.astype(dtype) if kind == "dates" and expected["kind"] == "ndarray" else array
