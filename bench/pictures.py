"""The pictures of waking one process: percentile curves, and contender by contender.

A mean says nothing about waking: what hurts is the one time in a thousand. So the wake-up is drawn
as percentile curves, on an axis on which 90, 99 and 99.9 % are equally far from each other. Each
curve ends at its maximum, which is a dot; nothing is dropped. The grey area lies below the raw
futex: nobody can be there. Every function returns "" if what it draws was not measured.
"""

import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from .report_figures import duration
from .report_ink import (
    LIGHT,
    WIDTH,
    Picture,
    beside,
    colour,
    in_order,
    labels,
    line_style,
    rows_axis,
    time_axis,
)
from .report_words import (
    FLOOR,
    FLOOR_IN_PYTHON,
    OURS,
    group_of,
    main_scene,
)
from .statistics import percentile

_LABELS = 280  # the room for labels, beside the axes
_MEDIAN = -math.log10(0.5)
_BUTT: dict[str, Any] = {"solid_capstyle": "butt"}


def curve(values: Sequence[float]) -> tuple[list[float], list[float]]:
    """From the median on: percentiles on the axis 1, 2, 3 for 90, 99, 99.9, and the values."""
    ordered, count = sorted(values), len(values)
    xs, ys = [_MEDIAN], [max(1.0, percentile(ordered, 50))]
    for i, value in enumerate(ordered):
        x = -math.log10(1 - (i + 0.5) / count)
        # As many points as can be seen.
        if x - xs[-1] > 0.012 or (i == count - 1 and x > _MEDIAN):
            xs.append(x)
            ys.append(max(1.0, value))
    return xs, ys


