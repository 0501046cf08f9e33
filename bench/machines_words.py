"""The figures of bench.machines as tables of Markdown."""

from typing import Any

from .contenders import ON_REDIS
from .markdown import table
from .report_figures import compare, duration, number
from .statistics import percentile

#: Figures of a crowd: what they say, and how they are shown.
CROWD = {
    "connect_s": ("until all wait, for the first time: they connect", "time"),
    "connections": ("connections of the server", "count"),
    "server_memory_kib": ("memory of the server for them", "memory"),
    "memory_kib_each": ("memory of a waiting process (PSS)", "memory"),
    "idle_waiters_cpu_s": ("CPU time of all waiters", "time"),
    "idle_waiters_turns": ("how often one of them ran", "count"),
    "idle_server_cpu_s": ("CPU time of the server", "time"),
    "idle_commands": ("commands that it got", "count"),
}


def markdown(results: dict[str, Any]) -> str:
    """A sentence about the run, and its tables."""
    known = ((name, str(value).strip()) for name, value in results["environment"].items())
    machine = ", ".join(f"{name} {value}" for name, value in known if value)
    parts = [f"One run of `python -m bench.machines{results['options']}` ({machine})."]
    for broadcast in results["broadcast"]:
        if broadcast["rounds"]:
            parts += [_title(broadcast["waiters"]), _broadcast(broadcast["rounds"])]
    if results["crowd"]:
        parts += _crowd(results["crowd"], results["broadcast"])
    skipped = "; ".join(f"{name} ({why})" for name, why in results["skipped"].items())
    if skipped:
        parts.append(f"Skipped: {skipped}.")
    return "\n\n".join(parts)


def _title(waiters: int) -> str:
    if waiters == 1:
        return "One waiting process, asleep for 10 ms:"
    return f"The last of {_count(waiters)} waiting processes:"


def _broadcast(rounds: dict[str, list[list[int]]]) -> str:
    lasts = {title: [each[-1] for each in rows] for title, rows in rounds.items()}
    ours = lasts.get(ON_REDIS.title)
    rows = []
    for title, times in lasts.items():
        cells = [duration(percentile(times, each)) for each in (50, 99)]
        ratio = str(compare(ours, times) or "–") if times is not ours else "1"
        rows.append([f"**{title}**" if times is ours else title, *cells, ratio])
    return table(["", "median", "99 %", "SystemEvent on Redis / this"], rows)


def _crowd(crowd: dict[str, dict[str, float]], broadcasts: list[dict[str, Any]]) -> list[str]:
    waiters = max(each["waiters"] for each in broadcasts)
    seconds = next(iter(crowd.values()))["idle_s"]
    rows = []
    for key, (words, kind) in CROWD.items():
        values = [_shown(each.get(key), kind) for each in crowd.values()]
        rows.append([f"in {seconds:g} s: {words}" if key.startswith("idle") else words, *values])
    said = f"What {_count(waiters)} waiting processes cost, while nothing happens:"
    return [said, table(["", *crowd], rows)]


def _shown(value: float | None, kind: str) -> str:
    if value is None:
        return "–"
    if kind == "time":
        return duration(value * 1e9)
    if kind == "memory":
        return f"{number(value / 1024)} MiB"
    return _count(value)


def _count(value: float) -> str:
    return f"{value:,.0f}".replace(",", "\u202f")
