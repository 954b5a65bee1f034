"""verify: every event, every manifest, every byte; and what was cut off at the end."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

import autotrack
from autotrack.errors import ModelNotFoundError
from autotrack.model.manifest import Manifest, canonical, sha256
from autotrack.registry import Registry
from autotrack.registry.absorb import absorb_models
from autotrack.registry.verification import verify
from autotrack.store import Store

Package = Callable[..., str]


@pytest.fixture(autouse=True)
def two_models(store: Store, registry: Registry, package: Package) -> None:
    for number in (1, 2):
        registry.register("churn", package(store, f"model {number}"))
    registry.promote("churn", 1)
    registry.promote("churn", 2)
    registry.register("fraud", package(store, "model 1"))


def events(store: Store, name: str = "churn") -> list[Path]:
    return sorted((store.root / "registry" / name).glob("0*.json"))


def file_of(store: Store, reference: str, path: str = "model.pkl") -> Path:
    """Where a file of a version lies."""
    manifest = Manifest.parse(store.blobs.get(Registry(store).resolve(reference).manifest))
    return store.blobs.path(next(file.sha256 for file in manifest.files if file.path == path))


def test_whole_registry_has_no_problems_and_says_what_was_looked_at(store: Store) -> None:
    found = verify(store)
    assert found.problems == []
    assert found.is_whole
    assert (found.models, found.versions, found.events, found.seals) == (2, 3, 5, {"own": 3})
    assert found.files == 4  # those of `fraud` are those of the first version of `churn`
    assert str(found).startswith("2 models, 3 versions, 5 events, 4 files of ")
    assert json.loads(json.dumps(found.to_dict()))["is_whole"]


def test_one_model_is_verified_by_its_name(store: Store) -> None:
    file_of(store, "churn/2").write_bytes(b"x")
    assert verify(store, "fraud").is_whole
    assert len(verify(store, "churn").problems) == 1
    with pytest.raises(ModelNotFoundError, match="No model 'chrun' is registered"):
        verify(store, "chrun")


def test_file_altered_by_one_byte_is_named_with_every_version_that_has_it(store: Store) -> None:
    path = file_of(store, "churn/1")
    path.write_bytes(path.read_bytes()[:-1] + b"!")
    problems = verify(store).problems
    assert [problem.split(" cannot be used: ")[0] for problem in problems] == [
        "File 'model.pkl' of version 1 of 'churn'",
        "File 'model.pkl' of version 1 of 'fraud'",
    ]
    assert all("is damaged" in problem for problem in problems)


def test_missing_file_and_missing_manifest_are_named(store: Store) -> None:
    file_of(store, "churn/2", "parts/extra.bin").unlink()
    store.blobs.path(Registry(store).resolve("fraud/1").manifest).unlink()  # that of churn/1, too: one package
    problems = verify(store).problems
    assert [problem.partition(":")[0] for problem in problems] == [
        "The package of version 1 of 'churn' is not in the store",
        "File 'parts/extra.bin' of version 2 of 'churn' cannot be used",
        "The package of version 1 of 'fraud' is not in the store",
    ]


def test_manifest_that_is_none_is_named(store: Store, registry: Registry) -> None:
    registry.register("other", store.blobs.put(b"no manifest"))
    assert verify(store, "other").problems == [
        "The manifest of version 1 of 'other' cannot be used: This model package has an unreadable manifest: it is not "
        "JSON (Expecting value: line 1 column 1 (char 0))."
    ]


def test_size_that_is_not_the_files_is_named(store: Store, registry: Registry, package: Package) -> None:
    content = store.blobs.put(b"four")
    files = [{"path": "model.pkl", "sha256": content, "size_bytes": 5}]
    registry.register("other", package(store, files=files))
    assert verify(store, "other").problems == [
        "File 'model.pkl' of version 1 of 'other' cannot be used: It has 4 bytes, and by its manifest 5."
    ]


def test_seals_are_counted_and_one_that_was_broken_is_a_problem(
    store: Store, registry: Registry, package: Package, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    sealed = json.loads(store.blobs.get(package(store, "model 3")))
    registry.register("other", store.blobs.put(canonical({**sealed, "model_class": "os.system"})))
    registry.register("other", package(store, "model 4", is_sealed=False))
    monkeypatch.setenv("AUTOTRACK_KEY_FILE", str(tmp_path / "key of somebody else"))
    registry.register("other", package(store, "model 5"))
    monkeypatch.setenv("AUTOTRACK_KEY_FILE", str(Path.home() / "autotrack-key"))
    found = verify(store, "other")
    assert found.seals == {"changed": 1, "unsealed": 1, "foreign": 1}
    assert found.problems == ["The manifest of version 1 of 'other' was changed after it was sealed."]


def test_newest_events_that_were_cut_off_are_named(store: Store) -> None:
    for event in events(store)[2:]:
        event.unlink()
    (problem,) = verify(store, "churn").problems
    assert problem.startswith("The newest events of the model 'churn' are missing: on ")
    assert "it had 4, as your own seal says, and now 2. If an older copy was put back on purpose, remove" in problem
    assert Registry(store).aliases("churn") == {}  # it is still readable


def test_log_that_was_cut_off_whole_is_named(store: Store) -> None:
    for event in events(store):
        event.unlink()
    (problem,) = verify(store).problems
    assert "of the model 'churn' are missing: on " in problem
    assert Registry(store).list() == ["fraud"]


def test_history_that_was_written_anew_is_named(store: Store) -> None:
    last = events(store)[-1]
    content = json.loads(last.read_bytes())
    del content["checksum"]
    content["to"] = 1
    last.write_bytes(canonical({**content, "checksum": sha256(canonical(content))}))
    (problem,) = verify(store, "churn").problems
    assert problem.startswith("Event 3 of the model 'churn' is another one than on ")


def test_what_was_cut_off_stays_named_when_others_go_on(store: Store, package: Package) -> None:
    for event in events(store)[2:]:
        event.unlink()
    registry = Registry(store)
    for number in range(4):
        registry.set_tag("churn", 1, "turn", str(number))
    (problem,) = verify(store, "churn").problems
    assert problem.startswith("Event 3 of the model 'churn' is another one than on ")


def test_head_that_was_changed_is_named(store: Store) -> None:
    (head,) = (store.root / "registry" / "churn").glob("head*.json")
    content = json.loads(head.read_bytes())
    head.write_bytes(canonical({**content, "count": 2, "event": sha256(events(store)[1].read_bytes())}))
    (problem,) = verify(store, "churn").problems
    assert "was changed after it was written" in problem
    head.write_bytes(b"[" * 100_000)
    (problem,) = verify(store, "churn").problems
    assert "is not readable" in problem


def test_head_of_another_model_is_no_head_of_this_one(store: Store) -> None:
    (head,) = (store.root / "registry" / "churn").glob("head*.json")
    (other,) = (store.root / "registry" / "fraud").glob("head*.json")
    shutil.copy(other, head)
    (problem,) = verify(store, "churn").problems
    assert "was changed after it was written" in problem


def test_head_of_another_user_is_looked_at_too(
    store: Store, registry: Registry, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, package: Package
) -> None:
    monkeypatch.setenv("AUTOTRACK_KEY_FILE", str(tmp_path / "key of somebody else"))
    package(store, "makes the key")
    registry.set_tag("churn", 1, "by", "somebody else")
    monkeypatch.setenv("AUTOTRACK_KEY_FILE", str(Path.home() / "autotrack-key"))
    assert len(list((store.root / "registry" / "churn").glob("head*.json"))) == 2
    assert verify(store, "churn").is_whole  # ours lags by the event of somebody else
    events(store)[-1].unlink()
    (problem,) = verify(store, "churn").problems
    assert "it had 5, as a note under another key says, and now 4" in problem


def test_user_without_a_key_leaves_an_unsealed_note(
    store: Store, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("AUTOTRACK_KEY_FILE", str(tmp_path / "none was made yet"))
    registry = Registry(store)
    registry.register("plain", store.blobs.put(b"manifest"))
    registry.promote("plain", 1)
    assert [path.name for path in (store.root / "registry" / "plain").glob("head*")] == ["head.json"]
    events(store, "plain")[-1].unlink()
    assert "it had 2, as an unsealed note says, and now 1" in registry.verify("plain")[0]


def test_store_whose_heads_cannot_be_written_is_used_all_the_same(store: Store) -> None:
    (head,) = (store.root / "registry" / "churn").glob("head*.json")
    head.unlink()
    head.mkdir()
    assert Registry(store).rollback("churn").version == 1


def test_log_that_came_from_another_store_is_noted_as_far_as_it_came(store: Store, tmp_path: Path) -> None:
    other = Store.open(tmp_path / "other", create=True)
    assert absorb_models(other, store).new == ["churn", "fraud"]
    assert verify(other).is_whole
    events(other)[-1].unlink()
    assert "it had 4, as your own seal says, and now 3" in verify(other, "churn").problems[0]


def test_verify_is_there_for_the_store_in_force(store_path: Path) -> None:
    autotrack.enable(store=store_path)
    assert autotrack.registry.verify().is_whole
    assert autotrack.registry.verify("churn").versions == 2
