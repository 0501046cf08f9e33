"""The joint checker: are there instants at which all were set, for every wait_all that says so?

A wait_any speaks of each of its events alone, so it is judged with the history of each event alone
(projection.py, checker.py). A wait_all does not: True means *one* instant at which all are set,
False that one of them, whichever, was clear. The counterexample: A is set and cleared, then B is
set; to each event alone a wait_all → True was a legal wait → True.

So here the flags of all events are one vector, and what is looked for is an order of the operations
on them (just-in-time linearization: Lowe, "Testing for linearizability", 2017). All invocations and
responses are gone through in the order of time, the invocation first on a tie, with the set of all
states that some order leads to. A state is

    flags    which events are set, as bits
    need     the active operations that have not had their instant yet
    unused   the active sets and clears that have not changed a flag yet

A set of what is set, and a clear of what is clear, is a read, and any number of reads are satisfied
by one instant; only who changes a flag is used up. Nothing happens before it must: when an
operation that still needs its instant returns, all sequences of changes that give it one are tried,
and so are those that end with the change of a set or clear that returns now and was a read so far.
Of several that could change a flag, the one that returns first does: it is of least use later.

What is left to the history of each event alone: for how long it was clear during a wait → False.
"""

from bisect import insort
from typing import NamedTuple

SET, CLEAR, MAYBE_SET, MAYBE_CLEAR, ALL, NOT_ALL = range(6)
_VALUE = {SET: True, MAYBE_SET: True, CLEAR: False, MAYBE_CLEAR: False}
_NEVER = float("inf")


class Demand(NamedTuple):
    """What an operation demands or offers: an instant between `begin` and `end` (None: or never).

    SET, CLEAR: changes `events`, which is one. MAYBE_...: the same, or nothing. ALL: all `events`
    are set. NOT_ALL: at least one is clear.
    """

    kind: int
    events: int
    begin: int
    end: int | None


def demands(operation, epsilon_ns):
    """The Demands of an operation; one that is over before it begins can be met by nothing."""
    kind, begin, end, asked = operation[2], operation.invoked, operation.returned, operation.asked
    if kind in ("set", "clear"):
        is_set = kind == "set"
        if end is None:
            return [Demand(MAYBE_SET if is_set else MAYBE_CLEAR, asked, begin, operation.died)]
        return [Demand(SET if is_set else CLEAR, asked, begin, end)]
    if end is None:
        return []
    if kind == "wait_any":
        members = (1 << i for i in range(asked.bit_length()) if asked >> i & 1)
        return [
            Demand(ALL if each & operation.answer else NOT_ALL, each, begin, end)
            for each in members
        ]
    if operation.result:
        return [Demand(ALL, asked, begin, end)]
    if kind == "wait_all":
        if operation.timeout is None:
            begin = end + 1
        elif operation.timeout > 0:
            begin += max(0, operation.timeout - epsilon_ns)
    return [Demand(NOT_ALL, asked, begin, end)]


class Outcome(NamedTuple):
    """verdict: "legal", "illegal" or "unknown"; when and at which demand it was reached."""

    verdict: str
    at: int | None = None  # index
    time: int | None = None
    peak: int = 1  # the most states at once


def sweep(wanted, from_unknown=False, budget=2000):
    """Can all these Demands be met? `from_unknown`: whatever the flags are at first."""
    events = []
    for i, (_, _, begin, end) in enumerate(wanted):
        if end is not None and begin > end:
            return Outcome("illegal", i, end)
        events.append((begin, 0, i))
        if end is not None:
            events.append((end, 1, i))
    events.sort()
    every = 0
    for each in wanted:
        every |= each.events
    one = _Sweep(every.bit_length(), from_unknown, budget)
    peak = 1
    for time, is_response, i in events:
        if is_response:
            one.respond(i)
        else:
            one.invoke(i, wanted[i])
        peak = max(peak, len(one.states))
        if peak > budget or one.gave_up:
            return Outcome("unknown", i, time, peak)
        if not one.states:
            return Outcome("illegal", i, time, peak)
    return Outcome("legal", peak=peak)


