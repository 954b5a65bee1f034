"""The registry's truth: per model a log of small JSON files, each created once and never changed.

    registry/<folder>/00000000000000000000.json
    {"format": 1, "number": 0, "op": "register", "at": 1795539600000000, "by": "ann@lab", "token": "…",
     "previous": null, "version": 1, "manifest": "…", "run_id": "…", "tags": {}, "description": "", "checksum": "…"}

`previous` is the SHA-256 of the event before, as bytes: an event changed or taken out later breaks the chain.
`checksum` is the event's own, so that damage to the newest one shows too. A number is claimed by put_if_absent:
of all who try, one gets it, and the others look again. Events are on the disk before they count.

Both are against accidents and careless edits; who may write the store can write a new chain. That the newest events
were taken away is seen by the heads (heads.py). What a package may run is decided by its seal, never by the registry.

The first events of a long log are also in one file, so that a reader does not open hundreds: `merged.jsonl`, each as it
is on its own. It counts where it is a chain that ends in an event of the log: then each of its events is the log's.

An `alias` event may say more: `also` (other aliases and where they point from then on), `rollback`, `reason`, `gate`.
"""

import contextlib
import hashlib
import json
import re
import secrets
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from autotrack.errors import DataError, InvalidNameError, StoreError, StoreFormatError
from autotrack.model.manifest import canonical
from autotrack.registry.forms import misfit
from autotrack.registry.heads import Heads
from autotrack.types import to_datetime

if TYPE_CHECKING:
    from autotrack.store import Backend

__all__ = ["Event", "EventLog", "folder_of"]

_FORMAT = 1
_ROOT = "registry/"
_MAX_FOLDER_BYTES = 200  # a file name has 255 at most, and some file systems (eCryptfs) grant 143 to 220
_SAFE = frozenset(b"abcdefghijklmnopqrstuvwxyz0123456789._-")
_FILE = re.compile(r"[0-9]{20}\.json")  # whatever else a sync program leaves in the folder is no event
_HEAD = re.compile(r"head(-[0-9a-f]+)?\.json")
_MOST_BYTES = 16 << 20  # of an event, which is a few hundred bytes and the texts that somebody gave
_MERGED = "merged.jsonl"
_MERGED_EVERY = 50  # events
_MOST_MERGED_BYTES = 64 << 20  # a hundred thousand events
_FRAME = frozenset(("format", "number", "op", "at", "by", "token", "previous", "checksum"))


@dataclass(frozen=True)
class Event:
    """One change of a registered model.

    Attributes:
        op: register, alias, unalias, tag, describe or delete.
        by: user@host.
        detail: What the op says: `version`, `manifest`, `alias`, `from`, `to`, `key`, `value` ...
        sha256: Of the event's bytes; the next event names it.
    """

    number: int
    op: str
    at: datetime
    by: str
    detail: Mapping[str, Any]
    previous: str | None
    sha256: str

    def to_dict(self) -> dict[str, Any]:
        """The same as plain JSON values."""
        return {"number": self.number, "op": self.op, "at": self.at.isoformat(), "by": self.by, **self.detail}


