"""A model as a package: one manifest and some files. Made here, sealed by this user, and written nowhere.

    pack      a live model becomes a package
    extend    a package becomes the one that is registered: bound to its name, with its lineage and further forms

loading.py gives the model back, folder.py lays a package out as plain files.
"""

import json
import sys
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from autotrack.model import environment, formats, origins, trust
from autotrack.model.manifest import FORMAT, Manifest, canonical, sha256
from autotrack.names import check_artifact_name

__all__ = ["Package", "extend", "pack"]


@dataclass(frozen=True)
class Package:
    """A model as bytes: the manifest, and each file's bytes by path."""

    manifest: bytes
    files: dict[str, bytes]

    @property
    def id(self) -> str:
        """SHA-256 of the manifest, which names each file by its own."""
        return sha256(self.manifest)


def pack(
    model: object,
    *,
    flavor: str | None = None,
    default: str = "pickle",
    name: str = "model",
    run_id: str | None = None,
    signature: Mapping[str, Any] | None = None,
    modules: Collection[str] = (),
    tensors: Mapping[str, Any] | None = None,
) -> Package:
    """Turn a model into a package, sealed by this user. The model stays as it is; nothing is written.

    Args:
        flavor: A key of `formats.FORMATS`; None: the one for this model.
        default: The flavor where no other one is for this model.
        name: What it is called within its run.
        signature: What its `inputs` and `outputs` were, each as `signature.describe` says it, or None.
        modules: Further modules it needs, beside those it is seen to need.
        tensors: Values to save in place of the model's own, by name, for a flavor that keeps weights apart.

    Raises:
        ModelSaveError: It cannot be pickled, or is too large.
    """
    name = check_artifact_name(name)
    if flavor is None:
        flavor = formats.find(model, default)
    saver: Any = formats.for_saving(flavor)
    saved: formats.Saved = saver.save(model) if tensors is None else saver.save(model, tensors=tensors)
    pins = environment.requirements((*saved.modules, *modules))
    files = {**saved.files, environment.FILE_NAME: "".join(f"{pin}\n" for pin in pins).encode()}
    content: dict[str, Any] = {
        "format": FORMAT,
        "flavor": flavor,
        "name": name,
        "run_id": run_id,
        "registered_as": None,
        "created_at": datetime.now(UTC).isoformat(),
        "model_class": saved.model_class,
        "files": _entries(files),
        "python": environment.python_minor(),
        "by_value": saved.by_value,
        "requirements": pins,
        "signature": None if signature is None else _plain(signature),
        "lineage": {},
        "autotrack": _own_version(),
    }
    if run_id is not None:
        origins.remember(model, run_id, name)
    return Package(_sealed(content), files)


def extend(
    manifest: bytes,
    *,
    registered_as: str,
    lineage: Mapping[str, Any],
    files: Mapping[str, bytes],
    facts: Mapping[str, Any],
) -> Package | None:
    """The package as it is registered: bound to a name, with what the model was made of, and further files.

    Args:
        lineage: Run, data, code and author, as plain values.
        files: Further files by path, such as a form that is data only.
        facts: Further fields of the manifest; those that are known stay.

    Returns:
        The new manifest, with the further files; None if neither this user nor somebody whose key they took in sealed
        the package: a seal of ours would vouch for it.
    """
    parsed = Manifest.parse(manifest)
    if trust.provenance(parsed.body, None if parsed.seal is None else dict(parsed.seal)) not in ("own", "believed"):
        return None
    content: dict[str, Any] = json.loads(parsed.body)
    known = {file.path for file in parsed.files}
    added = {path: data for path, data in files.items() if path not in known}
    content["signature"] = parsed.signature  # of format 1 it has another form
    given = {name: value for name, value in facts.items() if content.get(name) is None}
    content |= {
        "format": FORMAT,
        "registered_as": registered_as,
        **_plain({**given, "lineage": {**parsed.lineage, **lineage}}),
        "files": sorted([*content["files"], *_entries(added)], key=lambda entry: str(entry["path"])),
    }
    return Package(_sealed(content), added)


def _entries(files: Mapping[str, bytes]) -> list[dict[str, Any]]:
    return [
        {"path": check_artifact_name(path), "sha256": sha256(data), "size_bytes": len(data)}
        for path, data in sorted(files.items())
    ]


def _sealed(content: dict[str, Any]) -> bytes:
    return canonical({**content, "seal": trust.seal(canonical(content))})


def _plain(values: Mapping[str, Any]) -> dict[str, Any]:
    """As a reader will parse it, so that the seal is over the same bytes (keys that are no strings sort otherwise)."""
    plain: dict[str, Any] = json.loads(json.dumps(values, default=str))
    return plain


def _own_version() -> str:
    return str(
        getattr(sys.modules.get("autotrack"), "__version__", None)
        or environment.installed().get("autotrack", "unknown")
    )
