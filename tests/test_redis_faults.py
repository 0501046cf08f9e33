"""The network to a Redis server is cut, silent or slow, or the server hangs."""

import asyncio
import signal
import threading
import time

import pytest
from processes import DEADLINE, until, until_stopped, worker, workers
from redis_proxy import Proxy
from redis_server import PATIENT, VOLATILE, Server, hurried, no_server
from surroundings import need

from systemevent import (
    SystemEvent,
    _redis_connection,
    _redis_session,
    _redis_waits,
    list_events,
    wait_all,
    wait_any,
)

pytestmark = [pytest.mark.one_mode, pytest.mark.one_python]

#: However late anybody is on a busy machine: that is no outage, and not what is looked for.
LATE = "?socket_timeout=60"
#: Seconds in which a wait ends that does not wait so long for an answer.
SOON = 30


@pytest.fixture(autouse=True)
def possible():
    need(no_server())


@pytest.fixture
def server():
    """A server of this test."""
    with Server(*VOLATILE) as one:
        yield one


@pytest.fixture
def proxy(server):
    """The network to the server."""
    with Proxy(server.port) as one:
        yield one


@pytest.fixture
def near(server, name):
    """The event, for who is near the server: nothing happens to that network."""
    return SystemEvent(name, url=server.url)


@pytest.fixture
def far(proxy, name):
    """The same event, behind the network; nobody waits long for answers."""
    return hurried(SystemEvent(name, url=proxy.url(LATE)), 1.0)


def pulse(event):
    event.set()
    event.clear()


def test_a_pulse_during_an_outage_is_seen_after_it(server, proxy, near, far):
    """Who is cut off sees, when it is back, that there was a set() meanwhile."""
    with workers(3, far.wait) as waiters:
        server.until_blocked(3)
        proxy.refuse()
        proxy.cut()
        server.until_blocked(0)
        pulse(near)
        proxy.accept()
        assert [one.result() for one in waiters] == [True] * 3


def test_a_pulse_of_several_events_during_an_outage(server, proxy, new_name):
    """wait_any says which of its events were set while it was cut off."""
    names = [new_name() for _ in range(3)]
    far = [SystemEvent(name, url=proxy.url()) for name in names]
    with worker(lambda: [one.name for one in wait_any(far)]) as waiter:
        server.until_blocked(1)
        proxy.refuse()
        proxy.cut()
        server.until_blocked(0)
        for name in names[:2]:
            pulse(SystemEvent(name, url=server.url))
        proxy.accept()
        assert waiter.result() == names[:2]


def test_wait_all_rides_an_outage_out(server, proxy, new_name):
    """wait_all blocks again after an outage, and is released."""
    names = [new_name() for _ in range(2)]
    far = [SystemEvent(name, url=proxy.url()) for name in names]
    with worker(wait_all, far) as waiter:
        server.until_blocked(1)
        proxy.cut()
        for name in names:
            SystemEvent(name, url=server.url).set()
        assert waiter.result() is True


def test_an_outage_alone_ends_no_wait(server, proxy, near, far):
    """Who is cut off waits on; nothing was set."""
    with workers(3, far.wait) as waiters:
        server.until_blocked(3)
        for _ in range(3):
            proxy.cut()
            server.until_blocked(3)
        assert [one.has_answered() for one in waiters] == [False] * 3
        near.set()
        assert [one.result() for one in waiters] == [True] * 3


def test_a_silent_connection_is_noticed_at_the_heartbeat(server, proxy, name, monkeypatch):
    """A connection that is dead without an end: the wait finds another one, and what it missed."""
    monkeypatch.setattr(_redis_waits, "HEARTBEAT", 0.5)
    far = hurried(SystemEvent(name, url=proxy.url(LATE)), 0.5)
    with worker(far.wait) as waiter:
        server.until_blocked(1)
        proxy.hold()
        pulse(SystemEvent(name, url=server.url))
        proxy.forget()
        assert waiter.result() is True


@pytest.mark.parametrize("timeout", [0, 0.3])
def test_a_wait_in_a_black_hole_raises(proxy, name, timeout):
    """A server of which nothing is heard at the deadline: TimeoutError, in time, and not False."""
    far = SystemEvent(name, url=proxy.url(LATE))
    proxy.hold()
    start = time.monotonic()
    with pytest.raises(TimeoutError, match="no answer in time"):
        far.wait(timeout)
    assert timeout <= time.monotonic() - start < SOON


