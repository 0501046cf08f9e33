"""The steps of one wake-up, each where the one before it ended, and what is left of it when hot."""

from statistics import median
from typing import Any

from .report_figures import duration
from .report_ink import LIGHT, WIDTH, Picture, beside, rows_axis
from .report_words import BACK, CALL, LOCK, OWN, STEPS
from .split import IN_C, OUT, SWITCHED, TOLD

_LEFT, _RIGHT = 330, 190
_ALL = (IN_C, *STEPS, OWN)


def _medians(results: dict[str, Any]) -> dict[str, float]:
    rounds = (results.get("split") or {}).get("rounds") or {}
    return {step: median(rounds[step]) for step in _ALL if rounds.get(step)}


def split(results: dict[str, Any]) -> str:
    """A bar for each step of a futex called from Python; above and below it, what it stands for."""
    times = _medians(results)
    if len(times) < len(_ALL):
        return ""
    hot = results["split"].get("hot") or {}
    high = 40 * len(times)
    with Picture(high + 70) as picture:
        axes = picture.axes(_LEFT, 12, WIDTH - _LEFT - _RIGHT, high)
        axes.set_xlim(0, max(times[OWN], times[IN_C], sum(times[s] for s in STEPS)) / 1e3 * 1.02)
        axes.set_xlabel("µs (medians)")
        rows_axis(axes, list(times))
        axes.grid(axis="y", visible=False)
        at = 0.0
        for i, (step, time) in enumerate(times.items()):
            begin = at if step in STEPS else 0.0
            tone = LIGHT["floor" if step == IN_C else "ours" if step == OWN else "pale"]
            axes.barh(i, time / 1e3, left=begin / 1e3, height=0.55, color=tone, linewidth=0)
            words = [duration(time)]
            if hot.get(step):
                warm = median(hot[step])
                axes.barh(
                    i, warm / 1e3, left=begin / 1e3, height=0.55, color=LIGHT["ours"], linewidth=0
                )
                words.append(f"hot: {duration(warm)}")
            beside(axes, i, words)
            if step in STEPS:
                at += time
        return picture.svg("The steps of a wake-up, one below the other")


def split_reading(results: dict[str, Any]) -> str:
    """What the picture says, in a few sentences."""
    times = _medians(results)
    if len(times) < len(_ALL):
        return ""
    hot = results["split"].get("hot") or {}
    warm = sum(median(hot[step]) for step in (CALL, LOCK, BACK) if hot.get(step))
    python = sum(times[step] for step in (CALL, LOCK, BACK))
    own = times[OWN] - sum(times[step] for step in STEPS)
    said = (
        f"The Python steps around the kernel take {duration(python)} after a sleep of 10 ms and "
        f"{duration(warm)} when they are run again and again (dark): the rest is not "
        f"instructions, but caches, page tables and cores that have gone cold. What "
        f"SystemEvent adds to a bare futex is {duration(own)} of the medians."
    )
    traced = results["split"].get("traced") or {}
    for title, steps in traced.items():
        parts = ", ".join(f"{duration(median(steps[s]))} {s}" for s in (TOLD, SWITCHED, OUT))
        said += f" In the kernel, while it is traced ({title}): {parts}."
    return said
