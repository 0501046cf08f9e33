"""What whole programs cost: the commands, the import, a process that waits."""

import os
import sys
import sysconfig
import time
from collections.abc import Sequence
from pathlib import Path

from systemevent import SystemEvent, unlink

from .contenders import OURS
from .rounds import is_asleep, until


def seconds_of(words: Sequence[str | Path]) -> float:
    """The time from starting a program until it has ended; it must succeed."""
    start = time.monotonic()
    pid = os.posix_spawn(words[0], [str(word) for word in words], os.environ)
    _, status = os.waitpid(pid, 0)
    if status:
        raise RuntimeError(f"{words} ended with status {status}")
    return time.monotonic() - start


def measure(rounds: int) -> dict[str, list[float]]:
    """{title: seconds in each round} of the commands and of bare interpreters, in alternation."""
    scripts = Path(sysconfig.get_path("scripts"))
    name = f"bench.{os.getpid()}"
    programs: dict[str, list[str | Path]] = {
        "python -c pass": [sys.executable, "-c", "pass"],
        "evt_set NAME": [scripts / "evt_set", name],
        "evt_wait NAME (set)": [scripts / "evt_wait", name],
        # -I: what is installed (with its bytecode), not the sources in this folder.
        "import systemevent": [sys.executable, "-I", "-c", "import systemevent"],
    }
    results: dict[str, list[float]] = {title: [] for title in programs}
    SystemEvent(name).close()
    try:
        for number in range(-3, rounds):
            for title, words in programs.items():
                seconds = seconds_of(words)
                if number >= 0:
                    results[title].append(seconds)
    finally:
        unlink(name)
    return results


def waiting(seconds: float) -> dict[str, int]:
    """CPU time (clock ticks) and context switches of a process that waits for `seconds`."""
    event = OURS.made()
    pid = os.fork()
    if pid == 0:
        event.wait()
        os._exit(0)
    until(lambda: is_asleep(pid), "it waits")
    before = _usage(pid)
    time.sleep(seconds)
    after = _usage(pid)
    event.set()
    os.waitpid(pid, 0)
    return {key: after[key] - before[key] for key in after}


def _usage(pid: int) -> dict[str, int]:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    status = dict(
        line.split(":\t", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines()
    )
    switches = int(status["voluntary_ctxt_switches"]) + int(status["nonvoluntary_ctxt_switches"])
    return {"CPU ticks": int(fields[11]) + int(fields[12]), "context switches": switches}


def holding(count: int) -> dict[str, float]:
    """Descriptors and mappings that an open event costs."""

    def held() -> tuple[int, int]:
        maps = Path("/proc/self/maps").read_text().count("\n")
        return len(os.listdir("/proc/self/fd")), maps

    before = held()
    events = [OURS.made() for _ in range(count)]
    after = held()
    for event in events:
        event.close()
    return {
        "descriptors": (after[0] - before[0]) / count,
        "mappings": (after[1] - before[1]) / count,
    }
