"""The keys of this user: the one that seals, and those whose seals are believed too. All outside of any store.

    ~/.config/autotrack/key                               this user's own: made once, 32 random bytes, mode 0600
    ~/.config/autotrack/trusted/3f9c…-ann.key             a colleague's, taken in with `autotrack keys add`
    ~/.config/autotrack/trusted/81aa…-retired-….key       this user's own before the last `autotrack keys rotate`

`$XDG_CONFIG_HOME` stands for `~/.config` where it is set; `$AUTOTRACK_KEY_FILE` names the first file itself, and the
others lie beside it. A key is a secret: who has it can seal packages that its owner, and all who believe it, load
with no question. A file that others can read is not used.
"""

import hmac
import os
import re
from dataclasses import dataclass
from datetime import UTC, datetime

from autotrack.errors import ConfigError, nearest
from autotrack.guard import tell_once

__all__ = [
    "Key",
    "add",
    "believed",
    "export",
    "fingerprint_of",
    "key_path",
    "listed",
    "own",
    "problem_of",
    "remove",
    "rotate",
]

_KEY_BYTES = 32  # as long as the HMAC itself
_SUFFIX = ".key"
_FIRST_LINE = "autotrack key 1"  # of a file that hands a key to a colleague
_LABEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_FILE = re.compile(rf"(?P<fingerprint>[0-9a-f]{{16}})-(?P<label>{_LABEL.pattern}){re.escape(_SUFFIX)}")
_keys: dict[str, bytes | None] = {}  # by path: read once per process


@dataclass(frozen=True)
class Key:
    """A key that this user has.

    Attributes:
        fingerprint: Its short public name, which stands in the seals made with it.
        label: Whose it is: `own`, a colleague's name, or `retired-` and the date.
    """

    fingerprint: str
    label: str
    path: str


def key_path() -> str | None:
    """Where the key lies or would lie; None on a machine without a home."""
    if chosen := os.environ.get("AUTOTRACK_KEY_FILE"):
        return os.path.abspath(chosen)
    base = os.environ.get("XDG_CONFIG_HOME") or os.path.join(os.path.expanduser("~"), ".config")
    return os.path.join(base, "autotrack", "key") if os.path.isabs(base) else None


def fingerprint_of(key: bytes) -> str:
    """The public name of a key, from which it cannot be known."""
    return hmac.digest(key, b"autotrack key fingerprint", "sha256").hex()[:16]


def own(*, create: bool) -> bytes | None:
    """This user's key; None when there is none, and none can or shall be made."""
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


def believed(fingerprint: str) -> bytes | None:
    """The key with this fingerprint, of those that this user believes beside their own; None if it is none of them."""
    for key in listed():
        if key.label != "own" and hmac.compare_digest(key.fingerprint.encode(), fingerprint.encode("utf-8", "replace")):
            try:
                return _content(key)
            except OSError as error:
                tell_once(f"model.key:{key.path}", f"The key of {key.label!r} is not used: {error}.")
    return None


def listed() -> list[Key]:
    """All keys there are, this user's own first; `problem_of` says which are not used."""
    path = key_path()
    mine = own(create=False)
    keys = [] if path is None or mine is None else [Key(fingerprint_of(mine), "own", path)]
    folder = _folder()
    try:
        names = sorted(os.listdir(folder)) if folder else []
    except (FileNotFoundError, NotADirectoryError):
        names = []
    found = [(match, os.path.join(str(folder), name)) for name in names if (match := _FILE.fullmatch(name))]
    return keys + [Key(match["fingerprint"], match["label"], where) for match, where in found]


def problem_of(key: Key) -> str | None:
    """Why one of the listed keys is not used; None: it is."""
    try:
        _content(key)
    except OSError as error:
        return str(error)
    return None


def export(path: str, label: str) -> Key:
    """Write this user's key into a new file, mode 0600, for a colleague to `add`.

    Args:
        label: What the colleague will see it is called.

    Raises:
        ConfigError: There is no key, the label cannot be used, or the file exists or cannot be written.
    """
    key = own(create=True)
    if key is None:
        raise _no_key(key_path())
    text = f"{_FIRST_LINE}\n{_checked(label)}\n{key.hex()}\n"
    try:
        _write_new(path, text.encode())
    except FileExistsError:
        raise ConfigError(f"{path!r} exists already.\nExpected the name of a new file.") from None
    except OSError as error:
        raise ConfigError(
            f"{path!r} cannot be written: {error.strerror or error}.\n"
            "Expected a new file, in a folder that is there and can be written to."
        ) from error
    return Key(fingerprint_of(key), label, os.path.abspath(path))


def add(path: str, label: str | None = None) -> Key:
    """Believe the key that a colleague has written with `export`: packages sealed with it load from now on.

    Args:
        label: What it is called here; None: as the colleague called it.

    Raises:
        ConfigError: The file holds no key, or this user's own; or the label cannot be used.
    """
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            lines = file.read(1000).split("\n")
    except (OSError, ValueError) as error:
        raise ConfigError(f"The key cannot be read: {error}.\nExpected a file of `autotrack keys export`.") from error
    if lines[0] != _FIRST_LINE or len(lines) < 3 or not re.fullmatch(rf"[0-9a-f]{{{2 * _KEY_BYTES}}}", lines[2]):
        raise ConfigError(
            f"{path!r} holds no key.\nExpected a file that a colleague wrote with: autotrack keys export FILE"
        )
    key, mine = bytes.fromhex(lines[2]), own(create=False)
    if mine is not None and hmac.compare_digest(key, mine):
        raise ConfigError(
            f"{path!r} holds your own key.\n"
            "Expected a colleague's. On another machine of yours, copy the key file itself: autotrack keys shows where."
        )
    return _keep(key, _checked(label or lines[1]))


