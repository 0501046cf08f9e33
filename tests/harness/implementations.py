"""Events under stress: what is under test, and who uses it.

An implementation makes an event before its workers start, and says in which seats they sit: all in
one process, one in each, a few in each; in Python, in C, as commands; in either sleeping mode. The
mixed ones have all of that around one event: each kind may be right among its own, and still count
generations in another way than its neighbour.
"""

import contextlib
import itertools
import os
import random
import threading

from systemevent import SystemEvent, unlink
from systemevent import _word as word

from .commands import CommandEvent
from .programs import player
from .scenarios import is_foreign
from .seats import CLOSER, Commander, Forked, Program, Served, Spawned

_counter = itertools.count()
MODES = ("futex_waitv", "futex_wait")
#: How many of a hundred commands are killed, where kills belong to the run.
MORTALITY = 10


def new_name():
    """The name of an event of its own."""
    return f"stress.{os.getpid()}.{next(_counter)}"


class Implementation:
    """One event, for one run."""

    #: How many workers share a process; None: all of them.
    threads = 1
    #: May its users be killed?
    survives_kills = False
    #: How many times as long as a wake-up may a call take on a machine that has far too much to do?
    slowness = 1
    #: Does a waiter that was stopped in its sleep see a pulse that came and went meanwhile?
    sees_all_pulses = True

    def __init__(self):
        self.event = self.make()

    def make(self):
        """The event: an object with set, clear, is_set and wait."""
        raise NotImplementedError

    def seats(self, task, has_kills=False):
        """The Seats of the workers of a Task, of whom the last is the closer.

        has_kills: do kills belong to the run? (The runner kills; but see commands.py.)
        """
        if self.threads is None:
            return [self.seat(task)]
        return [self.seat(part) for part in _parts(task, itertools.repeat(self.threads))]

    def seat(self, task):
        """The Seat of a few workers."""
        return Forked(task._replace(event=self.event))

    def close(self):
        """Leave nothing behind."""


def _cut(task, size):
    """The first workers of a task, at most so many, and the rest.

    A foreign program and the closer are alone.
    """
    end = 1
    if not _is_loner(task.roles[0]):
        while end < min(size, len(task.roles)) and not _is_loner(task.roles[end]):
            end += 1
    first, rest = slice(end), slice(end, None)
    return tuple(
        task._replace(numbers=task.numbers[part], roles=task.roles[part]) for part in (first, rest)
    )


def _parts(task, sizes):
    """A task in parts of at most these sizes."""
    while task.numbers:
        part, task = _cut(task, next(sizes))
        yield part


def _is_loner(role):
    return role == CLOSER or is_foreign(role)


class Threading(Implementation):
    """threading.Event: the original, which tests the tester."""

    threads = None

    def make(self):
        return threading.Event()


class Named(Implementation):
    """An event with a name, in processes that inherited it."""

    kind = SystemEvent

    def make(self):
        self.name = new_name()
        return self.kind(self.name)

    def close(self):
        self.event.close()
        with contextlib.suppress(FileNotFoundError):
            unlink(self.name)


class Processes(Named):
    """SystemEvent in processes of one thread."""

    survives_kills = True
    mode = MODES[0]

    def seat(self, task):
        if is_foreign(task.roles[0]):
            return self.program(task)
        return self.python(Forked, task)

    def python(self, kind, task, mode=None):
        """A Python process, started in one way or another."""
        return kind(task._replace(event=self.event, mode=mode or self.mode))

    def program(self, task, mode=None, mutant=None):
        """A C program."""
        where = player(mutant), f"/SystemEvent.{self.name}"
        return Program(task._replace(event=where, mode=mode or self.mode))


class SharedObjects(Processes):
    """SystemEvent in processes whose threads share an object."""

    threads = 3


class ManyThreads(Processes):
    """SystemEvent in processes of 200 threads that share an object."""

    threads = 200


class Programs(Processes):
    """C programs that include systemevent.h, of one or two threads."""

    def seats(self, task, has_kills=False):
        return [self.seat(part) for part in _parts(task, itertools.cycle((1, 2)))]

    def seat(self, task):
        if CLOSER in task.roles:
            return super().seat(task)
        return self.program(task)


class Commands(Processes):
    """evt_set, evt_clear and evt_wait."""

    slowness = 20  # a call is a process: an interpreter has to start, and to end

    def seats(self, task, has_kills=False):
        self._mortality = MORTALITY if has_kills else 0
        return super().seats(task)

    def seat(self, task):
        if _is_loner(task.roles[0]):
            return super().seat(task)
        return self.commander(task, self.mode)

    def commander(self, task, mode):
        """A process that uses the commands."""
        seed = f"{task.seed}.{task.numbers.start}"
        event = CommandEvent(self.name, mode, self._mortality, seed)
        return Commander(task._replace(event=event))


class Mixed(Commands):
    """All of them at once around one event, in both sleeping modes."""

    sees_all_pulses = False
    #: How many workers share a process.
    _SIZES = {
        "forked": 1,
        "threads": 2,
        "spawned": 1,
        "served": 1,
        "C": 1,
        "C threads": 2,
        "command": 1,
    }

    def seats(self, task, has_kills=False):
        self._mortality = MORTALITY if has_kills else 0
        source = random.Random(f"{task.seed}.mix")
        modes = MODES if word.sleeps_on_both_halves() else MODES[1:]
        kinds = itertools.cycle(source.sample(list(self._SIZES), len(self._SIZES)))
        seats = []
        while task.numbers:
            kind = next(kinds)
            part, task = _cut(task, self._SIZES[kind])
            if _is_loner(part.roles[0]):
                seats.append(Processes.seat(self, part))
            else:
                seats.append(self._seat_of(kind, part, source.choice(modes)))
        return seats

    def _seat_of(self, kind, task, mode):
        if kind.startswith("C"):
            return self.program(task, mode)
        if kind == "command":
            return self.commander(task, mode)
        return self.python({"spawned": Spawned, "served": Served}.get(kind, Forked), task, mode)


def _in(mode_, kind):
    """An implementation in a sleeping mode."""
    about = {"mode": mode_, "sees_all_pulses": mode_ == MODES[0], "__doc__": kind.__doc__}
    return type(kind.__name__, (kind,), about)


_KINDS = {
    "processes": Processes,
    "shared": SharedObjects,
    "threads": ManyThreads,
    "programs": Programs,
    "commands": Commands,
}
IMPLEMENTATIONS = {
    "threading": Threading,
    **{f"{name}/{mode}": _in(mode, kind) for name, kind in _KINDS.items() for mode in MODES},
    "mixed": Mixed,
}


def available():
    """The names of those that this kernel can run."""
    newer = word.sleeps_on_both_halves()
    return [name for name in IMPLEMENTATIONS if newer or not name.endswith(MODES[0])]
