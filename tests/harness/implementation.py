"""What an implementation is: an event, or several, and the seats of its users."""

import itertools
import os

from .scenarios import is_foreign
from .seats import CLOSER, Forked

_counter = itertools.count()
#: The waits for several events.
BOTH = frozenset(("any", "all"))


def new_name():
    """The name of an event of its own."""
    return f"stress.{os.getpid()}.{next(_counter)}"


class Implementation:
    """One event, for one run; or `count` of them (several.py).

    open() makes them, and close() removes what there is of them, also if open() was interrupted.
    """

    #: How many workers share a process; None: all of them.
    threads = 1
    #: May its users be killed?
    survives_kills = False
    #: How many times as long as a wake-up may a call take on a machine that has far too much to do?
    slowness = 1
    #: Does a waiter that was stopped in its sleep see a pulse that came and went meanwhile?
    sees_all_pulses = True
    #: Which waits for several events does it have? None: there is only one event.
    several = None
    #: May there be only one?
    has_one = True
    #: Can programs take part that know semaphores only?
    has_foreigners = True

    def __init__(self, count=0):
        self.count = count
        self.event = None

    def open(self):
        """Make the event, or the events."""
        self.event = self.make_several(self.count) if self.count else self.make()

    def make(self):
        """The event: an object with set, clear, is_set and wait."""
        raise NotImplementedError

    def make_several(self, count):
        """So many events: a Several, or the like."""
        raise NotImplementedError

    def seats(self, task, has_kills=False):
        """The Seats of the workers of a Task, of whom the last is the closer.

        has_kills: do kills belong to the run? (The runner kills; but see commands.py.)
        """
        if self.threads is None:
            return [self.seat(task)]
        return [self.seat(part) for part in parts(task, itertools.repeat(self.threads))]

    def seat(self, task):
        """The Seat of a few workers."""
        return Forked(task._replace(event=self.event))

    def close(self):
        """Leave nothing behind."""


def cut(task, size):
    """The first workers of a task, at most so many, and the rest.

    A foreign program and the closer are alone.
    """
    end = 1
    if not is_loner(task.roles[0]):
        while end < min(size, len(task.roles)) and not is_loner(task.roles[end]):
            end += 1
    first, rest = slice(end), slice(end, None)
    return tuple(
        task._replace(numbers=task.numbers[part], roles=task.roles[part]) for part in (first, rest)
    )


def parts(task, sizes):
    """A task in parts of at most these sizes."""
    while task.numbers:
        part, task = cut(task, next(sizes))
        yield part


def is_loner(role):
    return role == CLOSER or is_foreign(role)
