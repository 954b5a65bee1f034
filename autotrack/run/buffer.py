"""What was logged, on its way to the journal: appended by any thread, written by one thread of ours every 200 ms.

Logging appends to a list or a bytearray: no lock, no file, no pyarrow. The writer thread drains them into the
journal. When the journal cannot be written (full disk, read-only folder) what was logged waits in memory up to a
bound, then the newest is dropped and counted; the user is told once.

What takes longer (models to write, segments to seal) has threads of its own, as long as there is some: what is
logged meanwhile does not wait for it.

A forked child starts with empty buffers and a journal of its own. The threads are stopped around each fork, so
that a fork never meets a lock of ours held.
"""

import os
import sys
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path

from autotrack.guard import guard, tell_once
from autotrack.store import POINT, SegmentWriter, Store
from autotrack.types import Row

__all__ = ["Buffer", "now_us", "settle", "settlers"]

TICK_S = 0.2  # how long what was logged may wait for the writer thread
INLINE_FLUSH_S = 0.02  # a caller's flush within this time after the last one is left to the thread
MAX_WAITING_BYTES = 64 << 20  # points kept in memory while the journal cannot be written
MAX_WAITING_PATCHES = 200_000  # the same for patches
MAX_TASK_BYTES = 256 << 20  # models waiting to be written; beyond it the caller writes its own
CHEAP_SEAL_AGE_S = 5.0  # a process this old does not notice the 0.2 s that sealing costs at its end

# Called where somebody is about to read: hooks complete what they have under way in this thread.
settlers: list[Callable[[], None]] = []
_settling = threading.local()

_started = time.monotonic()
_buffers: "weakref.WeakSet[Buffer]" = weakref.WeakSet()


