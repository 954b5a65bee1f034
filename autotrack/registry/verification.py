"""All that can be checked of registered models without loading one: their history, their packages, every byte."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from autotrack.errors import AutotrackError
from autotrack.model import trust
from autotrack.model.manifest import MOST_BYTES, Manifest
from autotrack.registry.events import EventLog
from autotrack.registry.registry import Registry
from autotrack.types import ModelVersion

if TYPE_CHECKING:
    from autotrack.store import Store

__all__ = ["Verified", "verify"]


@dataclass
class Verified:
    """What was looked at, and what is wrong.

    Attributes:
        problems: One sentence each; empty if all is whole.
        files, size_bytes: Of packages, each file counted once.
        seals: How many versions are sealed by whom: `own`, `believed` (a key you took in), `foreign`, `unsealed`,
            `changed` (which is a problem).
    """

    problems: list[str] = field(default_factory=list)
    models: int = 0
    versions: int = 0
    events: int = 0
    files: int = 0
    size_bytes: int = 0
    seals: dict[str, int] = field(default_factory=dict)

    @property
    def is_whole(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problems

    def to_dict(self) -> dict[str, Any]:
        """The same as plain values."""
        return {"is_whole": self.is_whole, **self.__dict__}

    def __str__(self) -> str:
        seals = ", ".join(f"{count} {origin}" for origin, count in sorted(self.seals.items()))
        said = (
            f"{_count(self.models, 'model')}, {_count(self.versions, 'version')}, {_count(self.events, 'event')}, "
            f"{_count(self.files, 'file')} of {self.size_bytes:,} bytes; seals: {seals or 'none'}"
        )
        return "\n".join([said, *self.problems])


def verify(store: "Store", name: str | None = None) -> Verified:
    """Check the events of a model, or of all, the manifests of all versions and every file of theirs.

    Raises:
        ModelNotFoundError: There is no such model.
    """
    registry, log, found = Registry(store), EventLog(store.backend), Verified()
    noted = log.noted_names()
    names = sorted({*log.names(), *noted}) if name is None else [name]
    known: dict[str, str] = {}  # what is wrong with a file that was looked at, by its SHA-256; else an empty text
    for each in names:
        found.models += 1
        if not log.exists(each) and each in noted:
            found.problems += log.problems(each)
            continue
        found.problems += registry.verify(each)
        try:
            found.events += len(registry.history(each))
            versions = registry.versions(each)
        except AutotrackError:
            continue  # the record itself is damaged, which is said
        for version in versions:
            found.versions += 1
            found.problems += _of_version(store, version, known, found)
    return found


def _of_version(store: "Store", version: ModelVersion, known: dict[str, str], found: Verified) -> list[str]:
    """What is wrong with the package of a version."""
    what = f"version {version.version} of {version.name!r}"
    if not store.blobs.has(version.manifest):
        return []  # the record's own check says so
    try:
        manifest = Manifest.parse(store.blobs.get(version.manifest, most_bytes=MOST_BYTES))
    except (AutotrackError, OSError) as error:
        return [f"The manifest of {what} cannot be used: {_first(error)}"]
    origin = trust.provenance(manifest.body, None if manifest.seal is None else dict(manifest.seal))
    found.seals[origin] = found.seals.get(origin, 0) + 1
    problems = []
    if origin == "changed":
        problems.append(f"The manifest of {what} was changed after it was sealed.")
    for file in manifest.files:
        if file.sha256 not in known:
            known[file.sha256] = _of_file(store, file.sha256, file.size_bytes)
            found.files += 1
            found.size_bytes += file.size_bytes
        if known[file.sha256]:
            problems.append(f"File {file.path!r} of {what} cannot be used: {known[file.sha256]}")
    return problems


def _of_file(store: "Store", sha256: str, size_bytes: int) -> str:
    try:
        here = len(store.blobs.get(sha256, most_bytes=size_bytes))
    except OSError as error:
        return _first(error)
    return "" if here == size_bytes else f"It has {here:,} bytes, and by its manifest {size_bytes:,}."


def _first(error: Exception) -> str:
    return str(error).partition("\n")[0]


def _count(number: int, word: str) -> str:
    return f"{number} {word}" if number == 1 else f"{number} {word}s"
