"""wait_async() while the Redis server is away, silent, or back again."""

import asyncio
import contextlib
import errno
import signal
import socket
import time

import pytest
from loops import LOOPS, begin, until
from processes import DEADLINE
from redis_loops import blocked, events_on, pulse, runner
from redis_server import PATIENT, Server

from systemevent import (
    SystemEvent,
    _redis_aio,
    _redis_aio_connections,
    _redis_aio_limit,
    _redis_waits,
)

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


@pytest.fixture
def own_server():
    """A server that a test may stop and restart, and that keeps its data."""
    options = "--save", "", "--appendonly", "yes", "--appendfsync", "always"
    with Server(*options, patience=PATIENT) as one:
        yield one


def test_outage(in_loop, new_name, own_server):
    """A wait rides out an outage, and sees a pulse that falls into it."""

    async def main():
        with SystemEvent(new_name(), url=own_server.url) as event:
            tasks = await begin(event.wait_async(), event.wait_async(DEADLINE))
            await blocked(own_server, 1)
            own_server.kill()
            own_server.start()
            pulse(event)
            assert await asyncio.gather(*tasks) == [True, True]
            (task,) = await begin(event.wait_async())
            await blocked(own_server, 1)
            own_server.kill()
            await asyncio.sleep(0.05)
            assert not task.done()
            own_server.start()
            await blocked(own_server, 1)
            assert not task.done()
            event.set()
            assert await task is True

    in_loop(main)


def test_long_questions_to_a_stopped_server(in_loop, new_name, own_server):
    """Nor does it hang if the server reads nothing of a long question."""

    async def main():
        with contextlib.ExitStack() as stack:
            url = own_server.url
            events = [stack.enter_context(SystemEvent(new_name(), url=url)) for _ in range(300)]
            for event in events:
                event._key += b"." * 30_000  # 9 MB, more than all buffers take
            events[0]._server.answer = 0.2  # of all; from now on
            own_server.stop()
            try:
                tasks = await begin(*(event.wait_async(0.3) for event in events))
                results = await asyncio.gather(*tasks, return_exceptions=True)
            finally:
                own_server.go_on()
            assert {type(each) for each in results} == {TimeoutError}

    in_loop(main)


def test_outage_at_the_deadline(in_loop, new_name, own_server, monkeypatch):
    """If the server cannot be asked when the time has passed, it raises what wait() raises."""
    ahead = [0]
    monkeypatch.setattr(_redis_waits, "monotonic_ns", lambda: time.monotonic_ns() + ahead[0])

    async def main():
        with SystemEvent(new_name(), url=own_server.url) as event:
            tasks = await begin(*(event.wait_async(DEADLINE) for _ in range(3)))
            await blocked(own_server, 1)
            (shared,) = _redis_aio._known.values()
            own_server.kill()
            await until(lambda: not shared._blocked, "the outage is noticed")
            await asyncio.sleep(0)  # in which all three are told: what they try now is refused
            ahead[0] = int(DEADLINE * 10**9)  # the time has passed
            results = await asyncio.gather(*tasks, return_exceptions=True)
            with pytest.raises(ConnectionError) as blocking:
                event.wait(0)
            assert [str(each) for each in results] == [str(blocking.value)] * 3
            assert {type(each) for each in results} == {ConnectionError}
            assert len(set(map(id, results))) == 3
            own_server.start()

    in_loop(main)


def test_a_host_with_two_addresses(name, own_server, monkeypatch):
    """If both refuse, it raises what wait() raises, and not asyncio's list of all."""

    def two_addresses(*_, **__):
        kind = socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, ""
        return [(*kind, (host, own_server.port)) for host in ("127.0.0.2", "127.0.0.1")]

    url = own_server.url.replace("127.0.0.1", "localhost")
    with monkeypatch.context() as patch, SystemEvent(name, url=url) as event:
        patch.setattr(socket, "getaddrinfo", two_addresses)
        own_server.kill()
        with pytest.raises(ConnectionError) as blocking:
            event.wait(0)
        with pytest.raises(ConnectionError) as other:
            asyncio.run(event.wait_async(0))
    assert other.value.args == blocking.value.args
    assert other.value.errno == errno.ECONNREFUSED


