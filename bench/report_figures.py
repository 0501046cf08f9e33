"""Figures as they are shown: times with units, and ratios with how far they can be trusted."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from .statistics import ratio

#: Ratios whose interval is wider than this factor come from a machine that was too noisy.
NOISY = 1.5
_FEW = 5


def duration(nanoseconds: float, digits: int = 2) -> str:
    """A time with its unit, in that many digits at least."""
    for unit, size in (("s", 1e9), ("ms", 1e6), ("µs", 1e3)):
        if abs(nanoseconds) >= size * 0.9995:
            return f"{number(round(nanoseconds / size, 3), digits)} {unit}"
    return f"{number(nanoseconds, digits)} ns"


def number(value: float, digits: int = 2) -> str:
    """A number in that many digits, or as many as it has before the point."""
    places = 0
    while value and abs(value) * 10**places < 10 ** (digits - 1) and places < 6:
        places += 1
    return f"{value:,.{places}f}".replace(",", "\u202f")


def rate(value: float, digits: int = 3) -> str:
    """A large number: 25.8 k, 1.23 M."""
    for unit, size in (("M", 1e6), ("k", 1e3)):
        if value >= size:
            return f"{number(value / size, digits)} {unit}"
    return number(value, digits)


@dataclass(frozen=True)
class Ratio:
    """How much of the other's time SystemEvent takes, and how far that can be trusted."""

    middle: float
    low: float
    high: float
    rounds: int

    def __str__(self) -> str:
        digits = 2 if self.middle < 10 else 1
        if self.middle < 0.1:
            return f"{number(self.middle)} [{number(self.low)} {number(self.high)}]"
        return f"{self.middle:.{digits}f} [{self.low:.{digits}f} {self.high:.{digits}f}]"

    @property
    def is_noisy(self) -> bool:
        return self.high > NOISY * self.low

    @property
    def verdict(self) -> str:
        """faster, slower, or neither."""
        if self.rounds < _FEW:
            return "too few rounds"
        if self.low <= 1 <= self.high:
            return "cannot be told apart"
        return "faster" if self.middle < 1 else "slower"

    @property
    def words(self) -> str:
        """What it says, in words."""
        if self.verdict == "faster":
            if self.middle < 0.5:
                return f"{number(1 / self.middle)} × as fast"
            return f"{max(1, round(100 - 100 * self.middle))} % less time"
        if self.verdict == "slower":
            if self.middle >= 2:
                return f"{number(self.middle)} × the time"
            return f"{max(1, round(100 * self.middle - 100))} % more time"
        return self.verdict


@cache
def _ratio(ours: tuple[float, ...], theirs: tuple[float, ...]) -> Ratio:
    return Ratio(*ratio(ours, theirs), len(ours))


def compare(ours: Sequence[float] | None, theirs: Sequence[float] | None) -> Ratio | None:
    """The ratio of the rounds that both have; None if there are none."""
    if not ours or not theirs:
        return None
    count = min(len(ours), len(theirs))
    # A clock that both sides read at the same instant may say 0; no ratio does.
    return _ratio(*(tuple(max(1e-9, each) for each in row[:count]) for row in (ours, theirs)))
