"""Roles: what a worker does, as a line of text that a Python worker and a C worker play alike.

A role is alternatives between "|", each with an optional weight "3*" in front; again and again, one
of them is picked at random and played step by step:

    set  clear  is_set          the operations
    wait  wait:3  wait:0:3      without a limit; for 3 ms; for up to 3 ms, at random
    post                        sem_post, as a foreign program sets an event; in Python, set
    pause:1  pause:0:2          do nothing for 1 ms; for up to 2 ms

Where a run has several events, each step says whose, or of which, in letters:

    set:A  wait:B:0:3           on one of them
    any:AB:0:3  all:ABC         wait for any, or for all, of them

So "3* set | 2* set pause:0:1" sets, and two times out of five takes a rest. Why a language? A role
that was written twice, once in Python and once in C, would be two roles soon.
"""

import re
import time
from typing import NamedTuple

from .history import (
    CLEAR,
    IS_SET,
    LETTERS,
    NO_LIMIT,
    NOTHING,
    RAISED,
    SET,
    WAIT,
    WAIT_ALL,
    WAIT_ANY,
    letters,
)

OPERATIONS = ("set", "clear", "is_set", "wait", "post", "pause", "any", "all")
_OF_SEVERAL = OPERATIONS[-2:]
_NAMED = re.compile(rf"[a-z]:([{LETTERS}]+)")
_SEVERAL = re.compile(rf"\b({'|'.join(_OF_SEVERAL)}):")


class Step(NamedTuple):
    """One step; the bounds are in milliseconds, None: without a limit."""

    operation: str
    least: float | None = None
    most: float | None = None
    events: int = 0  # as bits; 0: there is only one


def _step(text):
    operation, *bounds = text.split(":")
    events = 0
    if bounds and operation != "pause" and set(bounds[0]) <= set(LETTERS):
        events = sum(1 << LETTERS.index(letter) for letter in set(bounds.pop(0)))
    if (
        operation not in OPERATIONS
        or len(bounds) > 2
        or (bounds and operation in OPERATIONS[:3])
        or (operation in _OF_SEVERAL and not events)
        or (operation not in _OF_SEVERAL and events & (events - 1))
    ):
        raise ValueError(f"not a step of a role: {text!r}")
    if not bounds:
        return Step(operation, events=events)
    return Step(operation, float(bounds[0]), float(bounds[-1]), events)


def parse(role):
    """The alternatives of a role, each as often as it weighs: a list of lists of Steps."""
    alternatives = []
    for text in role.split("|"):
        weight, star, steps = text.rpartition("*")
        alternatives += [[_step(each) for each in steps.split()]] * (int(weight) if star else 1)
    return alternatives


def events_of(roles):
    """How many events these roles are about; 0: one, which has no letter."""
    named = {letter for role in roles for text in _NAMED.findall(role) for letter in text}
    return max((LETTERS.index(letter) + 1 for letter in named), default=0)


def waits_for(roles):
    """Which of "any" and "all" these roles use."""
    return {word for role in roles for word in _SEVERAL.findall(role)}


class Logged:
    """An event whose calls are logged; the time-outs of wait() are in milliseconds.

    Or several (see several.py): then each call has `events`, as bits.
    """

    def __init__(self, event, log):
        self._event = event
        self._events = getattr(event, "events", None)
        self._log = log
        self.calls = 0
        if hasattr(event, "on_look"):  # it can tell when a wait has begun
            event.on_look = lambda: log.looked(self._at)

    def _call(self, kind, method, *args, timeout=NO_LIMIT, events=0):
        self.calls += 1
        result, answer = RAISED, 0
        at = self._at = self._log.invoke(kind, timeout, events)
        try:
            value = method(*args)
            if kind == WAIT_ANY:
                answer = sum(1 << self._events.index(each) for each in value)
                value = bool(value)
            result = NOTHING if value is None else value
        finally:
            self._log.respond(at, result, answer)
        return value

    def _of(self, events):
        """The event that is meant."""
        return self._events[events.bit_length() - 1] if events else self._event

    def set(self, events=0):
        self._call(SET, self._of(events).set, events=events)

    post = set  # where an event has foreign users, C workers play them

    def set_all(self):
        """Set each of them."""
        for events in [1 << i for i in range(len(self._events))] if self._events else [0]:
            self.set(events)

    def clear(self, events=0):
        self._call(CLEAR, self._of(events).clear, events=events)

    def is_set(self, events=0):
        return self._call(IS_SET, self._of(events).is_set, events=events)

    def wait(self, limit=None, events=0):
        return self._wait(WAIT, self._of(events).wait, (), limit, events)

    def any(self, limit=None, events=0):
        return self._wait(WAIT_ANY, self._event.wait_any, (self._chosen(events),), limit, events)

    def all(self, limit=None, events=0):
        return self._wait(WAIT_ALL, self._event.wait_all, (self._chosen(events),), limit, events)

    def _chosen(self, events):
        return [self._events[LETTERS.index(letter)] for letter in letters(events)]

    def _wait(self, kind, method, args, limit, events):
        if limit is None:
            return self._call(kind, method, *args, events=events)
        limit = int(limit * 1000)
        return self._call(kind, method, *args, limit / 1e6, timeout=limit * 1000, events=events)


def play(steps, event, source):
    """Play one alternative of a role on a Logged event; `source`: a random.Random."""
    for operation, least, most, events in steps:
        limits = [] if least is None else [source.uniform(least, most)]
        if operation == "pause":
            time.sleep(limits[0] / 1000)
        elif events:
            getattr(event, operation)(*limits, events=events)
        else:
            getattr(event, operation)(*limits)
