"""The record of a model as files: what was changed, removed or cut short is told; what is newer is refused."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from autotrack.errors import StoreError, StoreFormatError
from autotrack.model.manifest import canonical, sha256
from autotrack.registry import Registry
from autotrack.store import Store


@pytest.fixture
def store(store_path: Path) -> Store:
    """A store whose model `churn` has a record of six events."""
    store = Store.open(store_path, create=True)
    registry = Registry(store)
    for number in (1, 2, 3):
        registry.register("churn", store.blobs.put(f"manifest {number}".encode()))
    registry.set_alias("churn", "champion", 1)
    registry.set_alias("churn", "champion", 2)
    registry.set_tag("churn", 1, "team", "growth")
    return store


def files(store: Store) -> list[Path]:
    return sorted((store.root / "registry" / "churn").glob("0*.json"))


def forged(store: Store, **changes: object) -> bytes:
    """An event that follows from the last one and has the right checksum, all the same."""
    last = files(store)[-1].read_bytes()
    content = {**json.loads(last), "number": len(files(store)), "previous": sha256(last), **changes}
    del content["checksum"]
    return canonical({**content, "checksum": sha256(canonical(content))})


def other_value(file: Path) -> None:
    file.write_bytes(file.read_bytes().replace(b'"by":"', b'"by":"not-'))


def bad_json(file: Path) -> None:
    file.write_bytes(b"[" * 100_000)


def other_json(file: Path) -> None:
    file.write_bytes(b'["not", "an", "event"]')


def cut_short(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-20])


def emptied(file: Path) -> None:
    file.write_bytes(b"")


DAMAGES = [other_value, bad_json, other_json, cut_short, emptied]


def test_whole_record_has_no_problems(store: Store) -> None:
    assert Registry(store).verify("churn") == []
    assert len(files(store)) == 6


@pytest.mark.parametrize("number", [0, 2, 5])
@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_event_is_told_by_verify_and_by_reading(
    store: Store, damage: Callable[[Path], None], number: int
) -> None:
    damage(files(store)[number])
    problems = Registry(store).verify("churn")
    assert len(problems) == 1
    assert problems[0].startswith(f"Event {number} of the model 'churn' in the registry ")
    for read in (Registry(store).versions, Registry(store).get, Registry(store).history):
        with pytest.raises(StoreError) as caught:
            read("churn")
        assert caught.value.__dict__["number"] == number
        assert "Restore it from a copy of the store." in str(caught.value)


@pytest.mark.parametrize("number", [0, 3, 4])
def test_removed_event_is_told_by_verify_and_by_reading(store: Store, number: int) -> None:
    files(store)[number].unlink()
    assert Registry(store).verify("churn") == [f"Event {number} of the model 'churn' in the registry is missing."]
    with pytest.raises(StoreError, match=f"Event {number} of the model 'churn' in the registry is missing"):
        Registry(store).versions("churn")
    with pytest.raises(StoreError, match="is missing"):
        Registry(store).register("churn", store.blobs.put(b"manifest 9"))


def test_event_replaced_with_its_checksum_breaks_the_chain(store: Store) -> None:
    content = json.loads(files(store)[2].read_bytes())
    del content["checksum"]
    content["manifest"] = store.blobs.put(b"another package")
    files(store)[2].write_bytes(canonical({**content, "checksum": sha256(canonical(content))}))
    assert Registry(store).verify("churn") == [
        "Event 3 of the model 'churn' does not follow from event 2: one was changed."
    ]
    with pytest.raises(StoreError, match=r"Event 3 .* does not follow from the event before it"):
        Registry(store).get("churn")


def test_every_damaged_event_is_told_not_only_the_first(store: Store) -> None:
    for number in (1, 4):
        other_value(files(store)[number])
    problems = Registry(store).verify("churn")
    assert [problem.split()[1] for problem in problems] == ["1", "4"]


def test_package_that_is_not_in_the_store_is_told(store: Store) -> None:
    lost = Registry(store).resolve("churn/2").manifest
    store.blobs.path(lost).unlink()
    assert Registry(store).verify("churn") == [f"The package of version 2 of 'churn' is not in the store: {lost}."]


def test_newer_format_is_refused_with_what_to_do(store: Store) -> None:
    newer = {"format": 2, "number": 6, "whatever": ["it", "holds"]}
    (files(store)[0].parent / f"{6:020}.json").write_text(json.dumps(newer))
    for read in (Registry(store).versions, Registry(store).history):
        with pytest.raises(StoreFormatError, match="has the format 2, written by a newer autotrack") as caught:
            read("churn")
        assert "pip install --upgrade autotrack" in str(caught.value)
    with pytest.raises(StoreFormatError):
        Registry(store).register("churn", store.blobs.put(b"manifest 9"))
    assert len(files(store)) == 7
    assert "written by a newer autotrack" in Registry(store).verify("churn")[0]


def test_unknown_kind_of_event_is_refused_with_what_to_do(store: Store) -> None:
    (files(store)[0].parent / f"{6:020}.json").write_bytes(forged(store, op="approve"))
    with pytest.raises(StoreFormatError, match="of the kind 'approve', which this autotrack does not know"):
        Registry(store).get("churn")
    assert "'approve'" in Registry(store).verify("churn")[0]


@pytest.mark.parametrize(
    "changes",
    [
        {"op": "tag", "version": 99, "key": "a", "value": "b"},
        {"op": "alias", "alias": "champion", "to": 99},
        {"op": "unalias", "alias": "nobody"},
        {"op": "delete", "version": [1]},
        {"op": "register", "version": 4},
        {"op": "register", "version": 4, "manifest": "0" * 64, "run_id": None, "tags": 5, "description": ""},
    ],
)
def test_event_that_cannot_be_is_told_as_a_damaged_store(store: Store, changes: dict[str, object]) -> None:
    (files(store)[0].parent / f"{6:020}.json").write_bytes(forged(store, **changes))
    with pytest.raises(StoreError, match=r"Event 6 of the model 'churn' (in the registry )?cannot be"):
        Registry(store).get("churn")
    assert len(Registry(store).verify("churn")) == 1


def test_one_damaged_model_hides_no_other(store: Store) -> None:
    Registry(store).register("fraud", store.blobs.put(b"manifest 1"))
    cut_short(files(store)[0])
    registry = Registry(store)
    assert registry.list() == ["churn", "fraud"]
    assert registry.get("fraud").version == 1
    with pytest.raises(StoreError):
        registry.get("churn")


def test_files_of_others_beside_the_events_are_ignored(store: Store) -> None:
    folder = files(store)[0].parent
    for name in ("00000000000000000003 (conflict).json", ".DS_Store", "note-00000000000000000000.json", "_fold.json"):
        (folder / name).write_text("not ours")
    (folder / "sub").mkdir()
    shutil.copy(folder / f"{0:020}.json", folder / "sub")
    shutil.copytree(folder, folder.parent / "Not%20Ours Either")
    assert Registry(store).verify("churn") == []
    assert Registry(store).list() == ["churn"]
    assert Registry(store).register("churn", store.blobs.put(b"manifest 4")).version == 4


def test_reader_notices_what_others_did_since_it_read(store: Store) -> None:
    reader, writer = Registry(store), Registry(store)
    assert reader.get("churn").version == 3
    writer.register("churn", store.blobs.put(b"manifest 4"), alias="newest")
    assert reader.resolve("churn@newest").version == 4


def test_store_put_back_to_a_copy_is_read_and_continued_as_the_copy(store: Store, tmp_path: Path) -> None:
    shutil.copytree(store.root / "registry", tmp_path / "copy")
    registry = Registry(store)
    registry.register("churn", store.blobs.put(b"manifest 4"))
    shutil.rmtree(store.root / "registry")
    shutil.copytree(tmp_path / "copy", store.root / "registry")
    assert registry.get("churn").version == 3
    registry.register("churn", store.blobs.put(b"manifest 5"))
    # As long as it was when `registry` last looked, and with another last event.
    shutil.rmtree(store.root / "registry")
    shutil.copytree(tmp_path / "copy", store.root / "registry")
    Registry(store).register("churn", store.blobs.put(b"manifest 6"))
    assert registry.register("churn", store.blobs.put(b"manifest 7")).version == 5
    assert Registry(store).verify("churn") == []
    assert Registry(store).resolve("churn/4").manifest == store.blobs.put(b"manifest 6")


def test_events_are_small_readable_json(store: Store) -> None:
    event = json.loads(files(store)[4].read_text())
    assert {"op": "alias", "alias": "champion", "from": 1, "to": 2}.items() <= event.items()
    assert "@" in event["by"]
    assert files(store)[4].stat().st_size < 500
    told = Registry(store).history("churn")[4].to_dict()
    assert json.loads(json.dumps(told)) == told
