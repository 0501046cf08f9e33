"""What members of a team do each time that their gate opens: the roles, in Python.

    wait    wait(), and note when it returned          set     note when it began, and set()
    loop    wait(), for ever                           pulse   set() and clear(), as often as it can
    pong    wait(), clear(), and set() the other one   ping    set(), wait() for the other, clear()

floor.c has the same roles, for contenders in C, and the same slots of the shared memory.
"""

import os
import time
from typing import Any, NoReturn

from .peers import RawFutex

#: Slots, 64 bits each. The first two have room for a semaphore. From FIRST on, one for each waiter.
EVENT, OTHER, START, END, DURATION, POSTS, COUNT, ELAPSED, CLEARED = 0, 8, *range(16, 23)
FIRST = 32
#: In which slot the setter's role says that it is done.
DONE = {"set": START, "pulse": COUNT, "ping": COUNT}


def play(role: str, gate: int, index: int, events: list[Any], slots: memoryview) -> None:
    """Play the role, each time that the gate lets through, until it ends."""
    awaited: Any = events[role == "ping"]
    if role not in ("set", "pulse") and hasattr(awaited, "join"):
        awaited.join(max(0, index - FIRST))
    if role == "wait":
        _wait(gate, index, events[0], slots)
    while os.read(gate, 1):
        if role == "set":
            _set(index, events[0], slots)
        elif role == "loop":
            _loop(events[0])
        elif role == "pulse":
            _pulse(index, events[0], slots)
        elif role == "ping":
            _ping(index, events[0], events[1], slots)
        else:
            _pong(events[0], events[1])


def _wait(gate: int, index: int, event: Any, slots: memoryview) -> None:
    # As little as possible: what it does before it sleeps again keeps others from running.
    read, now, wait = os.read, time.monotonic_ns, event.wait
    if getattr(event, "tells_the_time", False):
        while read(gate, 1):
            slots[index] = wait()
    else:
        while read(gate, 1):
            wait()
            slots[index] = now()


def _set(index: int, event: Any, slots: memoryview) -> None:
    start = time.monotonic_ns()
    began = event.set()
    slots[END] = time.monotonic_ns()
    slots[index] = began if isinstance(event, RawFutex) else start


def _loop(event: Any) -> NoReturn:
    wait = event.wait
    while True:
        wait()


def _pulse(index: int, event: Any, slots: memoryview) -> None:
    event_set, event_clear, now, count = event.set, event.clear, time.monotonic_ns, 0
    start = now()
    end = start + slots[DURATION]
    while True:
        event_set()
        event_clear()
        count += 1
        if (stop := now()) >= end:
            break
    slots[ELAPSED] = stop - start
    slots[index] = count


def _ping(index: int, there: Any, back: Any, slots: memoryview) -> None:
    there_set, back_wait, back_clear = there.set, back.wait, back.clear
    now, count = time.monotonic_ns, 0
    start = now()
    end = start + slots[DURATION]
    while True:
        there_set()
        back_wait()
        back_clear()
        count += 1
        if (stop := now()) >= end:
            break
    slots[ELAPSED] = stop - start
    slots[index] = count


def _pong(there: Any, back: Any) -> NoReturn:
    there_wait, there_clear, back_set = there.wait, there.clear, back.set
    while True:
        there_wait()
        there_clear()
        back_set()
