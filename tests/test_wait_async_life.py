"""What wait_async() leaves behind, however it ends: nothing."""

import asyncio
import gc
import os
import signal
import sys
import threading
import time
import warnings
import weakref

import pytest
from loops import LOOPS, are_asleep, begin, run, serve_one, threads, until, until_asleep
from processes import DEADLINE
from processes import until as until_in_test

from systemevent import SystemEvent

pytestmark = pytest.mark.one_mode


@pytest.fixture(params=LOOPS)
def new_loop(request):
    """A function that makes an event loop; no thread is left behind."""
    yield LOOPS[request.param]
    until_in_test(lambda: threads() == [], "all threads have ended")


def test_cancel(new_loop, event):
    """A cancelled wait is over, its thread ends, and the event can be closed for good."""

    async def main():
        tasks = await begin(*(event.wait_async() for _ in range(3)))
        await until_asleep(1)
        for task in tasks:
            task.cancel()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        assert [type(each) for each in results] == [asyncio.CancelledError] * 3
        await until(lambda: threads() == [], "the thread has ended")

    run(new_loop, main)


def test_cancel_at_once(new_loop, event):
    """Cancelled before it has begun: no thread is ever started."""

    async def main():
        task = asyncio.ensure_future(event.wait_async())
        task.cancel()
        for _ in range(5):
            await asyncio.sleep(0)
            assert threads() == []
        assert task.cancelled()

    run(new_loop, main)


def test_cancel_some(new_loop, event):
    """Of many waits for one event some are cancelled; the others go on."""

    async def main():
        tasks = await begin(*(event.wait_async() for _ in range(100)))
        await until_asleep(1)
        for task in tasks[::2]:
            task.cancel()
        event.set()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        assert [type(each) for each in results[::2]] == [asyncio.CancelledError] * 50
        assert results[1::2] == [True] * 50

    run(new_loop, main)


@pytest.mark.skipif(sys.version_info < (3, 11), reason="asyncio.timeout() is of 3.11")
def test_timeout_context(new_loop, event):
    """asyncio.timeout() ends it with TimeoutError."""

    async def main():
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.02):
                await event.wait_async()
        async with asyncio.timeout(DEADLINE):
            event.set()
            assert await event.wait_async()

    run(new_loop, main)


@pytest.mark.skipif(sys.version_info < (3, 11), reason="asyncio.TaskGroup is of 3.11")
def test_task_group(new_loop, event):
    """A task that fails cancels the waits of its group."""

    async def fail():
        await until_asleep(1)
        raise LookupError

    async def main():
        waits = []

        async def in_group():
            async with asyncio.TaskGroup() as group:
                waits.extend(group.create_task(event.wait_async()) for _ in range(3))
                group.create_task(fail())

        with pytest.raises(ExceptionGroup) as errors:  # noqa: F821 - of 3.11
            await in_group()
        assert [type(each) for each in errors.value.exceptions] == [LookupError]
        assert [wait.cancelled() for wait in waits] == [True] * 3

    run(new_loop, main)


def test_run_twice(new_loop, event):
    """One loop after the other, each with waits that its end cancels."""

    async def main():
        asyncio.ensure_future(event.wait_async())  # nobody keeps it
        (task,) = await begin(event.wait_async())
        await until_asleep(1)
        event.set()
        event.clear()
        assert await task

    for _ in range(3):
        run(new_loop, main)


def test_nobody_keeps_the_task(new_loop, event):
    """A task that nobody else refers to is not collected while it waits."""

    async def main():
        released = []

        async def wait():
            released.append(await event.wait_async())

        asyncio.ensure_future(wait())
        await until_asleep(1)
        gc.collect()
        event.set()
        await until(lambda: released == [True], "the task is released")

    run(new_loop, main)