@pytest.mark.parametrize("how", ["wait", "wait_async"])
def test_a_deadline_just_behind_the_heartbeat(proxy, name, monkeypatch, how):
    """A wait that blocks to the heartbeat does not wait for its end longer than to its own."""
    monkeypatch.setattr(_redis_waits, "HEARTBEAT", 1.0)
    far = SystemEvent(name, url=proxy.url(LATE))
    proxy.hold_at = b"XREAD"
    start = time.monotonic()
    with pytest.raises(TimeoutError, match="no answer in time"):
        far.wait(1.1) if how == "wait" else asyncio.run(far.wait_async(1.1))
    assert 1.1 <= time.monotonic() - start < SOON


WAITS = {
    "wait": lambda event: event.wait(0),
    "wait_any": lambda event: bool(wait_any([event], 0)),
    "wait_all": lambda event: wait_all([event], 0),
    "wait_async": lambda event: asyncio.run(event.wait_async(0)),
}


@pytest.mark.parametrize("wait", WAITS.values(), ids=WAITS)
def test_a_slow_server_gets_the_grace_of_the_url(proxy, name, monkeypatch, wait):
    """Whose answers always take longer than usual can be waited for, if the URL says so."""
    monkeypatch.setattr(_redis_waits, "GRACE", 0.1)
    event = SystemEvent(name, url=proxy.url())
    proxy.hold()
    with pytest.raises(TimeoutError, match="no answer in time"):
        wait(event)
    proxy.release()
    proxy.delay = 0.1  # and the same back
    far = SystemEvent(name, url=proxy.url(PATIENT))
    assert wait(far) is False
    far.set()
    assert wait(far) is True


@pytest.mark.parametrize("wait", WAITS.values(), ids=WAITS)
def test_a_dead_server_gets_no_more_grace_than_the_url_says(proxy, name, monkeypatch, wait):
    """Who would rather know soon that nobody answers, can say so, too."""
    monkeypatch.setattr(_redis_waits, "GRACE", 60.0)
    far = SystemEvent(name, url=proxy.url("?grace=0.2&socket_timeout=60"))
    proxy.hold()
    start = time.monotonic()
    with pytest.raises(TimeoutError, match="no answer in time"):
        wait(far)
    assert 0.2 <= time.monotonic() - start < SOON


def test_a_machine_that_stood_still(server, name, monkeypatch):
    """Where waiter and server were both paused, the time is over before anybody could answer."""

    def stand_still(connection, seconds):
        if seconds and not slept:
            slept.append(60)
            threading.Timer(0.1, server.go_on).start()
            return []
        return sleep(connection, seconds)

    slept = []
    sleep = _redis_connection._sleep
    monkeypatch.setattr(_redis_connection, "GRACE", 60.0)
    monkeypatch.setattr(_redis_connection, "monotonic", lambda: time.monotonic() + sum(slept))
    event = SystemEvent(name, url=server.url + "?grace=0.2&socket_timeout=60")
    monkeypatch.setattr(_redis_connection, "_sleep", stand_still)
    server.stop()
    assert event.wait(0) is False
    assert slept


def test_a_black_hole_with_a_password_raises_in_time(name):
    """Also where a connection begins with questions of its own: password and database."""
    with Server(*VOLATILE, "--requirepass", "secret") as server, Proxy(server.port) as proxy:
        url = proxy.url(LATE).replace("//", "//:secret@").replace("/0?", "/1?")
        far = SystemEvent(name, url=url)
        proxy.hold()
        proxy.cut()
        start = time.monotonic()
        with pytest.raises(TimeoutError, match="no answer in time"):
            far.wait(0.3)
        assert time.monotonic() - start < SOON


@pytest.mark.parametrize("call", ["set", "clear", "is_set"])
def test_calls_in_a_black_hole_raise(proxy, far, call):
    """Not acknowledged in time: TimeoutError."""
    proxy.hold()
    with pytest.raises(TimeoutError, match=r"\[Errno 110\] cannot .*: no answer in time"):
        getattr(far, call)()


