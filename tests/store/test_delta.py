"""The log of a table: one winner for each version, and no table that asks for more than we know is misread."""

import json
import threading
from urllib.parse import quote

import pytest

from autotrack.errors import StoreFormatError
from autotrack.store.delta import DataFile, DeltaTable, Snapshot
from autotrack.store.schema import RUNS


@pytest.fixture
def table(store):
    return DeltaTable(store.backend, "runs", RUNS)


def file(name, low="a", high="z"):
    return DataFile(name, 10, {"numRecords": 1, "minValues": {"run_id": low}, "maxValues": {"run_id": high}})


def log_path(store, version, name="runs"):
    return store.root / "tables" / name / "_delta_log" / f"{version:020d}.json"


def test_a_table_that_does_not_exist_yet_is_version_minus_1(table):
    assert table.snapshot() == Snapshot(-1, {}, {})


def test_commits_add_up_to_a_snapshot(table, store):
    assert table.commit(table.snapshot(), adds=[file("a"), file("b")], removes=[], marks={"w": 0})
    assert table.commit(table.snapshot(), adds=[file("c")], removes=[file("a")], marks={"w": 3, "v": 1})
    for one in (table, DeltaTable(store.backend, "runs", RUNS)):
        found = one.snapshot()
        assert (found.version, list(found.files), found.marks) == (1, ["b", "c"], {"w": 3, "v": 1})
        assert found.files["b"] == file("b")


def test_the_first_version_says_protocol_and_schema_once(table, store):
    table.commit(table.snapshot(), adds=[], removes=[], marks={})
    table.commit(table.snapshot(), adds=[], removes=[], marks={})
    first, second = ([json.loads(line) for line in log_path(store, n).read_text().splitlines()] for n in (0, 1))
    assert [next(iter(action)) for action in first] == ["commitInfo", "protocol", "metaData"]
    assert first[1]["protocol"] == {"minReaderVersion": 1, "minWriterVersion": 2}
    schema = json.loads(first[2]["metaData"]["schemaString"])
    assert [field["name"] for field in schema["fields"]] == list(RUNS)
    assert first[2]["metaData"]["partitionColumns"] == []
    assert [next(iter(action)) for action in second] == ["commitInfo"]


def test_of_many_commits_on_one_snapshot_one_wins(table, store):
    tables = [DeltaTable(store.backend, "runs", RUNS) for _ in range(8)]
    barrier = threading.Barrier(8)
    won = []

    def commit(number):
        base = tables[number].snapshot()
        barrier.wait()
        if tables[number].commit(base, adds=[file(f"f{number}")], removes=[], marks={}):
            won.append(number)

    threads = [threading.Thread(target=commit, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) == 1
    assert list(table.snapshot().files) == [f"f{won[0]}"]


def test_a_snapshot_never_changes(table):
    before = table.snapshot()
    table.commit(before, adds=[file("a")], removes=[], marks={"w": 0})
    after = table.snapshot()
    table.commit(after, adds=[], removes=[file("a")], marks={"w": 1})
    table.snapshot()
    assert (before.files, before.marks) == ({}, {})
    assert (list(after.files), after.marks) == (["a"], {"w": 0})


def test_names_are_percent_encoded_in_the_log(table, store):
    name = "part 1%ü.parquet"
    table.commit(table.snapshot(), adds=[file(name)], removes=[], marks={})
    assert quote(name) in log_path(store, 0).read_text()
    assert list(table.snapshot().files) == [name]
    table.commit(table.snapshot(), adds=[], removes=[file(name)], marks={})
    assert list(table.snapshot().files) == []


def test_statistics_leave_files_out_only_where_they_are_there():
    assert file("a", "b", "d").may_hold("run_id", "c")
    assert not file("a", "b", "d").may_hold("run_id", "a")
    assert not file("a", "b", "d").may_hold("run_id", "e")
    assert DataFile("a", 1, {}).may_hold("run_id", "e")


@pytest.mark.parametrize("protocol", [(2, 5), (1, 3), (3, 7)])
def test_a_newer_protocol_is_refused(table, store, protocol):
    table.commit(table.snapshot(), adds=[file("a")], removes=[], marks={})
    reader, writer = protocol
    action = {"protocol": {"minReaderVersion": reader, "minWriterVersion": writer, "readerFeatures": ["x"]}}
    log_path(store, 1).write_text(json.dumps(action) + "\n")
    for one in (table, DeltaTable(store.backend, "runs", RUNS)):
        with pytest.raises(StoreFormatError, match=rf"'runs'.*\({reader}, {writer}\).\nExpected at most \(1, 2\)"):
            one.snapshot()
    with pytest.raises(StoreFormatError):
        store.rows()


def test_a_log_that_begins_at_a_checkpoint_is_refused(store, recorder):
    from deltalake import DeltaTable as Oracle

    for run_id in ("run-a", "run-b"):
        one = recorder(store)
        one.start(run_id)
        one.close()
        store.seal()
    Oracle(str(store.root / "tables" / "runs")).create_checkpoint()
    assert list(store.rows()) == ["run-a", "run-b"]
    log_path(store, 0).unlink()
    log_path(store, 1).unlink()
    fresh = type(store).open(store.root)
    with pytest.raises(StoreFormatError, match=r"'runs' does not begin at version 0.*\nExpected .*newer autotrack"):
        fresh.rows()
    with pytest.raises(StoreFormatError):
        fresh.seal()


def test_a_damaged_log_is_told_with_its_path(table, store):
    table.commit(table.snapshot(), adds=[file("a")], removes=[], marks={})
    log_path(store, 1).write_text('{"add":')
    with pytest.raises(
        StoreFormatError, match=rf"damaged.*{log_path(store, 1).name} is not JSON.*\nExpected .*Restore"
    ):
        table.snapshot()