class EventLog:
    """All models' logs in one store."""

    def __init__(self, backend: "Backend") -> None:
        self._backend = backend
        self._heads = Heads(backend, self.has)

    def names(self) -> list[str]:
        """Names that have at least one event, sorted."""
        return self._names(_FILE)

    def noted_names(self) -> list[str]:
        """Names that have a head: those in use, and those whose events were all taken away."""
        return self._names(_HEAD)

    def read(self, name: str, start: int = 0, previous: str | None = None) -> list[Event]:
        """Events from number `start` on. `previous`: SHA-256 of the one before `start`.

        Raises:
            StoreError: An event is missing, damaged, or does not follow from the one before.
        """
        numbers = self._numbers(name, start)
        events = self._merged(name, numbers.stop) if start == 0 else []
        data = ((number, self._data(name, number)) for number in numbers[len(events) :])
        return [*events, *_chained(name, data, events[-1].sha256 if events else previous)]

    def exists(self, name: str) -> bool:
        """Whether there is any event, or what is left of one."""
        return bool(self._keys(name))

    def has(self, name: str, number: int, sha256: str | None) -> bool:
        """Whether event `number` is there and is the one with this SHA-256."""
        try:
            return hashlib.sha256(self.data(name, number)).hexdigest() == sha256
        except FileNotFoundError:
            return False

    def problems(self, name: str) -> Iterator[str]:
        """What is wrong with the log of one model, all of it; nothing if it is whole."""
        previous = None
        known = True  # whether `previous` is: not after a damaged event
        found: list[str | None] = []
        numbers = [int(_file(key).removesuffix(".json")) for key in self._keys(name)]
        for expected, number in enumerate(numbers):
            if number != expected:
                yield str(_broken(name, expected, "is missing")).splitlines()[0]
                return
            try:
                event = self._event(name, number)
            except StoreError as error:
                yield str(error).splitlines()[0]
                found.append(None)
                known = False
                continue
            if known and event.previous != previous:
                yield f"Event {number} of the model {name!r} does not follow from event {number - 1}: one was changed."
            found.append(event.sha256)
            previous, known = event.sha256, True
        yield from self._heads.problems(_prefix(name), name, found)

    def append(
        self, name: str, number: int, previous: str | None, *, op: str, by: str, detail: Mapping[str, Any]
    ) -> Event | None:
        """Add event `number`, and give it back; None when somebody else has just added one of that number."""
        token = secrets.token_hex(8)
        content = {
            "format": _FORMAT,
            "number": number,
            "op": op,
            "at": time.time_ns() // 1000,
            "by": by,
            "token": token,
            "previous": previous,
            **detail,
        }
        if wrong := misfit(content):  # what could not be read again is not written
            raise DataError(f"This change of the model {name!r} cannot be recorded: {wrong}.\nExpected another value.")
        content["checksum"] = _checksum(content)
        key, data = _key(name, number), canonical(content)
        if len(data) > _MOST_BYTES:
            raise DataError(
                f"This change of the model {name!r} cannot be recorded: it takes {len(data):,} bytes.\n"
                f"Expected at most {_MOST_BYTES:,}. Keep long texts as files, and say here where they are."
            )
        # An object store may retry a put whose answer was lost, and then finds our own event in the way.
        if not self._backend.put_if_absent(key, data) and token.encode() not in self.data(name, number):
            return None
        event = _parsed(name, number, data)
        self._note(name, event)
        if (number + 1) % _MERGED_EVERY == 0:
            self._merge(name, number + 1)
        return event

    def data(self, name: str, number: int) -> bytes:
        """An event as it is on file."""
        return self._backend.get(_key(name, number), most_bytes=_MOST_BYTES)

    def append_copy(self, name: str, number: int, data: bytes) -> bool:
        """Add event `number` of another store's log, as it is there; False when there is another one here."""
        return self._backend.put_if_absent(_key(name, number), data) or self.data(name, number) == data

    def note_copied(self, name: str, event: Event) -> None:
        """Note that the log goes as far as this event, which was copied."""
        self._note(name, event)
        self._merge(name, event.number + 1)

    def _merged(self, name: str, count: int) -> list[Event]:
        """The first of so many events, from the one file that has them; none if it is not there or not of this log."""
        if count < _MERGED_EVERY:
            return []
        try:
            data = self._backend.get(_prefix(name) + _MERGED, most_bytes=_MOST_MERGED_BYTES)
            events = _chained(name, enumerate(data.splitlines()), None)
            last = events[-1]
        except (OSError, StoreError, LookupError):
            return []
        return events if last.number < count and self.has(name, last.number, last.sha256) else []

    def _merge(self, name: str, count: int) -> None:
        """Put so many events into one file. Where they are few, or that cannot be done, they are read one by one."""
        if count < _MERGED_EVERY:
            return
        key = _prefix(name) + _MERGED
        with contextlib.suppress(OSError, StoreError):
            known = len(self._merged(name, count))
            lines = self._backend.get(key).splitlines()[:known] if known else []
            lines += [self._data(name, number) for number in range(len(lines), count)]
            self._backend.put(key, b"\n".join(lines), durable=False)

    def _note(self, name: str, event: Event) -> None:
        count, at = event.number + 1, _microseconds(event.at)
        self._heads.raise_to(_prefix(name), name, count=count, event=event.sha256, previous=event.previous, at=at)

    def _names(self, file: re.Pattern[str]) -> list[str]:
        found = (key for key in self._backend.list(_ROOT) if key.count("/") == 2 and file.fullmatch(_file(key)))
        folders = {key.split("/")[1] for key in found}
        return sorted(name for folder in folders if _folder(name := unquote(folder)) == folder)

    def _numbers(self, name: str, start: int) -> range:
        keys = self._keys(name)
        if keys and keys[-1] != _key(name, len(keys) - 1):
            missing = next(number for number, key in enumerate(keys) if key != _key(name, number))
            raise _broken(name, missing, "is missing")
        return range(start, len(keys))

    def _keys(self, name: str) -> list[str]:
        prefix = _prefix(name)
        return [key for key in self._backend.list(prefix) if _FILE.fullmatch(key.removeprefix(prefix))]

    def _event(self, name: str, number: int) -> Event:
        return _parsed(name, number, self._data(name, number))

    def _data(self, name: str, number: int) -> bytes:
        try:
            return self.data(name, number)
        except FileNotFoundError:
            raise _broken(name, number, "is missing") from None