@pytest.mark.parametrize("call", ["set", "clear", "is_set"])
def test_the_answer_to_a_call_that_has_raised_is_nobodys(proxy, near, far, call):
    """An answer that comes late is not taken for that to the next call."""
    if call != "set":
        near.set()
    proxy.hold()
    with pytest.raises(TimeoutError):
        getattr(far, call)()
    proxy.release()
    until(lambda: near.is_set() == (call != "clear"), "the call arrives")
    hurried(far, DEADLINE)
    assert far.is_set() == near.is_set()
    far.clear()
    assert not far.is_set()


def test_a_stopped_server(server, near, far):
    """Calls raise TimeoutError while it is stopped; when it goes on, so does everything."""
    with workers(3, far.wait) as waiters:
        server.until_blocked(3)
        server.stop()
        with pytest.raises(TimeoutError):
            far.set()
        with pytest.raises(TimeoutError):
            far.is_set()
        server.go_on()
        near.set()
        assert [one.result() for one in waiters] == [True] * 3
        assert hurried(far, DEADLINE).is_set()


@pytest.fixture
def as_it_blocks(monkeypatch):
    """A function: do that as soon as a wait has looked, and goes to block."""

    def at_once(function):
        def block_then(session, *words):
            monkeypatch.setattr(_redis_session.Session, "block", block)
            function()
            return block(session, *words)

        block = _redis_session.Session.block
        monkeypatch.setattr(_redis_session.Session, "block", block_then)

    return at_once


def test_a_server_that_is_stopped_at_the_deadline(server, far, as_it_blocks):
    """A wait that has blocked raises, if it cannot ask at its end."""
    as_it_blocks(server.stop)
    with pytest.raises(TimeoutError, match="no answer in time"):
        far.wait(2)


def test_a_server_that_goes_on_before_the_deadline(server, name, as_it_blocks):
    """It has hung, but answers at the end: False."""
    event = SystemEvent(name, url=server.url + PATIENT)
    going_on = threading.Timer(0.5, server.go_on)

    def hang():
        server.stop()
        going_on.start()

    as_it_blocks(hang)
    assert event.wait(1) is False
    going_on.join()


def test_a_stopped_waiter_misses_no_pulse(server, near, far):
    """A process that is stopped during a set() and a clear() has seen them when it goes on."""
    with worker(far.wait) as waiter:
        server.until_blocked(1)
        waiter.signal(signal.SIGSTOP)
        until_stopped(waiter.pid)
        pulse(near)
        waiter.signal(signal.SIGCONT)
        assert waiter.result() is True


def test_a_slow_network_loses_nothing(server, proxy, near, name):
    """With 200 ms each way, everything means the same: pulses, time-outs, acknowledgements."""
    proxy.delay = 0.2
    far = SystemEvent(name, url=proxy.url(PATIENT))
    with worker(far.wait) as waiter:
        server.until_blocked(1)
        pulse(near)
        assert waiter.result() is True
    far.set()
    assert near.is_set()
    far.clear()
    assert (near.is_set(), far.wait(0.1)) == (False, False)


def test_a_pulse_on_the_way_of_a_slow_wait(server, proxy, near, name):
    """Between a waiter's look and the moment in which the server lets it block, nothing is lost."""
    proxy.delay = 0.2
    far = SystemEvent(name, url=proxy.url())
    with server.client() as client:
        before = _looks(client)
        with worker(far.wait) as waiter:
            until(lambda: _looks(client) > before, "the waiter has looked")
            pulse(near)
            assert waiter.result() is True


def _looks(client):
    return client.info("commandstats")["cmdstat_xrevrange"]["calls"]


def test_a_long_answer_in_pieces(server, proxy, name):
    """What one call has made in a hurry, the next one may use at its leisure."""
    with server.client() as client, client.pipeline() as pipe:
        names = sorted(f"{name}.{'x' * 200}.{i}" for i in range(1000))
        for one in names:
            pipe.xadd(f"systemevent:{one}", {"s": 1})
        pipe.execute()
    far = SystemEvent(name, url=proxy.url(LATE))
    far._server._idle.clear()
    far._server.give_back(*far._server.take(None, 0.3))
    proxy.piece, proxy.delay = 150_000, 0.4
    assert list_events(url=proxy.url(LATE)) == names
    assert proxy.connections == 2, "it has not used that one"
