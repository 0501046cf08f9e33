"""What is compared, behind one interface.

A contender in Python has a make(place) whose result has set(), clear() and wait(); it is made in
the parent and inherited by forked processes. If it has a join(number), every waiting process calls
that once. A contender in C is a word on floor.c's command line. The raw futex is there twice: in
programs of a few pages, and called by Python processes, where it is timed inside the C function. Of
many waiters, what lies between the two is the price of waking large processes, which nothing that
is called from Python can avoid. (A third one, timed in Python, is in split.py.)

Those on a Redis server start one, on loopback, and have an asleep(): how many waiters it has.

What wakes one waiter by nature (semaphore, pipe, eventfd, socket) does what its users do to reach
all: a post, or a byte, for each waiter.

To add one: a Contender in the list below, and, unless its module has it already, a class in
peers.py. `unable` says why it cannot run here, or is empty; who cannot run is listed as skipped.
"""

import itertools
import multiprocessing
import os
import shutil
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import systemevent
from systemevent import SystemEvent, _word
from tests.original import OriginalSystemEvent

from . import peers, redis_peers
from .peers import Place
from .servers import no_server

#: All names that this run leaves in /dev/shm for a moment begin with this.
NAMES = f"bench.{os.getpid()}."
_numbers = itertools.count()
# What is measured as an event of this machine is one, also in the commands.
os.environ.pop("SYSTEMEVENT_URL", None)


def unused_name() -> str:
    """A name that no other event of this run has."""
    return f"{NAMES}{next(_numbers)}"


def sweep() -> None:
    """Remove what a run that was interrupted at a bad moment would leave behind."""
    for name in systemevent.list_events():
        if name.startswith(NAMES):
            systemevent.unlink(name)


class OlderKernel(SystemEvent):
    """SystemEvent in the mode for kernels before 5.16."""

    def join(self, number: int) -> None:
        """Choose the mode, for this process."""
        _word.sleep_on_value_only(True)


def unlinked(kind: Callable[[str], Any]) -> Any:
    """An event that kind(name) makes: its name is gone when it is there."""
    name = unused_name()
    try:
        return kind(name)
    finally:
        try:
            systemevent.unlink(name)
        except FileNotFoundError:
            pass  # it could not even be created


def named(kind: Callable[[str], Any]) -> Callable[[Place], Any]:
    """A make() for events that have a name."""
    return lambda place: unlinked(kind)


@dataclass(frozen=True)
class Contender:
    """One way to tell other processes that it happened."""

    title: str
    make: Callable[[Place], Any] | None = None
    in_c: str = ""  # floor.c's word for it
    in_threads: bool = False  # waiters and setter are threads of one process
    period: float = 0.0  # seconds: its waiters look so often, instead of being woken
    unable: Callable[[], str] = lambda: ""


def no_compiler() -> str:
    """Why nothing can be compiled here, or nothing."""
    compiler = os.environ.get("CC", "cc").split()[0]
    return "" if shutil.which(compiler) else f"no C compiler ({compiler})"


def _one_mode() -> str:
    if _word.sleeps_on_both_halves():
        return ""
    return "futex_waitv is missing or forbidden here: 'SystemEvent' runs in this mode already"


FLOOR = Contender("raw futex, C program", in_c="raw", unable=no_compiler)
FLOOR_OF_POSTS = Contender("raw sem_post, C program", in_c="sem", unable=no_compiler)
FLOOR_IN_PYTHON = Contender("raw futex, Python process", peers.RawFutex, unable=no_compiler)
OURS_IN_C = Contender("SystemEvent, C program", in_c="event", unable=no_compiler)
OURS = Contender("SystemEvent", named(SystemEvent))
OLDER_KERNEL = Contender("SystemEvent, older kernel", named(OlderKernel), unable=_one_mode)
ORIGINAL = Contender("SystemEvent 1.0.1", named(OriginalSystemEvent))
MULTIPROCESSING = Contender(
    "multiprocessing.Event", lambda place: multiprocessing.get_context("fork").Event()
)
THREADING = Contender("threading.Event (threads)", lambda place: threading.Event(), in_threads=True)
ON_REDIS = Contender("SystemEvent on Redis", redis_peers.OnRedis, unable=no_server)
PUB_SUB = Contender("redis-py pub/sub", redis_peers.PubSub, unable=no_server)
BARE_SOCKET = Contender("Redis, bare sockets", redis_peers.BareSocket, unable=no_server)

CONTENDERS = [
    FLOOR,
    FLOOR_OF_POSTS,
    OURS_IN_C,
    FLOOR_IN_PYTHON,
    OURS,
    OLDER_KERNEL,
    ORIGINAL,
    MULTIPROCESSING,
    THREADING,
    Contender("posix_ipc semaphore", peers.PosixSemaphore),
    Contender("pipe", peers.Pipe),
    Contender("eventfd", peers.EventFd, unable=peers.no_eventfd),
    Contender("Unix socket", peers.UnixSocket),
    Contender("inotify", peers.Inotify, unable=peers.no_inotify),
    ON_REDIS,
    PUB_SUB,
    BARE_SOCKET,
    Contender("file polled every 1 ms", peers.polled(0.001), period=0.001),
    Contender("file polled every 10 ms", peers.polled(0.01), period=0.01),
    Contender("file polled every 100 ms", peers.polled(0.1), period=0.1),
]


#: Those of a quick run's largest broadcasts.
FEW = (FLOOR, FLOOR_IN_PYTHON, OURS_IN_C, OURS, ORIGINAL, MULTIPROCESSING)
#: From this period on, a contender that looks again and again takes too long for a quick run.
SLOW = 0.1
QUICK = "not in a quick run"


def chosen(words: list[str] | None, skipped: dict[str, str]) -> list[Contender]:
    """The contenders that have one of these words in their title (None: all) and can run here.

    Always among them, because ratios are taken to them: the floor in C, and SystemEvent. Notes the
    reasons of the others in `skipped`. Raises ValueError for a word that fits no contender.
    """
    found = []
    for word in words or []:
        fitting = [each for each in CONTENDERS if word.lower() == each.title.lower()]
        fitting = fitting or [each for each in CONTENDERS if word.lower() in each.title.lower()]
        if not fitting:
            titles = "\n  ".join(each.title for each in CONTENDERS)
            raise ValueError(f"no contender {word!r}; there are\n  {titles}")
        found += fitting
    result = []
    for contender in CONTENDERS:
        if reason := contender.unable():
            skipped[contender.title] = reason
        elif words is not None and contender not in [*found, FLOOR, OURS]:
            skipped[contender.title] = "not asked for (--contenders)"
        else:
            result.append(contender)
    return result
