"""The strip: one broadcast to 100 processes in detail; for each, when the kernel woke it and when
its wait() returned.

The kernel's part is recorded by `perf record -e sched:sched_wakeup`; without it (no perf, no
permission) the times of waking are missing, and the reason is listed.
"""

import contextlib
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from . import progress
from .contenders import OURS
from .roles import END, START
from .rounds import gathered
from .teams import Team, Workshop

IDLE = 0.05
WAITERS = 100
#: On a busy machine perf may begin too late, or lose something.
ATTEMPTS = 3
_UNSEEN = "strip: when waiters were woken"
# fmt: off
_RECORD = ("perf", "record", "-q", "-a", "-k", "CLOCK_MONOTONIC", "-e", "sched:sched_wakeup", "-o")
# fmt: on
_WAKEUP = re.compile(r"(\d+)\.(\d{9}):.*? pid=(\d+) ", re.ASCII)


def measure(workshop: Workshop, skipped: dict[str, str]) -> dict[str, Any]:
    """Times in nanoseconds since the setter began; waiters in the order in which they returned."""
    progress.part(f"one broadcast to {WAITERS}, traced")
    data = workshop.folder / "perf.data"
    with gathered([OURS], WAITERS, workshop, skipped) as teams:
        if not teams:
            return {}
        (team,) = teams
        for _ in range(3):
            team.enter()
            team.fire()
        for _ in range(ATTEMPTS):
            team.enter()
            with _recorded(data, skipped):
                time.sleep(IDLE)
                team.fire()
            start, end = team.slots[START], team.slots[END]
            woken = _wakeups(data, team, start, skipped)
            if len(woken) >= WAITERS or not data.exists():
                break
        returned = [team.slots[index] - start for index in team.indices]
        waiters = zip((woken.get(pid) for pid in team.pids), returned, strict=False)
        return {
            "contender": OURS.title,
            "set": [0, end - start],
            "waiters": sorted(map(list, waiters), key=lambda times: times[1] or 0),
        }


@contextlib.contextmanager
def _recorded(data: Path, skipped: dict[str, str]) -> Iterator[None]:
    """Record wake-ups meanwhile, if that is possible here."""
    if not shutil.which("perf"):
        skipped[_UNSEEN] = "perf is not installed"
        yield
        return
    log = data.with_suffix(".log")
    with log.open("wb") as output:
        perf = subprocess.Popen([*_RECORD, str(data)], stdout=output, stderr=output)
    try:
        end = time.monotonic() + 5
        while perf.poll() is None and time.monotonic() < end and not data.exists():
            time.sleep(0.01)
        time.sleep(0.3)
        yield
        time.sleep(0.05)
    finally:
        if perf.poll() is None:
            perf.send_signal(signal.SIGINT)
        if perf.wait() not in (0, -signal.SIGINT):
            said = log.read_text(errors="replace").split()
            skipped[_UNSEEN] = " ".join(said)[:200] or "perf failed"


def _wakeups(data: Path, team: Team, start: int, skipped: dict[str, str]) -> dict[int, int]:
    """{pid: when it was first woken after `start`}."""
    if not data.exists():
        return {}
    words = ["perf", "script", "--ns", "-F", "trace:time,event,trace", "-i", str(data)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    members = set(team.pids)
    woken: dict[int, int] = {}
    for seconds, nanoseconds, pid in _WAKEUP.findall(done.stdout):
        when = int(seconds) * 10**9 + int(nanoseconds) - start
        if int(pid) in members and when >= 0:
            woken.setdefault(int(pid), when)
    if woken:
        skipped.pop(_UNSEEN, None)
    else:
        skipped[_UNSEEN] = " ".join(done.stderr.split())[:200] or "perf saw no wake-up"
    return woken
