"""Nodes that are no longer of the cluster, and say that it is down: the others are asked."""

import asyncio

import pytest
from loops import LOOPS, run, until
from processes import until as until_in_test
from processes import worker
from redis_server import PATIENT, no_server, waits_of
from redis_topologies import Cluster
from surroundings import need

from systemevent import SystemEvent, _redis_server, list_events
from systemevent._redis_entries import key_of, slot_of

pytestmark = [pytest.mark.one_mode, pytest.mark.one_python]


@pytest.fixture
def cluster():
    need(no_server())
    with Cluster() as one:
        yield one


@pytest.fixture
def name(cluster, new_name):
    """Of an event that the first node has."""
    names = iter(new_name, None)
    return next(n for n in names if cluster.node_of(slot_of(key_of(n, "SystemEvent."))) == 0)


def url_of(cluster, *nodes):
    return cluster.url_of(*(cluster.nodes[i].port for i in nodes), options=PATIENT)


def remove_first(cluster):
    """The first node leaves the cluster; the second has its slots, and no events of it."""
    with cluster.nodes[0].client() as client:
        client.flushall()
    cluster.tell(0, "CLUSTER", "RESET", "HARD")
    for i in (1, 2):
        cluster.tell(i, "CLUSTER", "FORGET", cluster.ids[0])
    first, *_, last = cluster.slots(0)
    cluster.tell(1, "CLUSTER", "ADDSLOTSRANGE", first, last)
    until_in_test(lambda: all(_has_all(cluster, i) for i in (1, 2)), "the others have its slots")


def _has_all(cluster, i):
    return b"cluster_slots_ok:16384" in cluster.tell(i, "CLUSTER", "INFO")


def test_calls_and_waits(cluster, name):
    """Calls on an event that it had, and a wait that blocked there, find its new home."""
    url = url_of(cluster, 0, 1, 2)
    event = SystemEvent(name, url=url)
    event.set()
    event.clear()
    with worker(event.wait) as waiter:
        cluster.nodes[0].until_blocked(1)
        remove_first(cluster)
        until_in_test(lambda: waits_of(waiter.pid, cluster.nodes[1]) == 1, "it blocks there")
        assert not event.is_set()
        SystemEvent(name, url=url_of(cluster, 1, 2)).set()
        assert waiter.result() is True
    assert event.is_set()


def test_a_url_with_the_node(cluster, name):
    """As the first host it is passed over, whatever is asked; without another, it says so."""
    remove_first(cluster)
    url = url_of(cluster, 0, 1, 2)
    event = SystemEvent(name, url=url)
    seeds = event._server._seeds
    first = _redis_server.home("127.0.0.1", cluster.nodes[0].port)
    calls = (
        *(event.set, event.is_set, lambda: event.wait(0), lambda: name in list_events(url=url)),
        lambda: asyncio.run(event.wait_async(0)),
    )
    for call in calls:
        event._server._homes.clear()
        event._server._seeds = sorted(seeds, key=lambda seed: seed != first)
        assert call() in (None, True)
        assert event._server._seeds[-1] == first
    for call in (lambda url: SystemEvent(name, url=url), lambda url: list_events(url=url)):
        with pytest.raises(ConnectionError, match=r"^\[Errno 11\] .*: CLUSTERDOWN "):
            call(url_of(cluster, 0))


@pytest.mark.parametrize("loop", LOOPS)
def test_waits_in_asyncio(cluster, name, loop):
    """So do the waits of an event loop."""
    event = SystemEvent(name, url=url_of(cluster, 0, 1, 2))
    event.set()
    event.clear()

    async def main():
        waits = [asyncio.ensure_future(event.wait_async()) for _ in range(3)]
        await until(lambda: cluster.nodes[0].blocked_ports(), "they block")
        await asyncio.to_thread(remove_first, cluster)
        await until(lambda: cluster.nodes[1].blocked_ports(), "they block there")
        assert await event.wait_async(0) is False
        SystemEvent(name, url=url_of(cluster, 1, 2)).set()
        return await asyncio.gather(*waits)

    assert run(LOOPS[loop], main) == [True] * 3
