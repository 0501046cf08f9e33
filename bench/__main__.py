"""``python -m bench``: all of it, on this machine, as ratios within one run.

What is printed on the terminal is drawn in the report. Nothing is left behind, also after Ctrl-C.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

from . import (
    broadcast,
    calls,
    commands,
    latency,
    progress,
    scale,
    several,
    split,
    strip,
    table,
    throughput,
    timeouts,
)
from .contenders import QUICK, SLOW, chosen, sweep
from .environment import environment, load
from .teams import Workshop


def parsed() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    sizes = parser.add_mutually_exclusive_group()
    sizes.add_argument("--quick", action="store_true", help="fewer rounds: under a minute")
    sizes.add_argument("--full", action="store_true", help="more rounds, all scenes: half an hour")
    parser.add_argument(
        "--contenders",
        nargs="+",
        metavar="NAME",
        help="only those with NAME in their title, and what ratios need: SystemEvent, the floor",
    )
    parser.add_argument(
        "--waiters", nargs="+", type=positive, metavar="N", help="broadcast to N processes"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all results, raw")
    parser.add_argument(
        "--report", type=Path, metavar="FILE", default=Path("report.html"), help="(%(default)s)"
    )
    options = parser.parse_args()
    for path in (options.json, options.report):
        if path and not path.resolve().parent.is_dir():
            parser.error(f"no such folder: {path.parent}")
    skipped: dict[str, str] = {}
    try:
        options.chosen = chosen(options.contenders, skipped)
    except ValueError as error:
        parser.error(str(error))
    options.skipped = skipped
    options.size = "quick" if options.quick else "full" if options.full else "default"
    if options.quick:
        slow = [each for each in options.chosen if each.period >= SLOW]
        skipped.update({each.title: QUICK for each in slow})
        options.chosen = [each for each in options.chosen if each not in slow]
    return options


def positive(text: str) -> int:
    """A number of waiters."""
    number = int(text)
    if not 0 < number <= 10_000:
        raise argparse.ArgumentTypeError("from 1 to 10,000")
    return number


def measure(options: argparse.Namespace, results: dict[str, Any]) -> dict[str, str]:
    """Fill in the results. A part that fails spares the others; returns {part: what failed}."""
    failed: dict[str, str] = {}
    size, contenders, skipped = options.size, options.chosen, results["skipped"]
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        workshop = Workshop(Path(folder))
        parts: dict[str, Callable[[], Any]] = {
            "calls": lambda: calls.measure(size),
            "timeouts": lambda: timeouts.measure(size, skipped),
            "latency": lambda: latency.measure(contenders, size, workshop, skipped),
            "broadcast": lambda: broadcast.measure(
                contenders, size, options.waiters, workshop, skipped
            ),
            "strip": lambda: strip.measure(workshop, skipped),
            "split": lambda: split.measure(size, workshop, skipped),
            "several": lambda: several.measure(size, workshop, skipped),
            "throughput": lambda: throughput.measure(contenders, size, workshop, skipped),
            "scale": lambda: scale.measure(size, workshop, skipped),
            "commands": lambda: commands.measure(size, workshop, skipped),
            "crowd": lambda: commands.measure_crowds(workshop, skipped),
        }
        for key, part in parts.items():
            try:
                results[key] = part()
            except (OSError, RuntimeError, subprocess.SubprocessError) as error:
                failed[key] = f"{type(error).__name__}: {error}"
    return failed


@contextmanager
def interruptible() -> Iterator[None]:
    """Ctrl-C and SIGTERM end the run once; a second one does not disturb the tidying up."""

    def end(number: int, frame: FrameType | None) -> None:
        for each in (signal.SIGINT, signal.SIGTERM):
            signal.signal(each, signal.SIG_IGN)
        raise KeyboardInterrupt

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, end)
    try:
        yield
    finally:
        sweep()
        progress.clear()


def main() -> int:
    """Do it all; the exit status."""
    options = parsed()
    results: dict[str, Any] = {"environment": environment()}
    for key, value in results["environment"].items():
        print(f"{key + ':':<13} {value}")
    cores = os.cpu_count() or 1
    if os.getloadavg()[0] > 0.5 * cores:
        print("              The machine is busy with something else: do not trust these figures.")
    sys.stdout.flush()
    words = {"contenders": options.contenders, "waiters": options.waiters}
    results["options"] = {"size": options.size} | {
        key: " ".join(map(str, value)) for key, value in words.items() if value
    }
    results["skipped"] = options.skipped
    try:
        with interruptible():
            failed = measure(options, results)
    except KeyboardInterrupt:
        print("\nInterrupted; nothing is left behind.", file=sys.stderr)
        return 130
    results["environment"]["load at the end"] = load()
    results["failed"] = failed
    if options.json:
        options.json.write_text(json.dumps(results))
    table.show(results)
    for part, error in failed.items():
        print(f"FAILED: {part}: {error}")
    show_report(results, options.report)
    return 1 if failed else 0


def show_report(results: dict[str, Any], path: Path) -> None:
    """Write it, if what draws its pictures is installed."""
    try:
        from . import report
    except ImportError as error:
        print(f"no report: {error} (pip install -e '.[bench]')")
        return
    report.write(results, path)
    print(f"report: {path}")


if __name__ == "__main__":
    sys.exit(main())
