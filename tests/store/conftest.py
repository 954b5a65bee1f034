"""What the tests of the store share.

Fixtures to ask for
    store           a new store
    recorder        `recorder(store)`: a writer that takes run ids and keys instead of numbers; closed at the end
    run_limited     as `run_python`, and the script can call `full_disk(bytes)` and `no_root_powers()`
    lines_of        the records of a segment file, each line's CRC checked
"""

import json
import textwrap
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
