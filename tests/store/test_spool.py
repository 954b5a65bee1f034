"""On the way to a bucket: nobody waits for the network, and what a process has recorded gets there."""

import os
import random
import signal
import threading
from pathlib import Path

import pytest

from autotrack.errors import StoreError
from autotrack.guard import cache_dir
from autotrack.store import Store, spool
from autotrack.store.object_store import ObjectBackend
from workers import eventually, start, threads_at_once


def spooled_files():
    return sorted(str(path.relative_to(cache_dir() / "spool")) for path in files_below(cache_dir() / "spool"))


def files_below(folder: Path):
    return [path for path in folder.rglob("*") if path.is_file()]


WRITER = """
    import sys
    from autotrack.store import NO_EPOCH, POINT, Store

    store, run_id = Store.to_record(sys.argv[1]), sys.argv[2]
    writer = store.new_writer()
    writer.write({0: run_id}, {0: "loss"}, [(0, 5, {"status": "running"})], b"")
    for step in range(50):
        writer.write({}, {}, [], POINT.pack(0, 0, step, 5 + step, float(step), NO_EPOCH))
    sha256 = store.blobs.put(b"bytes of " + run_id.encode())
    writer.write({}, {}, [(0, 60, {"artifacts": {"bytes": sha256}})], b"")
    print(sha256, flush=True)
    sys.stdin.readline()
    writer.write({}, {}, [(0, 70, {"status": "finished", "end_ts": 70})], b"")
    writer.close()
"""


def test_what_was_recorded_is_found_at_once_on_this_machine_and_elsewhere_after_the_close(
    bucket, recorder, elsewhere, monkeypatch
):
    gate = threading.Event()
    real = ObjectBackend.put
    monkeypatch.setattr(ObjectBackend, "put", lambda self, *args, **options: gate.wait(30) and real(self, *args))
    store = Store.to_record(bucket)
    one = recorder(store)
    one.start("run-a")
    one.points("run-a", "loss", [1.0, 2.0])
    sha256 = store.blobs.put(b"model")
    here = Store.open(bucket, create=True)
    assert here.rows()["run-a"]["status"] == "running"
    assert here.points("run-a", "loss").values == [1.0, 2.0]
    assert here.blobs.get(sha256) == b"model"
    one.finish("run-a")
    gate.set()
    one.close()
    assert [name for name in spooled_files() if "/wal/" in name or "/blobs/" in name] == []
    elsewhere()
    there = Store.open(bucket)
    assert there.rows()["run-a"]["status"] == "finished"
    assert there.points("run-a", "loss").values == [1.0, 2.0]
    assert there.blobs.has(sha256)
    assert there.blobs.get(sha256) == b"model"


def test_only_the_uploading_thread_talks_to_the_server_until_the_close(bucket, recorder, monkeypatch):
    talked = set()
    real = ObjectBackend._told

    def told(self, *args, **options):
        talked.add(threading.current_thread().name)
        return real(self, *args, **options)

    monkeypatch.setattr(ObjectBackend, "_told", told)
    store = Store.to_record(bucket)
    one = recorder(store)
    one.start("run-a")
    store.blobs.put(b"x" * 3_000_000)
    for _ in range(20):
        one.points("run-a", "loss", [1.0] * 5000)
    one.finish("run-a")
    eventually(lambda: not [name for name in spooled_files() if "/blobs/" in name])
    assert talked == {"autotrack-upload"}
    one.close()


def test_a_piece_is_finished_by_its_age_although_nothing_more_is_written(bucket, recorder, elsewhere):
    store = Store.to_record(bucket)
    one = recorder(store, max_age_s=0.1)
    one.start("run-a")
    one.points("run-a", "loss", [1.0])
    elsewhere()
    there = Store.open(bucket, create=True)
    eventually(lambda: "run-a" in there.rows())
    assert there.rows()["run-a"]["status"] == "running"
    pieces = there.backend.list("wal/")
    assert one.writer._upload() is None  # nothing new: no piece for a head alone
    assert there.backend.list("wal/") == pieces
    one.close()
    assert there.backend.list("wal/") == [key for key in pieces if key.endswith(".jsonl")]


