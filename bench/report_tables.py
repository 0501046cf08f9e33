"""The tables of the report, as HTML: the answer's, with each ratio drawn; and the raw figures."""

import math
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from itertools import groupby
from typing import Any

from .report_figures import Ratio, compare, duration, number
from .report_words import (
    FLOOR,
    FLOOR_IN_PYTHON,
    GROUPS,
    OURS,
    Row,
    group_of,
    main_broadcast,
    ping_pong,
    rows,
)
from .statistics import percentile

#: The axis of the drawn ratios; what lies beyond is an arrow at its edge.
_LEAST, _MOST = 0.4, 2.5
_WIDE, _HIGH = 210, 20


def _x(value: float) -> float:
    inside = min(max(value, _LEAST), _MOST)
    return 6 + (_WIDE - 12) * math.log(inside / _LEAST) / math.log(_MOST / _LEAST)


def drawn(each: Ratio, group: str) -> str:
    """A ratio as a dot with its interval; the line is at 1, equal."""
    at, low, high = _x(each.middle), _x(each.low), _x(each.high)
    ticks = "".join(f'<path class="grid" d="M{_x(i):.1f},0v{_HIGH}"/>' for i in (0.5, 2))
    mark = f'<circle class="{group}" cx="{at:.1f}" cy="10" r="4.5"/>'
    if not _LEAST < each.middle < _MOST:
        away = 8 if each.middle < 1 else -8
        mark = f'<path class="{group}" d="M{at:.1f},10l{away},-5v10z"/>'
    return (
        f'<svg class="ratio" viewBox="0 0 {_WIDE} {_HIGH}" role="img" aria-label="{each}">{ticks}'
        f'<path class="equal" d="M{_x(1):.1f},0v{_HIGH}"/>'
        f'<path class="span {group}" d="M{low:.1f},10H{max(high, low + 1):.1f}"/>{mark}</svg>'
    )


def _axis() -> str:
    words = "".join(
        f'<text x="{_x(value):.1f}" y="11" text-anchor="middle">{text}</text>'
        for value, text in ((0.5, "half"), (1, "the same time"), (2, "twice"))
    )
    return f'<svg class="ratio" viewBox="0 0 {_WIDE} 15" aria-hidden="true">{words}</svg>'


def _ratio_cell(each: Ratio | None) -> str:
    if each is None:
        return "<td></td>"
    style = each.verdict if each.verdict in ("faster", "slower") else "same"
    words = f'<span class="{style}">{escape(each.words)}</span>'
    return f'<td>{words}<br/><span class="figures">{each}</span></td>'


def answer_table(results: dict[str, Any]) -> str:
    """SystemEvent against each of the others."""
    found = rows(results)
    if not found:
        return ""
    last, trips = main_broadcast(results), ping_pong(results)
    has_last = last is not None and any(row.last for row in found)
    has_trips = trips is not None and any(row.trips for row in found)
    heads = ["SystemEvent against", "its median", "One waiting process", ""]
    heads += [f"The last of {last['waiters']}"] if has_last and last else []
    heads += ["Round trip of two"] if has_trips else []
    lines = ["".join(f"<th>{escape(head)}</th>" for head in heads)]
    lines.append(f'<th></th><th></th><th>{_axis()}</th><th colspan="{len(heads) - 3}"></th>')
    head = f'<tr>{lines[0]}</tr><tr class="axis">{lines[1]}</tr>'
    body = []
    for group, members in groupby(found, key=lambda row: group_of(row.theirs)):
        body.append(
            f'<tr class="group"><th colspan="{len(heads)}">{escape(GROUPS[group])}</th></tr>'
        )
        for row in members:
            cells = [_name_cells(row), f"<td>{drawn(row.wakeup, group) if row.wakeup else ''}</td>"]
            cells.append(_ratio_cell(row.wakeup))
            cells += [_ratio_cell(row.last)] if has_last else []
            cells += [_ratio_cell(row.trips)] if has_trips else []
            body.append(f"<tr>{''.join(cells)}</tr>")
    return (
        f'<div class="wide"><table class="answer"><thead>{head}</thead>'
        f"<tbody>{''.join(body)}</tbody></table></div>"
    )


def _name_cells(row: Row) -> str:
    name = escape(row.theirs)
    if row.ours != OURS:
        name += ' <span class="soft">(from C)</span>'
    elif row.theirs == FLOOR:
        name += ' <span class="soft">(from Python)</span>'
    median = duration(percentile(row.times, 50)) if row.times else ""
    return f'<td>{name}</td><td class="n">{median}</td>'


