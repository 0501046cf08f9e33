"""Where a wake-up spends its time: the steps from set() to behind wait(), each by itself.

A program in C of a few pages shows what the kernel takes. A futex behind a Python extension
(split.c) does what SystemEvent does, and notes the time at each step; what SystemEvent takes beyond
it is the event's own. The same steps *hot*, when nobody has slept, tell how much of each is
instructions, and how much is caches that have gone cold.

The kernel's part is split further by the scheduler's own events, if `perf` can record them: until
the sleeper was told to run, until a core has switched to it, until it is out of the system call.
Recording makes each of them slower, so these figures explain the others, and do not add up to them.
"""

import contextlib
import ctypes
import importlib.machinery
import importlib.util
import mmap
import os
import subprocess
import sysconfig
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import systemevent

from . import progress
from .contenders import FLOOR, OURS, Contender, no_compiler
from .peers import Place
from .report_words import BACK, CALL, LOCK, OWN, STEPS
from .roles import EVENT, FIRST, START
from .rounds import gathered
from .teams import Team, TeamError, Workshop
from .traced import Trace, pid_in

ROUNDS = {"quick": 30, "default": 200, "full": 1000}
IDLE = 0.01
_TRACED = {"quick": 20, "default": 60, "full": 200}
_HOT = 2000
_WARM_UP = 5
_IN_SET, _FROM_KERNEL, _WITH_LOCK = (EVENT + each for each in (1, 2, 3))

IN_C = "raw futex, C program: all of it"
TOLD, SWITCHED, OUT = (
    "until the sleeper is told to run",
    "until a core has switched to it",
    "until it is out of the system call",
)


class Stamped:
    """The futex of split.c."""

    library: ModuleType

    def __init__(self, place: Place) -> None:
        self._address = place.address

    def set(self) -> None:
        """Store, and wake."""
        self.library.set(self._address)

    def wait(self) -> None:
        """Sleep until it is set."""
        self.library.wait(self._address)

    def clear(self) -> None:
        """Store 0."""
        ctypes.c_uint32.from_address(self._address).value = 0


def _built(folder: Path) -> ModuleType:
    """split.c, imported."""
    path = folder / "split.abi3.so"
    source = Path(__file__).with_name("split.c")
    includes = [f"-I{systemevent.get_include()}", f"-I{sysconfig.get_path('include')}"]
    compiler = os.environ.get("CC", "cc").split()
    words = [*compiler, "-O2", "-shared", "-fPIC", *includes, str(source), "-o", str(path)]
    subprocess.run(words, check=True, capture_output=True)
    loader = importlib.machinery.ExtensionFileLoader("split", str(path))
    spec = importlib.util.spec_from_file_location("split", path, loader=loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return module


def measure(size: str, workshop: Workshop, skipped: dict[str, str]) -> dict[str, Any]:
    """{"rounds": {step: [nanoseconds of each round]}, "hot": {step: [...]}, "traced": {...}}."""
    progress.part("the steps of a wake-up")
    if reason := no_compiler():
        skipped["the steps of a wake-up"] = reason
        return {}
    try:
        Stamped.library = _built(workshop.folder)
    except subprocess.CalledProcessError as error:
        said = error.stderr.decode(errors="replace").split()
        skipped["the steps of a wake-up"] = f"split.c: {' '.join(said)[:200]}"
        return {}
    stamped = Contender("stamped futex, Python process", Stamped)
    with gathered([FLOOR, stamped, OURS], 1, workshop, skipped) as teams:
        if len(teams) < 3:
            return {}
        try:
            rounds = _rounds(teams, ROUNDS[size])
            traced = _traced(teams[:2], _TRACED[size], workshop.folder, skipped)
        except TeamError as error:
            skipped["the steps of a wake-up"] = str(error)
            return {}
    return {"idle_s": IDLE, "rounds": rounds, "hot": _hot(), "traced": traced}


def _rounds(teams: list[Team], count: int) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {step: [] for step in (IN_C, *STEPS, OWN)}
    for number in range(-_WARM_UP, count):
        progress.step(max(0, number), count)
        turn = number % len(teams)
        for team in (*teams[turn:], *teams[:turn]):
            team.enter()
            time.sleep(IDLE)
            (total,) = team.fire()
            if number < 0:
                continue
            if team.contender is FLOOR:
                found[IN_C].append(total)
            elif team.contender is OURS:
                found[OWN].append(total)
            else:
                for step, nanoseconds in _steps(team).items():
                    found[step].append(nanoseconds)
    return found


def _steps(team: Team) -> dict[str, int]:
    """What each step of the last wake-up took."""
    instants = [team.slots[at] for at in (START, _IN_SET, _FROM_KERNEL, _WITH_LOCK, FIRST)]
    times = [b - a for a, b in zip(instants, instants[1:], strict=False)]
    return dict(zip(STEPS, times, strict=True))


def _hot() -> dict[str, list[int]]:
    """The steps in one process, over and over, on a futex that is set: nobody sleeps."""
    with contextlib.closing(mmap.mmap(-1, mmap.PAGESIZE)) as memory:
        words = (ctypes.c_uint64 * 4).from_buffer(memory)
        address = ctypes.addressof(words)
        wait, set_, now = Stamped.library.wait, Stamped.library.set, time.monotonic_ns
        found: dict[str, list[int]] = {step: [] for step in (CALL, LOCK, BACK)}
        for _ in range(_HOT):
            start = now()
            set_(address)
            found[CALL].append(words[1] - start)
        for _ in range(_HOT):
            wait(address)
            end = now()
            found[LOCK].append(words[3] - words[2])
            found[BACK].append(end - words[3])
        del words
    return {step: times[_HOT // 2 :] for step, times in found.items()}


def _traced(
    teams: list[Team], count: int, folder: Path, skipped: dict[str, str]
) -> dict[str, dict[str, list[int]]]:
    """{contender: {part of the kernel's step: [nanoseconds]}}."""
    trace = Trace(folder)
    spans: list[tuple[Team, int, int]] = []
    with trace.recorded("sched_waking", "sched_switch"):
        for _ in range(count):
            for team in teams:
                team.enter()
                time.sleep(IDLE)
                team.fire()
                in_c = team.contender is FLOOR
                began, ended = (START, FIRST) if in_c else (_IN_SET, _FROM_KERNEL)
                spans.append((team, team.slots[began], team.slots[ended]))
    events = trace.events()
    found: dict[str, dict[str, list[int]]] = {}
    for team, began, ended in spans:
        inside = [each for each in events if began <= each[0] <= ended]
        pid = team.pids[0]
        told = _first(inside, "sched_waking", lambda fields, pid=pid: pid_in(fields) == pid)
        runs = _first(
            inside, "sched_switch", lambda fields, pid=pid: pid_in(fields, "next_pid") == pid
        )
        if told is None or runs is None:
            continue
        steps = found.setdefault(team.contender.title, {TOLD: [], SWITCHED: [], OUT: []})
        steps[TOLD].append(told - began)
        steps[SWITCHED].append(runs - told)
        steps[OUT].append(ended - runs)
    if not found:
        skipped["the kernel's part of a wake-up"] = trace.trouble or "perf saw no wake-up"
    return found


def _first(
    events: list[tuple[int, str, str]], name: str, fits: Callable[[str], bool]
) -> int | None:
    return next((when for when, what, fields in events if what == name and fits(fields)), None)
