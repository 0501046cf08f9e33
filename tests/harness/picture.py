"""The picture of an illegal window: one HTML file that needs nothing else.

It is read like a logic analyser: above, the flag as a trace that is high where it must be set, low
where it must be clear, and a grey band where it may be either; below, a row per worker with a bar
per call. The call that cannot be explained is outlined, and its time is shaded right up to the
trace, so that the eye meets the contradiction: the call wants what the trace never is.

Nothing depends on colour alone (high and low, solid and dashed, a cross), and the colours are those
of Okabe and Ito, which people with any colour vision tell apart. Why not a list of calls? In a list
of two hundred lines the two that matter look like the others.
"""

from html import escape

from .timeline import CLEAR, EITHER, NEITHER, SET, duration, label, last_time, layout, stamp

_LEFT, _RIGHT, _LEAD = 112, 40, 44  # room for names, for pending bars, for the time before
_TOP, _TRACE, _ROW, _BAR = 54, 92, 40, 26
_HIGH, _LOW = _TOP + 20, _TOP + _TRACE - 30
_LETTER = 7.3

_STYLE = """
:root { color-scheme: light dark; --paper: #ffffff; --ink: #1b1f24; --soft: #5c6670;
  --grid: #d9dee3; --set: #0072b2; --clear: #e69f00; --read: #e9edf1; --read-ink: #1b1f24;
  --wrong: #c2410c;
  --shade: rgba(213, 94, 0, 0.11); --either: #c9cfd6; --box: #f5f7f9; }
@media (prefers-color-scheme: dark) { :root { --paper: #14181d; --ink: #e8ecf0; --soft: #9aa5b1;
  --grid: #2c343d; --set: #56b4e9; --clear: #f0b429; --read: #2f3944; --read-ink: #e8ecf0;
  --wrong: #ff8a4c; --shade: rgba(255, 138, 76, 0.15); --either: #46515d; --box: #1c2229; } }
@media print { :root { color-scheme: light; --paper: #fff; --ink: #000; --soft: #444; --grid: #ccc;
  --set: #0072b2; --clear: #e69f00; --read: #eee; --read-ink: #000; --wrong: #b33c00;
  --shade: rgba(213, 94, 0, 0.12); --either: #bbb; --box: #fff; }
  * { print-color-adjust: exact; -webkit-print-color-adjust: exact; } }
body { margin: 2rem auto; max-width: 75rem; padding: 0 1.5rem; background: var(--paper);
  color: var(--ink); font: 16px/1.5 system-ui, "DejaVu Sans", sans-serif; }
h1 { font-size: 1.35rem; margin: 0 0 .3rem; } h1 b { color: var(--wrong); }
p { margin: .4rem 0; max-width: 60rem; }
.soft, figcaption { color: var(--soft); font-size: .88rem; }
figure { margin: 1.4rem 0; overflow-x: auto; } svg { display: block; min-width: 60%; height: auto; }
code, pre { font: .86rem/1.45 ui-monospace, "DejaVu Sans Mono", monospace; background: var(--box);
  border-radius: 4px; padding: .1rem .35rem; } pre { padding: .8rem 1rem; overflow-x: auto; }
text { font: 13px system-ui, "DejaVu Sans", sans-serif; fill: var(--ink); }
.tick { font-size: 11px; fill: var(--soft); } .name { font-weight: 600; }
.grid { stroke: var(--grid); stroke-width: 1; } .shade { fill: var(--shade); }
.bar { stroke-width: 1.5; rx: 5px; } .bar.set { fill: var(--set); stroke: var(--set); }
.bar.clear { fill: var(--clear); stroke: var(--clear); }
.bar.is_set, .bar.wait { fill: var(--read); stroke: var(--soft); }
.words.set { fill: var(--paper); font-weight: 600; }
.words.clear { fill: #1b1300; font-weight: 600; }
.words { fill: var(--read-ink); } .context { opacity: .55; }
.context .bar { fill: none; stroke-dasharray: 5 4; } .context .words { fill: var(--ink); }
.culprit .bar { stroke: var(--wrong); stroke-width: 3.5; } .cross { stroke: var(--wrong);
  stroke-width: 3.5; stroke-linecap: round; } .wrong { fill: var(--wrong); font-weight: 600; }
.trace { stroke: var(--ink); stroke-width: 3; fill: none; stroke-linejoin: round; }
.must-set { fill: var(--set); opacity: .28; } .must-clear { fill: var(--clear); opacity: .32; }
.either { fill: url(#hatch); } .neither { fill: var(--wrong); opacity: .5; }
.bracket { stroke: var(--ink); stroke-width: 1.3; fill: none; }
.torn { stroke: var(--ink); stroke-width: 1.5; fill: none; opacity: .6; }
"""


def _bar_width(operation):
    return len(label(operation)) * _LETTER + 22


