"""Perturbations: what happens to the workers while they play.

On an idle machine a wait is asleep before the set comes, and a wake-up arrives at once; a lost
pulse needs a waiter that is elsewhere for a moment. The mutant that sleeps on the value alone is
legal for hours without stops, and found out with them in milliseconds.

The runner calls step() again and again, between which it sleeps; there is no thread, because
workers are forked meanwhile. None of these touches anybody but the workers, apart from `clock`,
which changes the wall clock of the machine for moments, and so is only played when asked for.
"""

import contextlib
import os
import shutil
import signal
import time

from injection import is_traced
from processes import command, until

from . import tracing


class Perturbation:
    """Nothing at all: what the others differ from.

    `run` has the live `seats`, those that can be sent signals (`awake()`), a random `source`, and
    can replace() a seat.
    """

    #: Are workers killed?
    kills = False
    #: How many times as long may a call take on a machine that has far too much to do?
    slowness = 1

    def why_not(self):
        """Why it cannot be had here, or ""."""
        return ""

    def begin(self, run):
        """Before the workers begin."""

    def step(self, run):
        """Do it once; return the seconds until the next time."""
        return 3600.0

    def end(self, run):
        """Before the run ends. Everything is as it was then."""


class Handlers(Perturbation):
    """Signal handlers take a worker away, for up to 2 ms."""

    def step(self, run):
        for seat in run.awake():
            seat.signal(signal.SIGUSR1)
        return run.source.uniform(0.0005, 0.004)


class Memory(Perturbation):
    """The event's page is dropped from the page table of a worker, as when memory is short."""

    def step(self, run):
        for seat in run.awake():
            seat.signal(signal.SIGUSR2)
        return run.source.uniform(0.0005, 0.003)


class Stops(Perturbation):
    """SIGSTOP for 0.1 to 2 ms: the kernel takes a sleeper out of its queue, and restarts it.

    Half of the workers at a time: a rare pulse meets somebody who is stopped.
    """

    def step(self, run):
        stopped = [seat for seat in run.awake(len(run.seats)) if run.source.random() < 0.5]
        try:
            for seat in stopped:
                seat.signal(signal.SIGSTOP)
            time.sleep(run.source.uniform(0.0001, 0.002))
        finally:
            for seat in stopped:
                seat.signal(signal.SIGCONT)
        return run.source.uniform(0, 0.002)


class Kills(Perturbation):
    """SIGKILL, at any moment; another one takes the seat."""

    kills = True

    def step(self, run):
        for seat in run.awake():
            if seat.is_mortal:
                run.replace(seat)
        return run.source.uniform(0.005, 0.04)


class Delays(Perturbation):
    """strace delays the entry to, and the exit from, the system calls that sleep and wake."""

    slowness = 20  # each turn of a thread is a futex call, too, and each of them is delayed
    _CALLS = "futex,futex_waitv"

    def why_not(self):
        if not shutil.which("strace"):
            return "needs strace"
        return tracing.why_not()

    def begin(self, run):
        self._stack = contextlib.ExitStack()
        for seat in run.seats:
            self._delay(seat.pid, run.source)

    def _delay(self, pid, source):
        enter, leave = source.randint(0, 4000), source.randint(0, 1500)  # µs
        first, every = source.randint(1, 3), source.randint(1, 3)
        inject = f"{self._CALLS}:delay_enter={enter}:delay_exit={leave}:when={first}+{every}"
        expressions = ["-e", f"trace={self._CALLS}", "-e", f"inject={inject}"]
        words = ["strace", "-f", "-qq", "-o", os.devnull, *expressions, "-p", str(pid)]
        process = self._stack.enter_context(command(*words))
        until(lambda: is_traced(pid) or process.poll() is not None, "strace holds the worker")
        assert process.poll() is None, process.stderr.read()

    def end(self, run):
        # Killed, not asked to leave: it would wait for ever for the main thread of a process that
        # is just exiting. The kernel lets go of whom it held.
        self._stack.close()


class Clock(Perturbation):
    """The wall clock jumps by 10 s, forth and back. Changes it for the whole machine."""

    _JUMP = 10 * 10**9

    def why_not(self):
        try:
            time.clock_settime_ns(time.CLOCK_REALTIME, time.clock_gettime_ns(time.CLOCK_REALTIME))
        except OSError as error:
            return f"may not set the clock: {error}"
        return ""

    def begin(self, run):
        self._ahead = time.time_ns() - time.monotonic_ns()

    def step(self, run):
        self._show(run.source.choice((-1, 1)) * self._JUMP)
        time.sleep(run.source.uniform(0, 0.003))
        self._show(0)
        return run.source.uniform(0, 0.01)

    def end(self, run):
        self._show(0)

    def _show(self, jump):
        time.clock_settime_ns(time.CLOCK_REALTIME, time.monotonic_ns() + self._ahead + jump)


#: Several at once, under one name.
PERTURBATIONS = {
    "none": (),
    "handlers": (Handlers,),
    "stops": (Stops,),
    "memory": (Memory,),
    "delays": (Delays,),
    "kills": (Kills,),
    "storm": (Handlers, Stops, Memory, Kills),
    "clock": (Clock, Stops),
}
#: Those that touch nobody but the workers.
HARMLESS = tuple(name for name in PERTURBATIONS if name != "clock")


def why_not(name):
    """Why that perturbation cannot be had here, or ""."""
    return "; ".join(filter(None, (kind().why_not() for kind in PERTURBATIONS[name])))