def _known(count: int) -> float:
    """Up to where so many rounds say more than luck: the slowest ten (of few: tenth) do not."""
    return max(_MEDIAN, math.log10(count / min(10, 1 + count // 10)))


def _draw(axes: Any, values: Sequence[float], **style: Any) -> None:
    """A curve: the slowest rounds, each of which is luck, thin; the last one a dot."""
    xs, ys = curve(values)
    known = _known(len(values))
    first = max(1, sum(x <= known for x in xs))
    axes.plot(xs[:first], ys[:first], **style)
    thin = {**style, "linewidth": style["linewidth"] * 0.5, "alpha": 0.65}
    axes.plot(xs[first - 1 :], ys[first - 1 :], **thin)
    size = 1.5 + 1.8 * style["linewidth"]
    axes.plot(
        xs[-1:],
        ys[-1:],
        "o",
        color=style["color"],
        markersize=size,
        zorder=style.get("zorder", 2) + 1,
    )


def _percent_axis(axes: Any, right: float, most: float = 99.999) -> None:
    percents = [each for each in (50, 90, 99, 99.9, 99.99, 99.999) if each <= most]
    ticks = [-math.log10(1 - each / 100) for each in percents]
    shown = [(tick, f"{each} %") for tick, each in zip(ticks, percents, strict=True)]
    axes.set_xticks(*zip(*(each for each in shown if each[0] <= right), strict=True))
    axes.set_xlim(_MEDIAN, right)


def _limits(rows: dict[str, Sequence[float]], margin: float = 1.7) -> tuple[float, float]:
    """A little below the least median, a little above the slowest of all."""
    least = min(max(1.0, percentile(row, 50)) for row in rows.values())
    return max(0.5, least / margin), max(map(max, rows.values())) * 1.3


def _shade(axes: Any, rows: dict[str, Sequence[float]], right: float) -> None:
    """The area below all raw calls, as far as their curves are not luck; level from there on."""
    floors = [row for title, row in rows.items() if group_of(title) == "floor"]
    if not floors:
        return
    known = min(_known(len(row)) for row in floors)
    xs = sorted({x for row in floors for x in curve(row)[0] if x <= known})
    ys = np.min([np.interp(xs, *curve(row)) for row in floors], axis=0)
    xs, ys = [*xs, right], [*ys, ys[-1]]
    axes.fill_between(xs, ys, axes.get_ylim()[0], color=LIGHT["shade"], linewidth=0)


def _full(rows: dict[str, Any]) -> dict[str, Sequence[float]]:
    return {title: rows[title] for title in in_order(list(rows)) if rows[title]}


def _right(rows: Iterable[Sequence[float]]) -> float:
    return max(1.0, *(curve(row)[0][-1] for row in rows)) * 1.02


def wakeups(results: dict[str, Any]) -> str:
    """Percentile curves of all contenders."""
    scene = main_scene(results)
    if not scene:
        return ""
    rows, height = _full(scene["rounds"]), 680
    with Picture(height) as picture:
        axes = picture.axes(_LABELS, 16, WIDTH - _LABELS - 96, height - 68)
        right = _right(rows.values())
        axes.set_yscale("log")
        axes.set_ylim(*_limits(rows))
        axes.yaxis.tick_right()
        axes.yaxis.set_label_position("right")
        axes.spines["left"].set_visible(False)
        axes.spines["right"].set_visible(True)
        time_axis(axes.yaxis, "from set() to the return of wait()")
        _percent_axis(axes, right)
        axes.set_xlabel("share of the rounds that were at least as fast")
        _shade(axes, rows, right)
        for title, row in rows.items():
            _draw(axes, row, **line_style(title, list(rows)))
        ends = {title: (_MEDIAN, curve(row)[1][0]) for title, row in rows.items()}
        notes = {title: f"\u2002{duration(percentile(row, 50))}" for title, row in rows.items()}
        labels(axes, ends, notes, is_left=True)
        return picture.svg("Percentile curves of the wake-up latency of each contender")


def contenders(results: dict[str, Any]) -> str:
    """A row for each contender but those who poll: median, spans, the slowest."""
    scene = main_scene(results)
    rows = _full(scene["rounds"]) if scene else {}
    rows = {title: row for title, row in rows.items() if group_of(title) != "polling"}
    if not rows:
        return ""
    titles = sorted(rows, key=lambda title: percentile(rows[title], 50))
    high = 27 * len(titles)
    with Picture(high + 92) as picture:
        axes = picture.axes(215, 36, WIDTH - 215 - 220, high)
        axes.set_xscale("log")
        least = min(percentile(row, 1) for row in rows.values())
        axes.set_xlim(max(1.0, least) / 1.1, max(map(max, rows.values())) * 1.15)
        time_axis(axes.xaxis, "from set() to the return of wait()")
        rows_axis(axes, titles)
        if FLOOR in rows:
            middle = percentile(rows[FLOOR], 50)
            axes.axvspan(axes.get_xlim()[0], middle, color=LIGHT["shade"], linewidth=0)
        if FLOOR_IN_PYTHON in rows:
            axes.axvline(percentile(rows[FLOOR_IN_PYTHON], 50), color=LIGHT["floor"], linewidth=1)
        for i, title in enumerate(titles):
            row, tone = rows[title], colour(title)
            axes.plot([min(row), max(row)], [i, i], color=tone, linewidth=0.7, alpha=0.6)
            for low, top, width in ((1, 99, 2), (5, 95, 5), (25, 75, 10)):
                span = percentile(row, low), percentile(row, top)
                axes.plot(span, [i, i], color=tone, linewidth=width, alpha=0.4, **_BUTT)
            axes.plot([max(row)], [i], "x", color=tone, markersize=6, markeredgewidth=1.6)
            dot = {"markersize": 8, "markeredgecolor": LIGHT["paper"], "zorder": 9}
            axes.plot([percentile(row, 50)], [i], "o", color=tone, **dot)
            beside(axes, i, [duration(percentile(row, each)) for each in (50, 99)], 60)
            beside(axes, i, ["", "", duration(max(row))], 60)
        beside(axes, -0.85, ["median", "99 %", "max"], 60, "soft")
        return picture.svg("The wake-up latency of each contender: median, spans, maximum")


def scene_name(scene: dict[str, Any]) -> str:
    """What differs between the scenes, in words."""
    parts = [f"asleep for {duration(scene['idle_s'] * 1e9, 1)}"] if "idle_s" in scene else []
    if scene.get("placement", "free") != "free":
        parts.append(str(scene["placement"]))
    if scene.get("load", "idle") != "idle":
        parts.append(f"{scene['load']} machine")
    return ", ".join(parts) or scene.get("title", "")


#: Drawn in colour in the small pictures; the others are grey.
_KNOWN = (FLOOR_IN_PYTHON, "multiprocessing.Event", "file polled every 10 ms", OURS)


def scenes(results: dict[str, Any]) -> str:
    """Small percentile curves: other placements, idle times, loads; one scale for all."""
    found = [each for each in results.get("latency") or [] if each.get("rounds")]
    if len(found) < 2:
        return ""
    columns, wide, high, gap = 3, 268, 190, 58
    tall = math.ceil(len(found) / columns) * (high + gap) + 40
    every = {f"{i} {t}": row for i, s in enumerate(found) for t, row in _full(s["rounds"]).items()}
    right = _right(every.values())
    with Picture(tall) as picture:
        key = picture.axes(66, 0, WIDTH - 66, 24)
        key.set_axis_off()
        key.set_xlim(0, WIDTH - 66)
        key.set_ylim(-1, 1)
        x = 0.0
        others = {"linewidth": 1.0, "color": LIGHT["faint"]}
        known = [each for each in _KNOWN if any(each in scene["rounds"] for scene in found)]
        for title in [*known, "all others"]:
            style = line_style(title, _KNOWN) if title in known else others
            key.plot([x, x + 34], [0, 0], **style)
            tone = colour(title) if title in known else LIGHT["soft"]
            words = key.text(x + 42, 0, title, va="center", color=tone)
            x += 42 + words.get_window_extent().width + 30
        for i, scene in enumerate(found):
            left, top = 66 + i % columns * (wide + 38), 58 + i // columns * (high + gap)
            axes = picture.axes(left, top, wide, high)
            axes.set_yscale("log")
            axes.set_ylim(*_limits(every))
            time_axis(axes.yaxis)
            _percent_axis(axes, right)
            axes.tick_params(labelleft=i % columns == 0)
            axes.set_title(scene_name(scene), fontsize=12)
            for title, row in _full(scene["rounds"]).items():
                _draw(axes, row, **(line_style(title, _KNOWN) if title in _KNOWN else others))
        return picture.svg("Percentile curves of the wake-up in other surroundings")
