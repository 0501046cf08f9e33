"""Signals during wait_any and wait_all: handlers run, what they raise ends it."""

import contextlib
import os
import signal
import struct
import time

import pytest
from implementations import InThread
from processes import (
    is_asleep,
    receive,
    until,
    until_asleep,
    until_sleeping_in_lock,
    until_stopped,
    worker,
    workers,
)
from several import BOTH, any_names, for_any, names, nothing, pulse

from systemevent import SystemEvent, wait_all, wait_any

pytestmark = for_any
#: 2 and 63 are one sleep, 1 is that of wait(), 64 takes a thread.
COUNTS = pytest.mark.parametrize("count", [1, 2, 63, 64])
RELEASES = pytest.mark.parametrize("release", [SystemEvent.set, pulse], ids=["set", "pulse"])
WAITERS = 6


def ready(wait, events):
    """Set all but the last event if it is for all; return the last."""
    if wait is wait_all:
        for event in events[:-1]:
            event.set()
    return events[-1]


def outcome(wait, events, timeout=None):
    """What the wait returns, such that it can come out of a worker."""
    return any_names(events, timeout) if wait is wait_any else wait_all(events, timeout)


def released(wait, last):
    return names(last) if wait is wait_any else True


def with_handler(handler, wait, events, timeout=None):
    """Wait; meanwhile SIGUSR1 calls handler()."""
    signal.signal(signal.SIGUSR1, lambda *_: handler())
    return outcome(wait, events, timeout)


@BOTH
@COUNTS
@pytest.mark.parametrize("timeout", [None, 1000])
def test_harmless_signals_end_no_wait(new_events, ticks, wait, count, timeout):
    """A wait runs each handler at once and goes on, until the event is set."""
    reader, writer = ticks
    events = new_events(count)
    last = ready(wait, events)
    with worker(with_handler, lambda: os.write(writer, b"."), wait, events, timeout) as one:
        for _ in range(5):
            until_asleep(one.pid)
            one.signal(signal.SIGUSR1)
            assert receive(reader, 1) == b"."
        until_asleep(one.pid)
        last.set()
        assert one.result() == released(wait, last)


@BOTH
@COUNTS
@RELEASES
def test_a_handler_that_sets_or_pulses_ends_the_wait(new_events, wait, count, release):
    """A wait ends when the handler that interrupted it sets or pulses the event (gh-85772)."""
    events = new_events(count)
    last = ready(wait, events)
    with worker(with_handler, lambda: release(last), wait, events) as one:
        until_asleep(one.pid)
        one.signal(signal.SIGUSR1)
        assert one.result() == released(wait, last)


def raising(*_):
    raise LookupError


def wait_twice(wait, events, number, handler, writer):
    """The type of what the first wait raises, and what the second one returns."""
    signal.signal(number, handler)
    try:
        wait(events)
    except BaseException as error:
        os.write(writer, b".")
        return type(error), outcome(wait, events)


@BOTH
@COUNTS
@pytest.mark.parametrize(
    ("number", "handler", "error"),
    [
        (signal.SIGUSR1, raising, LookupError),
        (signal.SIGINT, signal.default_int_handler, KeyboardInterrupt),
    ],
    ids=["a handler", "Ctrl-C"],
)
def test_what_a_handler_raises_ends_the_wait(
    new_events, ticks, wait, count, number, handler, error
):
    """A wait ends at once with its handler's exception; the events remain usable."""
    reader, writer = ticks
    events = new_events(count)
    last = ready(wait, events)
    with worker(wait_twice, wait, events, number, handler, writer) as one:
        until_asleep(one.pid)
        one.signal(number)
        assert receive(reader, 1) == b"."
        until_asleep(one.pid)
        last.set()
        assert one.result() == (error, released(wait, last))


