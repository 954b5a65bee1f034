"""A package as a folder of plain files, which any file manager shows and other tools read, MLflow among them.

A folder may come from anywhere. Of its files those are read that the manifest names, with the bytes it says they have;
none through a link, and nothing that is not a plain file.
"""

import os
import stat
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from autotrack.errors import ModelCorruptedError, ModelNotFoundError, ModelSaveError
from autotrack.model.loading import read_file, unpack
from autotrack.model.manifest import FILE_NAME, MOST_BYTES, Manifest
from autotrack.model.mlflow import mlflow_files

__all__ = ["load_folder", "materialise", "read_manifest"]


def materialise(manifest: bytes, read: Callable[[str], bytes], folder: str | os.PathLike[str]) -> Path:
    """Write a package as a folder: model.json, what it names, and what MLflow wants. Complete, or not there at all.

    Raises:
        ModelCorruptedError: A file is missing or has other bytes.
        ModelSaveError: The folder exists and is not empty.
    """
    import shutil

    target = Path(os.path.abspath(folder))
    parsed = Manifest.parse(manifest)
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise ModelSaveError(f"{str(target)!r} exists already.\nExpected a new or empty folder. Choose another name.")
    draft = target.with_name(f".{target.name[:100]}.{os.urandom(6).hex()}.tmp")
    files = mlflow_files(parsed)
    files |= {file.path: read_file(file, read) for file in parsed.files} | {FILE_NAME: manifest}
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        for name, data in files.items():
            path = draft.joinpath(*name.split("/"))
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        draft.rename(target)
    except OSError as error:
        raise ModelSaveError(
            f"The model was not written to {str(target)!r}: {error.strerror or error}.\n"
            "Expected a folder that can be made there, with room for its files. Choose another name."
        ) from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return target


def load_folder(folder: str | os.PathLike[str], *, trust: bool | str | None = None, module: object = None) -> object:
    """The model of a package that lies in a folder; see `unpack` for what is raised.

    Raises:
        ModelNotFoundError: There is no such folder, or no package in it.
    """
    manifest = read_manifest(folder)
    files = {file.sha256: file for file in Manifest.parse(manifest).files}

    def read(sha256: str) -> bytes:
        return _content(folder, files[sha256].path, files[sha256].size_bytes)

    return unpack(manifest, read, trust=trust, module=module)


def read_manifest(folder: str | os.PathLike[str]) -> bytes:
    """The manifest of a package that lies in a folder.

    Raises:
        ModelNotFoundError: There is none.
        ModelCorruptedError: It is no plain file, or too large to be one.
    """
    try:
        return _content(folder, FILE_NAME, MOST_BYTES)
    except (FileNotFoundError, NotADirectoryError):
        raise ModelNotFoundError(
            f"There is no model package at {os.fspath(folder)!r}.\nExpected a folder with a {FILE_NAME} in it. "
            "Write one with: autotrack models export"
        ) from None


def _content(folder: str | os.PathLike[str], path: str, most_bytes: int) -> bytes:
    """Of a file in a folder at most so many bytes, and one more to see that there are too many.

    Raises:
        ModelCorruptedError: A part of the path is a link, or the file is no plain one.
    """
    no_links = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC  # nor does a FIFO make us wait
    *parents, name = path.split("/")
    with ExitStack() as opened:
        where = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        opened.callback(os.close, where)
        try:
            for parent in parents:
                where = os.open(parent, no_links | os.O_DIRECTORY, dir_fd=where)
                opened.callback(os.close, where)
            descriptor = os.open(name, no_links, dir_fd=where)
        except FileNotFoundError:
            raise
        except OSError as error:  # ELOOP, ENOTDIR, ENXIO
            raise _no_file(folder, path, error.strerror or str(error)) from None
        file = opened.enter_context(os.fdopen(descriptor, "rb"))
        facts = os.fstat(descriptor)
        if not stat.S_ISREG(facts.st_mode):
            raise _no_file(folder, path, "it is a device, a pipe or a folder")
        data = file.read(min(most_bytes, facts.st_size) + 1)  # room is made for no more than there is
    if name == FILE_NAME and not parents and len(data) > most_bytes:
        raise _no_file(folder, path, f"it is larger than {most_bytes:,} bytes")
    return data


def _no_file(folder: str | os.PathLike[str], path: str, why: str) -> ModelCorruptedError:
    return ModelCorruptedError(
        f"{path!r} of the model package in {os.fspath(folder)!r} is not read: {why}.\n"
        "Expected a plain file, as it was written. Have it exported again by whoever has the store.",
        path=path,
    )
