"""The answer in words: ratios and what they say. Needs no matplotlib; the terminal's table, too.

A ratio is SystemEvent's time divided by the other's, taken round by round, so that what disturbs
the machine disturbs both. Of these, the median with its 95 % bootstrap interval is the result.
Where the interval contains 1, the two cannot be told apart, and nothing else is said about them.
Why not medians divided by each other? Then a minute in which the machine did something else, and in
which one of the two happened to run more often, would look like a difference.
"""

from dataclasses import dataclass
from typing import Any

from .report_figures import NOISY, Ratio, compare, duration
from .statistics import percentile

OURS, OURS_IN_C = "SystemEvent", "SystemEvent, C program"
#: The steps of a wake-up in Python, in their order (split.py); and all of SystemEvent.
STEPS = CALL, KERNEL, LOCK, BACK = (
    "set(): from Python to the system call",
    "the kernel: to the end of the other's",
    "wait(): the interpreter's lock",
    "wait(): back in Python",
)
OWN = "SystemEvent: all of it"
FLOOR, FLOOR_IN_PYTHON = "raw futex, C program", "raw futex, Python process"
GROUPS = {
    "floor": "The floor",
    "ours": "Other forms of SystemEvent",
    "events": "Other events and semaphores",
    "kernel": "The kernel's other means",
    "polling": "Looking at a file again and again",
    "server": "On a Redis server, which other machines can reach",
    "other": "Others",
}
_WORDS = {
    "server": ("SystemEvent on Redis", "redis-py", "Redis,"),
    "floor": ("raw ",),
    "ours": ("SystemEvent",),
    "events": ("multiprocessing", "threading", "posix_ipc"),
    "kernel": ("pipe", "eventfd", "Unix", "inotify"),
    "polling": ("file polled",),
}


def group_of(title: str) -> str:
    """The family of a contender."""
    return next((name for name, words in _WORDS.items() if title.startswith(words)), "other")


_MEASURED = {"latency": "rounds", "broadcast": "rounds", "throughput": "rounds"}
_MEASURED["timeouts"] = "late_ns"


def measured(results: dict[str, Any]) -> dict[str, Any]:
    """The results without what is empty: contenders without rounds, parts without contenders."""
    kept: dict[str, Any] = _without_empty(results)
    for part, key in _MEASURED.items():
        kept[part] = [each for each in kept.get(part, []) if each.get(key)]
    return kept


def _without_empty(value: Any) -> Any:
    if isinstance(value, dict):
        inner = {key: _without_empty(each) for key, each in value.items()}
        return {key: each for key, each in inner.items() if each not in ({}, [], None)}
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return [_without_empty(each) for each in value]
    return value


def main_scene(results: dict[str, Any]) -> dict[str, Any] | None:
    """The wake-up that speaks for all: one waiter, asleep for 10 ms or so, on an idle machine."""
    scenes = [each for each in results.get("latency") or [] if each.get("rounds")]

    def distance(scene: dict[str, Any]) -> tuple[bool, bool, float]:
        is_busy, is_bound = scene.get("load", "idle") != "idle", scene.get("placement") != "free"
        return is_busy, is_bound, abs(scene.get("idle_s", 0.01) - 0.01)

    return min(scenes, key=distance, default=None)


def main_broadcast(results: dict[str, Any]) -> dict[str, Any] | None:
    """The broadcast that speaks for all: that to 100 processes, else the largest below."""
    sizes = [each for each in results.get("broadcast") or [] if each.get("rounds")]
    return min(sizes, key=lambda each: abs(each["waiters"] - 100), default=None)


def ping_pong(results: dict[str, Any]) -> dict[str, Any] | None:
    """The round trips between two processes, among the throughputs."""
    found = results.get("throughput") or []
    return next((each for each in found if "ping" in each["title"].lower()), None)


def lasts(broadcast: dict[str, Any]) -> dict[str, list[float]]:
    """{contender: when the last waiter had returned, in each round}."""
    return {title: [row[-1] for row in rows if row] for title, rows in broadcast["rounds"].items()}


@dataclass(frozen=True)
class Row:
    """One line of the answer's table: one of us, against one of them."""

    ours: str
    theirs: str
    times: list[float]  # theirs, of the wake-up
    wakeup: Ratio | None
    last: Ratio | None
    trips: Ratio | None

    @property
    def label(self) -> str:
        """Them, and from where they are compared if that could be misunderstood."""
        if self.ours != OURS:
            return f"{self.theirs} (from C)"
        return f"{self.theirs} (from Python)" if self.theirs == FLOOR else self.theirs


def _ours_against(theirs: str) -> list[str]:
    """C is compared with C; with Python only the floor, for what Python costs."""
    if theirs in (OURS, OURS_IN_C):
        return []
    if theirs == FLOOR:
        return [OURS_IN_C, OURS]
    return [OURS_IN_C] if theirs.endswith("C program") else [OURS]


