"""What each call costs when nobody has to be woken, against threading.Event."""

import threading
import timeit
from typing import Any

from .contenders import OURS

#: Title, state before, the call.
CALLS = [
    ("is_set()", "set", "event.is_set()"),
    ("wait(), set", "set", "event.wait()"),
    ("set(), set", "set", "event.set()"),
    ("clear(), clear", "clear", "event.clear()"),
    ("wait(0), clear", "clear", "event.wait(0)"),
    ("set() + clear()", "clear", "event.set(); event.clear()"),
]


def measure(rounds: int, number: int = 20_000) -> dict[str, tuple[list[float], list[float]]]:
    """{title: (nanoseconds of SystemEvent in each round, of threading.Event)}."""
    ours, theirs = OURS.made(), threading.Event()
    results: dict[str, tuple[list[float], list[float]]] = {}
    for title, before, statement in CALLS:
        rows: tuple[list[float], list[float]] = ([], [])
        for _ in range(rounds):
            for event, row in ((ours, rows[0]), (theirs, rows[1])):
                row.append(_nanoseconds(event, before, statement, number))
        results[title] = rows
    ours.close()
    return results


def _nanoseconds(event: Any, before: str, statement: str, number: int) -> float:
    getattr(event, before)()
    return timeit.timeit(statement, globals={"event": event}, number=number) / number * 1e9
