"""The window: the shortest part of an illegal history that shows it.

A history of a million calls that is illegal somewhere explains nothing. What explains it is a few
calls: "set returned here, nobody cleared, and there is_set said False". So the history is cut down
while the sweep still says illegal, and every cut only *weakens* what is demanded. What remains is
therefore illegal for a reason that the whole history has too.

- From the right: up to the first response that cannot be explained, the *culprit's*. What is still
  active then is pending: reads are dropped, writes may have happened or not.
- From the left: from the latest instant possible, with the flag set or clear, nobody knows. What
  began before is taken as satisfied; a write that was active may still happen, or never.
- Within: reads are dropped, and writes made optional, as long as it stays illegal.
- An optional write stays in the picture ("it could have, but it does not help"), unless it does not
  help *whenever* it happens; then it is only counted.

Why writes are not simply dropped as reads are: without the clear that another process had under
way, set, is_set → False would look illegal. It is not.
"""

from typing import NamedTuple

from .frontier import CLEAR, MAYBE_CLEAR, MAYBE_SET, READ_CLEAR, READ_SET, SET
from .history import Operation
from .sweep import constraint, sweep

_MAYBE = (MAYBE_SET, MAYBE_CLEAR)

#: How often the sweep may look at an operation while a window is being shrunk.
EFFORT = 2_000_000


class Window(NamedTuple):
    """A part of a history that is illegal by itself."""

    culprit: Operation  # the one whose result cannot be explained
    evidence: list[Operation]  # what is needed to show it, the culprit included
    context: list[Operation]  # sets and clears that may or may not have happened; no help
    hidden: int  # more of those, which would not help at any time at all
    start: int | None  # the flag may be either before it; None: clear, as the history began
    constraints: list[tuple]  # of all of these, as sweep() judges them
    rest: list[tuple]  # the constraints without the culprit's

    @property
    def from_unknown(self):
        """May the flag be set or clear at first?"""
        return self.start is not None

    @property
    def operations(self):
        """Evidence and context, in the order of their invocations."""
        return sorted(self.evidence + self.context, key=lambda each: (each.invoked, each.worker))

    def values_between(self, begin, end):
        """What the flag can be midway between two times, by all the rest: "", "0", "1" or "01"."""
        doubled = [
            (kind, 2 * first, None if last is None else 2 * last, 2 * length)
            for kind, first, last, length in self.rest
        ]
        return "".join(
            value
            for value, kind in (("0", READ_CLEAR), ("1", READ_SET))
            if _is_legal([*doubled, (kind, begin + end, begin + end, 0)], self.from_unknown)
        )


def _is_legal(constraints, from_unknown):
    return sweep(constraints, from_unknown).verdict != "illegal"


def _optional(demand, begin=None, end=None):
    """The same demand as one that may be met or not; None if that says nothing."""
    kind = {SET: MAYBE_SET, CLEAR: MAYBE_CLEAR}.get(demand[0], demand[0])
    if kind not in _MAYBE:
        return None
    return kind, demand[1] if begin is None else begin, demand[2] if end is None else end, 0


def _cut(demand, start, end):
    """What is left of a demand between these times; None if nothing."""
    _, begins, ends, _ = demand
    if begins > end or (start is not None and ends is not None and ends < start):
        return None
    if start is not None and begins < start:
        demand = _optional(demand, begin=start)
    if demand is not None and (ends is None or ends > end):
        demand = _optional(demand, end=end)
    return demand


def _cut_all(demands, start, end):
    return [left for each in demands if (left := _cut(each, start, end)) is not None]


def bisected(candidates, is_true):
    """The index of the first candidate for which it is true; true for the last, and monotonous."""
    low, high = 0, len(candidates) - 1
    while low < high:
        middle = (low + high) // 2
        if is_true(candidates[middle]):
            high = middle
        else:
            low = middle + 1
    return low


def _last_start(demands, end):
    """The latest start from which the demands up to `end` are illegal; None: the very first."""
    starts = sorted({each[1] for each in demands if each[1] <= end}, reverse=True)
    reach = 8
    while True:
        near = starts[:reach]
        if not _is_legal(_cut_all(demands, near[-1], end), True):
            break
        if reach >= len(starts):
            return None
        reach *= 2
    return near[bisected(near, lambda start: not _is_legal(_cut_all(demands, start, end), True))]


def shrunk(items, is_enough, effort):
    """Drop items, in blocks and then one by one, as long as the rest is enough."""
    size = max(1, len(items) // 2)
    while True:
        at = 0
        while at < len(items) and effort > 0:
            less = items[:at] + items[at + size :]
            effort -= len(items) + 20
            if is_enough(less):
                items = less
            else:
                at += size
        if size == 1 or effort <= 0:
            return items
        size //= 2


def find_window(operations, epsilon_ns, time):
    """The window of an illegal history; `time`: of the event at which sweep() found it so."""
    demands = [constraint(each, epsilon_ns) for each in operations]
    # A state is given up as soon as it is hopeless, so the response in question may be later than
    # `time`: that of a wait that is active then.
    ended = [each for each in demands if each[2] is not None]
    latest = max([time] + [each[2] for each in ended if each[1] <= time <= each[2]])
    start = _last_start(demands, latest)
    ends = sorted(
        {each[2] for each in ended if (start is None or start <= each[2]) and each[2] <= latest}
    )
    end = ends[
        bisected(ends, lambda end: not _is_legal(_cut_all(demands, start, end), start is not None))
    ]
    start = _last_start(demands, end)
    unknown = start is not None

    # Only reads and waits can be left without an explanation: a write explains itself.
    left = {i: cut for i, each in enumerate(demands) if (cut := _cut(each, start, end)) is not None}
    suspects = [i for i, cut in left.items() if cut[2] == end and _optional(cut) is None]
    culprit = next(
        (i for i in suspects if _is_legal([left[j] for j in left if j != i], unknown)), suspects[0]
    )

    def judged(needed):
        """The constraints when only these must be met."""
        return [
            cut if i in needed else _optional(cut)
            for i, cut in left.items()
            if i in needed or _optional(cut) is not None
        ]

    def is_enough(needed):
        return not _is_legal(judged({*needed, culprit}), unknown)

    needed = {
        *shrunk([i for i in left if i != culprit and left[i][0] not in _MAYBE], is_enough, EFFORT),
        culprit,
    }
    # Which of the other writes would not help at any time at all?
    begin = min(cut[1] for cut in left.values())
    always = {}

    def with_always():
        return [
            always.get(i) or (cut if i in needed else _optional(cut))
            for i, cut in left.items()
            if i in needed or _optional(cut) is not None
        ]

    context = []
    for i, cut in left.items():
        if i in needed or _optional(cut) is None:
            continue
        always[i] = _optional(cut, begin, end)
        if _is_legal(with_always(), unknown):
            del always[i]
            context.append(i)
    constraints = with_always()
    kept = {*needed, *context}
    rest = [
        always.get(i) or (left[i] if i in needed else _optional(left[i]))
        for i in left
        if i != culprit and (i in kept or i in always)
    ]
    return Window(
        operations[culprit],
        [operations[i] for i in sorted(needed)],
        [operations[i] for i in sorted(context)],
        len(always),
        start,
        constraints,
        rest,
    )