def folder_of(name: str) -> str:
    """The folder of a model: its name, percent-encoded so that no file system takes two names for one.

    Raises:
        InvalidNameError: It would be longer than file systems allow.
    """
    folder = _folder(name)
    if len(folder) > _MAX_FOLDER_BYTES:
        raise InvalidNameError(
            f"Invalid model name {name[:57] + '...'!r}: it takes {len(folder)} bytes as a file name.\n"
            f"Expected at most {_MAX_FOLDER_BYTES}: lower-case letters, digits, '.', '_' and '-' take one each, "
            "other characters three or more. Choose a shorter name.",
            name=name,
        )
    return folder


def _folder(name: str) -> str:
    folder = "".join(chr(byte) if byte in _SAFE else f"%{byte:02X}" for byte in name.encode("utf-8", "surrogatepass"))
    return folder[:-1] + "%2E" if folder.endswith(".") else folder  # Windows drops a dot at the end


def _chained(name: str, data: Iterable[tuple[int, bytes]], previous: str | None) -> list[Event]:
    """The events that these bytes are, by number, each following from the one before.

    Raises:
        StoreError: One is damaged, or does not follow.
    """
    events = []
    for number, content in data:
        event = _parsed(name, number, content)
        if event.previous != previous:
            raise _broken(name, number, "does not follow from the event before it: one of the two was changed")
        events.append(event)
        previous = event.sha256
    return events


def _parsed(name: str, number: int, data: bytes) -> Event:
    """The event that these bytes are.

    Raises:
        StoreError: They are damaged.
    """
    try:
        content = json.loads(data)
        if content["format"] > _FORMAT:
            raise _too_new(name, f"the format {content['format']}")
        checksum = content.pop("checksum")
        if content["number"] != number or checksum != _checksum(content):
            raise _broken(name, number, "was changed")
        if wrong := misfit(content):
            raise _broken(name, number, f"cannot be: {wrong}")
        return Event(
            number=number,
            op=content["op"],
            at=to_datetime(content["at"]),
            by=content["by"],
            detail={key: value for key, value in content.items() if key not in _FRAME},
            previous=content["previous"],
            sha256=hashlib.sha256(data).hexdigest(),
        )
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError):
        raise _broken(name, number, "is not readable") from None


def _file(key: str) -> str:
    return key.rpartition("/")[2]


def _prefix(name: str) -> str:
    return f"{_ROOT}{folder_of(name)}/"


def _key(name: str, number: int) -> str:
    return f"{_prefix(name)}{number:020d}.json"


def _microseconds(moment: datetime) -> int:
    return (moment - to_datetime(0)) // timedelta(microseconds=1)


def _checksum(content: Mapping[str, Any]) -> str:
    return hashlib.sha256(canonical(content)).hexdigest()


def _too_new(name: str, what: str) -> StoreFormatError:
    return StoreFormatError(
        f"The registry's log of the model {name!r} has {what}, written by a newer autotrack.\n"
        f"Expected format {_FORMAT}. Upgrade with: pip install --upgrade autotrack"
    )


def _broken(name: str, number: int, what: str) -> StoreError:
    return StoreError(
        f"Event {number} of the model {name!r} in the registry {what}.\n"
        f"Expected the unchanged file {_key(name, number)} of the store. Restore it from a copy of the store.",
        name=name,
        number=number,
    )
