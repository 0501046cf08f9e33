"""The frontier while some `wait` → False is active: states with a memory of time.

A wait that timed out needs a stretch: the flag clear for its whole length. So a state is now the
int of frontier.py together with the time since which the flag is clear, and late is no longer best
for a fall: the earlier it is, the longer the stretch. In a history that is legal the toggles can be
moved, without breaking anything, until

- a rise that is not at once followed by a fall is as late as possible: at the response of what
  needs it, as before;
- a fall is as early as possible: just after the invocation of what would not have seen the flag set
  otherwise, or of the clear, or of the stretch;
- a pulse (rise and fall at one instant) is as early as possible: just after such an invocation, *or
  at the instant at which a stretch before it is long enough*.

So beside the moves of frontier.responded, at every invocation a state with an unsatisfied stretch
may fall or pulse now, and at every instant at which a stretch becomes long enough it may pulse.

Why the last of these, the counterexample: set, clear and is_set → True, all [3,7]; wait(5) → False
[0,6]; wait(8) → False [0,13]. A pulse at 5 explains it, and nothing else does: before 5 it comes
too early for the first wait, after 5 too late for the second. No event of the history lies at 5.

A thousand waits may run out at the same time, so two things keep this fast:

- States that are clear since the same instant, an *era*, have their stretches satisfied at the same
  instants: its alarms, which are known as it begins.
- A stretch *holds* the flag when it is too late for it to begin anew. If the flag moves in a state
  that needs it, its response will find no stretch. The state would die of that by itself, so to
  drop it at once changes no verdict; but nearly all waits return as soon as their time is over, so
  they hold from the start, and few states are left.
"""

from bisect import bisect_left, insort
from heapq import heappop, heappush

from .frontier import (
    NEEDS,
    READ_CLEAR,
    STAY_CLEAR,
    STRETCH,
    STRETCHES,
    invoked,
    is_as_good,
    responded,
    toggled,
    toggled_twice,
    unneeded,
    without,
    without_dominated,
)

NEVER = 1 << 80


class _Era:
    """The states in which the flag is clear since the same instant."""

    __slots__ = ("alarms", "since", "states")

    def __init__(self, since, states, alarms):
        self.since = since
        self.states = states
        self.alarms = alarms  # heap: (how long after that, operation: its stretch is long enough)

    def next_alarm(self):
        return self.since + self.alarms[0][0] if self.alarms else NEVER


