"""Sealing: what was live lies in the tables afterwards, the same and once."""

import math
import os
import time

import numpy as np
import pytest

from autotrack.store import NO_EPOCH, POINT, Store
from autotrack.store.schema import METRICS, RUNS


def files_of(store, table):
    return sorted(path for path in (store.root / "tables" / table).glob("*.parquet"))


def snapshot(store, table):
    from autotrack.store.delta import DeltaTable

    return DeltaTable(store.backend, table, RUNS if table == "runs" else METRICS).snapshot()


def test_an_empty_store_seals_to_nothing(store):
    assert store.seal().segments == 0
    assert not (store.root / "tables").exists()


def test_the_open_segment_of_a_living_writer_is_left_alone(store, recorder):
    one = recorder(store, max_bytes=0)
    one.start("run-a")
    assert store.seal().segments == 0
    one.points("run-a", "loss", [1.0])
    report = store.seal()
    assert (report.segments, report.runs, report.points) == (1, 1, 0)
    assert store.rows()["run-a"]["status"] == "running"
    assert sorted(os.listdir(store.root / "wal" / one.writer.writer_id)) == ["000001.jsonl", "LOCK"]


def test_a_closed_writer_is_sealed_whole_and_its_folder_removed(store, recorder):
    one = recorder(store)
    one.start("run-a", params={"lr": "0.1"}, param_types={"lr": "float"})
    one.points("run-a", "loss", [3.0, 1.0, 2.0], epoch=4)
    one.finish("run-a")
    one.close()
    before = store.rows(), store.points("run-a", "loss")
    report = store.seal()
    assert (report.segments, report.runs, report.points, report.skipped_lines) == (1, 1, 3, 0)
    assert (store.rows(), store.points("run-a", "loss")) == before
    fresh = Store.open(store.root)
    assert (fresh.rows(), fresh.points("run-a", "loss")) == before
    assert os.listdir(store.root / "wal") == []
    assert store.seal().segments == 0


def test_runs_left_open_by_a_dead_writer_become_killed_with_a_reason_and_an_end(store, recorder):
    one = recorder(store)
    one.start("run-a")
    one.start("run-b")
    one.points("run-b", "loss", [1.0])
    one.finish("run-a")
    one.ts = time.time_ns() // 1000 + 10**9  # later than the header's time
    one.points("run-b", "loss", [1.0], first_step=1)
    one.close()
    for _ in range(2):
        rows = store.rows()
        assert rows["run-a"]["status"] == "finished"
        row = rows["run-b"]
        assert (row["status"], row["end_ts"]) == ("killed", one.ts)
        assert row["reason"] == f"the process {os.getpid()} on {os.uname().nodename} ended without finishing this run"
        store.seal()


def test_a_run_that_was_opened_segments_ago_is_killed_too(store, recorder):
    one = recorder(store, max_bytes=0)
    one.start("run-a")
    for step in range(3):
        one.points("run-a", "loss", [1.0], first_step=step)
    store.seal()
    one.close()
    assert store.rows()["run-a"]["status"] == "killed"
    store.seal()
    assert store.rows()["run-a"]["status"] == "killed"


def test_a_run_that_another_writer_goes_on_with_is_not_killed_when_the_first_one_dies(store, recorder):
    first, second = recorder(store), recorder(store)
    first.start("run-a")
    second.ts = first.ts + 10
    second.start("run-a")
    first.close()
    for _ in range(2):
        assert store.rows()["run-a"]["status"] == "running"
        store.seal()
    second.close()
    for _ in range(2):
        assert store.rows()["run-a"]["status"] == "killed"
        store.seal()


def test_late_tags_reach_sealed_runs_and_leave_their_neighbours_alone(store, recorder):
    for run_id in ("run-a", "run-b", "run-c"):
        one = recorder(store)
        one.start(run_id, tags={"old": run_id})
        one.finish(run_id)
        one.close()
    store.seal()
    [old] = files_of(store, "runs")
    late = recorder(store)
    late.ts = one.ts + 5
    late.patch("run-b", tags={"new": "yes", "old": "changed"})
    late.close()
    for _ in range(2):
        rows = store.rows()
        assert [row["tags"] for row in rows.values()] == [
            {"old": "run-a"},
            {"new": "yes", "old": "changed"},
            {"old": "run-c"},
        ]
        assert {row["status"] for row in rows.values()} == {"finished"}
        store.seal()
    [new] = files_of(store, "runs")
    assert new != old


