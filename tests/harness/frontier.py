"""States of the frontier sweep: what can still be true of the flag after a prefix of the history.

A state is one int. Bit 0 is the flag. Above it every *active* operation (invoked, not yet returned)
has a nibble, ordered by return, the one that returns first lowest:

    NEED     it wants the other value of the flag, and is the first to return of all that do
    RISE     a set that has not been used for a rise
    FALL     a clear that has not been used for a fall
    STRETCH  a wait → False that has not had its clear stretch

Why so little: a set that changes nothing is a read of 1, a clear that changes nothing a read of 0.
Only a rise uses up a set, only a fall uses up a clear. One toggle of the flag satisfies every
active operation at once (each has then seen both values), so of all those in need only the first to
return matters: when it is satisfied, so are the others. And a toggle uses the write that returns
earliest, because whatever could be done later with that one can be done with any other (exchange).

Why by return and not by worker: "the earliest" is then the lowest bit, a response always concerns
the lowest nibble, and histories that differ only in who did it share their states, so that the
sweep can remember where an event led from a set of states (sweep.py).

When a toggle happens. Where no stretch is waiting, late is best: an instant later has more active
operations to satisfy. So a toggle is considered only at the response of an operation that needs it,
or of an unused write, whose last chance this is. `responded` lists these, in its own words below.
"""

NEED, RISE, FALL, STRETCH = 1, 2, 4, 8

#: The most operations that may overlap.
MOST_ACTIVE = 20_000
NEEDS, RISES, FALLS, STRETCHES = (
    int(f"{bit}" * MOST_ACTIVE + "0", 16) for bit in (NEED, RISE, FALL, STRETCH)
)
OFFERS = RISES | FALLS

# What an invocation adds. A MAYBE is a write of a killed worker: it may happen, or never.
READ_CLEAR, READ_SET, SET, CLEAR, MAYBE_SET, MAYBE_CLEAR, STAY_CLEAR = range(7)
_BITS_WHEN_CLEAR = (0, NEED, RISE | NEED, FALL, RISE, FALL, STRETCH)
_BITS_WHEN_SET = (NEED, 0, RISE, FALL | NEED, RISE, FALL, STRETCH)


def invoked(state, kind, rank):
    """The state after an invocation; `rank`: how many of the active operations return before it."""
    shift = 4 * (rank + 1)
    before = state & ((1 << shift) - 1)
    bits = (_BITS_WHEN_SET if state & 1 else _BITS_WHEN_CLEAR)[kind]
    state = (state ^ before) << 4 | bits << shift | before
    needs = state & NEEDS
    return state ^ needs ^ (needs & -needs)


def without(state, rank):
    """The state without the nibble of that rank."""
    shift = 4 * (rank + 1)
    before = state & ((1 << shift) - 1)
    return state >> shift + 4 << shift | before


def unneeded(states, width):
    """The ranks, last first, of the operations that do not matter in any of these states.

    `width`: the number of active operations. Most do not matter for long: a read that has seen its
    value, a read that needs the value that another needs earlier, a write that was used.
    """
    seen = 0
    for state in states:
        seen |= state
    seen |= seen >> 1
    seen |= seen >> 2  # the lowest bit of a nibble: is there any in it?
    unseen = ~seen & NEEDS & (16 << 4 * width) - 1
    ranks = []
    while unseen:
        top = unseen.bit_length()
        unseen ^= 1 << top - 1
        ranks.append((top >> 2) - 1)
    return tuple(ranks)


def toggled(state):
    """The state after a toggle, or None if there is no write left to do it."""
    offers = state & (FALLS if state & 1 else RISES)
    return state ^ (state & NEEDS) ^ (offers & -offers) ^ 1 if offers else None


def toggled_twice(state):
    """The state after a toggle and one back, at the same instant, or None."""
    there = toggled(state)
    return None if there is None else toggled(there)


def responded(state):
    """The states after the response of the first active operation: a list of (state, moved).

    `moved`: the flag toggled, so that a clear stretch, if there is one, begins now.
    """
    first = state >> 4 & 15
    if first & STRETCH:
        return []
    after = []
    if not first & NEED:
        after.append((state, False))
    expires, other = (FALL, RISE) if state & 1 else (RISE, FALL)
    if first & (NEED | expires):
        after.append((toggled(state), True))
    elif first & other and state & NEEDS:
        # An unused set although the flag is set: it can end a short fall that others need.
        after.append((toggled_twice(state), True))
    return [(each >> 8 << 4 | each & 1, moved) for each, moved in after if each is not None]


def is_as_good(state, other):
    """Can `state` do whatever `other` can? (Same flag; the same operations are active.)"""
    offers, needs = other & OFFERS, state & NEEDS
    return (
        state & offers == offers
        and (state | other) & STRETCHES == other & STRETCHES
        and (not needs or (0 < other & NEEDS <= needs))
    )


def without_dominated(states):
    """The states, as a sorted tuple, without those that another one is as good as."""
    if len(states) == 2 and (states[0] ^ states[1]) & 1:
        return (states[0], states[1]) if states[0] < states[1] else (states[1], states[0])
    kept = []
    for state in states:
        for other in kept:
            if not (state ^ other) & 1 and is_as_good(other, state):
                break
        else:
            kept = [other for other in kept if (state ^ other) & 1 or not is_as_good(state, other)]
            kept.append(state)
    kept.sort()
    return tuple(kept)
