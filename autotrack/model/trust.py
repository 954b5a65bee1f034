"""Whose package is it: an HMAC-SHA256 seal under a key that only this user has, kept outside of any store.

Loading a pickled model runs whatever code its writer chose, and a checksum beside the file proves nothing: who
can change the one can change the other. So each manifest is sealed under a per-user key (keys.py), and only a package
with our own seal, or that of somebody whose key we took in, loads with no question. Nothing in a package ever says
that it may be trusted.
"""

import hmac
from typing import Literal

from autotrack.model import keys

__all__ = ["Origin", "Seal", "fingerprint", "provenance", "seal"]

Seal = dict[str, str]  # {"key": fingerprint of the key, "hmac": hexadecimal}
Origin = Literal["own", "believed", "changed", "foreign", "unsealed"]

_PURPOSE = b"autotrack model manifest\n"  # so that a MAC made for something else never fits here


def seal(body: bytes, purpose: bytes = _PURPOSE) -> Seal | None:
    """The seal of this user over `body`; None when there is no key and none can be made.

    Args:
        purpose: What kind of thing is sealed: a seal over one kind never holds for another.
    """
    key = keys.own(create=True)
    return None if key is None else {"key": keys.fingerprint_of(key), "hmac": _mac(key, body, purpose)}


def provenance(body: bytes, found: Seal | None, purpose: bytes = _PURPOSE) -> Origin:
    """Where a body comes from.

    Returns:
        own: sealed by this user, as it is. believed: sealed by a key that this user took in. changed: sealed by one of
        the two, and changed since. foreign: sealed by another key. unsealed: not sealed.
    """
    if found is None:
        return "unsealed"
    own = keys.own(create=False)
    named = found["key"].encode("utf-8", "replace")
    is_own = own is not None and hmac.compare_digest(keys.fingerprint_of(own).encode(), named)
    key = own if is_own else keys.believed(found["key"])
    if key is None:
        return "foreign"
    if not hmac.compare_digest(_mac(key, body, purpose).encode(), found["hmac"].encode("utf-8", "replace")):
        return "changed"
    return "own" if is_own else "believed"


def fingerprint() -> str | None:
    """A short public name of this user's key; None when there is no key yet."""
    key = keys.own(create=False)
    return None if key is None else keys.fingerprint_of(key)


def _mac(key: bytes, body: bytes, purpose: bytes) -> str:
    return hmac.digest(key, purpose + body, "sha256").hex()