class Stretches:
    """The states, while at least one of them has an unsatisfied stretch.

    `active`: the active operations in the order of their returns; the caller changes it.
    `span(operation)`: invocation, response, and length of the stretch (0: none), of one of them.
    """

    def __init__(self, states, active, span):
        self._active = active
        self._span = span
        self._set = [state for state in states if state & 1]
        clear = [state for state in states if not state & 1]
        self._eras = [_Era(-NEVER, clear, [])]  # in the order of time; -NEVER: before all of these
        self.count = len(states)  # of states; 0: illegal
        self._lengths = []  # sorted: (length, operation) of the stretches that somebody needs
        self._latest = []  # heap: (when the flag must be clear at the latest, operation)
        self._holding = 0  # as in a state: STRETCH of the operations for which that is over
        self._next = NEVER  # advance() has nothing to do before

    def is_waiting(self):
        """Is any stretch left to be satisfied? (As of unneeded().)"""
        return bool(self._lengths)

    def states(self):
        """The states, without their times."""
        if not self._set and len(self._eras) == 1:
            return self._eras[0].states
        return [*self._set, *[state for era in self._eras for state in era.states]]

    def changes_nothing(self, kind):
        """Is it all the same whether an operation of this kind is invoked?"""
        return kind == READ_CLEAR and not self._set

    def invoke(self, kind, rank, now):
        """An operation was invoked, and is number `rank` of the active ones now."""
        if self._holding:
            self._holding = invoked(self._holding, READ_CLEAR, rank)  # makes room
        if kind == STAY_CLEAR and not self._begin(self._active[rank], now):
            self._set, self._eras, self.count = [], [], 0
            return
        fallen = []
        self._set = [invoked(state, kind, rank) for state in self._set]
        for state in self._set:
            if state & STRETCHES:
                fallen.append(toggled(state))
        for era in self._eras:
            era.states = [invoked(state, kind, rank) for state in era.states]
            if kind == READ_CLEAR:
                continue  # a pulse here could as well be at the invocation before
            for state in era.states:
                if state & NEEDS and state & STRETCHES:
                    fallen.append(toggled_twice(state))
        if fallen:
            self._fall(fallen, now)
        self._prune()

    def _begin(self, operation, now):
        """A stretch may begin from now on: is there time enough for it?"""
        _, end, length = self._span(operation)
        if now + length > end:
            return False
        insort(self._lengths, (length, operation))
        heappush(self._latest, (end - length, operation))
        self._next = min(self._next, now + length, end - length + 1)
        for era in self._eras:
            heappush(era.alarms, (now + length - era.since, operation))
        return True

    def respond(self, operation, now):
        """This operation, the first of the active ones, returned, and is none of them any more."""
        self._end(operation)
        self._holding = self._holding >> 8 << 4
        risen = []
        fallen = []
        for state in self._set:
            for after, _ in responded(state):
                (risen if after & 1 else fallen).append(after)
        for era in self._eras:
            kept = []
            for state in era.states:
                for after, moved in responded(state):
                    (risen if after & 1 else fallen if moved else kept).append(after)
            era.states = kept
        self._set = risen
        if fallen:
            self._fall(fallen, now)
        self._prune()

    def advance(self, now):
        """Time went by: stretches became long enough, or can no longer become so. Did it matter?"""
        if now < self._next:
            return False
        while (due := self._next) <= now:
            self._hold(due)
            pulsed = []
            for era in self._eras:
                while era.next_alarm() <= due:
                    satisfied = self._bit(heappop(era.alarms)[1])
                    for i, state in enumerate(era.states):
                        if state & satisfied:
                            era.states[i] = state = state ^ satisfied
                            if state & NEEDS and state & STRETCHES:
                                pulsed.append(toggled_twice(state))
            self._next = self._latest[0][0] + 1 if self._latest else NEVER
            for era in self._eras:
                self._next = min(self._next, era.next_alarm())
            if pulsed:
                self._fall(pulsed, due)
        self._prune()
        return True

    def unneeded(self):
        """Which of the active operations matter in no state: their ranks, last first. Forget them.

        The caller takes them from the active ones.
        """
        ranks = unneeded(self.states(), len(self._active))
        for rank in ranks:
            self._end(self._active[rank])
            self._holding = without(self._holding, rank)
            self._set = [without(state, rank) for state in self._set]
            for era in self._eras:
                era.states = [without(state, rank) for state in era.states]
        return ranks

    def _end(self, operation):
        _, _, length = self._span(operation)
        if length:
            del self._lengths[bisect_left(self._lengths, (length, operation))]

    def _bit(self, operation):
        """STRETCH of that operation, as in a state; 0 if it is not active any more."""
        active = self._active
        rank = bisect_left(active, operation)
        there = rank < len(active) and active[rank] == operation
        return STRETCH << 4 * (rank + 1) if there else 0

    def _hold(self, now):
        """Note which stretches cannot begin any more."""
        latest = self._latest
        while latest and latest[0][0] < now:
            self._holding |= self._bit(heappop(latest)[1])

    def _fall(self, states, now):
        """The flag fell now, and these are the states (None: it could not). Drop the hopeless."""
        states = [state for state in states if state is not None and not state & self._holding]
        if not states:
            return
        if not self._eras or self._eras[-1].since != now:
            self._eras.append(_Era(now, [], self._lengths[:]))
            self._next = min(self._next, self._eras[-1].next_alarm())
        self._eras[-1].states += states

    def _prune(self):
        """Drop states that are hopeless or dominated, and eras without states."""
        eras = self._eras
        if not self._set and len(eras) == 1 and len(eras[0].states) == 1:
            self.count = 1  # nearly always
            return
        holding = self._holding
        if self._set:
            self._set = [state for state in self._set if not state & holding]
            if len(self._set) > 1:
                self._set = list(without_dominated(self._set))
        before = []
        for era in eras:
            if len(era.states) > 1:
                era.states = list(without_dominated(era.states))
            if before and era.states:
                era.states = [
                    state
                    for state in era.states
                    if not any(is_as_good(other, state) for other in before)
                ]
            before += era.states
        self._eras = [era for era in eras if era.states]
        self.count = len(self._set) + len(before)
