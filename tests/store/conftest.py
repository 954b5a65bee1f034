"""What the tests of the store share.

Fixtures to ask for
    store           a new store
    recorder        `recorder(store)`: a writer that takes run ids and keys instead of numbers; closed at the end
    run_limited     as `run_python`, and the script can call `full_disk(bytes)` and `no_root_powers()`
    lines_of        the records of a segment file, each line's CRC checked
    bucket          the address of an empty bucket on a server of our own, on loopback; AWS_* lead there
    dead_server     an address, and AWS_* lead to a port where nobody listens
    serve           `serve(address)`: from now on somebody does, and the bucket is there
    elsewhere       `elsewhere()`: from now on this is another machine, as far as its cache folder tells
    eventually      `eventually(lambda: ...)`: waits until it holds
"""

import contextlib
import json
import os
import secrets
import socket
import subprocess
import sys
import textwrap
import time
import urllib.request
import zlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from autotrack.store import NO_EPOCH, POINT, SegmentWriter, Store

NOON = 1_700_000_000_000_000  # microseconds since 1970

LIMITS = """
import ctypes, os, resource, signal, sys

def full_disk(size_bytes):
    '''No file can grow beyond this: as on a full disk, a write is cut short and the next one fails.'''
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, resource.RLIM_INFINITY))

def no_root_powers():
    '''Permissions hold for root too: without the capabilities that pass over them.'''
    if os.geteuid() == 0:
        libc = ctypes.CDLL(None, use_errno=True)
        header, none = (ctypes.c_uint32 * 2)(0x20080522, 0), (ctypes.c_uint32 * 6)()
        assert libc.capset(header, none) == 0, os.strerror(ctypes.get_errno())
"""


SERVER = """
import logging, sys
from moto.server import ThreadedMotoServer

logging.disable()
server = ThreadedMotoServer("127.0.0.1", int(sys.argv[1]), verbose=False)
server.start()
print(server.get_host_and_port()[1], flush=True)
sys.stdin.read()
"""


class Recorder:
    """A writer with a memory for names, as the run room keeps one. Times count up by themselves."""

    def __init__(self, store: Store, rank: int | None = None, **limits: Any) -> None:
        self.writer: SegmentWriter = store.new_writer(rank, **limits)
        self.ts = NOON
        self._runs: dict[str, int] = {}
        self._keys: dict[str, int] = {}

    def patch(self, run_id: str, ts: int | None = None, **fields: Any) -> None:
        """Record a part of a row."""
        runs = self._new(self._runs, run_id)
        self.writer.write(runs, {}, [(self._runs[run_id], self._time(ts), fields)], b"")  # type: ignore[list-item]

    def start(self, run_id: str, **fields: Any) -> None:
        """Record that a run has begun."""
        self.patch(run_id, status="running", **fields)

    def finish(self, run_id: str, **fields: Any) -> None:
        """Record that a run has ended well."""
        self.patch(run_id, status="finished", end_ts=self.ts + 1, **fields)

    def points(
        self, run_id: str, key: str, values: Sequence[float], first_step: int = 0, epoch: int | None = None
    ) -> None:
        """Record the values of a metric at consecutive steps."""
        runs, keys = self._new(self._runs, run_id), self._new(self._keys, key)
        run, number = self._runs[run_id], self._keys[key]
        packed = b"".join(
            POINT.pack(run, number, first_step + place, self._time(None), value, NO_EPOCH if epoch is None else epoch)
            for place, value in enumerate(values)
        )
        self.writer.write(runs, keys, [], packed)

    def close(self) -> None:
        """End the record."""
        self.writer.close()

    def _time(self, ts: int | None) -> int:
        self.ts = self.ts + 1 if ts is None else ts
        return self.ts

    @staticmethod
    def _new(known: dict[str, int], name: str) -> dict[int, str]:
        if name in known:
            return {}
        known[name] = len(known)
        return {known[name]: name}


@pytest.fixture
def store(store_path: Path) -> Store:
    """A new store."""
    return Store.open(store_path, create=True)


@pytest.fixture
def recorder() -> Iterator[Callable[..., Recorder]]:
    """Makes Recorders, and lets go of their files at the end."""
    made: list[Recorder] = []

    def make(store: Store, rank: int | None = None, **limits: Any) -> Recorder:
        made.append(Recorder(store, rank, **limits))
        return made[-1]

    yield make
    for one in made:
        one.writer.abandon()


@pytest.fixture
def run_limited(run_python: Callable[..., Any]) -> Callable[..., Any]:
    """`run_limited(script, *args)`: run_python, for scripts that need a full disk or a folder they may not write to."""
    return lambda script, *args, **options: run_python(LIMITS + textwrap.dedent(script), *args, **options)


@pytest.fixture
def lines_of() -> Callable[[Path], list[dict[str, Any]]]:
    """The records of a segment file; each line's CRC is checked as the format says, not as our reader does it."""

    def read(path: Path) -> list[dict[str, Any]]:
        data = path.read_bytes()
        assert data.endswith(b"\n")
        records = []
        for line in data.splitlines():
            crc, space, text = line[:8], line[8:9], line[9:]
            assert space == b" "
            assert crc == b"%08x" % zlib.crc32(text)
            records.append(json.loads(text))
        return records

    return read


@contextlib.contextmanager
def moto_server(port: int) -> Iterator[str]:
    """The address of an S3 server in a process of its own, which ends with us."""
    with subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", SERVER, str(port)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as server:
        assert server.stdout is not None
        yield f"http://127.0.0.1:{int(server.stdout.readline())}"
        server.kill()


@pytest.fixture(scope="session")
def s3_server() -> Iterator[str]:
    """A server for all tests of a worker."""
    pytest.importorskip("moto")
    with moto_server(0) as server:
        yield server


@pytest.fixture
def bucket(s3_server: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """`s3://…/…`: a prefix in a new bucket."""
    _lead_to(s3_server, monkeypatch)
    return _new_bucket(f"s3://bucket-{secrets.token_hex(8)}/team/store")


@pytest.fixture
def dead_server(monkeypatch: pytest.MonkeyPatch) -> str:
    """An address in a bucket of a server that is down."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        _lead_to(f"http://127.0.0.1:{unused.getsockname()[1]}", monkeypatch)
    return "s3://bucket/store"


@pytest.fixture
def serve() -> Iterator[Callable[[str], str]]:
    """Starts the server that AWS_* lead to, and makes the bucket of an address."""
    pytest.importorskip("moto")
    with contextlib.ExitStack() as servers:

        def start(address: str) -> str:
            servers.enter_context(moto_server(int(os.environ["AWS_ENDPOINT_URL"].rpartition(":")[2])))
            return _new_bucket(address)

        yield start


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> Callable[[], None]:
    """Another cache folder, and so another spool, for what is opened or started from now on."""
    return lambda: monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))


@pytest.fixture
def eventually() -> Callable[[Callable[[], Any]], None]:
    """Waits for something that other threads or processes do."""

    def wait(holds: Callable[[], Any]) -> None:
        end = time.monotonic() + 30
        while not holds():
            assert time.monotonic() < end, "it did not come to that in 30 s"
            time.sleep(0.05)

    return wait


def _lead_to(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "AWS_ENDPOINT_URL": server,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "NO_PROXY": "127.0.0.1",
    }.items():
        monkeypatch.setenv(name, value)


def _new_bucket(address: str) -> str:
    url = f"{os.environ['AWS_ENDPOINT_URL']}/{address.split('/')[2]}"
    with urllib.request.urlopen(urllib.request.Request(url, method="PUT"), timeout=30):
        return address
