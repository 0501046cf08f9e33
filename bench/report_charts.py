"""The compact pictures: how late timeouts are, what calls cost, throughput, whole commands.

Dots and not bars: on a logarithmic axis the length of a bar says nothing. Rounds are drawn one by
one where they are the point (how late a timeout was), as the span from the least to the greatest
elsewhere, so that outliers are seen.
"""

import random
from collections.abc import Sequence
from textwrap import wrap
from typing import Any

from .report_figures import compare, duration, rate
from .report_ink import (
    LIGHT,
    WIDTH,
    Picture,
    beside,
    colour,
    in_order,
    number_axis,
    rows_axis,
    time_axis,
)
from .statistics import percentile

_LEFT, _RIGHT = 215, 150


def _thinned(values: Sequence[float], most: int = 300) -> list[float]:
    """No more of them than can be seen, evenly from the bulk; all of the slowest."""
    ordered = sorted(values)
    bulk, tail = ordered[:-30], ordered[-30:]
    return [*bulk[:: max(1, len(bulk) // most)], *tail]


def timeouts(results: dict[str, Any]) -> str:
    """How late each timeout was: every one a dot."""
    found = [each for each in results.get("timeouts") or [] if any(each["late_ns"].values())]
    if not found:
        return ""
    heights = [34 * len(each["late_ns"]) + 8 for each in found]
    height = sum(heights) + 46 * len(found) + 34
    every = [each for row in found for values in row["late_ns"].values() for each in values]
    late = [each for each in every if each > 0] or [1e3, 1e6]
    jitter = random.Random(1)
    with Picture(height) as picture:
        top = 32
        for each, high in zip(found, heights, strict=True):
            axes = picture.axes(_LEFT, top, WIDTH - _LEFT - _RIGHT - 15, high)
            axes.set_title(f"asked for {duration(each['asked_s'] * 1e9, 1)}", fontsize=12)
            axes.set_xscale("log")
            axes.set_xlim(min(late) / 1.3, max(late) * 1.3)
            time_axis(axes.xaxis, "later than asked for" if each is found[-1] else "")
            rows_axis(axes, list(each["late_ns"]))
            for i, (what, values) in enumerate(each["late_ns"].items()):
                shown, tone = _thinned([each for each in values if each > 0]), colour(what)
                places = [i + jitter.uniform(-0.26, 0.26) for _ in shown]
                axes.plot(shown, places, ".", color=tone, markersize=3.5, alpha=0.5)
                middle, most = percentile(values, 50), max(values)
                axes.plot([middle, middle], [i - 0.4, i + 0.4], color=LIGHT["ink"], linewidth=2.2)
                axes.plot([most], [i], "x", color=tone, markersize=7, markeredgewidth=1.8)
                words = f"{duration(middle)}, max {duration(most)}"
                early = [each for each in values if each < 0]
                if early:
                    words += f"\n{len(early)} early, by up to {duration(-min(early))}"
                    edge = [axes.get_xlim()[0]]
                    axes.plot(edge, [i], "<", color=tone, markersize=9, clip_on=False)
                beside(axes, i, [words])
            top += high + 46
        return picture.svg("How late timeouts end, every measurement a dot")


def _span(
    axes: Any,
    row: float,
    values: Sequence[float],
    tone: str,
    size: float = 8,
    has_cross: bool = True,
) -> float:
    """Least to greatest as a line, the median as a dot, the greatest marked."""
    middle = percentile(values, 50)
    axes.plot([min(values), max(values)], [row, row], color=tone, linewidth=1.2, alpha=0.7)
    if has_cross:
        axes.plot([max(values)], [row], "x", color=tone, markersize=5, markeredgewidth=1.3)
    axes.plot([middle], [row], "o", color=tone, markersize=size, zorder=5)
    return middle


def calls(results: dict[str, Any]) -> str:
    """Each call with nobody waiting, against threading.Event."""
    found = {
        call: both
        for call, both in (results.get("calls") or {}).items()
        if both.get("SystemEvent") and both.get("threading.Event")
    }
    if not found:
        return ""
    high = 34 * len(found)
    with Picture(high + 96) as picture:
        axes = picture.axes(_LEFT, 44, WIDTH - _LEFT - _RIGHT - 90, high)
        every = [each for both in found.values() for row in both.values() for each in row]
        axes.set_xscale("log")
        axes.set_xlim(min(every) / 1.2, max(every) * 1.2)
        time_axis(axes.xaxis, "one call")
        rows_axis(axes, list(found))
        for i, both in enumerate(found.values()):
            _span(axes, i + 0.17, both["threading.Event"], LIGHT["events"], 6)
            ours = _span(axes, i - 0.17, both["SystemEvent"], LIGHT["ours"])
            each = compare(both["SystemEvent"], both["threading.Event"])
            beside(axes, i, [f"{duration(ours, 3)}, {each.words if each else ''}"])
        beside(axes, -0.75, ["SystemEvent, against threading.Event"], tone="soft")
        for x, name, tone in ((0, "●  SystemEvent", "ours"), (150, "●  threading.Event", "events")):
            place = {"xycoords": "axes pixels", "annotation_clip": False}
            axes.annotate(name, (x, high + 14), color=LIGHT[tone], fontweight="bold", **place)
        return picture.svg("What each call costs, SystemEvent and threading.Event")


def throughput(results: dict[str, Any]) -> str:
    """Rounds per second, a panel for each kind, side by side."""
    found = [each for each in results.get("throughput") or [] if any(each["rounds"].values())]
    if not found:
        return ""
    titles = in_order(list(dict.fromkeys(title for each in found for title in each["rounds"])))
    columns = min(4, len(found))
    high = 25 * len(titles)
    wide = (WIDTH - _LEFT) // columns
    lines = -(-len(found) // columns)
    with Picture(lines * (high + 90)) as picture:
        for i, each in enumerate(found):
            place = _LEFT + i % columns * wide, 44 + i // columns * (high + 90)
            axes = picture.axes(*place, wide - 68, high)
            heading = [line for part in each["title"].split(", ") for line in wrap(part, 22)]
            axes.set_title("\n".join([*heading, each.get("unit", "per second")]), fontsize=11)
            _numbers(axes, {title: each["rounds"].get(title, []) for title in titles}, 1.0, False)
            if i % columns:
                axes.tick_params(labelleft=False)
        return picture.svg("Throughput of each contender")


def _numbers(
    axes: Any, rows: dict[str, Sequence[float]], scale: float, has_cross: bool = True
) -> None:
    rows = {title: [value / scale for value in row] for title, row in rows.items()}
    axes.set_xscale("log")
    every = [each for row in rows.values() for each in row]
    axes.set_xlim(min(every) / 1.25, max(every) * 1.25)
    number_axis(axes.xaxis)
    rows_axis(axes, list(rows))
    for i, (title, row) in enumerate(rows.items()):
        if row:
            tone = LIGHT["ours"] if title.startswith("evt_") else colour(title)
            middle = _span(axes, i, row, tone, 9 if title == "SystemEvent" else 6.5, has_cross)
            beside(axes, i, [rate(middle)])


def commands(results: dict[str, Any]) -> str:
    """Whole programs: time and memory, side by side."""
    found = {name: each for name, each in (results.get("commands") or {}).items() if each}
    if not any(each.get("seconds") for each in found.values()):
        return ""
    high = 30 * len(found)
    wide = (WIDTH - 190 - 2 * 90) // 2
    with Picture(high + 70) as picture:
        for i, (key, title, scale) in enumerate(
            (("seconds", "time, ms", 1e-3), ("peak_kib", "peak memory, MiB", 1024))
        ):
            if not all(each.get(key) for each in found.values()):
                continue
            axes = picture.axes(190 + i * (wide + 90), 34, wide, high)
            axes.set_title(title, fontsize=12)
            _numbers(axes, {name: each[key] for name, each in found.items()}, scale)
            if i:
                axes.tick_params(labelleft=False)
        return picture.svg("Time and memory of whole commands")
