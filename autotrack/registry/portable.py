"""A version as one file, from store to store: `export`, and `import_file`, which believes nothing.

    churn-3.autotrack     a plain zip, nothing in it compressed:
        version.json      name, number, tags, description, where it was registered first
        model.json        the manifest of the package, byte for byte: its seal and its lineage stay what they were
        files/model.pkl   the package's files

Whoever imports it is asked for trust by the same rules as in the store it came from. A file is read as hostile input:
every member must be one the manifest names, as large as it says and with its SHA-256, with nothing before, between or
behind them. All of it is verified before anything is kept.
"""

import contextlib
import hashlib
import json
import os
import stat
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from autotrack.errors import AutotrackError, DataError, ModelCorruptedError, ModelVersionError
from autotrack.model.manifest import FILE_NAME, MOST_BYTES, File, Manifest, canonical, sha256
from autotrack.model.package import extend
from autotrack.names import check_key, check_model_name
from autotrack.registry.archive import Archive
from autotrack.registry.forms import MOST_VERSIONS
from autotrack.registry.registry import Registry
from autotrack.types import ModelVersion

if TYPE_CHECKING:
    from autotrack.store import Store

__all__ = ["export", "import_file"]

_FORMAT = 1
_VERSION = "version.json"
_FILES = "files/"
_MAX_ABOUT_BYTES = 4 << 20  # of version.json


def export(store: "Store", reference: str, path: str | os.PathLike[str]) -> Path:
    """Write a version into one file. It appears whole, or not at all.

    Args:
        reference: `churn@champion`, `churn/3`, `churn`.
        path: A new file, or a folder, in which it is called `churn-3.autotrack`.

    Raises:
        ModelNotFoundError: There is no such version.
        ModelCorruptedError: A part of its package is missing or was changed.
        DataError: The file exists already, or cannot be written.
    """
    registry = Registry(store)
    version = registry.resolve(reference)
    target = Path(os.path.abspath(os.path.expanduser(path)))
    if target.is_dir():
        target /= f"{version.name}-{version.version}.autotrack"
    if os.path.lexists(target):
        raise DataError(f"{str(target)!r} exists already.\nExpected a new file. Choose another name.", path=target)
    draft = target.with_name(f".{os.urandom(8).hex()}.tmp")
    try:
        with _new(draft, target) as file:
            _write(file, store, registry, version)
            file.flush()
            os.fsync(file.fileno())
        os.rename(draft, target)
    finally:
        draft.unlink(missing_ok=True)
    return target


def import_file(
    store: "Store", path: str | os.PathLike[str], name: str | None = None, *, by: str | None = None
) -> ModelVersion:
    """Register the version in a file as the next one of its model; one that is here already stays as it is.

    Args:
        name: What the model is to be called here. None: as it was. A package is sealed together with the name it was
            registered under: one that this user trusts is sealed anew, another one stays as it is.

    Raises:
        DataError: There is no such file, or it cannot be read.
        ModelCorruptedError: The file is not what `export` wrote; nothing was kept.
        ModelVersionError: It was written by a newer autotrack.
        InvalidNameError: The model cannot be called so.
    """
    with _opened(path) as file:
        archive = Archive(file, os.fspath(path))
        about = _about(archive)
        data = archive.read(FILE_NAME, MOST_BYTES)
        manifest = Manifest.parse(data)
        archive.check_names([_VERSION, FILE_NAME, *(_FILES + each.path for each in manifest.files)])
        for each in manifest.files:
            archive.check(_FILES + each.path, each.size_bytes, each.sha256)
        name = check_model_name("model name", about["name"] if name is None else name)
        if name != manifest.registered_as and manifest.registered_as is not None:
            renamed = extend(data, registered_as=name, lineage={}, files={}, facts={})
            data = data if renamed is None else renamed.manifest
        registry = Registry(store)
        if (known := registry.holding(name, sha256(data))) is not None:
            return known
        for each in manifest.files:
            store.blobs.put(_read_again(archive, each))
    store.blobs.put(data)
    return registry.register(
        name,
        sha256(data),
        run_id=about["run_id"],
        tags=about["tags"],
        description=about["description"],
        by=by,
        origin=about["origin"],
    )


