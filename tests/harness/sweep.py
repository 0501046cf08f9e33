"""The sweep: is there an order of instants? One pass over invocations and responses.

All invocations and responses are sorted (the invocation first on a tie), and a *frontier* is
carried along: the set of all states (frontier.py) that some choice of instants leads to. An
operation that no state can satisfy by its response leaves none: the history is illegal.

Why a set of states and not the best one: after set [0,5] and clear [0,5] the flag may be either,
and only the next is_set tells which it was.

Between stretches (stretches.py) a frontier knows no time and no names, so where an event leads from
it is the same in every history. It is remembered: most events cost one look into a dictionary.
"""

from bisect import bisect
from typing import NamedTuple

from . import frontier
from .frontier import (
    MAYBE_CLEAR,
    MAYBE_SET,
    MOST_ACTIVE,
    READ_CLEAR,
    READ_SET,
    STAY_CLEAR,
    invoked,
    responded,
    unneeded,
    without,
    without_dominated,
)
from .stretches import NEVER, Stretches

_RESPONSE = -1
#: Frontiers remembered, over all histories of this process; beyond that, they are forgotten.
_REMEMBERED = 100_000
#: Frontiers of more active operations are not: they are large, and hardly ever met again.
_WIDEST = 64


def constraint(operation, epsilon_ns):
    """What an operation demands or offers: (kind, begin, end, length), or None.

    The kind is one of frontier.py; an end of None is never; the length is that of a stretch.
    """
    _, _, kind, begin, end, died, timeout, result, _, _, _ = operation
    if end is None:
        if kind == "set":
            return MAYBE_SET, begin, died, 0
        if kind == "clear":
            return MAYBE_CLEAR, begin, died, 0
        return None
    if kind == "set":
        return frontier.SET, begin, end, 0
    if kind == "clear":
        return frontier.CLEAR, begin, end, 0
    if result:
        return READ_SET, begin, end, 0
    if kind == "wait":
        if timeout is None:
            return STAY_CLEAR, begin, end, NEVER
        if timeout > 0 and timeout > epsilon_ns:
            return STAY_CLEAR, begin, end, timeout - epsilon_ns
    return READ_CLEAR, begin, end, 0


class Outcome(NamedTuple):
    """verdict: "legal", "illegal" or "unknown"; when and at which constraint it was reached."""

    verdict: str
    at: int | None = None  # index of the constraint whose event left no state
    time: int | None = None
    peak: int = 1  # the most states at once


class _Frontier:
    """A set of states without time, and where events led from it."""

    __slots__ = ("after", "states")

    def __init__(self, states):
        self.states = states
        self.after = {}  # event -> (frontier, ranks of operations that do not matter any more)


_IGNORE = (_Frontier(()), ())  # nothing depends on the operation that was invoked
_known = {}


def _frontier(states, width):
    """The one _Frontier of these states, and the ranks, last first, that do not matter in any.

    `width`: the number of active operations.
    """
    states = tuple(states) if len(states) < 2 else without_dominated(states)
    ranks = unneeded(states, width)
    for rank in ranks:
        states = tuple([without(state, rank) for state in states])
    if width - len(ranks) > _WIDEST:
        return _Frontier(states), ranks
    found = _known.get(states)
    if found is None:
        if len(_known) >= _REMEMBERED:
            for known in _known.values():
                known.after.clear()
            _known.clear()
        found = _known[states] = _Frontier(states)
    return found, ranks


def _invoke(here, kind, rank, width):
    """Where an invocation leads; `width`: the number of active operations before it."""
    found, ranks = _frontier([invoked(state, kind, rank) for state in here.states], width + 1)
    return _IGNORE if found is here and ranks == (rank,) else (found, ranks)


def _respond(here, width):
    """Where the response of the first active operation leads; `width`: the number before it."""
    return _frontier([after for state in here.states for after, _ in responded(state)], width - 1)


def sweep(constraints, from_unknown=False, budget=5000):
    """Can all these constraints be met?

    `from_unknown`: the flag may be set or clear at first; else it is clear. `budget`: the most
    states at once before giving up.
    """
    bits = len(constraints).bit_length()
    mask, is_response, shift = (1 << bits) - 1, 1 << bits, bits + 1
    kinds = [kind for kind, _, _, _ in constraints]
    # A response is larger than an invocation at the same time.
    returns = [
        (NEVER if end is None else end) << shift | is_response | i
        for i, (_, _, end, _) in enumerate(constraints)
    ]
    events = [begin << shift | i for i, (_, begin, _, _) in enumerate(constraints)]
    events += [key for key in returns if key >> shift != NEVER]
    events.sort()

    here, _ = _frontier([0, 1] if from_unknown else [0], 0)
    stretches = None  # instead of `here` while some stretch is unsatisfied
    active = []  # the responses to come, sorted, of all active operations that matter
    matters = bytearray(len(constraints))
    peak = 1

    def span(key):
        _, begin, end, length = constraints[key & mask]
        return begin, end, length

    for key in events:
        i = key & mask
        if stretches is None:
            if key & is_response:
                if not matters[i]:
                    continue
                following = here.after.get(_RESPONSE)
                if following is None:
                    following = _respond(here, len(active))
                    if len(active) <= _WIDEST:
                        here.after[_RESPONSE] = following
                del active[0]
            elif kinds[i] != STAY_CLEAR:
                rank = bisect(active, returns[i])
                code = rank << 3 | kinds[i]
                following = here.after.get(code)
                if following is None:
                    following = _invoke(here, kinds[i], rank, len(active))
                    if len(active) < _WIDEST:
                        here.after[code] = following
                if following is _IGNORE:
                    continue
                active.insert(rank, returns[i])
                matters[i] = True
            else:
                stretches = Stretches(here.states, active, span)
            if stretches is None:
                here, ranks = following
                for rank in ranks:
                    matters[active.pop(rank) & mask] = False
                count = len(here.states)
                if count > peak:
                    peak = count
                    if count > budget or len(active) >= MOST_ACTIVE:
                        return Outcome("unknown", i, key >> shift, peak)
                elif not count:
                    return Outcome("illegal", i, key >> shift, peak)
                continue
        now = key >> shift
        if stretches.advance(now):
            if not stretches.count:
                return Outcome("illegal", i, now, peak)
            for rank in stretches.unneeded():
                matters[active.pop(rank) & mask] = False
        if key & is_response:
            if not matters[i]:
                continue
            stretches.respond(active.pop(0), now)
        else:
            if stretches.changes_nothing(kinds[i]):
                continue
            rank = bisect(active, returns[i])
            active.insert(rank, returns[i])
            matters[i] = True
            stretches.invoke(kinds[i], rank, now)
        count = stretches.count
        peak = max(peak, count)
        if not count:
            return Outcome("illegal", i, now, peak)
        if count > budget or len(active) >= MOST_ACTIVE:
            return Outcome("unknown", i, now, peak)
        for rank in stretches.unneeded():
            matters[active.pop(rank) & mask] = False
        if not stretches.is_waiting():
            here, ranks = _frontier(stretches.states(), len(active))
            for rank in ranks:
                matters[active.pop(rank) & mask] = False
            stretches = None
    return Outcome("legal", peak=peak)
