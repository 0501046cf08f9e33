"""One-way wake-up of one waiting process: from directly before set() to directly after wait().

How long it takes depends on how long the waiter has slept (a short sleep leaves caches warm, a long
one lets the core go to a deep sleep), on where it sleeps, and on what else the machine does. So
each scene fixes the three.
"""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

try:
    from hdrh.histogram import HdrHistogram
except ModuleNotFoundError as error:
    sys.exit(f"bench: {error}; in this environment: pip install -e '.[bench]'")

from . import progress
from .contenders import Contender, no_compiler
from .rounds import alternate, gathered
from .teams import Workshop

FREE, SAME, OTHER = "free", "same core", "other core"
IDLE, BUSY = "idle", "busy"


@dataclass(frozen=True)
class Scene:
    """Seconds of sleep before; where setter and waiter run; what other processes do; how often."""

    idle: float
    placement: str
    load: str
    rounds: int

    @property
    def title(self) -> str:
        """In words."""
        asleep = "1 s" if self.idle == 1 else f"{self.idle * 1000:g} ms"
        place = "" if self.placement == FREE else f", {self.placement}"
        return f"asleep for {asleep}{place}{', all cores busy' if self.load == BUSY else ''}"


SCENES = {
    "quick": [
        Scene(0.001, FREE, IDLE, 20),
        Scene(0.01, FREE, IDLE, 12),
        Scene(1, FREE, IDLE, 2),
        Scene(0.001, SAME, IDLE, 6),
        Scene(0.001, OTHER, IDLE, 6),
        Scene(0.001, FREE, BUSY, 6),
    ],
    "default": [
        Scene(0.001, FREE, IDLE, 150),
        Scene(0.01, FREE, IDLE, 100),
        Scene(1, FREE, IDLE, 12),
        Scene(0.01, SAME, IDLE, 30),
        Scene(0.01, OTHER, IDLE, 30),
        Scene(0.01, FREE, BUSY, 30),
    ],
    "full": [
        Scene(idle, place, load, free if (place, load) == (FREE, IDLE) else other)
        for load in (IDLE, BUSY)
        for place in (FREE, SAME, OTHER)
        for idle, free, other in ((0.001, 1000, 100), (0.01, 600, 60), (1, 40, 8))
    ],
}


def measure(
    contenders: Sequence[Contender], size: str, workshop: Workshop, skipped: dict[str, str]
) -> list[dict[str, Any]]:
    """One entry for each scene. size: quick, default or full."""
    pairs = _cores()
    results: list[dict[str, Any]] = []
    for scene in SCENES[size]:
        if scene.placement not in pairs:
            skipped[f"wake-up, {scene.title}"] = "there is one core only"
            continue
        if scene.load == BUSY and not workshop.program:
            skipped[f"wake-up, {scene.title}"] = no_compiler()
            continue
        progress.part(f"wake-up, {scene.title}")
        with (
            gathered(contenders, 1, workshop, skipped, pairs[scene.placement]) as teams,
            burning(workshop) if scene.load == BUSY else contextlib.nullcontext(),
        ):
            found = alternate(teams, scene.rounds, scene.idle, skipped)
        rounds = {title: [each[0] for each in rows] for title, rows in found.items()}
        results.append(
            {
                "title": scene.title,
                "idle_s": scene.idle,
                "placement": scene.placement,
                "load": scene.load,
                "rounds": rounds,
                "histograms": {title: histogram(values) for title, values in rounds.items()},
            }
        )
    return results


def histogram(nanoseconds: Sequence[int]) -> str:
    """An HdrHistogram of them: up to a minute, 3 digits; compressed, base64."""
    result = HdrHistogram(1, 60 * 10**9, 3)
    for value in nanoseconds:
        result.record_value(max(1, value))
    encoded: bytes = result.encode()
    return encoded.decode()


def _cores() -> dict[str, tuple[int, int]]:
    """{placement: (the waiter's core, the setter's core)}."""
    cores = sorted(os.sched_getaffinity(0))
    pairs = {FREE: (-1, -1), SAME: (cores[0], cores[0])}
    siblings = _siblings(cores[0])
    others = [core for core in cores[1:] if core not in siblings] or cores[1:]
    if others:
        pairs[OTHER] = (others[0], cores[0])
    return pairs


def _siblings(core: int) -> set[int]:
    """Hardware threads of the same core: not what is meant by another core."""
    path = Path(f"/sys/devices/system/cpu/cpu{core}/topology/thread_siblings_list")
    found: set[int] = set()
    try:
        for span in path.read_text().strip().split(","):
            first, _, last = span.partition("-")
            found.update(range(int(first), int(last or first) + 1))
    except (OSError, ValueError):
        pass  # not told: every core counts as one of its own
    return found


@contextlib.contextmanager
def burning(workshop: Workshop) -> Iterator[None]:
    """All cores are busy: a process on each that does nothing but count."""
    burners: list[subprocess.Popen[bytes]] = []
    try:
        for core in os.sched_getaffinity(0):
            burners.append(subprocess.Popen([workshop.program, "burn", str(core)]))
        yield
    finally:
        for burner in burners:
            burner.send_signal(signal.SIGKILL)
            burner.wait()
