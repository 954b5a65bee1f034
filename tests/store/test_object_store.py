"""A store in a bucket, as its readers and sealers see it."""

import contextlib
import os
import threading
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count

import pytest

from autotrack.errors import StoreError, StoreNotFoundError
from autotrack.store import NO_EPOCH, POINT, Store, bucket, spool
from autotrack.store.object_store import ObjectBackend
from workers import eventually, processes_at_once, threads_at_once


@pytest.fixture
def store(bucket):
    return Store.open(bucket, create=True)


def test_a_store_is_made_once_and_keeps_its_identity(bucket):
    with pytest.raises(StoreNotFoundError, match=r"There is no store in 's3://.*\nCheck the path"):
        Store.open(bucket)
    made = Store.open(bucket, create=True)
    assert Store.open(f"{bucket}/").store_id == Store.open(bucket, create=True).store_id == made.store_id
    assert made.backend.list() == ["autotrack.json"]
    assert (str(made.root), repr(made)) == (bucket, f"Store({bucket!r})")
    assert made.is_writable


def test_of_many_who_make_a_store_all_open_the_same(bucket):
    ids = threads_at_once(6, lambda _: Store.open(bucket, create=True).store_id)
    assert len(ids) == 6
    assert len(set(ids)) == 1


class Overwriting(ObjectBackend):
    """A server that does not know conditions."""

    def put_if_absent(self, key, data):
        self.put(key, data)
        return True


def test_a_server_that_ignores_conditions_is_refused_and_nothing_is_left_on_it(bucket, monkeypatch):
    monkeypatch.setattr("autotrack.store.bucket.ObjectBackend", Overwriting)
    with pytest.raises(StoreError, match=r"overwrites a key .*\nExpected a server with conditional writes") as error:
        Store.open(bucket, create=True)
    assert error.value.address == bucket
    assert ObjectBackend(bucket).list() == []


def test_without_the_library_the_command_that_installs_it_is_named(run_python):
    told = run_python(
        """
        import json, os, sys
        sys.modules["obstore"] = None
        os.environ["AUTOTRACK_STORE"] = "s3://bucket/store"
        import autotrack
        from autotrack.errors import MissingLibraryError
        told = []
        for use in (autotrack.enable, autotrack.start_run, autotrack.search_runs):
            try:
                use()
            except MissingLibraryError as error:
                told.append(str(error))
        print(json.dumps(told))
        """
    )
    assert len(told) == 3
    assert all("pip install 'autotrack-ml[s3]'" in text for text in told)


def test_a_store_in_a_folder_never_loads_the_library_for_buckets(run_python, store_path):
    loaded = run_python(
        """
        import json, sys
        from autotrack.store import Store
        store = Store.open(sys.argv[1], create=True)
        writer = store.new_writer()
        writer.write({0: "run-a"}, {}, [(0, 5, {"status": "running"})], b"")
        writer.close()
        store.seal(), store.rows(), store.blobs.put(b"x")
        print(json.dumps([name for name in sys.modules if name.startswith(("obstore", "autotrack.store"))]))
        """,
        str(store_path),
    )
    assert "autotrack.store.seal" in loaded
    assert not {"obstore", "autotrack.store.object_store", "autotrack.store.bucket", "autotrack.store.spool"} & set(
        loaded
    )


def fill(one):
    one.start("run-a", params={"lr": "0.1"})
    one.points("run-a", "loss", [1.0, float("nan"), float("inf")], epoch=2)
    one.start("run-b")
    one.points("run-b", "loss", [3.0])
    one.finish("run-b", tags={"x": "y"})
    one.finish("run-a")


def test_what_is_read_is_what_a_store_in_a_folder_gives_live_and_sealed(store, store_path, recorder, elsewhere):
    local = Store.open(store_path, create=True)
    for each in (local, store):
        one = recorder(each)
        fill(one)
        one.close()
    elsewhere()
    for _ in range(2):
        there = Store.open(store.root)
        assert there.rows() == local.rows()
        assert there.rows(["run-b"]) == local.rows(["run-b"])
        assert repr(there.points("run-a", "loss")) == repr(local.points("run-a", "loss"))
        assert there.points("run-a", "none").values == []
        assert there.seal().points == local.seal().points
    assert not there.backend.list("wal/")


def test_a_writer_lives_as_long_as_its_heartbeat_is_young(store, recorder, elsewhere, monkeypatch):
    one = recorder(store)
    one.start("run-a")
    one.points("run-a", "loss", [1.0])
    one.start("run-b")
    one.finish("run-b")  # an end is uploaded at once
    elsewhere()
    there = Store.open(store.root)
    eventually(lambda: "run-b" in there.rows())
    assert there.rows()["run-a"]["status"] == "running"
    monkeypatch.setattr(bucket, "HEARTBEAT_GONE_S", -1.0)
    row = there.rows()["run-a"]
    assert row["status"] == "killed"
    assert f"process {os.getpid()}" in row["reason"]
    there.seal()
    monkeypatch.undo()
    assert there.rows()["run-a"]["status"] == "killed"
    one.finish("run-a")  # it had only been silent
    one.close()
    assert there.rows()["run-a"]["status"] == "finished"
    assert there.seal().segments
    assert there.rows()["run-a"]["status"] == "finished"
    assert there.points("run-a", "loss").values == [1.0]


