"""Reading back: sealed and live are one, at every moment."""

import threading
import time

import pytest

from autotrack.errors import StoreError
from autotrack.store import NO_EPOCH, POINT, Store
from autotrack.types import to_datetime


def test_an_empty_store_has_no_rows_and_no_points(store):
    assert store.rows() == {}
    assert store.rows(["run-a"]) == {}
    history = store.points("run-a", "loss")
    assert (len(history), history.steps, history.times, history.values) == (0, [], [], [])


def test_a_row_has_all_maps_and_its_summary_and_only_the_fields_that_were_set(store, recorder):
    one = recorder(store)
    one.start("run-a", experiment="e", git_dirty=False)
    one.points("run-a", "loss", [2.0, 1.0, 3.0])
    maps = ("params", "param_types", "tags", "artifacts", "models", "data", "lacks")
    assert store.rows() == {
        "run-a": {
            "run_id": "run-a",
            "experiment": "e",
            "git_dirty": False,
            "status": "running",
            "updated_ts": one.ts,
            **{name: {} for name in maps},
            "summary": {"loss": {"last": 3.0, "min": 1.0, "max": 3.0, "last_step": 2, "count": 3}},
        }
    }


def test_sealed_and_live_points_of_several_writers_are_one_history_in_order(store, recorder):
    sealed, open_, dead = recorder(store, max_bytes=0), recorder(store), recorder(store)
    sealed.start("run-a")
    sealed.points("run-a", "loss", [0.0, 1.0], epoch=0)
    dead.points("run-a", "loss", [4.0, 5.0], first_step=4)
    dead.points("run-b", "loss", [9.0])
    dead.close()
    store.seal()
    open_.points("run-a", "loss", [2.0, 3.0], first_step=2)
    sealed.points("run-a", "loss", [6.0], first_step=6, epoch=1)
    sealed.points("run-a", "acc", [9.0])
    history = store.points("run-a", "loss")
    assert history.values == [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0]
    assert history.steps == list(range(7))
    assert history.epochs == [0, 0, None, None, None, None, 1]
    assert store.rows()["run-a"]["summary"]["loss"]["count"] == 7
    assert store.points("run-b", "loss").values == [9.0]
    assert store.points("run-b", "acc").values == []


def test_points_of_several_runs_in_one_scan_are_those_of_each(store, recorder):
    sealed, live = recorder(store, max_bytes=0), recorder(store)
    for number, run_id in enumerate(("run-a", "run-b", "run-c", "run-d")):
        sealed.points(run_id, "loss", [number, number + 0.5])
        sealed.points(run_id, "other", [-1.0])
    sealed.close()
    store.seal()
    live.points("run-b", "loss", [7.0], first_step=2)
    live.points("run-e", "loss", [8.0])
    wanted = ["run-e", "run-d", "run-b", "run-x"]
    found = store.points_of(wanted, "loss")
    assert {run_id: (list(each.steps), list(each.values)) for run_id, each in found.items()} == {
        "run-b": ([0, 1, 2], [1.0, 1.5, 7.0]),
        "run-d": ([0, 1], [3.0, 3.5]),
        "run-e": ([0], [8.0]),
    }
    assert all(found[run_id] == store.points(run_id, "loss") for run_id in found)
    assert store.points_of([], "loss") == {}


def test_points_of_one_step_come_in_the_order_of_their_times(store, recorder):
    late, early = recorder(store), recorder(store)
    late.ts += 100
    late.points("run-a", "loss", [2.0])
    early.points("run-a", "loss", [1.0])
    early.points("run-a", "loss", [0.0], first_step=-1)
    for one in (late, early):
        one.close()
        for _ in range(2):
            values = store.points("run-a", "loss").values
            store.seal()
    assert values == [0.0, 1.0, 2.0]
    assert store.rows()["run-a"]["summary"]["loss"]["last"] == 2.0


def test_times_are_aware_datetimes_and_compare_as_a_sequence(store, recorder):
    one = recorder(store)
    one.points("run-a", "loss", [1.0, 2.0, 3.0])
    times = store.points("run-a", "loss").times
    expected = [to_datetime(one.ts - 2), to_datetime(one.ts - 1), to_datetime(one.ts)]
    assert list(times) == expected
    assert times == expected
    assert times[-1] == expected[-1]
    assert list(times[1:]) == expected[1:]
    assert times != expected[1:]


def test_rows_are_in_the_order_of_their_ids_and_a_choice_of_them_is_a_subset(store, recorder):
    for place, run_id in enumerate(["run-c", "run-a", "run-d", "run-b"]):
        one = recorder(store)
        one.patch(run_id, tags={"place": str(place)})
        if place < 3:
            one.close()
        if place == 1:
            store.seal()
    rows = store.rows()
    assert list(rows) == ["run-a", "run-b", "run-c", "run-d"]
    assert store.rows(["run-d", "run-a", "run-a", "none"]) == {name: rows[name] for name in ("run-a", "run-d")}
    assert store.rows([]) == {}
    assert store.rows({"run-b"}) == {"run-b": rows["run-b"]}
    assert store.rows(name for name in ["run-c"]) == {"run-c": rows["run-c"]}


