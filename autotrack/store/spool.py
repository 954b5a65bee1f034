"""The record of a store in a bucket on its way there: written to this machine's disk first, then uploaded.

    <cache>/spool/<digest of the address>/wal/<writer-id>/   LOCK and segments, as in a store in a folder
    <cache>/spool/<digest of the address>/blobs/             blobs, likewise

The process that records writes here and never waits for the network. A thread of its own uploads each finished piece
of the record (5 s or 1 MB) and then removes it here, and says every 30 s that the writer lives. What a process that
was killed has left here is uploaded by the next one on this machine that records into the same store, or seals it.

The names are those of the bucket, and uploading a piece twice changes nothing: whoever comes, uploads.
"""

import contextlib
import hashlib
import json
import os
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from autotrack.guard import cache_dir, guard, tell_once
from autotrack.store.backend import LocalBackend
from autotrack.store.journal import SegmentWriter, segment_name
from autotrack.store.object_store import ObjectBackend
from autotrack.store.wal import LocalWal

__all__ = ["HEARTBEAT_GONE_S", "Spool", "SpoolWriter", "heartbeat_key", "piece_key"]

PIECE_BYTES = 1 << 20  # of a piece of the record: what a request should carry at least to be worth its time
PIECE_AGE_S = 5.0  # what the loss of the machine may cost
HEARTBEAT_S = 30.0
HEARTBEAT_GONE_S = 300.0  # without a word for so long a writer is gone: ten of its heartbeats were lost
_TICK_S = 1.0  # so often there is a look whether there is something to upload
_RETRY_S = (2.0, 60.0)  # the first and the longest wait after a failure
_SEAL_PIECES = 60  # five minutes of record: few commits, and few pieces for readers to fetch
_FRESH_BLOB_S = 12 * 3600.0  # an older blob in the bucket is put again, so that no clean-up takes it for forgotten


