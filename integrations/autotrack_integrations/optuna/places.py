"""Optuna: where a study's storage is, in words without credentials, and how processes that share it know the study.

Watches   nothing; study.py asks
Records   `storage`: in memory, sqlite, postgresql, journal file, journal redis, grpc ...; `storage.at`: the file, or
          host, port and data base
Never     user names, passwords or anything else that stands in the address of a data base
Needs     attributes of storages that are private in part (checked on Optuna 4.0 to 5.0); of an unknown storage only
          its class is told, and its studies are known in one process only
"""

import os
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

__all__ = ["Place", "place_of"]


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
        return Place("grpc", f"{storage._host}:{storage._port}")
    if name == "JournalStorage":
        return _of_journal(storage._backend)
    return Place(name)


def _of_database(url: Any) -> Place:
    """Of SQLAlchemy's parts of the address only those that name no user."""
    kind = str(url.drivername).partition("+")[0]
    if kind == "sqlite":
        if not url.database or url.database == ":memory:":
            return Place("sqlite, in memory")
        return Place(kind, os.path.realpath(url.database))
    port = "" if url.port is None else f":{url.port}"
    return Place(kind, f"{url.host or 'localhost'}{port}/{url.database or ''}")


def _of_journal(backend: Any) -> Place:
    path = getattr(backend, "_file_path", None)
    if path is not None:
        return Place("journal file", os.path.realpath(path))
    url = getattr(backend, "_url", None)
    if url is None:
        return Place(f"journal {type(backend).__name__}")
    parts = urlsplit(str(url))
    port = "" if parts.port is None else f":{parts.port}"
    prefix = getattr(backend, "_prefix", "")
    return Place("journal redis", f"{parts.hostname or 'localhost'}{port}{parts.path}{' ' if prefix else ''}{prefix}")
