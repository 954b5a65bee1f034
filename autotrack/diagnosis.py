"""What `autotrack doctor` finds: settings and their origins, the store, the libraries, the last problems."""

import os
import sys
from collections.abc import Collection
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from autotrack import config
from autotrack.errors import AutotrackError, StoreNotFoundError
from autotrack.guard import problems
from autotrack.model import installed
from autotrack.registry import Registry
from autotrack.store import Store
from autotrack.store.schema import FORMAT_VERSION

__all__ = ["examine"]

_DISTRIBUTIONS = {"sklearn": "scikit-learn"}


def examine(libraries: Collection[str]) -> dict[str, Any]:
    """All findings as plain values; `ok` is False if the settings or the store have an error."""
    found: dict[str, Any] = {
        "ok": False,
        "python": sys.version.split()[0],
        "settings": [],
        "store": {},
        "libraries": [],
        "problems": problems(),
    }
    try:
        settings = config.load()
    except (AutotrackError, OSError) as error:
        return {**found, "error": str(error)}
    store = _store_findings(settings.store)
    found["settings"] = [{"name": each.name, "value": each.value, "origin": each.origin} for each in settings.all]
    found["libraries"] = [_library_findings(name, settings.libraries) for name in libraries]
    return {**found, "ok": "error" not in store, "store": store}


def _store_findings(path: Path | str) -> dict[str, Any]:
    found: dict[str, Any] = {"path": str(path), "exists": isinstance(path, str) or path.exists()}
    if isinstance(path, Path) and not found["exists"]:
        folder = next((each for each in path.parents if each.exists()), path)
        found["writable"] = folder.is_dir() and os.access(folder, os.W_OK | os.X_OK)
        return found if found["writable"] else {**found, "error": f"It cannot be made: {folder} cannot be written to."}
    try:
        store = Store.open(path)
        rows = store.rows().values()
        damages = _damages(store)
    except (AutotrackError, OSError) as error:
        if isinstance(path, str) and isinstance(error, StoreNotFoundError):
            return {**found, "exists": False, "writable": True}  # it is made with the first run
        return {**found, "error": str(error)}
    found |= {
        "format": FORMAT_VERSION,
        "store_id": store.store_id,
        "writable": store.is_writable,
        "runs": len(rows),
        "running": sum(row.get("status") == "running" for row in rows),
        "models": len(Registry(store).list()),
    }
    if not store.is_writable:
        found["error"] = "The folder cannot be written to: new runs are not recorded."
    elif damages:
        found["error"] = "\n".join(damages)
    return found


def _damages(store: Store) -> list[str]:
    """What is wrong with the records of the registered models."""
    registry = Registry(store)
    return [problem for name in registry.list() for problem in registry.verify(name)]


def _library_findings(name: str, wanted: Collection[str] | None) -> dict[str, Any]:
    version = installed().get(_DISTRIBUTIONS.get(name, name))
    is_watched = wanted is None or name in wanted
    return {"name": name, "version": version, "installed": find_spec(name) is not None, "watched": is_watched}
