"""The picture of an illegal window, or of a sleeper: an SVG, and a page that needs nothing else.

It is read like a logic analyser: above, the flag as a trace that is high where it must be set, low
where it must be clear, and a grey band where it may be either; below, a row per worker with a bar
per call. The call that cannot be explained is outlined, and its time is shaded right up to the
trace, so that the eye meets the contradiction: the call wants what the trace never is. Where a
length decides, it is drawn as a dimension line.

Nothing depends on colour alone (high and low, solid and dashed, a cross), and the colours are those
of Okabe and Ito, which people with any colour vision tell apart. Why not a list of calls? In a list
of two hundred lines the two that matter look like the others.
"""

from html import escape

from .page import COLOURS, INK, page
from .strips import LETTER, strips
from .timeline import (
    CLEAR,
    EITHER,
    NEITHER,
    SET,
    duration,
    label,
    last_time,
    stamp,
    without_wider,
)

_TOP, _TRACE, _ROW, _BAR, _LEVEL = 34, 42, 40, 26, 22
_SMALL = 6.5  # no less than the mean width of a small letter


def _lanes(line, operations):
    """A lane for every call: that of its worker, or one below it if a call is inside another."""
    lanes, names, busy = {}, [], []
    for worker in line.workers:
        first = len(names)
        for operation in (each for each in operations if each.worker == worker):
            free = (i for i in range(first, len(names)) if busy[i] <= operation.invoked)
            lane = next(free, None)
            if lane is None:
                lane = len(names)
                names.append("" if lane > first else f"worker {worker}")
                busy.append(0)
            lanes[operation] = lane
            busy[lane] = last_time(operation) or 1 << 80
    return lanes, names


def _levels(spans):
    """A level for each of these (left, right), so that none of them meet; how many there are."""
    reached, levels = [], []
    for left, right in spans:
        free = (i for i, edge in enumerate(reached) if edge <= left)
        level = next(free, len(reached))
        reached[level : level + 1] = [right]
        levels.append(level)
    return levels, len(reached)


def _first_that_fits(room, letter, *words):
    """The first of these words that fit there, else ""."""
    return next((each for each in words if len(each) * letter <= room), "")


def _text(x, y, words, style="", anchor="middle"):
    style = f'class="{style}" ' if style else ""
    return f'<text {style}x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(words)}</text>'


def _trace(line, strip, high):
    """The flag: high, low, or a band."""
    low = high + _TRACE
    lead = (strip.left - 8, strip.x(strip.begin), line.before)
    pieces = [lead] if strip.is_first else []
    for gap in line.gaps:
        if gap.begin < strip.end and gap.end > strip.begin:
            pieces.append((strip.x(gap.begin), strip.x(gap.end), gap.flag))
    merged = []
    for begin, end, flag in pieces:
        if merged and merged[-1][2] == flag:
            begin = merged.pop()[0]
        merged.append((begin, end, flag))
    out = []
    level = None
    for begin, end, flag in merged:
        style, now, words = {
            SET: ("must-set", high, "must be set"),
            CLEAR: ("must-clear", low, "must be clear"),
            EITHER: ("either", None, "may be either"),
            NEITHER: ("neither", None, "can be neither"),
        }[flag]
        out.append(
            f'<rect class="{style}" x="{begin:.1f}" y="{high}" width="{end - begin:.1f}" '
            f'height="{_TRACE}"/>'
        )
        if now is not None:
            jump = f"V{now}" if level is not None else ""
            out.append(f'<path class="trace" d="M{begin:.1f},{level or now}{jump}H{end:.1f}"/>')
        level = now
        words = _first_that_fits(end - begin - 12, LETTER, words, flag)
        if words:
            middle, half = (begin + end) / 2, len(words) * LETTER / 2 + 2
            if flag == EITHER:
                out.append(
                    f'<rect class="paper" x="{middle - half:.1f}" y="{high + 12}" '
                    f'width="{2 * half:.1f}" height="19" rx="4"/>'
                )
            out.append(_text(middle, high + 26, words))
    out.append(_text(0, high + 26, "the flag", "name", "start"))
    return out


