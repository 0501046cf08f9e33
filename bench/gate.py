"""``python -m bench.gate [RESULTS.json ...]``: is SystemEvent still as fast as it is said to be?

Only ratios are judged, to the floor and to peers, each within one run: the median of the ratios of
each round, with its 95 % interval (bootstrap). There are three verdicts. A limit *holds* if the
whole interval is within it, is *broken* if the whole interval is beyond it, and otherwise the run
was *too noisy* to tell, which does not count as held. The limits stand far enough above what a
quiet machine shows (the README's figures) that only a change of the code reaches them.

A noisy machine gets three attempts: up to three files of ``python -m bench --json``, or, if none is
named, up to three runs of ``python -m bench --quick``. The gate passes (exit status 0) if each
limit holds in one of them, and prints every attempt, whatever came of it; else, 1. Each for itself:
noise comes in gusts, which hit another limit in each attempt; a change of the code hits the same
one in all of them.
"""

import argparse
import ctypes
import json
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .statistics import ratio

ATTEMPTS = 3
#: Seconds after which a quick run counts as hanging.
DEADLINE = 600
#: With fewer rounds, an interval says nothing.
FEWEST = 5

Results = Any  # what bench/__main__.py writes, read back
Pair = tuple[Sequence[float], Sequence[float]]  # ours, and what it is compared with, by rounds

OURS, THREADING, MULTIPROCESSING = "SystemEvent", "threading.Event", "multiprocessing.Event"
FLOOR, FLOOR_IN_PYTHON = "raw futex, C program", "raw futex, Python process"
BARE = "python -c pass"


class MissingError(Exception):
    """What a limit needs and the results have not."""


def one_waiter(other: str) -> Callable[[Results], Pair]:
    """A wake-up of one waiter that slept for 1 or 10 ms, anywhere, on a machine that is idle."""

    def pair(results: Results) -> Pair:
        ours: list[float] = []
        theirs: list[float] = []
        for scene in results["latency"]:
            if scene["idle_s"] <= 0.01 and (scene["placement"], scene["load"]) == ("free", "idle"):
                ours += scene["rounds"][OURS]
                theirs += scene["rounds"][other]
        if not ours:
            raise MissingError("no latency of a waiter asleep for 0.01 s at most, free, idle")
        return ours, theirs

    return pair


def last_of(waiters: int, other: str) -> Callable[[Results], Pair]:
    """When the last of so many waiters has returned."""

    def pair(results: Results) -> Pair:
        for size in results["broadcast"]:
            if size["waiters"] == waiters:
                ours, theirs = size["rounds"][OURS], size["rounds"][other]
                return [each[-1] for each in ours], [each[-1] for each in theirs]
        raise MissingError(f"no broadcast to {waiters} waiters")

    return pair


def call(title: str) -> Callable[[Results], Pair]:
    """A call in one process, nobody waiting."""
    return lambda results: (results["calls"][title][OURS], results["calls"][title][THREADING])


def command(title: str) -> Callable[[Results], Pair]:
    """A whole command against an interpreter that does nothing."""

    def pair(results: Results) -> Pair:
        commands = results["commands"]
        return commands[title]["seconds"], commands[BARE]["seconds"]

    return pair


@dataclass(frozen=True)
class Limit:
    """The ratio of what `pair` finds in the results may be `most`."""

    title: str
    pair: Callable[[Results], Pair]
    most: float


CALLS = ["is_set()", "wait(), set", "set(), set", "clear(), clear", "wait(0), clear"]
CALLS += ["set() + clear()"]
COMMANDS = ["evt_set NAME", "evt_clear NAME", "evt_wait NAME (set)"]

LIMITS = [
    Limit(f"one waiter / {FLOOR}", one_waiter(FLOOR), 2.0),
    Limit(f"one waiter / {MULTIPROCESSING}", one_waiter(MULTIPROCESSING), 1.0),
    Limit(f"last of 100 / {FLOOR_IN_PYTHON}", last_of(100, FLOOR_IN_PYTHON), 1.6),
    Limit(f"last of 100 / {MULTIPROCESSING}", last_of(100, MULTIPROCESSING), 1.0),
    *(Limit(f"{title} / {THREADING}", call(title), 1.25) for title in CALLS),
    *(Limit(f"{title} / {BARE}", command(title), 1.5) for title in COMMANDS),
]


