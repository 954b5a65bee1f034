"""Writing when it cannot be done: all of a call or nothing of it, and what is given again comes once."""

import os

import pytest

from autotrack.errors import StoreNotFoundError
from autotrack.store import NO_EPOCH, POINT, Store


def test_a_full_disk_leaves_nothing_of_the_failed_call_and_the_next_one_goes_on(run_limited, store_path):
    found = run_limited(
        """
        import json
        from autotrack.store import NO_EPOCH, POINT, Store

        store = Store.open(sys.argv[1], create=True)
        writer = store.new_writer()
        points = lambda first, count: b"".join(POINT.pack(0, 0, first + s, 5, 1.0, NO_EPOCH) for s in range(count))
        writer.write({0: "run"}, {0: "loss"}, [(0, 5, {"status": "running"})], points(0, 100))
        full_disk(20_000)
        failed = 0
        patch = (0, 6, {"tags": {"late": "yes"}})
        for _ in range(3):
            try:
                writer.write({1: "other"}, {1: "acc"}, [patch], points(100, 5000))
            except OSError:
                failed += 1
                seen = Store.open(sys.argv[1])
                assert len(seen.points("run", "loss")) == 100
                assert seen.rows()["run"]["tags"] == {}
                assert "other" not in seen.rows()
        full_disk(resource.RLIM_INFINITY)
        writer.write({1: "other"}, {1: "acc"}, [patch, (1, 7, {"name": "b"})], points(100, 5000))
        writer.close()
        print(failed)
        """,
        str(store_path),
    )
    assert found == 3
    store = Store.open(store_path)
    for _ in range(2):
        assert store.points("run", "loss").steps == list(range(5100))
        assert store.rows()["run"]["tags"] == {"late": "yes"}
        assert store.rows()["other"]["name"] == "b"
        assert store.seal().skipped_lines == 0


def test_a_disk_too_full_for_the_first_segment_leaves_no_folder(run_limited, store_path):
    found = run_limited(
        """
        import json
        from autotrack.store import Store

        store = Store.open(sys.argv[1], create=True)
        writer = store.new_writer()
        full_disk(10)
        try:
            writer.write({0: "run"}, {}, [(0, 5, {"status": "running"})], b"")
        except OSError as error:
            left = os.listdir(store.root / "wal")
        full_disk(resource.RLIM_INFINITY)
        writer.write({0: "run"}, {}, [(0, 5, {"status": "running"})], b"")
        print(json.dumps([left, list(store.rows())]))
        """,
        str(store_path),
    )
    assert found == [[], ["run"]]


def test_a_disk_too_full_for_the_next_segment_loses_nothing(run_limited, store_path):
    found = run_limited(
        """
        import json
        from autotrack.store import Store

        store = Store.open(sys.argv[1], create=True)
        writer = store.new_writer(max_bytes=0)
        writer.write({0: "run"}, {}, [(0, 5, {"status": "running"})], b"")
        full_disk(10)
        try:
            writer.write({}, {}, [(0, 6, {"status": "finished"})], b"")
        except OSError:
            before = [store.rows()["run"]["status"], sorted(os.listdir(writer._wal / writer.writer_id))]
        full_disk(resource.RLIM_INFINITY)
        writer.write({}, {}, [(0, 6, {"status": "finished"})], b"")
        print(json.dumps([before, store.rows()["run"]["status"]]))
        """,
        str(store_path),
    )
    assert found == [["running", ["000000.jsonl", "LOCK"]], "finished"]


