"""The packages a model needs, as pins, and what differs from them where it is loaded.

Reads folder names (`numpy-2.4.6.dist-info`) instead of asking importlib.metadata: 1 ms instead of 90, once per
process. A module is mapped to its distribution by name, with a short table for those that are called otherwise;
what those distributions require in turn is read once from their METADATA.
"""

import os
import re
import sys
from collections.abc import Collection, Iterable
from typing import NamedTuple

__all__ = ["FILE_NAME", "Difference", "compare", "installed", "python_minor", "requirements"]

FILE_NAME = "requirements.txt"  # of the pins, in a package
_DISTRIBUTIONS = {  # import name -> distribution, where one does not follow from the other
    "attr": "attrs",
    "bs4": "beautifulsoup4",
    "cv2": "opencv-python",
    "dateutil": "python-dateutil",
    "docx": "python-docx",
    "faiss": "faiss-cpu",
    "fitz": "pymupdf",
    "git": "gitpython",
    "igraph": "python-igraph",
    "imblearn": "imbalanced-learn",
    "Levenshtein": "python-levenshtein",
    "MySQLdb": "mysqlclient",
    "OpenSSL": "pyopenssl",
    "PIL": "pillow",
    "pkg_resources": "setuptools",
    "psycopg2": "psycopg2-binary",
    "ruamel": "ruamel-yaml",
    "serial": "pyserial",
    "skimage": "scikit-image",
    "sklearn": "scikit-learn",
    "sklearn_extra": "scikit-learn-extra",
    "sksurv": "scikit-survival",
    "skopt": "scikit-optimize",
    "umap": "umap-learn",
    "yaml": "pyyaml",
}
_ALSO = {  # other distributions that bring the same module
    "opencv-python": ("opencv-python-headless", "opencv-contrib-python", "opencv-contrib-python-headless"),
    "faiss-cpu": ("faiss-gpu",),
    "psycopg2-binary": ("psycopg2",),
    "xgboost": ("xgboost-cpu",),
}
_METADATA_BYTES = 65_536  # of a METADATA file that are read: its headers come first, descriptions can be long
_DIST_INFO = re.compile(r"(?P<name>.+?)-(?P<version>\d[^-]*)(?:-py\d.*)?\.(?:dist|egg)-info")
_SEPARATORS = re.compile(r"[-_.]+")
_REQUIRES = re.compile(r"^Requires-Dist:\s*([A-Za-z0-9][A-Za-z0-9._-]*)([^\n]*)$", re.MULTILINE)

_Places = tuple[tuple[str, int], ...]  # the folders of sys.path and when each was last changed
_scanned: tuple[_Places, dict[str, str], dict[str, str]] | None = None
_pins: dict[frozenset[str], list[str]] = {}
_needs: dict[str, tuple[str, ...]] = {}


class Difference(NamedTuple):
    """A distribution that is not here in the version a model was saved with."""

    name: str
    saved: str
    here: str | None  # None: not installed

    def __str__(self) -> str:
        return f"{self.name} {self.saved} (here {self.here or 'not installed'})"


def installed(*, refresh: bool = False) -> dict[str, str]:
    """Version by normalised name of each distribution that can be imported from here.

    Args:
        refresh: Look again if a folder of sys.path changed since. Otherwise what the process found first stands,
            which is also what it has imported.
    """
    return _scan(refresh=refresh)[0]


def requirements(modules: Iterable[str]) -> list[str]:
    """Pins (`scikit-learn==1.9.1`) of what brings these modules, and of what that requires, sorted.

    Args:
        modules: Module names; only the first part counts. Those of the standard library, of the user's own project
            or unknown are passed over.
    """
    wanted = frozenset(module.partition(".")[0] for module in modules) - sys.stdlib_module_names - {"__main__"}
    found = _pins.get(wanted)
    if found is None:
        versions, folders = _scan(refresh=True)
        names = _closure({name for module in wanted if (name := _distribution(module, versions))}, versions, folders)
        found = _pins[wanted] = sorted(f"{name}=={versions[name]}" for name in names)
    return list(found)


def compare(pins: Collection[str]) -> list[Difference]:
    """The pins that do not hold here, in their order. Lines of another form are passed over."""
    differences = []
    for pin in pins:
        name, equals, saved = pin.partition("==")
        here = installed().get(name)
        if equals and here != saved:
            differences.append(Difference(name, saved, here))
    return differences


def python_minor() -> str:
    """This Python as "3.11": byte code is readable within one minor version only."""
    return f"{sys.version_info.major}.{sys.version_info.minor}"


def _scan(*, refresh: bool) -> tuple[dict[str, str], dict[str, str]]:
    """Versions by distribution, and the folder of each one's metadata."""
    global _scanned
    if _scanned is None or (refresh and _scanned[0] != _places()):
        places = _places()
        versions: dict[str, str] = {}
        folders: dict[str, str] = {}
        for place, _ in places:
            for name, version, folder in _distributions_in(place):
                if name not in versions:  # the first on the path is the one that is imported
                    versions[name], folders[name] = version, folder
        _pins.clear()
        _needs.clear()
        _scanned = (places, versions, folders)
    return _scanned[1], _scanned[2]


def _places() -> _Places:
    places = []
    for place in sys.path:
        try:
            places.append((place or ".", os.stat(place or ".").st_mtime_ns))
        except OSError:
            continue  # sys.path often names folders that do not exist
    return tuple(places)


def _distributions_in(place: str) -> list[tuple[str, str, str]]:
    try:
        with os.scandir(place) as entries:
            candidates = [entry for entry in entries if entry.name.endswith("-info")]
    except OSError:
        return []  # a zip file, or a folder we may not read
    return [
        (_normal(match["name"]), match["version"], entry.path)
        for entry in candidates
        if (match := _DIST_INFO.fullmatch(entry.name))
    ]


def _distribution(module: str, versions: Collection[str]) -> str | None:
    name = _DISTRIBUTIONS.get(module, _normal(module))
    return next((known for known in (name, *_ALSO.get(name, ())) if known in versions), None)


def _closure(names: set[str], versions: Collection[str], folders: dict[str, str]) -> set[str]:
    closed: set[str] = set()
    todo = set(names)
    while todo:
        name = todo.pop()
        closed.add(name)
        if name not in _needs:
            _needs[name] = _requires(folders[name])
        todo |= {need for need in _needs[name] if need in versions} - closed
    return closed


def _requires(folder: str) -> tuple[str, ...]:
    """Names a distribution requires. Extras are left out; other conditions count as met if it is installed at all."""
    for name in ("METADATA", "PKG-INFO"):
        try:
            with open(os.path.join(folder, name), encoding="utf-8", errors="replace") as file:
                headers = file.read(_METADATA_BYTES).partition("\n\n")[0]
        except OSError:
            continue
        return tuple(
            _normal(need) for need, rest in _REQUIRES.findall(headers) if "extra" not in rest.partition(";")[2]
        )
    return ()


def _normal(name: str) -> str:
    return _SEPARATORS.sub("-", name).lower()