def _instants(line, is_set):
    """Where the flag must have had a value once, although nobody knows at which instant."""
    found = []
    for operation in line.operations:
        if operation == line.culprit or operation in line.context or operation.returned is None:
            continue
        if operation.kind == "wait" and operation.result is False:
            continue
        if is_set != (operation.kind == "set" or bool(operation.result)):
            continue
        inside = [
            gap.flag
            for gap in line.gaps
            if operation.invoked <= gap.begin and gap.end <= operation.returned
        ]
        if (SET if is_set else CLEAR) not in inside and operation.invoked >= line.times[0]:
            found.append((operation.invoked, min(operation.returned, line.times[-1])))
    return without_wider(found)


def _brackets(line, strip, is_set, y):
    """Brackets above the trace (set), or below it (clear); the height that they take."""
    flag = SET if is_set else CLEAR
    found = [each for each in _instants(line, is_set) if strip.covers(*each)]
    drawn, spans = [], []
    for begin, end in found:
        left, right = strip.x(begin) + 1, strip.x(end) - 1
        words = _first_that_fits(
            right - left, _SMALL, f"{flag} at some instant in here", f"{flag} in here", flag
        )
        half = max(right - left, len(words or flag) * _SMALL) / 2
        drawn.append((left, right, words or flag, begin < strip.begin, end > strip.end))
        spans.append(((left + right) / 2 - half, (left + right) / 2 + half))
    levels, count = _levels(spans)
    out = []
    for (left, right, words, goes_left, goes_right), level in zip(drawn, levels, strict=True):
        at = y + (count - level) * _LEVEL - 6 if is_set else y + level * _LEVEL + 6
        tip = 5 if is_set else -5
        start = f"M{left:.1f},{at}" if goes_left else f"M{left:.1f},{at + tip}v{-tip}"
        out.append(
            f'<path class="line" d="{start}H{right:.1f}{"" if goes_right else f"v{tip}"}"/>'
            f'<circle class="dot" cx="{(left + right) / 2:.1f}" cy="{at}" r="3.2"/>'
        )
        out.append(_text((left + right) / 2, at - 6 if is_set else at + 14, words, "tick"))
    return out, count * _LEVEL


def _spans(line, strip, y):
    """The lengths that matter, as dimension lines; the height that they take."""
    found = [each for each in line.spans if strip.covers(each.begin, each.end)]
    edges = [(strip.x(each.begin), strip.x(each.end)) for each in found]
    # Wide enough for the words, around the middle.
    wide = []
    for (left, right), span in zip(edges, found, strict=True):
        lacking = max(0, len(span.words) * LETTER + 10 - (right - left)) / 2
        wide.append((left - lacking, right + lacking))
    levels, count = _levels(wide)
    out = [_text(0, y + 19, line.spans_name, "name", "start")] if found else []
    for (left, right), span, level in zip(edges, found, levels, strict=True):
        at = y + level * 30 + 24
        path = f"M{left:.1f},{at}H{right:.1f}"
        if span.begin >= strip.begin:
            path += f"M{left + 6:.1f},{at - 4}L{left:.1f},{at}l6,4M{left:.1f},{at - 7}v14"
        if span.end <= strip.end:
            path += f"M{right - 6:.1f},{at - 4}L{right:.1f},{at}l-6,4M{right:.1f},{at - 7}v14"
        is_wrong = (span.begin, span.end) == line.shade
        out.append(f'<path class="line" d="{path}"/>')
        out.append(_text((left + right) / 2, at - 7, span.words, "wrong" if is_wrong else ""))
    return out, count * 30 + 8 if count else 0


def _bar(line, strip, operation, y):
    """One call, and where it ends."""
    last = last_time(operation)
    is_torn_left = operation.invoked < strip.begin
    is_torn_right = last is None or last > strip.end
    begin = strip.left if is_torn_left else strip.x(operation.invoked)
    end = strip.right - 8 if is_torn_right else strip.x(last)
    end = max(end, begin + 5)
    group = "culprit" if operation == line.culprit else ""
    if operation in line.context:
        group = "context"
    out = [
        f'<g class="{group}"><title>{escape(_details(line, operation))}</title>'
        f'<rect class="bar {operation.kind}" x="{begin:.1f}" y="{y}" width="{end - begin:.1f}" '
        f'height="{_BAR}"/>'
    ]
    for is_torn, at, away in ((is_torn_left, begin, -8), (is_torn_right, end, 8)):
        if is_torn:
            path = f"M{at - away:.1f},{y - 4}l4,9l-8,8l8,8l-4,9"
            out.append(f'<path class="paper" d="{path}h{2 * away}v-34z"/>')
            out.append(f'<path class="torn" d="{path}"/>')
    words = label(operation)
    room = end - begin - 8 - 10 * (is_torn_left + is_torn_right)
    shown = _first_that_fits(room, LETTER * 0.95, words, f"{operation.kind}()", operation.kind)
    if shown == words or (shown and last is not None and last > strip.end):
        out.append(_text((begin + end) / 2, y + _BAR / 2 + 4.5, shown, operation.kind))
    elif not is_torn_right:
        out.append(_text(end + 6, y + _BAR / 2 + 4.5, words, "", "start"))
    return [*out, "</g>"], end


