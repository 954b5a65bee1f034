"""What the tests of the store share.

Fixtures to ask for
    recorder        `recorder(store)`: a writer that takes run ids and keys instead of numbers; closed at the end
    lines_of        the records of a segment file, each line's CRC checked
    dead_server     an address, and AWS_* lead to a port where nobody listens
    serve           `serve(address)`: from now on somebody does, and the bucket is there
    elsewhere       `elsewhere()`: from now on this is another machine, as far as its cache folder tells
"""

import contextlib
import json
import os
import socket
import zlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

import s3_servers
from autotrack.store import NO_EPOCH, POINT, SegmentWriter, Store

NOON = 1_700_000_000_000_000  # microseconds since 1970


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


@pytest.fixture
def dead_server(monkeypatch: pytest.MonkeyPatch) -> str:
    """An address in a bucket of a server that is down."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        s3_servers.lead_to(f"http://127.0.0.1:{unused.getsockname()[1]}", monkeypatch)
    return "s3://bucket/store"


@pytest.fixture
def serve() -> Iterator[Callable[[str], str]]:
    """Starts the server that AWS_* lead to, and makes the bucket of an address."""
    with contextlib.ExitStack() as servers:

        def start(address: str) -> str:
            servers.enter_context(s3_servers.serving(int(os.environ["AWS_ENDPOINT_URL"].rpartition(":")[2])))
            return s3_servers.make_bucket(address)

        yield start


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> Callable[[], None]:
    """Another cache folder, and so another spool, for what is opened or started from now on."""
    return lambda: monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
