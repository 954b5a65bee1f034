"""Many small files become few: the same rows and points, whatever happens meanwhile."""

import os
import random
import threading
import time

import pytest

from autotrack.errors import StoreError
from autotrack.store import NO_EPOCH, POINT, Store
from autotrack.store.compact import Compactor, small_files
from autotrack.store.delta import DataFile, Snapshot
from autotrack.store.merge import Output, merged

KEYS = ["loss", "acc", "größe"]


def write(store, writers, *, runs=5, points=100, seed=0, seal=True):
    """Some writers with points of the same runs, each sealed into files of its own."""
    choice = random.Random(seed)
    for number in range(writers):
        writer = store.new_writer(rank=number % 2 or None)
        packed = b"".join(
            POINT.pack(
                0, place % len(KEYS), choice.randrange(50), choice.randrange(50), choice.random(), place % 4 or NO_EPOCH
            )
            for place in range(points)
        )
        run_id = f"run-{choice.randrange(runs)}"
        started = [(0, number, {"status": "running", "tags": {f"t{number}": "x"}})]
        writer.write({0: run_id}, dict(enumerate(KEYS)), started, packed)
        writer.close()
        if seal:
            store.seal()


def content(store, runs=5):
    store = Store.open(store.root)
    return store.rows(), {
        (run, key): sorted(
            zip(*(getattr(store.points(f"run-{run}", key), part) for part in ("steps", "values")), strict=True)
        )
        for run in range(runs)
        for key in KEYS
    }


def files(store, table):
    return sorted(path.name for path in (store.root / "tables" / table).glob("*.parquet"))


def compactor(store):
    return Compactor(store.backend, store._wal, store._runs, store._metrics)


def test_rows_and_points_are_the_same_afterwards_and_in_one_file_each(store):
    write(store, 12)
    before = content(store)
    assert len(files(store, "metrics")) == 12
    report = store.compact()
    assert (report.merged.files_after, report.sealed.segments) == (2, 0)
    assert content(store) == before
    for table in ("runs", "metrics"):
        [name] = files(store, table)
        assert name.startswith("L1-")
    assert store.compact().merged.files_before == 0


def test_merged_points_are_sorted_and_keep_every_column(store):
    import pyarrow.parquet as pq

    write(store, 8)
    paths = [store.root / "tables" / "metrics" / name for name in files(store, "metrics")]
    columns = pq.ParquetFile(paths[0]).schema_arrow.names
    before = [tuple(row.values()) for path in paths for row in pq.ParquetFile(path).read().to_pylist()]
    store.compact()
    [name] = files(store, "metrics")
    parquet = pq.ParquetFile(store.root / "tables" / "metrics" / name)
    after = [tuple(row.values()) for row in parquet.read().to_pylist()]
    assert parquet.schema_arrow.names == columns
    order = [columns.index(column) for column in ("run_id", "key", "step", "ts")]
    assert after == sorted(after, key=lambda row: [row[place] for place in order])
    assert sorted(map(repr, after)) == sorted(map(repr, before))
    [file] = store._metrics.snapshot().files.values()
    assert file.stats["minValues"]["run_id"] == min(row[0] for row in before)
    assert file.stats["maxValues"]["step"] == max(row[columns.index("step")] for row in before)


def test_row_groups_are_read_one_at_a_time_and_files_are_cut_at_their_size(store, monkeypatch):
    from autotrack.store import merge, parquet

    monkeypatch.setattr(parquet, "POINT_ROWS", 50)
    monkeypatch.setattr(merge, "POINT_ROWS", 50)
    write(store, 10, points=333)
    before = content(store)
    inputs = list(store._metrics.snapshot().files.values())
    output = Output(store.backend, store._metrics, file_points=1000)
    pieces = 0
    for piece in merged(store.backend, store._metrics, inputs):
        assert len(piece) <= 50 * len(inputs)
        pieces += 1
        output.add(piece)
    outputs = output.finish()
    assert pieces > 10
    assert [file.row_count for file in outputs] == [1000, 1000, 1000, 330]
    ends = [(file.stats["minValues"]["run_id"], file.stats["maxValues"]["run_id"]) for file in outputs]
    assert ends == sorted(ends)
    base = store._metrics.snapshot()
    assert store._metrics.commit(base, adds=outputs, removes=inputs, marks={}, is_data_change=False)
    assert content(store) == before


