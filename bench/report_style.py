"""The page's colours, for screens light and dark and for paper, and its style."""

#: name: on white, on black, on paper. Okabe and Ito's, darkened where they are read as text.
COLOURS = {
    "ink": ("#1b1f24", "#e8ecf0", "#000000"),
    "soft": ("#56606a", "#a3aeb9", "#444444"),
    "grid": ("#dde2e6", "#2d353e", "#d0d0d0"),
    "faint": ("#b7bfc7", "#4d5965", "#b0b0b0"),
    "paper": ("#ffffff", "#14181d", "#ffffff"),
    "box": ("#f5f7f9", "#1c2229", "#ffffff"),
    "floor": ("#6b747d", "#98a3ae", "#555555"),
    "shade": ("#e6eaed", "#252c34", "#e4e4e4"),
    "ours": ("#0072b2", "#56b4e9", "#0072b2"),
    "pale": ("#9fcbe6", "#2a5a78", "#9fcbe6"),
    "events": ("#b93a05", "#ff8a4c", "#b93a05"),
    "kernel": ("#007a59", "#2fc79a", "#007a59"),
    "polling": ("#a03d78", "#e79bc4", "#a03d78"),
    "server": ("#5b4bb5", "#a99bff", "#5b4bb5"),
    "other": ("#7d6200", "#f0c04a", "#7d6200"),
}
_FAMILIES = ("floor", "ours", "events", "kernel", "polling", "server", "other")


def css() -> str:
    """The colours as CSS variables, and what is drawn in them."""

    def block(which: int) -> str:
        return " ".join(f"--{name}: {colours[which]};" for name, colours in COLOURS.items())

    families = " ".join(
        f".ratio .{each} {{ fill: var(--{each}); stroke: var(--{each}); }}" for each in _FAMILIES
    )
    return f"""
:root {{ color-scheme: light dark; {block(0)} }}
@media (prefers-color-scheme: dark) {{ :root {{ {block(1)} }} }}
@media print {{ :root {{ color-scheme: light; {block(2)} }} }}
{families}
"""


STYLE = """
body { margin: 2rem auto; max-width: 70rem; padding: 0 1.5rem; background: var(--paper);
  color: var(--ink); font: 16px/1.5 system-ui, "DejaVu Sans", sans-serif; }
h1 { font-size: 1.6rem; line-height: 1.25; margin: 0 0 .3rem; }
h2 { font-size: 1.15rem; margin: 2.6rem 0 .4rem; }
p { margin: .6rem 0; max-width: 60rem; }
ul.answer { font-size: 1.06rem; margin: 1rem 0; padding-left: 1.2rem;
  max-width: 60rem; }
.answer li { margin: .25rem 0; }
.soft, figcaption { color: var(--soft); font-size: .9rem; }
.warning { border-left: 4px solid var(--events); background: var(--box); padding: .6rem 1rem; }
figure { margin: .6rem 0 1rem; overflow-x: auto; } figcaption { max-width: 60rem; }
figure svg { display: block; width: 100%; min-width: 720px; height: auto; margin-bottom: .4rem; }
code { font: .95em ui-monospace, "DejaVu Sans Mono", monospace; background: var(--box);
  border-radius: 4px; padding: .05rem .3rem; }
.wide { overflow-x: auto; margin: 1rem 0; }
table { border-collapse: collapse; font-size: .88rem; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: .22rem .8rem .22rem 0; border-bottom: 1px solid var(--grid);
  vertical-align: middle; }
thead th { color: var(--soft); font-weight: 600; vertical-align: bottom; }
.n { text-align: right; white-space: nowrap; }
table.answer td:first-child { white-space: nowrap; } tr.group th { padding-top: .8rem; }
tr.axis th { padding-top: 0; } .ratio text { font-weight: 400; }
.ratio .out { stroke: none; }
.ratio { display: block; width: 190px; height: auto; }
.ratio text { font-size: 10px; fill: var(--soft); } .ratio .grid { stroke: var(--grid); }
.ratio .equal { stroke: var(--ink); stroke-width: 1.4; } .ratio .span { stroke-width: 2.5; }
.figures { color: var(--soft); white-space: nowrap; font-size: .82rem; }
.faster { color: var(--ours); font-weight: 600; } .slower { color: var(--events); }
.faster, .slower, .same { white-space: nowrap; }
details { margin: .3rem 0; } summary { cursor: pointer; color: var(--soft); }
@media print { * { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  body { margin: 0; padding: 0; max-width: none; font-size: 12px; }
  figure, .wide { overflow: visible; } figure svg { min-width: 0; }
  section, figure, tr { break-inside: avoid; } h2 { break-after: avoid; margin-top: 1.4rem; }
  details, .raw { display: none; } th, td { padding-top: .08rem; padding-bottom: .08rem; }
  .wide:not(:has(.answer)) { break-inside: avoid; } }
"""
