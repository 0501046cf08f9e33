"""The report: one page that answers, shows and then proves; and the terminal's table.

The page needs nothing but itself: pictures are SVG within it, nothing is fetched (its policy would
forbid it), there is no script. What was not measured in a run is left out; what could not be is
listed with the reason. The order is that of a reader in a hurry: the answer in words, the ratios,
the pictures, the raw figures behind a click, the machine at the end.
"""

import re
from collections.abc import Callable
from html import escape
from pathlib import Path
from typing import Any

from . import report_tables as tables
from .report_raw import details, surroundings
from .report_style import STYLE, css
from .report_terminal import table
from .report_words import answer, main_scene, measured, noise, rows

Results = dict[str, Any]
__all__ = ["page", "table", "write"]


def write(results: Results, path: str | Path) -> None:
    """Write the page."""
    Path(path).write_text(page(results), encoding="utf-8")


def page(results: Results) -> str:
    """The page, as well-formed HTML."""
    results = measured(results)
    parts = [_answer(results), *_pictures(results), details(results), surroundings(results)]
    return f"""<!DOCTYPE html>
<html lang="en" xmlns="http://www.w3.org/1999/xhtml"><head><meta charset="utf-8"/>
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'"/>
<meta name="viewport" content="width=device-width, initial-scale=1"/>
<title>SystemEvent: how long after set() does my process run again?</title>
<style>{css()}{STYLE}</style></head><body>
<h1>How long after <code>set()</code> does my process run again?</h1>
{"".join(parts)}
</body></html>
"""


def _marked(sentence: str) -> str:
    """HTML of a sentence with **emphasis**."""
    return re.sub(r"\*\*(.+?)\*\*", r"<b>\1</b>", escape(sentence))


def _answer(results: Results) -> str:
    environment = results.get("environment") or {}
    known = ((name, str(value).strip()) for name, value in environment.items())
    machine = " · ".join(f"{name} {value}" for name, value in known if value)
    out = [f'<p class="soft">{escape(machine)}</p>'] if machine else []
    if noise(results):
        out.append(f'<p class="warning"><b>Noisy.</b> {escape(noise(results))}</p>')
    said = "".join(f"<li>{_marked(each)}</li>" for each in answer(results))
    out.append(f'<ul class="answer">{said}</ul>')
    skipped = results.get("skipped") or {}
    if skipped:
        names = "; ".join(f"{name} ({' '.join(why.split())})" for name, why in skipped.items())
        out.append(f'<p class="soft">Skipped: {escape(names)}.</p>')
    out.append(tables.answer_table(results))
    if rows(results):
        out.append(
            '<p class="soft">A ratio below 1 (left of the line; an arrow is far off) means that '
            "SystemEvent takes less time; “from C” is its header, systemevent.h. A ratio is the "
            "median of the ratios of each round, with its 95 % interval (bootstrap); where the "
            "interval contains 1, the two cannot be told apart. Absolute times depend on the "
            "machine.</p>"
        )
    return "\n".join(out)


def _pictures(results: Results) -> list[str]:
    try:
        from . import pictures, report_broadcasts, report_charts, report_split
    except ModuleNotFoundError as error:
        if error.name != "matplotlib":
            raise
        return [
            '<p class="warning">No pictures: matplotlib is not installed '
            "(pip install matplotlib).</p>"
        ]
    scene = main_scene(results)
    name = pictures.scene_name(scene) if scene else ""
    count = len((results.get("strip") or {}).get("waiters") or [])
    found: list[tuple[Callable[[Results], str], str, str]] = [
        (
            pictures.wakeups,
            f"One process is woken ({name})",
            "Lower and flatter is better: each curve begins at its median (the number at its name) "
            "and ends, at a dot, with its slowest round (where it is thin, few rounds decide, and "
            "luck); below the raw calls in C (grey) nobody can stay.",
        ),
        (
            pictures.contenders,
            "The same, contender by contender",
            "The raw futex is there in C programs (grey area) and in Python processes (line), "
            "where it is timed in C. (The dot is the "
            "median; 50, 90 and 98 % of the rounds lie within the bars; the cross is the slowest.)",
        ),
        (
            pictures.scenes,
            "In other surroundings",
            "One scale for all: whatever the sleep, the placement and the load, SystemEvent "
            "(thick) should follow the raw futex in a Python process (dashed).",
        ),
        (
            report_broadcasts.broadcasts,
            "Many processes are woken by one set(): the last of N",
            "Twice the processes take twice the time where lines are straight, because the cores "
            "run them one after another; what lies above the raw calls (grey) is a "
            "contender’s own cost. (90 % of SystemEvent’s rounds are in its band; dotted: when the "
            "first and the median of its waiters had returned.)",
        ),
        (
            report_broadcasts.strip,
            f"One set() and {count} waiting processes, from the inside",
            report_broadcasts.strip_reading(results),
        ),
        (
            report_split.split,
            "Where a wake-up spends its time",
            report_split.split_reading(results),
        ),
        (
            report_charts.timeouts,
            "How late a timeout ends",
            "Each dot is one timeout, the bar their median, the cross the latest one, an arrow "
            "those that ended too early; the kernel adds its timer slack (50 µs by default).",
        ),
        (
            report_charts.calls,
            "What a call costs when nobody waits",
            "The dot is the median, the line reaches to the slowest round (cross): what you pay "
            "for using an event that all processes share instead of one within a process.",
        ),
        (
            report_charts.throughput,
            "How often per second",
            "Further right is better; the dot is the median, the line goes from the slowest to "
            "the fastest round.",
        ),
        (
            report_charts.commands,
            "Whole commands",
            "The dot is the median, the line goes from the least to the greatest (cross); compare "
            "with an interpreter that does nothing, python -c pass.",
        ),
    ]
    out = []
    for draw, title, reading in found:
        svg = draw(results)
        if svg:
            out.append(
                f"<section><h2>{escape(title)}</h2><figure>{svg}"
                f"<figcaption>{escape(reading)}</figcaption></figure></section>"
            )
        if draw is pictures.scenes and svg:
            named = [(pictures.scene_name(each), each) for each in results["latency"]]
            out.append(tables.scenes_table([each for each in named if each[1].get("rounds")]))
    return out