def _details(line, operation):
    first = line.times[0]
    last = last_time(operation)
    until = "…" if last is None else duration(last - first)
    return (
        f"worker {operation.worker}, call {operation.number}: {label(operation)}, "
        f"from {duration(operation.invoked - first)} to {until}"
    )


def _axis(line, strip, bottom):
    """A thin line for every time, and its words unless they would meet others."""
    out = []
    taken = []
    first, last = line.times.index(strip.begin), line.times.index(strip.end)
    for i in [first, last, *range(first + 1, last)]:
        x, words = strip.x(line.times[i]), stamp(line, i)
        out.append(f'<path class="grid" d="M{x:.1f},{_TOP - 8}V{bottom}"/>')
        half = len(words) * _SMALL / 2 + 3
        if all(abs(x - other) >= half + room for other, room in taken):
            taken.append((x, half))
            out.append(_text(x, _TOP - 14, words, "tick"))
    return [*out, _text(0, _TOP - 14, "time", "tick", "start")]


def _draw(line, strip, style):
    """One strip as an SVG element."""
    trace, y = [], _TOP
    if line.gaps:
        above, height = _brackets(line, strip, True, y)
        trace += above
        y += height + 4
        trace += _trace(line, strip, y)
        y += _TRACE
        below, height = _brackets(line, strip, False, y)
        trace += below
        y += height + 8
    spans, height = _spans(line, strip, y)
    rows = y + height
    operations = [each for each in line.operations if strip.covers(each.invoked, last_time(each))]
    lanes, names = _lanes(line, operations)
    bottom = rows + len(names) * _ROW + 6
    bars = []
    for lane, name in enumerate(names):
        bars.append(_text(0, rows + lane * _ROW + _ROW / 2 + 4.5, name, "name", "start"))
    for operation in operations:
        y = rows + lanes[operation] * _ROW + (_ROW - _BAR) / 2
        bar, end = _bar(line, strip, operation, y)
        bars += bar
        if operation == line.culprit and strip.is_last:
            end = min(end, strip.x(strip.end))
            bars.append(f'<path class="cross" d="M{end - 7:.1f},{y - 7}l14,14m0,-14l-14,14"/>')
            bars.append(_text(strip.x(strip.end), bottom + 18, f"✗ {line.wants}", "wrong", "end"))
    height = bottom + (30 if strip.is_last else 4)
    margin = 14 if style else 0
    width = strip.right + 2 * margin
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{-margin} 0 {width:.0f} {height}" '
        f'width="{width:.0f}" role="img" aria-label="{escape(line.says)}">',
        style,
        '<defs><pattern id="hatch" width="7" height="7" patternUnits="userSpaceOnUse" '
        'patternTransform="rotate(45)"><rect width="2.2" height="7" fill="var(--either)"/>'
        "</pattern></defs>",
    ]
    if style:
        out.append(
            f'<rect class="paper" x="{-margin}" width="{width:.0f}" height="{height}" rx="6"/>'
        )
    if strip.covers(*line.shade):
        begin, end = map(strip.x, line.shade)
        out.append(
            f'<rect class="shade" x="{begin:.1f}" y="{_TOP - 6}" '
            f'width="{max(3, end - begin):.1f}" height="{bottom - _TOP + 6}"/>'
        )
    return "\n".join([*out, *_axis(line, strip, bottom), *trace, *spans, *bars, "</svg>\n"])


def svg(line):
    """The timeline as an SVG file, in one strip, however long."""
    (strip,) = strips(line, float("inf"))
    return _draw(line, strip, f"<style>{COLOURS}{INK}</style>")


def html(line, heading, notes, text):
    """The whole page, that needs nothing else; see page.py."""
    drawn = "".join(_draw(line, strip, "") for strip in strips(line))
    return page(line, drawn, heading, notes, text)
