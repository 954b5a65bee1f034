"""Bytes of models go when nothing refers to them any more, and never before."""

import os
import time

import pytest
from sklearn.linear_model import LogisticRegression

import autotrack
from autotrack.errors import StoreError
from autotrack.model.manifest import Manifest
from autotrack.registry import Registry
from autotrack.store import Store

DAY_S = 86_400


@pytest.fixture
def run(store: Store) -> autotrack.Run:
    autotrack.enable(store=store.root)
    LogisticRegression().fit([[0.0], [1.0]], [0, 1])
    found = autotrack.last_run()
    assert found is not None
    autotrack.register_model(found, "churn")
    return found


def collected(store: Store) -> set[str]:
    """The blobs that went, all being old enough."""
    old = time.time() - 2 * DAY_S
    before = {path.name: path for path in store.blobs.path("0" * 64).parent.parent.rglob("*") if path.is_file()}
    for path in before.values():
        os.utime(path, (old, old))
    store.collect()
    return {name for name, path in before.items() if not path.exists()}


def bytes_of(store: Store, reference: str) -> set[str]:
    manifest = Registry(store).resolve(reference).manifest
    return {manifest, *(file.sha256 for file in Manifest.parse(store.blobs.get(manifest)).files)}


def delete(run: autotrack.Run) -> None:
    run._patch({"deleted": True})
    run._recorder.buffer.flush()


def test_registered_bytes_stay_when_their_run_is_deleted(store: Store, run: autotrack.Run) -> None:
    kept = bytes_of(store, "churn/1")
    delete(run)
    assert not kept & collected(store)
    assert autotrack.load_model("churn").predict([[1.0]]).tolist() == [1]


def test_bytes_of_a_deleted_version_stay_while_its_run_has_them(store: Store, run: autotrack.Run) -> None:
    autotrack.registry.delete_version("churn", 1)
    collected(store)
    assert autotrack.load_model(f"run:{run.id}").predict([[1.0]]).tolist() == [1]


def test_bytes_of_a_deleted_version_stay_while_another_version_has_them(store: Store, run: autotrack.Run) -> None:
    other = Registry(store)
    other.register("fraud", other.resolve("churn/1").manifest)
    kept = bytes_of(store, "churn/1")
    autotrack.registry.delete_version("churn", 1)
    delete(run)
    assert not kept & collected(store)
    assert autotrack.registry.verify("fraud").is_whole


def test_bytes_go_when_version_and_run_are_deleted(store: Store, run: autotrack.Run) -> None:
    gone = bytes_of(store, "churn/1")
    autotrack.registry.delete_version("churn", 1)
    delete(run)
    assert gone <= collected(store)


def test_model_of_then_whose_bytes_are_gone_is_told_as_such(store: Store, run: autotrack.Run) -> None:
    before = autotrack.registry.versions("churn")[0].created_at
    autotrack.registry.delete_version("churn", 1)
    delete(run)
    collected(store)
    then = autotrack.registry.resolve("churn/1", as_of=before)
    assert then.version == 1
    with pytest.raises(StoreError, match="is not in the store"):
        store.blobs.get(then.manifest)


def test_previous_champion_keeps_its_bytes(store: Store, run: autotrack.Run) -> None:
    autotrack.registry.promote("churn", 1)
    LogisticRegression(C=2).fit([[0.0], [1.0]], [0, 1])
    second = autotrack.last_run()
    assert second is not None
    autotrack.register_model(second, "churn")
    autotrack.registry.promote("churn", 2)
    delete(run)
    delete(second)
    collected(store)
    autotrack.registry.rollback("churn")
    assert autotrack.registry.verify().is_whole
    assert autotrack.load_model("churn@champion").C == 1.0
