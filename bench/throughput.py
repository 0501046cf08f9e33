"""How many rounds a second: set() and clear() with 0, 1, 10 waiters, and ping-pong.

Pulses: one process calls set() and clear() as fast as it can; the waiters call wait() again and
again. Nobody counts whom a pulse reached: that is the subject of the tests. What is measured is
what the setter pays for having waiters. Ping-pong: two processes and two events; each sets the
other's, and waits for its own.

A team exists only while it is measured, because others' waiters would disturb.
"""

from collections.abc import Sequence
from typing import Any

from . import progress
from .contenders import QUICK, Contender
from .teams import Team, TeamError, Workshop

#: Title, number of waiters, roles of waiters and setter.
SCENES = [
    ("set() and clear(), nobody waits", 0, ("loop", "pulse")),
    ("set() and clear(), 1 waiter", 1, ("loop", "pulse")),
    ("set() and clear(), 10 waiters", 10, ("loop", "pulse")),
    ("ping-pong of 2 processes", 1, ("pong", "ping")),
]
#: Rounds, and seconds of each.
SIZES = {"quick": (3, 0.03), "default": (5, 0.1), "full": (11, 0.2)}


def measure(
    contenders: Sequence[Contender], size: str, workshop: Workshop, skipped: dict[str, str]
) -> list[dict[str, Any]]:
    """One entry for each scene. size: quick, default or full."""
    rounds, seconds = SIZES[size]
    results = []
    for title, waiters, parts in SCENES:
        if size == "quick" and waiters > 1:
            skipped[title] = QUICK
            continue
        progress.part(title)
        rates: dict[str, list[float]] = {each.title: [] for each in contenders}
        for number in range(rounds):
            progress.step(number, rounds)
            turn = number % len(contenders)
            for contender in (*contenders[turn:], *contenders[:turn]):
                if contender.title in rates:
                    try:
                        rate = _rate(contender, waiters, parts, seconds, workshop)
                        rates[contender.title].append(rate)
                    except (TeamError, OSError) as error:
                        skipped[f"{contender.title}, {title}"] = str(error)
                        del rates[contender.title]
        results.append({"title": title, "unit": "rounds/s", "rounds": rates})
    return results


def _rate(
    contender: Contender, waiters: int, parts: tuple[str, str], seconds: float, workshop: Workshop
) -> float:
    team = Team(contender, waiters, workshop, parts)
    try:
        team.open_waiters()
        team.rate(seconds / 10)  # warm-up
        return team.rate(seconds)
    finally:
        team.end()
