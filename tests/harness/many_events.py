"""Thousands of events at once: whatever is done to one of them must not be seen in another.

A few workers hold all of them open. At each moment they meet at the same one, as the clock tells
them which, or else nobody would ever race. Every event's history is judged by itself.

The counterexample: an implementation that keeps what it knows of an event in a table with a few
hundred places, as the kernel hashes its futexes, and lets two events share one.
"""

import collections
import contextlib
import random
import secrets
import shutil
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from processes import workers

from systemevent import SystemEvent, unlink

from . import history, roles
from .checker import judge
from .implementation import new_name

COUNT = 5000
_WORKERS = 4
#: Nanoseconds of a meeting.
_MEETING = 300_000
_ROLE = roles.parse(
    "3* set | 3* clear | 2* is_set | wait:0 | 3* wait:0.1:1 | 2* set clear | pause:0:0.1"
)
_EPSILON_NS = 1000


class Result(NamedTuple):
    """What came of it."""

    events: int  # that were used
    operations: int
    wrong: list[str]  # a line for each event whose history is not legal
    directory: Path | None  # of the logs, if something is wrong


class _Log(history.Log):
    """A log in which each record is of one of many events."""

    __slots__ = ()

    def turn_to(self, at, number):
        """The next records are of event `at`."""
        self._worker = at * _WORKERS + number


def run(count=COUNT, seconds=5.0, seed=0):
    """Play for some seconds on `count` events, on each at least once; judge each: a Result."""
    # Named before it is made: Ctrl-C may come in between, and nothing may stay behind.
    directory = Path(tempfile.gettempdir(), f"stress.events.{secrets.token_hex(8)}")
    try:
        directory.mkdir(mode=0o700)
        _play_all(count, seconds, seed, directory)
        return _judged(directory)
    except BaseException:
        shutil.rmtree(directory, ignore_errors=True)
        raise


def _play_all(count, seconds, seed, directory):
    with contextlib.ExitStack() as stack:
        names = [new_name() for _ in range(count)]
        events = []
        for name in names:
            stack.callback(_remove, name)
            events.append(stack.enter_context(SystemEvent(name)))
        end = time.monotonic() + seconds
        arguments = events, directory, seed, end
        for one in stack.enter_context(workers(range(_WORKERS), _play, *arguments)):
            one.result(seconds + 60)


def _remove(name):
    with contextlib.suppress(FileNotFoundError):
        unlink(name)


def _judged(directory):
    histories = collections.defaultdict(list)
    operations = history.load(directory)
    for each in operations:
        at, worker = divmod(each.worker, _WORKERS)
        histories[at].append(each._replace(worker=worker))
    wrong = []
    for at, calls in sorted(histories.items()):
        verdict = judge(calls, _EPSILON_NS, explain=False)
        if verdict.kind != "legal":
            history.save(directory / f"event-{at}", calls, epsilon_ns=_EPSILON_NS)
            wrong.append(f"event {at}: {verdict.kind}: {verdict.at}")
    if not wrong:
        shutil.rmtree(directory)
    return Result(len(histories), len(operations), wrong, directory if wrong else None)


def _play(number, events, directory, seed, end):
    source = random.Random(f"{seed}.{number}")
    log = _Log(directory, number)
    missing = set(range(len(events)))
    while time.monotonic() < end:
        meeting = time.monotonic_ns() // _MEETING
        # A multiplier with no factor in common with the count: every event has its turn.
        at = meeting * 7919 % len(events)
        log.turn_to(at, number)
        event = roles.Logged(events[at], log)
        while time.monotonic_ns() // _MEETING == meeting:
            roles.play(source.choice(_ROLE), event, source)
        if event.calls:
            missing.discard(at)
    for at in sorted(missing):  # a machine with too much to do comes too late to some meetings
        log.turn_to(at, number)
        event = roles.Logged(events[at], log)
        while not event.calls:
            roles.play(source.choice(_ROLE), event, source)
