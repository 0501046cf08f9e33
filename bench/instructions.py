"""``python -m bench.instructions``: how many machine instructions each call takes, nobody waiting.

Times depend on the machine's mood; the number of instructions does not. callgrind counts those in
user space, so a system call counts as the one instruction that enters the kernel. (``perf stat -e
instructions:u`` would do, but it needs hardware counters, which virtual machines seldom have.)

One run counts everything. The counted program marks the borders of its sections by calling
getppid(), where callgrind writes down what it has counted since the last mark. Each call has a
section of N calls to warm up (the interpreter specializes code that it meets often), one of N
calls, and one of 2N. The difference of the last two is what N calls take: start-up and marks
cancel. What an empty loop takes is subtracted, too, so the figures are the calls alone.

callgrind 3.19 does not know futex_waitv: under it, systemevent.h would sleep as on older kernels.
None of the calls that are counted sleeps.
"""

import argparse
import ctypes
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

#: Seconds after which callgrind counts as hanging; it needs about five.
DEADLINE = 600
#: N. Larger ones change the counts in Python by less than 1 %, and those in C not at all.
N = 1000

#: {title: (statement before, the statement that is counted)}, in Python.
CALLS = {
    "is_set()": ("event.set()", "event.is_set()"),
    "wait(), set": ("event.set()", "event.wait()"),
    "set(), set": ("event.set()", "event.set()"),
    "clear(), clear": ("event.clear()", "event.clear()"),
    "wait(0), clear": ("event.clear()", "event.wait(0)"),
    "set() + clear()": ("event.clear()", "event.set(); event.clear()"),
}
EMPTY = ("", "pass")
#: As little as a method can do: it returns a flag of a built-in object. Counted as a measure.
CHEAPEST = "(lock.locked())"

PYTHON_PROGRAM = """
import itertools, os, sys, threading
from systemevent import SystemEvent, unlink

name = f"bench.{os.getpid()}"
events = {"SystemEvent": SystemEvent(name), "threading.Event": threading.Event()}
events["threading.Lock"] = threading.Lock()
unlink(name)
n = int(sys.argv[1])

os.getppid()
for title, before, statement in eval(sys.argv[2]):
    event = events[title]
    exec(before)
    exec(f"def loop(event, count):\\n for _ in itertools.repeat(None, count): {statement}")
    for count in n, n, 2 * n:
        loop(event, count)
        os.getppid()
"""

#: The same in C. Calls go through a volatile pointer, so that none is moved out of its loop.
C_PROGRAM = """
#include "systemevent.h"
#include <stdlib.h>

#define USE(value) __asm__ volatile("" : : "r"(value))

static void empty(const systemevent_t *event) { (void)event; }
static void is_set(const systemevent_t *event) { USE(systemevent_is_set(event)); }
static void wait_for(const systemevent_t *event) { USE(systemevent_wait(event, NULL)); }
static void set(const systemevent_t *event) { USE(systemevent_set(event)); }
static void clear(const systemevent_t *event) { systemevent_clear(event); }
static void both(const systemevent_t *event) {
    set(event);
    clear(event);
}

static struct {
    int set_before;
    void (*volatile call)(const systemevent_t *);
} sections[] = {{1, empty}, {1, is_set}, {1, wait_for}, {1, set}, {0, clear}, {0, both}};

int main(int argc, char **argv) {
    static uint64_t word = SYSTEMEVENT_STICKY;
    systemevent_t event = {&word};
    int n = argc > 1 ? atoi(argv[1]) : 0, counts[] = {n, n, 2 * n};
    getppid();
    for (size_t i = 0; i < sizeof sections / sizeof *sections; i++) {
        (sections[i].set_before ? set : clear)(&event);
        for (int part = 0; part < 3; part++) {
            for (int left = counts[part]; left > 0; left--) sections[i].call(&event);
            getppid();
        }
    }
    return 0;
}
"""
#: The sections of the C program behind the empty one, in order.
C_CALLS = ["is_set", "wait, set", "set, set", "clear, clear", "set + clear"]


