"""What all pictures share: figures, labels at the curves, an SVG that follows the page's colours.

matplotlib knows one colour for a thing; a page is read on white, on black and on paper. So each
picture is drawn in the colours for white, and then every colour in its SVG is replaced by a CSS
variable of the page (`var(--ours)`), which has one value for each surrounding. Letters stay letters
(searchable, and no larger than needed), in a family whose widths are those that matplotlib assumed.

A curve is told by what stands beside it, not by a legend far away: labels() puts each label as near
to its curve's end as the others allow. Colours (those of Okabe and Ito, darkened where they have to
be read as text) only say which family a contender belongs to; within one, dashes differ.
"""

import io
import re
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from .report_figures import duration, rate
from .report_style import COLOURS
from .report_words import GROUPS, group_of

LIGHT = {name: colours[0] for name, colours in COLOURS.items()}
WIDTH = 980
_DASHES: list[Any] = ["-", (0, (6, 2)), (0, (2, 1.5)), (0, (7, 2, 1.5, 2)), (0, (1, 2.5))]
_STYLE: Any = {
    "svg.fonttype": "none",
    "svg.hashsalt": "bench",
    "font.family": ["DejaVu Sans"],
    "font.size": 12,
    "text.color": LIGHT["ink"],
    "axes.edgecolor": LIGHT["soft"],
    "axes.labelcolor": LIGHT["soft"],
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.facecolor": "none",
    "axes.axisbelow": True,
    "axes.grid": True,
    "axes.titlesize": 13,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.unicode_minus": False,
    "figure.facecolor": "none",
    "grid.color": LIGHT["grid"],
    "grid.linewidth": 0.9,
    "xtick.color": LIGHT["soft"],
    "ytick.color": LIGHT["soft"],
    "xtick.labelsize": 11,
    "ytick.labelsize": 11,
    "lines.solid_capstyle": "round",
}


class Picture:
    """A figure with places in pixels, to be used with `with`; svg() at the end."""

    def __init__(self, height: int, width: int = WIDTH) -> None:
        self.width, self.height = width, height
        self._style = mpl.rc_context(_STYLE)

    def __enter__(self) -> "Picture":
        self._style.__enter__()
        self.figure = Figure(figsize=(self.width / 72, self.height / 72), dpi=72)
        return self

    def __exit__(self, *error: Any) -> None:
        self._style.__exit__(*error)

    def axes(self, left: float, top: float, width: float, height: float, **options: Any) -> Any:
        """Axes of that size, at that place, counted from the upper left corner."""
        bottom = self.height - top - height
        place = left / self.width, bottom / self.height, width / self.width, height / self.height
        return self.figure.add_axes(place, **options)

    def svg(self, words: str) -> str:
        """The picture as an element of a page, described by these words."""
        return _themed(self.figure, words)


_count = 0


def _themed(figure: Figure, words: str) -> str:
    global _count  # identifiers have to differ among the pictures of a page
    _count += 1
    out = io.StringIO()
    figure.savefig(out, format="svg", metadata={"Date": None, "Creator": None})
    text = out.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>|<!--.*?-->", "", text, flags=re.DOTALL)
    text = re.sub(r"\bxlink:href=", "href=", text)
    text = re.sub(r'\bid="', f'id="p{_count}-', text)
    text = re.sub(r'href="#', f'href="#p{_count}-', text)
    text = re.sub(r"url\(#", f"url(#p{_count}-", text)
    for name, colour in LIGHT.items():
        text = re.sub(colour, f"var(--{name})", text, flags=re.IGNORECASE)
    text = text.replace("'DejaVu Sans'", "'DejaVu Sans', Verdana, sans-serif")
    box = re.search(r'viewBox="[^"]*"', text)
    assert box is not None
    head = f'<svg xmlns="http://www.w3.org/2000/svg" {box[0]} role="img" '
    return head + f'aria-label="{escape(words)}">' + text[text.index(">") + 1 :]


def colour(title: str) -> str:
    """The colour of a contender: that of its family."""
    return LIGHT[group_of(title)]


def line_style(title: str, titles: Sequence[str]) -> dict[str, Any]:
    """How the curve of this contender is drawn, among these."""
    if title == "SystemEvent":
        return {"color": LIGHT["ours"], "linewidth": 3.4, "zorder": 10}
    family = [each for each in titles if group_of(each) == group_of(title)]
    family = [each for each in family if each != "SystemEvent"]
    first = 1 if group_of(title) in ("ours", "floor") else 0
    dashes = _DASHES[(first + family.index(title)) % len(_DASHES)]
    return {"color": colour(title), "linewidth": 1.5, "linestyle": dashes, "zorder": 5}


