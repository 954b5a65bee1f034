"""A long history is read in a few files, and only as far as it is the log's."""

import json

import pytest

from autotrack.errors import StoreError
from autotrack.model.manifest import canonical, sha256
from autotrack.registry import Registry
from autotrack.registry.events import _checksum
from autotrack.store import Store


@pytest.fixture
def folder(registry, store, package, store_path):
    """Of a model with 120 events."""
    for number in range(1, 61):
        registry.register("churn", package(store, str(number)))
        registry.set_alias("churn", "champion", number)
    return store_path / "registry" / "churn"


def read(store_path, monkeypatch):
    """A registry that has read nothing yet, and the files of the history that it reads from now on."""
    store = Store.open(store_path)
    opened = []
    get = store.backend.get
    monkeypatch.setattr(
        store.backend,
        "get",
        lambda key, *args, **most: (key.startswith("registry/") and opened.append(key), get(key, *args, **most))[1],
    )
    return Registry(store), opened


def test_history_of_many_events_is_read_in_few_files(folder, store_path, monkeypatch):
    registry, opened = read(store_path, monkeypatch)
    assert len(registry.versions("churn")) == 60
    assert len(opened) <= 1 + 1 + 20  # the first hundred in one file, the event that proves it, the others
    assert [event.number for event in registry.history("churn")] == list(range(120))
    assert registry.verify("churn") == []


def test_what_a_process_has_read_is_not_read_again(folder, store_path, monkeypatch):
    registry, opened = read(store_path, monkeypatch)
    registry.versions("churn")
    opened.clear()
    registry.versions("churn")
    assert len(opened) == 1


def forged(folder):
    """The first hundred events as another chain, whole in itself, in which version 1 is another model."""
    lines, previous = [], None
    for number, line in enumerate((folder / "merged.jsonl").read_bytes().splitlines()):
        content = json.loads(line)
        del content["checksum"]
        if number == 0:
            content["manifest"] = "0" * 64
        content["previous"] = previous
        content["checksum"] = _checksum(content)
        lines.append(canonical(content))
        previous = sha256(lines[-1])
    return b"\n".join(lines)


@pytest.mark.parametrize(
    "damage",
    [
        forged,
        lambda folder: (folder / "merged.jsonl").read_bytes()[:-20],
        lambda folder: b"",
        lambda folder: b"\xff\x00" * 1000,
        lambda folder: b"\n".join(reversed((folder / "merged.jsonl").read_bytes().splitlines())),
    ],
    ids=["forged", "cut off", "empty", "no text", "another order"],
)
def test_one_file_that_is_not_the_log_counts_for_nothing(folder, store_path, damage):
    expected = Registry(Store.open(store_path)).versions("churn")
    (folder / "merged.jsonl").write_bytes(damage(folder))
    registry = Registry(Store.open(store_path))
    assert registry.versions("churn") == expected
    assert registry.verify("churn") == []


def test_older_copy_of_the_log_does_not_get_the_newer_events_back(folder, store_path):
    for number in range(90, 120):
        (folder / f"{number:020d}.json").unlink()
    assert [event.number for event in Registry(Store.open(store_path)).history("churn")] == list(range(90))


def test_event_that_was_changed_is_named_by_verify(folder, store_path):
    path = folder / f"{7:020d}.json"
    path.write_bytes(path.read_bytes().replace(b'"op":"alias"', b'"op":"alia5"'))
    assert any("Event 7" in problem for problem in Registry(Store.open(store_path)).verify("churn"))


def test_log_without_the_one_file_is_read_as_before(folder, store_path, package, store):
    (folder / "merged.jsonl").unlink()
    registry = Registry(Store.open(store_path))
    assert len(registry.versions("churn")) == 60
    for number in range(61, 76):
        registry.register("churn", package(store, str(number)))
        registry.set_alias("churn", "champion", number)
    assert len((folder / "merged.jsonl").read_bytes().splitlines()) == 150


def test_damaged_event_is_still_told_where_there_is_no_other_copy(folder, store_path):
    (folder / "merged.jsonl").unlink()
    (folder / f"{7:020d}.json").write_bytes(b"{}")
    with pytest.raises(StoreError, match="Event 7"):
        Registry(Store.open(store_path)).versions("churn")
