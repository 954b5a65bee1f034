"""S3 servers of our own on loopback, for stores in buckets: each is a process that ends with whoever started it."""

import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

__all__ = ["lead_to", "make_bucket", "serving"]

_SERVER = """
import logging, sys
from moto.server import ThreadedMotoServer

logging.disable()
server = ThreadedMotoServer("127.0.0.1", int(sys.argv[1]), verbose=False)
server.start()
print(server.get_host_and_port()[1], flush=True)
sys.stdin.read()
"""


@contextmanager
def serving(port: int = 0) -> Iterator[str]:
    """The address of a server; without the library that it is made of, the test is skipped."""
    pytest.importorskip("moto")
    with subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", _SERVER, str(port)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as server:
        assert server.stdout is not None
        yield f"http://127.0.0.1:{int(server.stdout.readline())}"
        server.kill()


def lead_to(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have everything that asks for a bucket ask this server."""
    for name, value in {
        "AWS_ENDPOINT_URL": server,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "NO_PROXY": "127.0.0.1",
    }.items():
        monkeypatch.setenv(name, value)


def make_bucket(address: str) -> str:
    """Make the bucket of `s3://bucket/...` on the server that AWS_* lead to. Returns the address."""
    url = f"{os.environ['AWS_ENDPOINT_URL']}/{address.split('/')[2]}"
    with urllib.request.urlopen(urllib.request.Request(url, method="PUT"), timeout=30):
        return address