def test_the_later_of_two_patches_wins_in_whichever_order_they_are_sealed(store, recorder):
    for ts, value in ((100, "first"), (300, "last"), (200, "middle")):
        one = recorder(store)
        one.patch("run-a", ts=ts, tags={"x": value}, name=value)
        one.close()
        store.seal()
    row = store.rows()["run-a"]
    assert (row["tags"], row["name"]) == ({"x": "last"}, "last")


def test_the_time_of_a_value_that_did_not_change_is_kept_too(store, recorder):
    """Said again later, it stands against what was said in between and is sealed after it."""
    writers = [(100, {"x": "a"}), (1000, {"other": "1"}), (300, {"x": "a"}), (200, {"x": "b"})]
    for ts, tags in writers:
        one = recorder(store)
        one.patch("run-a", ts=ts, tags=tags)
        one.close()
        store.seal()
    assert store.rows()["run-a"]["tags"]["x"] == "a"


def test_what_the_record_only_repeats_rewrites_no_file(store, recorder):
    one = recorder(store, max_bytes=0)
    one.start("run-a", tags={"x": "1"})
    one.patch("run-b", tags={"x": "1"})
    store.seal()
    [file] = files_of(store, "runs")
    one.patch("run-c", tags={"x": "1"})  # its segment repeats run-a at its head
    one.patch("run-d", tags={"x": "1"})
    assert store.seal().segments == 2
    assert file in files_of(store, "runs")


VALUES = [math.nan, math.inf, -math.inf, -0.0, 0.0, 5e-324, 1.7976931348623157e308, 0.1]


def test_values_come_back_bit_by_bit(store, recorder):
    one = recorder(store)
    one.start("run-a")
    one.points("run-a", "loss", VALUES)
    one.close()
    for _ in range(2):
        values = store.points("run-a", "loss").values
        assert list(map(repr, values)) == list(map(repr, VALUES))
        assert [type(value) for value in values] == [float] * len(VALUES)
        summary = store.rows()["run-a"]["summary"]["loss"]
        assert (summary["min"], summary["max"], summary["last"]) == (-math.inf, math.inf, 0.1)
        store.seal()


def test_a_metric_of_nothing_but_nan_has_nan_for_its_summary(store, recorder):
    for number in range(2):
        one = recorder(store)
        one.points("run-a", "loss", [math.nan] * 2, first_step=2 * number)
        one.close()
        store.seal()
    summary = store.rows()["run-a"]["summary"]["loss"]
    assert summary["count"] == 4
    assert all(math.isnan(summary[name]) for name in ("min", "max", "last"))


@pytest.mark.parametrize("extreme", [-(2**63), 2**63 - 1, 0, -1])
def test_steps_times_and_epochs_of_any_size_come_back(store, recorder, extreme):
    epoch = max(min(extreme, 2**31 - 1), -(2**31) + 1)
    recorder(store).writer.write(
        {0: "run-a"},
        {0: "loss"},
        [],
        POINT.pack(0, 0, extreme, extreme, 1.0, epoch) + POINT.pack(0, 0, 5, 5, 2.0, NO_EPOCH),
    )
    one = recorder(store)
    one.start("run-b")
    one.close()
    for path in (store.root / "wal").glob("*/LOCK"):
        path.unlink()
    order = sorted([extreme, 5])
    for _ in range(2):
        history = store.points("run-a", "loss")
        assert history.steps == order
        assert history.epochs == [epoch if step == extreme else None for step in order]
        assert np.asarray(history.times).view("<i8").tolist() == order
        assert store.rows()["run-a"]["summary"]["loss"]["last_step"] == order[-1]
        store.seal()
    assert (store.root / "tables").exists()


def test_a_patch_with_values_its_columns_cannot_hold_is_sealed_as_text(store, recorder):
    one = recorder(store)
    one.patch(
        "run-a",
        name=7,
        start_ts="noon",
        end_ts=2**80,
        git_dirty=1,
        tags={"n": 1.5, "none": None},
        params="no map",
        unknown="field",
    )
    one.close()
    for _ in range(2):
        row = store.rows()["run-a"]
        assert (row["name"], row["start_ts"], row["git_dirty"]) == ("7", 0, True)
        assert (row["tags"], row["params"]) == ({"n": "1.5", "none": "null"}, {})
        assert "unknown" not in row
        store.seal()