def test_a_writer_that_was_silent_for_so_long_that_it_counts_as_gone_is_a_new_one(
    store, recorder, elsewhere, monkeypatch
):
    monkeypatch.setattr(spool, "HEARTBEAT_S", 0.0)
    monkeypatch.setattr(spool, "_TICK_S", 0.01)
    one = recorder(store, max_age_s=0.01)
    one.start("run-a", params={"lr": "0.1"})
    first = one.writer.writer_id
    elsewhere()
    there = Store.open(store.root)
    one.start("run-b")
    one.finish("run-b")
    eventually(lambda: "run-b" in there.rows())
    monkeypatch.setattr(spool, "HEARTBEAT_GONE_S", -1.0)
    steps = count()
    writers = set()

    def log():
        one.points("run-a", "loss", [1.0], next(steps))
        writers.add(one.writer.writer_id)

    eventually(lambda: log() or len(writers) > 5)
    monkeypatch.setattr(spool, "HEARTBEAT_GONE_S", 300.0)
    one.start("run-c")
    one.finish("run-c")
    eventually(lambda: "run-c" in there.rows() and there.backend.list(f"wal/{first}/HEARTBEAT") == [])
    there.seal()
    row = there.rows()["run-a"]
    assert (row["status"], row["params"]) == ("running", {"lr": "0.1"})
    one.points("run-a", "loss", [1.0], next(steps))
    one.close()
    assert there.rows()["run-a"]["status"] == "killed"
    assert there.points("run-a", "loss").steps == list(range(next(steps)))


def test_an_uploaded_piece_is_fetched_once_however_often_it_is_read(store, recorder, elsewhere, monkeypatch):
    one = recorder(store)
    fill(one)
    one.close()
    elsewhere()
    there = Store.open(store.root)
    there.rows()
    fetched = []
    real = ObjectBackend.get
    monkeypatch.setattr(ObjectBackend, "get", lambda self, key, *more: fetched.append(key) or real(self, key, *more))
    there.rows()
    there.points("run-a", "loss")
    assert [key for key in fetched if key.startswith("wal/")] == []


def test_a_history_is_read_in_ranges_not_in_whole_files(store, elsewhere, monkeypatch):
    import random

    noise = random.Random(0)
    writer = store.new_writer()
    for number in range(4):
        packed = b"".join(POINT.pack(0, 0, step, 1000 + step, noise.random(), NO_EPOCH) for step in range(131_072))
        writer.write({0: f"run-{number}"} if number == 0 else {}, {0: "loss"} if number == 0 else {}, [], packed)
    writer.write({1: "run-z"}, {}, [(1, 9, {"status": "finished"})], POINT.pack(1, 0, 0, 5, 7.0, NO_EPOCH))
    writer.close()
    store.seal()
    elsewhere()
    there = Store.open(store.root)
    ranges = []
    real = ObjectBackend.get_range
    monkeypatch.setattr(
        ObjectBackend,
        "get_range",
        lambda self, key, start, end: ranges.append(end - start) or real(self, key, start, end),
    )
    assert there.points("run-z", "loss").values == [7.0]
    [size_bytes] = [stat.size_bytes for key, stat in there.backend.stats("tables/metrics/L").items()]
    assert len(ranges) <= 4
    assert sum(ranges) < size_bytes / 2


SEALER = """
    import sys
    from autotrack.store import Store
    store = Store.open(sys.argv[1])
    print("ready", flush=True)
    sys.stdin.readline()
    print(store.seal().points)
"""


def test_two_sealers_at_once_seal_everything_once(store, recorder):
    for number in range(6):
        one = recorder(store)
        one.start(f"run-{number}")
        one.points(f"run-{number}", "loss", [float(number)] * 10)
        one.finish(f"run-{number}")
        one.close()
    counts = processes_at_once(SEALER, [(store.root,)] * 2)
    assert sum(counts) == 60
    store.seal()
    assert store.backend.list("wal/") == []
    assert len(store.rows()) == 6
    for number in range(6):
        assert store.points(f"run-{number}", "loss").values == [float(number)] * 10


def test_a_writer_seals_its_own_pieces_when_they_are_many(store, recorder, monkeypatch):
    monkeypatch.setattr(spool, "_TICK_S", 0.01)
    monkeypatch.setattr(spool, "_SEAL_PIECES", 3)
    one = recorder(store, max_age_s=0.01)
    one.start("run-a")
    steps = count()
    eventually(
        lambda: one.points("run-a", "loss", [1.0], next(steps)) or store.backend.list("tables/metrics/_delta_log/")
    )
    one.finish("run-a")
    one.close()
    assert store.points("run-a", "loss").steps == list(range(next(steps)))
    assert store.rows()["run-a"]["status"] == "finished"


