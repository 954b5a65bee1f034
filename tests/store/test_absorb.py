"""Another store taken in: all of it is here afterwards, once, however often and however rudely it is done."""

import math
import os
import shutil
import signal
import subprocess
import sys
import textwrap
from collections import Counter

import pytest

from autotrack.errors import StoreError
from autotrack.store import NO_EPOCH, POINT, Store

NOON = 1_700_000_000_000_000


@pytest.fixture
def other(tmp_path):
    return Store.open(tmp_path / "other", create=True)


def fill(recorder, store, names="ab", tag="x"):
    record = recorder(store)
    for name in names:
        record.start(f"018bcfe{name}", params={"lr": "0.1"}, tags={"from": tag}, name=f"run {name}")
        record.points(f"018bcfe{name}", "loss", [3.0, 2.0, math.nan])
        record.finish(f"018bcfe{name}")
    record.close()
    return record


def history(store, run_id, key="loss"):
    return store.points(run_id, key)


def everything(store):
    """All that can be read of it, NaN made comparable."""
    rows = store.rows()
    points = {(run_id, key): history(store, run_id, key) for run_id, row in rows.items() for key in row["summary"]}
    return repr((rows, points))


def tables(store):
    return {path: path.read_bytes() for path in (store.root / "tables").rglob("*.parquet")}


def test_runs_points_and_blobs_of_another_store_are_here_afterwards(store, other, recorder):
    sha256 = other.blobs.put(b"a picture")
    record = fill(recorder, other)
    late = recorder(other)
    late.patch("018bcfea", ts=record.ts + 5, artifacts={"picture": sha256})
    late.close()
    report = store.absorb(other)
    assert (report.new, report.changed, report.points, report.blobs) == (["018bcfea", "018bcfeb"], [], 6, 1)
    assert everything(store) == everything(other)
    assert store.blobs.get(sha256) == b"a picture"


def test_a_second_import_finds_nothing_new_and_writes_no_table_file(store, other, recorder):
    fill(recorder, other)
    store.absorb(other)
    before, files = everything(store), tables(store)
    report = store.absorb(other)
    assert (report.new, report.changed, report.points) == ([], [], 0)
    assert everything(store) == before
    assert tables(store) == files


def test_a_copy_of_ours_that_went_further_brings_only_what_it_has_more(store, recorder, tmp_path):
    fill(recorder, store)
    copy = Store.open(shutil.copytree(store.root, tmp_path / "copy"))
    late = recorder(copy)
    late.patch("018bcfea", ts=NOON + 500, tags={"from": "copy", "new": "1"})
    late.ts = NOON + 600
    late.points("018bcfea", "loss", [1.0], first_step=3)
    late.close()
    ours = recorder(store)
    ours.patch("018bcfeb", ts=NOON + 700, tags={"from": "ours"})
    ours.close()
    report = store.absorb(copy)
    assert (report.new, report.changed, report.points) == ([], ["018bcfea"], 1)
    rows = store.rows()
    assert rows["018bcfea"]["tags"] == {"from": "copy", "new": "1"}
    assert rows["018bcfeb"]["tags"] == {"from": "ours"}
    assert rows["018bcfea"]["summary"]["loss"] == {"last": 1.0, "min": 1.0, "max": 3.0, "last_step": 3, "count": 4}
    assert history(store, "018bcfea").steps == [0, 1, 2, 3]
    assert copy.absorb(store).changed == ["018bcfeb"]
    assert everything(copy) == everything(store)


def test_the_same_point_twice_on_one_side_stays_twice_and_zeros_keep_their_sign(store, other, recorder):
    for side, count in ((store, 1), (other, 3)):
        writer = side.new_writer()
        same = POINT.pack(0, 0, 7, NOON, 0.5, NO_EPOCH)
        zeros = POINT.pack(0, 0, 8, NOON, 0.0 if side is store else -0.0, 2)
        done = {"status": "finished"}
        writer.write({0: "018bcfea"}, {0: "loss"}, [(0, NOON, done)], same * count + zeros)
        writer.close()
    assert store.absorb(other).points == 3
    found = history(store, "018bcfea")
    assert Counter((step, str(value)) for step, value in zip(found.steps, found.values, strict=True)) == {
        (7, "0.5"): 3,
        (8, "0.0"): 1,
        (8, "-0.0"): 1,
    }
    assert found.epochs == [None, None, None, 2, 2]
    assert store.absorb(other).points == 0


def test_points_of_ranks_stay_those_of_their_ranks(store, other, recorder):
    for rank in (None, 0, 3):
        record = recorder(other, rank)
        record.finish("018bcfea", ts=NOON)
        record.ts = NOON
        record.points("018bcfea", "loss", [1.0])
        record.close()
    assert store.absorb(other).points == 3
    assert store.absorb(other).points == 0
    assert other.absorb(store).points == 0