def test_what_a_killed_process_has_left_is_uploaded_by_the_next_one_that_records(
    bucket, recorder, elsewhere, monkeypatch
):
    here = os.environ["XDG_CACHE_HOME"]
    killed = start(WRITER, bucket, "run-a")
    sha256 = killed.stdout.readline().strip()
    killed.send_signal(signal.SIGKILL)
    killed.communicate(timeout=30)
    assert [name for name in spooled_files() if name.endswith(".jsonl")]
    store = Store.open(bucket, create=True)
    assert store.rows()["run-a"]["status"] == "killed"  # known at once on this machine
    one = recorder(store)
    one.start("run-b")
    one.finish("run-b")
    one.close()
    assert not [name for name in spooled_files() if "/wal/" in name or "/blobs/" in name]
    elsewhere()
    there = Store.open(bucket)
    for _ in range(2):
        assert {run_id: row["status"] for run_id, row in there.rows().items()} == {
            "run-a": "killed",
            "run-b": "finished",
        }
        assert there.points("run-a", "loss").values == [float(step) for step in range(50)]
        assert there.blobs.get(sha256) == b"bytes of run-a"
        there.seal()
    assert there.backend.list("wal/") == []
    assert here != os.environ["XDG_CACHE_HOME"]


def test_several_processes_write_at_once(bucket, elsewhere):
    writers = [start(WRITER, bucket, f"run-{number}") for number in range(4)]
    for writer in writers:
        assert writer.stdout.readline()
    for writer in writers:
        out, err = writer.communicate("go\n", timeout=60)
        assert (writer.returncode, out, err) == (0, "", "")
    assert not [name for name in spooled_files() if "/wal/" in name or "/blobs/" in name]
    elsewhere()
    there = Store.open(bucket)
    there.seal()
    assert {row["status"] for row in there.rows().values()} == {"finished"}
    for number in range(4):
        assert there.points(f"run-{number}", "loss").values == [float(step) for step in range(50)]
        assert there.blobs.get(there.rows()[f"run-{number}"]["artifacts"]["bytes"]) == b"bytes of run-%d" % number


def test_a_process_reads_its_own_record_before_the_store_is_there(bucket, recorder, monkeypatch):
    monkeypatch.setattr(spool, "_TICK_S", 60.0)
    one = recorder(Store.to_record(bucket))
    one.start("run-a")
    assert ObjectBackend(bucket).list() == []
    assert list(Store.open(bucket).rows()) == ["run-a"]


def test_what_a_killed_process_has_left_is_uploaded_by_the_next_one_that_seals(bucket, elsewhere):
    killed = start(WRITER, bucket, "run-a")
    sha256 = killed.stdout.readline().strip()
    killed.send_signal(signal.SIGKILL)
    killed.communicate(timeout=30)
    assert Store.open(bucket).seal().points == 50
    elsewhere()
    there = Store.open(bucket)
    assert there.rows()["run-a"]["status"] == "killed"
    assert there.blobs.get(sha256) == b"bytes of run-a"


def test_what_is_uploaded_twice_is_there_once(bucket, recorder, elsewhere):
    store = Store.open(bucket, create=True)
    one = recorder(store)
    one.start("run-a")
    one.points("run-a", "loss", [1.0])
    one.writer.abandon()  # as a kill leaves it
    again = {path: path.read_bytes() for path in files_below(cache_dir() / "spool")}
    spools = [spool.Spool(ObjectBackend(bucket), lambda: None) for _ in range(4)]
    threads_at_once(4, lambda number: spools[number].adopt())
    store.seal()
    for path, data in again.items():  # an uploader that was killed before it had removed what it had uploaded
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    spools[0].adopt()
    elsewhere()
    there = Store.open(bucket)
    for _ in range(2):
        assert there.points("run-a", "loss").values == [1.0]
        assert there.rows()["run-a"]["status"] == "killed"
        there.seal()
    assert there.backend.list("wal/") == []


