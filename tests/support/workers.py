"""What is at work beside a test: Python processes and threads, and several of them that begin at the same moment."""

import json
import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

__all__ = ["processes_at_once", "start", "threads_at_once"]

T = TypeVar("T")


def start(script: str, *args: object) -> "subprocess.Popen[str]":
    """A process that runs a script, with pipes to what it reads and writes."""
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(script), *map(str, args)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def processes_at_once(script: str, each: Iterable[Sequence[object]], timeout_s: float = 120) -> list[Any]:
    """Run a script in a process for each of several lists of arguments; the JSON that each of them prints.

    Where it has prepared all, the script waits for the others:
    `print("ready", flush=True)` and then `sys.stdin.readline()`.
    """
    workers = [start(script, *args) for args in each]
    try:
        for worker in workers:
            assert worker.stdout is not None
            assert worker.stdout.readline() == "ready\n", worker.communicate(timeout=timeout_s)
        for worker in workers:
            print("go", file=worker.stdin, flush=True)
        told = [worker.communicate(timeout=timeout_s) for worker in workers]
    finally:
        for worker in workers:
            worker.kill()  # one that has ended does not mind
    assert [worker.returncode for worker in workers] == [0] * len(workers), told
    return [json.loads(out) for out, _ in told]


def threads_at_once(count: int, work: Callable[[int], T]) -> list[T]:
    """What `work(number)` returns in each of several threads that begin at the same moment."""
    barrier = threading.Barrier(count)

    def begin(number: int) -> T:
        barrier.wait()
        return work(number)

    with ThreadPoolExecutor(count) as threads:
        return list(threads.map(begin, range(count)))
