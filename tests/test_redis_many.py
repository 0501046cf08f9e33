"""wait_any and wait_all for events on a Redis server."""

import itertools
import signal
import time

import processes
import pytest
from implementations import InThread
from processes import until, until_asleep, until_stopped, worker, workers
from redis_server import VOLATILE, Server
from several import BOTH, any_names, everything, names, nothing, pulse
from test_timeouts import SECOND, TIMEOUTS, Index, elapsed, id_of
from test_wait_many_timeouts import outcome

from systemevent import SystemEvent, list_events, unlink, wait_all, wait_any

pytestmark = [pytest.mark.one_mode, pytest.mark.one_python]

#: Without those that would wait for a second.
SHORT = [timeout for timeout in TIMEOUTS if timeout is not True and type(timeout) is not Index]

RELEASES = pytest.mark.parametrize("release", [lambda event: event.set(), pulse])


@pytest.fixture(autouse=True)
def server(redis_server, monkeypatch):
    """The server of the events."""
    monkeypatch.setenv("SYSTEMEVENT_URL", redis_server.url)
    monkeypatch.setattr(processes, "server", redis_server)
    return redis_server


# ---- any -------------------------------------------------------------------------------------


@pytest.mark.parametrize("timeout", [None, 0, 1000])
@pytest.mark.parametrize("is_set", list(itertools.product([False, True], repeat=3)))
def test_latch(new_events, is_set, timeout):
    """They return at once what is set, in the order given, and change none of the events."""
    events = new_events(3)
    for event, state in zip(events, is_set, strict=True):
        if state:
            event.set()
    expected = [event for event in events if event.is_set()]
    for order in itertools.permutations(events):
        limit = timeout if expected else min(timeout or 0.01, 0.01)
        assert wait_any(order, limit) == [event for event in order if event in expected]
        limit = timeout if all(is_set) else min(timeout or 0.01, 0.01)
        assert wait_all(order, limit) is all(is_set)
        assert tuple(event.is_set() for event in events) == is_set


