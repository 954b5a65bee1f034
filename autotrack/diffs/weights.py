"""Whether two models have the same weights; of safetensors files by how much they differ, tensor by tensor.

Such a file is a header in JSON and the bytes of the tensors: reading it runs nothing. Imports numpy when called.
"""

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from autotrack.diffs.shown import Entry, Section
from autotrack.diffs.sides import Side
from autotrack.errors import ModelCorruptedError
from autotrack.model.manifest import File

__all__ = ["section"]

_ENDING = ".safetensors"
_NUMPY = {
    "F64": "<f8",
    "F32": "<f4",
    "F16": "<f2",
    "BF16": "<u2",
    "I64": "<i8",
    "I32": "<i4",
    "I16": "<i2",
    "I8": "<i1",
    "U64": "<u8",
    "U32": "<u4",
    "U16": "<u2",
    "U8": "<u1",
    "BOOL": "<u1",
}
_NO_WEIGHTS = ("requirements.txt",)
_CHUNK = 1 << 20  # numbers that are compared at once, as float64


@dataclass(frozen=True)
class _Tensor:
    dtype: str
    shape: tuple[int, ...]
    data: memoryview


def section(a: Side, b: Side) -> Section:
    """The section `weights`: entries are tensors that differ or are on one side only."""
    one, other = ({file.path: file for file in side.manifest.files} for side in (a, b))
    paths = [path for path in one if path.endswith(_ENDING) and path in other]
    if not paths:
        return _whole_files(one, other)
    entries: list[Entry] = []
    same, shapes_differ, largest = 0, False, 0.0
    for path in paths:
        if one[path].sha256 == other[path].sha256:
            same += len(_tensors(a, one[path]))
            continue
        for entry, delta in _compared(_tensors(a, one[path]), _tensors(b, other[path])):
            same += entry is None
            shapes_differ |= delta is None
            if entry is not None:
                entries.append(entry)
            if delta is not None and not largest >= delta:  # NaN stays
                largest = delta
    facts = (("same_architecture", not shapes_differ), ("max_abs_difference", None if shapes_differ else largest))
    note = "Another architecture: names, shapes or types of tensors differ." if shapes_differ else ""
    said = note or (f"The same architecture, max |Δ| {largest:.6g}." if entries else "The same weights.")
    return Section("weights", tuple(entries), same, (said,), facts)


def _whole_files(one: dict[str, File], other: dict[str, File]) -> Section:
    """Of other formats only whether the files are equal can be told without loading them."""
    both = [path for path in one if path in other and path not in _NO_WEIGHTS]  # registered ones also have other forms
    paths = both or [path for path in {**one, **other} if path not in _NO_WEIGHTS]
    hashes = {path: [side[path].sha256 if path in side else None for side in (one, other)] for path in paths}
    entries = tuple(Entry(path, before, after) for path, (before, after) in hashes.items() if before != after)
    note = "Other bytes; by how much is not told of this format." if entries else "The same bytes."
    facts = (("same_architecture", None if entries else True), ("max_abs_difference", None if entries else 0.0))
    return Section("weights", entries, len(paths) - len(entries), (note,), facts)


def _compared(one: dict[str, _Tensor], other: dict[str, _Tensor]) -> Iterator[tuple[Entry | None, float | None]]:
    """For each tensor what differs (None: nothing) and the largest difference (None: they are not of one kind)."""
    for name in {**one, **other}:
        before, after = one.get(name), other.get(name)
        if before is None or after is None or (before.dtype, before.shape) != (after.dtype, after.shape):
            yield Entry(name, _text(before), _text(after), "another kind of tensor"), None
            continue
        delta = 0.0 if before.data == after.data else _largest(before, after)
        if delta == 0.0:
            yield None, 0.0
        else:
            yield Entry(name, _text(before), _text(after), f"max |Δ| {delta:.6g}"), delta


def _largest(one: _Tensor, other: _Tensor) -> float:
    """The largest absolute difference; NaN if one has NaN where the other has a number, or the type is not known."""
    import numpy as np

    if one.dtype not in _NUMPY:
        return math.nan
    largest = 0.0
    pair = [np.frombuffer(side.data, _NUMPY[side.dtype]) for side in (one, other)]
    for start in range(0, len(pair[0]), _CHUNK):
        before, after = (_numbers(side[start : start + _CHUNK], one.dtype) for side in pair)
        unequal = (before != after) & ~(np.isnan(before) & np.isnan(after))
        with np.errstate(invalid="ignore", over="ignore"):
            delta = float(np.max(np.abs(before[unequal] - after[unequal]), initial=0.0))
        if math.isnan(delta):
            return delta
        largest = max(largest, delta)
    return largest


def _numbers(values: Any, dtype: str) -> Any:
    import numpy as np

    if dtype == "BF16":  # the upper half of a float32
        values = (values.astype("<u4") << 16).view("<f4")
    return values.astype(np.float64)


def _tensors(side: Side, file: File) -> dict[str, _Tensor]:
    """The tensors of a safetensors file, every place in it checked.

    Raises:
        ModelCorruptedError: It is none.
    """
    data = memoryview(side.read(file.sha256))
    try:
        begin = 8 + int.from_bytes(data[:8], "little")
        if len(data) < 8 or begin > len(data):
            raise ValueError("its header is longer than the file")
        found = {}
        for name, about in json.loads(bytes(data[8:begin])).items():
            if name == "__metadata__":
                continue
            start, end = about["data_offsets"]
            shape = tuple(int(length) for length in about["shape"])
            dtype = str(about["dtype"])
            if not 0 <= start <= end <= len(data) - begin:
                raise ValueError(f"the tensor {name!r} leads out of it")
            if dtype in _NUMPY and math.prod(shape) * int(_NUMPY[dtype][2]) != end - start:
                raise ValueError(f"the tensor {name!r} has another size than its shape says")
            found[name] = _Tensor(dtype, shape, data[begin + start : begin + end])
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError) as error:
        raise ModelCorruptedError(
            f"{file.path!r} of {side.label} cannot be compared: {error}.\n"
            "Expected a file in the safetensors format. Save the model again.",
            path=file.path,
        ) from None
    return found


def _text(tensor: _Tensor | None) -> str | None:
    return None if tensor is None else f"{tensor.dtype} {list(tensor.shape)}"
