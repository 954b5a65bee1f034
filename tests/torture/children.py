"""The processes of the torture: made by fork from one that has everything imported, and never ended nicely.

python children.py STORE SIDE       then one command per line: `<role> <number> <seed>`; it answers the child's pid
"""

import hashlib
import os
import random
import signal
import sys
import threading
import time
import traceback
import warnings
from pathlib import Path

import deltalake  # noqa: F401  all imports before the first fork
import pyarrow.parquet  # noqa: F401

import autotrack
from autotrack import api, guard
from autotrack.store import (  # noqa: F401
    NO_EPOCH,
    POINT,
    LocalBackend,
    Store,
    collect,
    columns,
    compact,
    merge,
    parquet,
    points,
    scan,
)

ACK_S = 0.02  # between two words of a writer about what it was told is recorded
REAL_TIME_NS = time.time_ns


class Witness:
    """How late a thread of this process has been woken lately: the other threads fare no better."""

    def __init__(self) -> None:
        self._late = [(0.0, 0.0)]
        threading.Thread(target=self._watch, daemon=True).start()

    def late_s(self) -> float:
        since = time.monotonic() - 1.5
        return max((late for at, late in self._late[-100:] if at > since), default=1.5)

    def _watch(self) -> None:
        while True:
            before = time.monotonic()
            time.sleep(0.02)
            now = time.monotonic()
            self._late.append((now, now - before - 0.02))


