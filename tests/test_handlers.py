"""Any method may be called in a signal handler that interrupted any method of the same event."""

import os
import signal

import pytest
from handlers import RESTART, TIMEOUTS, pulse, wait_with_handler
from processes import (
    peer,
    receive,
    until_asleep,
    worker,
)

from systemevent import SystemEvent

pytestmark = pytest.mark.anywhere


def use_every_method(event):
    event.wait(0)
    event.set()
    assert event.wait(0.0001) is True  # nobody clears: handlers do not interrupt each other
    event.clear()
    assert event.is_set() is False
    assert event.wait(0.00001) is False


def interrupt_every_method(event, count):
    """Call all methods until a timer's handler, that calls all of them, has run `count` times."""
    runs = 0

    def handler(*_):
        nonlocal runs
        use_every_method(event)
        runs += 1
        if runs < count:
            signal.setitimer(signal.ITIMER_REAL, 0.00005)

    signal.signal(signal.SIGALRM, handler)
    signal.setitimer(signal.ITIMER_REAL, 0.00005)
    while runs < count:
        event.set()
        event.is_set()
        event.wait(0)
        event.clear()
        event.is_set()
        event.wait(0.0001)
    event.set()
    return event.is_set(), event.wait()


def test_every_method_in_a_handler_of_every_method(event, times):
    """Handlers may call every method wherever they interrupt; nothing locks (cpython gh-126434)."""
    with worker(interrupt_every_method, event, times(3000)) as one:
        assert one.result() == (True, True)


@pytest.mark.here
@RESTART
def test_every_c_function_in_a_handler_of_every_c_function(event, peer_program, restart):
    """The same at any instruction: C handlers run there, Python's only between two calls."""
    with peer(peer_program, "ours", event.name) as one:
        one.ask(f"on_signal{'_restart' * restart}:wsisciw")
        assert one.ask("storm:5000") == 0
        assert [one.ask(line) for line in ("set", "is_set", "wait", "clear", "is_set")] == [
            *(0, 1, 1, 0, 0)
        ]


@TIMEOUTS
def test_a_handler_that_sets_ends_the_wait(event, timeout):
    """A wait returns True when the handler that interrupted it sets the event (gh-85772)."""
    with worker(wait_with_handler, event, timeout, event.set) as one:
        until_asleep(one.pid)
        one.signal(signal.SIGUSR1)
        assert one.result() is True
    assert event.is_set() is True


@TIMEOUTS
def test_a_handler_that_pulses_ends_the_wait(event, timeout):
    """A wait returns True when the handler that interrupted it sets and clears the event."""
    with worker(wait_with_handler, event, timeout, lambda: pulse(event)) as one:
        until_asleep(one.pid)
        one.signal(signal.SIGUSR1)
        assert one.result() is True
    assert event.is_set() is False


@pytest.mark.here
@RESTART
@pytest.mark.parametrize("steps", ["s", "sc", "scsc"])
@pytest.mark.parametrize("wait", ["wait", "wait:1000"])
def test_a_c_handler_that_sets_or_pulses_ends_the_wait(event, peer_program, wait, steps, restart):
    """systemevent_wait returns 1 after such a handler, also if the kernel restarts the sleep."""
    with peer(peer_program, "ours", event.name) as one:
        one.ask(f"on_signal{'_restart' * restart}:{steps}")
        one.tell(wait)
        until_asleep(one.pid)
        os.kill(one.pid, signal.SIGUSR1)
        assert one.answer() == 1


def test_a_handler_may_wait_for_the_event_too(event, ticks):
    """A handler's own wait, inside the wait it interrupted, is a wait like any other."""
    reader, writer = ticks

    def handler():
        os.write(writer, b"%d" % event.wait(0.001))
        os.write(writer, b"%d" % event.wait())

    with worker(wait_with_handler, event, None, handler) as one:
        until_asleep(one.pid)
        one.signal(signal.SIGUSR1)
        assert receive(reader, 1) == b"0"
        until_asleep(one.pid)
        pulse(event)
        assert receive(reader, 1) == b"1"
        assert one.result() is True


def test_a_handler_may_close_the_event(event, name, ticks):
    """A wait goes on when a handler closes the event, and a set() by somebody else ends it."""
    reader, writer = ticks
    own = SystemEvent(name)

    def handler():
        own.close()
        os.write(writer, b".")

    with worker(lambda: (wait_with_handler(own, None, handler), own.closed)) as one:
        until_asleep(one.pid)
        one.signal(signal.SIGUSR1)
        receive(reader, 1)
        until_asleep(one.pid)
        event.set()
        assert one.result() == (True, True)
