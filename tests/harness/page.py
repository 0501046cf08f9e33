"""The page around a picture: its colours, for screens light and dark and for paper; its legend.

One file that fetches nothing: it is read on a train, from a CI server's archive, a year later. And
it is printed: a page that scrolls sideways on screen loses on paper the one call that was wrong.
"""

from html import escape

COLOURS = """
:root { color-scheme: light dark; --paper: #ffffff; --ink: #1b1f24; --soft: #56606a;
  --grid: #d9dee3; --set: #0072b2; --clear: #e69f00; --read: #e9edf1; --read-ink: #1b1f24;
  --wrong: #b93a05; --shade: rgba(213, 94, 0, 0.11); --either: #b4bcc5; --box: #f5f7f9; }
@media (prefers-color-scheme: dark) { :root { --paper: #14181d; --ink: #e8ecf0; --soft: #a3aeb9;
  --grid: #343d47; --set: #56b4e9; --clear: #f0b429; --read: #2f3944; --read-ink: #e8ecf0;
  --wrong: #ff8a4c; --shade: rgba(255, 138, 76, 0.15); --either: #5a6775; --box: #1c2229; } }
@media print { :root { color-scheme: light; --paper: #fff; --ink: #000; --soft: #444; --grid: #ccc;
  --set: #0072b2; --clear: #e69f00; --read: #eee; --read-ink: #000; --wrong: #a83200;
  --shade: rgba(213, 94, 0, 0.12); --either: #aaa; --box: #fff; } }
"""
INK = """
text { font: 13px system-ui, "DejaVu Sans", sans-serif; fill: var(--ink); }
text.tick { font-size: 11px; fill: var(--soft); } text.name { font-weight: 600; }
.grid { stroke: var(--grid); stroke-width: 1; } .shade { fill: var(--shade); }
.paper { fill: var(--paper); }
.bar { stroke-width: 1.5; rx: 5px; } .bar.set { fill: var(--set); stroke: var(--set); }
.bar.clear { fill: var(--clear); stroke: var(--clear); }
.bar.is_set, .bar.wait { fill: var(--read); stroke: var(--soft); }
text.set { fill: var(--paper); font-weight: 600; }
text.clear { fill: #1b1300; font-weight: 600; }
.context .bar { fill: var(--paper); stroke-dasharray: 5 4; }
.context text { fill: var(--soft); font-weight: 400; }
.culprit .bar { stroke: var(--wrong); stroke-width: 3.5; }
.cross { stroke: var(--wrong); stroke-width: 3.5; stroke-linecap: round; fill: none; }
text.wrong { fill: var(--wrong); font-weight: 600; }
.trace { stroke: var(--ink); stroke-width: 3; fill: none; stroke-linejoin: round; }
.must-set { fill: var(--set); opacity: .28; } .must-clear { fill: var(--clear); opacity: .32; }
.either { fill: url(#hatch); } .neither { fill: var(--wrong); opacity: .5; }
.line { stroke: var(--ink); stroke-width: 1.3; fill: none; } .dot { fill: var(--ink); }
.torn { stroke: var(--soft); stroke-width: 1.5; fill: none; }
"""
_PAGE = """
body { margin: 2rem auto; max-width: 66rem; padding: 0 1.5rem; background: var(--paper);
  color: var(--ink); font: 16px/1.5 system-ui, "DejaVu Sans", sans-serif; }
h1 { font-size: 1.35rem; margin: 0 0 .3rem; } h1 b { color: var(--wrong); }
p { margin: .4rem 0; max-width: 60rem; }
.soft, figcaption { color: var(--soft); font-size: .88rem; }
figure { margin: 1.4rem 0; overflow-x: auto; }
svg { display: block; height: auto; margin-bottom: 1rem; }
code, pre { font: .86rem/1.45 ui-monospace, "DejaVu Sans Mono", monospace; background: var(--box);
  border-radius: 4px; padding: .1rem .35rem; } pre { padding: .8rem 1rem; overflow-x: auto; }
@media print { * { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  body { margin: 0; padding: 0; max-width: none; font-size: 14px; }
  figure { overflow: visible; } svg { max-width: 100%; break-inside: avoid; }
  code { overflow-wrap: anywhere; } details { display: none; } }
"""

_LEGEND = {
    "trace": """The flag, as all calls but the crossed one force it: high where it must be set, low
where it must be clear, hatched where it may be either.""",
    "bars": "A bar is a call, from its invocation to its response.",
    "context": """A dashed one may have taken effect or not: that makes no difference to the crossed
one.""",
    "scale": "The order of times is exact, distances are not to scale.",
}


def _legend(line):
    """What the signs in this picture mean."""
    needed = {"trace": line.gaps, "context": line.context}
    words = [text for name, text in _LEGEND.items() if needed.get(name, True)]
    if line.hidden:
        words.append(
            f"Not drawn: {line.hidden} more of the calls of set and clear at that time; they would "
            "not help whenever they took effect."
        )
    return escape(" ".join(words))


def page(line, drawn, heading, notes, text):
    """The whole page: a heading, what is wrong, what is drawn, notes (HTML), and the text form."""
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{escape(heading)}</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>{COLOURS}{INK}{_PAGE}</style></head><body>
<h1><b>✗</b> {escape(heading)}</h1>
<p>{escape(line.says)}</p>
<figure>
{drawn}<figcaption>{_legend(line)}</figcaption>
</figure>
{notes}
<details><summary class="soft">The same in text</summary><pre>{escape(text)}</pre></details>
</body></html>
"""
