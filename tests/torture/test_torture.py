"""Writers, keepers and readers, most of them killed: nothing acknowledged is lost, nothing is there twice."""

import os
import random
import signal
import subprocess
import sys
import time
from collections import defaultdict
from pathlib import Path

import pytest

from autotrack.store import NO_EPOCH, POINT, Store

PROMISE_S = 0.3
CHILDREN = Path(__file__).with_name("children.py")


class Torture:
    """One store, and the processes at work on it."""

    def __init__(self, root: Path, side: Path, seed: int) -> None:
        self.root, self.side = root, side
        self.choice = random.Random(seed)
        self.killed_at: dict[str, float] = {}
        self.kills: dict[str, int] = defaultdict(int)
        self._alive: dict[int, str] = {}
        self._number = 0
        self._mother = subprocess.Popen(
            [sys.executable, str(CHILDREN), str(root), str(side)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._mother.stdout.readline() == "ready\n"

    def start(self, role: str) -> None:
        self._number += 1
        self._mother.stdin.write(f"{role} {self._number} {self.choice.randrange(10**6)}\n")
        self._mother.stdin.flush()
        self._alive[int(self._mother.stdout.readline())] = f"{role}-{self._number}"

    def kill(self, pid: int) -> None:
        name = self._alive.pop(pid)
        self.killed_at[name] = time.monotonic()
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.kills[name.partition("-")[0]] += 1

    def of(self, *roles: str) -> list[int]:
        """Those of these roles that live; the dead are forgotten."""
        for pid, name in list(self._alive.items()):
            try:
                os.kill(pid, 0)
            except ProcessLookupError:
                self._alive.pop(pid)
                self.kills["suicide" if name.startswith("keeper") else "failed"] += 1
        return [pid for pid, name in self._alive.items() if name.partition("-")[0] in roles]

    def run(self, duration_s: float, counts: dict[str, int]) -> None:
        """For so long there are so many of each role; some are killed all the time."""
        end = time.monotonic() + duration_s
        while time.monotonic() < end and not list(self.side.glob("failure-*")):
            for role, count in counts.items():
                for _ in range(count - len(self.of(role))):
                    self.start(role)
            time.sleep(self.choice.random() * 0.3)
            victims = self.of("api", "store") if self.choice.random() < 0.8 else self.of("keeper")
            if victims:
                self.kill(self.choice.choice(victims))
            if self.choice.random() < 0.2:
                self.damage()

    def damage(self) -> None:
        """A writer that is dead, and whose last line is torn or has a bit flipped."""
        writer = Store.open(self.root).new_writer()
        run_id = f"victim-{time.monotonic_ns()}"
        writer.write({0: run_id}, {0: "loss"}, [(0, 1, {"status": "running", "tags": {"by": "victim"}})], b"")
        for step in range(5):
            writer.write({}, {}, [], POINT.pack(0, 0, step, step, step, NO_EPOCH))
        path = self.root / "wal" / writer.writer_id / "000000.jsonl"
        data = bytearray(path.read_bytes())
        if self.choice.random() < 0.5:
            data[-20] ^= 4
            path.write_bytes(data)
        else:
            os.truncate(path, len(data) - 20)
        writer.abandon()

    def stop(self) -> None:
        for pid in self.of("api", "store", "keeper", "reader"):
            self.kill(pid)
        self._mother.stdin.close()
        self._mother.stdout.close()
        self._mother.kill()
        self._mother.wait()
        time.sleep(0.05)


def said(path: Path, killed_at: float) -> tuple[set[str], dict[str, int], set[str]]:
    """By a writer, early enough before it was killed: runs it started, points of each, runs it finished."""
    lines = [line.split() for line in path.read_text().splitlines(keepends=True) if line.endswith("\n")]
    if not lines:
        return set(), {}, set()
    unscheduled_s = max(killed_at - float(lines[-1][3]) - 0.05, float(lines[-1][4]))
    started, points, finished = set(), {}, set()
    for word, run_id, count, at, _ in lines:
        if word.endswith("!") or float(at) < killed_at - PROMISE_S - unscheduled_s:
            started.add(run_id)
            if word.startswith("points"):
                points[run_id] = int(count)
            if word.startswith("finish"):
                points[run_id] = int(count)
                finished.add(run_id)
    return started, points, finished


def check(torture: Torture) -> tuple[int, int]:
    """Everything that was said is there, once; and other engines see the same. How many runs and points there are."""
    failures = [path.read_text() for path in torture.side.glob("failure-*")]
    assert not failures, "\n\n".join(failures)
    store = Store.open(torture.root)
    before = store.rows()
    store.compact(older_than_s=0, keep_log_s=0)
    # Hidden: of a writer that was killed before it had begun; that stays for an hour.
    assert [key for key in store.backend.list("wal/") if not key.startswith("wal/.")] == []
    rows = Store.open(torture.root).rows()
    assert rows == before
    for path in torture.side.glob("*.txt"):
        started, points, finished = said(path, torture.killed_at[path.stem])
        assert started <= set(rows), f"{path.stem}: runs missing"
        for run_id, count in points.items():
            assert len(store.points(run_id, "loss").steps) >= count, f"{path.stem}: {run_id} has lost points"
        assert {rows[run_id]["status"] for run_id in finished} <= {"finished"}, f"{path.stem}: not finished"
    total = 0
    for run_id, row in rows.items():
        assert row["status"] != "running", run_id
        steps = store.points(run_id, "loss").steps
        assert row["summary"].get("loss", {"count": 0})["count"] == len(steps), run_id
        if row["tags"].get("by") == "victim":
            assert steps == [0, 1, 2, 3]
        else:
            assert steps == list(range(len(steps))), run_id
        for sha256 in row["artifacts"].values():
            store.blobs.get(sha256)
        total += len(steps)
    check_engines(torture.root, set(rows), total)
    return len(rows), total


def check_engines(root: Path, run_ids: set[str], total: int) -> None:
    """deltalake reads the same, and so does whoever reads all Parquet files without the log."""
    import pyarrow.parquet as pq
    from deltalake import DeltaTable

    for table, count in (("runs", len(run_ids)), ("metrics", total)):
        oracle = DeltaTable(str(root / "tables" / table))
        named = {uri.rpartition("/")[2] for uri in oracle.file_uris()}
        files = {path.name: path for path in (root / "tables" / table).glob("*.parquet")}
        assert named == set(files)
        assert sum(pq.ParquetFile(path).metadata.num_rows for path in files.values()) == count
        if table == "runs":
            ids = [run_id for path in files.values() for run_id in pq.ParquetFile(path).read(["run_id"])[0].to_pylist()]
            assert len(ids) == len(set(ids))
            assert set(ids) == run_ids


def torture(tmp_path: Path, duration_s: float, counts: dict[str, int]) -> None:
    seed = int(os.environ.get("TORTURE_SEED", random.randrange(10**6)))
    side = tmp_path / "side"
    side.mkdir()
    Store.open(tmp_path / "store", create=True)
    one = Torture(tmp_path / "store", side, seed)
    try:
        one.run(duration_s, counts)
    finally:
        one.stop()
    print(f"seed {seed}; killed {dict(one.kills)}; runs and points:", *check(one))


def test_nothing_that_was_said_to_be_recorded_is_lost_or_doubled_by_those_who_are_killed(tmp_path):
    torture(tmp_path, 5.0, {"api": 6, "store": 2, "keeper": 4, "reader": 1})


@pytest.mark.slow
def test_the_same_for_a_minute(tmp_path):
    torture(tmp_path, 60.0, {"api": 8, "store": 4, "keeper": 4, "reader": 2})


FULL = """
    import json, signal, sys
    from autotrack.store import Store

    store = Store.open(sys.argv[1])
    full_disk(int(sys.argv[2]))
    failures = 0
    for _ in range(3):
        try:
            store.compact()
        except OSError:
            failures += 1
    print(json.dumps(failures))
"""


@pytest.mark.parametrize(("size_bytes", "failures"), [(0, 3), (100, 3), (2000, 3), (20_000, 3), (200_000, 0)])
def test_a_full_disk_costs_a_keeper_nothing_but_its_time(tmp_path, run_limited, size_bytes, failures):
    store = Store.open(tmp_path / "store", create=True)
    for number in range(6):
        writer = store.new_writer(max_bytes=0)
        writer.write({0: f"run-{number}"}, {0: "loss"}, [(0, 1, {"status": "running"})], b"")
        for first in range(0, 600, 200):
            steps = range(first, first + 200)
            packed = b"".join(POINT.pack(0, 0, step, step, random.random(), NO_EPOCH) for step in steps)
            writer.write({}, {}, [], packed)
        writer.close()
        if number < 3:
            store.seal()
    before = store.rows()
    assert run_limited(FULL, str(store.root), str(size_bytes)) == failures
    for _ in range(2):
        assert Store.open(store.root).rows() == before
        for run_id in before:
            assert store.points(run_id, "loss").steps == list(range(600))
        store.compact(older_than_s=0)
    check_engines(store.root, set(before), 3600)
