"""A model as a package: one manifest and some files, and back. Complete and unchanged, or an error.

`pack` makes bytes and writes nothing; `unpack` reads through a function it is given; `materialise` lays a package
out as a folder of plain files. Where the bytes lie between is the caller's business.

Loading goes in this order, and nothing of the package runs before its last step: manifest readable, sealed by this
user or trusted by the caller, every file's bytes as they were saved, Python able to read it, then the format's loader.
"""

import json
import os
import pickle
import sys
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

from autotrack.errors import (
    AutotrackError,
    ConfigError,
    ModelCorruptedError,
    ModelSaveError,
    ModelVersionError,
    UntrustedModelError,
)
from autotrack.guard import tell_once
from autotrack.model import environment, formats, trust
from autotrack.model.manifest import FILE_NAME, FORMAT, File, Manifest, canonical, sha256
from autotrack.names import check_artifact_name

__all__ = ["Package", "materialise", "pack", "unpack"]

_REQUIREMENTS = "requirements.txt"
_SHOWN_DIFFERENCES = 5  # of versions, in the warning; the first ones are enough to see what kind of machine it was
# What unpickling raises when classes are gone, moved or of another version.
_LOAD_FAILURES = (
    pickle.UnpicklingError,
    AttributeError,
    EOFError,
    ImportError,
    LookupError,
    RuntimeError,
    TypeError,
    ValueError,
)


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
    name: str = "model",
    run_id: str | None = None,
    signature: Mapping[str, Any] | None = None,
    modules: Collection[str] = (),
    tensors: Mapping[str, Any] | None = None,
) -> Package:
    """Turn a model into a package, sealed by this user. The model stays as it is; nothing is written.

    Args:
        flavor: A key of `formats.FORMATS`; None: the one for this model.
        name: What it is called within its run.
        signature: What its X and y were, as `signature.describe` says it.
        modules: Further modules it needs, beside those it is seen to need.
        tensors: Values to save in place of the model's own, by name, for a flavor that keeps weights apart.

    Raises:
        ModelSaveError: It cannot be pickled, or is too large.
    """
    name = check_artifact_name(name)
    if flavor is None:
        flavor = formats.find(model)
    saver: Any = formats.for_saving(flavor)
    saved: formats.Saved = saver.save(model) if tensors is None else saver.save(model, tensors=tensors)
    pins = environment.requirements((*saved.modules, *modules))
    files = {**saved.files, _REQUIREMENTS: "".join(f"{pin}\n" for pin in pins).encode()}
    content: dict[str, Any] = {
        "format": FORMAT,
        "flavor": flavor,
        "name": name,
        "run_id": run_id,
        "created_at": datetime.now(UTC).isoformat(),
        "model_class": saved.model_class,
        "files": [
            {"path": path, "sha256": sha256(data), "size_bytes": len(data)} for path, data in sorted(files.items())
        ],
        "python": environment.python_minor(),
        "by_value": saved.by_value,
        "requirements": pins,
        "signature": None if signature is None else _plain(signature),
        "autotrack": _own_version(),
    }
    content["seal"] = trust.seal(canonical(content))
    return Package(canonical(content), files)


def unpack(
    manifest: bytes,
    read: Callable[[str], bytes],
    *,
    trust: bool | str | None = None,
    module: object = None,
) -> object:
    """The model of a package.

    Args:
        read: Gives the bytes of a file by its SHA-256.
        trust: True: load it whoever made it. `"sha256:<package id>"`: load it if it is exactly this package.
            None: only if this user made it.
        module: An object to load weights into, for flavors that keep weights apart; nothing of the package runs then.

    Raises:
        UntrustedModelError: Somebody else made it, or it was changed.
        ModelCorruptedError: A file is missing or has other bytes.
        ModelVersionError: This Python, or what is installed here, cannot load it.
    """
    parsed = Manifest.parse(manifest)
    if module is None:
        _check_trust(parsed, trust)
    loader = formats.for_loading(parsed.flavor)
    if module is not None:
        return _load_weights(parsed, loader, read, module)
    files = {file.path: _read(file, read) for file in parsed.files}
    _check_python(parsed)
    differences = _warn_of_differences(parsed)
    try:
        return loader.load(files.__getitem__)
    except AutotrackError:
        raise
    except _LOAD_FAILURES as error:
        raise _not_loadable(parsed, error, differences) from error


def materialise(manifest: bytes, read: Callable[[str], bytes], folder: str | os.PathLike[str]) -> Path:
    """Write a package as a folder of plain files: model.json and what it names. Complete, or not there at all.

    Raises:
        ModelCorruptedError: A file is missing or has other bytes.
        ModelSaveError: The folder exists and is not empty.
    """
    import shutil

    target = Path(os.path.abspath(folder))
    parsed = Manifest.parse(manifest)
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise ModelSaveError(f"{str(target)!r} exists already.\nExpected a new or empty folder. Choose another name.")
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = target.with_name(f".{target.name[:100]}.{os.urandom(6).hex()}.tmp")
    try:
        for file in parsed.files:
            path = draft.joinpath(*file.path.split("/"))
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(_read(file, read))
        (draft / FILE_NAME).write_bytes(manifest)
        draft.rename(target)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return target


