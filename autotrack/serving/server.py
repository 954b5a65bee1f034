"""The server process: an address, a token, a model, and uvicorn between them.

Loopback is the default. Any other address is open to a network, and wants the names it is called by and a token.
"""

import ipaddress
import logging
import os
import signal
import socket
import sys
from collections.abc import Callable, Collection
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from autotrack.errors import ConfigError, MissingLibraryError

__all__ = ["check_address", "read_token", "serve"]

_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_TOKEN = "AUTOTRACK_SERVE_TOKEN"
_LEAST_TOKEN = 16  # characters
_CONNECTIONS = 1000
_BACKLOG = 2048  # connections that wait to be taken
_GOODBYE_S = 10  # for requests that are being answered when the server is told to end


def check_address(host: str, allowed: Collection[str], token: str | None) -> None:
    """Nothing if the server may listen there.

    Raises:
        ConfigError: The address is open to a network, and the names or the token for that are missing.
    """
    if _is_loopback(host) or (allowed and token is not None):
        return
    raise ConfigError(
        f"The address {host!r} can be reached by others, and the server has "
        f"{'no token' if allowed else 'no name it may be called by'}.\n"
        "Expected --allow-host NAME (the name clients use) and --token-file FILE (what they must know). "
        "Or leave --host out, to serve this machine only."
    )


def read_token(path: str | None) -> str | None:
    """The token in a file, else the one in AUTOTRACK_SERVE_TOKEN; None: there is none.

    Raises:
        ConfigError: It cannot be read, or is too short.
    """
    try:
        token = os.environ.get(_TOKEN) if path is None else Path(path).read_text("ascii").strip()
    except (OSError, ValueError) as error:
        raise ConfigError(f"The token cannot be read: {error}.\nExpected a file with one line of ASCII.") from error
    if not token and path is None:
        return None
    if not token or len(token) < _LEAST_TOKEN or not (token.isascii() and token.isprintable()) or " " in token:
        raise ConfigError(
            f"The token in {path or _TOKEN} cannot be used.\n"
            f"Expected one word of at least {_LEAST_TOKEN} characters. Make one with: openssl rand -hex 32"
        )
    return token


def serve(
    reference: str,
    *,
    host: str,
    port: int,
    hosts: Collection[str] = (),
    token: str | None = None,
    method: str | None = None,
    trust: str | None = None,
    limit_bytes: int = 16 << 20,
    ready: Callable[[str, str], None] = lambda _label, _address: None,
) -> None:
    """Answer until a signal says it is enough (SIGINT, SIGTERM).

    Args:
        port: 0: any that is free.
        hosts: Names the server may be called by, beside its own address and, on loopback, localhost.
        ready: Called with the version and the address once it listens.

    Raises:
        AutotrackError: The model cannot be served, the address not be used, or uvicorn is not installed.
    """
    check_address(host, hosts, token)
    uvicorn = _uvicorn()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _leave)  # before uvicorn listens to them, and after
    _log_to_stderr()

    from autotrack.serving.app import make_app
    from autotrack.serving.gate import Gate
    from autotrack.serving.served import Served

    served = Served(reference, method=method, trust=trust)
    with ExitStack() as stack:
        listener = _listening(stack, host, port)
        names = {host, *hosts, *(_LOOPBACK if _is_loopback(host) else ())}
        settings = uvicorn.Config(
            Gate(make_app(served, limit_bytes=limit_bytes), names, token),
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            ws="none",
            limit_concurrency=_CONNECTIONS,
            timeout_graceful_shutdown=_GOODBYE_S,
        )
        shown = f"[{host}]" if ":" in host else host
        ready(served.current.label, f"http://{shown}:{listener.getsockname()[1]}")
        uvicorn.Server(settings).run(sockets=[listener])


def _leave(_number: int, _frame: object) -> None:
    sys.exit(0)


def _listening(stack: ExitStack, host: str, port: int) -> socket.socket:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, proto=socket.IPPROTO_TCP)[0]
        # The protocol is named: only then does asyncio send small answers at once (TCP_NODELAY), not 40 ms later.
        listener = socket.socket(family, kind, protocol)
        stack.callback(listener.close)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(_BACKLOG)
        return listener
    except OSError as error:
        raise ConfigError(
            f"The server cannot listen at {host}, port {port}: {error.strerror or error}.\n"
            "Expected an address of this machine and a port that is free. Take any free one with: --port 0"
        ) from error


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _log_to_stderr() -> None:
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    for name in ("uvicorn", "uvicorn.error"):
        logging.getLogger(name).setLevel(logging.WARNING)  # what it says beside errors, the command says


def _uvicorn() -> Any:
    try:
        import starlette
        import uvicorn
    except ImportError as error:
        raise MissingLibraryError(
            f"Serving a model needs Starlette and uvicorn, and {error.name or 'one of them'} is not installed.\n"
            "Expected both. Install them with: pip install 'autotrack-ml[serve]'"
        ) from error
    del starlette
    return uvicorn
