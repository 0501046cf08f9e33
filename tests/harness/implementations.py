"""Events under stress, each behind the same four operations: set, clear, is_set, wait(timeout).

An event is made before its workers start, and every worker is a thread of a forked process: all of
them in one process, one in each, or a few. So also a worker that hangs can be killed.
"""

import contextlib
import itertools
import os
import threading

from systemevent import SystemEvent, unlink
from systemevent import _word as word

_counter = itertools.count()
MODES = ("futex_waitv", "futex_wait")


def new_name():
    """The name of an event of its own."""
    return f"stress.{os.getpid()}.{next(_counter)}"


class Implementation:
    """One event, for one run."""

    #: How many workers share a process; None: all of them.
    threads = 1

    def __init__(self):
        self.event = self.make()

    def make(self):
        """The event: an object with set, clear, is_set and wait."""
        raise NotImplementedError

    def prepare(self):
        """What a process of workers does first."""

    def close(self):
        """Leave nothing behind."""

    @classmethod
    def groups(cls, count):
        """The numbers of `count` workers, process by process."""
        size = cls.threads or count
        return [range(at, min(at + size, count)) for at in range(0, count, size)]


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
    """SystemEvent in processes of one thread, in the first sleeping mode."""

    mode = MODES[0]

    def prepare(self):
        word.sleep_on_value_only(self.mode == "futex_wait")


class OlderProcesses(Processes):
    """The same in the other mode."""

    mode = MODES[1]


class SharedObjects(Processes):
    """SystemEvent in processes whose threads share an object."""

    threads = 3


class OlderSharedObjects(SharedObjects):
    """The same in the other mode."""

    mode = MODES[1]


IMPLEMENTATIONS = {
    "threading": Threading,
    "processes/futex_waitv": Processes,
    "processes/futex_wait": OlderProcesses,
    "shared/futex_waitv": SharedObjects,
    "shared/futex_wait": OlderSharedObjects,
}


def available():
    """The names of those that this kernel can run."""
    newer = word.sleeps_on_both_halves()
    return [name for name in IMPLEMENTATIONS if newer or not name.endswith(MODES[0])]
