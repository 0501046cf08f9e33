"""What there is to say and to draw about an illegal window, before any ink.

Times of one history differ by orders of magnitude: a store of 50 ns decides over a wait of 100 ms.
Drawn to scale, all that matters would be one pixel wide. So the axis keeps the *order* exactly and
shows distances roughly: each gap between two neighbouring times gets some width, longer ones get
more, and every bar becomes wide enough for its own words.
"""

import math
from typing import NamedTuple

from .history import Operation

SET, CLEAR, EITHER, NEITHER = "set", "clear", "either", "neither"


class Gap(NamedTuple):
    """Between two neighbouring times: what the flag can be there, by all but the culprit."""

    begin: int
    end: int
    flag: str


class Timeline(NamedTuple):
    """The window as rows of calls above a common axis."""

    operations: list[Operation]
    workers: list[int]
    times: list[int]  # where something begins or ends, sorted
    gaps: list[Gap]
    culprit: Operation
    context: list[Operation]
    hidden: int
    before: str  # what the flag is before the first time
    says: str  # what is wrong, in a sentence


def duration(nanoseconds):
    """Nanoseconds for people."""
    for unit, size in (("s", 10**9), ("ms", 10**6), ("µs", 1000)):
        if abs(nanoseconds) >= size:
            return f"{nanoseconds / size:.4g} {unit}"
    return f"{nanoseconds} ns"


def label(operation):
    """What the bar of a call says: wait(100 ms) → False."""
    limit = ""
    if operation.kind == "wait" and operation.timeout is not None:
        limit = duration(operation.timeout)
    if operation.returned is None:
        return f"{operation.kind}({limit}) " + ("killed" if operation.died else "pending")
    result = "" if operation.result is None else f" → {operation.result}"
    return f"{operation.kind}({limit}){result}"


def last_time(operation):
    """When the call returned, or its worker was dead; None if nobody knows."""
    return operation.returned if operation.returned is not None else operation.died


def timeline(window, epsilon_ns=0):
    """The Timeline of a window.Window."""
    operations = window.operations
    start = window.start if window.from_unknown else min(each.invoked for each in operations)
    end = window.culprit.returned
    times = {start, end}
    for each in operations:
        times |= {time for time in (each.invoked, last_time(each)) if time and start < time < end}
    times = sorted(times)
    meaning = {"0": CLEAR, "1": SET, "01": EITHER, "": NEITHER}
    gaps = [
        Gap(a, b, meaning[window.values_between(a, b)])
        for a, b in zip(times, times[1:], strict=False)
    ]
    return Timeline(
        operations,
        sorted({each.worker for each in operations}),
        times,
        gaps,
        window.culprit,
        window.context,
        window.hidden,
        EITHER if window.from_unknown else CLEAR,
        _explain(window.culprit, gaps, epsilon_ns),
    )


def _explain(culprit, gaps, epsilon_ns):
    """What is wrong, in a sentence."""
    who = f"Worker {culprit.worker} got {label(culprit)}, but "
    wanted, other = (SET, CLEAR) if culprit.result else (CLEAR, SET)
    if culprit.result or culprit.kind != "wait" or (culprit.timeout or 1) <= epsilon_ns:
        return who + f"the flag must have been {other} during the whole call."
    if culprit.timeout is None:
        return who + "a wait without a time-out has no reason to return False."
    length = culprit.timeout - epsilon_ns
    took = culprit.returned - culprit.invoked
    if took < length:
        return who + f"it returned after {duration(took)}, before its time-out."
    longest = run = 0
    for gap in gaps:
        if gap.begin >= culprit.invoked:
            run = run + gap.end - gap.begin if wanted == gap.flag or gap.flag == EITHER else 0
            longest = max(longest, run)
    if longest < length:
        return who + (
            f"the flag cannot have been clear for {duration(length)} without a break during the "
            f"call: {duration(longest)} at most."
        )
    return who + (
        f"no stretch of {duration(length)} during which the flag was clear agrees with the others."
    )


def stamp(line, i):
    """What the axis says of its i-th time: since the first, or since the one before if that is all
    that a few digits can tell."""
    words = duration(line.times[i] - line.times[0])
    if i and words == duration(line.times[i - 1] - line.times[0]):
        return "+" + duration(line.times[i] - line.times[i - 1])
    return words


def layout(line, narrowest, widths):
    """Where to draw each time: positions along the axis, from 0.

    `narrowest`: the least width of a gap; `widths`: what each operation's bar needs.
    """
    sizes = [gap.end - gap.begin for gap in line.gaps]
    least = min((size for size in sizes if size), default=1)
    wide = [narrowest * (1 + 0.5 * math.log10(max(1, size / least))) for size in sizes]
    place = {time: i for i, time in enumerate(line.times)}
    spans = []
    for operation, width in zip(line.operations, widths, strict=True):
        first = place[max(operation.invoked, line.times[0])]
        last = last_time(operation)
        spans.append((first, len(sizes) if last is None else place.get(last, len(sizes)), width))
    for first, last, width in sorted(spans, key=lambda span: span[1] - span[0]):
        lacking = width - sum(wide[first:last])
        if lacking > 0 and last > first:
            for i in range(first, last):
                wide[i] += lacking / (last - first)
    positions = [0.0]
    for each in wide:
        positions.append(positions[-1] + each)
    return dict(zip(line.times, positions, strict=True))
