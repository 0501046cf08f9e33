"""await event.wait_async(): as wait(), without blocking the event loop."""

import asyncio
import contextlib
import math
import os
import signal
import time

import pytest
from loops import LOOPS, begin, run, threads, until, until_asleep
from processes import until_stopped, worker

from systemevent import SystemEvent

pytestmark = pytest.mark.one_mode


@pytest.fixture(params=LOOPS)
def in_loop(request):
    """A function that runs a coroutine function in a loop; no thread is left behind."""
    yield lambda function, *args: run(LOOPS[request.param], function, *args)
    for thread in threads():
        thread.join()


@pytest.fixture
def events(new_name):
    """A function that makes so many events."""
    with contextlib.ExitStack() as stack:
        yield lambda count: [stack.enter_context(SystemEvent(new_name())) for _ in range(count)]


def pulse(*events):
    """set() and clear() at once, of each."""
    for event in events:
        event.set()
        event.clear()


def test_set(in_loop, event):
    """On an event that is set it returns True at once, without a turn of the loop or a thread."""

    async def main():
        turns = []
        asyncio.get_running_loop().call_soon(turns.append, 1)
        assert await event.wait_async() is True
        assert await event.wait_async(0) is True
        assert turns == []
        assert threads() == []

    event.set()
    in_loop(main)


@pytest.mark.parametrize("timeout", [0, -1, -0.5, math.nan, False, -math.inf])
def test_does_not_block(in_loop, event, timeout):
    """Nor on a clear one, if the timeout is not positive: False."""

    async def main():
        assert await event.wait_async(timeout) is False
        assert threads() == []

    in_loop(main)


@pytest.mark.parametrize("timeout", [0.0001, 0.0105, 0.05])
def test_timeout(in_loop, event, timeout):
    """False, never before the timeout has passed."""

    async def main():
        for _ in range(10):
            begin = time.monotonic()
            assert await event.wait_async(timeout) is False
            assert time.monotonic() - begin >= timeout

    in_loop(main)


@pytest.mark.parametrize(
    ("timeout", "error"),
    [
        ("1", (TypeError, "'>' not supported between instances of 'str' and 'int'")),
        (1e300, (OverflowError, "timeout value is too large")),
        (math.inf, (OverflowError, "timeout value is too large")),
    ],
)
def test_bad_timeout(in_loop, event, timeout, error):
    """A bad timeout raises what wait() raises."""

    async def main():
        with pytest.raises(error[0]) as asynchronous:
            await event.wait_async(timeout)
        with pytest.raises(error[0]) as blocking:
            event.wait(timeout)
        assert str(asynchronous.value) == str(blocking.value) == error[1]

    in_loop(main)


def test_long_timeout(in_loop, event):
    """The longest timeout of wait() is one of wait_async(), too."""

    async def main():
        (task,) = await begin(event.wait_async(9_000_000_000.0))
        await until_asleep(1)
        event.set()
        assert await task is True

    in_loop(main)


def test_other_process(in_loop, event):
    """Another process sets it."""

    async def main():
        (task,) = await begin(event.wait_async())
        await until_asleep(1)
        with worker(event.set):
            assert await task is True

    in_loop(main)


def test_loop_goes_on(in_loop, event):
    """The loop runs other tasks meanwhile."""

    async def main():
        (task,) = await begin(event.wait_async())
        await until_asleep(1)
        for _ in range(100):
            await asyncio.sleep(0)
        assert not task.done()
        event.set()
        assert await task is True

    in_loop(main)


def test_pulse(in_loop, events):
    """A pulse releases everybody who waits for that event, and nobody else."""

    async def main():
        one, other = events(2)
        tasks = await begin(*(one.wait_async() for _ in range(100)))
        (spared,) = await begin(other.wait_async())
        await until_asleep(1)
        pulse(one)
        assert await asyncio.gather(*tasks) == [True] * 100
        assert not spared.done()
        assert len(threads()) == 1
        pulse(other)
        assert await spared is True

    in_loop(main)


def test_pulse_at_once(in_loop, event):
    """A pulse directly after the wait has begun, before anybody sleeps, is not missed."""

    async def main():
        (task,) = await begin(event.wait_async(60))
        pulse(event)
        assert await task is True

    in_loop(main)


def test_pulse_before(in_loop, event):
    """A pulse that is over releases nobody who begins after it, though its report is on the way."""

    async def main():
        for _ in range(50):
            (early,) = await begin(event.wait_async())
            await until_asleep(1)
            pulse(event)
            (late,) = await begin(event.wait_async())
            assert await early is True
            await asyncio.sleep(0)
            assert not late.done()
            late.cancel()

    in_loop(main)


