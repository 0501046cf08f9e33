"""await event.wait_async() for events on a Redis server."""

import asyncio
import math
import os
import time

import pytest
from loops import LOOPS, begin, until
from processes import DEADLINE, worker
from redis_loops import blocked, events_on, pulse, runner
from redis_server import ports_of

from systemevent import SystemEvent, _redis_aio, unlink
from systemevent._redis_aio_connections import Connections

pytestmark = [pytest.mark.one_mode, pytest.mark.one_python]


@pytest.fixture(autouse=True)
def server(redis_server, monkeypatch):
    """The server of the events; nobody is left blocking there."""
    with events_on(redis_server, monkeypatch) as one:
        yield one


@pytest.fixture(params=LOOPS)
def in_loop(request):
    """A function that runs a coroutine function in a loop; no connection is left behind."""
    return runner(request.param)


# ---- as wait() -------------------------------------------------------------------------------


def test_set(in_loop, event):
    """Of an event that is set: True."""

    async def main():
        assert await event.wait_async() is True
        assert await event.wait_async(0) is True

    event.set()
    in_loop(main)


@pytest.mark.parametrize("timeout", [0, -1, -0.5, math.nan, False, -math.inf])
def test_does_not_block(in_loop, event, timeout):
    """Of a clear one, if the timeout is not positive: False."""

    async def main():
        assert await event.wait_async(timeout) is False

    in_loop(main)


@pytest.mark.parametrize("timeout", [0.0001, 0.0105, 0.05])
def test_timeout(in_loop, event, timeout):
    """False, never before the timeout has passed."""

    async def main():
        for _ in range(5):
            start = time.monotonic()
            assert await event.wait_async(timeout) is False
            assert time.monotonic() - start >= timeout

    in_loop(main)


@pytest.mark.parametrize("timeout", ["1", 1e300, math.inf])
def test_bad_timeout(in_loop, event, timeout):
    """A bad timeout raises what wait() raises."""

    async def main():
        with pytest.raises((TypeError, OverflowError)) as asynchronous:
            await event.wait_async(timeout)
        with pytest.raises((TypeError, OverflowError)) as blocking:
            event.wait(timeout)
        assert repr(asynchronous.value) == repr(blocking.value)

    in_loop(main)


def test_a_timeout_that_is_no_float(in_loop, event):
    """A set event does not look at it, also if others are asked for at that moment."""

    async def main():
        waits = [event.wait_async(10**400) for _ in range(3)]
        assert await asyncio.gather(*waits) == [True] * 3

    event.set()
    in_loop(main)


def test_no_event(in_loop, event, server):
    """A key that holds something else: ValueError, as wait()."""

    async def main():
        with server.client() as client:
            client.set(f"systemevent:{event.name}", "mine")
        with pytest.raises(ValueError, match="holds something else") as asynchronous:
            await event.wait_async()
        with pytest.raises(ValueError, match="holds something else") as blocking:
            event.wait()
        assert str(asynchronous.value) == str(blocking.value)
        with server.client() as client:
            client.delete(f"systemevent:{event.name}")

    in_loop(main)


def test_closed(in_loop, event, server):
    """A wait goes on when the event is closed; none begins then."""

    async def main():
        with SystemEvent(event.name) as same:
            (task,) = await begin(same.wait_async())
            await blocked(server, 1)
        with pytest.raises(ValueError, match="closed"):
            await same.wait_async()
        pulse(event)
        assert await task is True

    in_loop(main)


# ---- pulses ----------------------------------------------------------------------------------


def waiters():
    """How many wait for the end of each XREAD that is under way."""
    (shared,) = _redis_aio._known.values()
    return [len(one.waiters) for one in shared._blocked.values()]


def test_other_process(in_loop, event, server):
    """Another process sets it, while the loop goes on."""

    async def main():
        (task,) = await begin(event.wait_async())
        await blocked(server, 1)
        for _ in range(100):
            await asyncio.sleep(0)
        assert not task.done()
        with worker(event.set):
            assert await task is True

    in_loop(main)