class Buffer:
    """The way of one process into one store. The store's folder is made when the first record is written."""

    def __init__(self, root: Path | str) -> None:
        self.root = root
        self.dropped = 0
        self._store: Store | None = None
        self._reset()
        _buffers.add(self)

    def _reset(self) -> None:
        self._patches: list[tuple[int, int, Row]] = []
        self._points = bytearray()
        self._tasks: deque[tuple[Callable[[], None], int]] = deque()
        self._sources: list[Callable[[], None]] = []
        self._task_bytes = 0
        self._runs: dict[str, int] = {}
        self._keys: dict[str, int] = {}
        self._new_runs: dict[int, str] = {}
        self._new_keys: dict[int, str] = {}
        self._names_lock = threading.Lock()
        self._flush_lock = threading.Lock()
        self._task_lock = threading.RLock()
        self._wake = threading.Event()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._helpers: dict[str, threading.Thread] = {}
        self._is_new = True  # nothing was written yet
        self._writer: SegmentWriter | None = None
        self._flushed_at = 0.0
        self._asking = 0  # the thread that is asking the sources, and is to write what they say
        self._working = 0  # the thread that is running tasks: what they record is written after the last one
        self._is_at_exit = False  # no thread can be started any more

    # ---- from any thread

    def patch(self, run_id: str, fields: Row) -> None:
        """Record a part of a run's row."""
        if len(self._patches) >= MAX_WAITING_PATCHES:
            self._drop(1)
            return
        self._patches.append((self._number(run_id, self._runs), now_us(), fields))
        self._mark()

    def points(self, run_id: str, points: Sequence[tuple[str, int, float]], epoch: int) -> None:
        """Record values of metrics at this moment: key, step, value."""
        if len(self._points) >= MAX_WAITING_BYTES:
            self._drop(len(points))
            return
        run, keys, now = self._number(run_id, self._runs), self._keys, now_us()
        packed = [
            POINT.pack(run, keys[key] if key in keys else self._number(key, keys), step, now, value, epoch)
            for key, step, value in points
        ]
        self._points.extend(packed[0] if len(packed) == 1 else b"".join(packed))
        self._mark()

    def timed_points(self, run_id: str, points: Sequence[tuple[str, int, int, float, int]]) -> None:
        """Record values of metrics: key, step, microseconds since 1970, value, epoch."""
        if len(self._points) >= MAX_WAITING_BYTES:
            self._drop(len(points))
            return
        run, keys, pack = self._number(run_id, self._runs), self._keys, POINT.pack
        packed = [
            pack(run, keys[key] if key in keys else self._number(key, keys), step, at_us, value, epoch)
            for key, step, at_us, value, epoch in points
        ]
        self._points.extend(b"".join(packed))
        self._mark()

    def add_source(self, source: Callable[[], None]) -> None:
        """Have this called before anything is written, from any thread: it hands over the points it has collected, of
        which it tells with `wake`.
        """
        self._sources.append(source)

    def remove_source(self, source: Callable[[], None]) -> None:
        """No more of this one, after a last call."""
        if source in self._sources:
            with self._flush_lock:
                self._ask_sources()
            self._sources.remove(source)

    def collect(self) -> None:
        """Ask the sources now: what they have is about to be read."""
        settle()
        if self._sources:
            with self._flush_lock:
                self._ask_sources()

    def wake(self) -> None:
        """A source has something; it is asked within 200 ms."""
        if not self._wake.is_set() or self._thread is None:
            self._mark()

    def later(self, task: Callable[[], None], size_bytes: int = 0) -> None:
        """Run a task on the writer thread, in order; at once if too many bytes are waiting already."""
        if self._task_bytes + size_bytes > MAX_TASK_BYTES:
            task()
            return
        self._task_bytes += size_bytes
        self._tasks.append((task, size_bytes))
        self._mark()

    def later_without_lock(self, task: Callable[[], None]) -> None:
        """Run a task when others are run, or before anything is read. For callbacks of the garbage collector."""
        self._tasks.append((task, 0))

    def flush_soon(self) -> None:
        """Write what waits, unless that was done a moment ago or is being done: then the thread does it."""
        if time.monotonic() - self._flushed_at < INLINE_FLUSH_S or self._flush_lock.locked():
            return
        with self._flush_lock, guard("journal"):  # no `acquire`: Ctrl-C after it would leave the lock held
            self._drain()

    def flush(self) -> None:
        """Write all that was logged before this call, tasks included."""
        settle()
        self._run_tasks()
        with self._flush_lock, guard("journal"):
            self._drain()

    def store(self) -> Store:
        """The store, made if there is none yet."""
        if self._store is None:
            self._store = Store.to_record(self.root)
        return self._store

    @property
    def writer_id(self) -> str | None:
        """Who writes to the store, as it knows its writers; None: nothing was written yet, or nothing can be."""
        return None if self._writer is None else self._writer.writer_id

    def close(self) -> None:
        """Write everything, seal if that is cheap, release the journal. What comes after it is written at once."""
        self._halt()
        self._is_at_exit = True
        self.flush()
        with self._flush_lock, guard("journal"):
            if self._writer is not None:
                writer, self._writer = self._writer, None
                writer.close()
                is_cheap = "pyarrow" in sys.modules or time.monotonic() - _started > CHEAP_SEAL_AGE_S
                if writer.is_reachable and (is_cheap or self._has_backlog()):
                    self.store().maintain(is_cheap=True)
            self._runs, self._keys = {}, {}

    # ---- the writer thread

    def _mark(self) -> None:
        if self._is_at_exit:
            if threading.get_ident() not in (self._asking, self._working):
                self.flush()
            return
        if self._thread is None:
            self._start()
        if not self._wake.is_set():
            self._wake.set()

    def _start(self) -> None:
        with self._names_lock:
            if self._thread is not None:
                return
            self._stop.clear()
            self._thread = threading.Thread(target=self._work, name="autotrack-writer", daemon=True)
            self._thread.start()

    def _work(self) -> None:
        while not self._stop.is_set():
            self._wake.wait()
            self._stop.wait(TICK_S)
            self._wake.clear()
            with guard("writer thread"):
                with self._flush_lock, guard("journal"):
                    self._drain()
                if self._tasks:
                    self._beside("autotrack-tasks", lambda: self._run_tasks(self._stop.is_set))
                    self._wake.set()  # it may be just ending, and not have seen the last one
                if self._writer is not None and self._writer.rotated:
                    self._beside("autotrack-maintenance", self._maintain)
                elif self._writer is not None and self._is_new:
                    self._is_new = False
                    self._beside("autotrack-maintenance", self._maintain_backlog)

    def _beside(self, name: str, work: Callable[[], None]) -> None:
        """Do some work on a thread of its own, unless it is being done."""
        helper = self._helpers.get(name)
        if helper is None or not helper.is_alive():
            self._helpers[name] = helper = threading.Thread(target=work, name=name, daemon=True)
            helper.start()

    def _maintain(self) -> None:
        """Seal and merge."""
        with guard("maintenance"):
            self.store().maintain(is_stopped=self._stop.is_set)

    def _maintain_backlog(self) -> None:
        """The record has just begun: seal and merge if others have left much to do."""
        with guard("maintenance"):
            if self._has_backlog():
                self._maintain()

    def _has_backlog(self) -> bool:
        return not self.store().backend.is_remote and self.store().has_backlog()

    def _halt(self) -> None:
        """Stop the threads; they start again when there is something to do."""
        self._stop.set()
        self._wake.set()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(timeout=5.0)
        for helper in list(self._helpers.values()):
            if helper is not threading.current_thread():
                helper.join(timeout=5.0)
        self._thread = None
        self._helpers.clear()

    def _run_tasks(self, is_stopped: Callable[[], bool] = lambda: False) -> None:
        with self._task_lock:
            outer, self._working = self._working, threading.get_ident()
            try:
                while self._tasks and not is_stopped():
                    task, size_bytes = self._tasks.popleft()
                    with guard("writer thread"):
                        task()
                    self._task_bytes -= size_bytes
            finally:
                self._working = outer

    def _drain(self) -> None:
        """Hand what waits to the journal; put it back if the journal cannot take it. The flush lock is held."""
        self._flushed_at = time.monotonic()
        self._ask_sources()
        patches = self._patches[: len(self._patches)]
        points = bytes(self._points[: len(self._points)])
        if not patches and not points:
            return
        del self._patches[: len(patches)]
        del self._points[: len(points)]
        with self._names_lock:
            runs, self._new_runs = self._new_runs, {}
            keys, self._new_keys = self._new_keys, {}
        try:
            if self._writer is None:
                self._writer = self.store().new_writer()
            self._writer.write(runs, keys, patches, points)
        except BaseException:
            self._patches[:0] = patches
            self._points[:0] = points
            with self._names_lock:
                self._new_runs, self._new_keys = {**runs, **self._new_runs}, {**keys, **self._new_keys}
            raise

    def _ask_sources(self) -> None:
        self._asking = threading.get_ident()
        try:
            for source in tuple(self._sources):
                with guard("writer thread"):
                    source()
        finally:
            self._asking = 0

    def _number(self, name: str, known: dict[str, int]) -> int:
        number = known.get(name)
        if number is None:
            with self._names_lock:
                number = known.get(name)
                if number is None:
                    number = len(known)
                    # Announced before it can be used: a drain takes the points first and the names after them.
                    (self._new_runs if known is self._runs else self._new_keys)[number] = name
                    known[name] = number
        return number

    def _drop(self, count: int) -> None:
        self.dropped += count
        tell_once(
            "dropped",
            f"autotrack cannot write to {self.root} and its memory for records is full: newer ones are dropped.",
        )

    # ---- fork

    def before_fork(self) -> None:
        """Stop the thread, so that the child inherits nothing half done."""
        self._halt()

    def after_fork(self) -> None:
        """In the child: forget what the parent will write, and its journal."""
        if self._writer is not None:
            self._writer.abandon()
        self._reset()


def settle() -> None:
    """Somebody is about to read. What is recorded meanwhile may lead here again, and then nothing is left to do."""
    if not getattr(_settling, "is_on", False):
        _settling.is_on = True
        try:
            for each in tuple(settlers):
                with guard("settling"):
                    each()
        finally:
            _settling.is_on = False


def now_us() -> int:
    """Microseconds since 1970, UTC."""
    return time.time_ns() // 1000


def _before_fork() -> None:
    for buffer in list(_buffers):
        with guard("fork"):
            buffer.before_fork()


def _after_fork() -> None:
    for buffer in list(_buffers):
        with guard("fork"):
            buffer.after_fork()


def _after_fork_in_parent() -> None:
    for buffer in list(_buffers):
        with guard("fork"):
            if buffer._patches or buffer._points or buffer._tasks:
                buffer._mark()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before_fork, after_in_child=_after_fork, after_in_parent=_after_fork_in_parent)