class _Sweep:
    def __init__(self, count, from_unknown, budget):
        self.states = [(flags, 0, 0) for flags in range(1 << count if from_unknown else 1)]
        self.gave_up = False
        self._members = [1 << i for i in range(count)]
        self._budget = budget
        self._active = {}  # index -> (its bit, is it a write?, flags at which it has its instant)
        self._free = []  # bits that are not in use
        self._width = 0  # how many are, or were
        self._satisfied = [0] * (1 << count)  # by flags: the active ones that have their instant
        # By the event and the flag that they make: active writes, (when they return, index, bit).
        self._writes = {(each, value): [] for each in self._members for value in (True, False)}

    def invoke(self, i, demand):
        """A demand may be met from now on."""
        kind, events, _, end = demand
        if kind in (NOT_ALL, CLEAR, MAYBE_CLEAR):
            where = [f for f in range(len(self._satisfied)) if f & events != events]
        else:
            where = [f for f in range(len(self._satisfied)) if f & events == events]
        is_write = kind in _VALUE
        if not is_write and all(state[0] in where for state in self.states):
            return
        if self._free:
            bit = self._free.pop()
        else:
            bit = 1 << self._width
            self._width += 1
        for flags in where:
            self._satisfied[flags] |= bit
        unused = bit if is_write else 0
        need = 0 if kind in (MAYBE_SET, MAYBE_CLEAR) else bit
        self.states = [
            (flags, needs if self._satisfied[flags] & bit else needs | need, left | unused)
            for flags, needs, left in self.states
        ]
        if is_write:
            entry = _NEVER if end is None else end, i, bit
            insort(self._writes[events, _VALUE[kind]], entry)
        self._active[i] = bit, is_write, where, demand

    def respond(self, i):
        """A demand must have been met by now."""
        if i not in self._active:
            return
        bit, is_write, where, demand = self._active.pop(i)
        after = []
        changed = False
        for state in self.states:
            _, need, unused = state
            if not need & bit:
                after.append(state)
                if not unused & bit:
                    continue
            changed = True
            after += self._changes(state, bit)
        if is_write:
            after = [(flags, need, unused & ~bit) for flags, need, unused in after]
            entry = _NEVER if demand.end is None else demand.end, i, bit
            self._writes[demand.events, _VALUE[demand.kind]].remove(entry)
        for flags in where:
            self._satisfied[flags] &= ~bit
        self._free.append(bit)
        self.states = _without_dominated(after) if changed or is_write else after

    def _changes(self, state, bit):
        """Where sequences of changes lead that end with giving this one its instant, or its use."""
        must = state[1] & bit
        found = []
        seen = {state}
        left = [state]
        while left:
            flags, need, unused = left.pop()
            for member in self._members:
                for _, _, write in self._writes[member, not flags & member]:
                    if unused & write:
                        break
                else:
                    continue
                now = flags ^ member
                after = now, need & ~self._satisfied[now], unused & ~write
                if (not after[1] & bit) if must else write == bit:
                    found.append(after)
                elif after not in seen:
                    seen.add(after)
                    left.append(after)
            if len(seen) > self._budget:
                self.gave_up = True
                return found
        return found


def _without_dominated(states):
    """Those for which no other one of the same flags needs less and has more left to use."""
    if len(states) < 2:
        return states
    kept = {}
    for flags, need, unused in dict.fromkeys(states):
        own = kept.setdefault(flags, [])
        if any(not n & ~need and not unused & ~u for n, u in own):
            continue
        own[:] = [(n, u) for n, u in own if need & ~n or u & ~unused]
        own.append((need, unused))
    return [(flags, need, unused) for flags, own in kept.items() for need, unused in own]
