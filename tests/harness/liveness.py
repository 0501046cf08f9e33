"""Liveness: sleepers and late risers, which no order of instants can show.

A waiter that misses its wake-up and is released by the next set, an hour later, returns True, and
that is legal: the flag was set at some instant of the call. One that is never released says nothing
at all. So beside the order there are bounds:

- *promptness*: a wait that returned True did so within a bound of the first set that began while it
  was waiting;
- *no sleeper*: nobody is still waiting at the end although the event is set, or although a set
  began and ended while it was waiting;
- *no oversleeping*: no wait outlives its time-out by more than the bound.

Since when is a wait waiting? Not since its invocation: stopped or preempted on its way to its first
look at the event, it may miss a whole pulse, and so may a waiter of threading.Event that has not
taken the lock yet. A worker that can tell logs when it has looked (C programs do, and the events of
wrong_events.py); who cannot has certainly looked when the bound is over. So for that one count the
sets from then on, and those since its invocation that last so long that it must have seen them.

"Of the set" means of its response, the earliest of all sets that began meanwhile: by then it has
certainly taken effect. Counted from the invocation, a setter that is stopped (SIGSTOP) on its way
into the call would make every waiter late.

Where only lasting sets count (the mode for older kernels sleeps on the value alone, and says that
it may miss a pulse while it is stopped, or on its way into the sleep), a set during which somebody
clears, or within the bound after it, is none.

The bound is the caller's: it grows with the perturbation (a stopped waiter cannot be prompt), and
with the lateness of the machine.
"""

import math
from bisect import bisect_left, bisect_right
from itertools import accumulate
from typing import NamedTuple

from .history import Operation, end_of


class Complaint(NamedTuple):
    """Somebody slept too long."""

    kind: str  # "late", "sleeper" or "overslept"
    wait: Operation
    cause: Operation | None  # the set that should have ended it
    delay: int  # nanoseconds by which it waited on

    def __str__(self):
        text = {
            "late": "returned True {} ms after",
            "sleeper": "still waits {} ms after",
            "overslept": "outlived its time-out by {} ms",
        }[self.kind].format(f"{self.delay / 1e6:g}")
        cause = ""
        if self.cause:
            cause = f" {self.cause} of worker {self.cause.worker}"
        elif self.kind == "sleeper":
            cause = " the event was found set"
        return f"worker {self.wait.worker}, call {self.wait.number}, {self.wait}: {text}{cause}"


def _lasting(sets, operations, bound_ns):
    """The sets that nobody takes back, from their invocation to a bound after their response."""
    clears = sorted(
        (each for each in operations if each.kind == "clear"), key=lambda each: each.invoked
    )
    begins = [each.invoked for each in clears]
    # Of all clears up to this one, the last to end.
    ends = list(accumulate((_end(each) for each in clears), max))
    lasting = []
    for each in sets:
        before = bisect_right(begins, each.returned + bound_ns)
        if not before or ends[before - 1] < each.invoked:
            lasting.append(each)
    return lasting


def _end(clear):
    """When it has certainly taken effect, or never will."""
    ends = [time for time in (clear.returned, clear.died) if time is not None]
    return min(ends, default=math.inf)


class _First:
    """Of sets in the order of their invocations: the first to return of those since some time."""

    def __init__(self, sets):
        self._begins = [each.invoked for each in sets]
        self._first_back = sets[:]
        for i in range(len(sets) - 2, -1, -1):
            if self._first_back[i + 1].returned < self._first_back[i].returned:
                self._first_back[i] = self._first_back[i + 1]

    def since(self, time):
        """The set, or None."""
        at = bisect_left(self._begins, time)
        return self._first_back[at] if at < len(self._begins) else None


def delays(operations, bound_ns, end=None, set_at_end=None, pulses_count=True):
    """For each wait that something should have ended, by how much it waited on: Complaints.

    `end`: until when the waits were watched that have not returned (default: the last time in the
    history). `set_at_end`: since when the event is certainly set and stays so, None if it is not.
    `pulses_count`: must a wait see a set that is taken back at once?
    """
    if end is None:
        end = end_of(operations)
    sets = sorted(
        (each for each in operations if each.kind == "set" and each.returned is not None),
        key=lambda each: each.invoked,
    )
    lasting = _First(_lasting(sets, operations, bound_ns))
    every = _First(sets) if pulses_count else lasting

    found = []
    for wait in operations:
        if wait.kind != "wait":
            continue
        until = end if wait.died is None else min(end, wait.died)
        if wait.returned is not None:
            until = wait.returned
        is_pending = wait.returned is None
        causes = []  # since when it is too late, and what should have ended it
        if wait.looked is not None:
            ends = [every.since(wait.looked)]
        else:
            ends = [every.since(wait.invoked + bound_ns), lasting.since(wait.invoked)]
        for end_of_it in ends if is_pending or wait.result else ():
            if end_of_it and end_of_it.returned <= until:
                causes.append((end_of_it.returned, end_of_it))
        if is_pending and set_at_end is not None:
            causes.append((max(set_at_end, wait.invoked), None))
        if causes:
            since, cause = min(causes, key=lambda each: each[0])
            kind = "sleeper" if is_pending else "late"
            found.append(Complaint(kind, wait, cause, until - since))
        if wait.timeout is not None:
            due = wait.invoked + max(0, wait.timeout)
            found.append(Complaint("overslept", wait, None, until - due))
    return found


def too_long(delayed, bound_ns):
    """Those that are longer than the bound, one of each wait."""
    found = {}
    for each in delayed:
        if each.delay > bound_ns:
            found.setdefault((each.wait.worker, each.wait.number), each)
    return list(found.values())


def complaints(operations, bound_ns, *args, **kwargs):
    """Those of delays() that are longer than the bound, one of each wait."""
    return too_long(delays(operations, bound_ns, *args, **kwargs), bound_ns)