def test_a_server_that_is_down_costs_a_warning_and_what_was_recorded_is_uploaded_later(
    dead_server, serve, recorder, elsewhere
):
    script = """
        import sys
        import autotrack
        autotrack.enable(store=sys.argv[1])
        with autotrack.start_run("first") as run:
            run.log_metric("loss", 1.0)
            run.log_artifact(b"bytes", "file")
        with autotrack.start_run("second"):
            pass
    """
    done = start(script, dead_server)
    out, err = done.communicate(timeout=60)
    assert (done.returncode, out) == (0, "")
    assert err.count("Warning") == 1
    assert f"cannot upload for now: The store {dead_server} could not be used" in err
    assert "spool" in err
    assert [name for name in spooled_files() if name.endswith(".jsonl")]
    serve(dead_server)
    store = Store.to_record(dead_server)
    one = recorder(store)
    one.start("run-c")
    one.finish("run-c")
    one.close()
    elsewhere()
    there = Store.open(dead_server)
    rows = {row.get("name"): row for row in there.rows().values()}
    assert (rows["first"]["status"], rows["second"]["status"]) == ("finished", "finished")
    assert there.blobs.get(rows["first"]["artifacts"]["file"]) == b"bytes"
    assert there.points(rows["first"]["run_id"], "loss").values == [1.0]


def test_a_server_that_comes_back_gets_what_waited(dead_server, serve, recorder, monkeypatch):
    monkeypatch.setattr(spool, "_RETRY_S", (0.1, 0.1))
    store = Store.to_record(dead_server)
    one = recorder(store)
    one.start("run-a")
    one.finish("run-a")
    eventually(lambda: not one.writer.is_reachable)
    one.points("run-a", "loss", [1.0])
    serve(dead_server)
    eventually(lambda: one.writer.is_reachable)
    one.close()
    assert store.rows()["run-a"]["status"] == "finished"
    assert not [name for name in spooled_files() if name.endswith(".jsonl")]


def test_a_bucket_for_newer_writers_gets_nothing_and_the_record_waits(bucket, recorder):
    store = Store.open(bucket, create=True)
    identity = store.backend.get("autotrack.json")
    newer = identity.replace(b'"min_writer": 1', b'"min_writer": 2')
    assert newer != identity
    store.backend.put("autotrack.json", newer)
    one = recorder(Store.to_record(bucket))
    one.start("run-a")
    one.finish("run-a")
    eventually(lambda: not one.writer.is_reachable)
    one.close()
    assert store.backend.list() == ["autotrack.json"]
    assert [name for name in spooled_files() if name.endswith(".jsonl")]
    assert not Store.open(bucket).is_writable


def test_publishing_uploads_every_blob_or_says_that_it_cannot(bucket, dead_server, elsewhere, monkeypatch):
    blobs = Store.to_record(dead_server).blobs
    sha256 = blobs.put(b"model")
    with pytest.raises(StoreError, match="could not be used"):
        blobs.publish()
    assert blobs.get(sha256) == b"model"


def test_a_blob_is_put_again_only_if_what_is_there_is_old(bucket, elsewhere, monkeypatch):
    store = Store.open(bucket, create=True)
    put = []
    real = ObjectBackend.put_file
    monkeypatch.setattr(ObjectBackend, "put_file", lambda self, *args: put.append(args[0]) or real(self, *args))
    for fresh_s, expected in ((3600.0, 1), (3600.0, 1), (-1.0, 2)):
        monkeypatch.setattr(spool, "_FRESH_BLOB_S", fresh_s)
        sha256 = store.blobs.put(b"model")
        store.blobs.publish()
        assert len(put) == expected
    elsewhere()
    assert Store.open(bucket).blobs.get(sha256) == b"model"
    with pytest.raises(StoreError, match=r"is not in the store: s3://.* does not exist"):
        Store.open(bucket).blobs.get("0" * 64)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