def test_nothing_is_merged_before_it_is_due(store):
    write(store, 31)
    store.maintain()
    assert len(files(store, "metrics")) == 31
    write(store, 1, seed=9)
    before = content(store)
    store.maintain()
    assert len(files(store, "metrics")) == 1
    assert content(store) == before


def test_what_was_merged_is_moved_again_only_together_with_as_much():
    def file(name, rows):
        return DataFile(name, rows, {"numRecords": rows, "minValues": {"run_id": "a"}})

    some = [file(f"L0-{number}", 10) for number in range(40)]
    found = small_files(Snapshot(1, {one.name: one for one in [*some, file("L1-a", 300), file("L1-b", 5000)]}), 10**6)
    assert {one.name for one in found} == {one.name for one in some} | {"L1-a"}
    full = [file(f"L0-{number}", 10_001) for number in range(40)]
    assert small_files(Snapshot(1, {one.name: one for one in full}), 20_000) == []
    other = [
        DataFile(f"part-{number}.parquet", 1, {"numRecords": 1, "minValues": {"run_id": "a"}}) for number in range(40)
    ]
    assert small_files(Snapshot(1, {one.name: one for one in other}), 20_000) == []


def test_files_that_come_while_merging_are_kept(store, monkeypatch):
    """Appends between the reading and the commit: the commit is tried again on the newer version."""
    write(store, 6)
    commit = store._metrics.commit

    def late(base, **changes):
        monkeypatch.undo()
        write(Store.open(store.root), 3, seed=5)
        return commit(base, **changes)

    monkeypatch.setattr(store._metrics, "commit", late)
    before = len(store._metrics.snapshot().files)
    report = compactor(store).merge(is_forced=True)
    assert before == 6
    assert report.files_before >= 6
    rows, points = content(store)
    assert sum(len(values) for values in points.values()) == 900
    assert sum(row["summary"][key]["count"] for row in rows.values() for key in row["summary"]) == 900


def test_a_merge_whose_inputs_are_replaced_meanwhile_begins_anew(store, monkeypatch):
    write(store, 6)
    before = content(store)
    commit = store._metrics.commit

    def late(base, **changes):
        monkeypatch.undo()
        Store.open(store.root).compact()
        return commit(base, **changes)

    monkeypatch.setattr(store._metrics, "commit", late)
    compactor(store).merge(is_forced=True)
    assert content(store) == before
    assert len(files(store, "metrics")) == 1
    assert set(files(store, "metrics")) == set(store._metrics.snapshot().files)


def test_a_merge_that_is_stopped_changes_nothing(store):
    write(store, 6)
    before = files(store, "metrics"), content(store)
    asked = []
    compactor(store).merge(is_forced=True, is_stopped=lambda: len(asked) > 1 or asked.append(1))
    assert (files(store, "metrics"), content(store)) == before


def test_a_file_that_is_lost_is_told_and_not_tried_for_ever(store):
    write(store, 4)
    (store.root / "tables" / "metrics" / files(store, "metrics")[0]).unlink()
    with pytest.raises(FileNotFoundError):
        store.compact()


def test_readers_and_writers_go_on_while_files_are_merged(store):
    write(store, 20)
    failures = []
    is_over = threading.Event()

    def read():
        reader = Store.open(store.root)
        counts = {(f"run-{run}", key): 0 for run in range(5) for key in KEYS}
        while not is_over.is_set():
            try:
                now = {series: len(reader.points(*series).steps) for series in counts}
                if sum(now.values()) < 2000 or any(now[series] < counts[series] for series in counts):
                    failures.append((counts, now))
                counts = now
            except Exception as error:
                failures.append(error)

    readers = [threading.Thread(target=read) for _ in range(2)]
    for thread in readers:
        thread.start()
    for seed in range(6):
        write(store, 2, seed=seed, seal=False)
        store.compact()
    is_over.set()
    for thread in readers:
        thread.join()
    assert failures == []