def test_stopped_server(in_loop, new_name, own_server):
    """A server that does not answer is no answer: TimeoutError, and the loop goes on meanwhile."""

    async def main():
        with (
            SystemEvent(new_name(), url=own_server.shown) as hasty,
            SystemEvent(new_name(), url=own_server.url) as patient,
        ):
            own_server.stop()
            try:
                task, other = await begin(hasty.wait_async(0.2), patient.wait_async(0.2))
                for _ in range(100):
                    await asyncio.sleep(0)
                assert not other.done()  # it may take a minute, also of a loop that it blocks
                with pytest.raises(TimeoutError, match="no answer in time"):
                    await task
            finally:
                own_server.go_on()
            assert await other is False

    in_loop(main)


def test_idle_connections_that_were_cut(in_loop, new_events, server):
    """A connection that the server has closed meanwhile is no reason for an error."""

    async def main():
        one, other = new_events(2)
        (task,) = await begin(one.wait_async())
        await blocked(server, 1)
        assert await other.wait_async(0) is False
        with server.client() as client:
            client.client_kill_filter(_type="normal", skipme=True)
        assert await other.wait_async(0) is False
        pulse(one)
        assert await task is True

    in_loop(main)


def test_a_node_that_hangs(in_loop, new_name):
    """Of a cluster's nodes, one that hangs is not asked again before the others are.

    (Two servers of their own stand for the nodes: the second has taken over.)
    """

    async def main():
        options = "--save", ""
        with Server(*options, patience=PATIENT) as one, Server(*options, patience=PATIENT) as two:
            hosts = f"127.0.0.1:{one.port},127.0.0.1:{two.port}"
            name = new_name()
            with SystemEvent(name, url=f"redis+cluster://{hosts}{PATIENT}") as event:
                event._server.answer = 0.3  # who hangs costs that
                (task,) = await begin(event.wait_async())
                await until(lambda: one.blocked_ports() or two.blocked_ports(), "it blocks")
                # The second one, if the first was too slow for it.
                hung, other = (one, two) if one.blocked_ports() else (two, one)
                hung.stop()
                with SystemEvent(name, url=other.url) as elsewhere:
                    elsewhere.set()
                assert await event.wait_async(DEADLINE) is True
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)

    in_loop(main)


def test_all_idle_connections_were_closed(in_loop, new_events, server):
    """When the server has closed all connections, a new one is asked, however many there were."""

    async def main():
        stays, *events = new_events(9)
        (task,) = await begin(stays.wait_async())
        waits = await begin(*(event.wait_async() for event in events))
        await blocked(server, 9)
        for event in events:
            event.set()
        assert await asyncio.gather(*waits) == [True] * 8
        with server.client() as client:
            client.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
        assert await stays.wait_async(0) is False
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    in_loop(main)


def test_who_joins_when_the_last_one_leaves(in_loop, new_events, server):
    """A wait that begins to block in the turn in which the last one is cancelled has an XREAD."""

    async def main():
        (event,) = new_events(1)
        (first,) = await begin(event.wait_async())
        await blocked(server, 1)
        (shared,) = _redis_aio._known.values()
        answered = shared._answered
        second = asyncio.ensure_future(event.wait_async())
        while shared._answered == answered:
            await asyncio.sleep(0)
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)
        await blocked(server, 1)
        assert len(shared._blocked) == 1
        event.set()
        assert await second is True

    in_loop(main)


#: After so many turns of the loop, a wait that does not block has ended.
TURNS = 10


@pytest.mark.parametrize("is_connected", [True, False])
def test_answers_that_come_while_the_loop_is_busy(
    in_loop, new_events, server, monkeypatch, is_connected
):
    """A program that blocks its loop for longer than an answer may take, is told the answer.

    Whenever it does so: before the question, after it, and while the server is connected to.
    """
    for module in (_redis_aio_connections, _redis_aio_limit):
        monkeypatch.setattr(module, "LATE", DEADLINE)  # for handing it on
        monkeypatch.setattr(module, "GRACE", DEADLINE)
    monkeypatch.setenv("SYSTEMEVENT_URL", f"{server.shown}?grace=0.2")

    async def main():
        event, other = new_events(2)
        event.set()
        stays = await begin(other.wait_async()) if is_connected else []
        await blocked(server, len(stays))
        for turns in range(TURNS):
            task = asyncio.ensure_future(event.wait_async(0))
            for _ in range(turns):
                await asyncio.sleep(0)
            time.sleep(0.25)
            assert await task is True
        other.set()
        await asyncio.gather(*stays)

    in_loop(main)


