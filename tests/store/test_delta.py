"""The log of a table: one winner for each version, and no table that asks for more than we know is misread."""

import json
from urllib.parse import quote

import pytest

from autotrack.errors import StoreFormatError
from autotrack.store.delta import DataFile, DeltaTable, Snapshot
from autotrack.store.schema import RUNS
from workers import threads_at_once


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
    bases = [each.snapshot() for each in tables]

    def commit(number):
        return tables[number].commit(bases[number], adds=[file(f"f{number}")], removes=[], marks={})

    won = [number for number, has_won in enumerate(threads_at_once(8, commit)) if has_won]
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


def many(table, count, **options):
    """Commits that add a file, remove every third of them, and mark a writer; the last snapshot."""
    for number in range(count):
        base = table.snapshot()
        old = [base.files[f"f{number - 1}"]] if number % 3 == 2 else []
        assert table.commit(base, adds=[file(f"f{number}")], removes=old, marks={f"{number:022x}": number})
        table.checkpoint(set, **options)
    return table.snapshot()


def log_names(store):
    return sorted(path.name for path in (store.root / "tables" / "runs" / "_delta_log").iterdir())


def fresh(store):
    """A handle that knows nothing yet."""
    return DeltaTable(store.backend, "runs", RUNS)


def test_every_50_versions_there_is_a_checkpoint_that_readers_begin_at(table, store):
    found = many(table, 101)
    checkpoints = [name for name in log_names(store) if "checkpoint" in name]
    assert checkpoints == [f"{version:020d}.checkpoint.parquet" for version in (49, 99)] + ["_last_checkpoint"]
    assert fresh(store).snapshot() == found
    for version in range(98):  # a reader that needs them fails
        log_path(store, version).write_text("damaged")
    assert fresh(store).snapshot() == found


def test_a_reader_that_knows_a_version_reads_only_what_is_new(table, store, monkeypatch):
    many(table, 120)
    read = []
    get = store.backend.get
    monkeypatch.setattr(store.backend, "get", lambda key, *args: read.append(key) or get(key, *args))
    assert fresh(store).commit(table.snapshot(), adds=[file("new")], removes=[], marks={})
    read.clear()
    assert table.snapshot().version == 120
    assert [key.rpartition("/")[2] for key in read] == [f"{version:020d}.json" for version in (120, 121)]


def test_a_log_is_shortened_behind_a_checkpoint_that_is_old_enough(table, store):
    late, early = fresh(store), fresh(store)
    early_base = many(early, 10)
    found = many(table, 60)
    late.snapshot()
    assert table.shorten() == 0
    assert table.shorten(keep_s=0) == 49
    names = log_names(store)
    assert names[0] == f"{49:020d}.checkpoint.parquet"
    assert [name for name in names if name.endswith(".json")] == [f"{version:020d}.json" for version in range(49, 70)]
    for one in (table, late, early, fresh(store)):  # whichever version each of them had seen
        assert one.snapshot() == found
    assert not early.commit(early_base, adds=[file("x")], removes=[], marks={})
    assert log_names(store) == names


def test_a_commit_that_was_asleep_while_its_number_became_free_again_is_not_made(table, store):
    """The check before it has passed; then the log went on, and was shortened, before the entry was written."""
    base = many(table, 3)
    others = fresh(store)
    put_if_absent = store.backend.put_if_absent

    def slow(key, data):
        store.backend.put_if_absent = put_if_absent
        many(others, 60)
        assert others.shorten(keep_s=0) > 3
        return put_if_absent(key, data)

    store.backend.put_if_absent = slow
    assert not table.commit(base, adds=[file("mine")], removes=[], marks={"me": 0})
    assert "mine" not in table.snapshot().files
    assert table.snapshot() == fresh(store).snapshot() == others.snapshot()
    assert log_path(store, 3).exists() is False
    assert table.commit(table.snapshot(), adds=[file("mine")], removes=[], marks={"me": 0})


