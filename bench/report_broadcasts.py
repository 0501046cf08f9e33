"""The pictures of waking many processes: how the last of N grows, and one set() in detail."""

from collections.abc import Sequence
from typing import Any

from .report_figures import duration
from .report_ink import LIGHT, WIDTH, Picture, in_order, labels, line_style, time_axis
from .report_words import OURS, group_of, lasts
from .statistics import percentile

_LABELS = 270  # the room for labels, right of the axes


def _growth(results: dict[str, Any]) -> dict[str, list[tuple[int, Sequence[float]]]]:
    grown: dict[str, list[tuple[int, Sequence[float]]]] = {}
    for size in sorted(results.get("broadcast") or [], key=lambda each: each["waiters"]):
        for title, row in lasts(size).items():
            if row:
                grown.setdefault(title, []).append((size["waiters"], row))
    return {title: grown[title] for title in in_order(list(grown))}


def _earlier(results: dict[str, Any]) -> dict[str, list[tuple[int, float]]]:
    """When the first and the median of N processes that wait for a SystemEvent have returned."""
    found: dict[str, list[tuple[int, float]]] = {"first": [], "median": []}
    for size in sorted(results.get("broadcast") or [], key=lambda each: each["waiters"]):
        rows = [row for row in size["rounds"].get(OURS, []) if len(row) > 1]
        if rows:
            middle = [row[len(row) // 2] for row in rows]
            found["first"].append((size["waiters"], percentile([row[0] for row in rows], 50)))
            found["median"].append((size["waiters"], percentile(middle, 50)))
    return {place: points for place, points in found.items() if points}


def broadcasts(results: dict[str, Any]) -> str:
    """The last of N processes, against N."""
    grown = _growth(results)
    if not grown:
        return ""
    height = 600
    sizes = sorted({size for rows in grown.values() for size, _ in rows})
    with Picture(height) as picture:
        axes = picture.axes(70, 16, WIDTH - 70 - _LABELS, height - 68)
        _number_axis(axes, sizes)
        medians = {t: [(n, percentile(row, 50)) for n, row in rows] for t, rows in grown.items()}
        axes.set_yscale("log")
        values = [value for each in medians.values() for _, value in each]
        values += [value for each in _earlier(results).values() for _, value in each]
        tops = [percentile(row, 95) for rows in grown.values() for _, row in rows]
        axes.set_ylim(min(values) / 1.6, max(tops) * 1.3)
        time_axis(axes.yaxis)
        ends = {}
        floors = [dict(each) for title, each in medians.items() if group_of(title) == "floor"]
        least = [(n, [each[n] for each in floors if n in each]) for n in sizes]
        shade = [(n, min(values)) for n, values in least if values]
        if shade:
            bottom = axes.get_ylim()[0]
            axes.fill_between(*zip(*shade, strict=True), bottom, color=LIGHT["shade"], linewidth=0)
        for title, points in medians.items():
            xs, ys = zip(*points, strict=True)
            axes.plot(xs, ys, **line_style(title, list(grown)), marker="o", markersize=4)
            if title == OURS:
                spans = [(percentile(row, 5), percentile(row, 95)) for _, row in grown[title]]
                lows, highs = zip(*spans, strict=True)
                tone = LIGHT["pale"]
                axes.fill_between(xs, lows, highs, color=tone, alpha=0.45, linewidth=0, zorder=1)
            ends[title] = points[-1]
        for place, points in _earlier(results).items():
            xs, ys = zip(*points, strict=True)
            axes.plot(xs, ys, color=LIGHT["ours"], linewidth=1, linestyle=(0, (1, 3)))
            words = f"its {place}"
            axes.annotate(words, points[-1], (-4, -14), textcoords="offset points", ha="right")
        axes.set_xlabel("waiting processes")
        axes.set_ylabel("from set() to the return of the last wait()")
        labels(axes, ends, {title: f"\u2002{duration(end[1])}" for title, end in ends.items()})
        return picture.svg("Time until the last of N waiting processes runs again, against N")


def _number_axis(axes: Any, sizes: list[int]) -> None:
    axes.set_xscale("log")
    axes.set_xticks(sizes, [str(size) for size in sizes])
    axes.tick_params(axis="x", which="minor", bottom=False, labelbottom=False)
    axes.set_xlim(sizes[0] / 1.1, max(sizes[-1] * 1.1, sizes[0] * 1.2))


def strip(results: dict[str, Any]) -> str:
    """One broadcast: a row for each waiter, when it was woken and when it had returned."""
    one = results.get("strip") or {}
    if not one.get("waiters"):
        return ""
    start, end = one["set"]
    rows = sorted(one["waiters"], key=lambda row: row[1])
    height = min(720, 130 + 5 * len(rows)) if len(rows) > 20 else 130 + 14 * len(rows)
    with Picture(height) as picture:
        axes = picture.axes(70, 44, WIDTH - 100, height - 100)
        last = (rows[-1][1] - start) / 1e3
        thick = max(1.2, 0.62 * (height - 100) / len(rows))
        axes.axvspan(0, (end - start) / 1e3, color=LIGHT["shade"], linewidth=0)
        axes.axvline(0, color=LIGHT["ink"], linewidth=1.4)
        for i, (woken, returned) in enumerate(rows):
            back = (returned - start) / 1e3
            if woken is not None:
                at = (woken - start) / 1e3
                axes.plot([0, at], [i, i], color=LIGHT["grid"], linewidth=thick / 2, zorder=1)
                axes.plot(
                    [at, back], [i, i], color=LIGHT["pale"], linewidth=thick, solid_capstyle="butt"
                )
                axes.plot([at], [i], "|", color=LIGHT["ink"], markersize=thick + 1)
            else:
                axes.plot([0, back], [i, i], color=LIGHT["grid"], linewidth=thick / 2, zorder=1)
            axes.plot([back], [i], "o", color=LIGHT["ours"], markersize=max(2.5, thick * 0.8))
        axes.set_ylim(len(rows) - 0.2, -0.8)
        axes.set_xlim(-0.012 * last, last * 1.03)
        axes.set_ylabel(f"{len(rows)} waiting processes, by return")
        axes.set_xlabel("µs after set() was called")
        axes.grid(axis="y", visible=False)
        axes.set_yticks([])
        called = {"xycoords": ("data", "axes pixels"), "annotation_clip": False}
        top = height - 100
        axes.annotate("set() called", (0, top + 8), color=LIGHT["ink"], **called)
        inside = f"set() returned after {duration(end - start)}"
        x = (end - start) / 1e3
        axes.annotate(
            inside,
            (max(x, 0.14 * last), top + 8),
            color=LIGHT["soft"],
            ha="left" if x < 0.6 * last else "right",
            **called,
        )
        keys = [("●", "ours", "returned from wait()")]
        if any(row[0] is not None for row in rows):
            keys = [("|", "ink", "woken by the kernel"), ("━", "pale", "waits for a core"), *keys]
        for i, (sign, tone, words) in enumerate(keys):
            place = {"xycoords": "axes pixels", "va": "top"}
            x, y = WIDTH - 300, top - 12 - 20 * i
            axes.annotate(sign, (x, y), ha="center", color=LIGHT[tone], fontweight="bold", **place)
            axes.annotate(words, (x + 14, y), color=LIGHT["soft"], **place)
        return picture.svg("Timeline of one broadcast, a row for each waiting process")


def strip_reading(results: dict[str, Any]) -> str:
    """What the strip says, in one sentence."""
    one = results.get("strip") or {}
    if not one.get("waiters"):
        return ""
    start, end = one["set"]
    last = max(returned for _, returned in one["waiters"]) - start
    woken = [at for at, _ in one["waiters"] if at is not None]
    took = f"the call of set() itself (grey) took {duration(end - start)}"
    if not woken:
        return f"Each row is a process; the last returned after {duration(last)}, {took}."
    return (
        f"Each row is a process: the last was woken {duration(max(woken) - start)} after set() "
        f"was called, the last returned after {duration(last)}, and what lies between is mostly "
        f"waiting for a core; {took}."
    )
