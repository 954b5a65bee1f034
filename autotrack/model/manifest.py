"""model.json: what a package is made of. Written as canonical JSON, so that its SHA-256 is the package's id.

    {"format": 2, "flavor": "sklearn", "name": "model", "run_id": "0199…", "registered_as": "churn",
     "created_at": "2026-11-24T17:00:00+00:00", "python": "3.11", "by_value": false,
     "model_class": "sklearn.linear_model._logistic.LogisticRegression", "requirements": ["numpy==2.4.6", …],
     "files": [{"path": "model.pkl", "sha256": "…", "size_bytes": 828}], "signature": {"inputs": {…}, "outputs": {…}},
     "lineage": {"data": {"X": {…}}, "git": {…}}, "autotrack": "0.1.0", "seal": {"key": "…", "hmac": "…"}}

A manifest is data from outside until its seal was checked: `Manifest.parse` believes nothing. To change the
format: add a field that old readers may ignore, or raise FORMAT and keep reading the old one. Format 1 had no
`registered_as` and no `lineage`, and its signature was that of the inputs.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from autotrack.errors import InvalidNameError, ModelCorruptedError, ModelVersionError
from autotrack.names import check_artifact_name

__all__ = ["FILE_NAME", "FORMAT", "MOST_BYTES", "File", "Manifest", "canonical", "sha256"]

FORMAT = 2
FILE_NAME = "model.json"  # of the manifest itself, in a package laid out as a folder
MOST_BYTES = 32 << 20  # of a manifest: that of a thousand columns takes 100 kB
_SHA256 = re.compile(r"[0-9a-f]{64}")
_MAX_SIZE_BYTES = 1 << 62  # of a file: what any operating system can count
_MOST_TEXT = 500  # characters of a class or a requirement
_DESCRIBED = {  # of a signature, what somebody reads
    **dict.fromkeys(("kind", "library", "type", "format", "dtype", "name"), str),
    **dict.fromkeys(("shape", "names", "dtypes"), list),
    "categories": dict,
}


@dataclass(frozen=True)
class File:
    """One file of a package: its relative path, and the bytes it must have."""

    path: str
    sha256: str
    size_bytes: int


@dataclass(frozen=True)
class Manifest:
    """A parsed manifest.

    Attributes:
        id: SHA-256 of the manifest's bytes.
        format: The number of the format it was written in.
        registered_as: The name it was registered under; None: it is the model of a run, as that kept it.
        python: Minor version that wrote it, as "3.11".
        by_value: The files hold byte code, which only this Python minor can read.
        seal: Fingerprint of a key and an HMAC under it; None when the writer had no key.
        signature: What its `inputs` and `outputs` are, each as `signature.describe` says it, or None.
        lineage: What it was made of: data, code, author.
        data_only: The `files` of a form that is loaded without running code, or the `reason` why there is none; None:
            nobody has tried to make one.
        body: What the seal is made over: all of the manifest but the seal.
    """

    id: str
    format: int
    flavor: str
    name: str
    run_id: str | None
    registered_as: str | None
    created_at: str
    model_class: str
    files: tuple[File, ...]
    python: str
    by_value: bool
    requirements: tuple[str, ...]
    signature: Mapping[str, Any] | None
    lineage: Mapping[str, Any]
    data_only: Mapping[str, Any] | None
    seal: Mapping[str, str] | None
    body: bytes = field(repr=False)

    @classmethod
    def parse(cls, data: bytes) -> "Manifest":
        """Read a manifest.

        Raises:
            ModelVersionError: Its format is newer than this autotrack.
            ModelCorruptedError: It is not a manifest.
        """
        content = _json(data)
        number = content.get("format")
        if type(number) is int and number > FORMAT:
            raise ModelVersionError(
                f"This model package has format {number}, written by a newer autotrack ({content.get('autotrack')}).\n"
                f"Expected format {FORMAT} or older. Upgrade with: pip install --upgrade autotrack",
                format=number,
            )
        if type(number) is not int or number < 1:
            raise _broken(f"its format is {number!r}")
        seal = content.pop("seal", None)
        if seal is not None and not (
            isinstance(seal, dict) and all(type(seal.get(part)) is str for part in ("key", "hmac"))
        ):
            raise _broken("its seal has another form")
        return cls(
            id=sha256(data),
            format=number,
            flavor=_text(content, "flavor"),
            name=_text(content, "name"),
            run_id=_text_or_none(content, "run_id"),
            registered_as=_text_or_none(content, "registered_as"),
            created_at=_text(content, "created_at"),
            model_class=_shown(_text(content, "model_class")),
            files=_files(content),
            python=_shown(_text(content, "python")),
            by_value=content.get("by_value") is not False,  # when in doubt, the careful answer
            requirements=tuple(map(_shown, _texts(content, "requirements"))),
            signature=_signature(content, number),
            lineage=lineage if isinstance(lineage := content.get("lineage"), dict) else {},
            data_only=_data_only(content.get("data_only")),
            seal=seal,
            body=canonical(content),
        )


def canonical(content: Mapping[str, Any]) -> bytes:
    """JSON in the one form that is hashed and sealed: sorted keys, no spaces, ASCII."""
    return json.dumps(content, sort_keys=True, separators=(",", ":"), default=str).encode("ascii")


def sha256(data: bytes) -> str:
    """The hash that names files and packages."""
    return hashlib.sha256(data).hexdigest()


def _json(data: bytes) -> dict[str, Any]:
    try:
        content = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise _broken(f"it is not JSON ({error})") from None
    if not isinstance(content, dict):
        raise _broken("it is no JSON object")
    return content


def _files(content: Mapping[str, Any]) -> tuple[File, ...]:
    entries = content.get("files")
    if not isinstance(entries, list) or not entries:
        raise _broken("it lists no files")
    files = tuple(_file(entry) for entry in entries)
    names = {_on_any_disk(file.path) for file in files} | {FILE_NAME}
    if len(names) != len(files) + 1:
        raise _broken("it names a file twice")
    inside = next((name for name in names if any(parent in names for parent in _parents(name))), None)
    if inside is not None:
        raise _broken(f"it names {inside!r}, and the folder of that as a file")
    return files


def _on_any_disk(path: str) -> str:
    """The path as the least exact file system takes it: without case, composed, without dots and spaces at an end."""
    if not path.isascii():
        from unicodedata import normalize

        path = normalize("NFC", normalize("NFC", path).casefold())
    return "/".join(part.rstrip(". ") for part in path.lower().split("/"))


def _parents(path: str) -> list[str]:
    parts = path.split("/")
    return ["/".join(parts[:end]) for end in range(1, len(parts))]


def _file(entry: object) -> File:
    if not isinstance(entry, dict):
        raise _broken("an entry of its files has another form")
    path, digest, size = entry.get("path"), entry.get("sha256"), entry.get("size_bytes")
    try:
        inside = check_artifact_name(path)
    except InvalidNameError:
        raise _broken(f"the file path {path!r} leads outside of the package") from None
    if not (type(digest) is str and _SHA256.fullmatch(digest) and type(size) is int and 0 <= size < _MAX_SIZE_BYTES):
        raise _broken(f"file {path!r} has no valid SHA-256 and size")
    return File(inside, digest, size)


def _text(content: Mapping[str, Any], key: str) -> str:
    value = content.get(key)
    if type(value) is not str:
        raise _broken(f"{key!r} is {value!r}, not a string")
    return value


def _text_or_none(content: Mapping[str, Any], key: str) -> str | None:
    return None if content.get(key) is None else _text(content, key)


def _signature(content: Mapping[str, Any], number: int) -> Mapping[str, Any] | None:
    found = content.get("signature")
    if not isinstance(found, dict):
        return None
    parts = {"inputs": found} if number == 1 else found
    return {part: said if _is_described(said := parts.get(part)) else None for part in ("inputs", "outputs")}


def _data_only(said: object) -> Mapping[str, Any] | None:
    if not isinstance(said, dict):
        return None
    files, reason = said.get("files", []), said.get("reason", "")
    fits = isinstance(files, list) and all(type(text) is str for text in (*files, reason))
    return said if fits else None


def _is_described(said: object) -> bool:
    """Whether it is what `signature.describe` may say, as far as somebody reads it; anything else counts as unknown."""
    if not isinstance(said, dict):
        return False
    for name, kind in _DESCRIBED.items():
        if name in said and not isinstance(said[name], kind):
            return False
    if said.get("kind") == "dataframe" and not (
        len(said.get("shape", ())) == 2 and "names" in said and "dtypes" in said
    ):
        return False
    texts = (*said.get("names", ()), *said.get("dtypes", ()))
    sizes = [size for size in said.get("shape", ()) if size is not None]
    return (
        all(type(text) is str for text in texts)
        and all(type(size) is int and 0 <= size < _MAX_SIZE_BYTES for size in sizes)
        and all(isinstance(labels, list) for labels in said.get("categories", {}).values())
    )


def _shown(text: str) -> str:
    """A text that messages repeat: not endless, and no character of it steers a terminal."""
    text = text[:_MOST_TEXT]
    return text if text.isprintable() else ascii(text)[1:-1]


def _texts(content: Mapping[str, Any], key: str) -> tuple[str, ...]:
    values = content.get(key, [])
    if not isinstance(values, list) or any(type(value) is not str for value in values):
        raise _broken(f"{key!r} is not a list of strings")
    return tuple(values)


def _broken(why: str) -> ModelCorruptedError:
    return ModelCorruptedError(
        f"This model package has an unreadable manifest: {why}.\n"
        f"Expected the {FILE_NAME} that autotrack wrote. Restore it from a copy of the store, or save the model again."
    )