def judge(limit: Limit, results: Results) -> tuple[bool, str]:
    """(whether the limit holds, a line that says so, and why)."""
    start = f"  {limit.title.ljust(46)} at most {limit.most:4.2f}: "
    try:
        ours, theirs = limit.pair(results)
        if len(ours) != len(theirs) or len(ours) < FEWEST:
            counts = f"{len(ours)} and {len(theirs)} rounds"
            raise MissingError(f"{counts}, where as many of both are needed, {FEWEST} or more")
        median, low, high = ratio(ours, theirs)
    except MissingError as missing:
        return False, f"{start}MISSING: {missing}"
    except KeyError as error:
        return False, f"{start}MISSING: nothing is called {error} in the results"
    except (IndexError, TypeError, ZeroDivisionError) as error:
        return False, f"{start}MISSING: the results are not as bench writes them: {error}"
    verdict = "holds" if high <= limit.most else "BROKEN" if low > limit.most else "TOO NOISY"
    return verdict == "holds", f"{start}{median:5.2f} [{low:.2f} {high:.2f}]  {verdict}"


def attempt(title: str, path: Path, status: int = 0) -> set[str]:
    """Judge the results of one run by all limits, and print it; the titles of those that hold."""
    print(f"{title}: median ratio [95 % interval]")
    try:
        if status:
            raise MissingError(f"python -m bench ended with status {status}")
        results = json.loads(path.read_text())
    except (OSError, ValueError, MissingError) as error:
        print(f"  MISSING, all of it: {error}\n", flush=True)
        return set()
    held = set()
    for limit in LIMITS:
        holds, line = judge(limit, results)
        print(line)
        if holds:
            held.add(limit.title)
    failed = len(LIMITS) - len(held)
    said = f"{failed} of {len(LIMITS)} limits do not hold" if failed else "all limits hold"
    print(f"  -> {said}\n", flush=True)
    return held


def _end_with_parent() -> None:
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)  # PR_SET_PDEATHSIG; bench then tidies up


def quick_run(path: Path) -> int:
    """Have bench write the results of a quick run there; its exit status."""
    words = [sys.executable, "-m", "bench", "--quick", "--json", str(path)]
    words += ["--report", str(path.with_suffix(".html"))]
    with subprocess.Popen(words, preexec_fn=_end_with_parent) as bench:
        try:
            return bench.wait(DEADLINE)
        except (subprocess.TimeoutExpired, KeyboardInterrupt) as error:
            bench.terminate()
            bench.wait()
            if isinstance(error, KeyboardInterrupt):
                raise
            return -signal.SIGTERM


def own_attempts() -> Iterator[set[str]]:
    """Up to three runs, each made, judged and printed when it is asked for."""
    for number in range(1, ATTEMPTS + 1):
        with tempfile.TemporaryDirectory(prefix="bench-") as folder:
            path = Path(folder) / "results.json"
            status = quick_run(path)
            yield attempt(f"attempt {number}", path, status)


def main(words: Sequence[str] | None = None) -> int:
    """Judge the files, or runs of its own."""
    parser = argparse.ArgumentParser(prog="python -m bench.gate", description=__doc__)
    parser.add_argument("files", nargs="*", type=Path, help="results of python -m bench --json")
    files: list[Path] = parser.parse_args(words).files
    if len(files) > ATTEMPTS:
        parser.error(f"at most {ATTEMPTS} attempts")
    missing = {limit.title for limit in LIMITS}
    for held in (attempt(str(path), path) for path in files) if files else own_attempts():
        missing -= held
        if not missing and not files:
            break  # no more runs than needed are made; files are all printed
    print(f"FAILED: in no attempt hold: {'; '.join(sorted(missing))}" if missing else "passed")
    return 1 if missing else 0


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # tidies up, as Ctrl-C
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
