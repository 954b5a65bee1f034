"""Optuna: where a study's storage is, in words without credentials, and how processes that share it know the study.

Watches   nothing; study.py asks
Records   `storage`: in memory, sqlite, postgresql, journal file, journal redis, grpc ...; `storage.at`: the file, or
          host, port and data base, alike for all spellings of the same: relative paths and links, `127.0.0.1`, capital
          letters, a port that is the usual one
Never     user names, passwords or anything else that stands in the address of a data base
Needs     attributes of storages that are private in part (checked on Optuna 4.0 to 5.0); of an unknown storage only
          its class is told, and its studies are known in one process only
"""

import os
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

__all__ = ["Place", "place_of"]

_DEFAULT_PORTS = {"postgresql": 5432, "mysql": 3306, "mariadb": 3306}
_REDIS_PORT = 6379
_THIS_MACHINE = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True)
class Place:
    """A storage.

    Attributes:
        kind: What it is.
        at: Where it is; None: in this process, or nobody knows.
    """

    kind: str
    at: str | None = None

    def key(self, study_name: str, study_id: int) -> str | None:
        """What all processes call a study there; None: no other process can know it."""
        return None if self.at is None else f"optuna study\n{self.kind}\n{self.at}\n{study_name}\n{study_id}"


def place_of(storage: Any) -> Place:
    """Where this storage is."""
    name = type(storage).__name__
    if name == "InMemoryStorage":
        return Place("in memory")
    if name == "_CachedStorage":
        return place_of(storage._backend)
    if name == "RDBStorage":
        return _of_database(storage.engine.url)
    if name == "GrpcStorageProxy":
        return Place("grpc", _server(storage._host, storage._port))
    if name == "JournalStorage":
        return _of_journal(storage._backend)
    return Place(name)


def _of_database(url: Any) -> Place:
    """Of SQLAlchemy's parts of the address only those that name no user."""
    kind = str(url.drivername).partition("+")[0]
    if kind == "sqlite":
        return _of_sqlite(url)
    # As drivers have it: what stands behind the question mark counts.
    host, port = (_joined(url.query.get(part)) or getattr(url, part) for part in ("host", "port"))
    socket = _joined(url.query.get("unix_socket"))
    if host is None and socket is None and kind not in _DEFAULT_PORTS:
        return Place(kind)  # a name that a driver looks up, or words that only a driver can read
    return Place(kind, f"{socket or _server(host, port, _DEFAULT_PORTS.get(kind))}/{url.database or ''}")


def _of_sqlite(url: Any) -> Place:
    path = url.database or ""
    if path.startswith("file:"):
        parts = urlsplit(path)
        path = unquote(parts.path)
        if "memory" in (url.query.get("mode"), *parse_qs(parts.query).get("mode", ())):
            path = ""
    if path in ("", ":memory:"):
        return Place("sqlite, in memory")
    return Place("sqlite", os.path.realpath(path))


def _of_journal(backend: Any) -> Place:
    path = getattr(backend, "_file_path", None)
    if path is not None:
        return Place("journal file", os.path.realpath(path))
    url = getattr(backend, "_url", None)
    if url is None:
        return Place(f"journal {type(backend).__name__}")
    parts = urlsplit(str(url))
    number = parse_qs(parts.query).get("db", [""])[0]
    if parts.scheme == "unix":
        at = f"{os.path.realpath(unquote(parts.path))}/{number or 0}"
    else:
        at = f"{_server(parts.hostname, parts.port, _REDIS_PORT)}/{number or parts.path.strip('/') or 0}"
    prefix = getattr(backend, "_prefix", "")
    return Place("journal redis", f"{at}{' ' if prefix else ''}{prefix}")


def _server(host: str | None, port: int | str | None, default: int | None = None) -> str:
    """Host and port, alike for all who mean the same server."""
    name = (host or "localhost").lower().rstrip(".")
    name = "localhost" if name in _THIS_MACHINE else name
    return name if port is None or str(port) == str(default) else f"{name}:{port}"


def _joined(value: str | tuple[str, ...] | None) -> str | None:
    """A part of an address that may be there several times."""
    return ",".join(value) if isinstance(value, tuple) else value
