"""wait_all in many processes at once: a pulse of one event while the others stay set."""

import os
import signal

import pytest
from implementations import InThread
from processes import until, until_asleep, until_stopped, worker, workers
from several import pulse

from systemevent import SystemEvent, wait_all

pytestmark = pytest.mark.one_python

ORDERS = pytest.mark.parametrize(
    "order", [lambda others, last: [*others, last], lambda others, last: [last, *others]]
)
WAITERS = 8


@ORDERS
@pytest.mark.parametrize("count", [1, 2, 3, 5])
def test_pulse_of_the_last(new_events, order, count):
    """A pulse of one event releases all who wait for it and for others that were set before."""
    *others, last = new_events(count)
    for event in others:
        event.set()
    with workers(WAITERS, wait_all, order(others, last)) as them:
        until_asleep(*[one.pid for one in them])
        pulse(last)
        assert [one.result() for one in them] == [True] * WAITERS


@ORDERS
@pytest.mark.parametrize("count", [2, 3, 5])
def test_pulse_after_the_others_were_set_one_by_one(new_events, order, count, sleeping_mode):
    """The same if the others are set one by one while the waiters sleep, and they have noticed.

    On kernels before 5.16 waiters sleep on one event, and do not notice that the others are set:
    the pulse may be missed, the documentation says so, and a set() releases them.
    """
    for i in range(count):
        events = new_events(count)
        last = events.pop(i)
        with workers(WAITERS, wait_all, order(events, last)) as them:
            pids = [one.pid for one in them]
            until_asleep(*pids)
            for event in events:
                event.set()
                until_asleep(*pids)  # again: it is awake when set() returns
            pulse(last)
            if sleeping_mode == "futex_wait":
                last.set()
            assert [one.result() for one in them] == [True] * WAITERS, f"event {i}"


@ORDERS
def test_pulse_of_the_last_in_a_thread(new_events, order):
    """The same in a thread of the process that pulses."""
    *others, last = new_events(4)
    for event in others:
        event.set()
    for _ in range(100):
        thread = InThread(wait_all, order(others, last))
        until(thread.is_asleep, "the thread waits")
        pulse(last)
        assert thread.result() is True


@ORDERS
def test_pulse_of_the_last_for_stopped_waiters(new_events, order, sleeping_mode):
    """A pulse of the last event releases also those who were stopped during it.

    Not on kernels before 5.16, as for one event: a set() releases them.
    """
    *others, last = new_events(3)
    for event in others:
        event.set()
    with workers(WAITERS, wait_all, order(others, last)) as them:
        pids = [one.pid for one in them]
        until_asleep(*pids)
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        until_stopped(*pids)
        pulse(last)
        for pid in pids:
            os.kill(pid, signal.SIGCONT)
        if sleeping_mode == "futex_wait":
            until_asleep(*pids)
            last.set()
        assert [one.result() for one in them] == [True] * WAITERS


@pytest.mark.parametrize("again", [lambda one: one, lambda one: SystemEvent(one.name)])
@pytest.mark.parametrize("count", [2, 3])
def test_pulse_of_one_given_more_than_once(event, again, count):
    """An event that is given several times, by one object or by several, counts once: a pulse of it
    is enough."""
    with worker(lambda: wait_all([again(event) for _ in range(count)])) as one:
        until_asleep(one.pid)
        pulse(event)
        assert one.result() is True


def test_pulse_of_the_last_given_more_than_once(new_events):
    """The same among others, which stay set."""
    other, last = new_events(2)
    other.set()
    with worker(lambda: wait_all([last, other, last, other, SystemEvent(last.name)])) as one:
        until_asleep(one.pid)
        pulse(last)
        assert one.result() is True


def test_pulse_while_another_is_clear(new_events):
    """A pulse of one event releases nobody while another one is clear, whichever is pulsed."""
    events = new_events(3)
    events[1].set()
    with workers(WAITERS, wait_all, events) as them:
        pids = [one.pid for one in them]
        for i in (0, 2) * 5:
            until_asleep(*pids)
            pulse(events[i])
            assert not any(one.has_answered() for one in them)
        until_asleep(*pids)
        for event in events:
            event.set()
        assert [one.result() for one in them] == [True] * WAITERS
