"""The judge: could threading.Event have shown this history?

Three verdicts. *legal*: instants exist (model.py says what that means). *illegal*: none exist, and
here is the shortest window that shows it. *unknown*: too many possibilities at once, nothing is
said; it must never be counted as legal. (A checker that gave up quietly would pass every mutant
that makes the history confusing enough.)

The work is done elsewhere: sweep.py decides, window.py finds the window.
"""

import gc
from contextlib import contextmanager
from typing import NamedTuple

from .history import Operation
from .sweep import constraint, sweep
from .window import Window, find_window

#: How much early a wait may say False: the clocks of two calls, rounded to their ticks.
EPSILON_NS = 0


class Verdict(NamedTuple):
    """What the judge says of a history."""

    kind: str  # "legal", "illegal" or "unknown"
    at: Operation | None = None  # illegal: what cannot be explained; unknown: where it gave up
    window: Window | None = None  # illegal: the shortest part found that shows it
    peak: int = 1  # the most states at once
    about: str = ""  # of several events: which history was judged

    def __bool__(self):
        raise TypeError("a verdict has three values: compare its kind")


@contextmanager
def _without_collector():
    """No garbage collection: a sweep leaves no garbage in cycles, and a collector would look at the
    whole history again and again to find that out (a tenth of the time, and more)."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def judge(operations, epsilon_ns=EPSILON_NS, budget=5000, explain=True):
    """Judge a history: a list of Operations in any order.

    `epsilon_ns`: by how much a wait may return False too early. `budget`: the most states at once
    before the verdict is "unknown". `explain`: find the window of an illegal history.
    """
    demands = [constraint(operation, epsilon_ns) for operation in operations]
    judged = operations
    if None in demands:
        judged = [each for each, demand in zip(operations, demands, strict=True) if demand]
        demands = [demand for demand in demands if demand]
    with _without_collector():
        outcome = sweep(demands, budget=budget)
    at = None if outcome.at is None else judged[outcome.at]
    window = None
    if outcome.verdict == "illegal" and explain:
        window = find_window(judged, epsilon_ns, outcome.time)
        at = window.culprit
    return Verdict(outcome.verdict, at, window, outcome.peak)