def test_a_seal_on_a_full_disk_loses_nothing_and_leaves_no_half_file(run_limited, store_path):
    run_limited(
        """
        from autotrack.store import NO_EPOCH, POINT, Store

        store = Store.open(sys.argv[1], create=True)
        for size_bytes in (10, 1000, 3000, resource.RLIM_INFINITY):
            full_disk(resource.RLIM_INFINITY)
            writer = store.new_writer()
            points = b"".join(POINT.pack(0, 0, step, 5, step / 7, NO_EPOCH) for step in range(500))
            writer.write({0: f"run-{size_bytes}"}, {0: "loss"}, [(0, 5, {"status": "finished"})], points)
            writer.close()
            full_disk(size_bytes)
            try:
                store.seal()
            except OSError:
                pass
        print(0)
        """,
        str(store_path),
    )
    store = Store.open(store_path)
    rows = store.rows()
    assert len(rows) == 4
    assert all(row["summary"]["loss"]["count"] == 500 for row in rows.values())
    assert all(len(store.points(run_id, "loss")) == 500 for run_id in rows)
    assert store.backend.list("wal/") == []
    assert not list(store_path.rglob(".tmp-*"))


def test_a_folder_that_may_not_be_written_is_told_and_a_later_write_succeeds(run_limited, store_path):
    found = run_limited(
        """
        import json
        from autotrack.store import Store

        store = Store.open(sys.argv[1], create=True)
        no_root_powers()
        os.chmod(store.root, 0o500)
        writer = store.new_writer()
        patch = [(0, 5, {"status": "running"})]
        try:
            writer.write({0: "run"}, {}, patch, b"")
        except PermissionError as error:
            told = error.filename
        writable = store.is_writable
        empty = store.rows()
        os.chmod(store.root, 0o700)
        writer.write({0: "run"}, {}, patch, b"")
        print(json.dumps([told, writable, empty, list(store.rows()), store.is_writable]))
        """,
        str(store_path),
    )
    assert found == [str(store_path / "wal"), False, {}, ["run"], True]


def test_a_ctrl_c_inside_a_write_leaves_nothing_that_is_given_again(store, recorder, monkeypatch):
    one = recorder(store)
    one.start("run-a")
    points = b"".join(POINT.pack(0, 0, step, 5, 1.0, NO_EPOCH) for step in range(3))
    call = ({}, {0: "loss"}, [(0, one.ts, {"tags": {"x": "1"}})], points)
    write = os.write

    def interrupted(descriptor, data):
        write(descriptor, data)
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(os, "write", interrupted)
        with pytest.raises(KeyboardInterrupt):
            one.writer.write(*call)
    assert store.points("run-a", "loss").steps == []
    one.writer.write(*call)
    assert store.points("run-a", "loss").steps == [0, 1, 2]


def test_a_ctrl_c_while_the_folder_is_made_leaves_a_writer_that_works(store, recorder, monkeypatch):
    def interrupted(*args, **options):
        raise KeyboardInterrupt

    one = recorder(store)
    with monkeypatch.context() as patched:
        patched.setattr("pathlib.Path.rename", interrupted)
        with pytest.raises(KeyboardInterrupt):
            one.start("run-a")
    one.writer.write({0: "run-a"}, {}, [(0, one.ts, {"status": "running"})], b"")
    assert store.rows()["run-a"]["status"] == "running"


def test_a_store_that_is_moved_while_it_is_written_to_is_followed(store, recorder, tmp_path):
    one = recorder(store, max_bytes=0)
    one.start("run-a")
    one.points("run-a", "loss", [1.0])
    moved = tmp_path / "elsewhere"
    store.root.rename(moved)
    one.points("run-a", "loss", [2.0], first_step=1)
    one.finish("run-a")
    found = Store.open(moved)
    assert not store.root.exists()
    for _ in range(2):
        assert found.rows()["run-a"]["status"] == "finished"
        assert found.points("run-a", "loss").values == [1.0, 2.0]
        found.seal()
    one.patch("run-a", tags={"late": "yes"})
    assert found.rows()["run-a"]["tags"] == {"late": "yes"}


def test_a_store_that_is_gone_is_told_and_not_made_anew(store, recorder, tmp_path):
    one = recorder(store)
    store.root.rename(tmp_path / "elsewhere")
    with pytest.raises(StoreNotFoundError, match="is gone"):
        one.start("run-a")
    assert not store.root.exists()


