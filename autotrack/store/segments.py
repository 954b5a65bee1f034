"""Reading the live record: which writers there are, whether they live, and what their segments hold.

    for writer in find_writers(wal):            # cheap: folders, locks, file names
        for seq in writer.seqs: ...
    records = LiveRecords(wal).read(...)        # parsed, and kept, so that the next read parses only what is new

Lines that are torn or damaged are skipped and counted; the rest is read. The format is in `journal.py`.
"""

import base64
import contextlib
import fcntl
import json
import os
import threading
import time
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from autotrack.store.journal import LOCK, POINT, segment_name
from autotrack.store.rows import TimedSummary, printable

__all__ = ["Life", "LiveRecords", "LiveWriter", "Segment", "Writer", "find_writers", "read_segment", "writer_life"]

# alive: may still write. silent: on another host, and not heard of for a while; shown as ended, but its last
# segment is left alone. gone: will never write again.
Life = Literal["alive", "silent", "gone"]

_FOREIGN_ALIVE_S = 300.0  # a writer on another host, whose lock we may not see, lives while it wrote this recently
_FOREIGN_GONE_S = 86_400.0  # and is given up after a day: longer than any pause of a machine worth waiting for
_TAIL_BYTES = 64  # enough of a file's read part to see that it is still the same


@dataclass
class Segment:
    """What one segment file says."""

    seq: int
    header: dict[str, Any] = field(default_factory=dict)
    runs: dict[int, str] = field(default_factory=dict)
    keys: dict[int, str] = field(default_factory=dict)
    heads: list[tuple[int, int, dict[str, Any]]] = field(default_factory=list)  # open runs when it began
    patches: list[tuple[int, int, dict[str, Any]]] = field(default_factory=list)
    points: bytearray = field(default_factory=bytearray)
    last_ts: int = 0  # of the header and the patches
    skipped_lines: int = 0
    summaries: list[tuple[str, str, TimedSummary, int]] | None = None  # of the points, once somebody has asked

    def feed(self, lines: bytes) -> None:
        """Read whole lines."""
        for line in lines.split(b"\n"):
            if not line:
                continue
            record = _record(line)
            if record is None:
                self.skipped_lines += 1
                continue
            self._take(record)

    def open_runs(self) -> dict[int, int]:
        """The runs this writer left open at the end of this segment: number and time of their status."""
        still_open = {number: ts for number, ts, _ in self.heads}
        for number, ts, patch in self.patches:
            if patch.get("status") == "running":
                still_open[number] = ts
            elif "status" in patch:
                still_open.pop(number, None)
        return still_open

    def _take(self, record: dict[str, Any]) -> None:
        if "h" in record:
            self.header = record["h"]
            self.last_ts = max(self.last_ts, self.header.get("time", 0))
        self.runs.update((int(number), printable(name)) for number, name in record.get("r", {}).items())
        self.keys.update((int(number), printable(name)) for number, name in record.get("k", {}).items())
        self.heads.extend((number, ts, patch) for number, ts, patch in record.get("s", ()))
        for number, ts, patch in record.get("e", ()):
            self.patches.append((number, ts, patch))
            self.last_ts = max(self.last_ts, ts)
        if "p" in record:
            points = base64.b64decode(record["p"])
            self.points += points[: len(points) // POINT.size * POINT.size]


@dataclass(frozen=True)
class Writer:
    """A writer's folder: how it is, and which segments it has. Of a living one the last is still written to."""

    writer_id: str
    folder: Path
    life: Life
    seqs: tuple[int, ...]

    @property
    def closed_seqs(self) -> tuple[int, ...]:
        """The segments that will never change again."""
        return self.seqs if self.life == "gone" else self.seqs[:-1]

    def path(self, seq: int) -> Path:
        """Where a segment lies."""
        return self.folder / segment_name(seq)


@dataclass(frozen=True)
class LiveWriter:
    """A writer and the segments of it that were read."""

    writer_id: str
    life: Life
    last_seq: int
    segments: tuple[Segment, ...]


def find_writers(wal: Path) -> list[Writer]:
    """All writers with a folder, oldest first."""
    try:
        names = sorted(name for name in os.listdir(wal) if not name.startswith("."))
    except FileNotFoundError:
        return []
    writers = []
    for name in names:
        folder = wal / name
        # The life first: of a writer that is gone, the listing that follows is complete.
        life = writer_life(folder)
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            writers.append(Writer(name, folder, life, _seqs(folder)))
    return writers


def writer_life(folder: Path) -> Life:
    """Whether the writer of this folder may still write to it."""
    if _is_locked(folder / LOCK):
        return "alive"
    with contextlib.suppress(FileNotFoundError, NotADirectoryError):
        seqs = _seqs(folder)
        if seqs:
            newest = folder / segment_name(seqs[-1])
            with open(newest, "rb") as file:
                header = (_record(file.readline().rstrip(b"\n")) or {}).get("h", {})
            if header.get("host", os.uname().nodename) != os.uname().nodename:
                silent_s = time.time() - newest.stat().st_mtime
                return "alive" if silent_s < _FOREIGN_ALIVE_S else "silent" if silent_s < _FOREIGN_GONE_S else "gone"
    return "gone"


def read_segment(path: Path, seq: int) -> Segment:
    """A segment that is not written to any more."""
    data = path.read_bytes()
    end = data.rfind(b"\n") + 1
    segment = Segment(seq)
    segment.feed(data[:end])
    segment.skipped_lines += end < len(data)
    return segment


class LiveRecords:
    """The parsed segments of a store; each further `read` parses only what was appended since.

    May be shared by threads. After a fork the child starts with nothing, and a lock of its own.
    """

    def __init__(self, wal: Path) -> None:
        self._wal = wal
        self._pid = os.getpid()
        self._lock = threading.Lock()
        self._tails: dict[tuple[str, int], _Tail] = {}

    def read(self, covered: Mapping[str, int]) -> list[LiveWriter]:
        """All writers with the segments behind their `covered` one, as they are on file now."""
        if self._pid != os.getpid():
            self.__init__(self._wal)  # type: ignore[misc]
        with self._lock:
            writers = [
                self._read_writer(writer, covered.get(writer.writer_id, -1)) for writer in find_writers(self._wal)
            ]
            present = {(writer.writer_id, segment.seq) for writer in writers for segment in writer.segments}
            self._tails = {key: tail for key, tail in self._tails.items() if key in present}
            return writers

    def _read_writer(self, writer: Writer, covered: int) -> LiveWriter:
        segments = []
        for seq in writer.seqs:
            if seq <= covered:
                continue
            tail = self._tails.setdefault((writer.writer_id, seq), _Tail(seq))
            with contextlib.suppress(FileNotFoundError):  # sealed and removed in between: the tables have it
                tail.refresh(writer.path(seq))
                segments.append(tail.segment)
        return LiveWriter(writer.writer_id, writer.life, writer.seqs[-1] if writer.seqs else -1, tuple(segments))


class _Tail:
    """A segment that is being written, and how far it was read."""

    def __init__(self, seq: int) -> None:
        self.segment = Segment(seq)
        self._offset = 0
        self._last_bytes = b""

    def refresh(self, path: Path) -> None:
        with open(path, "rb") as file:
            file.seek(self._offset - len(self._last_bytes))
            if file.read(len(self._last_bytes)) != self._last_bytes:  # a failed write was taken back after we read it
                file.seek(0)
                self._offset, self._last_bytes, self.segment = 0, b"", Segment(self.segment.seq)
            data = file.read()
        whole = data[: data.rfind(b"\n") + 1]
        if whole:
            self._replace_segment(whole)

    def _replace_segment(self, whole: bytes) -> None:
        """Readers in other threads keep the segment they have: it never changes under them."""
        old = self.segment
        new = Segment(
            old.seq,
            old.header,
            dict(old.runs),
            dict(old.keys),
            list(old.heads),
            list(old.patches),
            bytearray(old.points),
            old.last_ts,
            old.skipped_lines,
        )
        new.feed(whole)
        self.segment = new
        self._offset += len(whole)
        self._last_bytes = (self._last_bytes + whole)[-_TAIL_BYTES:]


def _seqs(folder: Path) -> tuple[int, ...]:
    return tuple(sorted(_numbers(os.listdir(folder))))


def _numbers(names: list[str]) -> Iterator[int]:
    for name in names:
        stem, dot, ending = name.partition(".")
        if dot and ending == "jsonl" and stem.isdecimal():
            yield int(stem)


def _is_locked(path: Path) -> bool:
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except (FileNotFoundError, NotADirectoryError):
        return False
    except PermissionError:
        return True  # somebody else's, and not for us to judge
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:  # a file system without locks
        return False
    finally:
        os.close(descriptor)
    return False


def _record(line: bytes) -> dict[str, Any] | None:
    """The record of a line without its newline, or None if it is torn or damaged."""
    text = line[9:]
    if line[:9] != b"%08x " % zlib.crc32(text):
        return None
    try:
        record = json.loads(text)
    except ValueError:
        return None
    return record if isinstance(record, dict) else None
