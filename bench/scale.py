"""Large numbers: 10,000 open events in one process, 1,000 processes that wait for one event; and
what a waiting process costs while nothing happens."""

import os
import time
from pathlib import Path
from typing import Any

from systemevent import SystemEvent

from . import progress
from .child import Child, memory_of
from .contenders import OURS, OURS_IN_C, Contender, unlinked
from .teams import Team, TeamError, Workshop

EVENTS = 10_000
WAITERS = 1_000


def measure(size: str, workshop: Workshop, skipped: dict[str, str]) -> dict[str, float]:
    """Numbers, with their unit at the end of their name. size: quick, default or full."""
    results: dict[str, float] = {}
    progress.part(f"{EVENTS:,} open events")
    try:
        with Child(_open_events) as child:
            results |= child.result()
    except RuntimeError as error:
        skipped[f"scale: {EVENTS:,} open events"] = str(error)
    crowds = [(OURS, "waiters"), (OURS_IN_C, "c_waiters")]
    for contender, prefix in crowds[:1] if size == "quick" else crowds:
        if contender.title in skipped:
            continue
        progress.part(f"{WAITERS:,} waiting processes: {contender.title}")
        try:
            results |= _crowd(contender, prefix, workshop)
        except (TeamError, OSError) as error:
            skipped[f"scale: {WAITERS:,} waiting processes, {contender.title}"] = str(error)
    return results


def _open_events() -> dict[str, float]:
    """In a process of its own."""
    before = _held()
    results: dict[str, float] = {"events": EVENTS}
    start = time.monotonic()
    events: list[Any] = [unlinked(SystemEvent) for _ in range(EVENTS)]
    results["events_create_and_unlink_s"] = time.monotonic() - start
    after = _held()
    for name, key in (("descriptors", 0), ("mappings", 1), ("memory_kib", 2)):
        results[f"events_{name}"] = after[key] - before[key]
    for method in ("set", "is_set", "clear", "close"):
        start = time.monotonic()
        for event in events:
            getattr(event, method)()
        results[f"events_{method}_s"] = time.monotonic() - start
    return results


def _held() -> tuple[int, int, int]:
    """Descriptors, mappings and memory of this process."""
    maps = Path("/proc/self/maps").read_text().count("\n")
    return len(os.listdir("/proc/self/fd")), maps, memory_of([os.getpid()])


def _crowd(contender: Contender, prefix: str, workshop: Workshop) -> dict[str, float]:
    start = time.monotonic()
    team = Team(contender, WAITERS, workshop)
    try:
        started = time.monotonic() - start
        team.enter()  # a first time: what is touched now counts as their memory
        team.fire()
        team.enter()
        memory = memory_of(team.pids[:-1])
        before = _spent(team.pids[:-1])
        time.sleep(1)
        spent = [b - a for a, b in zip(before, _spent(team.pids[:-1]), strict=True)]
        latencies = sorted(team.fire())
        start = time.monotonic()
    finally:
        team.end()
    return {
        prefix: WAITERS,
        f"{prefix}_start_s": started,
        f"{prefix}_memory_kib": memory,
        f"{prefix}_idle_for_1_s_cpu_ticks": spent[0],
        f"{prefix}_idle_for_1_s_context_switches": spent[1],
        f"{prefix}_first_released_s": latencies[0] / 1e9,
        f"{prefix}_median_released_s": latencies[WAITERS // 2] / 1e9,
        f"{prefix}_last_released_s": latencies[-1] / 1e9,
        f"{prefix}_end_s": time.monotonic() - start,
    }


def _spent(pids: list[int]) -> tuple[int, int]:
    """CPU time (clock ticks) and context switches of these processes up to now."""
    ticks = switches = 0
    for pid in pids:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if "ctxt_switches" in line:
                switches += int(line.split()[1])
    return ticks, switches
