"""A bucket as a place for bytes: `s3://bucket/prefix`, through obstore (the extra `s3`).

Where the server is and who we are comes from the `AWS_*` environment variables, for servers that speak S3 likewise:
`AWS_ENDPOINT_URL`, `AWS_REGION`, `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY` ...

A request whose answer is lost may have been carried out. So after a `put_if_absent` that was refused or got no answer
the key is read back: our own bytes mean that it was us. Errors are StoreErrors, and say what the server said.
"""

import builtins
import contextlib
import errno
import io
import os
from collections.abc import Iterator
from datetime import timedelta
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import Any, BinaryIO, cast
from urllib.parse import urlsplit

from autotrack.errors import MissingLibraryError, StoreError
from autotrack.store.backend import Stat, check_key, check_size

__all__ = ["ObjectBackend"]

_CONNECT_TIMEOUT = timedelta(seconds=5)
_REQUEST_TIMEOUT = timedelta(seconds=120)  # of one request, which carries 5 MB of a large value: slow lines take long
_RETRIES: dict[str, Any] = {"max_retries": 2, "retry_timeout": timedelta(seconds=30)}

# Its threads do not survive a fork, and whoever waits for them then waits for ever.
_pid_in_use: int | None = None


class ObjectBackend:
    """A bucket, or what lies below a prefix in it. May be shared by threads, not with a forked child.

    Attributes:
        address: As it was given, without a slash at the end.
    """

    is_remote = True

    def __init__(self, address: str) -> None:
        self.address = address.rstrip("/")
        parts = urlsplit(self.address)
        if parts.scheme != "s3" or not parts.netloc or "@" in parts.netloc or parts.query or parts.fragment:
            raise StoreError(
                f"{address!r} is not the address of a store. Expected s3://bucket/prefix; credentials and the "
                "server's address come from AWS_* environment variables.",
                address=address,
            )
        self._bucket = parts.netloc
        self._prefix = parts.path.strip("/")
        if find_spec("obstore") is None:
            raise MissingLibraryError(
                f"The store {self.address} is in a bucket, and the library for that is not installed (obstore).\n"
                "Expected the extra `s3`. Install it with: pip install 'autotrack-ml[s3]'",
                address=self.address,
            )

    @property
    def is_usable(self) -> bool:
        """Whether this process can use a bucket: not if it was forked from one that had done so."""
        return _pid_in_use in (None, os.getpid())

    def list(self, prefix: str = "") -> builtins.list[str]:
        """All keys that start with `prefix`, sorted."""
        return builtins.list(self.stats(prefix))

    def stats(self, prefix: str = "") -> dict[str, Stat]:
        """The same with size and time of each."""
        import obstore

        folder = prefix.rpartition("/")[0]
        if folder:
            check_key(folder)
        with self._told(prefix):
            found = [entry for page in obstore.list(self._store, folder or None) for entry in page]
        stats = {entry["path"]: _stat(entry) for entry in found if entry["path"].startswith(prefix)}
        return dict(sorted(stats.items()))

    def stat(self, key: str) -> Stat:
        """Size and time of a key.

        Raises:
            FileNotFoundError: No such key.
        """
        import obstore

        check_key(key)
        with self._told(key):
            return _stat(obstore.head(self._store, key))

    def get(self, key: str, start: int = 0, length: int | None = None, *, most_bytes: int | None = None) -> bytes:
        """The bytes of a key, or `length` of them from `start`.

        Raises:
            FileNotFoundError: No such key.
            StoreError: It has more than `most_bytes`.
        """
        import obstore

        check_key(key)
        if start or length is not None:  # a server refuses a range that begins behind the end
            size_bytes = self.stat(key).size_bytes
            check_size(self.name(key), size_bytes, most_bytes)
            end = size_bytes if length is None else min(size_bytes, start + length)
            return self.get_range(key, start, end) if start < end else b""
        with self._told(key):
            answer = obstore.get(self._store, key)  # what it says of the key: the bytes come after
            check_size(self.name(key), answer.meta["size"], most_bytes)
            return bytes(answer.bytes())

    def get_range(self, key: str, start: int, end: int) -> bytes:
        """The bytes from `start` to `end`, which the key is known to have."""
        import obstore

        with self._told(key):
            return bytes(obstore.get_range(self._store, key, start=start, end=end))

    def open(self, key: str) -> BinaryIO:
        """The bytes of a key as a file; each read asks the server for exactly that range.

        Raises:
            FileNotFoundError: No such key.
        """
        return cast(BinaryIO, _RemoteFile(self, key, self.stat(key).size_bytes))

    def put(self, key: str, data: bytes | memoryview, *, durable: bool = True) -> None:
        """Write a key, replacing what it held. A bucket is always durable."""
        import obstore

        check_key(key)
        with self._told(key, is_write=True):
            obstore.put(self._store, key, bytes(data))

    def put_file(self, key: str, path: Path) -> None:
        """Write a key from a file, in pieces if it is large.

        Raises:
            FileNotFoundError: Another process on this machine has uploaded the file, and removed it here.
        """
        import obstore

        check_key(key)
        with open(path, "rb") as file, self._told(key, is_write=True):
            obstore.put(self._store, key, file)

    def put_if_absent(self, key: str, data: bytes) -> bool:
        """Write a key unless it exists; False if it does and holds other bytes."""
        import obstore

        check_key(key)
        try:
            with self._told(key, is_write=True):
                obstore.put(self._store, key, data, mode="create", use_multipart=False)
        except StoreError:  # it exists, or the answer was lost
            with contextlib.suppress(FileNotFoundError):
                return self.get(key) == data
            raise
        return True

    def delete(self, key: str) -> None:
        """Remove a key; nothing happens if there is none."""
        import obstore

        check_key(key)
        with self._told(key), contextlib.suppress(FileNotFoundError):
            obstore.delete(self._store, key)

    def name(self, key: str) -> str:
        """The address of a key."""
        return f"{self.address}/{key}" if key else self.address

    @cached_property
    def _store(self) -> Any:
        from obstore.store import S3Store

        return S3Store(
            self._bucket,
            prefix=self._prefix or None,
            client_options={
                "allow_http": os.environ.get("AWS_ENDPOINT_URL", "").startswith("http://"),
                "connect_timeout": _CONNECT_TIMEOUT,
                "timeout": _REQUEST_TIMEOUT,
            },
            retry_config=cast(Any, _RETRIES),
        )

    @contextlib.contextmanager
    def _told(self, key: str, *, is_write: bool = False) -> Iterator[None]:
        """Errors of obstore as ours."""
        global _pid_in_use
        if not self.is_usable:
            raise StoreError(
                f"The store {self.address} cannot be reached from a forked process: its parent used it already.\n"
                "Expected a process of its own. Start it with multiprocessing's 'spawn' or 'forkserver'."
            )
        _pid_in_use = os.getpid()
        from obstore.exceptions import BaseError

        try:
            yield
        except FileNotFoundError as error:
            if is_write:
                raise self._failure(error) from error
            raise FileNotFoundError(errno.ENOENT, "No such key", self.name(key)) from None
        except (BaseError, ValueError) as error:
            raise self._failure(error) from error

    def _failure(self, error: Exception) -> StoreError:
        said = str(error).partition("\n")[0].strip()
        return StoreError(
            f"The store {self.address} could not be used: {said}\n"
            "Expected a bucket that can be reached and may be used. Check the address, the AWS_* environment "
            "variables and the network.",
            address=self.address,
        )


class _RemoteFile(io.RawIOBase):
    """A key as a file: what is read is fetched, and nothing else."""

    def __init__(self, backend: ObjectBackend, key: str, size_bytes: int) -> None:
        self._backend = backend
        self._key = key
        self._size_bytes = size_bytes
        self._position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size_bytes}[whence]
        self._position = max(0, base + offset)
        return self._position

    def readinto(self, buffer: Any) -> int:
        end = min(self._position + len(buffer), self._size_bytes)
        if end <= self._position:
            return 0
        data = self._backend.get_range(self._key, self._position, end)
        buffer[: len(data)] = data
        self._position += len(data)
        return len(data)


def _stat(entry: Any) -> Stat:
    return Stat(entry["size"], entry["last_modified"].timestamp())
