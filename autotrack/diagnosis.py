"""What `autotrack doctor` finds: settings and their origins, the store, the libraries, the last problems."""

import sys
from collections.abc import Collection
from importlib.util import find_spec
from typing import Any

from autotrack import config
from autotrack.errors import AutotrackError
from autotrack.guard import problems
from autotrack.model import installed
from autotrack.store import Store

__all__ = ["examine"]

_DISTRIBUTIONS = {"sklearn": "scikit-learn"}


def examine(libraries: Collection[str]) -> dict[str, Any]:
    """All findings as plain values; `ok` is False if something keeps autotrack from recording."""
    try:
        settings = config.load()
    except AutotrackError as error:
        return {"ok": False, "settings": [], "store": {"error": str(error)}, "libraries": [], "problems": problems()}
    store = _store_findings(settings)
    return {
        "ok": "error" not in store,
        "python": sys.version.split()[0],
        "settings": [{"name": each.name, "value": each.value, "origin": each.origin} for each in settings.all],
        "store": store,
        "libraries": [_library_findings(name) for name in libraries],
        "problems": problems(),
    }


def _store_findings(settings: config.Settings) -> dict[str, Any]:
    found: dict[str, Any] = {"path": str(settings.store), "exists": settings.store.exists()}
    if not found["exists"]:
        return found
    try:
        store = Store.open(settings.store)
        rows = store.rows().values()
    except (AutotrackError, OSError) as error:
        return {**found, "error": str(error)}
    found.update(
        format=1,
        store_id=store.store_id,
        writable=store.is_writable,
        runs=len(rows),
        running=sum(row.get("status") == "running" for row in rows),
    )
    if not store.is_writable:
        found["error"] = "the folder cannot be written: new runs are not recorded"
    return found


def _library_findings(name: str) -> dict[str, Any]:
    version = installed().get(_DISTRIBUTIONS.get(name, name))
    return {"name": name, "version": version, "installed": find_spec(name) is not None, "integration": True}
