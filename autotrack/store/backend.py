"""The five things a place for bytes must be able to do, and the local folder that does them.

`list`, `get` (a range), `put`, `put_if_absent`, `delete`, over keys such as `registry/churn/00000000.json`; and what
readers need beside them: `stats`, `stat`, `open`, `name`. A key is complete or absent, never half there.
`put_if_absent` is the one step everything that must not collide is built on: of many who try, in any number of
processes, exactly one gets True. What is put so has something random in it: equal bytes are one's own.

A folder is here, a bucket in `object_store.py`. Standard library only.
"""

import builtins
import errno
import os
from collections.abc import Iterator
from pathlib import Path
from stat import S_ISREG
from typing import Any, BinaryIO, NamedTuple, Protocol

from autotrack.errors import StoreError

__all__ = ["Backend", "LocalBackend", "Stat", "check_key", "check_size", "open_plain", "sync_folder"]

_TEMPORARY = ".tmp-"  # start of the names of files that are not complete yet
_NO_LINKS = {errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EMLINK, errno.ENOSYS}  # some FUSE and SMB mounts
_READ = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)  # no pipe makes us wait


class Stat(NamedTuple):
    """What is known of a key without reading it."""

    size_bytes: int
    modified_s: float  # seconds since 1970, by the clock of whoever keeps it


class Backend(Protocol):
    """A place for bytes.

    Attributes:
        is_remote: Each call is a request over the network.
    """

    is_remote: bool

    def list(self, prefix: str = "") -> builtins.list[str]:
        """All keys that start with `prefix`, sorted."""
        ...

    def stats(self, prefix: str = "") -> dict[str, Stat]:
        """The same with what is known of each."""
        ...

    def stat(self, key: str) -> Stat:
        """What is known of one key. FileNotFoundError: no such key."""
        ...

    def get(self, key: str, start: int = 0, length: int | None = None, *, most_bytes: int | None = None) -> bytes:
        """The bytes of a key, or `length` of them from `start`. FileNotFoundError: no such key.

        Args:
            most_bytes: That the whole of it can have; of what has more, nothing is read.
        """
        ...

    def open(self, key: str) -> Any:
        """The bytes of a key as a file that pyarrow reads and seeks in. FileNotFoundError: no such key."""
        ...

    def put(self, key: str, data: bytes | memoryview, *, durable: bool = True) -> None:
        """Write a key, replacing what it held."""
        ...

    def put_if_absent(self, key: str, data: bytes) -> bool:
        """Write a key unless it exists; False if it does."""
        ...

    def delete(self, key: str) -> None:
        """Remove a key; nothing happens if there is none."""
        ...

    def name(self, key: str) -> str:
        """What to call a key in messages: where somebody would look for it."""
        ...


