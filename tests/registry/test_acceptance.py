"""Eight processes register and promote at once, and die at any step: versions stay unique, dense and whole.

The same on a folder and in a bucket. `put` in the scripts makes what `pack` makes, of a few bytes.
"""

import subprocess
import sys
import textwrap
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from autotrack.registry import Registry
from autotrack.registry.verification import verify
from autotrack.store import Store
from workers import processes_at_once

PROCESSES = 8
ROUNDS = 50
TIMEOUT_S = 1800  # of all that processes do at once; in a bucket each event is some requests

PUT = """
import json, os, signal, sys
from autotrack.model import trust
from autotrack.model.manifest import FORMAT, canonical
from autotrack.registry import Registry
from autotrack.registry.verification import verify
from autotrack.store import Store

def put(store, text):
    files = {"model.pkl": text.encode(), "requirements.txt": b"numpy==2.0.0"}
    content = {
        "format": FORMAT, "flavor": "pickle", "name": "model", "run_id": None, "created_at": "2026", "python": "3.11",
        "model_class": "builtins.dict", "by_value": False, "requirements": [], "signature": None,
        "files": [{"path": path, "sha256": store.blobs.put(data), "size_bytes": len(data)}
                  for path, data in files.items()],
    }
    content["seal"] = trust.seal(canonical(content))
    return store.blobs.put(canonical(content))
"""

WORK = """
root, worker, rounds = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
from autotrack.errors import RegistryConflictError
store = Store.open(root)
registry = Registry(store)
registry.list()                                     # everything is imported
print("ready", flush=True)
sys.stdin.readline()                                # all start at once
own, lost = [], 0
for turn in range(rounds):
    version = registry.register("churn", put(store, f"{worker} {turn}"), by=f"worker {worker}").version
    own.append(version)
    current = registry.aliases("churn").get("champion")
    try:
        registry.promote("churn", version, expect=current, by=f"worker {worker}")
    except RegistryConflictError:
        lost += 1
print(json.dumps({"own": own, "lost": lost}))
"""

# The process is killed when it has come to its n-th step: of a folder every call of the system that Python tells of.
KILLED = """
root = sys.argv[1]
store = Store.open(root, create=True)
registry = Registry(store)
registry.register("churn", put(store, "the first"), alias="champion")

def die_at(step):
    def count(event, args):
        if event in ("open", "os.link", "os.rename", "os.remove", "os.mkdir", "os.utime"):
            counted[0] += 1
            if counted[0] > step:
                os.kill(os.getpid(), signal.SIGKILL)
    counted = [0]
    sys.addaudithook(count)

step, seen = 0, []
while True:
    child = os.fork()
    if child == 0:
        die_at(step)
        registry.register("churn", put(store, f"model {step}"), alias="newest", tags={"a": "b"}, description="c")
        registry.promote("churn", registry.resolve("churn@newest").version)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    fresh = Registry(Store.open(root))
    found = verify(store)
    versions = [version.version for version in registry.versions("churn")]  # which the next child begins with
    seen.append([os.waitstatus_to_exitcode(status), versions, found.problems])
    if status == 0:
        break
    step += 1
again = fresh.register("churn", put(store, "model 0"), alias="newest")     # it goes on
print(json.dumps({"seen": seen, "again": again.version, "last": verify(store).problems}))
"""

KILLED_IN_A_BUCKET = """
from autotrack.store.object_store import ObjectBackend
root, step, is_before = sys.argv[1], int(sys.argv[2]), sys.argv[3] == "before"
store = Store.open(root)
registry = Registry(store)
counted = 0

def dying(real):
    def request(*args, **options):
        global counted
        counted += 1
        if counted > step and is_before:
            os.kill(os.getpid(), signal.SIGKILL)
        found = real(*args, **options)
        if counted > step:
            os.kill(os.getpid(), signal.SIGKILL)
        return found
    return request

for name in ("list", "stats", "stat", "get", "put", "put_if_absent", "put_file", "delete"):
    setattr(ObjectBackend, name, dying(getattr(ObjectBackend, name)))
name = f"churn {step}"                              # of its own, so that each process has as many steps to go
registry.register(name, put(store, f"model {step} {is_before}"), alias="newest")
registry.promote(name, registry.resolve(f"{name}@newest").version)
"""