def test_pulse_between_two_that_begin(in_loop, event):
    """Two waits begin in one turn of the loop, with a pulse in between: it is the first one's."""

    async def main():
        early = asyncio.ensure_future(event.wait_async())
        asyncio.get_running_loop().call_soon(pulse, event)
        late = asyncio.ensure_future(event.wait_async())
        assert await early is True
        await until_asleep(1)
        assert not late.done()
        late.cancel()

    in_loop(main)


def test_pulse_while_the_loop_is_busy(in_loop, events):
    """The same if the thread has something else to report, and the loop has no time for it."""

    async def main():
        one, other = events(2)
        early = await begin(one.wait_async(), other.wait_async())
        await until_asleep(1)
        other.set()
        end = time.monotonic() + 0.05
        while time.monotonic() < end:
            pass
        pulse(one)
        late = asyncio.ensure_future(one.wait_async())
        assert await asyncio.gather(*early) == [True, True]
        await until_asleep(1)
        assert not late.done()
        late.cancel()

    in_loop(main)


def test_pulse_while_stopped(event):
    """A pulse while the whole process is stopped is not missed."""

    def child():
        async def main():
            (task,) = await begin(event.wait_async())
            await until_asleep(1)
            os.kill(os.getpid(), signal.SIGSTOP)
            return await task

        return run(asyncio.new_event_loop, main)

    with worker(child) as stopped:
        until_stopped(stopped.pid)
        pulse(event)
        stopped.signal(signal.SIGCONT)
        assert stopped.result() is True


def test_two_objects(in_loop, event):
    """Two objects of one name are one event: one wait each, one thread."""

    async def main():
        with SystemEvent(event.name) as same:
            tasks = await begin(event.wait_async(), same.wait_async())
            await until_asleep(1)
            pulse(event)
            assert await asyncio.gather(*tasks) == [True, True]

    in_loop(main)


def test_close(in_loop, event):
    """A wait that has begun goes on when the event is closed, also for those who stay behind."""

    async def main():
        with SystemEvent(event.name) as same:
            tasks = await begin(same.wait_async(), same.wait_async())
            await until_asleep(1)
        with pytest.raises(ValueError, match="closed"):
            await same.wait_async()
        tasks.pop().cancel()
        pulse(event)
        assert await tasks[0] is True

    in_loop(main)


def test_ten_thousand(in_loop, events):
    """10,000 pending waits on 50 events: one thread, and a pulse of each releases them all."""

    async def main():
        fifty = events(50)
        tasks = await begin(*(fifty[i % 50].wait_async() for i in range(10_000)))
        await until_asleep(1)
        pulse(*fifty)
        assert await asyncio.gather(*tasks) == [True] * 10_000
        await until(lambda: threads() == [], "the thread has ended")

    in_loop(main)


def test_threads(in_loop, events):
    """One thread for up to 63 events, one more for each further 63, none for none."""

    async def main():
        many = events(127)
        tasks = await begin(*(event.wait_async() for event in many[:63]))
        await until_asleep(1)
        tasks += await begin(many[63].wait_async())
        await until_asleep(2)
        tasks += await begin(*(event.wait_async() for event in many[64:]))
        await until_asleep(3)
        for task in tasks[:1]:
            task.cancel()
        await until_asleep(2)
        for task in tasks[5:68]:
            task.cancel()
        await until_asleep(1)
        left = tasks[1:5] + tasks[68:]
        pulse(*many)
        assert await asyncio.gather(*left) == [True] * 63
        await until_asleep(0)

    in_loop(main)


def test_event_loop_needed(event):
    """Outside of an event loop: RuntimeError."""
    coroutine = event.wait_async()
    with pytest.raises(RuntimeError, match="no running event loop"):
        coroutine.send(None)


def test_older_kernel(in_loop, event, monkeypatch):
    """On a kernel that sleeps on one word only: OSError, whatever the state of the event."""
    from systemevent import _word

    message = (
        r"\[Errno 38\] waiting for any of several events needs futex_waitv \(Linux 5.16 or newer, "
        r"and no sandbox that forbids it\)"
    )

    async def main():
        with pytest.raises(OSError, match=message):
            await event.wait_async()

    _word.sleep_on_value_only(True)
    in_loop(main)
    event.set()
    in_loop(main)
