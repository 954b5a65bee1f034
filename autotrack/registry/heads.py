"""How far a model's log went: a small file beside the log, so that `verify` can tell when newest events are missing.

    registry/<folder>/head-<key>.json      {"count": 7, "event": "<SHA-256 of event 6>", "at": …, "seal": {…}}

Each user has one, sealed under the user's own key and written after each event of theirs; `head.json` is that of users
without a key. It lags by the events that others have written since, and at most by one that was written at the same
moment. It is against accidents and against others who may write here; who takes the file away as well is not seen.

A head that the log contradicts stays as it is, whatever is appended: the only way to quiet it is to remove the file.
"""

import contextlib
import json
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from autotrack.model import trust
from autotrack.model.manifest import canonical
from autotrack.types import to_datetime

if TYPE_CHECKING:
    from autotrack.store import Backend

__all__ = ["Heads"]

_PURPOSE = b"autotrack registry head\n"
_MOST_BYTES = 1 << 16  # of a head, which is some hundred bytes and the name of the model


class Heads:
    """The heads of all models of one store.

    Args:
        has: Whether a model's event of a number has this SHA-256.
    """

    def __init__(self, backend: "Backend", has: Any) -> None:
        self._backend = backend
        self._has = has

    def raise_to(self, prefix: str, name: str, *, count: int, event: str, previous: str | None, at: int) -> None:
        """Note that the log has so many events, the last of which is `event`, and the one before it `previous`.

        Nothing happens where that cannot be written: the event counts without it.
        """
        key = f"{prefix}head-{own}.json" if (own := trust.fingerprint()) else f"{prefix}head.json"
        with contextlib.suppress(OSError):
            known = self._read(key)
            if known is not None and known["count"] >= count:
                return
            follows = known is None or (known["count"] == count - 1 and known["event"] == previous)
            if known is not None and not follows and not self._has(name, known["count"] - 1, known["event"]):
                return
            content: dict[str, Any] = {"format": 1, "model": name, "count": count, "event": event, "at": at}
            content["seal"] = trust.seal(canonical(content), _PURPOSE) if own else None
            self._backend.put(key, canonical(content), durable=False)

    def problems(self, prefix: str, name: str, events: Sequence[str | None]) -> Iterator[str]:
        """What the heads of a model say against its log, whose events have these SHA-256; None: a damaged one."""
        for key in self._backend.list(f"{prefix}head"):
            head = self._read(key)
            path = self._backend.name(key)
            if head is None:
                yield f"{path!r} is not readable: how many events of the model {name!r} there were is not known."
                continue
            seal = head.pop("seal", None)
            origin = trust.provenance(canonical(head), seal, _PURPOSE)
            if head["model"] != name or origin == "changed":
                yield f"{path!r} was changed after it was written: how many events {name!r} had is not known."
            elif head["count"] > len(events):
                yield (
                    f"The newest events of the model {name!r} are missing: on {to_datetime(head['at']):%Y-%m-%d %H:%M} "
                    f"UTC it had {head['count']}, {_says(origin)}, and now {len(events)}. "
                    f"If an older copy was put back on purpose, remove {path!r}."
                )
            elif events[head["count"] - 1] not in (None, head["event"]):
                yield (
                    f"Event {head['count'] - 1} of the model {name!r} is another one than on "
                    f"{to_datetime(head['at']):%Y-%m-%d %H:%M} UTC, {_says(origin)}: its history was written anew. "
                    f"If an older copy was put back on purpose, remove {path!r}."
                )

    def _read(self, key: str) -> dict[str, Any] | None:
        """A head, if it is there and has the form of one."""
        try:
            head = json.loads(self._backend.get(key, most_bytes=_MOST_BYTES))
            seal = head["seal"]
            is_sealed = isinstance(seal, dict) and all(type(seal.get(part)) is str for part in ("key", "hmac"))
            fits = type(head["count"]) is int and head["count"] > 0 and type(head["at"]) is int
            to_datetime(head["at"])
            return head if fits and type(head["event"]) is str and (seal is None or is_sealed) else None
        except FileNotFoundError:
            return None
        except (ValueError, TypeError, LookupError, RecursionError, OverflowError, OSError):
            return None


def _says(origin: str) -> str:
    return {"own": "as your own seal says", "unsealed": "as an unsealed note says"}.get(
        origin, "as a note under another key says"
    )
