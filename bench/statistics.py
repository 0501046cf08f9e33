"""Ratios within one run: medians, and how far they can be trusted."""

import random
import statistics
from collections.abc import Sequence
from typing import NamedTuple


class Ratio(NamedTuple):
    """A median of ratios, with its 95 % interval."""

    median: float
    low: float
    high: float

    @property
    def tells_apart(self) -> bool:
        """Is the interval off 1? If not, the run was too noisy to tell the two apart."""
        return not self.low <= 1 <= self.high

    def __str__(self) -> str:
        digits = 2 if self.median >= 0.095 else 4
        low, middle, high = (f"{value:.{digits}f}" for value in (self.low, self.median, self.high))
        return f"{middle} [{low} {high}]{'' if self.tells_apart else ' ~'}"


def percentile(values: Sequence[float], percent: float) -> float:
    """The value below which `percent` of the values lie (nearest rank)."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]


def ratio(ours: Sequence[float], theirs: Sequence[float]) -> Ratio:
    """Median of the ratios of each round, with its 95 % bootstrap interval."""
    ratios = [a / b for a, b in zip(ours, theirs, strict=True)]
    source = random.Random(1)
    medians = sorted(statistics.median(source.choices(ratios, k=len(ratios))) for _ in range(1000))
    return Ratio(statistics.median(ratios), medians[25], medians[974])
