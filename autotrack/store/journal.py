"""The live record: what one process has recorded and no table holds yet, as lines appended to a file of its own.

    <store>/wal/<writer-id>/LOCK            flock held as long as the writer lives
    <store>/wal/<writer-id>/000000.jsonl    a segment; closed when the next one exists

A line is `<crc32 as 8 hex digits> <json>\\n`. A line without its newline or with another CRC is skipped, the next one
is read again. Each segment stands alone: its head repeats the names behind the numbers, and the open runs.

    h  header: format, writer, number of the segment, host, pid, boot, rank, time
    r  run number -> run id              k  key number -> key
    s  [run, time of its status, row]    the open runs as they were when the segment began
    e  [run, time, patch]                what happened to runs
    n  how many points   p  the points, POINT structs in base64

Standard library only, so that a process which only records never loads more.
"""

import binascii
import contextlib
import fcntl
import json
import os
import struct
import time
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autotrack.errors import StoreError, StoreNotFoundError
from autotrack.store.rows import apply_patch
from autotrack.types import Row

__all__ = ["LOCK", "NO_EPOCH", "POINT", "SegmentWriter", "new_id", "parse_line", "segment_name"]

POINT = struct.Struct("<IIqqdi")  # run number, key number, step, microseconds since 1970, value, epoch
NO_EPOCH = -(2**31)
LOCK = "LOCK"

LINE_FORMAT = 1
_MAX_BYTES = 8 << 20  # of a segment: sealed in about half a second, read live in less
_MAX_AGE_S = 600.0  # of a segment: how long a long training's record waits to be sealed
_LINE_POINTS = 2048  # points of one line, about 100 kB: what one flipped bit can cost

_Runs = dict[int, str]
_Patches = list[tuple[int, int, Row]]


@dataclass
class _OpenRun:
    row: Row
    status_ts: int