def test_compaction_and_clean_up_work_in_a_bucket(store, recorder, elsewhere):
    for number in range(4):
        one = recorder(store)
        one.start(f"run-{number}")
        one.points(f"run-{number}", "loss", [1.0, 2.0])
        one.patch(f"run-{number}", artifacts={"a": store.blobs.put(b"kept %d" % number)})
        one.finish(f"run-{number}")
        one.close()
        store.seal()
    lost = store.blobs.put(b"nobody refers to this")
    store.blobs.publish()
    before = store.rows()
    assert store.compact().merged.files_before == 8
    assert store.collect(min_age_s=-60.0).removed == 1
    elsewhere()
    there = Store.open(store.root)
    assert there.rows() == before
    assert there.points("run-3", "loss").values == [1.0, 2.0]
    assert not there.blobs.has(lost)
    assert there.blobs.get(before["run-2"]["artifacts"]["a"]) == b"kept 2"
    # What was replaced stays for those who read an older version of the table.
    assert len(there.backend.list("tables/runs/L0-")) == 4
    assert len(there.backend.list("tables/runs/L1-")) == 1


def storage_options():
    return {
        "aws_endpoint_url": os.environ["AWS_ENDPOINT_URL"],
        "aws_access_key_id": "test",
        "aws_secret_access_key": "test",
        "aws_region": "us-east-1",
        "aws_allow_http": "true",
    }


@pytest.fixture
def sealed(store, recorder):
    for run_id in ("run-a", "run-b"):
        one = recorder(store)
        one.start(run_id, params={"lr": "0.1"})
        one.points(run_id, "loss", [1.0, 2.0])
        one.finish(run_id)
        one.close()
        store.seal()
    return store


def test_deltalake_reads_the_tables_from_the_bucket(sealed):
    deltalake = pytest.importorskip("deltalake")
    runs = deltalake.DeltaTable(f"{sealed.root}/tables/runs", storage_options=storage_options())
    assert sorted(runs.to_pyarrow_table().column("run_id").to_pylist()) == ["run-a", "run-b"]


def test_polars_reads_the_tables_from_the_bucket(sealed):
    polars = pytest.importorskip("polars")
    pytest.importorskip("deltalake")
    points = polars.scan_delta(f"{sealed.root}/tables/metrics", storage_options=storage_options())
    assert points.select(polars.col("value").sum()).collect().item() == 6.0


class Forgetful(BaseHTTPRequestHandler):
    """Passes requests on, and loses the answers to those that write, each second time."""

    protocol_version = "HTTP/1.1"
    server_behind = ""
    writes = 0

    def do_GET(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        behind = HTTPConnection(self.server_behind, timeout=30)
        behind.request(self.command, self.path, body, dict(self.headers))
        answer = behind.getresponse()
        data = answer.read()
        behind.close()
        if self.command == "PUT":
            Forgetful.writes += 1
            if Forgetful.writes % 2:
                self.close_connection = True
                return
        self.send_response_only(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in ("connection", "transfer-encoding", "content-length"):
                self.send_header(name, value)
        length = answer.getheader("Content-Length") if self.command == "HEAD" else len(data)
        self.send_header("Content-Length", str(length or 0))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def log_message(self, *_):
        pass


for verb in ("PUT", "HEAD", "DELETE", "POST"):
    setattr(Forgetful, f"do_{verb}", Forgetful.do_GET)


@pytest.fixture
def forgetful(bucket, monkeypatch):
    """The same bucket behind a server that carries requests out and loses answers."""
    monkeypatch.setattr(Forgetful, "server_behind", os.environ["AWS_ENDPOINT_URL"].removeprefix("http://"))
    server = ThreadingHTTPServer(("127.0.0.1", 0), Forgetful)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{server.server_address[1]}")
    yield bucket
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.slow
def test_where_answers_are_lost_nothing_is_said_twice_and_nothing_taken_for_another_s(forgetful, recorder):
    backend = ObjectBackend(forgetful)
    assert all(backend.put_if_absent(f"log/{n}", b"mine %d" % n) for n in range(5))
    assert not any(backend.put_if_absent(f"log/{n}", b"theirs %d" % n) for n in range(5))
    assert [backend.get(f"log/{n}") for n in range(5)] == [b"mine %d" % n for n in range(5)]
    store = Store.open(forgetful, create=True)
    for number in range(3):
        one = recorder(store)
        one.start(f"run-{number}")
        one.points(f"run-{number}", "loss", [1.0, 2.0])
        one.finish(f"run-{number}")
        one.close()
        with contextlib.suppress(StoreError):
            store.seal()
    store.seal()
    assert [row["status"] for row in store.rows().values()] == ["finished"] * 3
    assert store.points("run-1", "loss").values == [1.0, 2.0]
    assert Forgetful.writes > 20
