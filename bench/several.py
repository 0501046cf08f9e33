"""Waits for several events, and in asyncio, against wait() for one: what they add to a wake-up.

    python -m bench.several [--full] [--write]

It is a part of ``python -m bench``, too; alone, it can write its figures into README.md beside it.
"""

import argparse
import asyncio
import json
import re
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

from systemevent import SystemEvent, wait_all, wait_any
from systemevent._platform import sleeps_on_both_halves

from . import progress
from .contenders import OURS, Contender, named, unlinked
from .environment import environment
from .latency import FREE, IDLE, Scene
from .report_figures import compare, duration
from .rounds import alternate, gathered
from .statistics import percentile
from .teams import Workshop

SCENES = {
    "quick": [Scene(0.001, FREE, IDLE, 12)],
    "default": [Scene(0.001, FREE, IDLE, 60), Scene(0.01, FREE, IDLE, 40)],
    "full": [Scene(0.001, FREE, IDLE, 400), Scene(0.01, FREE, IDLE, 300)],
}
BEGIN, END = "<!-- several -->\n", "<!-- end of several -->"


class Awaited(SystemEvent):
    """Waited for in asyncio, in a loop that begins and ends with each wait."""

    #: wait() returns when it was over, in nanoseconds: the end of the loop is not counted.
    tells_the_time = True
    new_loop: Callable[[], asyncio.AbstractEventLoop] = asyncio.new_event_loop

    def join(self, number: int) -> None:
        """A loop of this process."""
        self._loop = type(self).new_loop()

    def wait(self, timeout: float | None = None) -> int:  # type: ignore[override]
        """Return the instant."""

        async def wait() -> int:
            await self.wait_async()
            return time.monotonic_ns()

        return self._loop.run_until_complete(wait())


class AwaitedInThread(Awaited):
    """What one would do without wait_async(): a thread for each wait."""

    def wait(self, timeout: float | None = None) -> int:
        """Return the instant."""

        async def wait() -> int:
            await asyncio.to_thread(super(Awaited, self).wait)
            return time.monotonic_ns()

        return self._loop.run_until_complete(wait())


class AwaitedInUvloop(Awaited):
    """The same in uvloop."""

    @staticmethod
    def new_loop() -> asyncio.AbstractEventLoop:
        import uvloop

        loop: asyncio.AbstractEventLoop = uvloop.new_event_loop()
        return loop


def among(count: int) -> Callable[[Any], Any]:
    """Events that wait for any of `count`, of which this one is set."""

    class Among(SystemEvent):
        def join(self, number: int) -> None:
            self._all = [self, *(unlinked(SystemEvent) for _ in range(count - 1))]

        def wait(self, timeout: float | None = None) -> bool:
            return bool(wait_any(self._all))

    return named(Among)


def last_of(count: int) -> Callable[[Any], Any]:
    """Events that wait for all of `count`, of which the others are set already."""

    class LastOf(SystemEvent):
        def join(self, number: int) -> None:
            self._all = [self, *(unlinked(SystemEvent) for _ in range(count - 1))]
            for event in self._all[1:]:
                event.set()

        def wait(self, timeout: float | None = None) -> bool:
            return wait_all(self._all)

    return named(LastOf)


def _no_waitv() -> str:
    return "" if sleeps_on_both_halves() else "needs futex_waitv (Linux 5.16)"


def _no_uvloop() -> str:
    try:
        import uvloop  # noqa: F401
    except ImportError:
        return "uvloop is not installed"
    return _no_waitv()


CONTENDERS = [
    OURS,
    Contender("await wait_async(), asyncio", named(Awaited), unable=_no_waitv),
    Contender("await to_thread(wait), asyncio", named(AwaitedInThread)),
    Contender("await wait_async(), uvloop", named(AwaitedInUvloop), unable=_no_uvloop),
    Contender("wait_any() of 2", among(2), unable=_no_waitv),
    Contender("wait_any() of 63", among(63), unable=_no_waitv),
    Contender("wait_any() of 64, in 2 threads", among(64), unable=_no_waitv),
    Contender("wait_any() of 1,000, in 16 threads", among(1000), unable=_no_waitv),
    Contender("wait_all() of 2", last_of(2)),
    Contender("wait_all() of 63", last_of(63)),
    Contender("wait_all() of 1,000", last_of(1000)),
]


def measure(size: str, workshop: Workshop, skipped: dict[str, str]) -> list[dict[str, Any]]:
    """One entry for each scene. size: quick, default or full."""
    results = []
    able = []
    for contender in CONTENDERS:
        if reason := contender.unable():
            skipped[contender.title] = reason
        else:
            able.append(contender)
    for scene in SCENES[size]:
        progress.part(f"several events and asyncio, {scene.title}")
        with gathered(able, 1, workshop, skipped) as teams:
            found = alternate(teams, scene.rounds, scene.idle, skipped)
        rounds = {title: [each[0] for each in rows] for title, rows in found.items()}
        results.append({"title": scene.title, "rounds": rounds})
    return results


def rows(scene: dict[str, Any]) -> list[list[str]]:
    """A line for each: its median, 99th percentile, what it adds to wait(), and the ratio."""
    ours = scene["rounds"].get(OURS.title)
    lines = []
    for title, times in scene["rounds"].items():
        cells = [title, *(duration(percentile(times, each)) for each in (50, 99))]
        if ours and times is not ours:
            added = median(a - b for a, b in zip(times, ours, strict=True))
            cells += [duration(added), str(compare(times, ours) or "")]
        else:
            cells += ["", ""]
        lines.append(cells)
    return lines


HEAD = ["", "median", "99 %", "more than wait()", "times wait()"]


def markdown(results: dict[str, Any]) -> str:
    """The figures of a run as tables."""
    known = ((name, str(value).strip()) for name, value in results["environment"].items())
    machine = ", ".join(f"{name} {value}" for name, value in known if value)
    parts = [f"One run of `python -m bench.several{results['options']}` ({machine})."]
    for scene in results["several"]:
        lines = [HEAD, ["---"] * len(HEAD), *rows(scene)]
        table = "\n".join(f"| {' | '.join(line)} |" for line in lines)
        parts.append(f"One process, {scene['title']}:\n\n{table}")
    return "\n\n".join(parts)


def main() -> None:
    """Measure this part alone."""
    parser = argparse.ArgumentParser(prog="python -m bench.several", description=__doc__)
    parser.add_argument("--full", action="store_true", help="more rounds: some minutes")
    parser.add_argument("--write", action="store_true", help="write the figures into README.md")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all results, raw")
    options = parser.parse_args()
    results: dict[str, Any] = {"environment": environment()}
    results["options"] = " --full" if options.full else ""
    results["skipped"] = {}
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        size = "full" if options.full else "default"
        results["several"] = measure(size, Workshop(Path(folder)), results["skipped"])
    progress.clear()
    text = markdown(results)
    print(text)
    for title, reason in results["skipped"].items():
        print(f"skipped: {title}: {reason}", file=sys.stderr)
    if options.json:
        options.json.write_text(json.dumps(results), encoding="utf-8")
    if options.write:
        path = Path(__file__).parent / "README.md"
        old = path.read_text(encoding="utf-8")
        pattern = re.escape(BEGIN) + ".*?" + re.escape(END)
        new = re.sub(pattern, lambda found: f"{BEGIN}{text}\n{END}", old, flags=re.DOTALL)
        path.write_text(new, encoding="utf-8")


if __name__ == "__main__":
    main()
