"""Many processes at once, some of them killed: each point and each run is there once, whoever won."""

import random
import signal

import pytest

from autotrack.store import NO_EPOCH, POINT, Store
from workers import processes_at_once, start

SEALER = """
    import sys
    import pyarrow.parquet
    from autotrack.store import Store
    from autotrack.store import columns, parquet, points, scan, seal

    store = Store.open(sys.argv[1])
    print("ready", flush=True)
    sys.stdin.readline()
    report = store.seal()
    print([report.segments, report.runs, report.points])
"""

# One process that has everything imported makes sealers by fork and kills them: at any moment, and often.
KILLER = """
    import os, random, signal, sys, time
    import pyarrow.parquet
    from autotrack.store import NO_EPOCH, POINT, Store
    from autotrack.store import columns, parquet, points, scan, seal

    path, kills, seed = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    choice = random.Random(seed)

    def in_child(work):
        child = os.fork()
        if child == 0:
            try:
                work()
            finally:
                os._exit(0)
        return child

    def write(number):
        writer = Store.open(path).new_writer(max_bytes=2000)
        run = f"run-{number:03}"
        begin = {"status": "running", "tags": {"n": str(number)}}
        writer.write({0: run}, {0: "loss"}, [(0, 1000 * number, begin)], b"")
        for first in range(0, 400, 40):
            packed = b"".join(POINT.pack(0, 0, step, step, float(step), NO_EPOCH) for step in range(first, first + 40))
            writer.write({}, {}, [], packed)
        if number % 2:
            writer.write({}, {}, [(0, 1000 * number + 1, {"status": "finished"})], b"")
        # Ends without close(), as a killed process does.

    killed = 0
    for number in range(kills):
        os.waitpid(in_child(lambda: write(number)), 0)
        sealers = [in_child(lambda: Store.open(path).seal()) for _ in range(2)]
        time.sleep(choice.random() * 0.05)
        for child in sealers:
            os.kill(child, signal.SIGKILL)
            killed += os.WIFSIGNALED(os.waitpid(child, 0)[1])
    print(killed)
"""

WRITER = """
    import os, sys
    from autotrack.store import NO_EPOCH, POINT, Store

    writer = Store.open(sys.argv[1]).new_writer(max_bytes=int(sys.argv[2]))
    writer.write({0: "run-" + sys.argv[3]}, {0: "loss"}, [(0, 1, {"status": "running"})], b"")
    step = 0
    while True:
        points = b"".join(POINT.pack(0, 0, one, one, float(one), NO_EPOCH) for one in range(step, step + 7))
        writer.write({}, {}, [], points)
        step += 7
        os.write(1, b"%d\\n" % step)
"""


def kill(writer):
    """Kill a writer; the last number it had said by then, if there was one that was not read yet."""
    writer.send_signal(signal.SIGKILL)
    with writer:
        lines = writer.stdout.read().splitlines(keepends=True)
    return max((int(line) for line in lines if line.endswith("\n")), default=0)


def write_history(store, run_id, segments, per_segment=50):
    writer = store.new_writer(max_bytes=0)
    writer.write({0: run_id}, {0: "loss"}, [(0, 1, {"status": "running"})], b"")
    for segment in range(segments):
        first = segment * per_segment
        steps = range(first, first + per_segment)
        writer.write({}, {}, [], b"".join(POINT.pack(0, 0, step, step, float(step), NO_EPOCH) for step in steps))
    writer.write({}, {}, [(0, 2, {"status": "finished"})], b"")
    writer.close()


def table_files(store):
    return {str(path.relative_to(store.root)) for path in (store.root / "tables").rglob("*.parquet")}


def snapshot_files(store):
    return {table.key(name) for table in (store._runs, store._metrics) for name in table.snapshot().files}


