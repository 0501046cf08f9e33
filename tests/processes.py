"""Workers: forked processes and external commands whose life is a context manager.

A worker is reaped when its context ends, whatever happened, and what went wrong in it is raised
again in the test. Nothing here waits "long enough": a test waits until a worker *is* asleep in the
kernel, by looking at the system call it is in. DEADLINE only guards against hangs.
"""

import contextlib
import ctypes
import os
import pickle
import platform
import select
import signal
import struct
import subprocess
import time
import traceback
from pathlib import Path

#: Seconds after which something that must happen counts as hanging. Measures nothing.
DEADLINE = 60.0

#: The Redis server that has the events of this test; None: this machine has.
server = None

_X86 = platform.machine() == "x86_64"
_FUTEX = 202 if _X86 else 98
_FUTEX_WAITV = 449
_FUTEX_WAIT_BITSET = 9  # shared: the locks of the interpreter and of the C library are private
_FUTEX_CLOCK_REALTIME = 256  # sem_wait sleeps with this flag
_RESTART_SYSCALL = 219 if _X86 else 128  # what a futex wait is after a stop


class WorkerError(Exception):
    """What went wrong in a worker: its traceback, or how it died."""


def until(condition, what, deadline=DEADLINE):
    """Return condition()'s first true value; fail if there is none for `deadline` seconds."""
    end = time.monotonic() + deadline
    pause = 0.0001
    while not (value := condition()):
        if time.monotonic() > end:
            raise AssertionError(f"not within {deadline} s: {what}")
        time.sleep(pause)
        pause = min(pause * 2, 0.01)
    return value


def is_readable(descriptor, seconds):
    """Is there something to read, within that time? (select() knows no descriptor above 1023.)"""
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(seconds * 1000))


def is_asleep(pid, tid=None):
    """Is that thread (default: the main one) asleep in a wait for an event?

    A thread that has ended is not; a process that has ended is a WorkerError. On a server: does
    the process block, in whichever of its threads?
    """
    if server:
        return are_blocked([pid])
    task = f"/proc/{pid}/task/{tid or pid}"
    try:
        with open(f"{task}/syscall") as file:
            words = file.read().split()
        with open(f"{task}/stat") as file:
            state = file.read().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        if tid and os.path.exists(f"/proc/{pid}"):
            return False
        raise WorkerError(f"process {pid} is gone") from None
    except PermissionError:  # it is just ending
        return False
    if state != "S" or len(words) < 3:
        return False
    call, operation = int(words[0]), int(words[2], 16)
    operation &= ~_FUTEX_CLOCK_REALTIME
    return call == _FUTEX_WAITV or (
        call in (_FUTEX, _RESTART_SYSCALL) and operation == _FUTEX_WAIT_BITSET
    )


def are_blocked(pids):
    """Does the server have a wait of each of these processes?"""
    from redis_server import are_blocked

    try:
        return are_blocked(pids, server)
    except (FileNotFoundError, ProcessLookupError):
        raise WorkerError(f"one of the processes {pids} is gone") from None


def state_of(pid):
    """The process's state letter in /proc: R, S, T (stopped), Z, ..."""
    with open(f"/proc/{pid}/stat") as file:
        return file.read().rpartition(")")[2].split()[0]


def until_asleep(*pids):
    """Return when all these processes are asleep in a wait for an event."""
    if server:
        until(lambda: are_blocked(pids), f"processes {pids} wait for an event")
        return
    for pid in pids:
        until(lambda pid=pid: is_asleep(pid), f"process {pid} waits for an event")


def until_all_asleep(pid):
    """Return the number of threads of that process when each is asleep in a wait for an event."""

    def count():
        tids = os.listdir(f"/proc/{pid}/task")
        return all(is_asleep(pid, tid) for tid in tids) and len(tids)

    until_asleep(pid)  # the main thread is the last one
    return until(count, f"all threads of {pid} wait for an event")


def until_stopped(*pids):
    """Return when all these processes are stopped (SIGSTOP)."""
    for pid in pids:
        until(lambda pid=pid: state_of(pid) in "Tt", f"process {pid} is stopped")


def until_sleeping_in_poll(pid):
    """Return when the process is in poll(), as Python is when a socket has nothing to read."""
    until(lambda: _call_of(pid) in ("7", "73", "271"), f"process {pid} is in poll()")


def until_sleeping_in_epoll(pid):
    """Return when the main thread sleeps in epoll_wait(), as an idle loop of asyncio does."""
    until(lambda: _call_of(pid) in ("232", "281", "22"), f"{pid} is in epoll_wait()")


def until_sleeping_in_lock(pid):
    """Return when the main thread sleeps for a lock of the interpreter, as in Thread.join().

    A handler of a signal that comes just before runs only when that sleep ends.
    """
    until(lambda: _call_of(pid) == str(_FUTEX), f"the main thread of {pid} sleeps for a lock")


def _call_of(pid):
    """The number of the system call that the main thread is in; "running" if in none."""
    with open(f"/proc/{pid}/syscall") as file:
        return file.read().split()[0]


def receive(descriptor, size):
    """Return `size` bytes from a pipe; fail if they do not come within DEADLINE."""
    data = b""
    while len(data) < size:
        if not is_readable(descriptor, DEADLINE):
            raise AssertionError(f"only {len(data)} of {size} bytes within {DEADLINE} s")
        more = os.read(descriptor, size - len(data))
        if not more:
            raise AssertionError(f"the pipe ended after {len(data)} of {size} bytes")
        data += more
    return data


