"""What is compared, behind one interface.

A contender in Python has a make() whose result has set(), clear() and wait(); it is made in the
parent and inherited by forked processes. A contender in C is a word on floor.c's command line. The
raw futex is there twice: in programs of a few pages, and called by Python processes. What lies
between the two is the price of waking a large process (its page tables, its cold caches), which
nothing that is called from Python can avoid.
"""

import multiprocessing
import os
from dataclasses import dataclass
from typing import Any

import systemevent
from systemevent import SystemEvent, _word
from tests.original import OriginalSystemEvent


class OlderKernel(SystemEvent):
    """SystemEvent in the mode for kernels before 5.16."""

    def wait(self, timeout: float | None = None) -> bool:
        _word.sleep_on_value_only(True)
        return super().wait(timeout)


@dataclass(frozen=True)
class Contender:
    """One way to tell other processes that it happened."""

    title: str
    make: Any = None  # (name) -> object with set(), clear(), wait()
    in_c: str = ""  # floor.c's word for it; "library": the raw futex, called from Python

    def made(self) -> Any:
        """An event of its own that has no name any more, so that nothing is left behind."""
        if self.make is None:
            return None
        name = f"bench.{os.getpid()}"
        event = self.make(name)
        if name in systemevent.list_events():
            systemevent.unlink(name)
        return event


FLOOR = Contender("raw futex, C program", in_c="raw")
FLOOR_IN_PYTHON = Contender("raw futex, Python process", in_c="library")
OURS_IN_C = Contender("SystemEvent, C program", in_c="event")
OURS = Contender("SystemEvent", SystemEvent)
OLDER_KERNEL = Contender("SystemEvent, older kernel", OlderKernel)
ORIGINAL = Contender("SystemEvent 1.0.1", OriginalSystemEvent)
MULTIPROCESSING = Contender("multiprocessing.Event", lambda name: multiprocessing.Event())

CONTENDERS = [
    FLOOR,
    OURS_IN_C,
    FLOOR_IN_PYTHON,
    OURS,
    OLDER_KERNEL,
    ORIGINAL,
    MULTIPROCESSING,
]
