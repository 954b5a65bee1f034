"""Models as packages of plain files: save any, load safely. Knows no run, no registry and no network.

package = pack(model, name="model", run_id=run.id)        # bytes; the caller keeps them
model = unpack(package.manifest, read=blobs.get)          # own and unchanged, or an error
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from autotrack.errors import ModelSaveError
    from autotrack.model.environment import installed, requirements
    from autotrack.model.folder import load_folder, materialise
    from autotrack.model.loading import unpack
    from autotrack.model.manifest import Manifest
    from autotrack.model.package import Package, extend, pack
    from autotrack.model.quality import inspect, signature_of
    from autotrack.model.rows import overlap
    from autotrack.model.signature import describe

__all__ = [
    "Manifest",
    "ModelSaveError",
    "Package",
    "describe",
    "extend",
    "inspect",
    "installed",
    "load_folder",
    "materialise",
    "overlap",
    "pack",
    "requirements",
    "signature_of",
    "unpack",
]

_HOMES = {  # loaded on first use: what loads a model does not need what describes data
    "Manifest": "autotrack.model.manifest",
    "ModelSaveError": "autotrack.errors",
    "Package": "autotrack.model.package",
    "describe": "autotrack.model.signature",
    "extend": "autotrack.model.package",
    "inspect": "autotrack.model.quality",
    "installed": "autotrack.model.environment",
    "load_folder": "autotrack.model.folder",
    "materialise": "autotrack.model.folder",
    "overlap": "autotrack.model.rows",
    "pack": "autotrack.model.package",
    "requirements": "autotrack.model.environment",
    "signature_of": "autotrack.model.quality",
    "unpack": "autotrack.model.loading",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'autotrack.model' has no attribute {name!r}")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value
