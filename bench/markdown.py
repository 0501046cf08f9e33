"""``python -m bench.markdown RESULTS.json``: the figures of README.md and bench/README.md, written
between their markers, from what ``python -m bench --full --json`` has measured."""

import argparse
import json
import re
from pathlib import Path
from statistics import median
from typing import Any

from .contenders import (
    FLOOR,
    FLOOR_IN_PYTHON,
    MULTIPROCESSING,
    ORIGINAL,
    OURS,
    OURS_IN_C,
)
from .report_figures import compare, duration
from .report_words import (
    CALL,
    KERNEL,
    OWN,
    STEPS,
    against_all_steps,
    lasts,
    main_broadcast,
    main_scene,
    ping_pong,
)
from .split import IN_C
from .statistics import percentile

ROOT = Path(__file__).parents[1]
Results = dict[str, Any]
Rounds = dict[str, list[float]]
_BARE = "python -c pass"


def _against(rounds: Rounds, ours: str, *others: str) -> list[str]:
    return [str(compare(rounds.get(ours), rounds.get(each)) or "–") for each in others]


def table(head: list[str], rows: list[list[str]]) -> str:
    """In Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(row) + " |" for row in lines)


def _environment(results: Results) -> str:
    known = results["environment"]
    size = results["options"]["size"]
    about = ", ".join(f"{key} {str(value).strip()}" for key, value in known.items() if value)
    return f"One run of `python -m bench --{size}` ({about})."


def summary(results: Results) -> str:
    """README.md: what decides."""
    calls, commands = results["calls"], results["commands"]
    scene, broadcast = main_scene(results), main_broadcast(results)
    assert scene is not None
    assert broadcast is not None
    wake, last = scene["rounds"], lasts(broadcast)
    several = f"the last of {broadcast['waiters']} waiting processes"
    rows = [
        [f"`{call}`", f"{_against(both, 'SystemEvent', 'threading.Event')[0]} × `threading.Event`"]
        for call, both in calls.items()
    ]
    in_c, in_python, peer, version_1 = (
        each.title for each in (FLOOR, FLOOR_IN_PYTHON, MULTIPROCESSING, ORIGINAL)
    )
    for what, times in (("one waiting process", wake), (several, last)):
        title = OURS.title
        least, same, old, other = _against(times, title, in_c, in_python, version_1, peer)
        rows.append(
            [
                f"{what}, in Python",
                f"{least} × a raw futex in C programs, {same} × one in Python processes that is "
                f"timed in C; {old} × version 1; {other} × `multiprocessing.Event`",
            ]
        )
        (own,) = _against(times, OURS_IN_C.title, in_c)
        rows.append([f"{what}, C programs", f"{own} × a raw futex in C programs"])
    rows.append(
        [
            "one waiting process, all steps in Python",
            f"{against_all_steps(results)} × a bare futex behind a Python extension "
            "(which reads the clock three times more)",
        ]
    )
    for title in ("evt_set NAME", "evt_wait NAME (set)"):
        times = commands[title]["seconds"]
        ratio = compare(times, commands[_BARE]["seconds"])
        rows.append([f"`{title}`, the whole process", f"{ratio} × `{_BARE}`"])
    scale = results["scale"]
    rows += [
        ["1,000 waiting processes, while nothing happens", f"{_idle(scale)}"],
        [
            "10,000 open events",
            f"{scale['events_memory_kib'] / 1024:.0f} MiB, {scale['events_descriptors']:.0f} "
            "descriptors",
        ],
    ]
    said = f"{_environment(results)} Ratios are SystemEvent's time divided by the other's, "
    said += "medians over the rounds with their 95 % interval; "
    said += "rounds of one run are not independent, so believe in no difference of a few percent."
    return f"{said}\n\n{table(['', ''], rows)}"


def _idle(scale: dict[str, float]) -> str:
    ticks = scale["waiters_idle_for_1_s_cpu_ticks"]
    switches = scale["waiters_idle_for_1_s_context_switches"]
    return f"{ticks:.0f} ticks of CPU time, {switches:.0f} context switches in a second"


def everything(results: Results) -> str:
    """bench/README.md: every contender."""
    scene, broadcast, trips = main_scene(results), main_broadcast(results), ping_pong(results)
    assert scene is not None
    assert broadcast is not None
    assert trips is not None
    wake, last, rates = scene["rounds"], lasts(broadcast), trips["rounds"]
    head = ["", "median", "99 %", "one waiter", f"last of {broadcast['waiters']}", "round trip"]
    rows = []
    for title, times in wake.items():
        ours = OURS_IN_C.title if title.endswith("C program") else OURS.title
        cells = [duration(percentile(times, each)) for each in (50, 99)]
        if title in (ours, OURS.title):
            rows.append([f"**{title}**", *cells, "1", "1", "1"])
            continue
        ratios = [_against(each, ours, title)[0] for each in (wake, last)]
        ratios.append(str(compare(rates.get(title), rates.get(ours)) or "–"))
        rows.append([title, *cells, *ratios])
    said = [
        _environment(results),
        f"The wake-up of one waiting process ({scene['title']}), and SystemEvent's time divided by "
        "the contender's (C programs: that of `systemevent.h`); below 1, SystemEvent is faster.",
    ]
    parts = ["\n".join(said), table(head, rows), _steps(results)]
    skipped = "; ".join(f"{name} ({why})" for name, why in results["skipped"].items())
    if skipped:
        parts.append(f"Skipped: {skipped}.")
    return "\n\n".join(filter(None, parts))


def _steps(results: Results) -> str:
    found = results.get("split")
    if not found:
        return ""
    hot = found["hot"]
    rows = []
    for step in (IN_C, *STEPS, OWN):
        time = duration(median(found["rounds"][step]))
        rows.append([step, time, duration(median(hot[step])) if step in hot else ""])
    for title, steps in found["traced"].items():
        for step, times in steps.items():
            rows.append([f"traced, {title}: {step}", duration(median(times)), ""])
    cold = sum(median(found["rounds"][step]) for step in STEPS if step != KERNEL)
    warm = sum(median(hot[step]) for step in hot)
    said = (
        "Where a wake-up spends its time (medians). In Python, the steps around the kernel take "
        f"{duration(cold)} after a sleep, and {duration(warm)} hot: what is left is not "
        "instructions, but caches, page tables and cores that have gone cold."
    )
    assert CALL in hot
    return f"{said}\n\n{table(['step', 'after a sleep', 'hot'], rows)}"


def write(path: Path, text: str, what: str = "figures") -> None:
    """Put the text between the file's markers."""
    old = path.read_text(encoding="utf-8")
    new, count = re.subn(
        rf"(<!-- {what} -->\n).*?(<!-- end of {what} -->)",
        lambda found: f"{found[1]}{text}\n{found[2]}",
        old,
        flags=re.DOTALL,
    )
    if count != 1:
        raise ValueError(f"{path} has {count} places for figures")
    path.write_text(new, encoding="utf-8")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m bench.markdown", description=__doc__)
    parser.add_argument("results", type=Path, metavar="RESULTS.json")
    measured: Results = json.loads(parser.parse_args().results.read_text(encoding="utf-8"))
    write(ROOT / "README.md", summary(measured))
    write(ROOT / "bench" / "README.md", everything(measured))
