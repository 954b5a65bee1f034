"""Events with a right checksum in a right chain that say what no event can: every reader tells a damaged store."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from autotrack.cli.models_shown import print_version
from autotrack.errors import DataError, StoreError
from autotrack.model.manifest import canonical, sha256
from autotrack.registry import Registry
from autotrack.store import Store
from autotrack.store.backend import LocalBackend

MANIFEST = "0" * 64
REGISTERED = {"op": "register", "version": 2, "manifest": MANIFEST, "run_id": None, "tags": {}, "description": ""}
MOVED = {"op": "alias", "alias": "champion", "from": None, "to": 1}
GATE = {"rule": "metrics.f1 > 0", "passed": True, "reasons": [], "warnings": [], "notes": []}
ORIGIN = {"store": "s", "name": "churn", "version": 3, "created_at": "", "created_by": "ann"}
FRAMES: list[dict[str, object]] = [
    {"at": 10**30},
    {"at": -(10**30)},
    {"at": 1e300},
    {"at": True},
    {"op": []},
    {"op": None},
    {"by": 5},
    {"by": None},
]
DETAILS: list[dict[str, Any]] = [
    {**REGISTERED, "version": "2"},
    {**REGISTERED, "version": 2.0},
    {**REGISTERED, "version": -1},
    {**REGISTERED, "version": 10**4000},
    {**REGISTERED, "version": 1},
    {**REGISTERED, "version": 7},
    {**REGISTERED, "manifest": 3},
    {**REGISTERED, "manifest": "../../secret"},
    {**REGISTERED, "run_id": 5},
    {**REGISTERED, "tags": {"a": 1}},
    {**REGISTERED, "tags": [["a", "b"]]},
    {**REGISTERED, "description": None},
    {**REGISTERED, "origin": "elsewhere"},
    {**REGISTERED, "origin": {**ORIGIN, "version": []}},
    {**MOVED, "alias": 3},
    {**MOVED, "to": True},
    {**MOVED, "from": "1"},
    {**MOVED, "also": [1]},
    {**MOVED, "also": {"previous-champion": "1"}},
    {**MOVED, "gate": "yes"},
    {**MOVED, "gate": {**GATE, "reasons": [1]}},
    {**MOVED, "gate": {"passed": True}},
    {**MOVED, "reason": {}},
    {"op": "unalias", "alias": "champion"},
    {"op": "tag", "version": 1, "key": 5, "value": "x"},
    {"op": "tag", "version": 1, "key": "a", "value": {}},
    {"op": "describe", "version": 1, "description": 7},
]


@pytest.fixture
def store(store_path: Path) -> Store:
    """A store whose model `churn` has one version."""
    store = Store.open(store_path, create=True)
    Registry(store).register("churn", store.blobs.put(b"manifest"))
    return store


def append(store: Store, changes: dict[str, Any]) -> None:
    """An event that follows from the first one and has the right checksum, all the same."""
    folder = Path(store.root) / "registry" / "churn"
    last = (folder / f"{0:020}.json").read_bytes()
    frame = {key: json.loads(last)[key] for key in ("format", "at", "by", "token")}
    content = {**frame, "number": 1, "previous": sha256(last), **changes}
    (folder / f"{1:020}.json").write_bytes(canonical({**content, "checksum": sha256(canonical(content))}))


READERS: list[Callable[[Registry], object]] = [
    lambda registry: registry.versions("churn"),
    lambda registry: registry.aliases("churn"),
    lambda registry: registry.resolve("churn@champion"),
    lambda registry: registry.versions("churn", as_of="2030-01-01"),
    lambda registry: registry.register("churn", registry.store.blobs.put(b"another")),
    lambda registry: registry.promote("churn", 1),
]


@pytest.mark.parametrize("changes", [*({**MOVED, **frame} for frame in FRAMES), *DETAILS], ids=repr)
def test_event_that_says_what_none_can_is_told_by_every_reader(store: Store, changes: dict[str, Any]) -> None:
    append(store, changes)
    for read in READERS:
        with pytest.raises(StoreError, match=r"Event 1 of the model 'churn' (in the registry )?cannot be") as caught:
            read(Registry(store))
        assert len(str(caught.value)) < 500
    assert Registry(store).list() == ["churn"]
    [problem] = Registry(store).verify("churn")
    assert "Event 1 of the model 'churn'" in problem


@pytest.mark.parametrize(
    "changes",
    [
        {**REGISTERED, "origin": ORIGIN, "tags": {"team": "growth"}, "run_id": "0190"},
        {**MOVED, "also": {"previous-champion": None}, "gate": {**GATE, "notes": ["first"]}, "reason": "as agreed"},
        {**MOVED, "what": "a newer autotrack says beside"},
    ],
)
def test_event_in_every_form_there_is_reads_back(store: Store, changes: dict[str, Any]) -> None:
    append(store, changes)
    assert dict(Registry(store).history("churn")[1].detail) == {
        key: value for key, value in changes.items() if key != "op"
    }
    assert 1 in [version.version for version in Registry(store).versions("churn")]


def test_change_that_could_not_be_read_again_is_not_recorded(store: Store) -> None:
    registry = Registry(store)
    with pytest.raises(DataError, match="cannot be recorded: its 'origin' is"):
        registry.register("churn", store.blobs.put(b"another"), origin={**ORIGIN, "version": 10**20})
    assert [version.version for version in registry.versions("churn")] == [1]
    assert registry.verify("churn") == []


def test_history_and_page_of_a_version_read_each_event_once(
    store: Store, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    registry = Registry(store)
    for number in range(20):
        registry.set_tag("churn", 1, "n", str(number))
    read = LocalBackend.get
    keys: list[str] = []

    def counted(backend: LocalBackend, key: str, **options: Any) -> bytes:
        keys.append(key)
        return read(backend, key, **options)

    monkeypatch.setattr(LocalBackend, "get", counted)
    assert len(Registry(store).history("churn")) == 21
    assert len(keys) == len(set(keys)) == 21
    keys.clear()
    fresh = Registry(store)
    print_version(fresh, fresh.resolve("churn/1"), as_json=False)
    assert len([key for key in keys if key.startswith("registry/")]) <= 21 + 1  # and a look whether they are the same
