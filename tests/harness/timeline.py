"""What there is to say and to draw about an illegal window or a sleeper, before any ink.

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


class Span(NamedTuple):
    """A length that matters, as a dimension line."""

    begin: int
    end: int
    words: str


class Timeline(NamedTuple):
    """Rows of calls above a common axis."""

    operations: list[Operation]
    workers: list[int]  # from top to bottom
    times: list[int]  # where something begins or ends, sorted
    gaps: list[Gap]  # of the flag; [] if it does not matter
    culprit: Operation
    context: list[Operation]
    hidden: int
    before: str  # what the flag is before the first time
    says: str  # what is wrong, in a sentence
    wants: str  # the same in few words, for the culprit
    shade: tuple[int, int]  # the times to look at
    spans: list[Span] = []
    spans_name: str = ""


def duration(nanoseconds):
    """Nanoseconds for people."""
    for unit, size in (("s", 10**9), ("ms", 10**6), ("µs", 1000)):
        if abs(nanoseconds) >= size:
            return f"{nanoseconds / size:.4g} {unit}"
    return f"{nanoseconds} ns"


def label(operation):
    """What the bar of a call says: wait(100 ms) → False."""
    limit = "" if operation.timeout is None else duration(operation.timeout)
    return operation.words(limit, "killed" if operation.died else "pending")


def last_time(operation):
    """When the call returned, or its worker was dead; None if nobody knows."""
    return operation.returned if operation.returned is not None else operation.died


def _rows(operations, culprit):
    """The workers in the order of their first calls, the culprit's last."""
    ordered = sorted(operations, key=lambda each: each.invoked)
    workers = dict.fromkeys(each.worker for each in ordered)
    del workers[culprit.worker]
    return [*workers, culprit.worker]


def timeline(window, epsilon_ns=0):
    """The Timeline of a window.Window."""
    operations = window.operations
    culprit = window.culprit
    start = window.start if window.from_unknown else min(each.invoked for each in operations)
    end = culprit.returned
    times = {start, end}
    for each in operations:
        times |= {time for time in (each.invoked, last_time(each)) if time and start < time < end}
    times = sorted(times)
    meaning = {"0": CLEAR, "1": SET, "01": EITHER, "": NEITHER}
    gaps = [
        Gap(a, b, meaning[window.values_between(a, b)])
        for a, b in zip(times, times[1:], strict=False)
    ]
    length = culprit.timeout - epsilon_ns if _is_timed(culprit, epsilon_ns) else None
    stretches = None
    if length is not None and end - culprit.invoked >= length:
        forced = [each for each in window.evidence if each != culprit and _sees_set(each)]
        stretches = _clear_stretches(culprit, forced, gaps)
        if any(last - first >= length for first, last in stretches):
            stretches = None  # it is not their lengths alone
    return Timeline(
        operations,
        _rows(operations, culprit),
        times,
        gaps,
        culprit,
        window.context,
        window.hidden,
        EITHER if window.from_unknown else CLEAR,
        *_explain(culprit, stretches, length),
        (max(culprit.invoked, start), end),
        [Span(*each, f"{duration(each[1] - each[0])} at most") for each in stretches or ()],
        "clear for",
    )


def _is_timed(wait, epsilon_ns):
    """Did it return False, and had to wait for that?"""
    return wait.kind == "wait" and not wait.result and (wait.timeout or 0) > max(0, epsilon_ns)


def _sees_set(operation):
    """Was the flag certainly set at some instant of this call?"""
    return operation.returned is not None and (operation.kind == "set" or bool(operation.result))


def _clear_stretches(wait, forced, gaps):
    """Between which times the flag can have been clear, at most, during a wait.

    `forced`: calls that saw it set. None of the stretches can contain one of them.
    """
    inside = {
        (each.invoked, each.returned)
        for each in forced
        if wait.invoked <= each.invoked and each.returned <= wait.returned
    }
    is_set = {(gap.begin, gap.end) for gap in gaps if gap.flag in (SET, NEITHER)}
    inside |= {(time, time) for gap in is_set for time in gap if wait.invoked <= time}
    narrow = without_wider(inside)
    begins = [wait.invoked, *(begin for begin, _ in narrow)]
    ends = [*(end for _, end in narrow), wait.returned]
    pairs = zip(begins, ends, strict=True)
    return [(a, b) for a, b in pairs if a < b and (a, b) not in is_set]


def without_wider(intervals):
    """The intervals that contain no other one, sorted."""
    narrow = []
    for begin, end in sorted(set(intervals), key=lambda each: (each[0], -each[1])):
        while narrow and narrow[-1][1] >= end:
            narrow.pop()
        narrow.append((begin, end))
    return narrow