def table(heads: Sequence[str], lines: Iterable[Sequence[str]], style: str = 'class="n"') -> str:
    """A table whose first column is words, the others figures."""

    def line_of(cells: Sequence[str], tag: str) -> str:
        first, *others = (escape(each) for each in cells)
        rest = "".join(f"<{tag} {style}>{each}</{tag}>" for each in others)
        return f"<tr><{tag}>{first}</{tag}>{rest}</tr>"

    body = "".join(line_of(line, "td") for line in lines)
    head = line_of(heads, "th")
    return f'<div class="wide"><table><thead>{head}</thead><tbody>{body}</tbody></table></div>'


_PERCENTS = (50, 95, 99, 99.9)


def wakeup_table(scene: dict[str, Any]) -> str:
    """Percentiles of each contender in one scene, and the ratios to the floor there."""
    heads = ["", "rounds", "least", *(f"{each} %" for each in _PERCENTS), "maximum"]
    lines = []
    for title, row in scene["rounds"].items():
        if row:
            cells = [duration(percentile(row, each)) for each in _PERCENTS]
            cells = [str(len(row)), duration(min(row)), *cells, duration(max(row))]
            lines.append([title, *cells])
    return table(heads, lines)


def scenes_table(scenes: Sequence[tuple[str, dict[str, Any]]]) -> str:
    """SystemEvent in each of the (name, scene)s, and its ratios there."""
    peers = [FLOOR_IN_PYTHON, "multiprocessing.Event", "pipe"]
    peers = [each for each in peers if any(each in scene["rounds"] for _, scene in scenes)]
    lines = []
    for name, scene in scenes:
        ours = scene["rounds"].get(OURS)
        if ours:
            ratios = [compare(ours, scene["rounds"].get(peer)) for peer in peers]
            said = ["" if each is None else f"{each}" for each in ratios]
            lines.append([name, *(duration(percentile(ours, each)) for each in (50, 99)), *said])
    return table(["SystemEvent", "median", "99 %", *(f"/ {each}" for each in peers)], lines)


def broadcast_table(broadcasts: Sequence[dict[str, Any]]) -> str:
    """First, median and last of N, for each contender."""
    lines = []
    for each in broadcasts:
        for title, rounds in each["rounds"].items():
            rounds = [row for row in rounds if row]
            if rounds:
                places = [[row[0] for row in rounds], [row[len(row) // 2] for row in rounds]]
                places.append([row[-1] for row in rounds])
                cells = [duration(percentile(place, 50)) for place in places]
                worst = duration(max(places[2]))
                lines.append([f"{each['waiters']}: {title}", str(len(rounds)), *cells, worst])
    return table(["waiters", "rounds", "first", "median", "last", "last, at worst"], lines)


def spread_table(rows: Mapping[str, Sequence[float]], show: Any = duration) -> str:
    """Median, least, greatest of each row."""
    lines = [
        [name, str(len(row)), show(percentile(row, 50)), show(min(row)), show(max(row))]
        for name, row in rows.items()
        if row
    ]
    return table(["", "rounds", "median", "least", "greatest"], lines)


def facts(named: Mapping[str, Any]) -> str:
    """Names and values."""
    lines = ([name.replace("_", " "), shown(name, value)] for name, value in named.items())
    return table(["", ""], lines, style="") if named else ""


def side_by_side(named: Mapping[str, Any], columns: Sequence[str]) -> str:
    """{column_row: value} as a table; what belongs to no column before it."""
    cells: dict[str, dict[str, str]] = {}
    others: dict[str, Any] = {}
    for name, value in named.items():
        # The longest first: c_waiters_start_s is no row of waiters.
        fitting = [each for each in columns if name == each or name.startswith(f"{each}_")]
        if fitting:
            row = name[len(fitting[0]) :].strip("_") or "number"
            cells.setdefault(row, {})[fitting[0]] = shown(row, value)
        else:
            others[name] = value
    present = [each for each in columns if any(each in row for row in cells.values())]
    lines = (
        [bare(row).replace("_", " "), *(each.get(column, "") for column in present)]
        for row, each in cells.items()
    )
    heads = ["", *(column.replace("c_", "in C: ").replace("_loop", " loop") for column in present)]
    return facts(others) + (table(heads, lines) if cells else "")


def bare(name: str) -> str:
    """A name without the unit that shown() shows."""
    return name.removesuffix("_s").removesuffix("_kib")


def shown(name: str, value: Any) -> str:
    """A value, in the unit that its name ends with."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        if name.endswith("_s"):
            return duration(value * 1e9)
        if name.endswith("_kib"):
            return f"{number(value / 1024)} MiB"
        return str(value) if isinstance(value, int) else number(value, 4)
    return ", ".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)
