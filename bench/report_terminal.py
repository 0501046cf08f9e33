"""The table that ends a run on the terminal."""

from typing import Any

from .report_figures import duration
from .report_words import (
    GROUPS,
    OURS,
    answer,
    group_of,
    main_broadcast,
    main_scene,
    measured,
    noise,
    ping_pong,
    rows,
)
from .statistics import percentile


def table(results: dict[str, Any]) -> str:
    """The terminal's table at the end of a run."""
    results = measured(results)
    scene, broadcast, trips = main_scene(results), main_broadcast(results), ping_pong(results)
    found = rows(results)
    out = [sentence.replace("**", "") for sentence in answer(results)]
    heads = ["SystemEvent's time / its time, [95 %]", "median", "99 %", "one waiter"]
    heads.append(f"last of {broadcast['waiters']}" if broadcast else "")
    heads.append("round trip" if trips else "")
    lines = [heads]
    group = ""
    for row in found:
        if group_of(row.theirs) != group:
            group = group_of(row.theirs)
            lines.append([GROUPS[group]])
        times = (
            [duration(percentile(row.times, each)) for each in (50, 99)] if row.times else ["", ""]
        )
        cells = [str(each or "") for each in (row.wakeup, row.last, row.trips)]
        lines.append([f"  {row.label}", *times, *cells, row.wakeup.words if row.wakeup else ""])
    ours = scene["rounds"].get(OURS) if scene else None
    if ours:
        times = [duration(percentile(ours, each)) for each in (50, 99)]
        lines.insert(1, ["SystemEvent itself", *times])
    if found:
        out += ["", *_aligned(lines)]
    for name, why in (results.get("skipped") or {}).items():
        out.append(f"skipped: {name}: {' '.join(why.split())}")
    return "\n".join([*out, *filter(None, [noise(results)])]) + "\n"


def _aligned(lines: list[list[str]]) -> list[str]:
    count = max(map(len, lines))
    filled = [[*line, *[""] * (count - len(line))] for line in lines]
    # A heading of a group is as wide as it likes.
    widths = [
        max(len(f[i]) for f, line in zip(filled, lines, strict=True) if len(line) > 1)
        for i in range(count)
    ]
    out = []
    for line in filled:
        cells = [line[0].ljust(widths[0])]
        cells += [cell.rjust(width) for cell, width in zip(line[1:6], widths[1:6], strict=True)]
        cells += line[6:]
        out.append(
            "  ".join(cell for cell, width in zip(cells, widths, strict=True) if width).rstrip()
        )
    return out