class Spool:
    """What lies on this machine for one store in a bucket.

    Args:
        prepare: Called before anything is uploaded: makes the store if there is none, raises if it must not be used.
    """

    def __init__(self, backend: ObjectBackend, prepare: Callable[[], object]) -> None:
        self.backend = backend
        self.folder = _folder(backend.address)
        self.wal = LocalWal(self.folder / "wal")
        self.local = LocalBackend(self.folder)
        self._prepare = prepare

    def upload_blobs(self) -> None:
        """Upload all blobs that lie here."""
        for key in self.local.list("blobs/"):
            self._prepare()
            with contextlib.suppress(FileNotFoundError):  # another process was faster
                if not self._has_fresh(key):
                    self.backend.put_file(key, self.local.path(key))
                self.local.delete(key)

    def upload_piece(self, writer_id: str, seq: int) -> None:
        """Upload a segment that does not change any more."""
        self._prepare()
        key = piece_key(writer_id, seq)
        with contextlib.suppress(FileNotFoundError):
            self.backend.put(key, self.local.get(key))
            self.local.delete(key)

    def beat(self, writer_id: str) -> None:
        """Say that a writer lives."""
        self._prepare()
        system = {"host": os.uname().nodename, "pid": os.getpid(), "time": time.time_ns() // 1000}
        self.backend.put(heartbeat_key(writer_id), json.dumps(system).encode("ascii"))

    def adopt(self) -> None:
        """Upload what writers have left here that are gone, blobs before the record that names them."""
        gone = [writer for writer in self.wal.writers() if writer.life == "gone"]
        self.upload_blobs()
        for writer in gone:
            for seq in writer.seqs:
                self.upload_piece(writer.writer_id, seq)
            self.backend.delete(heartbeat_key(writer.writer_id))
            self.wal.remove_writer(writer.writer_id)
        self.wal.remove_leftovers()

    def _has_fresh(self, key: str) -> bool:
        try:
            found = self.backend.stat(key)
        except FileNotFoundError:
            return False
        is_whole = found.size_bytes == self.local.stat(key).size_bytes
        return is_whole and time.time() - found.modified_s < _FRESH_BLOB_S


class SpoolWriter(SegmentWriter):
    """Writes as any writer does, to the spool; a thread uploads.

    Attributes:
        is_reachable: Whether the bucket could be used when that was last tried.
    """

    def __init__(
        self,
        spool: Spool,
        *,
        maintain: Callable[..., object],
        rank: int | None = None,
        max_bytes: int = PIECE_BYTES,
        max_age_s: float = PIECE_AGE_S,
        keeps_times: bool = False,
    ) -> None:
        spool.folder.mkdir(parents=True, exist_ok=True)
        super().__init__(spool.wal.folder, rank=rank, max_bytes=max_bytes, max_age_s=max_age_s, keeps_times=keeps_times)
        self.is_reachable = spool.backend.is_usable
        self._spool = spool
        self._maintain = maintain
        self._turn = threading.Lock()  # held for moments: while a line is written, or a piece is finished
        self._ending = threading.Event()
        self._has_run_ended = False
        self._thread: threading.Thread | None = None
        self._pieces = 0  # uploaded since the last time they were sealed
        self._beat_s: float | None = None  # when the last heartbeat was put
        self._adopted_s: float | None = None
        self._wait_s = 0.0  # between two tries while the server is down
        self._retry_at_s = 0.0

    @property
    def rotated(self) -> bool:
        """Never: sealing waits for the network, and is done by the thread that may."""
        return False

    def write(self, runs: Mapping[int, str], keys: Mapping[int, str], patches: Any, points: bytes) -> None:
        """Append to the record on this machine; see SegmentWriter.write."""
        with self._turn:
            super().write(runs, keys, patches, points)
        if any(patch.get("status", "running") != "running" for _, _, patch in patches):
            self._has_run_ended = True
        if self._thread is None and self._spool.backend.is_usable:
            self._thread = threading.Thread(target=self._work, name="autotrack-upload", daemon=True)
            with contextlib.suppress(RuntimeError):  # the interpreter is ending: the next process will upload
                self._thread.start()

    def close(self) -> None:
        """End the record, and upload what is left of it unless the server is known to be down."""
        self._ending.set()
        if self._thread is not None and self._thread.is_alive():
            self._thread.join()
        with self._turn:
            if self._seq > 0 and self._size_bytes == self._head_bytes:  # it says nothing that is not said before
                self._spool.wal.remove(self.writer_id, self._seq)
            super().close()
        if self._spool.backend.is_usable and self.is_reachable:
            self._tried(self._spool.adopt)

    # ---- the uploading thread

    def _work(self) -> None:
        while not self._ending.wait(_TICK_S):
            if time.monotonic() >= self._retry_at_s:
                with guard("upload"):
                    self._tried(self._upload)

    def _tried(self, upload: Callable[[], object]) -> None:
        """Upload; if that fails, tell it once and wait before the next try."""
        try:
            upload()
        except OSError as error:
            self.is_reachable = False
            self._wait_s = min(max(2 * self._wait_s, _RETRY_S[0]), _RETRY_S[1])
            self._retry_at_s = time.monotonic() + self._wait_s
            tell_once(
                f"upload to {self._spool.backend.address}",
                f"autotrack cannot upload for now: {str(error).partition(chr(10))[0]} What is recorded waits in "
                f"{self._spool.folder} and is uploaded when that is possible: by this process, by the next one here "
                "that records into this store, or with: autotrack compact. Your own code is not affected.",
            )
        else:
            self.is_reachable = True
            self._wait_s = self._retry_at_s = 0.0

    def _upload(self) -> None:
        if self._is_due(self._beat_s, HEARTBEAT_S):
            self._say_alive()
        writer_id, finished = self._finished()
        self._spool.upload_blobs()  # after: what these pieces name is there
        for seq in finished:
            self._spool.upload_piece(writer_id, seq)
            self._pieces += 1
        if self._is_due(self._adopted_s, HEARTBEAT_S):
            self._spool.adopt()
            self._adopted_s = _now_s()
        if self._pieces >= _SEAL_PIECES:
            self._maintain(is_stopped=self._ending.is_set)
            self._pieces = 0

    def _finished(self) -> tuple[str, list[int]]:
        """Who we are, and our pieces that will not change; the present one too if it is old or a run has ended."""
        with self._turn:
            if self._has_run_ended or time.monotonic() - self._started_s >= self._max_age_s:
                self._has_run_ended = False
                self.rotate()
            writer_id, present = self.writer_id, self._seq
        for writer in self._spool.wal.writers():
            if writer.writer_id == writer_id:
                return writer_id, [seq for seq in writer.seqs if seq < present]
        return writer_id, []

    def _say_alive(self) -> None:
        """Put the heartbeat. If it was not heard for so long that we count as gone: be a new writer."""
        if self._beat_s is not None and _now_s() - self._beat_s > HEARTBEAT_GONE_S:
            with self._turn:
                self.start_anew()
        self._spool.beat(self.writer_id)
        self._beat_s = _now_s()

    @staticmethod
    def _is_due(last_s: float | None, every_s: float) -> bool:
        return last_s is None or _now_s() - last_s >= every_s


def piece_key(writer_id: str, seq: int) -> str:
    """The key of a segment, in the spool and in the bucket."""
    return f"wal/{writer_id}/{segment_name(seq)}"


def heartbeat_key(writer_id: str) -> str:
    """The key whose time says when a writer was last alive."""
    return f"wal/{writer_id}/HEARTBEAT"


def _now_s() -> float:
    """Seconds that pass while the machine sleeps, too."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


def _folder(address: str) -> Path:
    """By address and server, not by the store's id: that is known only once the server has answered."""
    place = f"{os.environ.get('AWS_ENDPOINT_URL', '')}\0{address}".encode("utf-8", "surrogateescape")
    return _writable_folder() / "spool" / hashlib.blake2b(place, digest_size=10).hexdigest()


def _writable_folder() -> Path:
    """The cache folder; where that may not be written to (a container, say), one of our own for temporary files."""
    cache = cache_dir()
    if os.access(next(folder for folder in (cache, *cache.parents) if folder.exists()), os.W_OK):
        return cache
    own = Path(tempfile.gettempdir()) / f"autotrack-{os.getuid()}"
    with contextlib.suppress(OSError):
        own.mkdir(mode=0o700, exist_ok=True)
        if own.lstat().st_uid == os.getuid() and own.is_dir():  # nobody else has put it there for us
            return own
    return cache
