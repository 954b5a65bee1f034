"""Only the outermost call counts, per thread and task."""

import asyncio
import threading

from autotrack.hooks import Carried, Scope, inside


def test_scope_inside_a_scope_is_not_outermost():
    with Scope() as outer:
        with Scope() as inner:
            assert (outer.is_outermost, inner.is_outermost) == (True, False)
            assert inside() is inner
        assert inside() is outer
    assert inside() is None


def test_thread_starts_outside_and_can_be_handed_the_scope():
    seen = []

    def work(carried, scope):
        seen.append(inside())
        with carried.here():
            seen.append(inside())
        seen.append(inside())

    with Scope() as scope:
        thread = threading.Thread(target=work, args=(Carried(), scope))
        thread.start()
        thread.join()
    assert seen == [None, scope, None]


def test_tasks_do_not_see_each_others_scopes():
    async def work(event):
        with Scope() as scope:
            event.set()
            await asyncio.sleep(0.01)
            return scope.is_outermost

    async def main():
        event = asyncio.Event()
        first = asyncio.create_task(work(event))
        await event.wait()
        return await asyncio.gather(first, work(event))

    assert asyncio.run(main()) == [True, True]