def test_other_ranks_add_points_to_a_run_of_rank_0_with_their_rank(store, recorder):
    import pyarrow.parquet as pq

    zero, one = recorder(store, 0), recorder(store, 1)
    zero.start("run-a")
    one.points("run-a", "loss", [2.0])
    zero.points("run-a", "loss", [1.0])
    one.close()
    assert store.rows()["run-a"]["status"] == "running"
    store.seal()
    assert store.rows()["run-a"]["status"] == "running"
    zero.finish("run-a")
    zero.close()
    store.seal()
    assert store.points("run-a", "loss").values == [2.0, 1.0]
    ranks = [
        rank for path in files_of(store, "metrics") for rank in pq.ParquetFile(path).read().column("rank").to_pylist()
    ]
    assert sorted(ranks) == [0, 1]


def test_a_damaged_segment_does_not_keep_others_from_being_sealed(store, recorder):
    bad, good = recorder(store), recorder(store)
    bad.start("run-bad")
    good.start("run-good")
    good.finish("run-good")
    path = store.root / "wal" / bad.writer.writer_id / "000000.jsonl"
    path.write_bytes(b"\xff" * 1000 + b"\n")
    bad.writer.abandon()
    good.close()
    assert store.seal().skipped_lines == 1
    assert list(store.rows()) == ["run-good"]


def test_what_a_writer_was_making_when_it_was_killed_is_cleared_away(store, recorder):
    one = recorder(store)
    one.start("run-a")
    one.close()
    wal = store.root / "wal"
    (wal / one.writer.writer_id / ".000001.jsonl").write_bytes(b"half a head")
    unborn = wal / ".00aa"
    unborn.mkdir()
    for name in ("LOCK", ".000000.jsonl", "000000.jsonl"):
        (unborn / name).write_bytes(b"")
    young = wal / ".00bb"
    young.mkdir()
    os.utime(unborn, (0, 0))
    store.seal()
    assert os.listdir(wal) == [".00bb"]


def test_foreign_files_in_the_live_record_are_left_alone(store, recorder):
    one = recorder(store)
    one.start("run-a")
    one.close()
    wal = store.root / "wal"
    (wal / "README").write_text("mine")
    (wal / one.writer.writer_id / "notes.txt").write_text("mine")
    for _ in range(2):
        assert list(store.rows()) == ["run-a"]
        store.seal()
    assert (wal / "README").exists()
    assert (wal / one.writer.writer_id / "notes.txt").exists()


def test_a_writer_on_another_host_lives_while_it_writes_and_is_given_up_after_a_day(store, recorder):
    one = recorder(store)
    one.start("run-a")
    folder = store.root / "wal" / one.writer.writer_id
    one.close()
    segment = folder / "000000.jsonl"
    import json
    import zlib

    first, rest = segment.read_bytes().split(b"\n", 1)
    header = json.loads(first[9:])
    header["h"]["host"] = "somewhere-else"
    text = json.dumps(header).encode()
    segment.write_bytes(b"%08x %s\n%s" % (zlib.crc32(text), text, rest))
    for age_s, status, is_sealed in ((10, "running", False), (3600, "killed", False), (90_000, "killed", True)):
        os.utime(segment, (time.time() - age_s,) * 2)
        assert store.rows()["run-a"]["status"] == status
        assert (store.seal().segments == 1) == is_sealed
    assert store.rows()["run-a"]["status"] == "killed"


def test_files_of_runs_are_sorted_and_hold_each_run_once(store, recorder):
    import pyarrow.parquet as pq

    for number in (5, 3, 9, 1):
        one = recorder(store)
        for run in range(number, number + 3):
            one.patch(f"run-{run}", tags={"by": str(number)})
        one.close()
        store.seal()
    found = []
    for file in snapshot(store, "runs").files.values():
        ids = pq.ParquetFile(store.root / "tables" / "runs" / file.name).read().column("run_id").to_pylist()
        assert ids == sorted(ids)
        assert (file.stats["minValues"]["run_id"], file.stats["maxValues"]["run_id"]) == (ids[0], ids[-1])
        assert file.stats["numRecords"] == len(ids)
        found += ids
    assert sorted(found) == sorted(set(found)) == sorted(store.rows())
    assert len(files_of(store, "runs")) == len(snapshot(store, "runs").files)