def in_order(titles: Sequence[str]) -> list[str]:
    """The contenders, family by family."""
    return sorted(titles, key=lambda each: list(GROUPS).index(group_of(each)))


def spread(wanted: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """Places near the wanted ones, at least `gap` apart, within low and high; in their order."""
    order = sorted(range(len(wanted)), key=lambda i: wanted[i])
    gap = min(gap, (high - low) / max(1, len(order) - 1))
    # Least squares: neighbours that are too near share the mean of what they want (without gaps).
    blocks: list[list[float]] = []
    for rank, i in enumerate(order):
        blocks.append([wanted[i] - rank * gap, 1])
        while len(blocks) > 1 and blocks[-2][0] >= blocks[-1][0]:
            (mean, weight), (other, more) = blocks[-2], blocks[-1]
            blocks[-2:] = [[(mean * weight + other * more) / (weight + more), weight + more]]
    means = [mean for mean, weight in blocks for _ in range(int(weight))]
    top = high - (len(order) - 1) * gap
    places = [0.0] * len(order)
    for rank, i in enumerate(order):
        places[i] = min(max(means[rank], low), top) + rank * gap
    return places


def labels(
    axes: Any, ends: Mapping[str, tuple[float, float]], notes: dict[str, str], is_left: bool = False
) -> None:
    """A label for each curve beside the axes, at the height where it ends, with a thin line.

    is_left: the ends are where the curves begin, and labels stand left of the axes. A curve that
    ends long before the edge gets its label there and then.
    """
    box = axes.get_window_extent()
    points = {title: axes.transData.transform(end) for title, end in ends.items()}
    beside = [t for t, (x, _) in points.items() if is_left or x > box.x0 + 0.85 * box.width]
    wanted = [points[title][1] for title in beside]
    places = dict(zip(beside, spread(wanted, 16, box.y0 + 2, box.y1 + 6), strict=True))
    side = -1 if is_left else 1
    edge = box.x0 if is_left else box.x1
    for title, (x, y) in points.items():
        is_ours = title == "SystemEvent"
        style = {
            "color": colour(title),
            "fontsize": 13 if is_ours else 11.5,
            "fontweight": "bold" if is_ours else "normal",
        }
        words = title + notes.get(title, "")
        place = (edge + side * 32, places[title]) if title in places else (x, y + 14)
        options: dict[str, Any] = {"xycoords": "figure pixels", "annotation_clip": False}
        anchor = ("right" if is_left else "left") if title in places else "center"
        axes.annotate(words, place, ha=anchor, va="center", **style, **options)
        if title in places:
            line = {"arrowstyle": "-", "color": colour(title), "linewidth": 0.7, "alpha": 0.75}
            line |= {"shrinkA": 0, "shrinkB": 0}
            start = edge + side * 28, places[title]
            axes.annotate("", (x + side * 3, y), start, arrowprops=line, **options)


def time_axis(axis: Any, words: str = "") -> None:
    """A logarithmic axis of nanoseconds, whose limits are set, that says 10 µs and not 10⁴."""
    _log_axis(axis, lambda value: duration(value, 1))
    if words:
        axis.set_label_text(words)


def number_axis(axis: Any) -> None:
    """A logarithmic axis of numbers, whose limits are set."""
    _log_axis(axis, lambda value: rate(value, 1), 3)


def _log_axis(axis: Any, words: Any, decades: int = 12) -> None:
    low, high = axis.get_view_interval()
    subs = (1, 2, 5) if high < 30 * low else (1, 3) if high < 200 * low else (1,)
    axis.set_major_locator(LogLocator(10, subs=subs, numticks=50 if len(subs) > 1 else decades))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(FuncFormatter(lambda value, _: words(value)))


def rows_axis(axes: Any, names: Sequence[str]) -> None:
    """A row for each name; ours stand out."""
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.grid(axis="y", visible=False)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    for tick, name in zip(axes.get_yticklabels(), names, strict=True):
        is_ours = name == "SystemEvent" or name.startswith("evt_")
        tick.set_color(LIGHT["ours"] if is_ours else LIGHT["ink"])
        tick.set_fontweight("bold" if is_ours else "normal")


def beside(axes: Any, row: float, words: Sequence[str], wide: int = 60, tone: str = "ink") -> None:
    """Words right of a row, in columns of that many pixels."""
    for i, each in enumerate(words):
        axes.annotate(
            each,
            (1, row),
            xycoords=("axes fraction", "data"),
            xytext=(10 + i * wide, 0),
            textcoords="offset pixels",
            va="center",
            color=LIGHT[tone],
            fontsize=11,
            annotation_clip=False,
        )
