"""What each call costs when nobody has to be woken, against threading.Event."""

import threading
import timeit
from typing import Any

from systemevent import SystemEvent

from . import progress
from .contenders import OURS, unlinked

#: Title, state before, the call.
CALLS = [
    ("is_set()", "set", "event.is_set()"),
    ("wait(), set", "set", "event.wait()"),
    ("set(), set", "set", "event.set()"),
    ("clear(), clear", "clear", "event.clear()"),
    ("wait(0), clear", "clear", "event.wait(0)"),
    ("set() + clear()", "clear", "event.set(); event.clear()"),
]
ROUNDS = {"quick": 9, "default": 31, "full": 101}


def measure(size: str, number: int = 20_000) -> dict[str, dict[str, list[float]]]:
    """{call: {whose: nanoseconds in each round}}. size: quick, default or full."""
    progress.part("calls, nobody waiting")
    ours = unlinked(SystemEvent)
    events = {OURS.title: ours, "threading.Event": threading.Event()}
    results: dict[str, dict[str, list[float]]] = {}
    for title, before, statement in CALLS:
        rows: dict[str, list[float]] = {whose: [] for whose in events}
        for turn in range(-1, ROUNDS[size]):
            for whose, event in events.items():
                nanoseconds = _nanoseconds(event, before, statement, number)
                if turn >= 0:
                    rows[whose].append(nanoseconds)
        results[title] = rows
    ours.close()
    return results


def _nanoseconds(event: Any, before: str, statement: str, number: int) -> float:
    getattr(event, before)()
    return timeit.timeit(statement, globals={"event": event}, number=number) / number * 1e9
