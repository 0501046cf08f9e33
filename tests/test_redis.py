"""Events on a Redis server: their class and their life, where others than this machine's."""

import signal
import sys
import threading

import pytest
from processes import DEADLINE, command, until, worker

from systemevent import SystemEvent, _redis_server, _redis_waits, list_events, unlink

pytestmark = pytest.mark.one_mode


@pytest.fixture
def url(redis_server, monkeypatch):
    """The URL of the server; it is not in the environment."""
    monkeypatch.delenv("SYSTEMEVENT_URL", raising=False)
    return redis_server.url


@pytest.fixture
def event(name, url):
    """An event of its own on the server, clear."""
    with SystemEvent(name, url=url) as one:
        yield one
    unlink(name, url=url)


def test_methods_of_the_class(event):
    """SystemEvent.set(event) is the event's set(), wherever it is kept: map() works as before."""
    list(map(SystemEvent.set, [event]))
    assert SystemEvent.is_set(event) is True
    assert SystemEvent.wait(event, 0) is True
    assert SystemEvent.wait(event, timeout=0) is True
    SystemEvent.clear(event)
    assert SystemEvent.isSet(event) is False
    event.close()
    with pytest.raises(ValueError, match="operation on a closed event"):
        SystemEvent.set(event)


def test_open_again(event, new_name, url):
    """A closed object can be opened again, here or there; an open one cannot."""
    with pytest.raises(RuntimeError, match="open already"):
        event.__init__("other", url=url)
    event.close()
    here = new_name()
    event.__init__(here, url="")
    event.set()
    assert list_events(url="").count(here) == 1
    event.close()
    event.__init__(here, url=url)
    assert not event.is_set()


def test_close_under_a_waiting_thread(event, name, url, redis_server):
    """A wait that has begun goes on when another thread closes the event."""
    outcome = []
    thread = threading.Thread(target=lambda: outcome.append(event.wait(DEADLINE)), daemon=True)
    thread.start()
    until(redis_server.blocked_ports, "it waits")
    event.close()
    assert event.closed
    with SystemEvent(name, url=url) as other:
        other.set()
    thread.join(DEADLINE)
    assert outcome == [True]


def test_unlink_under_a_waiter(event, name, url, redis_server):
    """Who waits for an event that is unlinked waits on, and is released by the next set()."""
    event.set()
    event.clear()
    outcome = []
    thread = threading.Thread(target=lambda: outcome.append(event.wait(DEADLINE)), daemon=True)
    thread.start()
    until(redis_server.blocked_ports, "it waits")
    unlink(name, url=url)
    assert name not in list_events(url=url)
    with SystemEvent(name, url=url) as other:
        other.set()
    thread.join(DEADLINE)
    assert outcome == [True]


def test_unlink_what_was_never_set(name, url):
    """An event that was never set has left no trace, so it may be unlinked all the same."""
    unlink(name, url=url)
    with SystemEvent(name, url=url):
        unlink(name, url=url)


def test_idle_connections_are_not_trusted(event, monkeypatch, redis_server):
    """A connection that was idle for long, and that a router may have forgotten, is not used."""

    def number():
        with redis_server.client() as client:
            return int(client.info("stats")["total_connections_received"])

    before = number()
    event.set()
    event.is_set()
    assert number() == before + 1
    monkeypatch.setattr(_redis_server, "LONGEST_IDLE", 0.0)
    event.is_set()
    assert number() == before + 3


class Overriding(SystemEvent):
    """Calls the methods of its base explicitly."""

    def set(self):
        SystemEvent.set(self)

    def wait(self, timeout=None):
        return SystemEvent.wait(self, timeout)


def test_a_subclass_that_calls_its_base(name, url):
    """A subclass's method may call SystemEvent's by name, as everywhere."""
    with Overriding(name, url=url) as event:
        event.set()
        assert event.wait() is True
        SystemEvent.close(event)
        assert event.closed
    unlink(name, url=url)


@pytest.mark.parametrize("error", [LookupError, TimeoutError, ConnectionError])
def test_what_a_handler_raises_is_no_outage(event, monkeypatch, error):
    """Whatever a signal handler raises in the midst of a wait's own code comes out of the wait."""

    def handler(*_):
        raise error("of the handler")

    see = _redis_waits.Any.see

    def see_and_be_interrupted(self, entries):
        signal.raise_signal(signal.SIGUSR1)
        return see(self, entries)

    monkeypatch.setattr(_redis_waits.Any, "see", see_and_be_interrupted)
    before = signal.signal(signal.SIGUSR1, handler)
    try:
        with pytest.raises(error, match="of the handler") as caught:
            event.wait(DEADLINE)
        assert caught.type is error
    finally:
        signal.signal(signal.SIGUSR1, before)


def test_stop_iteration_of_a_handler_in_a_sleep(event, redis_server):
    """StopIteration of a signal handler ends a wait as any other exception, and not with False."""

    def wait():
        def handler(*_):
            raise StopIteration

        signal.signal(signal.SIGUSR1, handler)
        try:
            return event.wait()
        except StopIteration:
            return "raised"

    with worker(wait) as one:
        until(redis_server.blocked_ports, "it waits")
        one.signal(signal.SIGUSR1)
        assert one.result() == "raised"


def test_a_wait_in_a_handler_that_interrupts_an_import(url, name):
    """All that a wait needs is imported when the first event is opened."""
    code = f"""
import sys
from systemevent import SystemEvent
event = SystemEvent({name!r}, url={url!r})
before = set(sys.modules)
event.set()
event.wait()
event.clear()
event.wait(0.001)
print(*sorted(each for each in set(sys.modules) - before if each.startswith("systemevent")))
"""
    with command(sys.executable, "-c", code) as process:
        assert process.communicate(timeout=DEADLINE) == ("\n", "")
