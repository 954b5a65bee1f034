"""Where the live record lies: which writers there are, whether they live, and what segments each of them has.

    for writer in wal.writers():                # cheap: folders, locks, file names
        for seq in writer.seqs:
            with wal.open(writer.writer_id, seq) as file: ...

In a folder a writer lives while it holds its lock. `spool.py` has the same for a bucket.
"""

import contextlib
import fcntl
import os
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Literal, Protocol

from autotrack.store.backend import open_plain
from autotrack.store.journal import LOCK, parse_line, segment_name

__all__ = ["Life", "LocalWal", "Wal", "Writer", "is_backlog", "segment_numbers"]

BACKLOG_SEGMENTS = 256  # closed segments: a reader takes about 0.1 s for them
BACKLOG_BYTES = 32 << 20  # of closed segments: the same, if they hold points

# alive: may still write. silent: on another host, and not heard of for a while; shown as ended, but its last
# segment is left alone. gone: will never write again.
Life = Literal["alive", "silent", "gone"]

_FOREIGN_ALIVE_S = 300.0  # a writer on another host, whose lock we may not see, lives while it wrote this recently
_FOREIGN_GONE_S = 86_400.0  # and is given up after a day: longer than any pause of a machine worth waiting for
_LEFTOVER_S = 3600.0  # a folder that a writer has not finished making for so long has no writer


@dataclass(frozen=True)
class Writer:
    """A writer: how it is, and which segments it has.

    Attributes:
        closed_seqs: The segments that will never change again, and may be sealed.
    """

    writer_id: str
    life: Life
    seqs: tuple[int, ...]
    closed_seqs: tuple[int, ...]


class Wal(Protocol):
    """The live record of a store, as readers and sealers see it.

    Attributes:
        is_remote: Opening a segment is a request over the network.
    """

    is_remote: bool

    def writers(self) -> list[Writer]:
        """All writers with something here, oldest first."""
        ...

    def life(self, writer_id: str) -> Life:
        """Whether this writer may still write."""
        ...

    def open(self, writer_id: str, seq: int) -> BinaryIO:
        """A segment. FileNotFoundError: it is not there any more."""
        ...

    def remove(self, writer_id: str, seq: int) -> None:
        """Delete a segment that every table has."""
        ...

    def remove_writer(self, writer_id: str) -> None:
        """Delete what is left of a writer that is gone and has no segments any more."""
        ...

    def remove_leftovers(self) -> None:
        """Delete what writers have left that died before they had begun."""
        ...


class LocalWal:
    """The live record in a folder: a folder for each writer, with its lock and its segments."""

    is_remote = False

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def writers(self) -> list[Writer]:
        """All writers with a folder, oldest first."""
        try:
            names = sorted(name for name in os.listdir(self.folder) if not name.startswith("."))
        except FileNotFoundError:
            return []
        writers = []
        for name in names:
            # The life first: of a writer that is gone, the listing that follows is complete.
            life = self.life(name)
            with contextlib.suppress(FileNotFoundError, NotADirectoryError):
                seqs = segment_numbers(os.listdir(self.folder / name))
                writers.append(Writer(name, life, seqs, seqs if life == "gone" else seqs[:-1]))
        return writers

    def life(self, writer_id: str) -> Life:
        """Whether the writer of this folder may still write to it."""
        folder = self.folder / writer_id
        if _is_locked(folder / LOCK):
            return "alive"
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            seqs = segment_numbers(os.listdir(folder))
            if seqs:
                newest = folder / segment_name(seqs[-1])
                with open_plain(newest) as file:
                    header = (parse_line(file.readline().rstrip(b"\n")) or {}).get("h", {})
                if header.get("host", os.uname().nodename) != os.uname().nodename:
                    return _foreign_life(time.time() - newest.stat().st_mtime)
        return "gone"

    def open(self, writer_id: str, seq: int) -> BinaryIO:
        """A segment's file."""
        return open_plain(self.folder / writer_id / segment_name(seq))

    def remove(self, writer_id: str, seq: int) -> None:
        """Delete a segment's file."""
        (self.folder / writer_id / segment_name(seq)).unlink(missing_ok=True)

    def remove_writer(self, writer_id: str) -> None:
        """Remove the folder of a writer that is gone, and what it was making when it was killed."""
        folder = self.folder / writer_id
        with contextlib.suppress(FileNotFoundError):
            for unfinished in folder.glob(".*.jsonl"):
                unfinished.unlink(missing_ok=True)
            (folder / LOCK).unlink(missing_ok=True)
            with contextlib.suppress(OSError):  # not empty: there is something in it that we did not make
                os.rmdir(folder)

    def remove_leftovers(self) -> None:
        """Folders whose writer died before it had made them whole."""
        with contextlib.suppress(FileNotFoundError):
            for name in os.listdir(self.folder):
                # The age first: asking for the life takes the lock for a moment, in which its writer could not.
                if name.startswith(".") and _is_old(self.folder / name) and self.life(name) == "gone":
                    self.remove(name, 0)
                    self.remove_writer(name)


def segment_numbers(names: Iterable[str]) -> tuple[int, ...]:
    """The numbers of the segments among some file names, in order."""
    return tuple(sorted(_numbers(names)))


def _numbers(names: Iterable[str]) -> Iterator[int]:
    for name in names:
        stem, dot, ending = name.partition(".")
        if dot and ending == "jsonl" and stem.isdecimal():
            yield int(stem)


def _foreign_life(silent_s: float) -> Life:
    if silent_s < _FOREIGN_ALIVE_S:
        return "alive"
    return "silent" if silent_s < _FOREIGN_GONE_S else "gone"


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


def _is_old(folder: Path) -> bool:
    try:
        return time.time() - folder.stat().st_mtime > _LEFTOVER_S
    except FileNotFoundError:  # made whole meanwhile, or removed
        return False


def is_backlog(segments: int, size_bytes: int) -> bool:
    """Whether this much of the live record should be sealed."""
    return segments > BACKLOG_SEGMENTS or size_bytes > BACKLOG_BYTES
