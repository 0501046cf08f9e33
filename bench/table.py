"""The results on the terminal: what report.py draws, in figures."""

from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

from .contenders import OURS
from .report_figures import compare
from .report_terminal import table
from .several import HEAD
from .several import rows as rows_of_several
from .statistics import percentile

_PERCENTS = (50, 95, 99, 99.9, 100)


def show(results: dict[str, Any]) -> None:
    """Print all."""
    print(f"\n{table(results)}", end="")
    _steps(results.get("split") or {})
    for scene in results.get("several", []):
        print(f"\nSeveral events, and asyncio: one process, {scene['title']}")
        for line in [HEAD, *rows_of_several(scene)]:
            _row(*line)
    for scene in results.get("throughput", []):
        print(f"\n{scene['title']}, {scene['unit']}")
        _row("", "median", "SystemEvent / this")
        for title, rates in scene["rounds"].items():
            _row(title, f"{median(rates):,.0f}", _ratio(scene["rounds"].get(OURS.title), rates))
    if results.get("calls"):
        print("\nA call, nobody waiting, ns (median)")
        _row("", *next(iter(results["calls"].values())), "ratio")
        for call, rows in results["calls"].items():
            _row(call, *(f"{median(r):.0f}" for r in rows.values()), _ratio(*rows.values()))
    if results.get("commands"):
        _commands(results["commands"])
    for asked in results.get("timeouts", []):
        print(f"\nHow late wait({asked['asked_s']:g}) returns, µs")
        _row("", *(_name(percent) for percent in _PERCENTS))
        for what, late in asked["late_ns"].items():
            _row(what, *(f"{percentile(late, percent) / 1000:,.0f}" for percent in _PERCENTS))
    for key, title in (("crowd", "Many commands at once"), ("scale", "Scale")):
        if results.get(key):
            print(f"\n{title}")
            for name, value in results[key].items():
                _row(name.replace("_", " "), f"{value:,.6g}")
    print("\nRatios are medians of the ratios of each round, with their 95 % interval. Where it")
    print("contains 1, the two cannot be told apart. Absolute times are decoration.")


def _steps(split: Mapping[str, Mapping[str, Any]]) -> None:
    if not split:
        return
    print("\nThe steps of a wake-up, µs (median)")
    _row("", "", "hot")
    for step, times in split["rounds"].items():
        hot = split["hot"].get(step)
        _row(step, f"{median(times) / 1000:.2f}", f"{median(hot) / 1000:.2f}" if hot else "")
    for title, steps in split["traced"].items():
        print(f"  In the kernel, while it is traced: {title}")
        for step, times in steps.items():
            _row(f"  {step}", f"{median(times) / 1000:.2f}", "")


def _commands(commands: Mapping[str, Mapping[str, Sequence[float]]]) -> None:
    print("\nA whole program (median)")
    bare = commands.get("python -c pass", {}).get("seconds")
    _row("", "ms", "peak KiB", "time / python -c pass")
    for title, each in commands.items():
        milliseconds = f"{median(each['seconds']) * 1000:.1f}"
        _row(title, milliseconds, f"{median(each['peak_kib']):,.0f}", _ratio(each["seconds"], bare))
    if bare and "import systemevent" in commands:
        imports = commands["import systemevent"]["seconds"]
        added = median(a - b for a, b in zip(imports, bare, strict=True))
        print(f"  (import systemevent adds {added * 1000:.1f} ms)")


def _ratio(ours: Sequence[float] | None, theirs: Sequence[float] | None) -> str:
    """In words; nothing if one of the two is missing, or both are the same."""
    return str(compare(ours, theirs) or "") if ours is not theirs else ""


def _name(percent: float) -> str:
    names = {50.0: "median", 100.0: "max"}
    return names.get(percent, f"p{percent:g}")


def _row(first: str, *cells: str) -> None:
    widths = [max(10, len(cell) + 2) if len(cell) < 12 else 26 for cell in cells]
    line = "".join(cell.rjust(width) for cell, width in zip(cells, widths, strict=True))
    print(f"  {first:<40}{line}".rstrip())
