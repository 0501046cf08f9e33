"""Threads that share one event, close it under each other, and fork."""

import os
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor

import pytest
from processes import DEADLINE, is_asleep, until, worker
from surroundings import error_of, mappings

from systemevent import SystemEvent

pytestmark = pytest.mark.anywhere


def waiting(event, timeout=None):
    """A thread that is asleep in event.wait(timeout), and the list that its result comes to."""
    results = []
    thread = threading.Thread(target=lambda: results.append(event.wait(timeout)), daemon=True)
    thread.start()
    until(lambda: is_asleep(os.getpid(), thread.native_id), "the thread waits")
    return thread, results


def ended(thread):
    """Join a thread that has to end."""
    thread.join(DEADLINE)
    assert not thread.is_alive()


def set_by_name(name):
    """Set the event of that name."""
    with SystemEvent(name) as event:
        event.set()


@pytest.mark.here
@pytest.mark.parametrize("timeout", [None, DEADLINE])
def test_close_under_a_waiting_thread(name, timeout):
    """A thread that waits keeps its hold when another one closes the event: another process's set
    releases it, and then the mapping is given back."""
    before = mappings()
    event = SystemEvent(name)
    thread, results = waiting(event, timeout)
    event.close()
    assert event.closed
    assert error_of(event.set)[0] == "ValueError"
    assert mappings() == before + 1
    with worker(set_by_name, name) as setter:
        setter.result()
    ended(thread)
    assert results == [True]
    assert mappings() == before


def test_dropped_under_a_waiting_thread(name):
    """An event that is dropped while a thread waits lives until that thread has returned."""
    before = mappings()
    event = SystemEvent(name)
    thread, results = waiting(event)
    gone = weakref.ref(event)
    del event
    set_by_name(name)
    ended(thread)
    assert results == [True]
    del thread  # holds the function that holds the event
    assert gone() is None
    assert mappings() == before


@pytest.mark.here
def test_waiting_and_closing_threads(name):
    """Threads that wait and close at the same time: each waits to the end or gets ValueError."""
    before = mappings()
    barrier = threading.Barrier(8)

    def wait(event):
        barrier.wait(DEADLINE)
        try:
            return event.wait(DEADLINE)
        except ValueError as error:
            return str(error)

    def close(event):
        barrier.wait(DEADLINE)
        event.close()
        set_by_name(name)

    with SystemEvent(name) as flag, ThreadPoolExecutor(8) as pool:
        for _ in range(200):
            flag.clear()
            event = SystemEvent(name)
            waits = [pool.submit(wait, event) for _ in range(5)]
            closes = [pool.submit(close, event) for _ in range(3)]
            results = {future.result(DEADLINE) for future in waits}
            assert results <= {True, f"operation on a closed event: {event!r}"}
            for future in closes:
                future.result(DEADLINE)
            del event, waits
            assert mappings() == before + 1


def test_all_methods_in_many_threads(event):
    """Threads that call every method of one event at once never fail, and end with one flag."""
    barrier = threading.Barrier(8)

    def use(number):
        barrier.wait(DEADLINE)
        for i in range(number, 2000 + number):
            (event.set, event.clear, event.is_set, event.isSet)[i % 4]()
            assert event.wait(0) in (True, False)
            if i % 50 == 0:
                repr(event)
                event.wait(0.0001)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(use, range(8)))
    event.clear()
    threads = [waiting(event) for _ in range(8)]
    event.set()
    for thread, results in threads:
        ended(thread)
        assert results == [True]


def use_in_child(event):
    """Use, pulse and close an event on which threads of the parent wait."""
    flags = [event.is_set()]
    event.set()
    event.clear()
    flags.append(event.wait(0))
    with SystemEvent(event.name) as again:
        flags.append(again.is_set())
    event.close()
    event.close()
    return flags, error_of(event.is_set)[0]


def test_fork_under_waiting_threads(event):
    """A child forked while threads wait may use and close the event, without harm to the parent."""
    threads = [waiting(event) for _ in range(3)]
    with worker(use_in_child, event) as child:
        assert child.result() == ([False, False, False], "ValueError")
    for thread, results in threads:
        ended(thread)
        assert results == [True]
    assert not event.is_set()
    event.set()
    assert event.wait()
