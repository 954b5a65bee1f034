"""safetensors: named tensors as bytes, and back. Data only: reading a file runs nothing.

The format is written here, not by its library, so that saving a model needs nothing beside torch and copies each
tensor once (the library: twice, and torch.save: twice). Files are those of the library, byte order of tensors included.

    8 bytes  length of the header
    header   JSON: {"name": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}, …, "__metadata__": {…}}
    bytes    of all tensors, one after another, without holes
"""

import json
import math
from collections.abc import Mapping
from typing import Any

from autotrack.errors import ModelCorruptedError

__all__ = ["can_hold", "dump", "pairs", "parse", "texts"]

_NOTES = "__metadata__"
_COMPLEX = "autotrack.complex"  # names of tensors whose dtype the format lacks: pairs of real numbers in the file
_MAX_HEADER_BYTES = 100_000_000  # as in the library
_DTYPES = {
    "BOOL": "bool", "U8": "uint8", "I8": "int8", "I16": "int16", "U16": "uint16", "I32": "int32", "U32": "uint32",
    "I64": "int64", "U64": "uint64", "F16": "float16", "BF16": "bfloat16", "F32": "float32", "F64": "float64",
    "F8_E4M3": "float8_e4m3fn", "F8_E5M2": "float8_e5m2", "C64": "complex64",
}  # fmt: skip


def can_hold(tensor: Any) -> bool:
    """Whether its dtype can be written."""
    return tensor.dtype.is_complex or str(tensor.dtype).removeprefix("torch.") in _DTYPES.values()


def dump(tensors: Mapping[str, Any], notes: Mapping[str, str]) -> bytes:
    """The tensors as a file, whatever their device and strides.

    Args:
        notes: Texts that go with them.
    """
    import torch

    names = {dtype: name for name, dtype in _DTYPES.items()}
    header: dict[str, Any] = {}
    chunks: list[Any] = []
    in_pairs: list[str] = []
    end = 0
    for name, live in sorted(tensors.items(), key=lambda item: (-item[1].element_size(), item[0])):  # all lie aligned
        tensor = live.detach().cpu().resolve_conj().resolve_neg()
        if tensor.dtype.is_complex and tensor.dtype != torch.complex64:
            tensor = torch.view_as_real(tensor)
            in_pairs.append(name)
        tensor = tensor.contiguous()
        start, end = end, end + tensor.numel() * tensor.element_size()
        dtype = names[str(tensor.dtype).removeprefix("torch.")]
        header[name] = {"dtype": dtype, "shape": list(tensor.shape), "data_offsets": [start, end]}
        flat: Any = tensor.reshape(-1).view(torch.uint8).numpy()
        chunks.append(memoryview(flat))
    header[_NOTES] = {**notes, **({_COMPLEX: json.dumps(in_pairs)} if in_pairs else {})}
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return b"".join((len(text).to_bytes(8, "little"), text, *chunks))


def parse(data: bytes) -> tuple[dict[str, Any], dict[str, str]]:
    """The tensors of a file, each with memory of its own on the CPU, and its notes.

    Raises:
        ModelCorruptedError: It is not such a file.
    """
    import numpy as np
    import torch

    header, start = _header(data)
    notes = header.pop(_NOTES, {})
    if not isinstance(notes, dict) or any(type(value) is not str for value in notes.values()):
        raise _broken("its notes are no texts")
    tensors: dict[str, Any] = {}
    expected = 0
    for name, dtype, shape, first, last in sorted(_entries(header), key=lambda entry: entry[3:]):
        kind = getattr(torch, _DTYPES[dtype], None)
        if kind is None:
            raise _broken(f"{name!r} has the dtype {dtype}, which this torch does not know")
        if first != expected or last - first != math.prod(shape) * kind.itemsize or start + last > len(data):
            raise _broken(f"the bytes of {name!r} are not where its shape says")
        expected = last
        flat = torch.empty(last - first, dtype=torch.uint8)
        flat.numpy()[:] = np.frombuffer(data, "u1", last - first, start + first)
        tensors[name] = flat.view(kind).reshape(shape)
    if start + expected != len(data):
        raise _broken("bytes of it belong to no tensor")
    for name in texts(notes.pop(_COMPLEX, "[]")):
        if name not in tensors or tensors[name].dim() == 0 or tensors[name].shape[-1] != 2:
            raise _broken(f"{name!r} is not complex")
        tensors[name] = torch.view_as_complex(tensors[name])
    return tensors, notes


def texts(note: str) -> list[str]:
    """A note that is a list of texts."""
    found = _note(note)
    if not isinstance(found, list) or any(type(item) is not str for item in found):
        raise _broken("a note of it is no list of names")
    return found


def pairs(note: str) -> dict[str, str]:
    """A note that gives texts by name."""
    found = _note(note)
    if not isinstance(found, dict) or any(type(item) is not str for item in found.values()):
        raise _broken("a note of it is no table of names")
    return found


def _note(note: str) -> Any:
    try:
        return json.loads(note)
    except (ValueError, RecursionError):
        return None


def _header(data: bytes) -> tuple[dict[str, Any], int]:
    """What it says of its tensors, and where their bytes begin."""
    size = int.from_bytes(data[:8], "little")
    if len(data) < 8 or size > min(len(data) - 8, _MAX_HEADER_BYTES):
        raise _broken("it is too short")
    try:
        header: Any = json.loads(data[8 : 8 + size], object_pairs_hook=_once)
    except (ValueError, RecursionError) as error:
        raise _broken(f"its header is not JSON ({error})") from None
    if not isinstance(header, dict):
        raise _broken("its header is no JSON object")
    return header, 8 + size


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name stands there twice")
    return found


def _entries(header: Mapping[str, Any]) -> list[tuple[str, str, list[int], int, int]]:
    entries: list[tuple[str, str, list[int], int, int]] = []
    for name, said in header.items():
        found: Any = said if isinstance(said, dict) else {}
        dtype, shape, offsets = (found.get(key) for key in ("dtype", "shape", "data_offsets"))
        if not (
            isinstance(dtype, str)
            and dtype in _DTYPES
            and _is_numbers(shape)
            and _is_numbers(offsets)
            and len(offsets) == 2
        ):
            raise _broken(f"what it says of {name!r} has another form")
        entries.append((name, dtype, shape, offsets[0], offsets[1]))
    return entries


def _is_numbers(value: Any) -> bool:
    # 2 ** 48 is more than any machine has of anything, and few of them multiplied stay far from where torch overflows.
    return isinstance(value, list) and all(type(item) is int and 0 <= item < 1 << 48 for item in value)


def _broken(why: str) -> ModelCorruptedError:
    return ModelCorruptedError(
        f"The weights of this model cannot be read: {why}.\n"
        "Expected a file in the safetensors format. Restore it from a copy of the store, or save the model again."
    )