class SegmentWriter:
    """Appends to the live record; one per process (and rank). Not for two threads at once.

    Nothing is created before the first `write`.

    Attributes:
        writer_id: Sorts by time. Changes if the files are removed under a living writer, which then starts anew.
        is_reachable: Whether the store could be used when that was last tried; a folder always can.
    """

    is_reachable = True

    def __init__(
        self,
        wal: Path,
        *,
        rank: int | None = None,
        max_bytes: int = _MAX_BYTES,
        max_age_s: float = _MAX_AGE_S,
        keeps_times: bool = False,
    ) -> None:
        self.writer_id = new_id()
        self._wal = wal
        self._rank = rank
        self._max_bytes = max_bytes
        self._max_age_s = max_age_s
        self._keeps_times = keeps_times  # what was recorded elsewhere, long ago, and not in this order
        self._folder = self._lock = self._file = -1  # file descriptors
        self._seq = -1
        self._closed_segments: set[str] = set()
        self._started_s = 0.0
        self._head_bytes = self._size_bytes = 0  # of the file: its head, and all of it that was written in full
        self._last_ts = 0
        self._runs: _Runs = {}
        self._keys: _Runs = {}
        self._open: dict[int, _OpenRun] = {}
        self._is_usable = True

    @property
    def rotated(self) -> bool:
        """Whether closed segments of this writer wait to be sealed."""
        self._closed_segments = {name for name in self._closed_segments if self._exists(name)}
        return bool(self._closed_segments)

    def write(self, runs: Mapping[int, str], keys: Mapping[int, str], patches: _Patches, points: bytes) -> None:
        """Append to the record; another process can read it once this returns.

        Args:
            runs: Run ids by number, those that no earlier call named.
            keys: Metric names by number, likewise.
            patches: (run number, microseconds since 1970, patch). Times never go back within one writer: one that
                does is raised to the last one.
            points: POINT structs, one after the other.

        Raises:
            TypeError: A patch holds what JSON cannot.
            OSError: The record cannot be written (disk full, read-only).

        Whatever is raised, nothing of this call is in the record, and all of it may be given again.
        """
        if not self._is_usable:
            raise StoreError(
                "This writer of the store is closed. Expected a write before close(). Make a new one with new_writer()."
            )
        if len(points) % POINT.size:
            raise ValueError(
                f"points has {len(points)} bytes. Expected a multiple of {POINT.size}. Pack them with POINT."
            )
        if not (runs or keys or patches or points):
            return
        self._prepare_file()
        if not self._keeps_times:
            patches = list(self._in_order(patches))
        data = b"".join(_batch_lines(dict(runs), dict(keys), patches, points))
        self._append(data)
        self._runs.update(runs)
        self._keys.update(keys)
        for number, ts, patch in patches:
            self._follow(number, ts, patch)
        self._size_bytes += len(data)  # only now it counts: what a Ctrl-C before this leaves is cut off again

    def rotate(self) -> None:
        """Begin the next segment, unless the present one says no more than another does."""
        is_new = self._size_bytes > self._head_bytes or (self._seq == 0 and self._open)
        if self._file >= 0 and is_new:
            self._cut_back()
            self._start_segment()

    def start_anew(self) -> None:
        """Be a new writer, which says again that its runs are open: for one that others may take for dead."""
        if self._file >= 0:
            self._start_anew()
            self._create_folder()

    def close(self) -> None:
        """End the record and release the lock. A second call does nothing."""
        try:
            if self._file >= 0:
                self._cut_back()
        finally:
            self.abandon()

    def abandon(self) -> None:
        """Let go of the files without touching them: for a forked child, whose parent goes on writing."""
        self._is_usable = False
        self._close_files()

    def _in_order(self, patches: _Patches) -> Iterator[tuple[int, int, Row]]:
        last_ts = self._last_ts
        for number, ts, patch in patches:
            last_ts = max(last_ts, ts)
            yield number, last_ts, patch

    def _follow(self, number: int, ts: int, patch: Row) -> None:
        """Keep what the next segment's head must repeat."""
        self._last_ts = max(self._last_ts, ts)
        open_run = self._open.get(number)
        if "status" in patch:
            if patch["status"] != "running":
                self._open.pop(number, None)
                return
            if open_run is None:
                open_run = self._open[number] = _OpenRun({}, ts)
            open_run.status_ts = ts
        if open_run is not None:
            apply_patch(open_run.row, patch)

    def _prepare_file(self) -> None:
        """A file to append to: the first one, the present one, or the next one if that is large or old enough."""
        if self._file >= 0 and os.fstat(self._file).st_nlink == 0:
            self._start_anew()
        if self._file < 0:
            self._create_folder()
            return
        self._cut_back()
        written_bytes, age_s = self._size_bytes - self._head_bytes, time.monotonic() - self._started_s
        if written_bytes and (written_bytes >= self._max_bytes or age_s >= self._max_age_s):
            self._start_segment()

    def _start_anew(self) -> None:
        """The files were removed (sealed by a machine that could not see our lock, or by hand): be a new writer."""
        self._close_files()
        self.writer_id = new_id()
        self._seq = -1
        self._closed_segments = set()
        self._last_ts += 1  # later than anything that was said about them, their being given up included
        for run in self._open.values():
            run.status_ts = self._last_ts

    def _create_folder(self) -> None:
        """The writer's folder appears with its lock already held and its first segment in it."""
        hidden, visible = self._wal / f".{self.writer_id}", self._wal / self.writer_id
        try:
            self._wal.mkdir(exist_ok=True)
        except FileNotFoundError as gone:
            raise StoreNotFoundError(
                f"The store {self._wal.parent} is gone. Expected the folder it was opened in. Open or create it again."
            ) from gone
        try:
            hidden.mkdir()
            self._folder = os.open(hidden, os.O_RDONLY | os.O_DIRECTORY)
            self._lock = os.open(LOCK, os.O_RDWR | os.O_CREAT, 0o644, dir_fd=self._folder)
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._start_segment()
            hidden.rename(visible)
        except BaseException:
            self._close_files()
            for name in (LOCK, segment_name(0)):
                with contextlib.suppress(OSError):
                    (hidden / name).unlink()
            with contextlib.suppress(OSError):
                hidden.rmdir()
            self._seq = -1
            raise

    def _start_segment(self) -> None:
        """The next segment appears with its head in it: whoever sees it knows the open runs."""
        seq = self._seq + 1
        hidden, name = f".{segment_name(seq)}", segment_name(seq)
        # By the folder's descriptor: a store that is moved while we write is followed.
        file = os.open(hidden, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_TRUNC, 0o644, dir_fd=self._folder)
        head = b"".join(self._head_lines(seq))
        try:
            _write_all(file, head)
            os.rename(hidden, name, src_dir_fd=self._folder, dst_dir_fd=self._folder)
        except BaseException:
            os.close(file)
            with contextlib.suppress(OSError):
                os.unlink(hidden, dir_fd=self._folder)
            raise
        if self._file >= 0:
            os.close(self._file)
            self._closed_segments.add(segment_name(self._seq))
        self._file = file
        self._seq = seq
        self._started_s = time.monotonic()
        self._head_bytes = self._size_bytes = len(head)

    def _head_lines(self, seq: int) -> Iterator[bytes]:
        system = os.uname()
        header = {
            "v": LINE_FORMAT,
            "writer": self.writer_id,
            "seq": seq,
            "host": system.nodename,
            "pid": os.getpid(),
            "boot": _boot_id(),
            "rank": self._rank,
            "time": time.time_ns() // 1000,
        }
        yield _line({"h": header})
        if self._runs or self._keys:
            yield _line({"r": self._runs, "k": self._keys})
        for number, run in self._open.items():
            # A first segment has open runs only if this writer started anew: they are said again, not repeated.
            yield _line({"e" if seq == 0 else "s": [[number, run.status_ts, run.row]]})

    def _append(self, data: bytes) -> None:
        """All of the bytes, or none: after a failure the file is cut back to what it was."""
        try:
            _write_all(self._file, data)
        except BaseException:
            with contextlib.suppress(OSError):  # then it is done before the next write
                self._cut_back()
            raise

    def _cut_back(self) -> None:
        """Take off what a write that did not come to its end has left, so that it may be given again."""
        if os.fstat(self._file).st_size > self._size_bytes:
            os.ftruncate(self._file, self._size_bytes)

    def _exists(self, name: str) -> bool:
        try:
            os.stat(name, dir_fd=self._folder)
        except OSError:
            return False
        return True

    def _close_files(self) -> None:
        for descriptor in (self._file, self._lock, self._folder):
            if descriptor >= 0:
                os.close(descriptor)
        self._folder = self._lock = self._file = -1


