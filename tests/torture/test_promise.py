"""What takes long on our side holds up nothing that is logged: not a model being written, not a table being sealed."""

import threading
import time

import pytest

from autotrack.errors import StoreNotFoundError
from autotrack.run.buffer import Buffer
from autotrack.store import Store, new_id
from workers import eventually


@pytest.fixture
def buffer(tmp_path):
    one = Buffer(tmp_path / "store")
    yield one
    one.close()


def values_of(buffer, run_id):
    try:
        return Store.open(buffer.root).points(run_id, "loss").values
    except StoreNotFoundError:  # its writer makes it with the first thing it writes
        return []


def test_points_are_on_file_while_a_model_is_still_being_written(buffer):
    is_begun, may_end = threading.Event(), threading.Event()

    def save_model():
        is_begun.set()
        may_end.wait(60)

    run_id = new_id()
    buffer.patch(run_id, {"status": "running"})
    buffer.later(save_model)
    buffer.later(lambda: buffer.patch(run_id, {"tags": {"second": "yes"}}))
    assert is_begun.wait(30)
    for step in range(5):
        buffer.points(run_id, [("loss", step, 1.0)], 0)
    eventually(lambda: len(values_of(buffer, run_id)) == 5, "points wait for a model")
    assert Store.open(buffer.root).rows()[run_id]["tags"] == {}
    may_end.set()
    eventually(lambda: Store.open(buffer.root).rows()[run_id]["tags"] == {"second": "yes"}, "a task was forgotten")


def test_points_are_on_file_while_the_store_is_being_maintained(buffer, monkeypatch):
    is_begun, may_end = threading.Event(), threading.Event()

    def maintain(store, **_):
        is_begun.set()
        may_end.wait(60)

    monkeypatch.setattr(Store, "maintain", maintain)
    monkeypatch.setattr(Store, "has_backlog", lambda _: True)
    run_id = new_id()
    buffer.patch(run_id, {"status": "running"})
    assert is_begun.wait(30)
    buffer.points(run_id, [("loss", 0, 1.0)], 0)
    eventually(lambda: values_of(buffer, run_id) == [1.0], "points wait for the sealer")
    may_end.set()


def test_a_fork_waits_until_no_thread_of_ours_is_at_work(buffer):
    import os

    ended = []
    buffer.patch(new_id(), {"status": "running"})
    is_begun = threading.Event()

    def task():
        is_begun.set()
        time.sleep(0.3)
        ended.append(1)

    buffer.later(task)
    assert is_begun.wait(30)
    child = os.fork()
    if child == 0:
        os._exit(0 if ended and threading.active_count() == 1 else 1)
    assert os.waitpid(child, 0)[1] == 0