def _write(file: IO[bytes], store: "Store", registry: Registry, version: ModelVersion) -> None:
    data = _blob(store, FILE_NAME, version.manifest)
    first = registry.origin_of(version) or {
        "store": store.store_id,
        "name": version.name,
        "version": version.version,
        "created_at": version.created_at.isoformat(),
        "created_by": version.created_by,
    }
    about = {
        "format": _FORMAT,
        "name": version.name,
        "version": version.version,
        "tags": dict(version.tags),
        "description": version.description,
        "run_id": version.run_id,
        "origin": first,
        "exported_at": datetime.now(UTC).isoformat(),
    }
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        for member, content in ((_VERSION, canonical(about)), (FILE_NAME, data)):
            archive.writestr(_member(member), content)
        for each in Manifest.parse(data).files:
            archive.writestr(_member(_FILES + each.path), _blob(store, each.path, each.sha256))


def _new(draft: Path, target: Path) -> IO[bytes]:
    try:
        return open(draft, "xb")
    except OSError as error:
        raise DataError(
            f"{str(target)!r} cannot be written: {error.strerror or error}.\n"
            "Expected a new file, in a folder that is there and can be written to. Choose another place.",
            path=target,
        ) from error


def _member(name: str) -> zipfile.ZipInfo:
    """With no time in it: the same version gives the same members."""
    member = zipfile.ZipInfo(name)
    member.external_attr = (stat.S_IFREG | 0o644) << 16
    return member


def _blob(store: "Store", path: str, name: str) -> bytes:
    try:
        return store.blobs.get(name)
    except OSError as error:
        raise ModelCorruptedError(
            f"The version was not exported: {path!r} cannot be read. {error}", path=path
        ) from error


@contextlib.contextmanager
def _opened(path: str | os.PathLike[str]) -> Iterator[IO[bytes]]:
    """A plain file, opened without waiting for anybody who might write into it.

    Raises:
        DataError: There is no such file, or it cannot be read.
        ModelCorruptedError: It is a folder, a pipe, a device.
    """
    try:
        found = os.stat(path)
        no_waiting = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC
        descriptor = os.open(path, no_waiting) if stat.S_ISREG(found.st_mode) else None
    except OSError as error:
        raise DataError(
            f"{os.fspath(path)!r} cannot be read: {error.strerror or error}.\n"
            "Expected a file that was made with: autotrack models export",
            path=path,
        ) from error
    if descriptor is not None:
        with open(descriptor, "rb") as file:
            if stat.S_ISREG(os.fstat(descriptor).st_mode):
                yield file
                return
    kind = "a folder" if stat.S_ISDIR(found.st_mode) else "a pipe, a socket or a device"
    raise ModelCorruptedError(
        f"{os.fspath(path)!r} is {kind}.\nExpected a file that was made with: autotrack models export", path=path
    )


def _about(archive: Archive) -> dict[str, Any]:
    """What version.json says, each part of the form it must have."""
    try:
        found = json.loads(archive.read(_VERSION, _MAX_ABOUT_BYTES))
        number = found["format"]
        if type(number) is int and number > _FORMAT:
            raise ModelVersionError(
                f"{archive.path!r} has format {number}, written by a newer autotrack.\n"
                f"Expected format {_FORMAT}. Upgrade with: pip install --upgrade autotrack",
                format=number,
            )
        tags = {check_key("tag", key): text for key, text in dict(found["tags"]).items()}
        origin = {key: found["origin"][key] for key in ("store", "name", "version", "created_at", "created_by")}
        numbers = (number, origin.pop("version"))
        texts = (found["name"], found["description"], *tags.values(), *origin.values())
        is_run = found["run_id"] is None or type(found["run_id"]) is str
        if not (is_run and all(type(text) is str for text in texts)):
            raise TypeError("a text is no text")
        if not all(type(each) is int and 0 < each < MOST_VERSIONS for each in numbers):
            raise TypeError("a number is no number")
        return {
            "name": found["name"],
            "description": found["description"],
            "tags": tags,
            "run_id": found["run_id"],
            "origin": {**origin, "version": numbers[1]},
        }
    except AutotrackError:
        raise
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError) as error:
        raise archive.broken(f"its {_VERSION} cannot be read ({error})") from None


def _read_again(archive: Archive, file: File) -> bytes:
    """The bytes that are kept, checked once more: the file may have been changed meanwhile."""
    data = archive.read(_FILES + file.path, file.size_bytes)
    if hashlib.sha256(data).hexdigest() != file.sha256:
        raise archive.broken(f"{file.path!r} was changed while it was read")
    return data