def _lanes(line):
    """A lane for every call: that of its worker, or one below it if a call is inside another."""
    lanes, names, busy = {}, [], []
    for worker in line.workers:
        own = range(len(names), len(names))
        for operation in (each for each in line.operations if each.worker == worker):
            lane = next((i for i in own if busy[i] <= operation.invoked), None)
            if lane is None:
                lane = len(names)
                names.append("" if len(own) else f"worker {worker}")
                busy.append(0)
                own = range(lane if not len(own) else own.start, lane + 1)
            lanes[operation] = lane
            busy[lane] = last_time(operation) or 1 << 80
    return lanes, names


def _trace(line, x):
    """The flag: high, low, or a band."""
    high, low = _HIGH, _LOW
    pieces = [(_LEFT, x(line.times[0]), line.before)]
    pieces += [(x(gap.begin), x(gap.end), gap.flag) for gap in line.gaps]
    merged = []
    for begin, end, flag in pieces:
        if merged and merged[-1][2] == flag:
            begin = merged.pop()[0]
        merged.append((begin, end, flag))
    out = []
    level = None
    for begin, end, flag in merged:
        room = end - begin
        style = {SET: "must-set", CLEAR: "must-clear", EITHER: "either", NEITHER: "neither"}[flag]
        out.append(
            f'<rect class="{style}" x="{begin:.1f}" y="{high}" width="{room:.1f}" '
            f'height="{low - high}"/>'
        )
        now = {SET: high, CLEAR: low}.get(flag)
        if now is not None:
            if level is not None:
                out.append(f'<path class="trace" d="M{begin:.1f},{level}V{now}"/>')
            out.append(f'<path class="trace" d="M{begin:.1f},{now}H{end:.1f}"/>')
        level = now
        words = {SET: "must be set", CLEAR: "must be clear", EITHER: "either", NEITHER: "neither"}
        text = words[flag] if room > len(words[flag]) * _LETTER else flag
        if room > len(text) * _LETTER:
            y = (high + low) / 2 + 5
            if flag == EITHER:
                half = len(text) * _LETTER / 2 + 3
                out.append(
                    f'<rect x="{(begin + end) / 2 - half:.1f}" y="{y - 14}" '
                    f'width="{2 * half:.1f}" height="19" rx="4" fill="var(--paper)"/>'
                )
            out.append(
                f'<text x="{(begin + end) / 2:.1f}" y="{y}" text-anchor="middle">{text}</text>'
            )
    out.append(f'<text class="name" x="0" y="{(high + low) / 2 + 5}">the flag</text>')
    return out


def _brackets(line, x):
    """Where the flag must have had a value once, although nobody knows at which instant."""
    out = []
    for operation in line.operations:
        if operation == line.culprit or operation in line.context or operation.returned is None:
            continue
        if operation.kind == "wait" and operation.result is False:
            continue
        is_set = operation.kind == "set" or bool(operation.result)
        inside = [
            gap.flag
            for gap in line.gaps
            if operation.invoked <= gap.begin and gap.end <= operation.returned
        ]
        if (SET if is_set else CLEAR) in inside or operation.invoked < line.times[0]:
            continue
        begin, end = x(operation.invoked), x(min(operation.returned, line.times[-1]))
        y, tip = (_HIGH - 7, 5) if is_set else (_LOW + 7, -5)
        words = "set once in here" if is_set else "clear once in here"
        if end - begin < len(words) * 6.2:
            words = words.split()[0]
        out.append(
            f'<path class="bracket" d="M{begin + 1:.1f},{y + tip}v{-tip}H{end - 1:.1f}v{tip}"/>'
            f'<circle cx="{(begin + end) / 2:.1f}" cy="{y}" r="3.2" fill="var(--ink)"/>'
            f'<text class="tick" x="{(begin + end) / 2:.1f}" y="{y - 6 if is_set else y + 15}" '
            f'text-anchor="middle">{words}</text>'
        )
    return out


def _bar(line, operation, lane, x, right):
    """One call."""
    begin = x(max(operation.invoked, line.times[0]))
    last = last_time(operation)
    is_torn_left = operation.invoked < line.times[0]
    is_torn_right = last is None or last > line.times[-1]
    if is_torn_left:
        begin -= _LEAD * 0.7
    end = right - 8 if is_torn_right else x(last)
    end = max(end, begin + 5)
    y = _TOP + _TRACE + lane * _ROW + (_ROW - _BAR) / 2
    classes = [operation.kind]
    group = "culprit" if operation == line.culprit else ""
    if operation in line.context:
        group = "context"
    out = [
        f'<g class="{group}"><title>{escape(_details(line, operation))}</title>'
        f'<rect class="bar {classes[0]}" x="{begin:.1f}" y="{y}" width="{end - begin:.1f}" '
        f'height="{_BAR}"/>'
    ]
    for torn, at in ((is_torn_left, begin), (is_torn_right, end)):
        if torn:
            out.append(
                f'<path class="torn" d="M{at:.1f},{y - 3}l4,8l-8,8l8,8l-4,{_BAR - 18}" '
                f'style="stroke:var(--paper);stroke-width:5;opacity:1"/>'
                f'<path class="torn" d="M{at:.1f},{y - 3}l4,8l-8,8l8,8l-4,{_BAR - 18}"/>'
            )
    words = label(operation)
    fits = end - begin >= len(words) * _LETTER + 6
    where = (begin + end) / 2 if fits else end + 6
    anchor = "middle" if fits else "start"
    out.append(
        f'<text class="{f"words {operation.kind}" if fits else ""}" x="{where:.1f}" '
        f'y="{y + _BAR / 2 + 4.5}" text-anchor="{anchor}">{escape(words)}</text></g>'
    )
    return out, begin, end, y