class Worker:
    """function(*args) in a forked process; its result, or what went wrong in it."""

    def __init__(self, function, *args):
        self._reader, writer = os.pipe()
        self._outcome = None
        self._status = None
        self.pid = os.fork()
        if self.pid == 0:
            self._be_the_child(writer, function, args)
        os.close(writer)

    def _be_the_child(self, writer, function, args):
        status = 70
        try:
            # Nobody outlives the tests, also if they are killed.
            ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
            os.close(self._reader)
            for number in (signal.SIGINT, signal.SIGTERM):
                signal.signal(number, signal.SIG_DFL)
            try:
                outcome = True, function(*args)
            except BaseException:
                outcome = False, traceback.format_exc()
            data = pickle.dumps(outcome)
            with open(writer, "wb") as pipe:
                pipe.write(struct.pack("Q", len(data)) + data)
            status = 0
        finally:
            os._exit(status)

    def signal(self, number):
        """Send it a signal."""
        os.kill(self.pid, number)

    def reap(self, deadline=DEADLINE):
        """Wait for its end; return the wait status as subprocess gives it (-9: killed)."""
        if self._status is None:
            descriptor = os.pidfd_open(self.pid)
            try:
                if not is_readable(descriptor, deadline):
                    raise AssertionError(f"worker {self.pid} did not end within {deadline} s")
            finally:
                os.close(descriptor)
            _, status = os.waitpid(self.pid, 0)
            self._status = os.waitstatus_to_exitcode(status)
        return self._status

    def has_answered(self):
        """Has the function returned or raised, or was it killed?"""
        return self._outcome is not None or is_readable(self._reader, 0)

    def result(self, deadline=DEADLINE):
        """Return what the function returned; raise WorkerError if it raised or was killed."""
        if self._outcome is None:
            if not is_readable(self._reader, deadline):
                raise AssertionError(f"worker {self.pid} gave no result within {deadline} s")
            with open(self._reader, "rb", closefd=False) as pipe:
                data = pipe.read()
            if len(data) < 8:
                raise WorkerError(f"worker {self.pid} died: {self.reap()}")
            self._outcome = pickle.loads(data[8:])
        ok, value = self._outcome
        if not ok:
            raise WorkerError(f"in worker {self.pid}:\n{value}")
        return value

    def end(self):
        """Kill it if it still runs, and reap it."""
        if self._status is None:
            with contextlib.suppress(ProcessLookupError):
                self.signal(signal.SIGKILL)
            self.reap()
        os.close(self._reader)


@contextlib.contextmanager
def workers(count, function, *args):
    """`count` processes that run function(*args), or function(i, *args) if count is a range."""
    started = []
    try:
        for i in count if isinstance(count, range) else range(count):
            started.append(Worker(function, *([i] if isinstance(count, range) else []), *args))
        yield started
    finally:
        for worker in started:
            worker.end()


@contextlib.contextmanager
def worker(function, *args):
    """One process that runs function(*args)."""
    with workers(1, function, *args) as (one,):
        yield one


@contextlib.contextmanager
def command(*words, **options):
    """An external program as a subprocess.Popen with text pipes; killed and reaped at the end."""
    options = {
        "stdin": subprocess.PIPE,
        "stdout": subprocess.PIPE,
        "stderr": subprocess.PIPE,
        "text": True,
    } | options
    with subprocess.Popen(words, **options) as process:
        try:
            yield process
        finally:
            if process.poll() is None:
                process.kill()


def session(leader):
    """The processes of a session: whom its leader has started, in whichever groups."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if int((folder / "stat").read_text().rpartition(")")[2].split()[3]) == leader:
                found.append(int(folder.name))
    return found


def end_session(leader, mark):
    """Kill all of a session that have that text in their environment.

    The leader may have ended, and its number be somebody else's by now.
    """
    for pid in session(leader):
        with contextlib.suppress(OSError):
            if os.fsencode(mark) in Path(f"/proc/{pid}/environ").read_bytes():
                os.kill(pid, signal.SIGKILL)


class Peer:
    """A C program of tests/peer.c: tell() it what to do, and read its answer()."""

    def __init__(self, process):
        self.process = process
        self.pid = process.pid

    def tell(self, *lines):
        """Let it carry out these lines, one after the other."""
        os.write(self.process.stdin.fileno(), "".join(f"{line}\n" for line in lines).encode())

    def answer(self):
        """Return its next answer, an int; raise WorkerError if it is an error."""
        line = b""
        while not line.endswith(b"\n"):
            line += receive(self.process.stdout.fileno(), 1)
        if line.startswith(b"error"):
            raise WorkerError(f"peer {self.pid}: {os.strerror(int(line.split()[1]))}")
        return int(line)

    def ask(self, line):
        """Let it carry out the line, and return the answer."""
        self.tell(line)
        return self.answer()


@contextlib.contextmanager
def peers(count, program, kind, name):
    """`count` C programs ('ours' or 'foreign') on the event of that name and the usual prefix."""
    with contextlib.ExitStack() as stack:
        words = program, kind, f"/SystemEvent.{name}"
        yield [Peer(stack.enter_context(command(*words))) for _ in range(count)]


@contextlib.contextmanager
def peer(program, kind, name):
    """One C program."""
    with peers(1, program, kind, name) as (one,):
        yield one
