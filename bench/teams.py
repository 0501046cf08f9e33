"""A team: one contender's processes (or threads), which its captain, this process, directs.

Some waiters and one setter, each in a role. They sleep at a gate (a pipe); each byte that one of
them reads there starts its role once. What they have to say (when they woke, how many rounds they
made) they note in shared memory, so that nobody is woken for it. Both sides read CLOCK_MONOTONIC,
directly before set() and directly after wait(). The captain sleeps meanwhile.

Waiters are *seen* asleep before the setter is let go: the system call in which each of them is
blocked is in /proc; and a server, if there is one, is asked, too. Contenders in C are played by
floor.c, with the same roles and slots.
"""

import contextlib
import ctypes
import gc
import mmap
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import systemevent

from . import roles
from .contenders import Contender, no_compiler, unused_name
from .peers import Place
from .roles import CLEARED, COUNT, DONE, DURATION, ELAPSED, END, EVENT, FIRST, OTHER, POSTS, START

SIZE = 1 << 20
THREADS = 65536  # from this slot on: the number of each thread
DEADLINE = 60.0
FUTEX, READ = {"202", "98"}, {"0", "63"}  # x86-64, aarch64; their other meanings never block here


class TeamError(RuntimeError):
    """What went wrong in a member of a team."""


class Workshop:
    """A folder that is removed at the end, with floor.c compiled: a program, and a library.

    Without a compiler there is neither: "" and None.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.program = ""
        self.library: ctypes.CDLL | None = None
        if no_compiler():
            return
        self.program, library = str(folder / "floor"), str(folder / "floor.so")
        compiler = os.environ.get("CC", "cc").split()
        source = Path(__file__).with_name("floor.c")
        words = [*compiler, "-O2", f"-I{systemevent.get_include()}", str(source), "-pthread", "-o"]
        subprocess.run([*words, self.program], check=True)
        subprocess.run([*words, library, "-shared", "-fPIC"], check=True)
        self.library = ctypes.CDLL(library)


class Team:
    """The members of one contender.

    parts: the roles of the waiters, and of the setter. cores: where they run; -1: anywhere.
    """

    def __init__(
        self,
        contender: Contender,
        waiters: int,
        workshop: Workshop,
        parts: tuple[str, str] = ("wait", "set"),
        cores: tuple[int, int] = (-1, -1),
    ) -> None:
        self.contender = contender
        self.pids: list[int] = []
        self._workshop = workshop
        self._parts, self._cores = parts, cores
        self._memory_fd = os.memfd_create("bench", 0)
        os.ftruncate(self._memory_fd, SIZE)
        self._memory = mmap.mmap(self._memory_fd, SIZE)
        self.slots = memoryview(self._memory).cast("Q")
        self._anchor = ctypes.c_uint64.from_buffer(self._memory)
        pipes = [os.pipe() for _ in range(4)]
        (self._waiters_in, self._waiters_gate), (self._setter_in, self._setter_gate) = pipes[:2]
        (self._clearer_in, self._clearer_gate), (self._errors, self._errors_in) = pipes[2:]
        self._descriptors = [self._memory_fd, *(each for pipe in pipes for each in pipe)]
        os.set_blocking(self._errors, False)
        self.events: list[Any] = []
        self.indices = range(FIRST, FIRST + waiters)
        self.slots[POSTS] = max(1, waiters)
        try:
            self._gather(contender, waiters)
        except BaseException:
            self.end()
            raise

    def _gather(self, contender: Contender, waiters: int) -> None:
        for slot in (EVENT, OTHER):
            address = ctypes.addressof(self._anchor) + 8 * slot
            shop = self._workshop
            if contender.in_c == "sem":
                ctypes.CDLL(None).sem_init(ctypes.c_void_p(address), 1, 0)
            elif contender.make:
                place = Place(unused_name(), shop.folder, waiters, address, shop.library)
                self.events.append(contender.make(place))
        members = [(self._waiters_in, index) for index in self.indices]
        members.append((self._setter_in, DONE[self._parts[1]]))
        if contender.in_threads:
            self._fork(lambda: self._be_threads(members))
            numbers = range(THREADS, THREADS + len(members))
            self.until(lambda: all(self.slots[i] for i in numbers), "all threads run")
            pid = self.pids[0]
            tasks = [f"/proc/{pid}/task/{self.slots[i]}/syscall" for i in numbers]
        else:
            for gate, index in members:
                self._fork(lambda: self._be(gate, index))  # noqa: B023  # at once
            tasks = [f"/proc/{pid}/syscall" for pid in self.pids]
        self._tasks = tasks[:-1]
        for task in tasks:
            self.until(lambda: self._blocked(task) == "gate", "all are at the gate")  # noqa: B023

    # The members.

    def _fork(self, live: Callable[[], object]) -> None:
        # Ctrl-C must not come between the fork and the note of whom to end.
        signals = {signal.SIGINT, signal.SIGTERM}
        before = signal.pthread_sigmask(signal.SIG_BLOCK, signals)
        pid = os.fork()
        if pid:
            self.pids.append(pid)
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
            return
        try:
            signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C: the captain ends its team
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
            ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
            for gate in (self._waiters_gate, self._setter_gate, self._clearer_gate):
                os.close(gate)
            gc.freeze()
            live()
            os._exit(0)
        except BaseException as error:
            os.write(self._errors_in, f"{type(error).__name__}: {error}"[:4000].encode() + b"\0")
        finally:
            os._exit(1)

    def _be(self, gate: int, index: int) -> None:
        """Play a member's role, until the gate ends."""
        setter = index < FIRST
        role, core = self._parts[setter], self._cores[setter]
        if self.contender.in_c:
            for descriptor in (self._memory_fd, gate):
                os.set_inheritable(descriptor, True)
            numbers = [str(number) for number in (self._memory_fd, gate, index, core)]
            os.execv(self._workshop.program, ["floor", self.contender.in_c, role, *numbers])
        if core >= 0:
            os.sched_setaffinity(0, {core})  # of this thread
        roles.play(role, gate, index, self.events, self.slots)

    def _be_threads(self, members: Sequence[tuple[int, int]]) -> None:
        def live(number: int, gate: int, index: int) -> None:
            self.slots[THREADS + number] = threading.get_native_id()
            self._be(gate, index)

        for number, member in enumerate(members):
            threading.Thread(target=live, args=(number, *member), daemon=True).start()
        while os.read(self._clearer_in, 1):
            self.events[0].clear()
            self.slots[CLEARED] = 1

    # What the captain does.

    def _blocked(self, task: str) -> str:
        """Where is that thread: at the "gate", "asleep" in its wait, or "" (it runs)?"""
        try:
            words = Path(task).read_text().split()
        except OSError:
            raise TeamError(self._trouble() or "a member is gone") from None
        if len(words) < 5 or int(words[0]) < 0:
            return ""
        if words[0] in READ and int(words[1], 16) in (self._waiters_in, self._setter_in):
            return "gate"
        # A thread that waits for the interpreter's lock sleeps on a futex, too, with a time-out.
        if self.contender.in_threads and not (words[0] in FUTEX and int(words[4], 16) == 0):
            return ""
        return "asleep"

    def _trouble(self) -> str:
        how = os.WEXITED | os.WNOHANG | os.WNOWAIT
        # Before what they say is read: who has ended has said it.
        ended = [pid for pid in self.pids if os.waitid(os.P_PID, pid, how)]
        try:
            said = os.read(self._errors, 65536).decode(errors="replace")
            return said.partition("\0")[0]  # the first of those who have something to say
        except BlockingIOError:
            return f"process {ended[0]} has ended" if ended else ""

    def until(self, condition: Callable[[], bool], what: str, pause: float = 0.002) -> None:
        """Return when the condition holds. Looks seldom, to leave the machine to the team."""
        begin = looked = time.monotonic()
        while not condition():
            now = time.monotonic()
            if now > looked + 0.1:
                looked = now
                if trouble := self._trouble():
                    raise TeamError(f"{self.contender.title}: {trouble}")
            if now > begin + DEADLINE:
                raise TeamError(f"{self.contender.title}: not within {DEADLINE} s: {what}")
            time.sleep(pause)

    def enter(self) -> None:
        """Let the waiters in, and see them asleep."""
        for index in (START, END, *self.indices):
            self.slots[index] = 0
        os.write(self._waiters_gate, bytes(len(self.indices)))
        for task in self._tasks:
            self.until(lambda: self._blocked(task) == "asleep", "all wait", 0.0005)  # noqa: B023
        if asleep := getattr(self.events[0] if self.events else None, "asleep", None):
            with self._failing():
                self.until(lambda: asleep() >= len(self.indices), "the server has all waiters")

    def fire(self) -> list[int]:
        """Let the setter go; return the waiters' latencies in nanoseconds, in their order."""
        os.write(self._setter_gate, b"1")
        time.sleep(0.001)
        self.until(lambda: all(self.slots[i] for i in (START, *self.indices)), "all have returned")
        if self.contender.in_c:
            self.slots[EVENT] &= ~0xFFFFFFFF  # value: of the futex, the semaphore, the event
        elif self.contender.in_threads:
            self.slots[CLEARED] = 0
            os.write(self._clearer_gate, b"1")
            self.until(lambda: bool(self.slots[CLEARED]), "it is clear again")
        else:
            with self._failing():
                self.events[0].clear()
        start = self.slots[START]
        return [self.slots[index] - start for index in self.indices]

    @contextlib.contextmanager
    def _failing(self) -> Iterator[None]:
        """What the captain does with the event may fail, if it is on a server."""
        try:
            yield
        except OSError as error:
            raise TeamError(f"{self.contender.title}: {error}") from error

    def open_waiters(self) -> None:
        """Let waiters in whose role has no end."""
        os.write(self._waiters_gate, bytes(len(self.indices)))

    def rate(self, seconds: float) -> float:
        """Let the setter work for so long; return its rounds per second."""
        self.slots[DURATION] = int(seconds * 1e9)
        self.slots[COUNT] = 0
        os.write(self._setter_gate, b"1")
        time.sleep(seconds)
        self.until(lambda: bool(self.slots[COUNT]), "it has counted its rounds")
        return self.slots[COUNT] / self.slots[ELAPSED] * 1e9

    def end(self) -> None:
        """End all members, and give everything back."""
        for pid in self.pids:
            os.kill(pid, signal.SIGKILL)
        for pid in self.pids:
            os.waitpid(pid, 0)
        for descriptor in self._descriptors:
            os.close(descriptor)
        for event in self.events:
            if hasattr(event, "close"):
                event.close()
        self.slots.release()
        del self._anchor
        self._memory.close()
