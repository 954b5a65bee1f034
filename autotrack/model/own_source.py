"""The user's own modules that a model's classes are defined in: their source goes into the package, and comes back.

A model of a module beside the training script cannot be loaded where that file is not ("No module named 'net'"). So its
source is saved, with that of the project's modules it imports in turn. On loading, a module that can be imported as
usual is; only one that cannot runs from the package, under a name of its own (`_autotrack_model_<hash>.net`), and finds
its neighbours there: nothing is put on sys.path, and two models with a `net.py` each do not meet.
"""

import ast
import builtins
import functools
import hashlib
import importlib
import importlib.util
import os
import sys
import sysconfig
import threading
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from types import ModuleType
from typing import Any

__all__ = ["Code", "digests", "is_own", "public_name", "sources"]

_FOLDER = "code"
_PREFIX = "_autotrack_model_"
_MAX_BYTES = 2_000_000  # of all sources of a model; a project's own code is far smaller, generated code is not needed
_MAX_MODULES = 500  # of which digests are made
_OURS = ("autotrack", "autotrack_integrations")
_LIBRARIES = tuple(
    {os.path.dirname(os.__file__) + os.sep, *(sysconfig.get_path(name) + os.sep for name in ("purelib", "platlib"))}
)
_lock = threading.RLock()


def is_own(module: ModuleType | None) -> bool:
    """Whether it is a file of the user's project, and no library, script or module of ours."""
    name = getattr(module, "__name__", "__main__")
    return name not in ("__main__", "__mp_main__") and _is_of_project(getattr(module, "__file__", None), name)


def digests() -> dict[str, str]:
    """SHA-256 of the files that the script and the user's own modules are in, as they are now, by the module's name."""
    modules = sys.modules.copy()  # in one step: other threads import meanwhile
    named = [(name, _file_of(module)) for name, module in modules.items()]
    files = {name: Path(file) for name, file in named if _is_of_project(file, name)}
    found = {}
    for name, file in sorted(files.items())[:_MAX_MODULES]:
        with suppress(OSError):
            if file.stat().st_size <= _MAX_BYTES:
                found[name] = hashlib.sha256(file.read_bytes()).hexdigest()
    return found


def _file_of(module: object) -> Any:
    """Where a module is from; of one that is loaded when it is first asked for something, without asking it."""
    is_module = issubclass(type(module), ModuleType)
    return object.__getattribute__(module, "__dict__").get("__file__") if is_module else None


def _is_of_project(file: Any, name: str) -> bool:
    if not isinstance(file, str) or not file.endswith(".py"):
        return False
    is_library = file.startswith(_LIBRARIES) or "site-packages" in file or "dist-packages" in file
    return not is_library and name.partition(".")[0] not in _OURS


def public_name(name: str) -> str:
    """What a module is called where it can be imported: one that was loaded from a package has a prefix."""
    return name.partition(".")[2] if name.startswith(_PREFIX) else name


def sources(names: Iterable[str]) -> tuple[dict[str, bytes], set[str]]:
    """Files for the package by path, for these modules and those they import; and the libraries those import."""
    files: dict[str, bytes] = {}
    libraries: set[str] = set()
    queue = deque(sorted(set(names)))
    seen: set[str] = set()
    left = _MAX_BYTES
    while queue:
        name = queue.popleft()
        module = sys.modules.get(name)
        if name in seen or module is None:
            continue
        seen.add(name)
        if not is_own(module):
            libraries.add(name)
            continue
        source = _source_of(module)
        if source is None or len(source) > left:
            continue
        is_package = hasattr(module, "__path__")
        imported = _imported(source, name if is_package else name.rpartition(".")[0], name)
        if imported is None:
            continue
        left -= len(source)
        path = public_name(name).replace(".", "/") + ("/__init__.py" if is_package else ".py")
        files[f"{_FOLDER}/{path}"] = source
        queue.extend(imported)
    return files, libraries


def _source_of(module: ModuleType) -> bytes | None:
    try:
        read = getattr(module.__loader__, "get_source", None)
        text = read(module.__name__) if read is not None else None
    except (ImportError, OSError, SyntaxError):
        return None
    return None if text is None else text.encode("utf-8", "surrogatepass")