def test_a_forked_child_records_and_its_parent_uploads(run_python, bucket, elsewhere):
    run_python(
        """
        import os, sys, time
        import autotrack
        autotrack.enable(store=sys.argv[1])
        with autotrack.start_run("parent") as run:
            run.log_metric("loss", 1.0)
            time.sleep(1.5)  # the parent has used the bucket
            child = os.fork()
            if child == 0:
                with autotrack.start_run("child", params={"x": 1}):
                    autotrack.log_metric("loss", 2.0)
                sys.exit(0)
            assert os.waitpid(child, 0)[1] == 0
        print(0)
        """,
        bucket,
    )
    elsewhere()
    rows = {row["name"]: row for row in Store.open(bucket).rows().values()}
    assert {name: row["status"] for name, row in rows.items()} == {"parent": "finished", "child": "finished"}
    assert rows["child"]["params"] == {"x": "1"}


TORTURED = """
    import sys
    from autotrack.store import NO_EPOCH, POINT, Store, spool

    spool._TICK_S, spool._SEAL_PIECES = 0.01, 5
    store, run_id = Store.to_record(sys.argv[1]), sys.argv[2]
    writer = store.new_writer(max_bytes=2000, max_age_s=0.05)
    writer.write({0: run_id}, {0: "loss"}, [(0, 5, {"status": "running"})], b"")
    step = 0
    while True:
        writer.write({}, {}, [], b"".join(POINT.pack(0, 0, step + n, 5 + step + n, 1.0, NO_EPOCH) for n in range(20)))
        step += 20
        print(step, flush=True)
        sys.stdin.readline()
"""


@pytest.mark.slow
def test_of_writers_and_sealers_that_are_killed_at_any_moment_every_point_arrives_once(
    bucket, recorder, elsewhere, monkeypatch
):
    chance = random.Random(0)
    written = {}
    sealing = "import sys\nfrom autotrack.store import Store\nwhile True: Store.open(sys.argv[1]).seal()"
    Store.open(bucket, create=True)
    for number in range(5):
        sealer = start(sealing, bucket)
        writers = [start(TORTURED, bucket, f"run-{number}-{place}") for place in range(2)]
        for place, writer in enumerate(writers):
            for _ in range(chance.randrange(10, 400)):
                written[f"run-{number}-{place}"] = int(writer.stdout.readline())
                writer.stdin.write("\n")
                writer.stdin.flush()
        for process in [*writers, sealer]:
            process.kill()
        for process in [*writers, sealer]:
            process.communicate(timeout=30)
    one = recorder(Store.to_record(bucket))
    one.start("run-z")
    one.finish("run-z")
    one.close()
    assert not [name for name in spooled_files() if name.endswith(".jsonl")]
    elsewhere()
    there = Store.open(bucket)
    for _ in range(2):
        rows = there.rows()
        assert {run_id: row["status"] for run_id, row in rows.items()} == {
            **dict.fromkeys(written, "killed"),
            "run-z": "finished",
        }
        for run_id, count in written.items():
            steps = there.points(run_id, "loss").steps
            assert steps == list(range(len(steps)))
            assert count <= len(steps) <= count + 20
        there.seal()
    assert there.backend.list("wal/") == []


def test_where_the_cache_cannot_be_written_to_the_spool_is_among_temporary_files(
    run_limited, bucket, elsewhere, tmp_path, monkeypatch
):
    (tmp_path / "temporary").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "temporary"))
    Path(os.environ["XDG_CACHE_HOME"]).mkdir(exist_ok=True)
    found = run_limited(
        """
        import json, pathlib
        no_root_powers()
        os.chmod(os.environ["XDG_CACHE_HOME"], 0o500)
        import autotrack
        autotrack.enable(store=sys.argv[1])
        run = autotrack.start_run("one")
        autotrack.log_metric("loss", 1.0)
        run.finish()
        folder = pathlib.Path(os.environ["TMPDIR"]) / f"autotrack-{os.getuid()}"
        os.chmod(os.environ["XDG_CACHE_HOME"], 0o700)
        print(json.dumps([folder.is_dir(), folder.stat().st_mode & 0o077]))
        """,
        bucket,
    )
    assert found == [True, 0]
    assert [row["status"] for row in Store.open(bucket).rows().values()] == ["finished"]
