"""What the tests of the registry share.

Fixtures to ask for
    store       a new store
    registry    its registry
    package     `package(store, "text", lineage={...})`: the SHA-256 of the manifest of a sealed package of two files
    bucket      the address of an empty bucket on a server of our own, on loopback; AWS_* lead there
"""

import os
import secrets
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from autotrack.model import trust
from autotrack.model.manifest import FORMAT, canonical, sha256
from autotrack.registry import Registry
from autotrack.store import Store

Package = Callable[..., str]

SERVER = """
import logging, sys
from moto.server import ThreadedMotoServer

logging.disable()
server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
server.start()
print(server.get_host_and_port()[1], flush=True)
sys.stdin.read()
"""


@pytest.fixture
def store(store_path: Path) -> Store:
    return Store.open(store_path, create=True)


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


@pytest.fixture(scope="session")
def s3_server() -> Iterator[str]:
    """A server for all tests of a worker, in a process of its own."""
    pytest.importorskip("moto")
    with subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", SERVER],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as server:
        assert server.stdout is not None
        yield f"http://127.0.0.1:{int(server.stdout.readline())}"
        server.kill()


@pytest.fixture
def bucket(s3_server: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """`s3://…/…`: a prefix in a new bucket."""
    for name, value in {
        "AWS_ENDPOINT_URL": s3_server,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "NO_PROXY": "127.0.0.1",
    }.items():
        monkeypatch.setenv(name, value)
    name = f"bucket-{secrets.token_hex(8)}"
    made = urllib.request.Request(f"{os.environ['AWS_ENDPOINT_URL']}/{name}", method="PUT")
    with urllib.request.urlopen(made, timeout=30):
        return f"s3://{name}/team/store"
