"""A package as a folder of plain files, which any file manager shows and other tools read."""

import os
from collections.abc import Callable
from pathlib import Path

from autotrack.errors import ModelSaveError
from autotrack.model.loading import read_file
from autotrack.model.manifest import FILE_NAME, Manifest

__all__ = ["materialise"]


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
            path.write_bytes(read_file(file, read))
        (draft / FILE_NAME).write_bytes(manifest)
        draft.rename(target)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return target
