"""Parts of a record, each said in a line: data, a model's package, the command that was run."""

import os
import shlex
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from autotrack.errors import AutotrackError

if TYPE_CHECKING:
    from autotrack.model.manifest import Manifest
    from autotrack.store import Store

__all__ = ["command_text", "data_text", "local_time", "package_facts", "size_text"]

_MOST_NAMES = 8  # of columns, requirements and the like that one line shows


def data_text(found: Mapping[str, Any]) -> str:
    """`DataFrame 426 × 31, float64` and whatever else is known."""
    rest = dict(found)
    kind, shape, dtype = (rest.pop(key, None) for key in ("kind", "shape", "dtype"))
    if kind == "other":  # its class says more: a torch.Tensor, whose dtype is a torch.float32
        library, _, kind = str(rest.pop("type", kind)).rpartition(".")
        dtype = dtype and str(dtype).removeprefix(f"{library}.")
    size = " × ".join(str(length) for length in shape) if isinstance(shape, Sequence) else None
    known = [" ".join(str(word) for word in (kind, size) if word), dtype]
    more = [f"{key}: {_few(value)}" for key, value in rest.items() if value not in (None, [], {})]
    return ", ".join(str(part) for part in [*known, *more] if part)


def package_facts(store: "Store", manifest_sha: str) -> dict[str, Any]:
    """What a model's package is; of one that cannot be read, why."""
    from autotrack.model.manifest import MOST_BYTES, Manifest

    try:
        manifest = Manifest.parse(store.blobs.get(manifest_sha, most_bytes=MOST_BYTES))
    except AutotrackError as error:
        return {"damaged": str(error)}
    sizes = sum(file.size_bytes for file in manifest.files)
    facts = {
        "class": manifest.model_class,
        "input": _signature_text(manifest, "inputs"),
        "output": _signature_text(manifest, "outputs"),
        "size": f"{size_text(sizes)} in {', '.join(file.path for file in manifest.files)}",
        "needs": ", ".join([f"Python {manifest.python}", *manifest.requirements]),
        "data-only form": _data_only_text(manifest.data_only),
        "sealed": None if manifest.seal else "no: whoever loads it must say trust=",
        "package": manifest.id,
    }
    return {name: text for name, text in facts.items() if text is not None}


def _signature_text(manifest: "Manifest", part: str) -> str | None:
    found = dict((manifest.signature or {}).get(part) or {})
    if len(set(found.get("dtypes", ()))) == 1:
        found["dtype"] = found.pop("dtypes")[0]
    if "shape" in found:  # how many rows there were is no matter
        found["shape"] = ["rows", *found["shape"][1:]]
    return data_text(found) or None


def _data_only_text(data_only: Mapping[str, Any] | None) -> str | None:
    """Whether others can load it without trusting whoever made it; nothing of a model that is not registered."""
    if data_only is None:
        return None
    return ", ".join(data_only["files"]) if data_only.get("files") else f"none: {data_only.get('reason', 'unknown')}"


def command_text(argv: Sequence[str]) -> str:
    """A command line as one would type it; of the interpreter the name is enough."""
    return shlex.join([os.path.basename(argv[0]), *argv[1:]]) if argv else ""


def size_text(size_bytes: int) -> str:
    """`791 bytes`, `14.0 MB`."""
    if size_bytes < 1000:
        return f"{size_bytes} bytes"
    size = float(size_bytes)
    for unit in ("kB", "MB", "GB"):
        size /= 1000
        if size < 999.5:
            return f"{size:.1f} {unit}"
    return f"{size / 1000:.1f} TB"


def local_time(moment: Any) -> str:
    """An aware datetime as the wall clock here showed it, to the second."""
    return str(moment.astimezone().strftime("%Y-%m-%d %H:%M:%S"))


def _few(value: Any) -> str:
    if not isinstance(value, list | dict):
        return str(value)
    names = (
        [f"{key} {item}" for key, item in value.items()] if isinstance(value, dict) else [str(item) for item in value]
    )
    shown = ", ".join(names[:_MOST_NAMES])
    return shown if len(names) <= _MOST_NAMES else f"{shown} and {len(names) - _MOST_NAMES} more"
