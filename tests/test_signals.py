"""Signals whose handlers have nothing to do with the event a wait is for, and Ctrl-C."""

import itertools
import os
import signal
import struct
from operator import methodcaller
from pathlib import Path

import pytest
from handlers import RESTART, TIMEOUTS, pulse, wait_with_handler
from implementations import InThread
from processes import (
    DEADLINE,
    command,
    is_asleep,
    peer,
    receive,
    until,
    until_asleep,
    until_sleeping_in_lock,
    worker,
    workers,
)

pytestmark = pytest.mark.anywhere

# ---- a handler that does not -----------------------------------------------------------------


@TIMEOUTS
def test_harmless_signals_end_no_wait(event, ticks, timeout):
    """A wait runs each handler at once and goes on, until set()."""
    reader, writer = ticks
    with worker(wait_with_handler, event, timeout, lambda: os.write(writer, b".")) as one:
        for _ in range(5):
            until_asleep(one.pid)
            one.signal(signal.SIGUSR1)
            assert receive(reader, 1) == b"."
        until_asleep(one.pid)
        event.set()
        assert one.result() is True


@TIMEOUTS
def test_restarting_signals_end_no_wait(event, ticks, timeout):
    """A wait goes on after signals with SA_RESTART; their handler runs by the end of the wait."""
    reader, writer = ticks
    with worker(wait_with_handler, event, timeout, lambda: os.write(writer, b"."), True) as one:
        for _ in range(5):
            until_asleep(one.pid)
            one.signal(signal.SIGUSR1)
        until_asleep(one.pid)
        event.set()
        assert one.result() is True
        assert receive(reader, 1) == b"."


@pytest.mark.here
@RESTART
@pytest.mark.parametrize("wait", ["wait", "wait:1000"])
def test_harmless_signals_end_no_wait_of_c(event, peer_program, wait, restart):
    """systemevent_wait goes on after handlers that do nothing to the event."""
    with peer(peer_program, "ours", event.name) as one:
        one.ask(f"on_signal{'_restart' * restart}:")
        one.tell(wait)
        for _ in range(5):
            until_asleep(one.pid)
            os.kill(one.pid, signal.SIGUSR1)
        until_asleep(one.pid)
        event.set()
        assert one.answer() == 1
        assert one.ask("signals") == 5


def wait_in_a_thread(event, writer):
    """Wait in a thread whose id goes into the pipe; the main thread handles SIGUSR1 meanwhile."""
    signal.signal(signal.SIGUSR1, lambda *_: os.write(writer, b"."))
    thread = InThread(event.wait)
    os.write(writer, struct.pack("Q", thread.tid))
    return thread.result()


def test_signals_to_the_process_leave_its_threads_asleep(event, ticks):
    """A wait in a thread is not disturbed by signals, which the main thread handles."""
    reader, writer = ticks
    with worker(wait_in_a_thread, event, writer) as one:
        (tid,) = struct.unpack("Q", receive(reader, 8))
        until(lambda: is_asleep(one.pid, tid), "the thread waits")
        for _ in range(5):
            until_sleeping_in_lock(one.pid)
            one.signal(signal.SIGUSR1)
            assert receive(reader, 1) == b"."
            assert is_asleep(one.pid, tid)
        event.set()
        assert one.result() is True


def signal_own_thread(event):
    """Send signals to a waiting thread; return how many were handled, and the wait's result."""
    count = 0

    def handler(*_):
        nonlocal count
        count += 1

    signal.signal(signal.SIGUSR1, handler)
    thread = InThread(event.wait)
    for i in range(5):
        until(thread.is_asleep, "the thread waits")
        signal.pthread_kill(thread.ident, signal.SIGUSR1)
        until(lambda i=i: count == i + 1, "the main thread runs the handler")
    until(thread.is_asleep, "the thread waits")
    event.set()
    return count, thread.result()