def missing() -> str:
    """Why nothing can be counted here, in a few words; "" if it can."""
    tools = [tool for tool in ("valgrind", os.environ.get("CC", "cc")) if not shutil.which(tool)]
    return f"needs {' and '.join(tools)}" if tools else ""


def _die_with_parent() -> None:
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


def counts(words: Sequence[str], folder: Path) -> list[float]:
    """The instructions per call in each section of that program, without those of the first one."""
    output = folder / "callgrind"
    valgrind = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={output}"]
    done = subprocess.run(
        [*valgrind, "--dump-before=getppid", *words],
        cwd=folder,  # so that Python imports what is installed
        env=os.environ | {"PYTHONHASHSEED": "0"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=DEADLINE,
        preexec_fn=_die_with_parent,
    )
    if done.returncode:
        raise RuntimeError(f"callgrind ended with status {done.returncode}:\n{done.stdout}")
    totals: list[int] = []
    while (part := folder / f"callgrind.{len(totals) + 1}").exists():
        line = next(line for line in part.read_text().splitlines() if line.startswith("totals: "))
        totals.append(int(line.split()[1]))
        part.unlink()
    if len(totals) < 4 or len(totals) % 3 != 1:
        raise RuntimeError(f"callgrind saw {len(totals)} marks, not 3 per section and one before")
    once, twice = totals[2::3], totals[3::3]
    empty, *sections = [b - a for a, b in zip(once, twice, strict=True)]
    return [(section - empty) / N for section in sections]


def in_python(folder: Path, program: str = PYTHON_PROGRAM) -> dict[str, dict[str, float]]:
    """{call: {"SystemEvent": instructions, "threading.Event": instructions}}, and the cheapest."""
    sections = [("threading.Lock", *EMPTY), ("threading.Lock", "", "event.locked()")]
    for statements in CALLS.values():
        sections += [(who, *statements) for who in ("SystemEvent", "threading.Event")]
    found = counts([sys.executable, "-c", program, str(N), repr(sections)], folder)
    results = {CHEAPEST: {"threading.Lock": found[0]}}
    for title, ours, theirs in zip(CALLS, found[1::2], found[2::2], strict=True):
        results[title] = {"SystemEvent": ours, "threading.Event": theirs}
    return results


def in_c(folder: Path) -> dict[str, float]:
    """{call: instructions} of the functions of systemevent.h, inlined by the compiler."""
    import systemevent

    source = folder / "instructions.c"
    source.write_text(C_PROGRAM)
    program = str(folder / "instructions")
    compiler = [os.environ.get("CC", "cc"), "-O2", f"-I{systemevent.get_include()}"]
    subprocess.run([*compiler, str(source), "-o", program], check=True)
    return dict(zip(C_CALLS, counts([program, str(N)], folder), strict=True))


def _found(values: Sequence[float]) -> str:
    return f"{values[0]:.0f} ±{(max(values) - min(values)) / 2:.2g}"


def _row(title: str, *cells: str) -> None:
    print(title.ljust(26) + "".join(cell.rjust(18) for cell in cells))


def main() -> int:
    """Count three times, and say how far the three differ."""
    parser = argparse.ArgumentParser(prog="python -m bench.instructions", description=__doc__)
    parser.add_argument("--runs", type=int, default=3, help="count that often (default: 3)")
    runs = parser.parse_args().runs
    if missing():
        print(missing(), file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        python_runs = [in_python(Path(folder)) for _ in range(runs)]
        c_runs = [in_c(Path(folder)) for _ in range(runs)]
    print(f"Instructions per call in user space, nobody waiting (± half the spread of {runs} runs)")
    _row("\nin Python", "SystemEvent", "threading.Event", "ratio")
    for title, first in python_runs[0].items():
        cells = [_found([run[title][who] for run in python_runs]) for who in first]
        if len(first) == 2:
            cells.append(f"{first['SystemEvent'] / first['threading.Event']:.2f}")
        _row(title, *cells)
    _row("\nin C", "systemevent.h")
    for title in C_CALLS:
        _row(title, _found([run[title] for run in c_runs]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