def at_once(root: str, processes: int, rounds: int) -> list[dict[str, Any]]:
    """What each of the processes, started at the same moment, printed."""
    each = [(root, worker, rounds) for worker in range(processes)]
    return processes_at_once(PUT + WORK, each, TIMEOUT_S)


def check(store: Store, answers: list[dict[str, Any]], processes: int, rounds: int) -> None:
    """Versions are unique and dense, the champion moved step by step, and all is whole."""
    registry = Registry(store)
    own = sorted(number for answer in answers for number in answer["own"])
    assert own == list(range(1, processes * rounds + 1))
    assert [version.version for version in registry.versions("churn")] == own
    moves = [event.detail for event in registry.history("churn") if event.op == "alias"]
    lost = sum(answer["lost"] for answer in answers)
    assert len(moves) == processes * rounds - lost
    for before, after in pairwise(moves):
        assert (after["from"], after["also"]) == (before["to"], {"previous-champion": before["to"]})
    assert registry.aliases("churn")["champion"] == moves[-1]["to"]
    found = verify(store)
    assert found.problems == []
    assert found.versions == processes * rounds
    print(f"{processes} processes x {rounds}: {found.events} events, {lost} moves lost to others")


def test_eight_processes_register_and_promote_at_once(store: Store, store_path: Path) -> None:
    check(store, at_once(str(store_path), PROCESSES, 4), PROCESSES, 4)


@pytest.mark.slow
def test_eight_processes_register_and_promote_fifty_times_each(store: Store, store_path: Path) -> None:
    check(store, at_once(str(store_path), PROCESSES, ROUNDS), PROCESSES, ROUNDS)


def test_processes_register_and_promote_at_once_in_a_bucket(bucket: str) -> None:
    store = Store.open(bucket, create=True)
    check(store, at_once(bucket, 2, 3), 2, 3)


@pytest.mark.slow
def test_eight_processes_register_and_promote_fifty_times_each_in_a_bucket(bucket: str) -> None:
    store = Store.open(bucket, create=True)
    check(store, at_once(bucket, PROCESSES, ROUNDS), PROCESSES, ROUNDS)


@pytest.mark.slow
def test_process_killed_at_any_step_of_a_register_leaves_no_half_version(run_python: Any, store_path: Path) -> None:
    found = run_python(PUT + KILLED, str(store_path), timeout_s=120)
    codes = [code for code, _, _ in found["seen"]]
    assert codes == [-9] * (len(codes) - 1) + [0]
    assert len(codes) > 20  # it did die at many steps
    for before, after in pairwise(versions for _, versions, _ in found["seen"]):
        assert after in (before, [*before, len(before) + 1])
    assert not [problems for _, _, problems in found["seen"] if problems]
    assert found["seen"][0][1] == [1]  # before the event nothing is there; behind it, all of it
    assert found["seen"][-1][1] == list(range(1, len(found["seen"][-1][1]) + 1))
    assert found["last"] == []
    print(f"killed at {len(codes) - 1} steps, {len(found['seen'][-1][1])} versions, {found['again']} again")


def die_in(bucket: str, step: int, when: str) -> int:
    """The exit code of a process that is killed before or after its request number `step`."""
    return subprocess.run(
        [sys.executable, "-c", PUT + textwrap.dedent(KILLED_IN_A_BUCKET), bucket, str(step), when],
        stdout=subprocess.DEVNULL,
        check=False,
        timeout=120,
    ).returncode


@pytest.mark.slow
@pytest.mark.parametrize("when", ["before", "after"])
def test_process_killed_at_any_request_to_a_bucket_leaves_no_half_version(bucket: str, when: str) -> None:
    store = Store.open(bucket, create=True)
    step, code, events = 0, -9, [0]
    while code == -9:
        code = die_in(bucket, step, when)
        name = f"churn {step}"
        numbers = (
            [version.version for version in Registry(store).versions(name)] if name in Registry(store).list() else []
        )
        assert numbers in ([], [1])
        found = verify(store, name) if numbers else None
        assert found is None or found.problems == []
        events.append(0 if found is None else found.events)
        step += 1
    assert code == 0
    assert step > 10
    assert set(events) == {0, 1, 2, 3}  # it died before the version was there, and behind each of its events
    print(f"killed {when} each of {step - 1} requests: {sum(map(bool, events))} whole versions, the others not there")