def new_id() -> str:
    """A new run's or writer's id, which sorts by time.

    12 hex digits of milliseconds since 1970, 3 of 4096ths of that millisecond, 7 at random.
    """
    milliseconds, rest_ns = divmod(time.time_ns(), 1_000_000)
    return f"{milliseconds:012x}{rest_ns * 4096 // 1_000_000:03x}{os.urandom(4).hex()[:7]}"


def segment_name(seq: int) -> str:
    """The file name of a writer's segment."""
    return f"{seq:06d}.jsonl"


def parse_line(line: bytes) -> dict[str, Any] | None:
    """The record of a line without its newline, or None if it is torn or damaged."""
    text = line[9:]
    if line[:9] != b"%08x " % zlib.crc32(text):
        return None
    try:
        record = json.loads(text)
    except ValueError:
        return None
    return record if isinstance(record, dict) else None


def _write_all(file: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:  # a second turn only after a short write
        rest = rest[os.write(file, rest) :]


def _batch_lines(runs: _Runs, keys: _Runs, patches: _Patches, points: bytes) -> Iterator[bytes]:
    record: dict[str, object] = {}
    if runs:
        record["r"] = runs
    if keys:
        record["k"] = keys
    if patches:
        record["e"] = patches
    if record:
        yield _line(record)
    chunk_bytes = _LINE_POINTS * POINT.size
    for start in range(0, len(points), chunk_bytes):
        chunk = points[start : start + chunk_bytes]
        packed = binascii.b2a_base64(chunk, newline=False).decode("ascii")
        yield _line({"n": len(chunk) // POINT.size, "p": packed})


def _line(record: Mapping[str, object]) -> bytes:
    text = json.dumps(record, separators=(",", ":")).encode("ascii")
    return b"%08x %s\n" % (zlib.crc32(text), text)


def _boot_id() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
    except OSError:  # not Linux
        return ""