@BOTH
@COUNTS
def test_a_handler_that_raises_before_the_sleep(new_events, wait, count):
    """A signal that came just before the sleep ends it as well."""
    events = new_events(count)

    class Interrupting:
        """A timeout that interrupts, when it is compared."""

        def __gt__(self, other):
            os.kill(os.getpid(), signal.SIGUSR1)
            return True

        def __index__(self):
            return 1000

    def interrupt():
        signal.signal(signal.SIGUSR1, raising)
        with contextlib.suppress(LookupError):
            wait(events, Interrupting())
        return "interrupted"

    with worker(interrupt) as one:
        assert one.result() == "interrupted"


def in_a_thread(wait, events, writer):
    """Wait in a thread whose id goes into the pipe; the main thread handles SIGUSR1 meanwhile."""
    signal.signal(signal.SIGUSR1, lambda *_: os.write(writer, b"."))
    thread = InThread(outcome, wait, events)
    os.write(writer, struct.pack("Q", thread.tid))
    return thread.result()


@BOTH
@COUNTS
def test_signals_to_the_process_leave_its_threads_asleep(new_events, ticks, wait, count):
    """A wait in a thread is not disturbed by signals, which the main thread handles."""
    reader, writer = ticks
    events = new_events(count)
    last = ready(wait, events)
    with worker(in_a_thread, wait, events, writer) as one:
        (tid,) = struct.unpack("Q", receive(reader, 8))
        until(lambda: is_asleep(one.pid, tid), "the thread waits")
        for _ in range(5):
            until_sleeping_in_lock(one.pid)
            one.signal(signal.SIGUSR1)
            assert receive(reader, 1) == b"."
            assert is_asleep(one.pid, tid)
        last.set()
        assert one.result() == released(wait, last)


def storm(handler_takes, writer, wait, events):
    """Wait; from the first SIGALRM on a timer interrupts it again and again. It tells so the first
    five times: were it always, the pipe would be full when nobody reads for some seconds."""
    ticks = [b"."] * 5

    def handler(*_):
        signal.setitimer(signal.ITIMER_REAL, 0)
        if ticks:
            os.write(writer, ticks.pop())
        time.sleep(handler_takes)  # pulses fall into it; no condition of the test
        # Once more later: a signal that comes just before the sleep is handled only at its end.
        signal.setitimer(signal.ITIMER_REAL, 0.0003, 0.01)

    signal.signal(signal.SIGALRM, handler)
    result = outcome(wait, events)
    signal.setitimer(signal.ITIMER_REAL, 0)
    return result


@BOTH
@RELEASES
@pytest.mark.parametrize("count", [1, 3, 64])
@pytest.mark.parametrize("handler_takes", [0, 0.002])
def test_a_storm_of_signals_loses_no_release(
    new_events, ticks, wait, release, count, handler_takes
):
    """set() and pulses release all who wait, however often a timer interrupts them (PulseEvent),
    also those that are in a slow handler meanwhile."""
    reader, writer = ticks
    for _ in range(3):
        events = new_events(count)
        last = ready(wait, events)
        with workers(WAITERS, storm, handler_takes, writer, wait, events) as them:
            until_asleep(*[one.pid for one in them])
            for one in them:
                one.signal(signal.SIGALRM)
            receive(reader, 5 * WAITERS)
            release(last)
            assert [one.result() for one in them] == [released(wait, last)] * WAITERS


@BOTH
@pytest.mark.parametrize("count", [1, 2, 63, 64])
def test_pulse_of_stopped_waiters(new_events, wait, count):
    """A pulse releases also those who are stopped during it, when they continue."""
    events = new_events(count)
    last = ready(wait, events)
    with workers(WAITERS, outcome, wait, events) as them:
        pids = [one.pid for one in them]
        until_asleep(*pids)
        for i in range(0, WAITERS, 2):
            os.kill(pids[i], signal.SIGSTOP)
            until_stopped(pids[i])
        pulse(last)
        for i in range(0, WAITERS, 2):
            assert not them[i].has_answered()
            os.kill(pids[i], signal.SIGCONT)
        assert [one.result() for one in them] == [released(wait, last)] * WAITERS
    assert wait(events, 0) == nothing(wait)
