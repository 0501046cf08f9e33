"""SystemEvent on Redis between two machines: 1,000 waiters in one network namespace, the server and
the setter in another, a cable (veth) between them; and redis-py's pub/sub beside it.

    python -m bench.machines [--quick | --full] [--write]

Waiters are processes, one wait in each, as in ``python -m bench``: it is processes that tell each
other something, and so many of them fit. Both ends read the same clock, because it is one machine.
The events of this machine are measured with them, to show what the way over the server costs.
"""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from . import progress
from .__main__ import interruptible, positive
from .broadcast import IDLE, MANY, in_blocks
from .child import memory_of
from .contenders import BARE_SOCKET, ON_REDIS, OURS, PUB_SUB, Contender
from .environment import environment, load
from .machines_words import markdown
from .markdown import write
from .network import Network, network, no_network
from .redis_peers import OnServer
from .rounds import alternate, gathered
from .servers import no_server
from .teams import Team, TeamError, Workshop

WAITERS = 1, 100, 1000
#: Rounds with one waiter, with up to 100; with more: how many times a contender comes, and stays.
ROUNDS = {"quick": (6, 6, 1, 3), "default": (60, 15, 2, 5), "full": (300, 40, 3, 8)}
#: Seconds of doing nothing: a waiter looks every 30 s.
NOTHING = {"quick": 0.5, "default": 30.0, "full": 60.0}


def far(contender: Contender, net: Network) -> Contender:
    """The contender with its waiters at the other end; they connect when they wait first."""
    kind: Any = contender.make
    assert issubclass(kind, OnServer)

    class Far(kind):  # type: ignore[misc]
        """With a server that is reached over the cable."""

        host = net.here

        def join(self, number: int) -> None:
            """This process is at the other end."""
            net.move()

    Far.__name__ = kind.__name__
    return Contender(contender.title, Far)


def measure(
    size: str, sizes: Sequence[int], workshop: Workshop, skipped: dict[str, str]
) -> dict[str, Any]:
    """{"broadcast": [one for each number of waiters], "crowd": {title: figures of the most}}."""
    with network() as net:
        contenders = [OURS, *(far(each, net) for each in (ON_REDIS, PUB_SUB, BARE_SOCKET))]
        broadcasts = [_broadcast(contenders, size, each, workshop, skipped) for each in sizes]
        crowd: dict[str, dict[str, float]] = {}
        for contender in contenders[:3]:
            progress.part(f"{max(sizes)} waiters, and nothing happens: {contender.title}")
            try:
                crowd[contender.title] = _crowd(contender, max(sizes), NOTHING[size], workshop)
            except (TeamError, OSError) as error:
                skipped[f"{contender.title}, {max(sizes)} waiters"] = str(error)
    return {"broadcast": broadcasts, "crowd": crowd}


def _broadcast(
    contenders: Sequence[Contender],
    size: str,
    waiters: int,
    workshop: Workshop,
    skipped: dict[str, str],
) -> dict[str, Any]:
    """When the first and the last had returned."""
    progress.part(f"broadcast to {waiters} over the cable")
    one, some, passes, stay = ROUNDS[size]
    if waiters > MANY:
        found = in_blocks(contenders, waiters, passes, stay, workshop, skipped)
    else:
        with gathered(contenders, waiters, workshop, skipped) as teams:
            found = alternate(teams, one if waiters == 1 else some, IDLE, skipped)
    rounds = {title: [[min(each), max(each)] for each in rows] for title, rows in found.items()}
    return {"waiters": waiters, "rounds": rounds}


def _crowd(
    contender: Contender, waiters: int, seconds: float, workshop: Workshop
) -> dict[str, float]:
    """What so many cost: in figures with their unit at the end of the name."""
    start = time.monotonic()
    team = Team(contender, waiters, workshop)
    try:
        found = {"start_s": time.monotonic() - start}
        server = getattr(team.events[0], "server", None)
        if server:
            before = server.info("all")
        start = time.monotonic()
        team.enter()
        found["connect_s"] = time.monotonic() - start
        team.fire()  # once around: what is touched now counts as their memory
        team.enter()
        found["memory_kib_each"] = memory_of(team.pids[:-1]) / waiters
        pids = team.pids[:-1], [server.pid] if server else []
        spent = [spent_by(each) for each in pids]
        if server:
            after = server.info("all")
            for name, key in (("connections", "connected_clients"), ("blocked", "blocked_clients")):
                found[name] = int(after[key])
            grown = int(after["used_memory"]) - int(before["used_memory"])
            found["server_memory_kib"] = grown / 1024
        time.sleep(seconds)
        found["idle_s"] = seconds
        names = ("waiters", "server") if server else ("waiters",)
        for name, each, (cpu, turns) in zip(names, pids, spent, strict=False):
            now = spent_by(each)
            found[f"idle_{name}_cpu_s"] = (now[0] - cpu) / 1e9
            found[f"idle_{name}_turns"] = now[1] - turns
        if server:
            key = "total_commands_processed"
            found["idle_commands"] = int(server.info("stats")[key]) - int(after[key]) - 1
        team.fire()
        return found
    finally:
        team.end()


def spent_by(pids: Sequence[int]) -> tuple[int, int]:
    """Nanoseconds of CPU time, and how often they were given a core (schedstat).

    In clock ticks, a thousand who take a tenth of one each would add up to none.
    """
    rows = [Path(f"/proc/{pid}/schedstat").read_text().split() for pid in pids]
    return sum(int(row[0]) for row in rows), sum(int(row[2]) for row in rows)


def unable() -> str:
    """Why this cannot run here, or nothing."""
    has_times = Path("/proc/self/schedstat").exists()
    return no_server() or no_network() or ("" if has_times else "the kernel has no schedstat")


def parsed() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m bench.machines", description=__doc__)
    sizes = parser.add_mutually_exclusive_group()
    sizes.add_argument("--quick", action="store_true", help="fewer rounds: a minute")
    sizes.add_argument("--full", action="store_true", help="more rounds: ten minutes")
    parser.add_argument("--write", action="store_true", help="write the figures into README.md")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all results, raw")
    parser.add_argument("--waiters", nargs="+", type=positive, metavar="N", default=WAITERS)
    return parser.parse_args()


def main() -> int:
    """Measure, and print; the exit status."""
    options = parsed()
    if reason := unable():
        print(f"skipped: bench.machines: {reason}", file=sys.stderr)
        return 1
    size = "quick" if options.quick else "full" if options.full else "default"
    results: dict[str, Any] = {"environment": environment(), "skipped": {}}
    results["options"] = "" if size == "default" else f" --{size}"
    try:
        with interruptible(), tempfile.TemporaryDirectory(prefix="bench-") as folder:
            workshop = Workshop(Path(folder))
            results |= measure(size, options.waiters, workshop, results["skipped"])
    except KeyboardInterrupt:
        print("\nInterrupted; nothing is left behind.", file=sys.stderr)
        return 130
    results["environment"]["load at the end"] = load()
    text = markdown(results)
    print(text)
    for title, reason in results["skipped"].items():
        print(f"skipped: {title}: {reason}", file=sys.stderr)
    if options.json:
        options.json.write_text(json.dumps(results), encoding="utf-8")
    if options.write:
        write(Path(__file__).parent / "README.md", text, "machines")
    return 0


if __name__ == "__main__":
    sys.exit(main())
