"""Reading the live record: what its segments hold.

    records = LiveRecords(wal).read(...)        # parsed, and kept, so that the next read parses only what is new

Lines that are torn or damaged are skipped and counted; the rest is read. The format is in `journal.py`.
"""

import base64
import contextlib
import os
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, BinaryIO

from autotrack.store.journal import POINT, parse_line
from autotrack.store.rows import TimedSummary, printable
from autotrack.store.wal import Life, Wal, Writer

__all__ = ["LiveRecords", "LiveWriter", "Segment", "read_segment"]

_FETCHERS = 16  # requests at once: a bucket takes tens of milliseconds for each
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
            record = parse_line(line)
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
class LiveWriter:
    """A writer and the segments of it that were read."""

    writer_id: str
    life: Life
    last_seq: int
    segments: tuple[Segment, ...]


def read_segment(wal: Wal, writer_id: str, seq: int) -> Segment:
    """A segment that is not written to any more."""
    with wal.open(writer_id, seq) as file:
        data = file.read()
    end = data.rfind(b"\n") + 1
    segment = Segment(seq)
    segment.feed(data[:end])
    segment.skipped_lines += end < len(data)
    return segment


class LiveRecords:
    """The parsed segments of a store; each further `read` parses only what was appended since.

    May be shared by threads. After a fork the child starts with nothing, and a lock of its own.
    """

    def __init__(self, wal: Wal) -> None:
        self._wal = wal
        self._pid = os.getpid()
        self._lock = threading.Lock()
        self._tails: dict[tuple[str, int], _Tail] = {}

    def read(self, covered: Mapping[str, int]) -> list[LiveWriter]:
        """All writers with the segments behind their `covered` one, as they are on file now."""
        if self._pid != os.getpid():
            self.__init__(self._wal)  # type: ignore[misc]
        with self._lock:
            writers = self._wal.writers()
            self._tails = {
                (writer.writer_id, seq): self._tails.get((writer.writer_id, seq)) or _Tail(seq)
                for writer in writers
                for seq in writer.seqs
                if seq > covered.get(writer.writer_id, -1)
            }
            self._refresh_all(writers)
            return [self._live_writer(writer) for writer in writers]

    def backlog(self) -> tuple[int, int]:
        """How many closed segments were there at the last read, and how many bytes of them."""
        closed = [tail for tail in self._tails.values() if tail.is_complete]
        return len(closed), sum(tail.size_bytes for tail in closed)

    def _refresh_all(self, writers: Sequence[Writer]) -> None:
        closed = {(writer.writer_id, seq) for writer in writers for seq in writer.closed_seqs}

        def refresh(key: tuple[str, int]) -> None:
            tail = self._tails[key]
            if not tail.is_complete:
                try:
                    with self._wal.open(*key) as file:
                        tail.refresh(file)
                    tail.is_complete = key in closed
                except FileNotFoundError:  # sealed and removed in between: the tables have it
                    tail.is_missing = True

        if self._wal.is_remote and len(self._tails) > 1:
            from concurrent.futures import ThreadPoolExecutor

            with (
                contextlib.suppress(RuntimeError),  # the interpreter is ending: one after the other
                ThreadPoolExecutor(_FETCHERS, "autotrack-fetch") as threads,
            ):
                list(threads.map(refresh, self._tails))
        for key in self._tails:
            refresh(key)

    def _live_writer(self, writer: Writer) -> LiveWriter:
        tails = [self._tails.get((writer.writer_id, seq)) for seq in writer.seqs]
        segments = tuple(tail.segment for tail in tails if tail is not None and not tail.is_missing)
        return LiveWriter(writer.writer_id, writer.life, writer.seqs[-1] if writer.seqs else -1, segments)


class _Tail:
    """A segment that is being written, and how far it was read; complete if that is its end, missing if it is gone."""

    def __init__(self, seq: int) -> None:
        self.segment = Segment(seq)
        self.is_complete = self.is_missing = False
        self._offset = 0
        self._last_bytes = b""

    def refresh(self, file: BinaryIO) -> None:
        file.seek(self._offset - len(self._last_bytes))
        if file.read(len(self._last_bytes)) != self._last_bytes:  # a failed write was taken back after we read it
            file.seek(0)
            self._offset, self._last_bytes, self.segment = 0, b"", Segment(self.segment.seq)
        data = file.read()
        whole = data[: data.rfind(b"\n") + 1]
        if whole:
            self._replace_segment(whole)

    @property
    def size_bytes(self) -> int:
        """How much of the file was read."""
        return self._offset

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
