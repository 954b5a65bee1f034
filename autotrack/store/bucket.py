"""A store in a bucket: read as one in a folder, written by way of a spool on this machine.

    store = Store.open("s3://bucket/prefix", create=True)

What this machine has recorded and not uploaded yet is read from the spool, so that a process finds at once what it, or
its neighbour, has logged. A writer elsewhere lives while its heartbeat is young.
"""

import secrets
import time
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO

from autotrack.errors import StoreError
from autotrack.store.backend import Backend
from autotrack.store.blobs import Blobs, blob_key
from autotrack.store.journal import SegmentWriter
from autotrack.store.object_store import ObjectBackend
from autotrack.store.seal import SealReport
from autotrack.store.spool import HEARTBEAT_GONE_S, Spool, SpoolWriter, heartbeat_key, piece_key
from autotrack.store.store import Store
from autotrack.store.wal import Life, Writer, segment_numbers

__all__ = ["BucketStore"]


class BucketStore(Store):
    """A store whose root is an address. Made without a word to the server: that is asked when something is needed."""

    def __init__(self, address: str) -> None:
        backend = ObjectBackend(address)
        self._spool = Spool(backend, self._prepare)
        super().__init__(backend.address, backend, BucketWal(backend, self._spool), SpooledBlobs(self._spool))

    @property
    def is_writable(self) -> bool:
        """Whether this version may write to the store; whether this user may is known to the server alone."""
        return self._is_for_our_writers

    def new_writer(self, rank: int | None = None, **limits: Any) -> SegmentWriter:
        """A writer to the spool; its `close` uploads what is left. Nothing here waits for the network before."""
        return SpoolWriter(self._spool, maintain=self.maintain, rank=rank, **limits)

    def identify(self, *, create: bool = False) -> dict[str, Any]:
        """As for any store; one that this machine has recorded for is made, if that has not been done yet."""
        return super().identify(create=create or self._spool.folder.is_dir())

    def seal(self) -> SealReport:
        """As for any store; what dead processes have left on this machine is uploaded first."""
        self._spool.adopt()
        return super().seal()

    @property
    def _import_lock(self) -> Path:
        return self._spool.folder / "import"

    def _prepare(self) -> None:
        """Before anything is uploaded: the store is there, and is for writers of ours."""
        self.identify(create=True)
        self._check_may_write()

    def _make(self) -> dict[str, Any]:
        _check_conditions(self.backend)
        return super()._make()


class BucketWal:
    """The live record in a bucket, and what of it lies in this machine's spool still."""

    is_remote = True

    def __init__(self, backend: ObjectBackend, spool: Spool) -> None:
        self._backend = backend
        self._spool = spool

    def writers(self) -> list[Writer]:
        """All writers with something here, oldest first. Only what is in the bucket may be sealed."""
        # The spool first: a piece that moves meanwhile is seen twice, not missed.
        spooled = {writer.writer_id: writer for writer in self._spool.wal.writers()}
        now_s = time.time()
        names: dict[str, list[str]] = {writer_id: [] for writer_id in spooled}
        lives: dict[str, Life] = {writer_id: writer.life for writer_id, writer in spooled.items()}
        for key, stat in self._backend.stats("wal/").items():
            writer_id, _, name = key.removeprefix("wal/").rpartition("/")
            names.setdefault(writer_id, []).append(name)
            if key == heartbeat_key(writer_id):
                lives.setdefault(writer_id, _life(now_s - stat.modified_s))
        found = []
        for writer_id in sorted(names):
            uploaded = segment_numbers(names[writer_id])
            here = spooled[writer_id].seqs if writer_id in spooled else ()
            seqs = tuple(sorted({*uploaded, *here}))
            found.append(Writer(writer_id, lives.get(writer_id, "gone"), seqs, uploaded))
        return found

    def life(self, writer_id: str) -> Life:
        """Whether this writer may still write."""
        if (self._spool.wal.folder / writer_id).is_dir():
            return self._spool.wal.life(writer_id)
        try:
            return _life(time.time() - self._backend.stat(heartbeat_key(writer_id)).modified_s)
        except FileNotFoundError:
            return "gone"

    def open(self, writer_id: str, seq: int) -> BinaryIO:
        """A piece, from the spool if it lies there, else from the bucket in one request."""
        try:
            return self._spool.wal.open(writer_id, seq)
        except FileNotFoundError:
            return BytesIO(self._backend.get(piece_key(writer_id, seq)))

    def remove(self, writer_id: str, seq: int) -> None:
        """Delete a piece that every table has."""
        self._backend.delete(piece_key(writer_id, seq))

    def remove_writer(self, writer_id: str) -> None:
        """Delete the heartbeat of a writer that is gone."""
        self._backend.delete(heartbeat_key(writer_id))

    def remove_leftovers(self) -> None:
        """A bucket has none: keys are complete or absent."""


class SpooledBlobs(Blobs):
    """Blobs are put into the spool, and found there or in the bucket."""

    def __init__(self, spool: Spool) -> None:
        super().__init__(spool.local)
        self._spool = spool

    def has(self, sha256: str) -> bool:
        """Whether the blob is here."""
        if super().has(sha256):
            return True
        try:
            self._spool.backend.stat(blob_key(sha256))
        except FileNotFoundError:
            return False
        return True

    def publish(self) -> None:
        """Upload what was put before this call.

        Raises:
            StoreError: The server is down, or refuses.
        """
        self._spool.upload_blobs()

    def _read(self, key: str, most_bytes: int | None) -> bytes:
        try:
            return super()._read(key, most_bytes)
        except FileNotFoundError:
            return self._spool.backend.get(key, most_bytes=most_bytes)

    def _name(self, sha256: str) -> str:
        return self._spool.backend.name(blob_key(sha256))


def _life(silent_s: float) -> Life:
    return "alive" if silent_s < HEARTBEAT_GONE_S else "gone"


def _check_conditions(backend: Backend) -> None:
    """That the server keeps to put-if-absent: on it stands that no two processes make the same commit.

    Raises:
        StoreError: It does not.
    """
    key = f"probe-{secrets.token_hex(8)}"
    try:
        is_kept = backend.put_if_absent(key, b"first") and not backend.put_if_absent(key, b"second")
    finally:
        backend.delete(key)
    if not is_kept:
        raise StoreError(
            f"No store can be made in {backend.name('')}: its server overwrites a key that it was asked not to touch.\n"
            "Expected a server with conditional writes (If-None-Match), as Amazon S3, Google, Azure, R2 and MinIO have "
            "them. Use another bucket or upgrade the server.",
            address=backend.name(""),
        )
