"""What waits to be done when the process ends is done one after the other, however much it is."""

import threading
from functools import partial

import autotrack
from autotrack import run


def test_tasks_left_at_exit_are_not_begun_inside_each_other(store_path):
    autotrack.enable(store=store_path)
    busy = threading.Lock()
    inside = []

    def task(number):
        if not busy.acquire(blocking=False):
            inside.append(number)
            return
        try:
            opened.set_tags({f"task.{number}": "done"})
        finally:
            busy.release()

    opened = autotrack.start_run("ends with work to do")
    for number in range(500):
        opened.soon(partial(task, number))
    run.recorder().close()
    assert inside == []
    assert len(opened.store.rows([opened.id])[opened.id]["tags"]) >= 500
    opened.finish()
