"""wait_all: True means that all events were set at one instant; none is changed."""

import itertools

import pytest
from implementations import InThread
from processes import until, until_asleep, worker, workers
from several import pulse
from surroundings import mappings

from systemevent import SystemEvent, unlink, wait_all

WAITERS = 6


@pytest.mark.parametrize("timeout", [None, 0, 1000])
@pytest.mark.parametrize("is_set", list(itertools.product([False, True], repeat=3)))
def test_latch(new_events, is_set, timeout):
    """It returns at once if all are set, whatever the order, and changes none of them."""
    events = new_events(3)
    for event, state in zip(events, is_set, strict=True):
        if state:
            event.set()
    if not all(is_set) and timeout != 0:
        timeout = 0.01
    for order in itertools.permutations(events):
        assert wait_all(order, timeout) is all(is_set)
        assert tuple(event.is_set() for event in events) == is_set


@pytest.mark.parametrize("count", [1, 2, 63, 64, 65, 126, 127, 500])
def test_any_number(new_events, count):
    """It waits for any number of events; until the last one is set, whichever that is."""
    events = new_events(count)
    for last in {0, count // 2, count - 1}:
        with worker(wait_all, events) as one:
            until_asleep(one.pid)
            for i, event in enumerate(events):
                if i != last:
                    event.set()
            until_asleep(one.pid)
            assert wait_all(events, 0) is False
            events[last].set()
            assert one.result() is True
        assert wait_all(events) is True
        for event in events:
            event.clear()


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_set_in_any_order(new_events, order):
    """The last set() releases all who wait, in whatever order the events are set."""
    events = new_events(3)
    with workers(WAITERS, wait_all, events) as them:
        for i in order:
            until_asleep(*[one.pid for one in them])
            events[i].set()
        assert [one.result() for one in them] == [True] * WAITERS
    assert all(event.is_set() for event in events)


def test_set_and_cleared_again_before_the_rest(new_events):
    """An event that is cleared before the last one is set has to be set again."""
    one, other = new_events(2)
    with workers(WAITERS, wait_all, [one, other]) as them:
        pids = [each.pid for each in them]
        for first, second in [(one, other), (other, one)] * 3:
            first.set()
            until_asleep(*pids)
            first.clear()
            second.set()
            until_asleep(*pids)
            second.clear()
            until_asleep(*pids)
        assert not any(each.has_answered() for each in them)
        one.set()
        until_asleep(*pids)
        other.set()
        assert [each.result() for each in them] == [True] * WAITERS


def test_a_timeout_releases_nobody_else(new_events):
    """A wait that times out leaves the others asleep, and the events as they are."""
    one, other = new_events(2)
    one.set()
    with worker(wait_all, [other, one]) as waiter:
        until_asleep(waiter.pid)
        assert wait_all([one, other], 0.01) is False
        assert (one.is_set(), other.is_set()) == (True, False)
        until_asleep(waiter.pid)
        other.set()
        assert waiter.result() is True


@pytest.mark.parametrize("make", [set, iter, dict.fromkeys, lambda events: (e for e in events)])
def test_iterable(new_events, make):
    """The events may be given as any iterable."""
    events = new_events(3)
    assert wait_all(make(events), 0.001) is False
    for event in events:
        event.set()
    assert wait_all(events=make(events), timeout=None) is True


@pytest.mark.parametrize("timeout", [None, 0])
def test_given_more_than_once(new_events, timeout):
    """An event that is given several times, by one object or by several, counts once."""
    one, other = new_events(2)
    with SystemEvent(one.name) as again:
        given = [one, other, again, one, other] * 20
        one.set()
        assert wait_all(given, 0) is False
        other.set()
        assert wait_all(given, timeout) is True
        one.clear()
        assert wait_all(given, 0.001) is False


def test_prefixes_and_unlinked(name, new_events):
    """Events of any prefixes are waited for together, also unlinked ones beside new ones."""
    (old,) = new_events(1)
    unlink(old.name)
    with SystemEvent(old.name) as new, SystemEvent(name[1:], "SystemEvent." + name[0]) as third:
        events = [old, new, third]
        with worker(wait_all, events) as one:
            for event in events:
                until_asleep(one.pid)
                assert not wait_all(events, 0)
                event.set()
            assert one.result() is True


def test_closed_during_the_wait(new_name):
    """A wait goes on when another thread closes the events; then they are given back."""
    before = mappings()
    one, other = (SystemEvent(new_name()) for _ in range(2))
    with SystemEvent(one.name) as same_one, SystemEvent(other.name) as same_other:
        thread = InThread(wait_all, [one, other])
        until(thread.is_asleep, "the thread waits")
        one.close()
        other.close()
        assert mappings() == before + 4
        same_one.set()
        same_other.set()
        assert thread.result() is True
        assert mappings() == before + 2
    assert mappings() == before


# ---- at once ---------------------------------------------------------------------------------


def alternate(events, rounds):
    """Set the events one after the other, each cleared before the next is set."""
    for _ in range(rounds):
        for event in events:
            pulse(event)


def alternate_in_turns(events, rounds):
    """The same in processes, one after the other; on a busy machine, it takes a while in all."""
    for _ in range(10):
        with worker(alternate, events, rounds // 10) as one:
            one.result()


def overlap(events, rounds):
    """The same, but each is cleared after the next one was set."""
    for _ in range(rounds):
        for event, before in zip(events, events[-1:] + events[:-1], strict=True):
            event.set()
            before.clear()


def poll(events, stop):
    """Look at the events again and again with wait_all, with and without sleeping; at least once,
    also if it comes when all is over."""
    results = set()
    while not results or not stop.is_set():
        results |= {wait_all(events, 0), wait_all(events[::-1], 0.0005)}
    return results


@pytest.mark.parametrize("count", [2, 3])
def test_never_set_at_once(new_events, count):
    """While two events are set only in turn, never together, it never says that they were set at
    once (neosmart/pevents#9): in 40,000 rounds and more, whoever waits and looks how often."""
    events = new_events(count)
    (stop,) = new_events(1)
    with workers(2, wait_all, events) as asleep, workers(2, poll, events, stop) as polling:
        until_asleep(*[one.pid for one in asleep])
        alternate_in_turns(events, 120_000 // count)
        stop.set()
        assert [one.result() for one in polling] == [{False}] * 2
        until_asleep(*[one.pid for one in asleep])
        for event in events:
            event.set()
        assert [one.result() for one in asleep] == [True] * 2


@pytest.mark.parametrize("order", [1, -1])
def test_never_set_at_once_among_many(new_events, order):
    """The same if hundreds of events that are set lie between the two: these are cleared and set
    between the reading of the one and of the other."""
    events = new_events(300)
    (stop,) = new_events(1)
    for event in events[1:-1]:
        event.set()
    pair = [events[0], events[-1]][::order]
    with workers(1, wait_all, events) as asleep, workers(2, poll, events, stop) as polling:
        until_asleep(asleep[0].pid)
        alternate_in_turns(pair, 60_000)
        stop.set()
        assert [one.result() for one in polling] == [{False}] * 2
        until_asleep(asleep[0].pid)
        for event in pair:
            event.set()
        assert asleep[0].result() is True


def test_set_at_once(new_events):
    """Where they do overlap it says so, sooner or later."""
    events = new_events(2)
    with workers(4, wait_all, events) as them:
        until_asleep(*[one.pid for one in them])

        def all_say_so():
            overlap(events, 100)
            return all(one.has_answered() for one in them)

        until(all_say_so, "everybody has seen both set")
        assert [one.result() for one in them] == [True] * 4


def test_no_false_of_events_that_are_set(new_events):
    """wait_all(…, 0) never says False of events that are set, whoever waits (pevents#18)."""
    events = new_events(3)
    for event in events:
        event.set()

    def look():
        return all(wait_all(events, 0) for _ in range(3000))

    with workers(4, look) as them:
        for _ in range(2000):
            for event in events:
                event.set()
        assert [one.result() for one in them] == [True] * 4