def _details(line, operation):
    first = line.times[0]
    last = last_time(operation)
    until = "…" if last is None else duration(last - first)
    return (
        f"worker {operation.worker}, call {operation.number}: {label(operation)}, "
        f"from {duration(operation.invoked - first)} to {until}"
    )


def svg(line):
    """The timeline as an SVG element."""
    places = layout(line, 34, [_bar_width(each) for each in line.operations])
    shift = max(0, 620 - max(places.values()))
    stretch = 1 + shift / max(1, max(places.values()))

    def x(time):
        return _LEFT + _LEAD + places[time] * stretch

    lanes, names = _lanes(line)
    right = x(line.times[-1]) + _RIGHT
    bottom = _TOP + _TRACE + len(names) * _ROW + 8
    height = bottom + 34
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {right:.0f} {height}" '
        f'width="{right:.0f}" role="img" aria-label="{escape(line.says)}">',
        '<defs><pattern id="hatch" width="7" height="7" patternUnits="userSpaceOnUse" '
        'patternTransform="rotate(45)"><rect width="2.2" height="7" fill="var(--either)"/>'
        "</pattern></defs>",
    ]
    begin, end = x(max(line.culprit.invoked, line.times[0])), x(line.culprit.returned)
    out.append(
        f'<rect class="shade" x="{begin:.1f}" y="{_TOP - 6}" width="{max(3, end - begin):.1f}" '
        f'height="{bottom - _TOP + 6}"/>'
    )
    edge = -1.0
    for i, time in enumerate(line.times):
        out.append(
            f'<line class="grid" x1="{x(time):.1f}" x2="{x(time):.1f}" y1="{_TOP - 8}" '
            f'y2="{bottom}"/>'
        )
        words = stamp(line, i)
        half = len(words) * 3.2
        if x(time) - half > edge + 6:
            edge = x(time) + half
            out.append(
                f'<text class="tick" x="{x(time):.1f}" y="{_TOP - 14}" '
                f'text-anchor="middle">{words}</text>'
            )
    out.append(f'<text class="tick" x="0" y="{_TOP - 14}">time</text>')
    out += _trace(line, x)
    out += _brackets(line, x)
    for lane, name in enumerate(names):
        y = _TOP + _TRACE + lane * _ROW + _ROW / 2 + 4.5
        out.append(f'<text class="name" x="0" y="{y}">{name}</text>')
    for operation in line.operations:
        bar, begin, end, y = _bar(line, operation, lanes[operation], x, right)
        out += bar
        if operation == line.culprit:
            at = end - 1
            out.append(
                f'<path class="cross" d="M{at - 7:.1f},{y - 7}l14,14m0,-14l-14,14"/>'
                f'<text class="wrong" x="{end:.1f}" y="{bottom + 18}" text-anchor="end">'
                f"✗ {_wants(operation)}</text>"
            )
    out.append("</svg>")
    return "\n".join(out)


def _wants(culprit):
    """What the culprit would need, in few words."""
    if culprit.result:
        return "needs an instant at which the flag is set"
    if culprit.kind == "wait" and culprit.timeout is None:
        return "has no time-out that could end it"
    if culprit.kind == "wait" and culprit.timeout > 0:
        return f"needs the flag clear for {duration(culprit.timeout)} without a break"
    return "needs an instant at which the flag is clear"


def html(line, heading, notes, text):
    """The whole page: a heading, what is wrong, the picture, notes (HTML), and the text form."""
    hidden = ""
    if line.hidden:
        hidden = (
            f" Not drawn: {line.hidden} more of the calls of set and clear at that time; they "
            "would not help whenever they took effect."
        )
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{escape(heading)}</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>{_STYLE}</style></head><body>
<h1><b>✗</b> {escape(heading)}</h1>
<p>{escape(line.says)}</p>
<figure>
{svg(line)}
<figcaption>The flag as all calls but the crossed one force it: high, it must be set; low, it must
be clear; hatched, it may be either. A bar is a call, from invocation to response; dashed: it may
have taken effect or not, and helps in neither case.{escape(hidden)} The order of times is exact,
distances are not to scale.</figcaption>
</figure>
{notes}
<details><summary class="soft">The same in text</summary><pre>{escape(text)}</pre></details>
</body></html>
"""
