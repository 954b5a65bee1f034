"""Call us when a library has been imported, or at once if it has been already. Nothing is imported for it.

A finder stands first on `sys.meta_path` while somebody waits. It finds nothing itself: it asks the others and
puts a loader around theirs that calls back after the module's code has run. The module, its spec and its
loader are afterwards what they would have been.
"""

import sys
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import TYPE_CHECKING, Any, cast

from autotrack.guard import guard

if TYPE_CHECKING:
    from importlib.abc import Loader
    from importlib.machinery import ModuleSpec

__all__ = ["forget_import", "on_import"]

Callback = Callable[[], None]

_waiting: dict[str, list[Callback]] = {}


def on_import(module: str, callback: Callback) -> None:
    """Call `callback()` once when `module` has been imported; now, if it has been."""
    loaded = sys.modules.get(module)
    if loaded is not None and not getattr(loaded.__spec__, "_initializing", False):
        with guard(f"import of {module}"):
            callback()
        return
    _waiting.setdefault(module, []).append(callback)
    if _finder not in sys.meta_path:
        sys.meta_path.insert(0, cast(Any, _finder))


def forget_import(callback: Callback | None = None) -> None:
    """Do not call this callback any more (None: no callback at all)."""
    for module in list(_waiting):
        kept = [waiting for waiting in _waiting[module] if callback is not None and waiting != callback]
        if kept:
            _waiting[module] = kept
        else:
            del _waiting[module]
    _leave_if_idle()


def _leave_if_idle() -> None:
    if not _waiting and _finder in sys.meta_path:
        sys.meta_path.remove(cast(Any, _finder))


class _Finder:
    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> "ModuleSpec | None":
        if fullname not in _waiting:
            return None
        for finder in sys.meta_path:
            find = getattr(finder, "find_spec", None)
            if finder is self or find is None:
                continue
            spec: Any = find(fullname, path, target)
            if spec is not None:
                if hasattr(spec.loader, "exec_module"):
                    spec.loader = _Loader(spec.loader)
                found: ModuleSpec = spec
                return found
        return None


class _Loader:
    """The library's own loader, and our callbacks after it."""

    def __init__(self, loader: "Loader") -> None:
        self._loader = loader

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loader, name)

    def create_module(self, spec: "ModuleSpec") -> ModuleType | None:
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        module.__loader__ = self._loader
        if module.__spec__ is not None:
            module.__spec__.loader = self._loader
        self._loader.exec_module(module)
        callbacks = _waiting.pop(module.__name__, ())
        _leave_if_idle()
        for callback in callbacks:
            with guard(f"import of {module.__name__}"):
                callback()


_finder = _Finder()