def age(path, age_s=2000):
    os.utime(path, (time.time() - age_s,) * 2)


def test_leftovers_of_the_killed_are_deleted_when_they_are_old_and_others_files_are_not(store):
    write(store, 2)
    before = content(store)
    folder = store.root / "tables" / "metrics"
    old, young, foreign = folder / "L0-orphan.parquet", folder / "L0-young.parquet", folder / "part-0.parquet"
    unfinished = [folder / ".tmp-1", store.root / "blobs" / ".tmp-2", store.root / "registry" / "m" / ".tmp-3"]
    for path in [old, young, foreign, *unfinished]:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    for path in [old, foreign, *unfinished]:
        age(path)
    named = store.root / "tables" / "metrics" / files(store, "metrics")[0]
    age(named)
    report = compactor(store).clean()
    assert report.files == 4
    assert young.exists()
    assert foreign.exists()
    assert named.exists()
    assert not old.exists()
    assert not any(path.exists() for path in unfinished)
    assert content(store) == before
    assert compactor(store).clean(older_than_s=0).files == 1
    assert not young.exists()


def test_a_clock_that_is_wrong_deletes_nothing_that_is_young(store, monkeypatch):
    write(store, 1)
    young = store.root / "tables" / "metrics" / "L0-young.parquet"
    young.write_bytes(b"x")
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 10**6)
    assert compactor(store).clean().files == 0
    assert young.exists()


def test_a_sealer_whose_file_was_taken_for_a_leftover_writes_it_again(store, recorder, monkeypatch):
    one = recorder(store)
    one.start("run-a")
    one.points("run-a", "loss", [1.0, 2.0])
    one.close()
    snapshot, taken = store._metrics.has_files, []

    def late(added):
        for file in added:
            if not taken:
                taken.append(file.name)
                store.backend.delete(store._metrics.key(file.name))
        return snapshot(added)

    monkeypatch.setattr(store._metrics, "has_files", late)
    assert store.seal().points == 2
    assert taken
    assert taken[0] not in store._metrics.snapshot().files
    assert Store.open(store.root).points("run-a", "loss").values == [1.0, 2.0]


def test_a_reader_that_meets_many_closed_segments_seals_them(store):
    write(store, 257, points=1, seal=False)
    assert len(store.rows()) == 5
    assert store.backend.list("wal/") == []
    write(store, 10, points=1, seal=False)
    assert len(store.rows()) == 5
    assert len(store.backend.list("wal/")) > 0
    store.seal()
    _, points = content(store)
    assert sum(len(values) for values in points.values()) == 267


def test_a_store_that_may_not_be_written_to_is_read_all_the_same(store, monkeypatch):
    write(store, 257, points=1, seal=False)
    monkeypatch.setattr(Store, "is_writable", False)
    assert len(store.rows()) == 5
    assert len(store.backend.list("wal/")) > 0


def test_search_goes_on_after_the_log_was_shortened(store):
    write(store, 10)
    with store.indexed() as index:
        assert index is not None
        at = index.version
    write(store, 60, seed=4)
    store._runs.checkpoint(set, every=1)
    store._metrics.checkpoint(set, every=1)
    report = store.compact(keep_log_s=0)
    assert report.cleaned.log_entries > 0
    for one in (store, Store.open(store.root)):
        with one.indexed() as index:
            assert index is not None
            assert index.version > at
            found = {run_id for (run_id,) in index.select("SELECT run_id FROM runs")}
        assert found == set(one.rows())


def test_a_log_that_other_processes_always_win_is_told(store, monkeypatch):
    write(store, 3)
    before = files(store, "metrics")
    monkeypatch.setattr(store._metrics, "commit", lambda *_, **__: False)
    monkeypatch.setattr(store._runs, "commit", lambda *_, **__: False)
    with pytest.raises(StoreError, match="other processes were faster"):
        store.compact()
    assert files(store, "metrics") == before
