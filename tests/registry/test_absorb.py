"""The registered models of another store become models of this one, with their history; never with other numbers."""

import shutil

import pytest
from sklearn.linear_model import LogisticRegression

import autotrack
from autotrack.registry import Registry
from autotrack.registry.absorb import absorb_models
from autotrack.store import Store


@pytest.fixture
def stores(tmp_path):
    return Store.open(tmp_path / "here", create=True), Store.open(tmp_path / "there", create=True)


def package(store, content=b"weights"):
    """A manifest as packages have one, and a file of it."""
    from autotrack.model.manifest import canonical

    sha256 = store.blobs.put(content)
    return store.blobs.put(canonical({"files": [{"path": "model.bin", "sha256": sha256}], "of": content.decode()}))


def events(store, name):
    return [path.read_bytes() for path in sorted((store.root / "registry" / name).glob("*.json"))]


def test_a_model_that_is_not_here_comes_event_by_event_with_its_packages(stores):
    here, there = stores
    registry = Registry(there)
    registry.register("churn", package(there), alias="champion", tags={"team": "a"})
    registry.register("churn", package(there, b"better"))
    registry.set_alias("churn", "champion", 2)
    registry.delete_version("churn", 1)
    report = absorb_models(here, there)
    assert (report.new, report.longer, report.same, report.left_out) == (["churn"], [], [], {})
    assert events(here, "churn") == events(there, "churn")
    assert Registry(here).verify("churn") == []
    assert Registry(here).resolve("churn@champion") == registry.resolve("churn@champion")
    assert absorb_models(here, there).same == ["churn"]
    assert Registry(here).register("churn", package(here, b"third")).version == 3


def test_of_two_logs_one_of_which_continues_the_other_the_longer_one_holds(stores):
    here, there = stores
    Registry(there).register("churn", package(there))
    absorb_models(here, there)
    Registry(there).register("churn", package(there, b"better"))
    assert absorb_models(here, there).longer == ["churn"]
    Registry(here).set_alias("churn", "champion", 2)
    before = events(here, "churn")
    assert absorb_models(here, there).same == ["churn"]
    assert events(here, "churn") == before
    assert absorb_models(there, here).longer == ["churn"]
    assert events(there, "churn") == before


def test_a_model_with_two_histories_stays_as_it_is_and_the_others_come(stores):
    here, there = stores
    for store in stores:
        Registry(store).register("churn", package(store, b"%d" % id(store)))
    Registry(there).register("spam", package(there))
    before = events(here, "churn")
    report = absorb_models(here, there)
    assert report.new == ["spam"]
    assert "versions are never renumbered" in report.left_out["churn"]
    assert events(here, "churn") == before


def test_an_import_that_ended_in_the_middle_of_a_log_goes_on_there(stores):
    here, there = stores
    Registry(there).register("churn", package(there), alias="champion")
    Registry(there).register("churn", package(there, b"better"))
    absorb_models(here, there)
    for path in sorted((here.root / "registry" / "churn").glob("*.json"))[1:]:
        path.unlink()
    assert absorb_models(here, there).longer == ["churn"]
    assert events(here, "churn") == events(there, "churn")


@pytest.mark.parametrize("damage", ["manifest", "file", "event", "gap"])
def test_a_model_that_is_damaged_there_is_left_out_and_nothing_of_its_log_comes(stores, damage):
    here, there = stores
    manifest = package(there)
    Registry(there).register("churn", manifest, alias="champion", tags={"a": "b"})
    Registry(there).register("spam", package(there, b"spam"))
    log = sorted((there.root / "registry" / "churn").glob("*.json"))
    if damage == "manifest":
        there.blobs.path(manifest).unlink()
    elif damage == "file":
        import hashlib

        there.blobs.path(hashlib.sha256(b"weights").hexdigest()).write_bytes(b"other")
    elif damage == "event":
        log[0].write_bytes(log[0].read_bytes().replace(b'"register"', b'"registre"'))
    else:
        log[0].unlink()
    report = absorb_models(here, there)
    assert (report.new, list(report.left_out)) == (["spam"], ["churn"])
    assert events(here, "churn") == []


def test_models_of_a_store_that_was_moved_or_taken_in_are_loaded(tmp_path, store_path):
    autotrack.enable(store=tmp_path / "first")
    model = LogisticRegression().fit([[0.0], [1.0], [2.0], [3.0]], [0, 0, 1, 1])
    autotrack.register_model(autotrack.last_run(), "churn", alias="champion")
    run = autotrack.last_run()
    autotrack.disable()
    shutil.move(tmp_path / "first", tmp_path / "moved")
    here, moved = Store.open(store_path, create=True), Store.open(tmp_path / "moved")
    assert here.absorb(moved).new == [run.id]
    assert absorb_models(here, moved).new == ["churn"]
    for store in (tmp_path / "moved", store_path):
        autotrack.enable(store=store)
        for reference in ("churn@champion", f"run:{run.id}"):
            assert autotrack.load_model(reference).predict([[3.0]]) == model.predict([[3.0]])
        autotrack.disable()
