"""Whose package is it: an HMAC-SHA256 seal under a key that only this user has, kept outside of any store.

Loading a pickled model runs whatever code its writer chose, and a checksum beside the file proves nothing: who
can change the one can change the other. So each manifest is sealed under a per-user key, and only a package with
our own seal loads with no question. Nothing in a package ever says that it may be trusted.

The key: `$AUTOTRACK_KEY_FILE`, else `$XDG_CONFIG_HOME/autotrack/key`, else `~/.config/autotrack/key`;
32 random bytes, mode 0600, made once. Where none can be made, packages stay unsealed and load with `trust=`.
"""

import hmac
import os
from typing import Literal

from autotrack.guard import tell_once

__all__ = ["Seal", "fingerprint", "key_path", "provenance", "seal"]

Seal = dict[str, str]  # {"key": fingerprint of the key, "hmac": hexadecimal}

_KEY_BYTES = 32  # as long as the HMAC itself
_PURPOSE = b"autotrack model manifest\n"  # so that a MAC made for something else never fits here
_keys: dict[str, bytes | None] = {}  # by path: read once per process


def seal(body: bytes) -> Seal | None:
    """The seal of this user over `body`; None when there is no key and none can be made."""
    key = _key(create=True)
    return None if key is None else {"key": _fingerprint(key), "hmac": _mac(key, body)}


def provenance(body: bytes, found: Seal | None) -> Literal["own", "changed", "foreign", "unsealed"]:
    """Where a body comes from: ours as we wrote it, ours but changed since, sealed by another key, or not sealed."""
    if found is None:
        return "unsealed"
    key = _key(create=False)
    if key is None or not hmac.compare_digest(_fingerprint(key).encode(), found["key"].encode("utf-8", "replace")):
        return "foreign"
    matches = hmac.compare_digest(_mac(key, body).encode(), found["hmac"].encode("utf-8", "replace"))
    return "own" if matches else "changed"


def fingerprint() -> str | None:
    """A short public name of this user's key; None when there is no key yet."""
    key = _key(create=False)
    return None if key is None else _fingerprint(key)


def key_path() -> str | None:
    """Where the key lies or would lie; None on a machine without a home."""
    if chosen := os.environ.get("AUTOTRACK_KEY_FILE"):
        return os.path.abspath(chosen)
    base = os.environ.get("XDG_CONFIG_HOME") or os.path.join(os.path.expanduser("~"), ".config")
    return os.path.join(base, "autotrack", "key") if os.path.isabs(base) else None


def _mac(key: bytes, body: bytes) -> str:
    return hmac.digest(key, _PURPOSE + body, "sha256").hex()


def _fingerprint(key: bytes) -> str:
    return hmac.digest(key, b"autotrack key fingerprint", "sha256").hex()[:16]


def _key(*, create: bool) -> bytes | None:
    path = key_path()
    if path is None:
        return None
    if path in _keys:
        return _keys[path]
    try:
        key = _read(path)
        if key is None and create:
            key = _make(path)
    except OSError as error:
        tell_once(
            f"model.key:{path}",
            f"The key that seals saved models cannot be read or made: {error}. Models are saved without a seal: "
            "loading them will ask for trust=. Expected a file only you can read. Name another with AUTOTRACK_KEY_FILE",
        )
        key = None
    if key is not None or create:
        _keys[path] = key
    return key


def _read(path: str) -> bytes | None:
    try:
        with open(path, "rb") as file:
            key = file.read()
            mode = os.fstat(file.fileno()).st_mode
    except FileNotFoundError:
        return None
    if len(key) != _KEY_BYTES:
        raise OSError(f"{path} has {len(key)} bytes, not {_KEY_BYTES}")
    if os.name == "posix" and mode & 0o077:
        raise OSError(f"{path} can be read by others (mode {mode & 0o777:o}); make it yours with: chmod 600 {path}")
    return key


def _make(path: str) -> bytes | None:
    """Make the key unless somebody else just did: the file appears whole, by link(), or not at all."""
    folder = os.path.dirname(path)
    os.makedirs(folder, mode=0o700, exist_ok=True)
    key = os.urandom(_KEY_BYTES)
    draft = f"{path}.{os.urandom(8).hex()}.tmp"
    try:
        _write_new(draft, key)
        try:
            os.link(draft, path)
        except FileExistsError:
            pass
        except OSError:  # a file system without links
            try:
                _write_new(path, key)
            except FileExistsError:
                pass
    finally:
        if os.path.exists(draft):
            os.unlink(draft)
    return _read(path)


def _write_new(path: str, data: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(descriptor)
