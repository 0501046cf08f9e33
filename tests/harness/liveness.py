"""Liveness: sleepers and late risers, which no order of instants can show.

A waiter that misses its wake-up and is released by the next set, an hour later, returns True, and
that is legal: the flag was set at some instant of the call. One that is never released says nothing
at all. So beside the order there are bounds:

- *promptness*: a wait that returned True did so within a bound of the first set that began inside
  it;
- *no sleeper*: nobody is still waiting at the end although the event is set, or although a set
  began and ended while it was blocked;
- *no oversleeping*: no wait outlives its time-out by more than the bound.

"Of the set" means of its response, the earliest of all sets that began inside the wait: by then it
has certainly taken effect. Counted from the invocation, a setter that is stopped (SIGSTOP) on its
way into the call would make every waiter late.

The bound is the caller's: it grows with the perturbation (a stopped waiter cannot be prompt).
"""

from bisect import bisect_left
from typing import NamedTuple

from .history import Operation


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


def complaints(operations, bound_ns, end=None, set_at_end=None):
    """All Complaints about a history.

    `end`: until when the waits were watched that have not returned (default: the last time in the
    history). `set_at_end`: since when the event is certainly set and stays so, None if it is not.
    """
    if end is None:
        end = max(max(each.invoked, each.returned or 0) for each in operations)
    sets = sorted(
        (each for each in operations if each.kind == "set" and each.returned is not None),
        key=lambda each: each.invoked,
    )
    begins = [each.invoked for each in sets]
    # Of all sets that begin at this one or later, the first to return.
    first_back = sets[:]
    for i in range(len(sets) - 2, -1, -1):
        if first_back[i + 1].returned < first_back[i].returned:
            first_back[i] = first_back[i + 1]

    found = []
    for wait in operations:
        if wait.kind != "wait":
            continue
        if wait.returned is not None:
            until = wait.returned
        else:
            until = min(end, wait.died) if wait.died is not None else end
        at = bisect_left(begins, wait.invoked)
        cause = first_back[at] if at < len(sets) and first_back[at].returned <= until else None
        if wait.returned is None:
            since = [cause.returned] if cause else []
            if set_at_end is not None:
                since.append(max(set_at_end, wait.invoked))
            if since and until - min(since) > bound_ns:
                by_set = cause if cause and cause.returned == min(since) else None
                found.append(Complaint("sleeper", wait, by_set, until - min(since)))
                continue
        elif wait.result and cause and until - cause.returned > bound_ns:
            found.append(Complaint("late", wait, cause, until - cause.returned))
            continue
        if wait.timeout is not None:
            due = wait.invoked + max(0, wait.timeout)
            if until - due > bound_ns:
                found.append(Complaint("overslept", wait, None, until - due))
    return found


def worst_delay(operations):
    """The longest time, in nanoseconds, from a set to the True of a wait; 0 if there was none."""
    late = complaints(operations, bound_ns=-1)
    return max((each.delay for each in late if each.kind == "late"), default=0)
