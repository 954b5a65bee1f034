"""Bytes kept once, under their own SHA-256: models, artifacts, process records.

    sha256 = store.blobs.put(b"...")        # the same bytes again: nothing is written
    store.blobs.get(sha256)                 # checked: never other bytes than those that were put

A blob is complete or absent. Nothing here knows what the bytes are. Standard library only.
"""

import errno
import os
import re
import time
from pathlib import Path
from stat import S_ISREG

from autotrack.errors import StoreError
from autotrack.store.backend import LocalBackend, open_plain, sync_folder

__all__ = ["Blobs", "blob_key"]

_SHA256 = re.compile(r"[0-9a-f]{64}")
_CHUNK_BYTES = 1 << 20  # large enough that hashing, not calling, takes the time


class Blobs:
    """The content-addressed half of a store."""

    def __init__(self, backend: LocalBackend) -> None:
        self._backend = backend

    def path(self, sha256: str) -> Path:
        """Where the blob lies, whether or not it exists.

        Raises:
            StoreError: Not a SHA-256 in lower-case hex.
        """
        return self._backend.path(blob_key(sha256))

    def has(self, sha256: str) -> bool:
        """Whether the blob is here (its bytes are checked by `get`)."""
        return self.path(sha256).is_file()

    def publish(self) -> None:
        """See to it that whoever reads the store finds what was put before this call; in a folder they do already."""

    def put(self, data: bytes, sha256: str | None = None, *, durable: bool = True) -> str:
        """Keep bytes and return their SHA-256.

        Args:
            sha256: Of the bytes, where the caller has computed it: of a large model that takes as long as writing it.
            durable: They survive a power cut once this returns.
        """
        sha256 = sha256 or _sha256(data)
        if not self._is_here(sha256, len(data), durable):
            self._backend.put(blob_key(sha256), data, durable=durable)
        return sha256

    def put_timed(self, data: bytes, sha256: str | None = None) -> tuple[str, int | None]:
        """As `put`, not durable; and when it was put, in nanoseconds since 1970. None: the bytes were here before.

        Args:
            sha256: As for `put`.
        """
        sha256 = sha256 or _sha256(data)
        if self._is_here(sha256, len(data), durable=False):
            return sha256, None
        self._backend.put(blob_key(sha256), data, durable=False)
        try:
            return sha256, self.path(sha256).stat().st_mtime_ns
        except FileNotFoundError:  # it is on its way into a bucket
            return sha256, None

    def discard(self, sha256: str, put_ns: int) -> None:
        """Remove a blob that was put at this moment, unless somebody has put the same bytes since.

        It is moved aside first: whoever puts it from there on puts it anew.
        """
        path = self.path(sha256)
        aside = path.with_name(f".tmp-{os.urandom(8).hex()}")
        try:
            os.rename(path, aside)
            if aside.stat().st_mtime_ns == put_ns:
                aside.unlink()
            else:
                os.replace(aside, path)
        except FileNotFoundError:
            pass  # it is gone already

    def put_file(self, path: str | Path, *, durable: bool = True) -> str:
        """Keep a file's bytes and return their SHA-256; reads it once, in pieces."""
        import hashlib

        digest = hashlib.sha256()
        incoming = self._backend.path(f"blobs/.tmp-{os.urandom(8).hex()}")
        with open_plain(path) as source:
            incoming.parent.mkdir(parents=True, exist_ok=True)
            try:
                with open(incoming, "xb") as copy:
                    while chunk := source.read(_CHUNK_BYTES):
                        digest.update(chunk)
                        copy.write(chunk)
                    copy.flush()
                    if durable:
                        os.fsync(copy.fileno())
                    size_bytes = copy.tell()
                sha256 = digest.hexdigest()
                if not self._is_here(sha256, size_bytes, durable):
                    target = self.path(sha256)
                    target.parent.mkdir(parents=True, exist_ok=True)
                    os.replace(incoming, target)
                    if durable:
                        sync_folder(target.parent)
            finally:
                incoming.unlink(missing_ok=True)
        return sha256

    def get(self, sha256: str, *, most_bytes: int | None = None) -> bytes:
        """The bytes of a blob, checked against their name.

        Args:
            most_bytes: That it can have; of what has more, nothing is read.

        Raises:
            StoreError: There is no such blob, or its bytes are not the ones that were put.
        """
        data = self.read(sha256, most_bytes=most_bytes)
        found = _sha256(data)
        if found != sha256:
            raise StoreError(
                f"The blob {sha256[:12]}… is damaged: its bytes ({len(data):,}) have the SHA-256 {found[:12]}….\n"
                f"Expected the bytes that were saved. Restore {self._name(sha256)} from a copy; or delete it and save "
                "again.",
                sha256=sha256,
                found=found,
            )
        return data

    def read(self, sha256: str, *, most_bytes: int | None = None) -> bytes:
        """The bytes of a blob as they are: for who checks them against its name in any case.

        Args:
            most_bytes: As for `get`.

        Raises:
            StoreError: There is no such blob, or it cannot be read.
        """
        try:
            return self._read(blob_key(sha256), most_bytes)
        except FileNotFoundError as missing:
            raise StoreError(
                f"The blob {sha256[:12]}… is not in the store: {self._name(sha256)} does not exist.\n"
                "Expected every blob that a run or a model names. Restore it from a copy of the store.",
                sha256=sha256,
            ) from missing

    def _read(self, key: str, most_bytes: int | None) -> bytes:
        return self._backend.get(key, most_bytes=most_bytes)

    def _name(self, sha256: str) -> str:
        return self._backend.name(blob_key(sha256))

    def _is_here(self, sha256: str, size_bytes: int, durable: bool) -> bool:
        """Whether the blob exists in full; its time is renewed, so that no clean-up takes it for forgotten."""
        path = self.path(sha256)
        try:
            known = path.stat()
            if known.st_size != size_bytes or not S_ISREG(known.st_mode):  # cut short by a power cut: written anew
                return False
            renewed_ns = max(time.time_ns(), known.st_mtime_ns + 1)  # never the same: `discard` looks for that
            try:
                os.utime(path, ns=(renewed_ns, renewed_ns))
            except PermissionError:  # another user's: he may be told the time, not set it
                os.utime(path)
            if durable:  # it may have come by a put that was not
                _sync_file(path)
        except FileNotFoundError:
            return False
        except OSError as error:
            if error.errno == errno.ELOOP:  # a link to itself
                return False
            if error.errno not in (errno.EPERM, errno.EACCES, errno.EROFS):
                raise
        return True


def _sync_file(path: Path) -> None:
    with open(path, "rb") as file:
        os.fsync(file.fileno())
    sync_folder(path.parent)


def _sha256(data: bytes) -> str:
    import hashlib  # 5 ms, of which most is OpenSSL: not for a process that only enables

    return hashlib.sha256(data).hexdigest()


def blob_key(sha256: str) -> str:
    """The key of a blob.

    Raises:
        StoreError: Not a SHA-256 in lower-case hex.
    """
    if not _SHA256.fullmatch(sha256):
        raise StoreError(f"{sha256!r} is not a blob's name. Expected a SHA-256: 64 hexadecimal digits.", sha256=sha256)
    return f"blobs/sha256/{sha256[:2]}/{sha256}"
