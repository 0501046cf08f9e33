"""Liveness of wait_all: who slept although all events were set at once.

An event is *certainly set* from the response of a set with which no clear overlaps, to the
invocation of the next clear. A wait_all must have ended

- when all its events have certainly been set for longer than the bound during the call;
- the bound after a set of one of them, if all others were certainly set from the bound before its
  invocation to the bound after its response, and the call had begun the bound before, too. (A pulse
  of one, while the others stay set; only where pulses count, see liveness.py.)

What changes together with others, within the time of a wake-up, may be missed. So nothing follows
from a pulse of one event right after a set of another, and the bound says what "right after" is.
"""

import math
from bisect import bisect_left, bisect_right
from itertools import accumulate

from .liveness import Complaint


def certainly_set(operations, event):
    """From when to when the event is certainly set: (begin, end, the set) in the order of time."""
    own = [each for each in operations if each.asked == event]
    clears = sorted((each.invoked, _end(each)) for each in own if each.kind == "clear")
    begins = [begin for begin, _ in clears]
    ends = list(accumulate((end for _, end in clears), max))
    sets = (each for each in own if each.kind == "set" and each.returned is not None)
    found = []
    for each in sorted(sets, key=lambda each: each.returned):
        before = bisect_right(begins, each.returned)
        if before and ends[before - 1] >= each.invoked:
            continue
        until = begins[before] if before < len(begins) else math.inf
        if found and found[-1][1] == until:
            continue  # set again
        found.append((each.returned, until, each))
    return found


def _end(clear):
    ends = [time for time in (clear.returned, clear.died) if time is not None]
    return min(ends, default=math.inf)


def together(stretches):
    """When all of several events are certainly set: (begin, end, last set); from those of each."""
    first, *others = stretches
    for other in others:
        both, i, j = [], 0, 0
        while i < len(first) and j < len(other):
            begin, end = max(first[i][0], other[j][0]), min(first[i][1], other[j][1])
            if begin < end:
                both.append((begin, end, max(first[i], other[j], key=lambda each: each[0])[2]))
            if first[i][1] < other[j][1]:
                i += 1
            else:
                j += 1
        first = both
    return first


class _Asked:
    """What is certain about the events of one mask."""

    def __init__(self, operations, stretches, events, bound_ns, pulses_count):
        self._bound = bound_ns
        self.all = together([stretches[event] for event in events])
        self._ends = [end for _, end, _ in self.all]
        self.pulses = []  # sets that must not be missed, in the order of their invocations
        for event in events if pulses_count and len(events) > 1 else ():
            others = together([stretches[other] for other in events if other != event])
            begins = [begin for begin, _, _ in others]
            for each in operations:
                if each.kind != "set" or each.asked != event or each.returned is None:
                    continue
                at = bisect_right(begins, each.invoked - bound_ns) - 1
                if at >= 0 and others[at][1] >= each.returned + bound_ns:
                    self.pulses.append(each)
        self.pulses.sort(key=lambda each: each.invoked)
        self._begins = [each.invoked for each in self.pulses]

    def causes(self, wait, until):
        """What should have ended the wait: (since when, the set)."""
        for begin, end, cause in self.all[bisect_left(self._ends, wait.invoked) :]:
            since = max(begin, wait.invoked)
            if since >= until:
                break
            if end - since > self._bound:
                yield since, cause
                break
        at = bisect_left(self._begins, wait.invoked + self._bound)
        if at < len(self.pulses) and self.pulses[at].returned <= until:
            yield self.pulses[at].returned, self.pulses[at]


def delays(operations, bound_ns, end, pulses_count=True):
    """For each wait_all that something should have ended, by how much it waited on: Complaints."""
    waits = [each for each in operations if each.kind == "wait_all"]
    events = {each: _members(each) for each in {wait.asked for wait in waits}}
    stretches = {event: certainly_set(operations, event) for event in set().union(*events.values())}
    known = {
        asked: _Asked(operations, stretches, members, bound_ns, pulses_count)
        for asked, members in events.items()
    }
    found = []
    for wait in waits:
        until = end if wait.died is None else min(end, wait.died)
        if wait.returned is not None:
            until = wait.returned
        causes = list(known[wait.asked].causes(wait, until))
        if causes:
            since, cause = min(causes, key=lambda each: each[0])
            kind = "sleeper" if wait.returned is None else "late"
            found.append(Complaint(kind, wait, cause, until - since))
        if wait.timeout is not None:
            due = wait.invoked + max(0, wait.timeout)
            found.append(Complaint("overslept", wait, None, until - due))
    return found


def _members(asked):
    return [1 << i for i in range(asked.bit_length()) if asked >> i & 1]
