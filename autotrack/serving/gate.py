"""Who may ask: checked before anything else sees the request, in this order.

    Host            only names this server was told it has: a page that rebinds its own name to 127.0.0.1 is refused
    Origin          a request that a page of another site sends is refused, and no CORS header is ever sent
    Authorization   `Bearer <token>`, where the server has a token; not for /ping and /health

An ASGI application around another one; the standard library is all it needs.
"""

import hmac
import re
from collections.abc import Awaitable, Callable, Collection, Iterable, MutableMapping
from typing import Any

from autotrack.serving.refusal import body_of

__all__ = ["Gate", "host_name"]

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

_HOST = re.compile(r"(?:\[([0-9a-f:.]+)\]|([a-z0-9._-]+))(?::[0-9]*)?")
_OPEN = ("/ping", "/health")  # say nothing but that somebody is there; probes have no token


class Gate:
    """Lets the requests through that may be asked, and refuses the others."""

    def __init__(self, inner: Application, hosts: Collection[str], token: str | None) -> None:
        """Stand before an application.

        Args:
            hosts: Host names, without ports.
            token: What clients must know; None: nothing.
        """
        self._inner = inner
        self._hosts = {host.lower() for host in hosts}
        self._token = None if token is None else token.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._inner(scope, receive, send)
            return
        if scope["type"] != "http":
            return  # the server has no other protocol
        refused = self._refused(scope)
        if refused is None:
            await self._inner(scope, receive, send)
        else:
            await _answer(send, *refused)

    def _refused(self, scope: Scope) -> tuple[int, str] | None:
        hosts = _header(scope, b"host")
        if len(hosts) != 1 or (name := host_name(hosts[0])) is None or name not in self._hosts:
            return 403, "The Host of this request is none of this server's. Start the server with --allow-host for it."
        sites, origins = _header(scope, b"sec-fetch-site"), _header(scope, b"origin")
        if any(site not in ("same-origin", "none") for site in sites) or any(
            origin.lower().partition("://")[2] != hosts[0].lower() for origin in origins
        ):
            return 403, "This request comes from a page of another site. Expected one without an Origin."
        if self._token is not None and scope["path"] not in _OPEN and not self._knows_token(scope):
            return 401, "This server has a token. Expected it in the header Authorization: Bearer <token>."
        return None

    def _knows_token(self, scope: Scope) -> bool:
        given = _header(scope, b"authorization")
        kind, _, token = given[0].partition(" ") if len(given) == 1 else ("", "", "")
        assert self._token is not None
        return kind.lower() == "bearer" and hmac.compare_digest(token.strip().encode("latin-1"), self._token)


def host_name(header: str) -> str | None:
    """The name in a Host header, without its port, in lower case; None: it is none."""
    found = _HOST.fullmatch(header.lower())
    return found and (found[1] or found[2])


def _header(scope: Scope, name: bytes) -> list[str]:
    pairs: Iterable[tuple[bytes, bytes]] = scope["headers"]
    return [value.decode("latin-1") for key, value in pairs if key == name]


async def _answer(send: Send, status: int, message: str) -> None:
    body = body_of(status, message)
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    if status == 401:
        headers.append((b"www-authenticate", b"Bearer"))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
