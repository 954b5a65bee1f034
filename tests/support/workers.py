"""What is at work beside a test: Python processes and threads, several that begin at the same moment, and waiting."""

import json
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

__all__ = ["eventually", "processes_at_once", "start", "threads_at_once"]

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


def eventually(holds: Callable[[], Any], what: str = "it did not come to that in 30 s") -> None:
    """Wait for something that other threads or processes do."""
    end = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < end, what
        time.sleep(0.02)


def threads_at_once(count: int, work: Callable[[int], T]) -> list[T]:
    """What `work(number)` returns in each of several threads that begin at the same moment."""
    barrier = threading.Barrier(count)
    returned: dict[int, T] = {}

    def begin(number: int) -> None:
        barrier.wait()
        returned[number] = work(number)

    threads = [threading.Thread(target=begin, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(returned) == count, "a thread has raised"
    return [returned[number] for number in range(count)]
