"""Wake-up latency: one setter process, N waiting processes, many rounds.

A race holds the processes of one contender. In each round the waiters are let through a gate (a
pipe), and seen asleep; then, after an idle time, the setter is let through its gate. Setter and
waiters note CLOCK_MONOTONIC directly before set() and directly after wait(), in shared memory; the
parent sleeps meanwhile. Races of several contenders take turns, round by round, so that whatever
disturbs the machine disturbs all of them.
"""

import contextlib
import ctypes
import gc
import mmap
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import systemevent

from .contenders import Contender

SIZE = 1 << 20
FLAG, START, FIRST = 0, 1, 2  # slots of the shared memory, 64 bits each
DEADLINE = 60.0
#: System calls in which a waiter sleeps: futex (x86-64, aarch64) and futex_waitv.
SLEEPING = {"202", "98", "449"}


class Floor:
    """floor.c, compiled: as a program, and as a library for Python processes."""

    def __init__(self, folder: Path) -> None:
        compiler = os.environ.get("CC", "cc")
        source = Path(__file__).with_name("floor.c")
        words = [compiler, "-O2", f"-I{systemevent.get_include()}", str(source), "-pthread", "-o"]
        self.program = str(folder / "floor")
        library = folder / "floor.so"
        subprocess.run([*words, self.program], check=True)
        subprocess.run([*words, library, "-shared", "-fPIC"], check=True)
        functions = ctypes.CDLL(str(library))
        self.wait, self.set = functions.raw_wait, functions.raw_set
        for function in (self.wait, self.set):
            function.argtypes, function.restype = [ctypes.c_void_p], ctypes.c_uint64


def until(condition: Callable[[], bool], what: str) -> None:
    """Return when the condition holds; looks every 2 ms, to leave the machine to the race."""
    end = time.monotonic() + DEADLINE
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(f"not within {DEADLINE} s: {what}")
        time.sleep(0.002)


def is_asleep(pid: int) -> bool:
    """Does the process sleep on a futex?"""
    return Path(f"/proc/{pid}/syscall").read_text().split()[0] in SLEEPING


class Race:
    """The processes of one contender with `waiters` waiters."""

    def __init__(self, contender: Contender, waiters: int, floor: Floor) -> None:
        self.contender = contender
        self._memory_fd = os.memfd_create("bench", 0)
        os.ftruncate(self._memory_fd, SIZE)
        self._memory = mmap.mmap(self._memory_fd, SIZE)
        self.slots = memoryview(self._memory).cast("Q")
        self._anchor = ctypes.c_uint64.from_buffer(self._memory)
        self._address = ctypes.addressof(self._anchor)
        self._waiters_in, self._waiters_gate = os.pipe()
        self._setter_in, self._setter_gate = os.pipe()
        self._gates = {self._waiters_gate, self._setter_gate}
        self._event = contender.made()
        self._floor = floor
        self.pids: list[int] = []
        self._indices = range(FIRST, FIRST + waiters)
        for index in self._indices:
            self.pids.append(self._start(self._waiters_in, index))
        self._setter = self._start(self._setter_in, START)

    def _start(self, gate: int, index: int) -> int:
        pid = os.fork()
        if pid:
            return pid
        try:
            ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
            for other in self._gates:
                os.close(other)
            if self.contender.in_c in ("raw", "event"):
                for descriptor in (self._memory_fd, gate):
                    os.set_inheritable(descriptor, True)
                words = [self.contender.in_c, "set" if index == START else "wait"]
                numbers = [str(number) for number in (self._memory_fd, gate, index)]
                os.execv(self._floor.program, ["floor", *words, *numbers])
            gc.freeze()
            if index == START:
                self._be_setter(gate)
            else:
                self._be_waiter(gate, index)
            os._exit(0)
        finally:
            os._exit(1)

    def _be_waiter(self, gate: int, index: int) -> None:
        # As little as possible: what it does before it sleeps again keeps others from running.
        read, slots, now = os.read, self.slots, time.monotonic_ns
        if self._event is None:
            wait, address = self._floor.wait, self._address
            while read(gate, 1):
                slots[index] = wait(address)
        else:
            wait = self._event.wait
            while read(gate, 1):
                wait()
                slots[index] = now()

    def _be_setter(self, gate: int) -> None:
        while os.read(gate, 1):
            if self._event is None:
                self.slots[START] = self._floor.set(self._address)
            else:
                start = time.monotonic_ns()
                self._event.set()
                self.slots[START] = start

    def round(self, idle: float) -> list[int]:
        """One race: the waiters' latencies in nanoseconds, sorted. idle: seconds asleep before."""
        for index in (START, *self._indices):
            self.slots[index] = 0
        os.write(self._waiters_gate, bytes(len(self.pids)))
        for pid in self.pids:
            until(lambda pid=pid: is_asleep(pid), f"{pid} waits")  # type: ignore[misc]
        time.sleep(idle)
        os.write(self._setter_gate, b"1")
        until(lambda: all(self.slots[i] for i in (START, *self._indices)), "all have returned")
        if self._event is None:
            self.slots[FLAG] &= ~0xFFFFFFFF  # value; of the raw futex and of the event's word
        else:
            self._event.clear()
        return sorted(self.slots[index] - self.slots[START] for index in self._indices)

    def end(self) -> None:
        """End all processes of this race."""
        for gate in self._gates:
            os.close(gate)
        for pid in (*self.pids, self._setter):
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
        for descriptor in (self._waiters_in, self._setter_in, self._memory_fd):
            os.close(descriptor)
        self.slots.release()
        del self._anchor
        self._memory.close()


@contextlib.contextmanager
def races(contenders: list[Contender], waiters: int, floor: Floor) -> Iterator[list[Race]]:
    """A race for each contender; all processes are gone at the end."""
    started: list[Race] = []
    try:
        for contender in contenders:
            started.append(Race(contender, waiters, floor))
        yield started
    finally:
        for race in started:
            race.end()


def alternate(
    contenders: list[Contender], waiters: int, rounds: int, idle: float, floor: Floor
) -> dict[str, list[list[int]]]:
    """{title: [latencies of each round]}, after a warm-up of 3 rounds that do not count."""
    results: dict[str, list[list[int]]] = {contender.title: [] for contender in contenders}
    with races(contenders, waiters, floor) as started:
        for number in range(-3, rounds):
            turn = number % len(started)
            for race in started[turn:] + started[:turn]:
                latencies = race.round(idle)
                if number >= 0:
                    results[race.contender.title].append(latencies)
    return results
