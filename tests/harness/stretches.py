"""The frontier while some `wait` → False is active: states with a memory of time.

A wait that timed out needs a stretch: the flag clear for its whole length. So a state is now a
pair, (the int of frontier.py, the time since which the flag is clear), and late is no longer best
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
"""

from .frontier import NEEDS, STRETCHES, invoked, is_as_good, responded, toggled, toggled_twice

NEVER = 1 << 80


class Stretches:
    """The states (int, clear since), while at least one of them has an unsatisfied stretch.

    `active`: the active operations in the order of their returns. `span(operation)`: invocation,
    response, and length of the stretch, of an operation that is one.
    """

    def __init__(self, states, active, span):
        self.states = [(state, 0) for state in states]
        self._active = active
        self._span = span
        self._alarm = NEVER  # before this instant nothing happens to a state by itself

    def point_states(self):
        """The states without time, if no stretch is left to be satisfied; else None."""
        if any(state & STRETCHES for state, _ in self.states):
            return None
        return [state for state, _ in self.states]

    def invoke(self, kind, rank, now):
        """An operation was invoked, and is number `rank` of the active ones now."""
        after = []
        for state, since in self.states:
            state = invoked(state, kind, rank)
            after.append((state, since))
            if state & STRETCHES:
                if state & 1:
                    after.append((toggled(state), now))
                elif state & NEEDS:
                    after.append((toggled_twice(state), now))
        self._keep(after, now)

    def respond(self, now):
        """The first of the active operations returned, and is not among them any more."""
        self._keep(
            [
                (after, now if moved else since)
                for state, since in self.states
                for after, moved in responded(state)
            ],
            now,
        )

    def advance(self, now):
        """Time went by: stretches became long enough, or can no longer become so."""
        if now < self._alarm:
            return
        after = []
        waiting = self.states
        while waiting:
            state, since = waiting.pop()
            due, satisfied = self._due(state, since, now)
            if due < 0:
                continue
            if due > now or state & 1:
                after.append((state, since))
                continue
            state ^= satisfied
            waiting.append((state, since))
            if state & STRETCHES and state & NEEDS:
                pulse = toggled_twice(state)
                if pulse is not None:
                    waiting.append((pulse, due))
        self._keep(after, now)

    def _due(self, state, since, now):
        """When the next stretch is long enough, and which (as bits); before time began: never.

        While the flag is set: the last instant at which it could fall for all of them.
        """
        soonest, bits = NEVER, 0
        stretches = state & STRETCHES
        while stretches:
            bit = stretches & -stretches
            stretches ^= bit
            begin, end, length = self._span(self._active[(bit.bit_length() >> 2) - 2])
            if state & 1:
                due = end - length
                if due < now:
                    return -1, 0
            else:
                due = max(since, begin) + length
                if due > end:
                    return -1, 0
            if due < soonest:
                soonest, bits = due, bit
            elif due == soonest:
                bits |= bit
        return soonest, bits

    def _keep(self, states, now):
        """Keep what is neither hopeless nor dominated."""
        kept = []
        self._alarm = NEVER
        for state, since in states:
            if state is None:
                continue
            if state & 1 or not state & STRETCHES:
                since = 0
            due, _ = self._due(state, since, now)
            if due < 0 or any(
                (state ^ other) & 1 == 0 and other_since <= since and is_as_good(other, state)
                for other, other_since in kept
            ):
                continue
            kept = [
                (other, other_since)
                for other, other_since in kept
                if (state ^ other) & 1 or since > other_since or not is_as_good(state, other)
            ]
            kept.append((state, since))
            self._alarm = min(self._alarm, due + (state & 1))
        self.states = kept
