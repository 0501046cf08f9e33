"""``python -m bench``: all of it, on this machine, as ratios within one run."""

import argparse
import os
import platform
import tempfile
from pathlib import Path
from statistics import median

from . import calls, programs, rounds
from .contenders import CONTENDERS, FLOOR, FLOOR_IN_PYTHON
from .statistics import percentile, ratio


def environment() -> None:
    """Print what the figures depend on."""
    cpu = "unknown CPU"
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            cpu = line.partition(": ")[2]
            break
    load = " ".join(f"{value:.2f}" for value in os.getloadavg())
    print(f"{cpu}, {os.cpu_count()} cores; {platform.system()} {platform.release()}")
    print(f"{platform.python_implementation()} {platform.python_version()}; load {load}")


def row(*cells: str) -> None:
    """Print one row of a table."""
    print("  " + cells[0].ljust(28) + "".join(cell.rjust(14) for cell in cells[1:]), flush=True)


def interval(numbers: tuple[float, float, float]) -> str:
    """A ratio with its 95 % interval."""
    return f"{numbers[0]:.2f} [{numbers[1]:.2f} {numbers[2]:.2f}]"


def show_calls(quick: bool) -> None:
    """Cost of each call with nobody waiting."""
    print("\nA call, nobody waiting, ns (median)")
    row("", "SystemEvent", "threading", "ratio [95 %]")
    for title, (ours, theirs) in calls.measure(9 if quick else 31).items():
        numbers = interval(ratio(ours, theirs))
        row(title, f"{median(ours):.0f}", f"{median(theirs):.0f}", f"  {numbers}")


def show_wakeups(waiters: int, count: int, idle: float, floor: rounds.Floor) -> None:
    """Time until the last of the waiting processes has returned from wait()."""
    what = "One waiting process" if waiters == 1 else f"The last of {waiters} waiting processes"
    print(f"\n{what} has returned after set(), µs ({count} rounds)")
    row("", "median", "p95", "p99", "  ratio to the raw futex [95 %], in C and in Python processes")
    results = rounds.alternate(CONTENDERS, waiters, count, idle, floor)
    last = {title: [latencies[-1] for latencies in each] for title, each in results.items()}
    for title, values in last.items():
        cells = [f"{percentile(values, percent) / 1000:.0f}" for percent in (50, 95, 99)]
        ratios = [ratio(values, last[floors.title]) for floors in (FLOOR, FLOOR_IN_PYTHON)]
        row(title, *cells, *(f"   {interval(numbers)}" for numbers in ratios))


def show_programs(quick: bool) -> None:
    """Whole commands."""
    print("\nA whole program, ms (median)")
    row("", "time", "ratio to python -c pass [95 %]")
    results = programs.measure(20 if quick else 100)
    bare = results["python -c pass"]
    for title, values in results.items():
        row(title, f"{median(values) * 1000:.1f}", "  " + interval(ratio(values, bare)))
    added = [a - b for a, b in zip(results["import systemevent"], bare, strict=True)]
    print(f"\nimport systemevent adds {median(added) * 1000:.1f} ms")
    print("A process that waits for 1 s:", programs.waiting(1.0))
    print("An open event:", programs.holding(1000))


def main() -> None:
    """Do it all."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer rounds: well under a minute")
    quick = parser.parse_args().quick
    environment()
    show_calls(quick)
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        floor = rounds.Floor(Path(folder))
        show_wakeups(1, 50 if quick else 500, 0.01, floor)
        show_wakeups(100, 10 if quick else 50, 0.02, floor)
    show_programs(quick)
    print("\nRatios are taken within this run, round by round; absolute times are decoration.")


if __name__ == "__main__":
    main()
