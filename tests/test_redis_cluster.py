"""Events on a Redis cluster: three masters, real redirections, and nodes that hang."""

import pytest
from processes import until, worker, workers
from redis_server import PATIENT, no_server
from redis_topologies import Cluster, Migration
from surroundings import need

from systemevent import SystemEvent, list_events, unlink, wait_all, wait_any
from systemevent._redis_entries import key_of, slot_of

pytestmark = [pytest.mark.one_mode, pytest.mark.one_python]


@pytest.fixture(scope="module")
def cluster():
    need(no_server())
    with Cluster() as one:
        yield one


@pytest.fixture
def here(cluster, monkeypatch):
    """The cluster, which has all events of this test that do not say otherwise."""
    monkeypatch.setenv("SYSTEMEVENT_URL", cluster.url + PATIENT)
    return cluster


def names_on(cluster, new_name):
    """An event's name for each node, whose key is there."""
    found = {}
    while len(found) < len(cluster.nodes):
        name = new_name("on")
        found[cluster.node_of(slot_of(key_of(name, "SystemEvent.")))] = name
    return [found[i] for i in range(len(found))]


def wait_for(name, timeout=None):
    return SystemEvent(name).wait(timeout)


def test_events_of_all_nodes_work_by_one_address(here, new_name):
    """Whichever node has an event, set(), is_set(), clear() and wait() reach it."""
    for name in names_on(here, new_name):
        event = SystemEvent(name)
        event.set()
        assert (event.is_set(), event.wait(0)) == (True, True)
        event.clear()
        assert (event.is_set(), event.wait(0)) == (False, False)


def test_waiters_of_all_nodes_are_released(here, new_name):
    """A process that blocks on whichever node is released by a pulse."""
    for i, name in enumerate(names_on(here, new_name)):
        with worker(wait_for, name) as waiter:
            here.nodes[i].until_blocked(1)
            SystemEvent(name).set()
            SystemEvent(name).clear()
            assert waiter.result() is True


def test_events_of_all_nodes_are_listed(here, new_name):
    """list_events asks every master, and unlink deletes on each."""
    names = names_on(here, new_name)
    prefix = f"{new_name('prefix')}."
    for name in names:
        SystemEvent(name, prefix).set()
    assert list_events(prefix) == sorted(names)
    for name in names:
        unlink(name, prefix)
    assert list_events(prefix) == []


@pytest.mark.parametrize("wait", [wait_any, wait_all])
def test_several_slots_in_one_wait_are_refused(here, new_name, wait):
    """What no node can answer at one instant is refused at once, and says what to do."""
    one, other, _ = (SystemEvent(name) for name in names_on(here, new_name))
    with pytest.raises(ValueError, match="different slots; give all of them the same prefix with"):
        wait([one, other])


def test_several_events_of_one_slot(here, new_name):
    """With braces in the prefix, several events are one slot, and one wait."""
    events = [SystemEvent(new_name(), "{jobs}.") for _ in range(3)]
    with worker(lambda: [one.name for one in wait_any(events)]) as waiter:
        until(lambda: any(node.blocked_ports() for node in here.nodes), "the wait blocks")
        events[1].set()
        assert waiter.result() == [events[1].name]
    for one in events:
        one.set()
    assert wait_all(events, 0)
    for one in events:
        unlink(one.name, "{jobs}.")


def test_a_wait_sees_that_a_slot_moves(here, new_name):
    """Who blocks on a node that loses the event follows it, and is released there."""
    name = new_name()
    SystemEvent(name).set()
    SystemEvent(name).clear()
    with Migration(here, name) as slot, worker(wait_for, name) as waiter:
        slot.source.until_blocked(1)
        slot.move_keys()
        slot.finish()
        slot.target.until_blocked(1)
        SystemEvent(name).set()
        assert waiter.result() is True


def test_an_event_that_is_on_its_way(here, new_name):
    """During a migration, set() and is_set() reach an event that the new node has already."""
    name = new_name()
    event = SystemEvent(name)
    event.set()
    with Migration(here, name) as slot:
        slot.move_keys()
        assert event.is_set()
        event.clear()
        assert (event.is_set(), event.wait(0)) == (False, False)
        event.set()
        assert (event.is_set(), event.wait(0)) == (True, True)


def test_an_event_that_is_first_set_during_a_migration(here, new_name):
    """An event that neither node has is made by the new one."""
    name = new_name()
    event = SystemEvent(name)
    with Migration(here, name) as slot:
        event.set()
        assert event.is_set()
        slot.finish()
        assert event.is_set()


def test_a_wait_during_a_migration_sleeps(here, new_name):
    """It blocks on the new node, and does not ask again and again until the slot has moved."""
    name = new_name()
    with Migration(here, name) as slot, worker(wait_for, name) as waiter:
        slot.target.until_blocked(1)
        SystemEvent(name).set()
        assert waiter.result() is True


def test_a_wait_for_several_events_during_a_migration(here, new_name):
    """MULTI, which asks for all at one instant, is understood by the new node, too."""
    prefix = "{moving}."
    events = [SystemEvent(new_name(), prefix) for _ in range(2)]
    with Migration(here, events[0].name, prefix) as slot:
        for one in events:
            one.set()
        slot.move_keys()
        assert wait_any(events, 0) == events
        assert wait_all(events, 0)
        with worker(lambda: [one.name for one in wait_any(events)]) as waiter:
            assert waiter.result() == [one.name for one in events]


@pytest.fixture
def several(cluster):
    """The cluster, which is mended at the end."""
    yield cluster
    for node in cluster.nodes:
        node.go_on()
    cluster.until_ready()


def test_a_first_node_that_hangs_leaves_the_others(several, new_name, silence):
    """A URL names several nodes: one that takes connections and is silent costs time only."""
    ports = [node.port for node in several.nodes]
    name = names_on(several, new_name)[1]
    several.nodes[0].stop()
    silence.ports.add(ports[0])
    event = SystemEvent(name, url=several.url_of(*ports, options=PATIENT))
    event.set()
    assert event.is_set()
    assert 0 < silence.passed < 30


def test_a_node_that_hangs_is_asked_once(several, new_name, silence):
    """A slot has moved, and who had it hangs: one call has no answer, the next asks others."""
    ports = [node.port for node in several.nodes]
    name = names_on(several, new_name)[0]
    event = SystemEvent(name, url=several.url_of(*ports, options=PATIENT))
    with Migration(several, name):
        pass
    several.nodes[0].stop()
    silence.ports.add(ports[0])
    with pytest.raises(TimeoutError, match="no answer in time"):
        event.set()
    event.set()
    assert event.is_set()
    assert silence.passed < 61


def test_a_cluster_without_a_master_rides_waits_out(several, new_name):
    """While a node is away: calls raise; waits go on, and are released when it is back."""
    name = names_on(several, new_name)[2]
    event = SystemEvent(name, url=several.url + PATIENT)
    lost = several.nodes[2]
    with workers(3, event.wait) as waiters:
        lost.until_blocked(3)
        lost.kill()
        with pytest.raises(ConnectionError):
            event.set()
        lost.start()
        lost.until_blocked(3)
        event.set()
        assert [one.result() for one in waiters] == [True] * 3