def test_a_look_that_comes_after_one_without_an_answer(in_loop, new_name, own_server, monkeypatch):
    """It is limited by its own wait, and not by the batches before it and with it."""
    monkeypatch.setattr(_redis_waits, "HEARTBEAT", 0.5)
    monkeypatch.setattr(_redis_waits, "uniform", lambda least, most: most)
    url = own_server.shown + "?socket_timeout=3"
    late = []

    async def watch():
        while True:
            due = time.monotonic() + 0.01
            await asyncio.sleep(0.01)
            late.append(time.monotonic() - due)

    def overslept():
        """Seconds by which this machine was late; a wait gives an answer as much again."""
        return 2 * sum(each for each in late if each > _redis_waits.LATE)

    async def main():
        watching = asyncio.ensure_future(watch())
        with SystemEvent(new_name(), url=url) as one, SystemEvent(new_name(), url=url) as other:
            (first,) = await begin(one.wait_async())
            await blocked(own_server, 1)
            (second,) = await begin(other.wait_async(6.7))
            await blocked(own_server, 2)
            begun = time.monotonic()
            own_server.stop()
            try:
                with pytest.raises(TimeoutError, match="no answer in time"):
                    await second
                await asyncio.sleep(0.01)  # for what it has overslept just now
                took = time.monotonic() - begun
                assert took - overslept() < 6.7 + _redis_waits.GRACE + 1
            finally:
                own_server.go_on()
            first.cancel()
            watching.cancel()
            await asyncio.gather(first, watching, return_exceptions=True)

    in_loop(main)


def test_errors_are_copied(in_loop, new_name, server, monkeypatch):
    """Each wait raises an exception of its own, also where there is none of redis-py's."""

    async def fails(*_):
        raise ValueError("no option")

    monkeypatch.setattr(_redis_aio_connections, "_connected", fails)

    async def main():
        with SystemEvent(new_name()) as event:
            waits = (event.wait_async() for _ in range(100))
            results = await asyncio.gather(*waits, return_exceptions=True)
            assert {(type(each), *each.args) for each in results} == {(ValueError, "no option")}
            assert len(set(map(id, results))) == 100

    in_loop(main)


def test_connections_that_are_not_needed_any_more(in_loop, new_events, server, monkeypatch):
    """They are closed also while a wait goes on."""
    monkeypatch.setattr(_redis_aio_connections, "LONGEST_IDLE", 0.2)

    async def main():
        stays, *events = new_events(50)
        (task,) = await begin(stays.wait_async())
        waits = await begin(*(event.wait_async() for event in events))
        await blocked(server, 50)
        for event in events:
            event.set()
        assert await asyncio.gather(*waits) == [True] * 49
        events[0].clear()
        end = time.monotonic() + DEADLINE
        while len(_redis_aio_connections._open) > 3:
            assert time.monotonic() < end
            assert await events[0].wait_async(0) is False
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    in_loop(main)


def test_ctrl_c_in_a_shared_task(event, monkeypatch):
    """It comes out of the loop once; the waits go on when the loop does."""

    async def interrupted(self, *args):
        monkeypatch.setattr(_redis_aio_connections.Connections, "block", block)
        signal.raise_signal(signal.SIGINT)

    block = _redis_aio_connections.Connections.block
    monkeypatch.setattr(_redis_aio_connections.Connections, "block", interrupted)
    loop = asyncio.new_event_loop()
    waits = asyncio.gather(*(loop.create_task(event.wait_async()) for _ in range(3)))
    with pytest.raises(KeyboardInterrupt):
        loop.run_until_complete(waits)
    event.set()
    assert loop.run_until_complete(waits) == [True] * 3
    loop.close()
