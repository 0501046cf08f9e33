"""The end of the page: the raw figures behind a click, what has no picture, the machine."""

from html import escape
from typing import Any

from . import report_tables as tables
from .report_figures import duration, number
from .several import HEAD
from .several import rows as rows_of_several


def details(results: dict[str, Any]) -> str:
    """A table for each measurement, folded."""
    parts: list[tuple[str, str]] = []
    for scene in results.get("latency") or []:
        if scene.get("rounds"):
            parts.append((f"Wake-up: {scene.get('title', '')}", tables.wakeup_table(scene)))
    for scene in results.get("several") or []:
        heading = f"Several events, and asyncio: {scene['title']}"
        parts.append((heading, tables.table(HEAD, rows_of_several(scene))))
    if results.get("broadcast"):
        parts.append(("Broadcasts", tables.broadcast_table(results["broadcast"])))
    for each in results.get("throughput") or []:
        heading = f"Throughput: {each['title']}, {each.get('unit', '')}"
        rates = tables.spread_table(each["rounds"], lambda value: number(value, 4))
        parts.append((heading, rates))
    calls = {
        f"{call}: {who}": row
        for call, both in (results.get("calls") or {}).items()
        for who, row in both.items()
    }
    if calls:
        parts.append(("Calls", tables.spread_table(calls, lambda value: duration(value, 3))))
    late = {
        f"{duration(each['asked_s'] * 1e9, 1)}: {what}": row
        for each in results.get("timeouts") or []
        for what, row in each["late_ns"].items()
    }
    if late:
        parts.append(("How late timeouts end", tables.spread_table(late)))
    commands = results.get("commands") or {}
    if commands:
        times = {
            name: [1e9 * s for s in each.get("seconds") or []] for name, each in commands.items()
        }
        parts.append(("Commands: time", tables.spread_table(times)))
    out = [
        f"<details><summary>{escape(heading)}</summary>{body}</details>" for heading, body in parts
    ]
    return (
        '<section class="raw"><h2>The raw figures</h2>' + "\n".join(out) + "</section>"
        if out
        else ""
    )


#: Key, heading, columns side by side.
_SINGLE: list[tuple[str, str, tuple[str, ...]]] = [
    ("crowd", "100 commands wait at once", ("evt_wait", "shell_loop", "tmux")),
    ("scale", "Many events, many waiters", ("events", "waiters", "c_waiters")),
    ("environment", "The machine", ()),
    ("options", "The run", ()),
]


def surroundings(results: dict[str, Any]) -> str:
    """Single figures, the machine, the run's options."""
    return "\n".join(
        f"<section><h2>{title}</h2>{tables.side_by_side(results[key], columns)}</section>"
        for key, title, columns in _SINGLE
        if results.get(key)
    )