def _read(file: File, read: Callable[[str], bytes]) -> bytes:
    try:
        data = read(file.sha256)
    except (OSError, LookupError) as error:
        why = (str(error) or repr(error)).partition("\n")[0].rstrip(".")
        raise ModelCorruptedError(
            f"File {file.path!r} of this model cannot be read: {why}.\n"
            f"Expected {file.size_bytes:,} bytes with SHA-256 {file.sha256}. Restore them from a copy of the store.",
            path=file.path,
        ) from error
    if len(data) != file.size_bytes or sha256(data) != file.sha256:
        raise ModelCorruptedError(
            f"File {file.path!r} of this model was changed: it has {len(data):,} bytes with SHA-256 {sha256(data)}.\n"
            f"Expected {file.size_bytes:,} bytes with SHA-256 {file.sha256}. Restore them from a copy of the store.",
            path=file.path,
            expected=file.sha256,
            found=sha256(data),
        )
    return data


def _check_trust(parsed: Manifest, given: bool | str | None) -> None:
    if given is True:
        return
    if isinstance(given, str):
        if not given.startswith("sha256:"):
            raise ConfigError(f"Invalid trust={given!r}.\nExpected True, None or 'sha256:' and the id of a package.")
        if given.removeprefix("sha256:").lower() == parsed.id:
            return
        raise UntrustedModelError(
            f"This is not the package you trust: it is sha256:{parsed.id}.\nExpected {given}. "
            "Find out why it was replaced before you trust it.",
            package=parsed.id,
        )
    origin = trust.provenance(parsed.body, None if parsed.seal is None else dict(parsed.seal))
    if origin != "own":
        raise _untrusted(parsed, origin)


def _untrusted(parsed: Manifest, origin: str) -> UntrustedModelError:
    sealed_by = "" if parsed.seal is None else parsed.seal["key"][:16]
    who = {
        "foreign": f"it is sealed by another key, {sealed_by!r}",
        "changed": "its manifest was changed after you sealed it",
        "unsealed": "it has no seal, so nobody knows who made it",
    }[origin]
    files = ", ".join(f"{file.path!r} ({file.size_bytes:,} bytes)" for file in parsed.files[:10])
    loader = formats.FORMATS.get(parsed.flavor, "unknown")
    return UntrustedModelError(
        f"This model was not loaded: {who}. Its loader ({loader}) would unpickle {files}, "
        f"which runs any code its maker put there. It says it is a {parsed.model_class!r} of run {parsed.run_id!r}.\n"
        f"Expected a package sealed by your own key ({trust.fingerprint() or 'you have none yet'}). "
        f"If you know who made it, load it with trust='sha256:{parsed.id}' (these very bytes) or trust=True."
        + _weights_advice(parsed),
        package=parsed.id,
        origin=origin,
        key=sealed_by,
    )


def _check_python(parsed: Manifest) -> None:
    here = environment.python_minor()
    if parsed.by_value and parsed.python != here:
        raise ModelVersionError(
            f"This model was saved with Python {parsed.python} and holds code of the script that made it; "
            f"this is Python {here}.\n"
            f"Expected Python {parsed.python}: byte code of one minor version can crash another. Load it there, or "
            "move its classes and functions from the script into a module you import, and save it again."
            + _weights_advice(parsed),
            saved=parsed.python,
            here=here,
        )


def _warn_of_differences(parsed: Manifest) -> str:
    differences = [str(difference) for difference in environment.compare(parsed.requirements)]
    if parsed.python != environment.python_minor():
        differences.insert(0, f"Python {parsed.python} (here {environment.python_minor()})")
    if not differences:
        return ""
    said = ", ".join(differences[:_SHOWN_DIFFERENCES])
    if len(differences) > _SHOWN_DIFFERENCES:
        said += f" and {len(differences) - _SHOWN_DIFFERENCES} more"
    tell_once(
        f"model.versions:{parsed.id}",
        f"The model {parsed.model_class} was saved with {said}. It may behave otherwise here; "
        f"its {_REQUIREMENTS} lists what it was made with.",
    )
    return said


def _not_loadable(parsed: Manifest, error: Exception, differences: str) -> ModelVersionError:
    missing = (
        f"module {error.name!r} to be importable"
        if isinstance(error, ImportError) and error.name
        else "the same classes"
    )
    saved_with = f" It was saved with {differences}." if differences else ""
    return ModelVersionError(
        f"The model {parsed.model_class} cannot be loaded here: {type(error).__name__}: {error}.{saved_with}\n"
        f"Expected {missing}, as where it was saved. Install what its {_REQUIREMENTS} lists, and put the project's own "
        f"modules on the Python path.{_weights_advice(parsed)}",
        error=error,
    )


def _weights_advice(parsed: Manifest) -> str:
    keeps_apart = parsed.flavor in formats.FORMATS and hasattr(formats.for_loading(parsed.flavor), "load_into")
    return " Its weights alone load into a module of yours, and run nothing: module=…" if keeps_apart else ""


def _load_weights(parsed: Manifest, loader: formats.Format, read: Callable[[str], bytes], module: object) -> object:
    load_into = getattr(loader, "load_into", None)
    if load_into is None:
        raise ConfigError(
            f"A model of flavor {parsed.flavor!r} cannot be loaded into a module: its weights are not kept apart.\n"
            "Expected no `module` here. Leave it out."
        )
    by_path = {file.path: file for file in parsed.files}
    return cast(object, load_into(lambda path: _read(by_path[path], read), module))


def _plain(signature: Mapping[str, Any]) -> object:
    """As a reader will parse it, so that the seal is over the same bytes (keys that are no strings sort otherwise)."""
    return json.loads(json.dumps(signature, default=str))


def _own_version() -> str:
    return str(
        getattr(sys.modules.get("autotrack"), "__version__", None)
        or environment.installed().get("autotrack", "unknown")
    )