def remove(fingerprint_or_label: str) -> Key:
    """No longer believe a key.

    Raises:
        ConfigError: There is no such key, several are called so, or it is this user's own.
    """
    others = [key for key in listed() if key.label != "own"]
    named = [key for key in others if fingerprint_or_label in (key.fingerprint, key.label)]
    if len(named) > 1:
        raise ConfigError(
            f"{len(named)} keys are called {fingerprint_or_label!r}.\n"
            f"Expected the fingerprint of one: {', '.join(key.fingerprint for key in named)}."
        )
    if named:
        os.unlink(named[0].path)
        return named[0]
    hint = nearest(fingerprint_or_label, [key.label for key in others])
    raise ConfigError(
        f"There is no believed key {fingerprint_or_label!r}.{hint}\n"
        "Expected the fingerprint or name of one that is not your own. See them with: autotrack keys",
    )


def rotate() -> Key:
    """Make a new key. The one before is kept among the believed: what it sealed still loads.

    Raises:
        ConfigError: There is no place for one, or the one there is cannot be read.
    """
    path, before = key_path(), own(create=False)
    if path is None:
        raise _no_key(path)
    if before is not None:
        _keep(before, f"retired-{datetime.now(UTC):%Y-%m-%dT%H%M%S}")
        draft = _draft(path, os.urandom(_KEY_BYTES))
        os.replace(draft, path)
    _keys.pop(path, None)
    key = own(create=True)
    if key is None:
        raise _no_key(path)
    return Key(fingerprint_of(key), "own", path)


def _no_key(path: str | None) -> ConfigError:
    """Why this user has no key, where one was to be made."""
    if path is None:
        return ConfigError("There is no place for a key.\nExpected a home. Name a file with AUTOTRACK_KEY_FILE.")
    try:
        _read(path)
    except OSError as error:
        if os.path.lexists(path):
            return ConfigError(
                f"Your key cannot be used: {error}.\nExpected a file of {_KEY_BYTES} bytes that only you can read. "
                "If it is lost, move it away: the next model that is saved makes a new one."
            )
    return ConfigError(f"No key could be made at {path!r}.\nExpected a folder that can be written.")


def _keep(key: bytes, label: str) -> Key:
    folder = _folder()
    if folder is None:
        raise ConfigError("There is no place for keys.\nExpected a home. Name a file with AUTOTRACK_KEY_FILE.")
    name = fingerprint_of(key)
    path = os.path.join(folder, f"{name}-{label}{_SUFFIX}")
    try:
        os.makedirs(folder, mode=0o700, exist_ok=True)
        for known in listed():
            if known.label != "own" and known.fingerprint == name:
                os.unlink(known.path)  # it gets a new label
        _write_new(path, key)
    except OSError as error:
        raise ConfigError(
            f"The key cannot be kept in {folder!r}: {error.strerror or error}.\n"
            "Expected a folder that is there, or can be made, and can be written to. AUTOTRACK_KEY_FILE names the file "
            "beside which it is."
        ) from error
    return Key(name, label, path)


def _checked(label: str) -> str:
    if not _LABEL.fullmatch(label) or label == "own":
        raise ConfigError(
            f"Invalid name {label[:80]!r} of a key.\nExpected 1 to 64 letters, digits, '.', '_' and '-', such as 'ann'."
        )
    return label


def _folder() -> str | None:
    path = key_path()
    return None if path is None else os.path.join(os.path.dirname(path), "trusted")


def _content(key: Key) -> bytes:
    """The key in a listed file.

    Raises:
        OSError: The file cannot be used, or holds another key than its name says.
    """
    found = _read(key.path)
    if found is None or fingerprint_of(found) != key.fingerprint:
        raise OSError(f"{key.path} does not hold the key that its name says")
    return found


def _read(path: str) -> bytes | None:
    try:
        with open(path, "rb") as file:
            key = file.read(_KEY_BYTES + 1)
            facts = os.fstat(file.fileno())
    except FileNotFoundError:
        return None
    if len(key) != _KEY_BYTES:
        raise OSError(f"{path} has {facts.st_size} bytes, not {_KEY_BYTES}")
    if os.name == "posix" and facts.st_mode & 0o077:
        mode = f"{facts.st_mode & 0o777:o}"
        raise OSError(f"{path} can be read by others (mode {mode}); make it yours with: chmod 600 {path}")
    return key


def _make(path: str) -> bytes | None:
    """Make the key unless somebody else just did: the file appears whole, by link(), or not at all."""
    os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
    key = os.urandom(_KEY_BYTES)
    draft = _draft(path, key)
    try:
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


def _draft(path: str, key: bytes) -> str:
    draft = f"{path}.{os.urandom(8).hex()}.tmp"
    _write_new(draft, key)
    return draft


def _write_new(path: str, data: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(descriptor)