@RELEASES
@pytest.mark.parametrize("count", [1, 2, 64])
def test_any_of_several(new_events, count, release):
    """Whichever of the events is set or pulsed, a wait for any ends with this one."""
    events = new_events(count)
    for event in {id(events[i]): events[i] for i in (0, count // 2, -1)}.values():
        with worker(any_names, events) as one:
            until_asleep(one.pid)
            release(event)
            assert one.result() == names(event)
        event.clear()
        assert wait_any(events, 0) == []


def test_clear_ends_nothing(new_events):
    """clear(), and pulses of an event that is not waited for, leave the waiter blocked."""
    one, other, stranger = new_events(3)
    with worker(any_names, [one, other]) as waiter:
        until_asleep(waiter.pid)
        for _ in range(5):
            one.clear()
            pulse(stranger)
        until_asleep(waiter.pid)
        other.set()
        assert waiter.result() == names(other)


@RELEASES
def test_given_twice(new_events, release):
    """An event that is given twice, by one object or by two, is returned twice."""
    event, other = new_events(2)
    with SystemEvent(event.name) as again:
        given = [event, other, again, event]
        thread = InThread(wait_any, given)
        until(thread.is_asleep, "the thread waits")
        release(event)
        assert thread.result() == [event, again, event]
        event.clear()
        one = InThread(wait_all, [again, event, other, other])
        until(one.is_asleep, "the thread waits")
        event.set()
        other.set()
        assert one.result() is True


def test_pulses_of_a_stopped_waiter(new_events):
    """Pulses of several events, while a waiter is stopped, are told all together."""
    events = new_events(4)
    with worker(any_names, events) as one:
        until_asleep(one.pid)
        one.signal(signal.SIGSTOP)
        until_stopped(one.pid)
        for event in events[1:3]:
            pulse(event)
        one.signal(signal.SIGCONT)
        assert one.result() == names(*events[1:3])


# ---- all -------------------------------------------------------------------------------------


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_all_in_any_order(new_events, order):
    """The last set() releases all who wait for all, in whatever order the events are set."""
    events = new_events(3)
    with workers(2, wait_all, events) as them:
        for i in order:
            until_asleep(*[one.pid for one in them])
            events[i].set()
        assert [one.result() for one in them] == [True] * 2


def test_set_and_cleared_again_before_the_rest(new_events):
    """An event that is cleared before the last one is set has to be set again."""
    one, other = new_events(2)
    with worker(wait_all, [one, other]) as waiter:
        until_asleep(waiter.pid)
        for first, second in [(one, other), (other, one)] * 3:
            first.set()
            first.clear()
            second.set()
            second.clear()
        until_asleep(waiter.pid)
        assert not waiter.has_answered()
        one.set()
        other.set()
        assert waiter.result() is True


def test_pulse_of_the_last(new_events):
    """A pulse of the last one is not missed while the others stay set."""
    events = new_events(3)
    for last in events:
        for event in events:
            event.set()
        last.clear()
        with workers(2, wait_all, events) as them:
            until_asleep(*[one.pid for one in them])
            pulse(last)
            assert [one.result() for one in them] == [True] * 2


def alternate(events, rounds):
    """Set the events one after the other, each cleared before the next is set."""
    for _ in range(rounds):
        for event in events:
            pulse(event)


def poll(events, stop):
    """Look at the events again and again with wait_all, with and without blocking."""
    results = set()
    while not stop.is_set():
        results |= {wait_all(events, 0), wait_all(events[::-1], 0.002)}
    return results


def test_never_set_at_once(new_events):
    """Of events that are set only in turn it is never said that all were set at once."""
    events, (stop,) = new_events(2), new_events(1)
    with workers(1, wait_all, events) as asleep, workers(2, poll, events, stop) as polling:
        until_asleep(asleep[0].pid)
        with worker(alternate, events, 2000) as alternating:
            alternating.result()
        stop.set()
        assert [one.result() for one in polling] == [{False}] * 2
        until_asleep(asleep[0].pid)
        for event in events:
            event.set()
        assert asleep[0].result() is True


def test_a_thousand(new_events):
    """1,000 events in one wait."""
    events = new_events(1000)
    with worker(any_names, events) as one, worker(wait_all, events) as other:
        until_asleep(one.pid, other.pid)
        for event in reversed(events):
            event.set()
        assert one.result()
        assert other.result() is True
    assert wait_any(events) == events
    events[500].clear()
    assert wait_all(events, 0.01) is False


# ---- what is refused -------------------------------------------------------------------------


@BOTH
@pytest.mark.parametrize("timeout", [None, 0])
def test_no_event(wait, timeout):
    """Without an event: ValueError."""
    with pytest.raises(ValueError, match="there must be at least one event to wait for"):
        wait([], timeout)


@BOTH
def test_closed(new_events, wait):
    """A closed event: ValueError with its name, wherever it stands."""
    events = new_events(3)
    events[1].set()
    closed = SystemEvent(events[0].name)
    closed.close()
    for position in range(4):
        given = [*events[:position], closed, *events[position:]]
        with pytest.raises(ValueError, match="operation on a closed event") as caught:
            wait(given, 0)
        assert repr(closed) in str(caught.value)


@BOTH
def test_of_this_machine_among_them(new_events, new_name, wait):
    """Events of this machine and of a server in one wait: ValueError."""
    (event,) = new_events(1)
    with SystemEvent(new_name(), url="") as local:
        for given in [event, local], [local, event]:
            with pytest.raises(ValueError, match="events of this machine and of a server in one"):
                wait(given, 0)
        unlink(local.name, url="")


@BOTH
def test_two_servers(new_events, name, wait):
    """Events of two servers in one wait: ValueError that names both."""
    (event,) = new_events(1)
    with (
        Server(*VOLATILE) as another,
        SystemEvent(name, url=another.url) as elsewhere,
        pytest.raises(ValueError, match="events of several servers in one wait") as caught,
    ):
        wait([event, elsewhere], 0)
    assert another.url in str(caught.value)


@BOTH
@pytest.mark.parametrize("wrong", [None, 1, "an event", SystemEvent])
def test_no_system_event(new_events, wait, wrong):
    """Anything but a SystemEvent among events on a server: TypeError, as for this machine."""
    (event,) = new_events(1)
    with pytest.raises(TypeError, match="events must be SystemEvent objects"):
        wait([event, wrong], 0)


# ---- timeouts --------------------------------------------------------------------------------


@BOTH
@pytest.mark.parametrize("count", [1, 2, 64])
@pytest.mark.parametrize("is_set", [False, True], ids=["clear", "set"])
def test_every_timeout_is_taken_as_wait_takes_it(new_events, new_name, wait, count, is_set):
    """A timeout is taken as SystemEvent.wait() takes it: the same outcome, the same words."""
    events = new_events(count)
    if is_set:
        for event in events:
            event.set()
    with SystemEvent(new_name(), url="") as local:
        (local.set if is_set else local.clear)()
        for timeout in SHORT:
            assert outcome(wait, events, timeout) == outcome(local.wait, timeout), id_of(timeout)
        unlink(local.name, url="")


@BOTH
@pytest.mark.parametrize("count", [1, 2, 64])
@pytest.mark.parametrize("timeout", [1e-9, 1e-4, 7e-3])
def test_never_early(new_events, wait, count, timeout):
    """Neither ends before its timeout has passed on the monotonic clock."""
    events = new_events(count)
    for _ in range(5):
        value, duration = elapsed(wait, events, timeout)
        assert value == nothing(wait)
        assert duration >= timeout * SECOND


def test_pulses_of_another_change_no_timeout(new_events):
    """wait_all neither ends early nor goes on for ever while one event is pulsed all the time."""
    one, other = new_events(2)

    def pulse_for_ever():
        while True:
            pulse(one)
            time.sleep(0.0005)  # no condition of the test

    with worker(pulse_for_ever):
        for _ in range(10):
            value, duration = elapsed(wait_all, [one, other], 0.02)
            assert value is False
            assert 0.02 * SECOND <= duration < 60 * SECOND


@BOTH
def test_timeouts_that_race_a_set(new_events, wait):
    """A set() that races the timeouts of polling waiters is missed by none."""
    events = new_events(3)
    for i in range(10):
        for event in events:
            (event.set if wait is wait_all and event is not events[i % 3] else event.clear)()

        def poll_until_it_comes(timeout):
            while not (result := wait(events, timeout)):
                pass
            return result

        threads = [InThread(poll_until_it_comes, timeout) for timeout in (0, 1e-4, 1e-3)]
        events[i % 3].set()
        assert [each.result() for each in threads] == [everything(wait, [events[i % 3]])] * 3


# ---- unlink() --------------------------------------------------------------------------------


def test_unlinked(new_name, server):
    """An unlinked event is gone at once, and its key expires; set() makes it an event again."""
    one = f"{new_name()}.unlinked"
    with SystemEvent(one) as event, server.client() as client:
        event.set()
        assert one in list_events()
        unlink(one)
        assert not event.is_set()
        assert one not in list_events()
        unlink(one)
        assert 0 < client.ttl(f"systemevent:{one}") <= 300
        event.set()
        assert one in list_events()
        assert client.ttl(f"systemevent:{one}") == -1
        unlink(one)


@BOTH
def test_set_and_unlinked_in_an_outage(new_events, wait):
    """set() and unlink(), while a waiter is stopped and its connection cut: True all the same."""
    event, other = new_events(2)
    other.set()
    given = [event, other] if wait is wait_all else [event]
    with worker(lambda: bool(wait(given))) as one:
        until_asleep(one.pid)
        one.signal(signal.SIGSTOP)
        until_stopped(one.pid)
        with processes.server.client() as client:
            client.client_kill_filter(_type="normal", skipme=True)
            event.set()
            unlink(event.name)
        one.signal(signal.SIGCONT)
        assert one.result() is True
