"""Roles: what a worker does, as a line of text that a Python worker and a C worker play alike.

A role is alternatives between "|", each with an optional weight "3*" in front; again and again, one
of them is picked at random and played step by step:

    set  clear  is_set          the operations
    wait  wait:3  wait:0:3      without a limit; for 3 ms; for up to 3 ms, at random
    post                        sem_post, as a foreign program sets an event; in Python, set
    pause:1  pause:0:2          do nothing for 1 ms; for up to 2 ms

So "3* set | 2* set pause:0:1" sets, and two times out of five takes a rest. Why a language? A role
that was written twice, once in Python and once in C, would be two roles soon.
"""

import time
from typing import NamedTuple

from .history import CLEAR, IS_SET, NO_LIMIT, NOTHING, RAISED, SET, WAIT

OPERATIONS = ("set", "clear", "is_set", "wait", "post", "pause")


class Step(NamedTuple):
    """One step; the bounds are in milliseconds, None: without a limit."""

    operation: str
    least: float | None = None
    most: float | None = None


def _step(text):
    operation, *bounds = text.split(":")
    if operation not in OPERATIONS or len(bounds) > 2 or (bounds and operation in OPERATIONS[:3]):
        raise ValueError(f"not a step of a role: {text!r}")
    if not bounds:
        return Step(operation)
    return Step(operation, float(bounds[0]), float(bounds[-1]))


def parse(role):
    """The alternatives of a role, each as often as it weighs: a list of lists of Steps."""
    alternatives = []
    for text in role.split("|"):
        weight, star, steps = text.rpartition("*")
        alternatives += [[_step(each) for each in steps.split()]] * (int(weight) if star else 1)
    return alternatives


class Logged:
    """An event whose calls are logged; the time-outs of wait() are in milliseconds."""

    def __init__(self, event, log):
        self._event = event
        self._log = log
        self.calls = 0
        if hasattr(event, "on_look"):  # it can tell when a wait has begun
            event.on_look = lambda: log.looked(self._at)

    def _call(self, kind, method, *args, timeout=NO_LIMIT):
        self.calls += 1
        result = RAISED
        at = self._at = self._log.invoke(kind, timeout)
        try:
            value = method(*args)
            result = NOTHING if value is None else value
        finally:
            self._log.respond(at, result)
        return value

    def set(self):
        self._call(SET, self._event.set)

    post = set  # where an event has foreign users, C workers play them

    def clear(self):
        self._call(CLEAR, self._event.clear)

    def is_set(self):
        return self._call(IS_SET, self._event.is_set)

    def wait(self, limit=None):
        if limit is None:
            return self._call(WAIT, self._event.wait)
        limit = int(limit * 1000)
        return self._call(WAIT, self._event.wait, limit / 1e6, timeout=limit * 1000)


def play(steps, event, source):
    """Play one alternative of a role on a Logged event; `source`: a random.Random."""
    for operation, least, most in steps:
        limits = [] if least is None else [source.uniform(least, most)]
        if operation == "pause":
            time.sleep(limits[0] / 1000)
        else:
            getattr(event, operation)(*limits)
