"""Models as packages of plain files: save any, load safely. Knows no run, no registry and no network.

package = pack(model, name="model", run_id=run.id)        # bytes; the caller keeps them
model = unpack(package.manifest, read=blobs.get)          # own and unchanged, or an error
"""

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