class LocalBackend:
    """A folder on this machine (or one that looks like it)."""

    is_remote = False

    def __init__(self, root: Path) -> None:
        self.root = root

    def path(self, key: str) -> Path:
        """Where the bytes of a key lie, whether or not they exist.

        Raises:
            StoreError: The key would lead out of the store.
        """
        return self.root.joinpath(*check_key(key))

    def name(self, key: str) -> str:
        """The path of the key's file, of the folder for an empty key."""
        return str(self.path(key) if key else self.root)

    def list(self, prefix: str = "") -> builtins.list[str]:
        """All keys that start with `prefix`, sorted. A half-written file has no key."""
        folder = prefix.rpartition("/")[0]
        start = self.path(folder) if folder else self.root
        return sorted(key for key in self._walk(start, f"{folder}/" if folder else "") if key.startswith(prefix))

    def stats(self, prefix: str = "") -> dict[str, Stat]:
        """The same with size and time of each."""
        found = {}
        for key in self.list(prefix):
            try:
                found[key] = self.stat(key)
            except FileNotFoundError:  # removed since it was listed
                continue
        return found

    def stat(self, key: str) -> Stat:
        """Size and time of a key.

        Raises:
            FileNotFoundError: No such key.
        """
        status = self.path(key).stat()
        return Stat(status.st_size, status.st_mtime)

    def open(self, key: str) -> Any:
        """The file of a key, as a `pyarrow.OSFile`.

        Not as a Python file: pyarrow's threads would need Python to read it, and at the end of a process that aborts.

        Raises:
            FileNotFoundError: No such key.
            StoreError: It is no plain file, or cannot be read.
        """
        import pyarrow as pa

        path = str(self.path(key))
        try:
            _check_plain(path, os.stat(path))
            return pa.OSFile(path)
        except StoreError:
            raise
        except OSError as error:
            raise _failure(path, error) from None

    def get(self, key: str, start: int = 0, length: int | None = None, *, most_bytes: int | None = None) -> bytes:
        """The bytes of a key, or `length` of them from `start`.

        Raises:
            FileNotFoundError: No such key.
            StoreError: It is no plain file, or cannot be read, or has more than `most_bytes`.
        """
        path = str(self.path(key))
        try:
            with open_plain(path, most_bytes) as file:
                if start:
                    file.seek(start)
                return file.read(-1 if length is None else length)
        except StoreError:
            raise
        except MemoryError:
            raise _unreadable(path, f"there is no memory for its {os.stat(path).st_size:,} bytes") from None
        except OSError as error:
            raise _failure(path, error) from error

    def put(self, key: str, data: bytes | memoryview, *, durable: bool = True) -> None:
        """Write a key, replacing what it held. `durable`: it survives a power cut once this returns."""
        path = self.path(key)
        temporary = self._write(path, data, durable)
        try:
            os.replace(temporary, path)
        except OSError:
            _discard(temporary)
            raise
        if durable:
            sync_folder(path.parent)

    def put_if_absent(self, key: str, data: bytes) -> bool:
        """Write a key unless it exists; False if it does. Always durable."""
        path = self.path(key)
        if path.exists():
            return False
        temporary = self._write(path, data, True)
        try:
            os.link(temporary, path)
        except FileExistsError:
            return False
        except OSError as error:
            if error.errno not in _NO_LINKS:
                raise
            if not _create(path, data):
                return False
        finally:
            _discard(temporary)
        sync_folder(path.parent)
        return True

    def delete(self, key: str) -> None:
        """Remove a key; nothing happens if there is none."""
        self.path(key).unlink(missing_ok=True)

    def remove_temporary(self, before_s: float) -> int:
        """Delete files that nobody has finished and that were last written to before this time; how many."""
        removed = 0
        for path in self.root.rglob(f"{_TEMPORARY}*"):
            try:
                if path.lstat().st_mtime < before_s:
                    path.unlink()
                    removed += 1
            except OSError:  # finished or removed meanwhile, or not ours
                continue
        return removed

    def _walk(self, folder: Path, prefix: str) -> Iterator[str]:
        try:
            entries = list(os.scandir(folder))
        except (FileNotFoundError, NotADirectoryError):
            return
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                yield from self._walk(Path(entry.path), f"{prefix}{entry.name}/")
            elif not entry.name.startswith(_TEMPORARY):
                yield prefix + entry.name

    def _write(self, path: Path, data: bytes | memoryview, durable: bool) -> Path:
        """A complete file beside `path`, under a temporary name."""
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(_TEMPORARY + os.urandom(8).hex())
        try:
            with open(temporary, "xb") as file:
                file.write(data)
                if durable:
                    file.flush()
                    os.fsync(file.fileno())
        except OSError:
            _discard(temporary)
            raise
        return temporary


def check_key(key: str) -> builtins.list[str]:
    """The parts of a key.

    Raises:
        StoreError: It would lead out of the store.
    """
    parts = key.split("/")
    if any(part in ("", ".", "..") for part in parts) or "\0" in key:
        raise StoreError(f"Invalid key {key!r} in the store. Expected names joined by '/'.", key=key)
    return parts


def check_size(path: str, size_bytes: int, most_bytes: int | None) -> None:
    """Nothing if what lies there is not larger than it can be.

    Raises:
        StoreError: It is.
    """
    if most_bytes is not None and size_bytes > most_bytes:
        raise _unreadable(path, f"it has {size_bytes:,} bytes, and at most {most_bytes:,} are possible")


def open_plain(path: str | Path, most_bytes: int | None = None) -> BinaryIO:
    """Open a plain file, or a link to one, for reading. No pipe makes us wait, and no device gives bytes without end.

    Raises:
        FileNotFoundError: There is no such file.
        StoreError: It is no plain file, or has more than `most_bytes`.
        OSError: It cannot be opened.
    """
    descriptor = os.open(path, _READ)
    try:
        status = os.fstat(descriptor)
        _check_plain(str(path), status)
        check_size(str(path), status.st_size, most_bytes)
    except StoreError:
        os.close(descriptor)
        raise
    return open(descriptor, "rb")


def sync_folder(folder: Path) -> None:
    """Make names that were added to or removed from a folder survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno != errno.EINVAL:  # some file systems cannot sync a folder, and need not
            raise
    finally:
        os.close(descriptor)


def _check_plain(path: str, status: os.stat_result) -> None:
    if not S_ISREG(status.st_mode):
        raise _unreadable(path, "it is a folder, a pipe or a device")


def _failure(path: str, error: OSError) -> OSError:
    """What to raise where a key could not be read: ours, but where there is no such key."""
    if isinstance(error, FileNotFoundError | NotADirectoryError):  # pyarrow's does not carry the name
        return FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)
    return _unreadable(path, error.strerror or str(error))


def _unreadable(path: str, why: str) -> StoreError:
    return StoreError(
        f"{path!r} cannot be read: {why}.\n"
        "Expected a plain file of the store, or a link to one, that this user may read. Check its permissions, or "
        "restore it from a copy of the store.",
        path=path,
    )


def _create(path: Path, data: bytes) -> bool:
    """For file systems without links: still one winner, but a power cut may leave the file half written."""
    try:
        with open(path, "xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
    except FileExistsError:
        return False
    return True


def _discard(temporary: Path) -> None:
    temporary.unlink(missing_ok=True)
