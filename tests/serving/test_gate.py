"""Who may ask: the names of the server only, no page of another site, and who knows the token."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from autotrack.errors import ConfigError
from autotrack.serving import check_address, read_token
from autotrack.serving.gate import Gate

HOST = ("host", "localhost:5001")


def status(
    *headers: tuple[str, str], path: str = "/invocations", token: str | None = None, kind: str = "http"
) -> int | None:
    """The status a request with these headers gets; None: no answer at all."""
    sent: list[Any] = []

    async def inner(_scope: Any, _receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        return {"type": "http.request"}

    scope = {
        "type": kind,
        "path": path,
        "headers": [(name.encode(), value.encode("latin-1")) for name, value in headers],
    }
    asyncio.run(Gate(inner, ["localhost", "127.0.0.1", "::1", "Models.example.org"], token)(scope, receive, send))
    if not sent:
        return None
    if sent[0]["status"] != 200:
        assert set(json.loads(sent[1]["body"])) == {"error_code", "message"}
        assert not [name for name, _ in sent[0]["headers"] if name.startswith(b"access-control")]
    return int(sent[0]["status"])


@pytest.mark.parametrize("host", ["localhost:5001", "LOCALHOST", "127.0.0.1:80", "[::1]:5001", "models.example.org"])
def test_own_names_are_let_through(host: str) -> None:
    assert status(("host", host)) == 200


@pytest.mark.parametrize(
    "host",
    [
        *("evil.example", "localhost.evil.example", "evil.example:5001", "127.0.0.1.nip.io", "0.0.0.0", ""),
        *("localhost:5001@evil.example", "evil@localhost", "localhost/evil", "localhost:port", "[::1", "localhost#x"),
    ],
)
def test_other_names_are_refused(host: str) -> None:
    assert status(("host", host)) == 403


def test_request_with_no_host_or_two_is_refused() -> None:
    assert status() == 403
    assert status(HOST, HOST) == 403
    assert status(HOST, ("host", "evil.example")) == 403


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://localhost:8080", "http://localhost", ""])
def test_page_of_another_site_is_refused(origin: str) -> None:
    assert status(HOST, ("origin", origin)) == 403


def test_page_of_this_server_and_programs_are_let_through() -> None:
    assert status(HOST, ("origin", "http://localhost:5001")) == 200
    assert status(HOST, ("sec-fetch-site", "same-origin")) == 200
    assert status(HOST, ("sec-fetch-site", "none")) == 200
    assert status(HOST, ("sec-fetch-site", "cross-site")) == 403
    assert status(HOST, ("sec-fetch-site", "same-site")) == 403


def test_token_is_asked_for_everywhere_but_at_ping() -> None:
    token = "correct horse battery"
    assert status(HOST, token=token) == 401
    assert status(HOST, path="/version", token=token) == 401
    assert status(HOST, path="/ping", token=token) == status(HOST, path="/health", token=token) == 200
    assert status(HOST, ("authorization", f"Bearer {token}"), token=token) == 200
    assert status(HOST, ("authorization", f"bearer {token}"), token=token) == 200
    for wrong in (token, f"Basic {token}", "Bearer", "Bearer ", f"Bearer {token}x", "Bearer é"):
        assert status(HOST, ("authorization", wrong), token=token) == 401
    twice = ("authorization", f"Bearer {token}")
    assert status(HOST, twice, twice, token=token) == 401


def test_other_protocols_get_no_answer() -> None:
    assert status(HOST, kind="websocket") is None


def test_address_open_to_a_network_wants_names_and_a_token() -> None:
    for host in ("127.0.0.1", "localhost", "::1", "127.3.2.1"):
        check_address(host, (), None)
    for host in ("0.0.0.0", "::", "192.168.1.5", "models.example.org"):
        check_address(host, ("models.example.org",), "token")
        with pytest.raises(ConfigError, match="no token"):
            check_address(host, ("models.example.org",), None)
        with pytest.raises(ConfigError, match="no name"):
            check_address(host, (), "token")


def test_token_that_is_too_short_or_not_there_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert read_token(None) is None
    monkeypatch.setenv("AUTOTRACK_SERVE_TOKEN", "fedcba9876543210")
    assert read_token(None) == "fedcba9876543210"
    monkeypatch.setenv("AUTOTRACK_SERVE_TOKEN", "short")
    with pytest.raises(ConfigError, match="token"):
        read_token(None)
    path = tmp_path / "token"
    path.write_text("0123456789abcdef\n")
    assert read_token(str(path)) == "0123456789abcdef"
    for content in ("", "short", "two words of a token", "0123456789\nabcdefgh", "0123456789abcdefé"):
        path.write_text(content)
        with pytest.raises(ConfigError, match="token"):
            read_token(str(path))
    with pytest.raises(ConfigError, match="token"):
        read_token(str(tmp_path / "none"))
