"""What the tests of the registry share.

Fixtures to ask for
    registry    the registry of `store`
    package     `package(store, "text", lineage={...})`: the SHA-256 of the manifest of a sealed package of two files
"""

from collections.abc import Callable
from typing import Any

import pytest

from autotrack.model import trust
from autotrack.model.manifest import FORMAT, canonical, sha256
from autotrack.registry import Registry
from autotrack.store import Store

Package = Callable[..., str]


@pytest.fixture
def registry(store: Store) -> Registry:
    return Registry(store)


@pytest.fixture
def package() -> Package:
    """A package as `pack` makes one, of bytes that nobody will load."""

    def make(store: Store, text: str = "model", *, is_sealed: bool = True, **changes: Any) -> str:
        files = {"model.pkl": text.encode(), "parts/extra.bin": f"extra {text}".encode()}
        content: dict[str, Any] = {
            "format": FORMAT,
            "flavor": "pickle",
            "name": "model",
            "run_id": None,
            "registered_as": None,
            "created_at": "2026-05-03T12:00:00+00:00",
            "model_class": "builtins.dict",
            "files": [
                {"path": path, "sha256": store.blobs.put(data), "size_bytes": len(data)} for path, data in files.items()
            ],
            "python": "3.11",
            "by_value": False,
            "requirements": ["numpy==2.0.0"],
            "signature": None,
            "autotrack": "0.1.0",
            **changes,
        }
        content["seal"] = trust.seal(canonical(content)) if is_sealed else None
        made = store.blobs.put(canonical(content))
        assert made == sha256(canonical(content))
        return made

    return make
