"""Replicas, and Sentinels that make one the master when the master is gone."""

import signal
import time

import pytest
from processes import until, until_sleeping_in_poll, worker, workers
from redis_proxy import Proxy
from redis_server import PATIENT, Server, free_port, hurried, no_server
from redis_topologies import MASTER, SERVICE, Failover, replica_of, sentinel_of, until_synchronous
from surroundings import error_of, need

from systemevent import SystemEvent, list_events, unlink

NO_STALE = "--replica-serve-stale-data", "no"

pytestmark = [pytest.mark.one_mode, pytest.mark.one_python]


@pytest.fixture(autouse=True)
def possible():
    need(no_server())


@pytest.fixture(scope="module")
def servers():
    """A master and its replica."""
    need(no_server())
    with Server(*MASTER, patience=PATIENT) as master, replica_of(master) as replica:
        until_synchronous(replica, master)
        yield master, replica


@pytest.fixture
def pair(servers, name):
    """A master and its replica, and the event on each."""
    return [(server, SystemEvent(name, url=server.url)) for server in servers]


def test_a_wait_on_a_replica(pair):
    """Who waits on a replica is released by a pulse on the master."""
    (_, event), (replica, copy) = pair
    with worker(copy.wait) as waiter:
        replica.until_blocked(1)
        event.set()
        event.clear()
        assert waiter.result() is True


@pytest.mark.parametrize("is_set", [True, False])
@pytest.mark.parametrize("call", ["set", "clear"])
def test_a_replica_acknowledges_nothing(pair, call, is_set):
    """set() and clear() on a replica raise, also if that is how the event is there already."""
    (master, event), (replica, copy) = pair
    event.set()
    if not is_set:
        event.clear()
    until_synchronous(replica, master)
    with pytest.raises(ConnectionError, match="READONLY"):
        getattr(copy, call)()
    assert copy.is_set() == event.is_set() == is_set


def test_a_replica_deletes_nothing(pair, name):
    """unlink on a replica raises ConnectionError."""
    (master, event), (replica, _) = pair
    event.set()
    until_synchronous(replica, master)
    with pytest.raises(ConnectionError, match="READONLY"):
        unlink(name, url=replica.url)


def test_a_master_that_becomes_a_replica(name):
    """Who blocks there is thrown out, and waits on for what its new master says."""
    with Server(*MASTER) as one, Server(*MASTER) as other:
        event = SystemEvent(name, url=one.url)
        with worker(event.wait) as waiter:
            one.until_blocked(1)
            with one.client() as client:
                client.replicaof(other.host, other.port)
            until_synchronous(one, other)
            SystemEvent(name, url=other.url).set()
            assert waiter.result() is True


def test_a_replica_without_its_master_may_refuse(name):
    """With replica-serve-stale-data no: calls raise, and a wait with a timeout says so, too."""
    with Server(*MASTER) as master, replica_of(master, *NO_STALE) as replica:
        until_synchronous(replica, master)
        copy = SystemEvent(name, url=replica.url + PATIENT)
        master.kill()
        until(lambda: _fails(copy.is_set), "the replica knows")
        with pytest.raises(ConnectionError, match="MASTERDOWN"):
            copy.is_set()
        with pytest.raises(ConnectionError, match="MASTERDOWN"):
            copy.wait(0.1)


def _fails(function):
    try:
        function()
    except ConnectionError:
        return True
    return False


@pytest.mark.parametrize("sentinels", [1, 3])
def test_a_failover_under_waiters(name, sentinels):
    """kill -9 of the master: the same URL leads to the new one, where set() releases all."""
    with Failover(sentinels) as service:
        url = service.url + PATIENT
        event = SystemEvent(name, url=url)
        event.set()
        event.clear()
        with workers(5, event.wait) as waiters:
            service.master.until_blocked(5)
            until_synchronous(service.replica, service.master)
            service.master.kill()
            with pytest.raises(ConnectionError):
                event.set()
            service.begin()
            service.replica.until_blocked(5)
            until(service.has_failed_over, "all Sentinels say so")
            assert [one.has_answered() for one in waiters] == [False] * 5
            event.set()
            assert [one.result() for one in waiters] == [True] * 5
        assert list_events(url=url) == [name]
        unlink(name, url=url)


def test_a_failover_because_the_master_hangs(name):
    """A master that is stopped: its waiters are silent at first, and follow at the heartbeat."""
    with Failover(1) as service:
        event = SystemEvent(name, url=service.url + PATIENT)
        service.master.stop()
        service.begin()
        with worker(lambda: hurried(event, 1.0).wait()) as waiter:
            until(service.has_failed_over, "the replica is the master")
            event.set()
            assert waiter.result() is True


@pytest.fixture
def service_with_one_sentinel():
    """A master and a Sentinel; nobody replaces the master."""
    with Server(*MASTER) as master, sentinel_of(master, 1) as sentinel:
        yield sentinel


def url_of(*ports, options=""):
    hosts = ",".join(f"127.0.0.1:{port}" for port in ports)
    return f"redis+sentinel://{hosts}/{SERVICE}{options}"


def test_a_first_sentinel_that_is_gone(service_with_one_sentinel, name):
    """The next one is asked."""
    url = url_of(free_port(), service_with_one_sentinel.port, options=PATIENT)
    event = SystemEvent(name, url=url)
    event.set()
    assert event.is_set()


def test_a_first_sentinel_that_is_silent(service_with_one_sentinel, name, silence):
    """It costs a part of the time that an answer may take, once, and the next one is asked."""
    port = service_with_one_sentinel.port
    with Proxy(port) as proxy:
        proxy.hold()
        silence.ports.add(proxy.port)
        event = SystemEvent(name, url=url_of(proxy.port, port, options=PATIENT))
        event.set()
        assert event.is_set()
        assert 0 < silence.passed < 30


def _alarmed(url, name):
    """What comes out of opening when a signal handler raises TimeoutError."""

    def alarm(*_):
        raise TimeoutError("alarm")

    signal.signal(signal.SIGUSR1, alarm)
    return error_of(lambda: SystemEvent(name, url=url))


def test_an_alarm_while_a_sentinel_is_asked(service_with_one_sentinel, name):
    """It is the program's own, and not the Sentinel's silence."""
    with Proxy(service_with_one_sentinel.port) as proxy:
        proxy.hold()
        url = url_of(proxy.port, service_with_one_sentinel.port, options="?socket_timeout=60")
        with worker(_alarmed, url, name) as caller:
            until(lambda: proxy.connections == 1, "it has connected")
            until_sleeping_in_poll(caller.pid)
            caller.signal(signal.SIGUSR1)
            assert caller.result() == ("TimeoutError", "alarm")


def test_sentinels_that_do_not_know_the_service(service_with_one_sentinel, name):
    """ConnectionError, with the URL."""
    url = url_of(service_with_one_sentinel.port).replace(SERVICE, "other")
    with pytest.raises(ConnectionError) as caught:
        SystemEvent(name, url=url + PATIENT)
    what = f"cannot open event '{name}' on {url}"
    assert str(caught.value) == f"{what}: no Sentinel knows the service"


def test_silent_sentinels_at_a_deadline(service_with_one_sentinel, name):
    """However many there are: a wait raises in time."""

    port = service_with_one_sentinel.port
    with Proxy(port) as proxy:
        event = SystemEvent(name, url=url_of(*[proxy.port] * 4, options="?socket_timeout=60"))
        proxy.hold()
        start = time.monotonic()
        with pytest.raises(TimeoutError, match="no answer in time"):
            event.wait(0.2)
        assert time.monotonic() - start < 10, "a Sentinel's share of the minute is 12 seconds"
