"""The report: what the judge found, as a picture, as text, and as the command that asks it again.

A failure in a log of a million calls, on a machine in another city, on a Tuesday night, is worth
nothing unless it can be understood from its report alone. "AssertionError: illegal history" is the
counterexample.

``python -m tests.harness.report < tests/harness/example.json > tests/harness/example.svg`` draws a
history as the README shows it.
"""

import sys
from html import escape
from pathlib import Path

from . import history, picture
from .history import letters
from .joint_window import JointWindow
from .judge import complaints, judge
from .timeline import CLEAR, EITHER, SET, duration, label, last_time, layout, stamp, timeline
from .timeline import slept as timeline_of_sleeper

#: The bound of promptness unless a history brings its own: far more than any scheduler takes.
BOUND_NS = 2_000_000_000
#: Sleepers named one by one; beyond that, they are counted.
MOST_COMPLAINTS = 20


def command(directory):
    """What to type to judge a saved history again."""
    return f"python -m tests.harness judge {directory}"


def _drawing(line):
    """The timeline in letters."""
    lines = []
    places = layout(line, 2, 1, 4)
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
    if line.gaps:
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
    for begin, end, words in line.spans:
        arrow = f" {words} ".center(max(0, column[end] - column[begin] - 1), "─")
        row(line.spans_name, " " * column[begin] + f"◂{arrow}▸")
    return lines


def text(verdict, epsilon_ns=0, directory=None):
    """An illegal verdict in letters: the flag, a row per call, what is wrong, what to type."""
    if isinstance(verdict.window, JointWindow):
        return _text_of_several(verdict.window, directory)
    line = timeline(verdict.window, epsilon_ns)
    about = f"To {verdict.about}: " if verdict.about else ""
    lines = [f"ILLEGAL  {about}{line.says}", "", *_drawing(line), ""]
    lines.append("the flag: ▔ must be set, ▁ must be clear, ░ either; ┄ may have happened or not")
    if line.hidden:
        lines.append(
            f"not drawn: {line.hidden} more of the sets and clears; they would help at no time"
        )
    if directory is not None:
        lines.append(f"judge it again: {command(directory)}")
    return "\n".join(lines)


def _text_of_several(window, directory):
    """What contradicts itself only for all events together, call by call."""
    asked = window.culprit.asked
    who = f"Worker {window.culprit.worker} got {label(window.culprit)}, but "
    if window.culprit.result:
        says = f"{letters(asked)} cannot have been set all at once during the call."
    elif len(letters(asked)) > 1:
        says = f"{letters(asked)} must all have been set, or its time-out had not passed."
    else:
        says = "no order of these calls explains it."
    first = min(each.invoked for each in window.evidence)
    lines = [f"ILLEGAL  {who}{says}", ""]
    calls = [(each, "") for each in window.evidence]
    calls += [(each, "  (or not)") for each in window.context]
    for each, note in sorted(calls, key=lambda call: (call[0].invoked, call[0].worker)):
        last = last_time(each)
        until = "…" if last is None else duration(last - first)
        mark = "  ✗" if each == window.culprit else note
        begins = duration(each.invoked - first)
        lines.append(f"worker {each.worker:<4} {begins:>10} to {until:<10} {label(each)}{mark}")
    if window.context:
        lines.append("(or not): it is illegal whether these took effect or not")
    if window.start is None:
        lines.append("all events are clear at first")
    if directory is not None:
        lines.append(f"judge it again: {command(directory)}")
    return "\n".join(lines)


def html(verdict, epsilon_ns=0, directory=None):
    """An illegal verdict as one self-contained HTML page; "" if there is only the text."""
    if isinstance(verdict.window, JointWindow):
        return ""
    return picture.html(
        timeline(verdict.window, epsilon_ns),
        "threading.Event could not have shown this",
        _how_to_ask_again(directory),
        text(verdict, epsilon_ns, directory),
    )


def _how_to_ask_again(directory):
    if directory is None:
        return ""
    return f"<p>Judge the saved log again: <code>{escape(command(directory))}</code></p>"


def _draw_sleeper(slept, operations, end, bound_ns, directory):
    """The worst of the complaints, in letters, and as a page beside the logs."""
    worst = max(slept, key=lambda each: each.delay)
    if worst.cause is not None:  # of several events: what let it go at last was one of the same
        operations = [each for each in operations if each.asked == worst.cause.asked]
    if end is None:
        end = history.end_of(operations)
    line = timeline_of_sleeper(worst, operations, end, bound_ns)
    others = ""
    if len(slept) > 1:
        others = f"The worst of {len(slept)} waits that took too long."
    lines = [f"SLEPT  {line.says} {others}".rstrip(), "", *_drawing(line), ""]
    lines.append(f"judge it again: {command(directory)}")
    words = "\n".join(lines)
    notes = f"<p>{others}</p>{_how_to_ask_again(directory)}"
    page = Path(directory) / "slept.html"
    page.write_text(picture.html(line, "Somebody slept too long", notes, words), encoding="utf-8")
    return f"\n{words}\npicture: {page}"


def judge_directory(directory, out=sys.stdout):
    """Judge a saved history, print the verdict, draw what is wrong beside the logs.

    Returns 0 if it is legal and nobody slept too long, 1 if not, 2 if that is unknown.
    """
    settings = history.load_settings(directory)
    epsilon_ns = settings.get("epsilon_ns", 0)
    bound_ns, end = settings.get("bound_ns", BOUND_NS), settings.get("end")
    pulses = settings.get("pulses_count", True)
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
        drawn = html(verdict, epsilon_ns, directory)
        picture_is = f"\npicture: {page}" if drawn else ""
        if drawn:
            page.write_text(drawn, encoding="utf-8")
        print(f"\n{text(verdict, epsilon_ns, directory)}{picture_is}", file=out)
    slept = complaints(operations, bound_ns, end, settings.get("set_at_end"), pulses)
    for complaint in slept[:MOST_COMPLAINTS]:
        print(complaint, file=out)
    if len(slept) > MOST_COMPLAINTS:
        print(f"and {len(slept) - MOST_COMPLAINTS} more", file=out)
    if slept:
        print(_draw_sleeper(slept, operations, end, bound_ns, directory), file=out)
    hung = settings.get("hung")
    if hung:
        print(f"killed, because they hung: workers {', '.join(map(str, hung))}", file=out)
    if verdict.kind == "illegal" or slept or hung:
        return 1
    return 0 if verdict.kind == "legal" else 2


def main():
    """A small history as JSON, from standard input, as an SVG."""
    verdict = judge(history.from_json(sys.stdin.read()))
    if verdict.kind != "illegal":
        sys.exit(f"{verdict.kind}: there is nothing to draw")
    sys.stdout.write(picture.svg(timeline(verdict.window)))


if __name__ == "__main__":
    main()
