"""Many processes on one registry at once: versions stay unique and dense, and of two movers one is told."""

from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from autotrack.errors import RegistryConflictError
from autotrack.registry import Registry
from autotrack.store import Store
from workers import processes_at_once

PROCESSES = 8

REGISTER = """
    import json, sys
    from autotrack.registry import Registry
    from autotrack.store import Store

    root, worker = sys.argv[1], int(sys.argv[2])
    store = Store.open(root)
    registry = Registry(store)
    print("ready", flush=True)
    sys.stdin.readline()                        # all start at once
    own = [registry.register("churn", store.blobs.put(f"{worker} {number}".encode())).version for number in range(6)]
    shared = [registry.register("churn", store.blobs.put(f"shared {number}".encode())).version for number in range(3)]
    print(json.dumps({"own": own, "shared": shared}))
"""

MOVE = """
    import json, sys
    from autotrack.errors import RegistryConflictError
    from autotrack.registry import Registry
    from autotrack.store import Store

    root, worker = sys.argv[1], int(sys.argv[2])
    registry = Registry(Store.open(root))
    print("ready", flush=True)
    sys.stdin.readline()
    moved = []
    for turn in range(12):
        current = registry.resolve("churn@champion").version
        to = current % 4 + 1                    # always another version, so that each move is an event
        try:
            registry.set_alias("churn", "champion", to, expect=current, by=f"worker {worker}")
            moved.append([current, to])
        except RegistryConflictError:
            pass
    print(json.dumps(moved))
"""


def at_once(script: str, store_path: Path) -> list[Any]:
    """What each of the processes, started at the same moment, printed."""
    return processes_at_once(script, [(store_path, worker) for worker in range(PROCESSES)])


def test_versions_of_eight_processes_are_unique_and_dense(store_path: Path) -> None:
    store = Store.open(store_path, create=True)
    answers = at_once(REGISTER, store_path)
    own = [number for answer in answers for number in answer["own"]]
    shared = {tuple(answer["shared"]) for answer in answers}
    assert len(shared) == 1  # the same package is the same version for all
    assert sorted([*own, *shared.pop()]) == list(range(1, PROCESSES * 6 + 3 + 1))
    registry = Registry(store)
    assert [version.version for version in registry.versions("churn")] == list(range(1, PROCESSES * 6 + 3 + 1))
    assert registry.verify("churn") == []
    assert not [path for path in (store_path / "registry").rglob("*") if path.name.startswith(".tmp")]


def test_alias_moved_by_eight_processes_moves_step_by_step(store_path: Path) -> None:
    store = Store.open(store_path, create=True)
    registry = Registry(store)
    for number in range(4):
        registry.register("churn", store.blobs.put(f"manifest {number}".encode()))
    registry.set_alias("churn", "champion", 1)
    answers = at_once(MOVE, store_path)
    told = sorted(tuple(move) for moves in answers for move in moves)
    moves = [event for event in registry.history("churn") if event.op == "alias"][1:]
    steps = [(move.detail["from"], move.detail["to"]) for move in moves]
    assert sorted(steps) == told  # every process was told the truth about its own moves
    assert len(moves) >= 12  # whoever failed, somebody else had moved it
    for before, after in pairwise(steps):
        assert before[1] == after[0]
    assert registry.resolve("churn@champion").version == steps[-1][1]
    assert registry.verify("churn") == []


def test_of_two_who_expect_the_same_only_one_moves_the_alias(store_path: Path) -> None:
    store = Store.open(store_path, create=True)
    ann, bob = Registry(store), Registry(store)
    for number in range(3):
        ann.register("churn", store.blobs.put(f"manifest {number}".encode()))
    ann.set_alias("churn", "champion", 1)
    seen = bob.resolve("churn@champion").version
    ann.set_alias("churn", "champion", 2, expect=seen, by="ann@lab")
    with pytest.raises(RegistryConflictError, match=r"points at version 2 \(ann@lab did that"):
        bob.set_alias("churn", "champion", 3, expect=seen)
    assert bob.resolve("churn@champion").version == 2
