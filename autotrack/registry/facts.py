"""What is known of the run a version came from: the run itself; where that is gone, or elsewhere, its package's word.

That is what was known when it was registered (`lineage` in the manifest). Gates and diffs read both in the form of a
row.
"""

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

from autotrack.errors import AutotrackError
from autotrack.model.manifest import MOST_BYTES, Manifest
from autotrack.types import Row
from autotrack.values import encode

if TYPE_CHECKING:
    from autotrack.registry.state import Version
    from autotrack.store import Store

__all__ = ["row_of_package", "run_of"]


def run_of(store: "Store", version: "Version") -> tuple[Row, bool]:
    """The row of the run of a version, and whether it is the run as it is now.

    An imported version never has a run of this store, whatever its file says: it has its package's word.
    """
    if version.run_id is not None and version.origin is None:
        row = store.rows([version.run_id]).get(version.run_id)
        if row is not None:
            return row, True
    try:
        return row_of_package(Manifest.parse(store.blobs.get(version.manifest, most_bytes=MOST_BYTES))), False
    except (AutotrackError, OSError):
        return cast(Row, {}), False


def row_of_package(manifest: Manifest) -> Row:
    """What a package says of its run, as far as it has the form of that; empty if it says nothing."""
    said = manifest.lineage
    row: dict[str, Any] = {}
    for key, value in _entries(said, "run").items():
        if key in ("name", "experiment") and isinstance(value, str):
            row[key] = value
    git = _entries(said, "git")
    if isinstance(git.get("commit"), str):
        row |= {"git_commit": git["commit"], "git_dirty": bool(git.get("dirty"))}
    if isinstance(said.get("author"), str):
        row["author"] = said["author"]
    encoded = {key: encode(value) for key, value in _entries(said, "params").items()}
    if encoded:
        row["params"] = {key: text for key, (text, _) in encoded.items()}
        row["param_types"] = {key: kind for key, (_, kind) in encoded.items()}
    metrics = {key: float(value) for key, value in _entries(said, "metrics").items() if _is_number(value)}
    if metrics:
        row["summary"] = {
            key: {"last": value, "min": value, "max": value, "last_step": 0, "count": 1}
            for key, value in metrics.items()
        }
    data = {name: json.dumps(text) for name, text in _entries(said, "data").items() if isinstance(text, dict)}
    if data:
        row["data"] = data
    return cast(Row, row)


def _entries(said: Mapping[str, Any], part: str) -> dict[str, Any]:
    found = said.get(part)
    return found if isinstance(found, dict) else {}


def _is_number(value: object) -> bool:
    return type(value) is float or (type(value) is int and value.bit_length() < 1024)
