"""The points of a metric as callers get them: numpy arrays that look like sequences of Python values.

Making a million ints, floats and datetimes takes a third of a second; each is made when it is looked at.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Any, Generic, TypeVar, overload

from autotrack.store.journal import NO_EPOCH
from autotrack.types import History, to_datetime

__all__ = ["history_of"]

_T = TypeVar("_T")


class Column(Sequence[_T], Generic[_T]):
    """An array, and what makes a Python value of one of its items. `numpy.asarray` gives the array itself.

    Args:
        convert: Of an item as `tolist()` gives it; None: that is the value.
        dtype: Of the array that numpy gets, if it is another one (times are kept as microseconds).
    """

    def __init__(self, array: Any, convert: Callable[[Any], _T] | None = None, dtype: str | None = None) -> None:
        self._array = array
        self._convert = convert
        self._dtype = dtype

    def __len__(self) -> int:
        return len(self._array)

    @overload
    def __getitem__(self, index: int) -> _T: ...

    @overload
    def __getitem__(self, index: slice) -> "Column[_T]": ...

    def __getitem__(self, index: int | slice) -> "_T | Column[_T]":
        if isinstance(index, slice):
            return Column(self._array[index], self._convert, self._dtype)
        item: Any = self._array[index].item()
        return item if self._convert is None else self._convert(item)

    def __iter__(self) -> Iterator[_T]:
        items: list[Any] = self._array.tolist()
        return iter(items) if self._convert is None else map(self._convert, items)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Sequence) or isinstance(other, str | bytes):
            return NotImplemented
        return len(self) == len(other) and all(mine == theirs for mine, theirs in zip(self, other, strict=True))

    __hash__ = None  # type: ignore[assignment]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        import numpy as np

        array = self._array if self._dtype is None else self._array.view(self._dtype)
        return np.array(array, dtype=dtype, copy=True) if copy else np.asarray(array, dtype=dtype)

    def __repr__(self) -> str:
        return repr(list(self))


def history_of(steps: Any, epochs: Any, times: Any, values: Any) -> History:
    """The history of numpy arrays that are sorted already.

    Args:
        steps: int64.
        epochs: int64; NO_EPOCH where there is none.
        times: int64, microseconds since 1970.
        values: float64.
    """
    return History(
        Column(steps),
        Column[int | None](epochs, _epoch),
        Column[datetime](times, to_datetime, "datetime64[us]"),
        Column(values),
    )


def _epoch(number: int) -> int | None:
    return None if number == NO_EPOCH else number
