"""The report: what the judge found, as a picture, as text, and as the command that asks it again.

A failure in a log of a million calls, on a machine in another city, on a Tuesday night, is worth
nothing unless it can be understood from its report alone. "AssertionError: illegal history" is the
counterexample.
"""

import sys
from html import escape
from pathlib import Path

from . import history, picture
from .checker import judge
from .liveness import complaints
from .timeline import CLEAR, EITHER, SET, duration, label, last_time, layout, stamp, timeline

#: The bound of promptness unless a history brings its own: far more than any scheduler takes.
BOUND_NS = 2_000_000_000


def command(directory):
    """What to type to judge a saved history again."""
    return f"python -m tests.harness judge {directory}"


def text(verdict, epsilon_ns=0, directory=None):
    """An illegal verdict in letters: the flag, a row per call, what is wrong, what to type."""
    line = timeline(verdict.window, epsilon_ns)
    lines = [f"ILLEGAL  {line.says}", ""]
    places = layout(line, 2, [len(label(each)) + 4 for each in line.operations])
    column = {time: round(place) for time, place in places.items()}
    width = max(column.values()) + 1

    def row(name, cells):
        lines.append(f"{name:<12}{cells}".rstrip())

    stamps = ""
    for i, time in enumerate(line.times):
        if len(stamps) < column[time] or not stamps:
            stamps = stamps.ljust(column[time]) + stamp(line, i) + " "
    row("time", stamps)
    sign = {SET: "▔", CLEAR: "▁", EITHER: "░"}
    flag = [" "] * width
    for gap in line.gaps:
        cells = range(column[gap.begin], column[gap.end])
        for i in cells:
            flag[i] = sign.get(gap.flag, "?")
        words = f" {gap.flag} "
        if len(words) + 2 <= len(cells):
            at = cells.start + (len(cells) - len(words)) // 2
            flag[at : at + len(words)] = words
    row("the flag", "".join(flag))
    for operation in line.operations:
        last = last_time(operation)
        is_torn = operation.invoked < line.times[0], last is None or last > line.times[-1]
        begin = 0 if is_torn[0] else column[operation.invoked]
        end = width if is_torn[1] else column[last]
        filler = "┄" if operation in line.context else "─"
        words = f" {label(operation)} "
        bar = words.center(max(end - begin - 1, len(words)), filler)
        bar = ("‹" if is_torn[0] else "├") + bar + ("›" if is_torn[1] else "┤")
        mark = "  ✗" if operation == line.culprit else ""
        row(f"worker {operation.worker}", " " * begin + bar + mark)
    lines += ["", "the flag: ▔ must be set, ▁ must be clear, ░ either; ┄ may have happened or not"]
    if line.hidden:
        lines.append(
            f"not drawn: {line.hidden} more of the sets and clears; they would help at no time"
        )
    if directory is not None:
        lines.append(f"judge it again: {command(directory)}")
    return "\n".join(lines)


def html(verdict, epsilon_ns=0, directory=None, title="threading.Event could not have shown this"):
    """An illegal verdict as one self-contained HTML page."""
    notes = ""
    if directory is not None:
        notes = f"<p>Judge the saved log again: <code>{escape(command(directory))}</code></p>"
    return picture.html(
        timeline(verdict.window, epsilon_ns), title, notes, text(verdict, epsilon_ns, directory)
    )


def judge_directory(directory, out=sys.stdout):
    """Judge a saved history, print the verdict, draw what is illegal beside the logs.

    Returns 0 if it is legal and nobody slept too long, 1 if not, 2 if that is unknown.
    """
    settings = history.load_settings(directory)
    epsilon_ns = settings.get("epsilon_ns", 0)
    operations = history.load(directory)
    verdict = judge(operations, epsilon_ns)
    workers = len({each.worker for each in operations})
    print(
        f"{len(operations):,} operations of {workers} workers: {verdict.kind} "
        f"(ε = {duration(epsilon_ns)}, at most {verdict.peak} states)",
        file=out,
    )
    if verdict.kind == "illegal":
        page = Path(directory) / "illegal.html"
        page.write_text(html(verdict, epsilon_ns, directory), encoding="utf-8")
        print(f"\n{text(verdict, epsilon_ns, directory)}\npicture: {page}", file=out)
    slept = complaints(
        operations,
        settings.get("bound_ns", BOUND_NS),
        settings.get("end"),
        settings.get("set_at_end"),
    )
    for complaint in slept:
        print(complaint, file=out)
    if verdict.kind == "illegal" or slept:
        return 1
    return 0 if verdict.kind == "legal" else 2