def test_signals_to_a_waiting_thread_end_no_wait(event):
    """A wait in a thread goes on after signals to that thread; the main thread handles them."""
    with worker(signal_own_thread, event) as one:
        assert one.result() == (5, True)


def send_for_ever(pids, writer):
    for i in itertools.count():
        for pid in pids:
            os.kill(pid, signal.SIGUSR1)
        if i == 200:
            os.write(writer, b".")


@pytest.mark.parametrize("release", [methodcaller("set"), pulse], ids=["set", "pulse"])
def test_a_storm_of_signals_loses_no_release(event, ticks, release):
    """set() and pulses release all who wait, however many signals they are busy with."""
    reader, writer = ticks
    with workers(6, wait_with_handler, event, None, lambda: None) as waiters:
        pids = [waiter.pid for waiter in waiters]
        until_asleep(*pids)
        with workers(2, send_for_ever, pids, writer):
            receive(reader, 2)
            release(event)
            assert [waiter.result() for waiter in waiters] == [True] * 6


# ---- a handler that raises, Ctrl-C -----------------------------------------------------------


def raising(*_):
    raise LookupError


def wait_twice(event, timeout, number, handler, writer):
    """Return the type of what the first wait raises, and what the second one returns.

    A byte goes into the pipe between the two.
    """
    signal.signal(number, handler)
    try:
        event.wait(timeout)
    except BaseException as error:
        os.write(writer, b".")
        return type(error), event.wait(timeout)


@TIMEOUTS
@pytest.mark.parametrize(
    ("number", "handler", "error"),
    [
        (signal.SIGUSR1, raising, LookupError),
        (signal.SIGINT, signal.default_int_handler, KeyboardInterrupt),
    ],
    ids=["a handler", "Ctrl-C"],
)
def test_what_a_handler_raises_ends_the_wait(event, ticks, timeout, number, handler, error):
    """A wait ends at once with its handler's exception, Ctrl-C's too; the event remains usable."""
    reader, writer = ticks
    with worker(wait_twice, event, timeout, number, handler, writer) as one:
        until_asleep(one.pid)
        one.signal(number)
        assert receive(reader, 1) == b"."
        until_asleep(one.pid)
        assert event.is_set() is False
        event.set()
        assert one.result() == (error, True)


@pytest.mark.parametrize("timeout", [(), ("1000",)], ids=["endless", "timed"])
def test_ctrl_c_kills_evt_wait(name, scripts, timeout):
    """evt_wait dies of SIGINT, as shells expect it, and says nothing."""
    with command(scripts / "evt_wait", name, *timeout) as process:
        until_asleep(process.pid)
        process.send_signal(signal.SIGINT)
        assert process.communicate(timeout=DEADLINE) == ("", "")
        assert process.returncode == -signal.SIGINT


def test_ctrl_c_ends_a_shell_loop_around_evt_wait(name, scripts):
    """Ctrl-C at a terminal ends a script's loop, not just the evt_wait in it."""
    loop = 'while :; do "$0" "$1"; done'
    words = "bash", "-c", loop, scripts / "evt_wait", name
    with command(*words, start_new_session=True) as shell:
        children = Path(f"/proc/{shell.pid}/task/{shell.pid}/children")
        child = int(until(children.read_text, "the loop runs evt_wait").split()[0])
        until_asleep(child)
        os.killpg(shell.pid, signal.SIGINT)
        assert shell.wait(DEADLINE) == -signal.SIGINT


def test_evt_wait_in_the_background_ignores_ctrl_c(event, scripts):
    """Where SIGINT is ignored, as for a script's background jobs, evt_wait waits on."""
    script = 'trap "" INT; exec "$0" "$1"'
    with command("sh", "-c", script, scripts / "evt_wait", event.name) as process:
        until_asleep(process.pid)
        process.send_signal(signal.SIGINT)
        assert is_asleep(process.pid)
        event.set()
        assert process.communicate(timeout=DEADLINE) == ("", "")
        assert process.returncode == 0