def test_loop_closed_with_waits(new_loop, event):
    """A loop that is closed although somebody waits: the thread ends, and the loop is collected."""
    loop = new_loop()
    task = loop.create_task(event.wait_async())
    loop.run_until_complete(until_asleep(1))
    loop.set_exception_handler(lambda loop, context: None)  # the task was pending: so it was
    loop.close()
    until_in_test(lambda: threads() == [], "the thread has ended")
    reference = weakref.ref(loop)
    del loop, task
    gc.collect()
    assert reference() is None


def test_loop_dropped_with_waits(event):
    """Nor does a wait keep a loop alive that is just forgotten; the thread ends with it. (uvloop's
    loops are never collected unless they are closed.)"""
    loop = asyncio.new_event_loop()
    loop.create_task(event.wait_async())
    loop.run_until_complete(until_asleep(1))
    loop.set_exception_handler(lambda loop, context: None)
    reference = weakref.ref(loop)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # an unclosed event loop: so it was
        del loop  # from here on, the collector may find it at any moment
        gc.collect()
    assert reference() is None
    until_in_test(lambda: threads() == [], "the thread has ended")


def test_loops_in_threads(new_loop, event):
    """Several loops in several threads: one sleeping thread each, and a pulse is for all."""
    loops = 5
    released = []

    async def main():
        (task,) = await begin(event.wait_async())
        released.append(await task)

    running = [threading.Thread(target=run, args=(new_loop, main)) for _ in range(loops)]
    for thread in running:
        thread.start()
    until_in_test(lambda: are_asleep(loops), "all loops wait")
    event.set()
    event.clear()
    for thread in running:
        thread.join(DEADLINE)
    assert released == [True] * loops


def test_signal_handler_of_the_loop(new_loop, event):
    """A handler that the loop calls may set the event that the loop waits for."""

    async def main():
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGUSR1, event.set)
        try:
            (task,) = await begin(event.wait_async())
            await until_asleep(1)
            os.kill(os.getpid(), signal.SIGUSR1)
            assert await task is True
        finally:
            loop.remove_signal_handler(signal.SIGUSR1)

    run(new_loop, main)


def test_no_cpu(new_loop, event):
    """While nothing happens, the thread sleeps without a break."""

    async def main():
        await begin(*(event.wait_async() for _ in range(100)))
        await until_asleep(1)
        (thread,) = threads()
        path = f"/proc/self/task/{thread.native_id}/status"

        def switches():
            with open(path) as file:
                return [line for line in file if "ctxt_switches" in line]

        async def slept_on():
            before = switches()
            await asyncio.sleep(0.3)
            return switches() == before

        # Who looks now and then never does; a process that was stopped wakes its threads once.
        assert await slept_on() or await slept_on() or await slept_on()

    run(new_loop, main)


def test_mappings(new_loop, name):
    """Nothing of an event stays mapped when its waits are over and it is closed."""

    SystemEvent(name).close()  # as its creator maps it, an object has its private name

    def mapped():
        with open("/proc/self/maps") as file:
            return [line for line in file if name in line]

    async def main():
        with SystemEvent(name) as event:
            (task,) = await begin(event.wait_async())
            await until_asleep(1)
            event.set()
            assert await task
            assert mapped()
        await until(lambda: not mapped(), "the event is given back")

    run(new_loop, main)


def test_time_of_many(new_loop, event):
    """Timeouts and releases at the same time: everybody gets an answer, and none is early."""

    async def main():
        async def wait(timeout):
            begin = time.monotonic()
            result = await event.wait_async(timeout)
            return result, time.monotonic() - begin >= timeout

        for _ in range(20):
            tasks = await begin(*(wait(0.001 * (1 + i % 5)) for i in range(50)))
            await asyncio.sleep(0.002)
            event.set()
            event.clear()
            for result, is_over in await asyncio.gather(*tasks):
                assert result or is_over

    run(new_loop, main)


def test_keeps_no_context(new_loop, event):
    """The variables of the task whose wait is the first in its loop end with the task."""

    async def main():
        one = await asyncio.create_task(serve_one(event, 0.001))
        await until(lambda: threads() == [], "the thread has ended")
        gc.collect()
        assert one() is None

    run(new_loop, main)