def test_a_run_that_is_still_running_there_is_left_out_until_it_has_ended(store, other, recorder):
    record = recorder(other)
    record.start("018bcfea")
    record.points("018bcfea", "loss", [1.0])
    report = store.absorb(other)
    assert (report.running, report.new, store.rows()) == (["018bcfea"], [], {})
    record.points("018bcfea", "loss", [0.5], first_step=1)
    record.finish("018bcfea")
    report = store.absorb(other)
    assert (report.running, report.new, report.points) == ([], ["018bcfea"], 2)
    assert store.rows()["018bcfea"]["status"] == "finished"


def test_a_run_that_is_running_here_is_not_ended_by_a_copy_that_saw_it_stop(store, recorder, tmp_path):
    record = recorder(store)
    record.start("018bcfea")
    record.points("018bcfea", "loss", [1.0])
    copy = Store.open(shutil.copytree(store.root, tmp_path / "copy"))
    copy.seal()
    assert copy.rows()["018bcfea"]["status"] == "killed"
    record.points("018bcfea", "loss", [0.5], first_step=1)
    report = store.absorb(copy)
    assert (report.points, report.changed) == (0, [])
    assert store.rows()["018bcfea"]["status"] == "running"
    record.finish("018bcfea")
    record.close()
    assert copy.absorb(store).points == 1
    assert everything(copy) == everything(store)


def test_what_is_deleted_here_or_there_is_left_alone(store, other, recorder):
    fill(recorder, store, "ab")
    fill(recorder, other, "abc", tag="y")
    for side, run_id in ((store, "018bcfea"), (other, "018bcfeb"), (other, "018bcfec")):
        late = recorder(side)
        late.patch(run_id, ts=NOON + 900, deleted=True)
        late.close()
    before = everything(store)
    assert store.absorb(other).new == []
    assert everything(store) == before


def test_a_store_that_may_only_be_read_is_taken_in_and_stays_as_it_is(store, other, recorder, run_limited):
    fill(recorder, other)
    before = {path: path.read_bytes() for path in other.root.rglob("*") if path.is_file()}
    script = """
        import json, os, sys
        no_root_powers()
        for folder, _, names in os.walk(sys.argv[2]):
            os.chmod(folder, 0o555)
        from autotrack.store import Store
        print(json.dumps(Store.open(sys.argv[1]).absorb(Store.open(sys.argv[2])).new))
    """
    assert run_limited(script, str(store.root), str(other.root)) == ["018bcfea", "018bcfeb"]
    assert {path: path.read_bytes() for path in other.root.rglob("*") if path.is_file()} == before