def _explain(culprit, stretches, length):
    """What is wrong, in a sentence, and what the culprit would need, in few words."""
    who = f"Worker {culprit.worker} got {label(culprit)}, but "
    if culprit.kind == "wait" and not culprit.result and culprit.timeout is None:
        return (
            who + "a wait without a time-out has no reason to return False.",
            "has no time-out that could end it",
        )
    wanted, other = (SET, CLEAR) if culprit.result else (CLEAR, SET)
    always = who + f"the flag must have been {other} during the whole call."
    if length is None:
        return always, f"needs an instant at which the flag is {wanted}"
    wants = f"needs the flag clear for {duration(length)} without a break"
    took = culprit.returned - culprit.invoked
    if took < length:
        return who + f"it returned after {duration(took)}, before its time-out.", wants
    if stretches == []:
        return always, wants
    if stretches is not None:
        longest = max(last - first for first, last in stretches)
        return who + (
            f"the flag cannot have been clear for {duration(length)} without a break during the "
            f"call: {duration(longest)} at most."
        ), wants
    return who + (
        f"no stretch of {duration(length)} during which the flag was clear agrees with the others."
    ), wants


def slept(complaint, operations, end, bound_ns):
    """The Timeline of a liveness.Complaint; `end`: until when the waits were watched."""
    kind, wait, cause, delay = complaint
    until = wait.returned
    if until is None:
        until = end if wait.died is None else min(end, wait.died)
    since = until - delay
    who = f"Worker {wait.worker} "
    calls = [wait] if cause is None else [cause, wait]
    gaps, spans = [], [Span(since, until, f"{duration(delay)} too long")]
    wants = "should have ended with its time-out"
    if cause is not None:
        wants = "the set() should have ended it"
        after = f"after {label(cause)} of worker {cause.worker} had returned"
    elif kind == "sleeper":
        wants = "should have ended: the event was set"
        after = "after the event was certainly set"
        gaps = [Gap(since, until, SET)]
        if wait.invoked < since:
            gaps.insert(0, Gap(wait.invoked, since, EITHER))
    if kind == "late":
        says = who + f"got {label(wait)} only {duration(delay)} {after}."
        # What let it go at last, perhaps.
        sets = (each for each in operations if each.kind == "set")
        later = [each for each in sets if since < each.invoked < until]
        calls += sorted(later, key=lambda each: each.invoked)[-1:]
        if later:
            wants = "the first set() should have ended it"
    elif kind == "sleeper":
        still = "is still in" if wait.died is None else "was killed, still in"
        says = who + f"{still} wait(), {duration(delay)} {after}."
    else:
        says = who + f"got {label(wait)} {duration(delay)} after the end of its time-out."
        if wait.returned is None:
            says = who + f"is still in wait(), {duration(delay)} after the end of its time-out."
        spans.insert(0, Span(wait.invoked, since, f"its time-out, {duration(wait.timeout)}"))
    times = {since, until, wait.invoked}
    for each in calls:
        times |= {time for time in (each.invoked, last_time(each)) if time and time <= until}
    return Timeline(
        calls,
        _rows(calls, wait),
        sorted(times),
        gaps,
        wait,
        [],
        0,
        EITHER,
        f"{says} Allowed: {duration(bound_ns)}.",
        wants,
        (since, until),
        spans,
    )


def stamp(line, i):
    """What the axis says of its i-th time: since the first, or since the one before if that is all
    that a few digits can tell."""
    words = duration(line.times[i] - line.times[0])
    if i and words == duration(line.times[i - 1] - line.times[0]):
        return "+" + duration(line.times[i] - line.times[i - 1])
    return words


def layout(line, narrowest, letter, margin):
    """Where to draw each time: positions along the axis, from 0.

    `narrowest`: the least width of a gap; `letter`, `margin`: what the words in a bar need.
    """
    sizes = [b - a for a, b in zip(line.times, line.times[1:], strict=False)]
    least = min((size for size in sizes if size), default=1)
    wide = [narrowest * (1 + 0.5 * math.log10(max(1, size / least))) for size in sizes]
    place = {time: i for i, time in enumerate(line.times)}
    spans = []
    for operation in line.operations:
        first = place[max(operation.invoked, line.times[0])]
        last = place.get(last_time(operation), len(sizes))
        spans.append((first, last, len(label(operation))))
    spans += [(place[each.begin], place[each.end], len(each.words)) for each in line.spans]
    for first, last, letters in sorted(spans, key=lambda span: span[1] - span[0]):
        lacking = letters * letter + margin - sum(wide[first:last])
        if lacking > 0 and last > first:
            for i in range(first, last):
                wide[i] += lacking / (last - first)
    positions = [0.0]
    for each in wide:
        positions.append(positions[-1] + each)
    return dict(zip(line.times, positions, strict=True))