def test_deleted_runs_are_left_out_and_can_be_restored(store, recorder):
    one = recorder(store)
    one.patch("run-a", status="finished")
    one.patch("run-b", status="finished")
    one.patch("run-a", deleted=True)
    one.close()
    for _ in range(2):
        assert list(store.rows()) == ["run-b"]
        assert store.rows(["run-a"]) == {}
        store.seal()
    again = recorder(store)
    again.ts = one.ts
    again.patch("run-a", deleted=False)
    assert list(store.rows()) == ["run-a", "run-b"]


def test_a_run_whose_writer_and_files_are_gone_is_killed_not_running_for_ever(store, recorder):
    one = recorder(store, max_bytes=0)
    one.start("run-a")
    one.points("run-a", "loss", [1.0])
    store.seal()
    for path in (store.root / "wal" / one.writer.writer_id).iterdir():
        path.unlink()
    (store.root / "wal" / one.writer.writer_id).rmdir()
    one.writer.abandon()
    row = store.rows()["run-a"]
    assert (row["status"], row["end_ts"]) == ("killed", row["updated_ts"])
    assert "ended without finishing" in row["reason"]


def test_reading_an_unsealed_store_writes_nothing(store, recorder):
    one = recorder(store)
    one.start("run-a")
    one.close()
    before = sorted(store.root.rglob("*"))
    fresh = Store.open(store.root)
    fresh.rows()
    fresh.points("run-a", "loss")
    assert sorted(store.root.rglob("*")) == before


def test_a_table_file_that_is_lost_is_told_by_its_name(store, recorder):
    one = recorder(store)
    one.start("run-a")
    one.points("run-a", "loss", [1.0])
    one.close()
    store.seal()
    for table in ("runs", "metrics"):
        [path] = (store.root / "tables" / table).glob("*.parquet")
        path.unlink()
        with pytest.raises(StoreError, match=path.name):
            store.rows() if table == "runs" else store.points("run-a", "loss")


@pytest.mark.parametrize("shared", [True, False], ids=["one Store for all threads", "a Store per thread"])
def test_readers_see_every_point_once_while_it_is_written_and_sealed(store, shared):
    """A point that was written before the read began is there, once; and never one that was not written."""
    writer = store.new_writer(max_bytes=3000)
    writer.write({0: "run-a"}, {0: "loss"}, [(0, 1, {"status": "running"})], b"")
    written = 0
    done = threading.Event()
    troubles = []
    reads = []

    def read():
        own = store if shared else Store.open(store.root)
        while not done.is_set() and not troubles:
            before = written
            steps = own.points("run-a", "loss").steps
            count = own.rows()["run-a"]["summary"].get("loss", {"count": 0})["count"]
            if steps != list(range(len(steps))) or len(steps) < before or count < before or count > written + 20:
                troubles.append((before, len(steps), count, written))
            reads.append(1)

    def seal():
        own = store if shared else Store.open(store.root)
        while not done.is_set():
            own.seal()

    threads = [threading.Thread(target=work) for work in (read, read, seal, seal)]
    for thread in threads:
        thread.start()
    while len(reads) < 60 and not troubles:
        steps = range(written, written + 20)
        writer.write({}, {}, [], b"".join(POINT.pack(0, 0, step, step, 1.0, NO_EPOCH) for step in steps))
        written += 20
        time.sleep(0.001)
    done.set()
    for thread in threads:
        thread.join()
    writer.close()
    assert not troubles
    assert store.points("run-a", "loss").steps == list(range(written))


def test_a_second_read_parses_only_what_is_new(store):
    """Counted: the lines that are parsed, with ten thousand runs in one live segment."""
    from autotrack.store import segments

    writer = store.new_writer()
    runs = {number: f"run-{number:05}" for number in range(10_000)}
    for first in range(0, 10_000, 100):
        new = {number: runs[number] for number in range(first, first + 100)}
        patches = [(number, 1, {"status": "running", "params": {"n": str(number)}}) for number in new]
        writer.write(new, {}, patches, b"")
    parsed = []
    real = segments.parse_line

    def counted(line):
        parsed.append(line)
        return real(line)

    segments.parse_line = counted
    try:
        assert len(store.rows()) == 10_000
        assert len(parsed) == 101
        for number in range(3):
            parsed.clear()
            writer.write({}, {}, [(number, 2, {"tags": {"new": "yes"}})], b"")
            assert store.rows([runs[number]])[runs[number]]["tags"] == {"new": "yes"}
            assert len(parsed) == 1
    finally:
        segments.parse_line = real
        writer.abandon()
