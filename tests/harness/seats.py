"""Seats: processes of workers, whichever way they are started, and what they do.

A worker is a thread that plays one role and logs its calls. A seat is a process of one or more of
them: forked, started by multiprocessing (spawn, forkserver), or a C program. Why processes, also
for one thread? A worker that hangs, or that is to be killed, has to be killed.
"""

import contextlib
import ctypes
import multiprocessing
import os
import random
import signal
import subprocess
import threading
import time
from pathlib import Path
from typing import Any, NamedTuple

from processes import Worker, WorkerError

from systemevent import _word as word

from . import history, roles
from .board import DONE, READY, Board
from .commands import Killed

#: The role of the worker who lets sleepers go at the end.
CLOSER = "close"
#: Records of a log beyond the calls of its worker: of a role's last alternative.
SPARE = 1000
#: Seconds after which the closer sets the event again, longer each time: its log is to last.
_REPEAT, _LONGER, _LONGEST_REPEAT = 0.02, 1.1, 1.0
_LONGEST_ABSENCE = 0.002
_PAGE = 4096
_MADV_DONTNEED = 4
_libc = ctypes.CDLL(None)


class Task(NamedTuple):
    """What the workers of a seat have to do; it can be pickled if the event can."""

    directory: Path
    numbers: range
    roles: tuple[str, ...]  # one for each number
    seed: int
    most: int  # calls of a worker
    event: Any
    mode: str | None = None  # the sleeping mode, of SystemEvent


class Seat:
    """A process of workers."""

    #: Can it be killed at any time?
    is_mortal = True

    def __init__(self, task):
        self.task = task
        self.pid = self._descriptor = None

    def start(self):
        """Start the process."""
        self.pid = self._start()
        self._descriptor = os.pidfd_open(self.pid)  # means it, and no later process of that number

    def _start(self):
        raise NotImplementedError

    def signal(self, number):
        """Send it a signal, if it still runs."""
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(self._descriptor, number)

    def finish(self, deadline):
        """Return whether it has ended by a time.monotonic(); raise what went wrong in it."""
        raise NotImplementedError

    def kill(self):
        """Kill it, reap it, and note when it was dead."""
        self.end()
        died = time.monotonic_ns()
        for number in self.task.numbers:
            if (self.task.directory / f"{number}.log").exists():
                history.mark_dead(self.task.directory, number, died)

    def end(self):
        """Kill it if it still runs, and reap it. Can be called again."""
        self._end()
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _end(self):
        raise NotImplementedError


class Forked(Seat):
    """A forked process: the event is inherited."""

    def _start(self):
        self._worker = Worker(work, self.task)
        return self._worker.pid

    def finish(self, deadline):
        try:
            self._worker.result(max(0, deadline - time.monotonic()))
        except WorkerError:
            raise
        except AssertionError:  # no result in time
            return False
        return True

    def _end(self):
        if self._worker is not None:
            self._worker.end()
            self._worker = None


class Commander(Forked):
    """A forked process that uses the evt_* commands, and kills some of them itself."""

    is_mortal = False


class _Process(Seat):
    """A process that multiprocessing starts: the event is pickled."""

    method = ""

    def _start(self):
        context = multiprocessing.get_context(self.method)
        self._process = context.Process(target=_work_and_exit, args=(self.task,), daemon=True)
        self._process.start()
        return self._process.pid

    def finish(self, deadline):
        self._process.join(max(0, deadline - time.monotonic()))
        if self._process.exitcode is None:
            return False
        if self._process.exitcode != 0:
            raise WorkerError(f"a {self.method} worker ended with {self._process.exitcode}")
        return True

    def _end(self):
        self._process.kill()
        self._process.join()


class Spawned(_Process):
    method = "spawn"


class Served(_Process):
    method = "forkserver"


class Program(Seat):
    """A C program; `task.event` is the path of the compiled player and the semaphore's name."""

    def _start(self):
        program, semaphore = self.task.event
        numbers = self.task.most, self.task.numbers.start
        words = [program, self.task.directory, semaphore, self.task.seed, *numbers]
        self._process = subprocess.Popen(
            [*map(str, words), *self.task.roles],
            env={**os.environ, "SYSTEMEVENT_SLEEP": self.task.mode or ""},
            stderr=subprocess.PIPE,
            preexec_fn=die_with_parent,
        )
        return self._process.pid

    def finish(self, deadline):
        try:
            status = self._process.wait(max(0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            return False
        if status:
            message = self._process.stderr.read().decode()
            raise WorkerError(f"a C worker ended with {status}: {message}")
        return True

    def _end(self):
        self._process.kill()
        self._process.wait()
        self._process.stderr.close()


def die_with_parent():
    """Be killed when the parent ends, whatever happens to it."""
    _libc.prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


# ---- in the process of a seat --------------------------------------------------------------------


def _work_and_exit(task):
    die_with_parent()
    work(task)
    os._exit(0)  # finalization would restore the signals' defaults, which kill


def work(task):
    """Play the roles: the first in the main thread, the others in threads."""
    if task.mode:
        word.sleep_on_value_only(task.mode == "futex_wait")
    board = Board(task.directory / "board")
    away = random.Random(f"{task.seed}.{task.numbers.start}.away")
    signal.signal(signal.SIGUSR1, lambda *_: time.sleep(away.uniform(0, _LONGEST_ABSENCE)))
    signal.signal(signal.SIGUSR2, lambda *_: drop_pages("/dev/shm/sem."))
    errors = []
    threads = [
        threading.Thread(target=_worker, args=(task, board, at, errors))
        for at in range(1, len(task.numbers))
    ]
    for thread in threads:
        thread.start()
    _worker(task, board, 0, errors)
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]


def _worker(task, board, at, errors):
    number, role = task.numbers[at], task.roles[at]
    try:
        log = history.Log(task.directory, number, task.most + SPARE)
        event = roles.Logged(task.event, log)
        board.report(number, READY)
        board.until_begun()
        if role == CLOSER:
            _close(board, number, event)
        else:
            _play(board, task, number, roles.parse(role), event)
    except BaseException as error:
        errors.append(error)
    finally:
        board.report(number, DONE)


def _play(board, task, number, alternatives, event):
    source = random.Random(f"{task.seed}.{number}")
    end = board.end
    while True:  # once at least: a worker among thousands may come late
        with contextlib.suppress(Killed):
            roles.play(source.choice(alternatives), event, source)
        if time.monotonic_ns() >= end or event.calls >= task.most:
            break


def _close(board, number, event):
    """At the end, set the event (or all) until nobody is left, also for a wait that began late."""
    time.sleep(max(0, board.end - time.monotonic_ns()) / 1e9)
    pause = _REPEAT
    while time.monotonic_ns() < board.patience and not board.are_over(but=number):
        event.set_all()
        time.sleep(pause)
        pause = min(pause * _LONGER, _LONGEST_REPEAT)


def drop_pages(start):
    """Take the pages of the files whose paths start so out of the page table of this process.

    The kernel does so when memory is short. The next access, and the next futex, must find them
    again; as they are shared, their contents stay.
    """
    with open("/proc/self/maps") as file:
        for line in file:
            if start in line:
                begin = int(line.partition("-")[0], 16)
                _libc.madvise(ctypes.c_void_p(begin), _PAGE, _MADV_DONTNEED)