def test_a_writer_whose_files_were_removed_starts_anew_and_says_again_what_is_open(store, recorder):
    one = recorder(store)
    one.start("run-a", params={"lr": "0.1"})
    one.start("run-b")
    one.finish("run-b")
    old = one.writer.writer_id
    for path in (store.root / "wal" / old).iterdir():
        path.unlink()
    (store.root / "wal" / old).rmdir()
    one.points("run-a", "loss", [1.0])
    assert one.writer.writer_id != old
    rows = store.rows()
    assert list(rows) == ["run-a"]
    assert (rows["run-a"]["status"], rows["run-a"]["params"]) == ("running", {"lr": "0.1"})
    assert store.points("run-a", "loss").values == [1.0]


def test_a_run_that_was_taken_for_dead_and_goes_on_is_running_again_and_can_finish(store, recorder):
    """As when a machine sleeps for days, and another one, which cannot see its lock, gives it up."""
    one = recorder(store)
    one.start("run-a")
    (store.root / "wal" / one.writer.writer_id / "LOCK").unlink()
    store.seal()
    killed = store.rows()["run-a"]
    assert (killed["status"], "ended without finishing" in killed["reason"]) == ("killed", True)
    one.points("run-a", "loss", [1.0])
    assert store.rows()["run-a"]["status"] == "running"
    assert {"reason", "end_ts"}.isdisjoint(store.rows()["run-a"])
    one.finish("run-a")
    one.close()
    for _ in range(2):
        row = store.rows()["run-a"]
        assert (row["status"], row["end_ts"]) == ("finished", one.ts)
        assert "reason" not in row
        store.seal()


def test_a_forked_child_that_abandons_leaves_the_parents_record_and_lock_alone(run_python, store, recorder):
    one = recorder(store)
    one.start("run-a")
    script = """
        import json, os, sys
        from autotrack.store import Store
        store = Store.open(sys.argv[1])
        writer = store.new_writer()
        writer.write({0: "parent"}, {}, [(0, 5, {"status": "running"})], b"")
        child = os.fork()
        if child == 0:
            writer.abandon()
            own = store.new_writer()
            own.write({0: "child"}, {}, [(0, 5, {"status": "running"})], b"")
            during = store.rows()["parent"]["status"]
            own.write({}, {}, [(0, 6, {"status": "finished", "name": during})], b"")
            os._exit(0)
        os.waitpid(child, 0)
        writer.write({}, {}, [(0, 7, {"tags": {"after": "fork"}})], b"")
        rows = store.rows()
        assert rows["parent"]["status"] == "running", rows
        print(json.dumps([rows["parent"]["tags"], rows["child"]["status"], rows["child"]["name"]]))
    """
    assert run_python(script, str(store.root)) == [{"after": "fork"}, "finished", "running"]
    assert store.rows()["parent"]["status"] == "killed"
    assert store.rows()["run-a"]["status"] == "running"


def test_an_abandoned_writer_of_a_child_does_not_hold_the_lock_when_the_parent_dies(run_python, store_path):
    found = run_python(
        """
        import json, os, sys
        from autotrack.store import Store
        store = Store.open(sys.argv[1], create=True)
        ready, go = os.pipe(), os.pipe()
        parent = os.fork()
        if parent == 0:
            writer = store.new_writer()
            writer.write({0: "run"}, {}, [(0, 5, {"status": "running"})], b"")
            if os.fork() == 0:  # outlives its parent
                writer.abandon()
                os.write(ready[1], b"x")
                os.read(go[0], 1)
                os._exit(0)
            os.read(go[0], 1)
            os._exit(0)
        os.read(ready[0], 1)
        os.kill(parent, 9)
        os.waitpid(parent, 0)
        print(json.dumps(store.rows()["run"]["status"]))
        sys.stdout.flush()
        os.write(go[1], b"x")
        """,
        str(store_path),
    )
    assert found == "killed"
