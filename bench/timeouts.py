"""How late a wait() returns that nobody ends, against threading.Event and time.sleep.

Linux adds up to 50 µs by itself (the timer slack, prctl(2)), to wake several sleepers at once; that
is in all of these.
"""

import contextlib
import multiprocessing
import threading
import time
from collections.abc import Callable
from typing import Any

from systemevent import SystemEvent, _word

from . import progress
from .child import Child
from .contenders import MULTIPROCESSING, OLDER_KERNEL, OURS, unlinked

#: {seconds asked for: rounds}
SIZES = {
    "quick": {0.001: 50, 0.01: 20, 1.0: 2},
    "default": {0.001: 300, 0.01: 150, 1.0: 15},
    "full": {0.001: 2000, 0.01: 500, 1.0: 60},
}


def measure(size: str, skipped: dict[str, str]) -> list[dict[str, Any]]:
    """One entry for each time-out. size: quick, default or full."""
    event = unlinked(SystemEvent)
    process_event = multiprocessing.get_context("fork").Event()
    waits: dict[str, Callable[[float], object]] = {
        OURS.title: event.wait,
        "threading.Event": threading.Event().wait,
        "time.sleep": time.sleep,
        MULTIPROCESSING.title: process_event.wait,
    }
    if OLDER_KERNEL.title not in skipped:
        waits[OLDER_KERNEL.title] = event.wait
    results = []
    for asked, rounds in SIZES[size].items():
        progress.part(f"time-outs of {asked:g} s")
        measure_round = _in_turn if asked < 0.5 else _side_by_side
        late: dict[str, list[int]] = {what: [] for what in waits}
        for number in range(-1 if asked < 0.5 else 0, rounds):
            progress.step(max(0, number), rounds)
            for what, nanoseconds in measure_round(waits, asked).items():
                if number >= 0:
                    late[what].append(nanoseconds)
        results.append({"asked_s": asked, "late_ns": late})
    event.close()
    return results


def _late(what: str, wait: Callable[[float], object], asked: float) -> int:
    both_halves = _word.sleeps_on_both_halves()
    _word.sleep_on_value_only(what == OLDER_KERNEL.title or not both_halves)
    try:
        start = time.monotonic_ns()
        wait(asked)
        return time.monotonic_ns() - start - round(asked * 1e9)
    finally:
        _word.sleep_on_value_only(not both_halves)


def _in_turn(waits: dict[str, Callable[[float], object]], asked: float) -> dict[str, int]:
    return {what: _late(what, wait, asked) for what, wait in waits.items()}


def _side_by_side(waits: dict[str, Callable[[float], object]], asked: float) -> dict[str, int]:
    """Each in a process of its own, all at the same time; they begin 20 ms apart."""
    with contextlib.ExitStack() as stack:
        children = {}
        for what, wait in waits.items():
            children[what] = stack.enter_context(
                Child(lambda what=what, wait=wait: _late(what, wait, asked))  # type: ignore[misc]
            )
            time.sleep(0.02)
        return {what: child.result() for what, child in children.items()}
