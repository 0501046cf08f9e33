"""Broadcast: when the first, the median and the last of N waiting processes have returned.

Up to 100 waiters all contenders' teams exist at once and take turns, round by round. Larger teams
would not fit beside each other: there, contenders take turns in blocks of a few rounds, and come
back several times.
"""

from collections.abc import Sequence
from statistics import median_low
from typing import Any

from . import progress
from .contenders import FEW, QUICK, Contender
from .rounds import alternate, gathered
from .teams import Workshop

SIZES = {
    "quick": (1, 10, 100),
    "default": (1, 2, 5, 10, 50, 100, 500, 1000),
    "full": (1, 2, 5, 10, 50, 100, 500, 1000),
}
#: Rounds with up to 10 waiters, and with up to 100.
ROUNDS = {"quick": (6, 36), "default": (15, 15), "full": (100, 40)}
IDLE = 0.01
#: More waiters than this: in blocks, and only three figures of each round are kept.
MANY = 100


def measure(
    contenders: Sequence[Contender],
    size: str,
    sizes: Sequence[int] | None,
    workshop: Workshop,
    skipped: dict[str, str],
) -> list[dict[str, Any]]:
    """One entry for each number of waiters. size: quick, default or full."""
    results = []
    for waiters in sizes or SIZES[size]:
        if size == "quick" and waiters >= MANY:
            skipped[f"others, {waiters} waiters"] = QUICK
            contenders = [each for each in contenders if each in FEW]
        if waiters <= MANY:
            progress.part(f"broadcast to {waiters}")
            few, many = ROUNDS[size]
            rounds = few if waiters <= 10 else many
            with gathered(contenders, waiters, workshop, skipped) as teams:
                found = alternate(teams, rounds, IDLE, skipped, warm_up=1 if size == "quick" else 3)
            kept, rows = "all", {key: [sorted(each) for each in f] for key, f in found.items()}
        else:
            passes, rounds = {"quick": (1, 3), "default": (2, 4), "full": (3, 8)}[size]
            found = in_blocks(contenders, waiters, passes, rounds, workshop, skipped)
            kept = "first, median, last"
            rows = {
                key: [[min(each), median_low(each), max(each)] for each in f]
                for key, f in found.items()
            }
        results.append({"waiters": waiters, "kept": kept, "rounds": rows})
    return results


def in_blocks(
    contenders: Sequence[Contender],
    waiters: int,
    passes: int,
    rounds: int,
    workshop: Workshop,
    skipped: dict[str, str],
) -> dict[str, list[list[int]]]:
    """{title: [each waiter's latency in each round]}: contenders come and go, `passes` times."""
    found: dict[str, list[list[int]]] = {}
    for number in range(passes):
        for contender in contenders:
            progress.part(f"broadcast to {waiters}, block {number + 1}: {contender.title}")
            with gathered([contender], waiters, workshop, skipped) as teams:
                for title, rows in alternate(teams, rounds, IDLE, skipped, warm_up=1).items():
                    found.setdefault(title, []).extend(rows)
    full = passes * rounds  # who failed in between has no rounds to compare
    return {title: rows for title, rows in found.items() if len(rows) == full}