@functools.lru_cache(maxsize=256)  # a module is parsed once, not with each fit
def _imported(source: bytes, package: str, name: str) -> tuple[str, ...] | None:
    """Names that may be modules: what the source imports, and the packages around them and around itself.

    None: it cannot be read, as where the file is being written anew while its training goes on.
    """
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError):
        return None
    root = name.partition(".")[0] + "." if name.startswith(_PREFIX) else ""
    found = {name}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            try:
                base = importlib.util.resolve_name("." * node.level + (node.module or ""), package)
            except ImportError:
                continue
            found.update((base, *(f"{base}.{alias.name}" for alias in node.names)))
    packages = set()
    for each in found:
        parts = each.split(".")
        dotted = {".".join(parts[:count]) for count in range(1, len(parts) + 1)}
        packages |= dotted | ({root + each for each in dotted} if root else set())
    return tuple(sorted(packages))


class Code:
    """The sources in a package, importable. Who makes one has checked that the package may run.

    Args:
        files: Gives a file of the package by its path, or raises LookupError.
        key: Tells one set of sources from another.
    """

    def __init__(self, files: Callable[[str], bytes], key: str) -> None:
        self._files = files
        self._prefix = _PREFIX + key

    def find(self, name: str, attribute: Callable[[str], Any]) -> Any:
        """What `attribute` finds in the module of this name: as it is imported here, else in the package's own."""
        name = public_name(name)
        try:
            return attribute(name)
        except (AttributeError, ImportError):
            if self._read(name) is None:
                raise
        return attribute(self.module(name).__name__)

    def module(self, name: str) -> ModuleType:
        """The module, run from its source in the package on first use."""
        full = f"{self._prefix}.{name}" if name else self._prefix
        with _lock:
            if full in sys.modules:
                return sys.modules[full]
            outer, _, last = name.rpartition(".")
            package = self.module(outer) if name else None
            source, is_package = self._read(name) or (b"", True)
            module = ModuleType(full)
            module.__file__ = f"<{self._prefix}>/{name.replace('.', '/')}{'/__init__' if is_package else ''}.py"
            module.__package__ = full if is_package else full.rpartition(".")[0]
            module.__dict__["__loader__"] = self
            module.__dict__["__builtins__"] = {**vars(builtins), "__import__": self._import}
            if is_package:
                module.__path__ = []
            sys.modules[full] = module
            try:
                exec(compile(source, module.__file__, "exec", dont_inherit=True), module.__dict__)
            except BaseException:
                del sys.modules[full]
                raise
            if package is not None:
                setattr(package, last, module)
            return module

    def get_source(self, name: str) -> str | None:
        """For tracebacks, `inspect`, and for saving the model again."""
        found = self._read(public_name(name))
        return None if found is None else found[0].decode("utf-8", "surrogatepass")

    def _read(self, name: str) -> tuple[bytes, bool] | None:
        """Source of a module, and whether it is a package."""
        path = f"{_FOLDER}/{name.replace('.', '/')}"
        for ending, is_package in ((".py", False), ("/__init__.py", True)):
            try:
                return self._files(path + ending), is_package
            except LookupError:
                continue
        return None

    def _import(
        self,
        name: str,
        names: Mapping[str, Any] | None = None,
        values: object = None,
        fromlist: Iterable[str] | None = (),
        level: int = 0,
    ) -> ModuleType:
        """`import` as the package's own modules see it."""
        wanted = tuple(fromlist or ())
        if level == 0:
            try:
                return builtins.__import__(name, names, None, wanted, 0)
            except ImportError as error:
                if error.name is None or not self._has(name, wanted):
                    raise
        else:
            package = str((names or {}).get("__package__"))
            name = importlib.util.resolve_name("." * level + name, package).removeprefix(self._prefix).lstrip(".")
        module = self.module(name)
        for child in wanted:
            if not hasattr(module, child) and self._read(f"{name}.{child}" if name else child) is not None:
                self.module(f"{name}.{child}" if name else child)
        return module if wanted or level else self.module(name.partition(".")[0])

    def _has(self, name: str, children: Iterable[str]) -> bool:
        return any(self._read(each) is not None for each in (name, *(f"{name}.{child}" for child in children)))
