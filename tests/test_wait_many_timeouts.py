"""wait_any and wait_all take every timeout as SystemEvent.wait does, and are never early."""

import time

import pytest
from implementations import InThread
from processes import until, until_asleep, worker
from several import BOTH, everything, for_any, nothing, pulse
from test_timeouts import (
    ENDLESS,
    SECOND,
    TIMEOUTS,
    Index,
    Pulsing,
    deadline_of,
    elapsed,
    id_of,
    wait_among_signals,
)

from systemevent import wait_all, wait_any

pytestmark = [*for_any, pytest.mark.one_python]

#: Without those that would wait for a second.
SHORT = [timeout for timeout in TIMEOUTS if timeout is not True and type(timeout) is not Index]
SHORT += [Index(0), Index(-3), Index(2**63)]
COUNTS = pytest.mark.parametrize("count", [1, 2, 63, 64, 130])


def outcome(function, *args):
    """Whether a call found something; or its exception, with the message."""
    try:
        return bool(function(*args))
    except Exception as error:
        return type(error), str(error)


@BOTH
@COUNTS
@pytest.mark.parametrize("is_set", [False, True], ids=["clear", "set"])
def test_every_timeout_is_taken_as_wait_takes_it(new_events, wait, count, is_set):
    """A timeout is taken as SystemEvent.wait() takes it: the same outcome, the same words.

    So a bad one is not noticed when the events are set already.
    """
    events = new_events(count)
    if is_set:
        for event in events:
            event.set()
    for timeout in SHORT:
        ours = outcome(wait, events, timeout)
        assert ours == outcome(events[0].wait, timeout), id_of(timeout)
        assert all(event.is_set() is is_set for event in events)


@BOTH
@pytest.mark.parametrize("count", [2, 64])
def test_longest_timeouts_wait_for_set(new_events, wait, count):
    """Timeouts up to threading.TIMEOUT_MAX wait."""
    events = new_events(count)
    for timeout in ENDLESS:
        thread = InThread(wait, events, timeout)
        until(thread.is_asleep, "the thread waits")
        for event in events:
            event.set()
        assert thread.result(), id_of(timeout)
        for event in events:
            event.clear()


@BOTH
@COUNTS
@pytest.mark.parametrize("timeout", [1e-9, 1e-6, 3.3e-5, 1e-3, 7e-3])
def test_never_early(new_events, wait, count, timeout):
    """Neither ends before its timeout has passed on the monotonic clock."""
    events = new_events(count)
    for _ in range(5):
        value, duration = elapsed(wait, events, timeout)
        assert value == nothing(wait)
        assert duration >= timeout * SECOND


@pytest.mark.parametrize("timeout", [0.0005, 0.01])
def test_never_early_while_others_are_set(new_events, timeout):
    """wait_all is not early if all but one event are set, or one is set again and again."""
    *events, last = new_events(3)
    for event in events:
        event.set()
    for _ in range(5):
        value, duration = elapsed(wait_all, [*events, last], timeout)
        assert value is False
        assert duration >= timeout * SECOND


def test_pulses_of_another_change_no_timeout(new_events):
    """wait_all neither ends early nor goes on for ever while one event is pulsed all the time."""
    one, other = new_events(2)

    def pulse_for_ever():
        while True:
            pulse(one)

    with worker(pulse_for_ever):
        for _ in range(20):
            value, duration = elapsed(wait_all, [one, other], 0.005)
            assert value is False
            assert duration >= 0.005 * SECOND


@BOTH
@pytest.mark.parametrize("count", [2, 64])
def test_signals_change_no_timeout(new_events, wait, count):
    """A wait is as long as it should be however many signals interrupt it."""
    events = new_events(count)

    class Several:
        """Several events, as one that can be waited for."""

        def wait(self, timeout):
            return wait(events, timeout)

    with worker(wait_among_signals, Several(), 0.02, 100) as one:
        for value, duration in one.result():
            assert value == nothing(wait)
            assert 0.02 * SECOND <= duration < 60 * SECOND


@BOTH
def test_the_wall_clock_has_no_part_in_it(new_events, wait):
    """The kernel is given a deadline on the monotonic clock, once for the whole wait."""
    events = new_events(3)
    before = time.monotonic_ns()
    with worker(lambda: bool(wait(events, 1000))) as one:
        until_asleep(one.pid)
        after = time.monotonic_ns()
        clock, deadline = deadline_of(one.pid)
        assert clock == time.CLOCK_MONOTONIC
        assert before <= deadline - 1000 * SECOND <= after
        if wait is wait_all:
            events[2].set()
            until_asleep(one.pid)
            events[0].set()
            until_asleep(one.pid)
            assert deadline_of(one.pid) == (clock, deadline)


@pytest.mark.parametrize("count", [1, 2, 63, 64])
def test_a_pulse_before_the_sleep_is_not_missed(new_events, count):
    """wait_any reads the words, then the clock: a pulse in between does not count as clear time."""
    events = new_events(count)
    for event in {0: events[0], 1: events[-1]}.values():
        assert wait_any(events, Pulsing(event)) == [event]


def test_a_pulse_before_the_sleep_of_wait_all_is_not_missed(new_events):
    """The same of wait_all, when the others are set."""
    events = new_events(3)
    for event in events:
        for other in events:
            other.set()
        event.clear()
        assert wait_all(events, Pulsing(event)) is True


def poll(wait, events, timeout, results):
    """Wait again and again until something comes; leave it in `results`."""
    while not (result := wait(events, timeout)):
        pass
    results[timeout] = result


@BOTH
def test_timeouts_that_race_a_set(new_events, wait):
    """A set() that races the timeouts of polling waiters is missed by none (pevents#2)."""
    events = new_events(4)
    for i in range(50):
        last = events[i % 4]
        for event in events:
            (event.set if wait is wait_all and event is not last else event.clear)()
        results = {}
        threads = [
            InThread(poll, wait, events, timeout, results) for timeout in (0, 1e-5, 1e-4, 1e-3)
        ]
        last.set()
        for thread in threads:
            thread.result()
        assert list(results.values()) == [everything(wait, [last])] * 4