def test_marks_of_writers_that_are_gone_are_dropped_from_checkpoints_after_a_week(table, store, monkeypatch):
    import time

    old, kept, foreign = "0" * 22, "1" * 22, "spark"
    week_ago = time.time_ns() - 8 * 86_400 * 10**9
    monkeypatch.setattr(time, "time_ns", lambda: week_ago)
    table.commit(table.snapshot(), adds=[file("a")], removes=[], marks={old: 1, kept: 2, foreign: 3})
    monkeypatch.undo()
    table.commit(table.snapshot(), adds=[], removes=[], marks={"2" * 22: 4})
    assert table.checkpoint(lambda: {kept}, every=1)
    assert fresh(store).snapshot().marks == {kept: 2, foreign: 3, "2" * 22: 4}


def test_two_checkpoints_at_once_are_harmless(table, store):
    found = many(table, 20, every=1000)
    tables = [fresh(store) for _ in range(4)]
    for each in tables:
        each.snapshot()
    threads_at_once(4, lambda number: tables[number].checkpoint(set, every=1))
    table.shorten(keep_s=0)
    assert fresh(store).snapshot() == found


@pytest.mark.parametrize("damage", [b"", b"no parquet", None])
def test_a_damaged_or_missing_checkpoint_is_passed_over_as_long_as_the_entries_are_there(table, store, damage):
    found = many(table, 60)
    path = log_path(store, 49).with_suffix(".checkpoint.parquet")
    path.unlink() if damage is None else path.write_bytes(damage)
    assert fresh(store).snapshot() == found
    (path.parent / "_last_checkpoint").write_bytes(b"{")
    assert fresh(store).snapshot() == found


def test_a_log_without_a_beginning_is_told(table, store):
    many(table, 60)
    table.shorten(keep_s=0)
    log_path(store, 49).with_suffix(".checkpoint.parquet").unlink()
    with pytest.raises(StoreFormatError, match=r"'runs' has no beginning.*\nExpected .*checkpoint"):
        fresh(store).snapshot()


def test_other_engines_read_our_checkpoints_and_we_read_theirs(store, recorder):
    import polars
    from deltalake import DeltaTable as Oracle

    for number in range(60):
        one = recorder(store)
        one.start(f"run-{number:02}", tags={"n": str(number)})
        one.close()
        store.seal()
        store.maintain()
    path = str(store.root / "tables" / "runs")
    table = fresh(store)
    table.checkpoint(set, every=1)
    table.shorten(keep_s=0)
    found = table.snapshot()
    oracle = Oracle(path)
    assert oracle.version() == found.version
    assert len(oracle.file_uris()) == len(found.files)
    assert oracle.transaction_version(next(iter(found.marks))) == 0
    assert sorted(polars.scan_delta(path).collect()["run_id"]) == [f"run-{number:02}" for number in range(60)]

    one = recorder(store)
    one.start("run-last")
    one.close()
    store.seal()
    theirs = Oracle(path)
    theirs.create_checkpoint()
    before = fresh(store).snapshot()
    for entry in log_path(store, 0).parent.glob("*.json"):
        entry.unlink()
    after = fresh(store).snapshot()
    assert (after.version, after.marks, after.files) == (before.version, before.marks, before.files)
    assert len(type(store).open(store.root).rows()) == 61
    late = recorder(store)
    late.start("run-later")
    late.close()
    assert store.seal().runs == 1
    assert len(type(store).open(store.root).rows()) == 62


def test_a_damaged_log_is_told_with_its_path(table, store):
    table.commit(table.snapshot(), adds=[file("a")], removes=[], marks={})
    log_path(store, 1).write_text('{"add":')
    with pytest.raises(
        StoreFormatError, match=rf"damaged.*{log_path(store, 1).name} is not JSON.*\nExpected .*Restore"
    ):
        table.snapshot()