def test_pulse(in_loop, new_events, server):
    """A pulse releases all who wait for that event, by one XREAD, and nobody else."""

    async def main():
        one, other = new_events(2)
        tasks = await begin(*(one.wait_async() for _ in range(100)))
        (spared,) = await begin(other.wait_async())
        await blocked(server, 2)
        pulse(one)
        assert await asyncio.gather(*tasks) == [True] * 100
        assert not spared.done()
        pulse(other)
        assert await spared is True

    in_loop(main)


def test_pulse_of_a_joined_block(in_loop, event, server):
    """Who begins while others block already is released with them, by a pulse as well."""

    async def main():
        tasks = []
        for i in range(1, 6):
            tasks += await begin(event.wait_async(), event.wait_async(DEADLINE))
            await until(lambda i=i: waiters() == [2 * i], "all have looked, and wait")
            await blocked(server, 1)
        pulse(event)
        assert await asyncio.gather(*tasks) == [True] * 10

    in_loop(main)


def test_pulse_before(in_loop, event, server):
    """A pulse that is over releases nobody who begins after it, though its news are on the way."""

    async def main():
        for _ in range(20):
            (early,) = await begin(event.wait_async())
            await blocked(server, 1)
            pulse(event)
            (late,) = await begin(event.wait_async())
            assert await early is True
            await blocked(server, 1)
            assert not late.done()
            late.cancel()
            await asyncio.wait([late])

    in_loop(main)


def test_unlinked_before(in_loop, event, server):
    """Nor does a set() that an unlink() has undone."""

    async def main():
        (early,) = await begin(event.wait_async())
        await blocked(server, 1)
        event.set()
        unlink(event.name)
        (late,) = await begin(event.wait_async(0.05))
        assert await early is True
        assert await late is False

    in_loop(main)


def test_news_from_before_a_look(in_loop, event, server, monkeypatch):
    """Nor do news that are on their way for longer than a look takes, though the key was deleted
    meanwhile, and who begins blocks behind the same id again."""
    gate = []
    block = Connections.block

    async def block_with_delay(self, command, seconds):
        answer = await block(self, command, seconds)
        await until(lambda: gate, "the news arrive")
        return answer

    async def main():
        (early,) = await begin(event.wait_async())
        await blocked(server, 1)
        event.set()
        with server.client() as client:
            client.delete(f"systemevent:{event.name}")
        (late,) = await begin(event.wait_async(0.5))
        await until(lambda: waiters() == [2], "both wait for the same news")
        gate.append(1)
        assert await early is True
        assert await late is False

    monkeypatch.setattr(Connections, "block", block_with_delay)
    in_loop(main)


def test_pulses_of_many(in_loop, event):
    """While somebody pulses on and on, all who wait again and again are released."""

    async def main():
        async def again():
            return [await event.wait_async(DEADLINE) for _ in range(10)]

        tasks = await begin(*(again() for _ in range(20)))
        while not all(task.done() for task in tasks):
            pulse(event)
            await asyncio.sleep(0)
        assert await asyncio.gather(*tasks) == [[True] * 10] * 20

    in_loop(main)


def test_timeouts_and_releases(in_loop, event):
    """Timeouts and releases at the same time: everybody gets an answer, and none is early."""

    async def main():
        async def wait(timeout):
            start = time.monotonic()
            result = await event.wait_async(timeout)
            return result, time.monotonic() - start >= timeout

        for _ in range(10):
            tasks = await begin(*(wait(0.001 * (1 + i % 5)) for i in range(30)))
            await asyncio.sleep(0.002)
            pulse(event)
            for result, is_over in await asyncio.gather(*tasks):
                assert result or is_over

    in_loop(main)


def test_ten_thousand(in_loop, new_events, server):
    """10,000 waits on 50 events: 50 connections, and a pulse of each releases them all."""

    async def main():
        fifty = new_events(50)
        before = ports_of(os.getpid())
        tasks = await begin(*(fifty[i % 50].wait_async() for i in range(10_000)))
        await blocked(server, 50)
        assert len(ports_of(os.getpid()) - before) < 60
        pulse(*fifty)
        assert await asyncio.gather(*tasks) == [True] * 10_000

    in_loop(main)