def test_several_sealers_at_once_seal_each_segment_once(store):
    for number in range(6):
        write_history(store, f"run-{number}", 5)
    reports = processes_at_once(SEALER, [(store.root,)] * 4)
    assert sum(segments for segments, _, _ in reports) == 6 * 7
    assert sum(points for _, _, points in reports) == 6 * 250
    assert store.backend.list("wal/") == []
    assert len(store.rows()) == 6
    for run_id, row in store.rows().items():
        assert (row["status"], row["summary"]["loss"]["count"]) == ("finished", 250)
        assert store.points(run_id, "loss").steps == list(range(250))
    assert table_files(store) == snapshot_files(store)


def check_killed_sealers(run_python, store_path, kills):
    store = Store.open(store_path, create=True)
    seed = random.randrange(1000)
    killed = run_python(KILLER, str(store_path), str(kills), str(seed), timeout_s=300)
    assert killed > 0, seed
    for _ in range(2):
        rows = store.rows()
        assert list(rows) == [f"run-{number:03}" for number in range(kills)], seed
        for number, (run_id, row) in enumerate(rows.items()):
            assert row["status"] == ("finished" if number % 2 else "killed"), seed
            assert row["tags"] == {"n": str(number)}, seed
            assert row["summary"]["loss"]["count"] == 400, seed
            assert store.points(run_id, "loss").steps == list(range(400)), seed
        assert store.seal().skipped_lines == 0
    assert store.backend.list("wal/") == []


def test_sealers_that_are_killed_lose_nothing_and_double_nothing(run_python, store_path):
    check_killed_sealers(run_python, store_path, 8)


@pytest.mark.slow
def test_many_sealers_that_are_killed_lose_nothing_and_double_nothing(run_python, store_path):
    check_killed_sealers(run_python, store_path, 150)


def check_killed_writer(store, number, max_bytes):
    writer = start(WRITER, store.root, max_bytes, number)
    for _ in range(random.randrange(1, 60)):
        acknowledged = int(writer.stdout.readline())
    acknowledged = kill(writer) or acknowledged
    run_id = f"run-{number}"
    for _ in range(2):
        steps = store.points(run_id, "loss").steps
        assert steps == list(range(len(steps)))
        assert acknowledged <= len(steps) <= acknowledged + 7
        row = store.rows()[run_id]
        assert (row["status"], row["summary"]["loss"]["count"]) == ("killed", len(steps))
        assert row["end_ts"] > 0
        store.seal()


def test_a_writer_that_is_killed_leaves_every_call_that_returned(store):
    check_killed_writer(store, 0, 8 << 20)
    check_killed_writer(store, 1, 1000)


@pytest.mark.slow
def test_many_writers_that_are_killed_leave_every_call_that_returned(store):
    for number in range(40):
        check_killed_writer(store, number, random.choice([0, 500, 5000, 8 << 20]))
    assert len(store.rows()) == 40
    assert store.backend.list("wal/") == []


@pytest.mark.slow
def test_sealing_while_writers_write_and_die_keeps_every_point_once(store):
    """Writers in processes, sealers in processes, a reader here."""
    writers = [start(WRITER, store.root, 3000, number) for number in range(3)]
    acknowledged = [0] * 3
    for turn in range(12):
        for number, writer in enumerate(writers):
            for _ in range(30):
                acknowledged[number] = int(writer.stdout.readline())
        sealers = [start(SEALER, store.root) for _ in range(2)]
        for sealer in sealers:
            sealer.stdin.write("go\n")
            sealer.stdin.flush()
        for number in range(3):
            steps = store.points(f"run-{number}", "loss").steps
            assert steps == list(range(len(steps)))
            assert len(steps) >= acknowledged[number]
        if turn % 3 == 0:
            sealers[0].kill()
        for sealer in sealers:
            sealer.communicate(timeout=60)
    for number, writer in enumerate(writers):
        acknowledged[number] = kill(writer) or acknowledged[number]
    for _ in range(2):
        for number in range(3):
            steps = store.points(f"run-{number}", "loss").steps
            assert steps == list(range(len(steps)))
            assert acknowledged[number] <= len(steps) <= acknowledged[number] + 7
        store.seal()
    assert store.backend.list("wal/") == []
