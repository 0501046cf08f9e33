"""wait_any: a latch of several events; all that are set are returned, in the order given."""

import itertools
import os

import pytest
from implementations import InThread
from processes import DEADLINE, until, until_asleep, worker, workers
from several import any_names, for_any, names, pulse
from surroundings import mappings

from systemevent import SystemEvent, unlink, wait_any

pytestmark = for_any


@pytest.mark.parametrize("timeout", [None, 0, 1000])
@pytest.mark.parametrize("is_set", list(itertools.product([False, True], repeat=3)))
def test_latch(new_events, is_set, timeout):
    """It returns at once all that are set, in the order given, and changes none of them."""
    events = new_events(3)
    for event, state in zip(events, is_set, strict=True):
        if state:
            event.set()
    expected = [event for event in events if event.is_set()]
    if not expected and timeout != 0:
        timeout = 0.01
    for order in itertools.permutations(events):
        result = wait_any(order, timeout)
        assert type(result) is list
        assert result == [event for event in order if event in expected]
        assert tuple(event.is_set() for event in events) == is_set


@pytest.mark.parametrize("count", [1, 2, 3, 62, 63])
def test_set_of_any_ends_it(new_events, count):
    """Whichever of the events is set, the wait ends with this one; the last of 63 as well."""
    events = new_events(count)
    for event in {0: events[0], 1: events[count // 2], 2: events[-1]}.values():
        thread = InThread(wait_any, events, None)
        until(thread.is_asleep, "the thread waits")
        event.set()
        assert thread.result() == [event]
        assert wait_any(events) == [event]
        event.clear()
        assert wait_any(events, 0) == []


def test_alternately(new_events):
    """With one set it is returned, then with both both, then with the other one only."""
    one, other = new_events(2)
    steps = [one.set, other.set, one.clear, one.set, other.clear, one.clear]
    expected = [[one], [one, other], [other], [one, other], [one], []]
    for step, result in zip(steps, expected, strict=True):
        step()
        assert wait_any([one, other], 0) == result
        assert wait_any([other, one], 0.001 * (not result)) == result[::-1]


def test_clear_ends_nothing(new_events):
    """clear(), of a clear event or of one that is not waited for, leaves the waiter asleep."""
    one, other, stranger = new_events(3)
    with worker(any_names, [one, other]) as waiter:
        until_asleep(waiter.pid)
        for _ in range(5):
            one.clear()
            pulse(stranger)
        until_asleep(waiter.pid)
        other.set()
        assert waiter.result() == names(other)


def test_one_set_releases_all_who_wait_for_it(new_events):
    """set() of one event releases all who wait for it and others, and nobody else."""
    events = new_events(4)
    pairs = list(itertools.combinations(events, 2))
    with workers(range(len(pairs)), lambda i: any_names(pairs[i])) as them:
        until_asleep(*[one.pid for one in them])
        events[0].set()
        for one, pair in zip(them, pairs, strict=True):
            if events[0] in pair:
                assert one.result() == names(events[0])
        rest = [one for one, pair in zip(them, pairs, strict=True) if events[0] not in pair]
        until_asleep(*[one.pid for one in rest])
        events[3].set()
        events[1].set()
        events[2].set()
        for one in rest:
            assert set(one.result()) <= set(names(*events[1:]))
            assert one.result()


# ---- which events, given how -----------------------------------------------------------------


@pytest.mark.parametrize("release", [SystemEvent.set, pulse])
def test_given_twice(new_events, release):
    """An event that is given twice, by one object or by two, is returned twice."""
    event, other = new_events(2)
    with SystemEvent(event.name) as again:
        given = [event, other, again, event]
        thread = InThread(wait_any, given)
        until(thread.is_asleep, "the thread waits")
        release(event)
        assert thread.result() == [event, again, event]
        event.set()
        assert wait_any(given) == [event, again, event]
        assert wait_any([event] * 63) == [event] * 63


ITERABLES = {
    "list": list,
    "tuple": tuple,
    "set": set,
    "frozenset": frozenset,
    "iterator": iter,
    "generator": lambda events: (event for event in events),
    "dict": lambda events: dict.fromkeys(events, 0),
    "keys": lambda events: dict.fromkeys(events, 0).keys(),
    "values": lambda events: dict(enumerate(events)).values(),
}


@pytest.mark.parametrize("make", ITERABLES.values(), ids=ITERABLES)
def test_iterable(new_events, make):
    """The events may be given as any iterable; it is gone through once, before the wait."""
    events = new_events(3)
    assert wait_any(make(events), 0.001) == []
    events[1].set()
    assert wait_any(events=make(events), timeout=None) == [events[1]]
    events[0].set()
    assert set(wait_any(make(events), DEADLINE)) == set(events[:2])


def test_the_list_may_change_meanwhile(new_events):
    """What happens to the list during the wait makes no difference."""
    one, other = new_events(2)
    events = [one, other]
    thread = InThread(wait_any, events)
    until(thread.is_asleep, "the thread waits")
    events.clear()
    other.set()
    assert thread.result() == [other]


class Derived(SystemEvent):
    """A subclass, with an equality of its own, and so without a hash."""

    def __eq__(self, other):
        raise AssertionError


def test_prefixes_and_subclasses(name, new_events):
    """Events of any prefixes and subclasses are waited for together, and returned as they are."""
    (usual,) = new_events(1)
    with SystemEvent(name[1:], "SystemEvent." + name[0]) as prefixed, Derived(name) as derived:
        prefixed.set()
        result = wait_any([usual, prefixed, derived])
        assert len(result) == 2
        assert result[0] is prefixed
        assert result[1] is derived


def test_unlinked(new_events):
    """An unlinked event is waited for as any other; a new one of its name is another one."""
    one, other = new_events(2)
    with worker(any_names, [one, other]) as waiter:
        until_asleep(waiter.pid)
        unlink(other.name)
        with SystemEvent(other.name) as new:
            new.set()
            until_asleep(waiter.pid)
            other.set()
            assert waiter.result() == names(other)
            assert wait_any([one, new, other]) == [new, other]


def test_closed_during_the_wait(new_name):
    """A wait goes on when another thread closes the events; then they are given back."""
    before = mappings()
    one, other, waker = (SystemEvent(new_name()) for _ in range(3))
    with SystemEvent(other.name) as same:
        thread = InThread(wait_any, [one, other])
        until(thread.is_asleep, "the thread waits")
        one.close()
        other.close()
        assert mappings() == before + 4
        same.set()
        assert thread.result() == [other]
        assert mappings() == before + 2
        assert other.closed
    waker.close()
    assert mappings() == before


def test_in_a_thread_of_a_forked_child(new_events):
    """Threads of a child forked in the middle of a wait of the parent wait on their own."""
    events = new_events(2)
    threads = [InThread(wait_any, events) for _ in range(3)]
    for thread in threads:
        until(thread.is_asleep, "the thread waits")

    def in_child():
        waits = [InThread(any_names, events) for _ in range(3)]
        for wait in waits:
            until(wait.is_asleep, "the thread waits")
        events[1].set()
        return [wait.result() for wait in waits], os.getpid()

    with worker(in_child) as child:
        assert child.result() == ([names(events[1])] * 3, child.pid)
    assert [thread.result() for thread in threads] == [[events[1]]] * 3