class SideFile:
    """What a writer has been told is recorded: `<word> <run id> <count> <time> <lateness>`, each line on disk."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        self._witness = Witness()

    def say(self, word: str, run_id: str, count: int) -> None:
        # The time first: what was recorded before it is what is spoken of.
        line = f"{word} {run_id} {count} {time.monotonic():.6f} {self._witness.late_s():.6f}\n"
        os.write(self._file, line.encode())
        os.fdatasync(self._file)


def jumping_clock(seed: int) -> None:
    """From now on the time jumps by up to a day, forwards and backwards."""
    choice = random.Random(seed)
    offset = [0, 0]

    def time_ns() -> int:
        offset[1] += 1
        if offset[1] % 20 == 0:
            offset[0] = choice.randrange(-86_400, 86_400) * 10**9
        return REAL_TIME_NS() + offset[0]

    time.time_ns = time_ns


def api_writer(root: str, side: SideFile, choice: random.Random) -> None:
    """Runs through the public API, one after the other; each metric has the steps 0, 1, 2 ... as its values too."""
    guard.STRICT = False
    warnings.simplefilter("error")
    autotrack.enable(store=root, libraries=[], log_models=False)
    while True:
        run = autotrack.start_run("tortured", params={"seed": 1}, tags={"by": "api"})
        length = choice.choice([5, 300, 10**9])
        said = 0.0
        side.say("start", run.id, 0)
        for step in range(length):
            autotrack.log_metric("loss", float(step), step=step)
            if step % 100 == 0:
                autotrack.set_tag("at", str(step))
            if time.monotonic() - said > ACK_S:
                side.say("points", run.id, step + 1)
                said = time.monotonic()
            time.sleep(choice.random() * 0.002)
        run.finish()
        side.say("finish", run.id, length)


def store_writer(root: str, side: SideFile, choice: random.Random) -> None:
    """Runs through the store's own writer, in tiny segments: what was written before a call returned is there."""
    store = Store.open(root)
    writer = store.new_writer(max_bytes=choice.choice([0, 3000, 30_000]))
    for number in range(10**9):
        run_id = f"{REAL_TIME_NS():x}-{os.getpid()}-{number}"
        sha256 = store.blobs.put(run_id.encode(), durable=False)
        start = {"status": "running", "tags": {"by": "store"}, "artifacts": {"a": sha256}}
        writer.write({number: run_id}, {0: "loss"} if number == 0 else {}, [(number, time.time_ns(), start)], b"")
        side.say("start!", run_id, 0)
        length = choice.choice([7, 700, 7000])
        for first in range(0, length, 7):
            steps = range(first, first + 7)
            packed = b"".join(POINT.pack(number, 0, step, time.time_ns() // 1000, step, NO_EPOCH) for step in steps)
            writer.write({}, {}, [], packed)
            side.say("points!", run_id, first + 7)
            time.sleep(choice.random() * 0.01)
        writer.write({}, {}, [(number, time.time_ns(), {"status": "finished"})], b"")
        side.say("finish!", run_id, length)


class Deadly(LocalBackend):
    """Kills its process before, in the middle of, or after the n-th thing it changes."""

    left = 10**9
    moment = "before"

    def put(self, key, data, *, durable=True):
        self._die("before")
        super().put(key, data, durable=durable)
        self._die("after", last=True)

    def put_if_absent(self, key, data):
        self._die("before")
        is_mine = super().put_if_absent(key, data)
        self._die("after", last=True)
        return is_mine

    def delete(self, key):
        self._die("before")
        super().delete(key)
        self._die("after", last=True)

    def _write(self, path, data, durable):
        temporary = super()._write(path, data, durable)
        self._die("middle")
        return temporary

    def _die(self, moment, last=False):
        if self.left <= 0 and self.moment == moment:
            os.kill(os.getpid(), signal.SIGKILL)
        Deadly.left -= last


def keeper(root: str, choice: random.Random) -> None:
    """Seals, merges, shortens the log, collects, and dies of it."""
    store = Store.open(root)
    store.backend.__class__ = Deadly
    Deadly.left = choice.randrange(30)
    Deadly.moment = choice.choice(["before", "middle", "after"])
    while True:
        work = choice.randrange(6)
        if work < 3:
            store.maintain()
        elif work < 5:
            store.compact(older_than_s=3.0, keep_log_s=2.0)
        else:
            store.collect(min_age_s=2.0)
        time.sleep(choice.random() * 0.1)


def reader(root: str, choice: random.Random) -> None:
    """Reads all the time: what was there stays there, without holes and once."""
    store = Store.open(root)
    seen: dict[str, int] = {}
    while True:
        if choice.random() < 0.2:
            store = Store.open(root)
        rows = store.rows()
        missing = {run_id for run_id in seen if run_id not in rows}
        assert not missing, f"runs gone: {missing}"
        for run_id, row in rows.items():
            seen.setdefault(run_id, 0)
            for sha256 in row["artifacts"].values():
                data = store.blobs.get(sha256)
                assert hashlib.sha256(data).hexdigest() == sha256
        for run_id in choice.sample(sorted(seen), min(5, len(seen))):
            if rows[run_id]["tags"].get("by") == "victim":
                continue
            steps = store.points(run_id, "loss").steps
            assert steps == list(range(len(steps))), f"{run_id}: {len(steps)} steps, {len(set(steps))} different"
            assert len(steps) >= seen[run_id], f"{run_id}: {seen[run_id]} points, then {len(steps)}"
            seen[run_id] = len(steps)
        with store.indexed() as index:
            if index is not None:
                found = {run_id for (run_id,) in index.select("SELECT run_id FROM runs")} | set(index.live)
                gone = {run_id for run_id in seen if run_id not in found}
                assert not gone, f"not found by search: {gone}"


def work(role: str, root: str, side: Path, number: int, seed: int) -> None:
    choice = random.Random(seed)
    if number % 2:
        jumping_clock(seed)
    try:
        if role == "api":
            api_writer(root, SideFile(side / f"{role}-{number}.txt"), choice)
        elif role == "store":
            store_writer(root, SideFile(side / f"{role}-{number}.txt"), choice)
        else:
            {"keeper": keeper, "reader": reader}[role](root, choice)
    except BaseException:
        text = f"{role} {number} seed {seed}\n{traceback.format_exc()}"
        (side / f"failure-{role}-{number}.txt").write_text(text)
    os._exit(1)


def main() -> None:
    root, side = sys.argv[1], Path(sys.argv[2])
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for them
    print("ready", flush=True)
    for line in sys.stdin:
        role, number, seed = line.split()
        child = os.fork()
        if child == 0:
            os.close(0)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            work(role, root, side, int(number), int(seed))
        print(child, flush=True)


if __name__ == "__main__":
    assert api is not None
    main()
