"""Ratios within one run: medians, and how far they can be trusted."""

import math
import statistics
from collections.abc import Sequence

#: The share of resamples whose median lies beyond either end of an interval.
_TAIL = 0.025


def percentile(values: Sequence[float], percent: float) -> float:
    """The value below which `percent` of the values lie (nearest rank)."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]


def ratio(ours: Sequence[float], theirs: Sequence[float]) -> tuple[float, float, float]:
    """Median of the ratios of each round, and its 95 % bootstrap interval: (median, low, high)."""
    ratios = sorted(a / b for a, b in zip(ours, theirs, strict=True))
    count = len(ratios)
    # Of an even number the median lies between two: the interval reaches to the outer of both.
    low = ratios[_rank(count, (count + 1) // 2, _TAIL) - 1]
    high = ratios[_rank(count, count // 2 + 1, 1 - _TAIL) - 1]
    return statistics.median(ratios), low, high


def _rank(count: int, middle: int, share: float) -> int:
    """The least rank up to which the `middle`-th value of that share of all resamples lies.

    Bootstrap without drawing: of a resample of as many values, the middle one is among the `rank`
    least if at least `middle` of its draws are, each of which is one of them by chance of rank /
    count. So the distribution over all resamples is binomial, and known exactly.
    """
    least, most = 1, count
    while least < most:
        rank = (least + most) // 2
        if _at_least(middle, count, rank / count) < share:
            least = rank + 1
        else:
            most = rank
    return least


def _at_least(wanted: int, count: int, chance: float) -> float:
    """The probability of at least so many hits in `count` tries."""
    every = math.lgamma(count + 1)
    hit, miss = math.log(chance), math.log1p(-chance)
    return math.fsum(
        math.exp(
            every
            - math.lgamma(hits + 1)
            - math.lgamma(count - hits + 1)
            + hits * hit
            + (count - hits) * miss
        )
        for hits in range(wanted, count + 1)
    )