def test_a_store_is_not_imported_into_itself_and_one_import_is_at_work_at_a_time(store, other, tmp_path):
    (tmp_path / "link").symlink_to(store.root)
    with pytest.raises(StoreError, match="is the store in use itself"):
        store.absorb(Store.open(tmp_path / "link"))
    script = "import fcntl, sys; f = open(sys.argv[1], 'ab'); fcntl.flock(f, 2); print('held', flush=True); input()"
    (store.root / "maintenance").mkdir(exist_ok=True)
    lock = store.root / "maintenance" / "import"
    with subprocess.Popen(
        [sys.executable, "-c", script, str(lock)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(StoreError, match="Another import into"):
            store.absorb(other)
        holder.communicate("\n")
    assert store.absorb(other).new == []


def test_a_damaged_or_missing_blob_is_told_and_the_run_comes_all_the_same(store, other, recorder):
    sha256 = other.blobs.put(b"a picture")
    other.blobs.path(sha256).write_bytes(b"another one")
    record = recorder(other)
    record.finish("018bcfea", artifacts={"picture": sha256, "gone": "ab" * 32}, tags={"hash": "cd" * 32})
    package = other.blobs.put(b'{"files": [{"path": "model.bin", "sha256": "%s"}]}' % (b"ef" * 32))
    record.patch("018bcfea", models={"model": package})
    record.close()
    report = store.absorb(other)
    assert (report.new, report.lacking) == (["018bcfea"], sorted([sha256, "ab" * 32, "ef" * 32]))
    assert not store.blobs.has(sha256)


def test_many_points_come_in_order_over_several_row_groups_and_files(store, other, recorder):
    values = [float(number) for number in range(150_000)]
    record = recorder(other)
    record.finish("018bcfea")
    for start in (0, 150_000):
        record.points("018bcfea", "loss", values, first_step=start)
    record.close()
    other.seal()
    half = recorder(store)
    half.finish("018bcfea", ts=NOON)
    half.ts = NOON + 1 + 75_000  # as the other one's clock stood there
    half.points("018bcfea", "loss", values[75_000:], first_step=75_000)
    half.close()
    report = store.absorb(other)
    found, expected = history(store, "018bcfea"), history(other, "018bcfea")
    assert (found.steps, found.values, list(found.times)) == (expected.steps, expected.values, list(expected.times))
    assert report.points == 225_000
    assert store.rows()["018bcfea"]["summary"]["loss"]["count"] == 300_000


@pytest.mark.slow
def test_an_import_that_is_killed_again_and_again_ends_as_one_that_was_not(tmp_path, recorder, store):
    other = Store.open(tmp_path / "other", create=True)
    record = recorder(other, max_bytes=200_000)
    for number in range(40):
        run_id = f"018bcfe{number:04d}"
        sha256 = other.blobs.put(b"%d" % number * 1000)
        record.start(run_id, artifacts={"file": sha256}, params={"n": str(number)})
        for key in ("loss", "accuracy"):
            record.points(run_id, key, [float(step) for step in range(2000)])
        record.finish(run_id)
    record.close()
    other.seal()
    script = "import sys; from autotrack.store import Store; Store.open(sys.argv[1]).absorb(Store.open(sys.argv[2]))"
    command = [sys.executable, "-c", script, str(store.root), str(other.root)]
    kills = 0
    for turn in range(30):
        child = subprocess.Popen(command)
        try:
            child.wait(timeout=0.25 + 0.02 * turn)
        except subprocess.TimeoutExpired:
            os.kill(child.pid, signal.SIGKILL)
            kills += 1
        child.wait()
    assert kills
    store.absorb(other)
    assert everything(store) == everything(other)
    assert all(store.blobs.has(row["artifacts"]["file"]) for row in store.rows().values())
    assert not list((store.root / "wal").glob("*/*.jsonl"))


LIVE = """
    import sys
    from autotrack.store import NO_EPOCH, POINT, Store

    store, name, common = Store.open(sys.argv[1]), sys.argv[2], sys.argv[3]
    for turn in range(25):
        writer = store.new_writer(max_bytes=2000)
        writer.write({0: f"{name}{turn:04d}", 1: common}, {0: "loss"}, [(0, 5, {"status": "running"})], b"")
        for step in range(40):
            writer.write({}, {}, [], POINT.pack(0, 0, step, turn * 100 + step, step / 7, NO_EPOCH))
        late = POINT.pack(1, 0, turn, 10**9 + turn * 9 + len(name), 1.0, NO_EPOCH)
        writer.write({}, {}, [(0, 6, {"status": "finished"})], late)
        writer.close()
        if turn % 3 == 0:
            store.compact(older_than_s=900.0)
"""


@pytest.mark.slow
def test_both_sides_may_be_written_to_and_compacted_during_the_import(tmp_path, store, recorder):
    fill(recorder, store, "a")
    other = Store.open(shutil.copytree(store.root, tmp_path / "other"))
    script = textwrap.dedent(LIVE)
    children = [
        subprocess.Popen([sys.executable, "-c", script, str(side.root), name, "018bcfea"])
        for side, name in ((store, "ours"), (other, "theirs"))
    ]
    imports = 0
    while any(child.poll() is None for child in children):
        store.absorb(other)
        imports += 1
    assert [child.returncode for child in children] == [0, 0]
    assert imports > 1
    store.absorb(other)
    assert store.rows().keys() == {"018bcfea"} | {
        f"{name}{turn:04d}" for name in ("ours", "theirs") for turn in range(25)
    }
    for run_id, row in store.rows().items():
        count = 3 + 2 * 25 if run_id == "018bcfea" else 40
        assert row["status"] == "finished"
        assert row["summary"]["loss"]["count"] == len(history(store, run_id)) == count
    other.absorb(store)
    assert everything(store) == everything(other)


def test_a_store_in_a_bucket_is_taken_in_and_takes_in(bucket, elsewhere, store, recorder):
    there = Store.open(bucket, create=True)
    sha256 = there.blobs.put(b"a picture")
    record = recorder(there)
    record.finish("018bcfea", artifacts={"picture": sha256})
    record.points("018bcfea", "loss", [1.0, 2.0])
    record.close()
    elsewhere()
    assert store.absorb(Store.open(bucket)).points == 2
    assert store.blobs.get(sha256) == b"a picture"
    fill(recorder, store, "b")
    there = Store.open(bucket)
    assert there.absorb(store).new == ["018bcfeb"]
    elsewhere()
    assert everything(Store.open(bucket)) == everything(store)
    assert Store.open(bucket).absorb(store).points == 0


@pytest.mark.parametrize("way", ["moved", "copied", "synced"])
def test_a_store_that_was_moved_copied_or_synced_is_a_store_by_itself(store, recorder, tmp_path, way):
    fill(recorder, store)
    sha256 = store.blobs.put(b"a picture")
    expected, target = everything(store), tmp_path / "its new place"
    if way == "moved":
        shutil.move(store.root, target)
    elif way == "copied":
        subprocess.run(["cp", "-r", str(store.root), str(target)], check=True)
    else:  # file by file, in whatever order, without times and hidden files
        for path in sorted(store.root.rglob("*"), reverse=True):
            if path.is_file() and not path.name.startswith("."):
                into = target / path.relative_to(store.root)
                into.parent.mkdir(parents=True, exist_ok=True)
                into.write_bytes(path.read_bytes())
    there = Store.open(target)
    assert everything(there) == expected
    there.compact()
    assert everything(there) == expected
    assert there.blobs.get(sha256) == b"a picture"
