"""wait_any and wait_all among processes and threads: what they cost, forks, spawned processes."""

import itertools
import random
import threading

import pytest
from implementations import InThread
from processes import DEADLINE, until, until_all_asleep, until_asleep, worker
from several import BOTH, any_names, everything, for_any, names, threads
from surroundings import descriptors, mappings
from test_life import cost

from systemevent import wait_all, wait_any

pytestmark = for_any


@BOTH
@pytest.mark.parametrize("count", [1, 2, 63, 130])
def test_waiting_costs_nothing(new_events, wait, count):
    """A waiting process does not run at all: no CPU time and no context switch (no polling)."""
    events = new_events(count)
    (other,) = new_events(1)
    if wait is wait_all:
        for event in events[:-1]:
            event.set()
    with worker(lambda: bool(wait(events))) as one:
        until_all_asleep(one.pid)
        before = cost(one.pid)
        for _ in range(2_000):
            other.set()
            assert not wait(events, 0)
            for event in events[-1], other:
                event.clear()
        assert cost(one.pid) == before
        events[-1].set()
        assert one.result() is True


def test_wait_all_sleeps_on_while_others_change(new_events):
    """While two events are clear, what happens to all the others wakes nobody."""
    events = new_events(100)
    with worker(wait_all, events) as one:
        until_asleep(one.pid)
        before = cost(one.pid)
        for event in events[2:98] * 2:  # it sleeps on the first two, or on the last two
            event.set()
            event.clear()
        until_asleep(one.pid)
        assert cost(one.pid) == before
        for event in events:
            event.set()
        assert one.result() is True


@BOTH
@pytest.mark.parametrize("count", [1, 2, 63])
def test_nothing_is_left(new_events, wait, count):
    """After thousands of waits there is no more descriptor, mapping or thread than before."""
    events = new_events(count)
    before, started = (descriptors(), mappings()), threads()
    for i in range(2000):
        assert not wait(events, 1e-6 * (i % 2))
    for event in events:
        event.set()
    for _ in range(2000):
        assert wait(events) == everything(wait, events)
    assert (descriptors(), mappings()) == before
    assert threads() <= started  # fewer if those of an earlier test had not quite ended


@BOTH
@pytest.mark.parametrize("count", [2, 64])
def test_fork_under_waiting_threads(new_events, wait, count):
    """A child forked while threads wait may wait for the same events, and close them, without harm
    to the parent."""
    events = new_events(count)
    waits = [InThread(wait, events) for _ in range(3)]
    for one in waits:
        until(one.is_asleep, "the thread waits")

    def in_child():
        results = [wait(events, 0), wait(events, 0.001)]
        thread = InThread(wait, events[1:])
        until(thread.is_asleep, "the thread waits")
        for event in events[1:]:
            event.set()
        thread.result()
        for event in events[1:]:
            event.clear()
        for event in events:
            event.close()
        return results

    with worker(in_child) as child:
        assert not any(child.result())
    if wait is wait_all:
        for one in waits:
            until(one.is_asleep, "the thread waits on")
    for event in events:
        event.set()
    assert all(one.result() for one in waits)


def wait_and_reply(requests, reply):
    """Wait for any, then for all of the requests; set the reply in between, and at the end."""
    if any_names(requests, DEADLINE) == names(requests[1]):
        reply.set()
    if wait_all(requests, DEADLINE):
        reply.set()


def test_pickled(context, new_events):
    """Events that come as arguments of a process, however it is started, are waited for there."""
    *requests, reply = new_events(4)
    process = context.Process(target=wait_and_reply, args=(requests, reply))
    process.start()
    try:
        until_asleep(process.pid)
        requests[1].set()
        assert wait_any([*requests[::2], reply], DEADLINE) == [reply]
        reply.clear()
        until_asleep(process.pid)
        assert not reply.is_set()
        requests[0].set()
        requests[2].set()
        assert wait_all([reply, *requests], DEADLINE)
    finally:
        for event in requests:
            event.set()
        process.join()
    assert process.exitcode == 0
    process.close()


def test_twenty_threads(new_events):
    """Twenty threads in overlapping wait_any and wait_all: each gets only what it asked for."""
    seed = random.randrange(2**32)
    choose = random.Random(seed)
    events = new_events(8)
    stop = threading.Event()

    def use(number):
        mine = random.Random(seed + number)
        for _ in range(100):
            given = mine.choices(events, k=mine.randint(1, 5))
            timeout = mine.choice([0, 0.0001, 0.002])
            result = wait_any(given, timeout)
            positions = iter(given)
            assert all(any(event is each for each in positions) for event in result)
            assert wait_all(given, timeout) in (True, False)
        return True

    waits = [InThread(use, number) for number in range(20)]
    for _ in itertools.count():
        choose.choice(events).set()
        choose.choice(events).clear()
        if not any(wait._thread.is_alive() for wait in waits):
            break
        stop.wait(0.0001)  # for the others to run; no condition of the test
    assert [wait.result() for wait in waits] == [True] * 20, f"seed {seed}"


@BOTH
def test_twenty_sleeping_threads(new_events, wait):
    """Twenty threads asleep on overlapping pairs: each wakes up for its own events only."""
    events = new_events(20)
    waits = [InThread(wait, [events[i], events[(i + 1) % 20]]) for i in range(20)]
    for one in waits:
        until(one.is_asleep, "the thread waits")
    events[5].set()
    if wait is wait_any:
        assert [waits[i].result() for i in (4, 5)] == [[events[5]]] * 2
        assert all(waits[i].is_asleep() for i in range(20) if i not in (4, 5))
    events[6].set()
    assert waits[5].result()
    for event in events:
        event.set()
    for i, one in enumerate(waits):
        result = one.result()
        assert result is True or set(result) <= {events[i], events[(i + 1) % 20]}
