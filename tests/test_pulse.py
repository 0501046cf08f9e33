"""A pulse, set() directly followed by clear(), releases everyone who was waiting.

Guards against cpython gh-95826 and gh-76172 (multiprocessing.Event looks at the flag again after
waking, and 41 to 47 of 50 waiters say False), gh-57711, and Windows' PulseEvent.
"""

import contextlib
import mmap
import os
import signal
import struct
import time

import pytest
from processes import receive, until, until_asleep, until_stopped, worker, workers

from systemevent import SystemEvent

pytestmark = pytest.mark.anywhere

WAITERS = 50
ROUNDS = 200
REPORT = struct.Struct("H?")  # which waiter, and what its wait() returned


class Crowd:
    """Waiting processes that wait once in each round."""

    def __init__(self, them, gates, reports):
        self.them = them
        self.pids = [one.pid for one in them]
        self._gates = gates
        self._reports = reports

    def fall_asleep(self):
        """Begin a round: return when all are asleep in wait()."""
        for gate in self._gates:
            os.write(gate, b".")
        until_asleep(*self.pids)

    def outcomes(self, count=WAITERS):
        """What the next `count` wait() that end have returned, as {waiter: outcome}."""
        return dict(REPORT.iter_unpack(receive(self._reports, count * REPORT.size)))


def wait_in_rounds(i, name, gates, reports, on_signal):
    """Wait for the event each time the gate opens, and report what wait() returned."""
    event = SystemEvent(name)
    if on_signal:
        signal.signal(signal.SIGUSR1, lambda *_: on_signal(i))
    while os.read(gates[i], 1):
        os.write(reports, REPORT.pack(i, event.wait()))


@contextlib.contextmanager
def crowd(name, on_signal=None):
    """WAITERS processes for the event; they call on_signal(number of the waiter) on SIGUSR1."""
    pipes = [os.pipe() for _ in range(WAITERS)]
    reader, writer = os.pipe()
    gates, openers = zip(*pipes, strict=True)
    try:
        with workers(range(WAITERS), wait_in_rounds, name, gates, writer, on_signal) as them:
            yield Crowd(them, openers, reader)
    finally:
        for descriptor in (*gates, *openers, reader, writer):
            os.close(descriptor)


EVERYBODY = dict.fromkeys(range(WAITERS), True)


def pulse(event):
    """set() and clear(), back to back."""
    event.set()
    event.clear()


def test_pulse(event, times):
    """A pulse releases all of 50 waiting processes, and wait() returns True in each (gh-95826)."""
    with crowd(event.name) as them:
        for i in range(times(ROUNDS)):
            them.fall_asleep()
            pulse(event)
            assert them.outcomes() == EVERYBODY, f"round {i}"


def test_pulse_by_another_process(event):
    """A pulse by a process that ends directly after it releases all waiting processes."""
    with crowd(event.name) as them:
        for i in range(10):
            them.fall_asleep()
            with worker(pulse, event) as pulser:
                pulser.result()
            assert them.outcomes() == EVERYBODY, f"round {i}"


def signal_everybody(pids):
    """Send SIGUSR1 to all of them again and again."""
    while True:
        for pid in pids:
            os.kill(pid, signal.SIGUSR1)
        time.sleep(0.001)  # not to starve them; no condition of the test


def test_pulse_in_a_storm_of_signals(event, times):
    """A pulse releases also those waiters that are busy in a signal handler meanwhile (PulseEvent).

    The waiter is not asleep then, and the event is clear again before it goes to sleep.
    """
    handled = memoryview(mmap.mmap(-1, 8 * WAITERS)).cast("q")

    def on_signal(i):
        handled[i] += 1
        time.sleep(0.0005)  # a handler that takes its time: pulses fall into it

    with crowd(event.name, on_signal) as them:
        them.fall_asleep()  # by now they have their handlers
        with worker(signal_everybody, them.pids):
            for i in range(times(ROUNDS)):
                pulse(event)
                assert them.outcomes() == EVERYBODY, f"round {i}"
                them.fall_asleep()
            until(lambda: min(handled) > 0, "every waiter has handled a signal")


def test_pulse_of_stopped_waiters(event, sleeping_mode, times):
    """A pulse releases also those waiters that are stopped during it, when they continue.

    On kernels before 5.16 it does not, and the documentation says so: they sleep on, and the next
    set() releases them.
    """
    stopped = range(0, WAITERS, 2)
    running = range(1, WAITERS, 2)
    missed = stopped if sleeping_mode == "futex_wait" else ()
    with crowd(event.name) as them:
        pids = [them.pids[i] for i in stopped]
        for i in range(times(ROUNDS) if not missed else 20):
            them.fall_asleep()
            for pid in pids:
                os.kill(pid, signal.SIGSTOP)
            until_stopped(*pids)
            pulse(event)
            assert them.outcomes(len(running)) == dict.fromkeys(running, True), f"round {i}"
            for pid in pids:
                os.kill(pid, signal.SIGCONT)
            if missed:
                until_asleep(*pids)
                event.set()
            assert them.outcomes(len(stopped)) == dict.fromkeys(stopped, True), f"round {i}"
            event.clear()


@pytest.mark.here
@pytest.mark.parametrize("pulses", [2, 1000, 32_767, 32_768, 32_769])
def test_many_pulses_of_a_stopped_waiter(event, pulses, sleeping_mode):
    """A waiter that is stopped for any number of pulses returns True, but for 32,768 of them.

    The limit is documented: the generation has 15 bits, and is back where it was. Then, as always
    on kernels before 5.16, the waiter sleeps on, and the next set() releases it.
    """
    with worker(event.wait) as waiter:
        until_asleep(waiter.pid)
        waiter.signal(signal.SIGSTOP)
        until_stopped(waiter.pid)
        for _ in range(pulses):
            pulse(event)
        waiter.signal(signal.SIGCONT)
        if pulses == 32_768 or sleeping_mode == "futex_wait":
            until_asleep(waiter.pid)
            event.set()
        assert waiter.result() is True
