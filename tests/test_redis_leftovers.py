"""A call that fails leaves nothing open: no connection waits for the garbage collector."""

import asyncio
import contextlib
import gc
import os
from pathlib import Path

import pytest
from processes import until
from redis_server import PATIENT, VOLATILE, Server, free_port, no_server
from redis_topologies import MASTER, SERVICE, Cluster, sentinel_of
from redis_troubles import TROUBLES
from redis_users import url_of
from surroundings import need

from systemevent import (
    SystemEvent,
    _redis,
    _redis_multi,
    _redis_server,
    list_events,
    unlink,
    wait_all,
    wait_any,
)

pytestmark = [pytest.mark.one_mode, pytest.mark.one_python]


@pytest.fixture(autouse=True)
def no_collector():
    """What refers to itself stays."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.fixture
def possible():
    need(no_server())


def opened():
    """The open descriptors, with what they are; and the servers that somebody keeps.

    Not their numbers: a thread of an earlier test may just be closing its own.
    """
    found = {id(server) for server in _redis_server.Server._known.values()}
    for descriptor in os.listdir("/proc/self/fd"):
        with contextlib.suppress(FileNotFoundError):  # the folder's own, and what is just closed
            found.add((descriptor, os.readlink(f"/proc/self/fd/{descriptor}")))
    return found


def raises(kind, call):
    """Not pytest's, which keeps the exception."""
    try:
        call()
    except kind:
        return True
    return False


@pytest.mark.parametrize("trouble", TROUBLES)
@pytest.mark.parametrize(
    "call",
    [
        *(lambda url: SystemEvent("a", url=url), lambda url: unlink("a", url=url)),
        lambda url: list_events(url=url),
    ],
    ids=["open", "unlink", "list"],
)
def test_nothing_is_opened(redis_server, trouble, call):
    """Of a server that cannot be used, nothing is left when the call has raised."""
    with TROUBLES[trouble](redis_server) as (url, kind, _):
        before = opened()
        assert raises(kind, lambda: call(url))
        until(lambda: opened() <= before, "the other end closes, too")


def wait_async(event):
    """Not raised by asyncio.run(), which keeps what it raises."""

    async def failure():
        try:
            await event.wait_async(0.01)
        except (OSError, ValueError) as error:
            return str(error)

    if message := asyncio.run(failure()):
        raise OSError(message)


CALLS = {
    "set": lambda events: events[0].set(),
    "clear": lambda events: events[0].clear(),
    "is_set": lambda events: events[0].is_set(),
    "wait": lambda events: events[0].wait(0.01),
    "wait_any": lambda events: wait_any(events, 0.01),
    "wait_all": lambda events: wait_all(events, 0.01),
    "wait_async": lambda events: wait_async(events[0]),
}


def deny(server, client):
    """We are nobody any more."""
    client.execute_command("ACL", "DELUSER", "ann")


def replace(server, client):
    """What is there now is no event, but the connection is as good as ever."""
    client.set("systemevent:a", "text")


def cut_off(server, client):
    """A replica without its master answers nobody: an outage, also on a connection that lives."""
    client.config_set("replica-serve-stale-data", "no")
    client.replicaof("127.0.0.1", free_port())


def kill(server, client):
    """Gone."""
    server.kill()


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("harm", [deny, replace, cut_off, kill])
def test_nothing_stays_open(possible, harm, call):
    """So with the last event of a server: what it has used is closed, also if the call raised."""

    def fails(url):
        events = [SystemEvent(name, url=url) for name in "ab"]
        harm(server, client)
        return raises((OSError, ValueError), lambda: CALLS[call](events))

    with Server(*VOLATILE) as server, server.client() as client:
        client.execute_command("ACL", "SETUSER", "ann", "on", ">secret", "~*", "+@all")
        client.close()
        before = opened()
        assert fails(url_of(server, "ann", "secret"))
        client.close()
        assert opened() <= before


def test_cancelled(redis_server, name):
    """A wait that is cancelled, and its loop, leave nothing either."""

    async def cancelled():
        event = SystemEvent(name, url=redis_server.url)
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(event.wait_async(), 0.01)

    before = opened()
    asyncio.run(cancelled())
    assert opened() <= before


def in_use_without_owner(port):
    """The local ports of TCP connections to that port that are closed, and linger (TIME_WAIT)."""
    lines = Path("/proc/self/net/tcp").read_text().splitlines()[1:]
    rows = [line.split()[1:4] for line in lines]
    established = "01"
    return {
        local
        for local, other, state in rows
        if other.endswith(f":{port:04X}") and state != established
    }


def test_short_waits(possible, name):
    """Waits that end by their time limit, and close their connections, leave no port in use."""
    with Server(*VOLATILE, patience=PATIENT) as server:
        event = SystemEvent(name, url=server.url)
        before = in_use_without_owner(server.port)
        for _ in range(20):
            assert event.wait(0.01) is False
        assert in_use_without_owner(server.port) <= before


@pytest.fixture(scope="module")
def places():
    """URLs whose first host is gone, and the second one is not."""
    need(no_server())
    with Cluster() as cluster, Server(*MASTER) as master, sentinel_of(master, 1) as sentinel:
        yield {
            "cluster": cluster.url_of(free_port(), cluster.nodes[0].port, options=PATIENT),
            "sentinel": f"redis+sentinel://127.0.0.1:{free_port()},127.0.0.1:{sentinel.port}/"
            f"{SERVICE}{PATIENT}",
        }


@pytest.mark.parametrize("kind", ["cluster", "sentinel"])
@pytest.mark.parametrize("call", ["set", "wait_async"])
def test_a_first_host_that_is_gone(places, name, kind, call):
    """Nor does what has failed on the way to a success keep anything."""

    def succeeds():
        event = SystemEvent(name, url=places[kind])
        event._server._seeds.sort()  # opening has put the host that is gone behind
        event._server._homes.clear()
        event._server._idle.clear()
        return event.set() if call == "set" else asyncio.run(event.wait_async(0.01))

    before = opened()
    succeeds()
    assert opened() <= before


def test_ctrl_c_in_an_outage(possible, monkeypatch):
    """A wait that is interrupted while it pauses keeps nothing of the outage."""

    def interrupted(seconds):
        raise KeyboardInterrupt

    def waits(url):
        event = SystemEvent("a", url=url)
        cut_off(server, client)
        return raises(KeyboardInterrupt, event.wait)

    monkeypatch.setattr(_redis_multi, "sleep", interrupted)
    with Server(*VOLATILE) as server, server.client() as client:
        before = opened()
        assert waits(server.url)
        client.close()
        assert opened() <= before


def test_listing_what_is_no_event(redis_server, name):
    """What a key holds instead is a state, and keeps nothing."""
    prefix = f"{name}."
    with redis_server.client() as client:
        client.set(f"{prefix}a", "text")
        before = opened()
        found = [(name, seen.state) for name, seen in _redis.seen(["a"], prefix, redis_server.url)]
        assert found == [("a", "invalid")]
        assert opened() <= before
        client.delete(f"{prefix}a")
