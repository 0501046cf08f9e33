"""The window of a history that is illegal only for all events together: the few calls that show it.

As in window.py, the history is cut down while joint.sweep() still says illegal, and every cut only
weakens what is demanded: up to the culprit's response; from the latest time at which all flags are
unknown; then reads are dropped, and writes made optional.
"""

from typing import NamedTuple

from .history import Operation
from .joint import CLEAR, MAYBE_CLEAR, MAYBE_SET, SET, sweep
from .window import bisected, shrunk

_MAYBE = {SET: MAYBE_SET, CLEAR: MAYBE_CLEAR, MAYBE_SET: MAYBE_SET, MAYBE_CLEAR: MAYBE_CLEAR}
#: How often the sweep may look at a demand while a window is being shrunk.
EFFORT = 300_000


class JointWindow(NamedTuple):
    """A part of a history of several events that is illegal by itself."""

    culprit: Operation
    evidence: list[Operation]  # what is needed to show it, the culprit included
    context: list[Operation]  # sets and clears that may or may not have happened; no help
    start: int | None  # the flags are unknown before; None: clear, as the history began


def _optional(demand, **bounds):
    kind = _MAYBE.get(demand.kind)
    return None if kind is None else demand._replace(kind=kind, **bounds)


def _cut(demand, start, end):
    """What is left of a demand between these times; None if nothing."""
    if demand.begin > end:
        return None
    if start is not None:
        if demand.end is not None and demand.end < start:
            return None
        if demand.begin < start:
            demand = _optional(demand, begin=start)
    if demand is not None and (demand.end is None or demand.end > end):
        demand = _optional(demand, end=end)
    return demand


def _is_illegal(wanted, unknown):
    return sweep([each for each in wanted if each is not None], unknown).verdict == "illegal"


def find_window(wanted, owners, time):
    """The window of an illegal history; `time`: of the response at which sweep() found it so."""
    culprits = [i for i, each in enumerate(wanted) if each.end == time]
    impossible = [i for i in culprits if wanted[i].begin > wanted[i].end]
    if impossible:
        return JointWindow(owners[impossible[0]], [owners[impossible[0]]], [], None)
    starts = sorted({each.begin for each in wanted if each.begin <= time}, reverse=True)

    def shows_from(start):
        return _is_illegal([_cut(each, start, time) for each in wanted], True)

    start, reach = None, 8
    while start is None:
        near = starts[:reach]
        if shows_from(near[-1]):
            start = near[bisected(near, shows_from)]
        elif reach >= len(starts):
            break
        reach *= 2
    cut = {
        i: left for i, each in enumerate(wanted) if (left := _cut(each, start, time)) is not None
    }

    def is_enough(needed):
        chosen = set(needed)
        left = [each if i in chosen else _optional(each) for i, each in cut.items()]
        return _is_illegal(left, start is not None)

    must = [i for i, each in cut.items() if each.kind not in (MAYBE_SET, MAYBE_CLEAR)]
    must.sort(key=lambda i: cut[i].end == time and _MAYBE.get(cut[i].kind) is None)
    needed = shrunk(must, is_enough, EFFORT)
    culprit = max(needed, key=lambda i: (cut[i].kind not in _MAYBE, cut[i].end))
    context = [i for i, each in cut.items() if i not in needed and each.kind in _MAYBE]
    by_time = sorted({owners[i] for i in needed}, key=lambda each: (each.invoked, each.worker))
    may_help = sorted({owners[i] for i in context}, key=lambda each: (each.invoked, each.worker))
    return JointWindow(owners[culprit], by_time, may_help, start)