def rows(results: dict[str, Any]) -> list[Row]:
    """The answer's table: SystemEvent, in its fitting form, against all that was measured."""
    scene, broadcast, trips = main_scene(results), main_broadcast(results), ping_pong(results)
    wake = scene["rounds"] if scene else {}
    last = lasts(broadcast) if broadcast else {}
    # A rate is a time turned over, so the other way round.
    rates = trips["rounds"] if trips else {}
    found = []
    for theirs in dict.fromkeys([*wake, *last, *rates]):
        for ours in _ours_against(theirs):
            found.append(
                Row(
                    ours,
                    theirs,
                    wake.get(theirs, []),
                    compare(wake.get(ours), wake.get(theirs)),
                    compare(last.get(ours), last.get(theirs)),
                    compare(rates.get(theirs), rates.get(ours)),
                )
            )
    found = [row for row in found if row.wakeup or row.last or row.trips]
    order = list(GROUPS)
    return sorted(found, key=lambda row: order.index(group_of(row.theirs)))


def noise(results: dict[str, Any]) -> str:
    """A sentence if the machine was too noisy to tell the contenders apart, else ""."""
    # Who polls has a time that is random by nature.
    judged = [row for row in rows(results) if group_of(row.theirs) != "polling" and row.wakeup]
    wide = [row for row in judged if row.wakeup and row.wakeup.is_noisy]
    if not wide:
        return ""
    widest = max(wide, key=lambda row: row.wakeup.high / row.wakeup.low if row.wakeup else 0)
    return (
        f"The machine was too noisy, or the rounds were too few: {len(wide)} of {len(judged)} "
        f"ratios of the wake-up have an interval wider than a factor of {NOISY} (the widest: "
        f"{widest.label}, {widest.wakeup}). Do not trust small differences in this run."
    )


def _against(results: dict[str, Any], theirs: str, ours: str = OURS) -> Ratio | None:
    each = [row for row in rows(results) if (row.ours, row.theirs) == (ours, theirs)]
    return each[0].wakeup if each else None


def against_all_steps(results: dict[str, Any]) -> Ratio | None:
    """SystemEvent against a bare futex behind an extension, both with all their steps in Python."""
    rounds = (results.get("split") or {}).get("rounds") or {}
    if not all(rounds.get(step) for step in (*STEPS, OWN)):
        return None
    return compare(rounds[OWN], list(map(sum, zip(*(rounds[step] for step in STEPS), strict=True))))


def answer(results: dict[str, Any]) -> list[str]:
    """The answer, in a few sentences."""
    said = []
    scene = main_scene(results)
    ours = scene["rounds"].get(OURS) if scene else None
    if ours:
        often = f"in 99 of 100 cases within {duration(percentile(ours, 99))}; "
        said.append(
            f"A process that waits for a SystemEvent runs again **{duration(percentile(ours, 50))} "
            f"after set()** (median); {often if len(ours) >= 100 else ''}at worst, in {len(ours)} "
            f"rounds, after {duration(max(ours))}."
        )
    else:
        said.append("SystemEvent was not among the contenders of the wake-up in this run.")
    floor = _against(results, FLOOR_IN_PYTHON)
    if floor:
        said.append(
            "Against the raw futex in a Python process, timed in C, so without what Python itself "
            f"takes before and behind it: **{floor.words}** ({floor})."
        )
    whole = against_all_steps(results)
    if whole:
        said.append(
            "Against a futex behind a Python extension, timed in Python, the least that can be "
            f"reached from there: **{whole.words}** ({whole})."
        )
    in_c = _against(results, FLOOR, OURS_IN_C)
    if in_c:
        said.append(f"In C, against the raw futex in C: **{in_c.words}** ({in_c}).")
    peers = [
        row
        for row in rows(results)
        if row.wakeup and row.ours == OURS and group_of(row.theirs) in ("events", "kernel")
    ]
    for verdict, words in (
        ("faster", "It takes less time than {}."),
        ("cannot be told apart", "It cannot be told apart from {}."),
        ("slower", "It takes more time than {}."),
    ):
        names = [row.theirs for row in peers if row.wakeup and row.wakeup.verdict == verdict]
        if names:
            said.append(
                words.format(" and ".join(filter(None, [", ".join(names[:-1]), names[-1]])))
            )
    polling = [(row.theirs, row.wakeup) for row in rows(results) if row.wakeup is not None]
    polling = [(title, each) for title, each in polling if group_of(title) == "polling"]
    if polling:
        title, each = next((pair for pair in polling if " 10 ms" in pair[0]), polling[0])
        said.append(f"Against a {title}: **{each.words}** in the median.")
    return said
