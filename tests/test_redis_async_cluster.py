"""wait_async on a Redis cluster: slots that move under waits, and nodes that hang."""

import asyncio

import pytest
from loops import LOOPS, run, until
from processes import DEADLINE
from redis_server import PATIENT, no_server
from redis_topologies import Cluster, Migration
from surroundings import need

from systemevent import SystemEvent

pytestmark = [pytest.mark.one_mode, pytest.mark.one_python]

#: Seconds of a wait's last look, of which a node that hangs takes a share.
HURRY = "?grace=3"

PREFIX = "{jobs}."


@pytest.fixture(scope="module")
def cluster():
    need(no_server())
    with Cluster() as one:
        yield one
        one.until_ready()


@pytest.fixture(params=LOOPS)
def in_loop(request):
    """A function that runs a coroutine function in a loop."""
    return lambda function, *args: run(LOOPS[request.param], function, *args)


@pytest.fixture
def new_event(cluster, new_name):
    """A function that opens an event of its own; all are in one slot, and stay there."""
    return lambda: SystemEvent(new_name(), PREFIX, url=cluster.url + PATIENT)


def test_events_of_a_slot_that_moves(cluster, in_loop, new_event):
    """Each is looked for where it is: none seems clear, or newly set, because another one moves."""
    fresh, clear, is_set, moved = (new_event() for _ in range(4))
    moved.set()
    clear.set()
    clear.clear()
    is_set.set()

    async def outcomes():
        waits = [event.wait_async(0.1) for event in (fresh, clear, is_set, moved)]
        return await asyncio.gather(*waits)

    with Migration(cluster, fresh.name, PREFIX) as slot:
        with slot.source.client() as source:
            key = f"{PREFIX}{moved.name}"
            source.migrate(slot.target.host, slot.target.port, [key], 0, int(1000 * DEADLINE))
        for _ in range(20):
            assert in_loop(outcomes) == [False, False, True, True]


def test_waits_during_a_migration_sleep(cluster, in_loop, new_event):
    """They block on the new node, and do not ask again and again until the slot has moved."""
    event = new_event()

    async def waits():
        waits = [asyncio.ensure_future(event.wait_async()) for _ in range(20)]
        await until(lambda: len(slot.target.blocked_ports()) == 1, "they block there")
        event.set()
        return await asyncio.gather(*waits)

    with Migration(cluster, event.name, PREFIX) as slot:
        assert in_loop(waits) == [True] * 20


def test_a_node_that_hangs(cluster, in_loop, new_event):
    """A slot has moved, and who had it hangs: it costs a share of the first wait's time only."""
    ports = [node.port for node in cluster.nodes]
    event = SystemEvent(new_event().name, PREFIX, url=cluster.url_of(*ports, options=HURRY))
    with Migration(cluster, event.name, PREFIX) as slot:
        pass
    slot.source.stop()
    try:
        assert in_loop(event.wait_async, 0.1) is False
        event.set()
        assert in_loop(event.wait_async, 0.1) is True
    finally:
        slot.source.go_on()
        cluster.until_ready()


def test_short_waits_where_the_first_node_hangs(cluster, in_loop, new_event):
    """However often: a node that takes connections and is silent leaves time for the others."""
    name = new_event().name
    ports = [node.port for node in cluster.nodes]
    home = ports.pop(cluster.node_of(SystemEvent(name, PREFIX, url=cluster.url)._slot))
    silent = next(node for node in cluster.nodes if node.port == ports[0])
    silent.stop()
    try:
        event = SystemEvent(name, PREFIX, url=cluster.url_of(ports[0], home, options=HURRY))
        event._server._homes.clear()
        event._server._seeds.sort(key=lambda seed: ("port", home) in seed)
        for _ in range(3):
            assert in_loop(event.wait_async, 0.1) is False
    finally:
        silent.go_on()
        cluster.until_ready()
