"""The strip: one broadcast to 100 processes in detail; for each, when the kernel woke it and when
its wait() returned.

The kernel's part is recorded by `perf record -e sched:sched_wakeup`; without it (no perf, no
permission) the times of waking are missing, and the reason is listed.
"""

import time
from typing import Any

from . import progress
from .contenders import OURS
from .roles import END, START
from .rounds import gathered
from .teams import Team, Workshop
from .traced import Trace, pid_in

IDLE = 0.05
WAITERS = 100
#: On a busy machine perf may begin too late, or lose something.
ATTEMPTS = 3


def measure(workshop: Workshop, skipped: dict[str, str]) -> dict[str, Any]:
    """Times in nanoseconds since the setter began; waiters in the order in which they returned."""
    progress.part(f"one broadcast to {WAITERS}, traced")
    trace = Trace(workshop.folder)
    with gathered([OURS], WAITERS, workshop, skipped) as teams:
        if not teams:
            return {}
        (team,) = teams
        for _ in range(3):
            team.enter()
            team.fire()
        for _ in range(ATTEMPTS):
            team.enter()
            with trace.recorded("sched_wakeup"):
                time.sleep(IDLE)
                team.fire()
            start, end = team.slots[START], team.slots[END]
            woken = _wakeups(trace, team, start)
            if len(woken) >= WAITERS or trace.trouble:
                break
        if not woken:
            skipped["strip: when waiters were woken"] = trace.trouble or "perf saw no wake-up"
        returned = [team.slots[index] - start for index in team.indices]
        waiters = zip((woken.get(pid) for pid in team.pids), returned, strict=False)
        return {
            "contender": OURS.title,
            "set": [0, end - start],
            "waiters": sorted(map(list, waiters), key=lambda times: times[1] or 0),
        }


def _wakeups(trace: Trace, team: Team, start: int) -> dict[int, int]:
    """{pid: when it was first woken after `start`}."""
    members = set(team.pids)
    woken: dict[int, int] = {}
    for when, _, fields in trace.events():
        pid = pid_in(fields)
        if pid in members and when >= start:
            woken.setdefault(pid, when - start)
    return woken
