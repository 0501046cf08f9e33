"""The stress runner: workers play a scenario on an event, and the judge reads their logs."""

import contextlib
import io
import mmap
import random
import shutil
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import NamedTuple

from . import history, report
from .checker import Verdict, judge
from .implementations import IMPLEMENTATIONS, available
from .liveness import Complaint, complaints, worst_delay
from .mutants import MUTANTS, Right
from .scenarios import SCENARIOS, Logged

try:
    from processes import Worker, until
except ModuleNotFoundError:  # not under pytest: the package is tests.harness
    from ..processes import Worker, until

#: All that can be run: what is under test, the right event of mutants.py, the mutants.
EVENTS = {**IMPLEMENTATIONS, "right": Right, **MUTANTS}
#: By how much the clocks of two calls may differ, rounded to their ticks.
EPSILON_NS = 1000
#: Seconds of promptness. No load of the machine makes anybody that late.
BOUND = 5.0
#: Calls of a worker in a second: more would tell nothing that the pauses do not, and fill the disk.
RATE = 10_000
#: Seconds of a run of the command.
RUN = 2.0
_OVERHEAD = 0.3
_MARGIN = 0.5
_REPEAT = 0.02
_READY, _DONE = 1, 2
_SPARE = 1000  # records: of a role's last step, or of the closer


class Outcome(NamedTuple):
    """What came of a run."""

    implementation: str
    scenario: str
    seed: int
    verdict: Verdict
    complaints: list[Complaint]
    hung: list[int]  # the workers that had to be killed
    operations: int
    worst: float  # the longest time, in seconds, from a set to the True of a wait
    directory: Path | None  # of the logs, if it failed

    @property
    def kind(self):
        """What is wrong, or "legal", or "unknown"."""
        if self.verdict.kind == "illegal":
            return "illegal"
        if self.complaints:
            return "slept"
        return "hung" if self.hung else self.verdict.kind

    @property
    def status(self):
        """As an exit status: 0 legal, 1 not, 2 unknown."""
        return {"legal": 0, "unknown": 2}.get(self.kind, 1)

    def __str__(self):
        text = f"{self.implementation}, {self.scenario}, seed {self.seed}: {self.kind}"
        if self.directory is None:
            return text
        lines = io.StringIO()
        report.judge_directory(self.directory, lines)
        text += f"\n{lines.getvalue()}"
        if self.hung:
            text += f"killed, because they hung: workers {', '.join(map(str, self.hung))}\n"
        command = report.command(self.directory)
        if command not in text:
            text += f"judge it again: {command}\n"
        return f"{text}logs: {self.directory}"


def run(implementation, scenario, seconds, seed, bound=BOUND):
    """Let workers play a scenario for some seconds, and judge what they saw: an Outcome."""
    directory = Path(tempfile.mkdtemp(prefix=f"stress.{scenario}."))
    roles = SCENARIOS[scenario]
    subject = EVENTS[implementation]()
    try:
        hung = _Run(subject, roles, seconds, seed, bound, directory).play()
    finally:
        subject.close()
    settings = {"epsilon_ns": EPSILON_NS, "bound_ns": int(bound * 1e9), "end": time.monotonic_ns()}
    origin = {"implementation": implementation, "scenario": scenario, "seed": seed}
    history.save_settings(directory, **settings, **origin, seconds=seconds)
    operations = history.load(directory)
    outcome = Outcome(
        **origin,
        verdict=judge(operations, EPSILON_NS, explain=False),
        complaints=complaints(operations, settings["bound_ns"], settings["end"]),
        hung=hung,
        operations=len(operations),
        worst=worst_delay(operations) / 1e9,
        directory=directory,
    )
    if outcome.status == 0:
        shutil.rmtree(directory)
        return outcome._replace(directory=None)
    return outcome


class _Run:
    """The workers of a run: one for each role, and the closer, who lets sleepers go at the end."""

    def __init__(self, subject, roles, seconds, seed, bound, directory):
        self.subject = subject
        self.roles = roles
        self.seed = seed
        self.directory = directory
        self.seconds = seconds
        self.patience = seconds + bound + _MARGIN  # then who is left hangs
        self.most = int(seconds * RATE)
        self.states = mmap.mmap(-1, mmap.PAGESIZE)  # a byte for each worker, shared

    def play(self):
        """Run them all; return the numbers of those who had to be killed."""
        hung = []
        with contextlib.ExitStack() as stack:
            started = []
            for group in self.subject.groups(len(self.roles) + 1):
                started.append((group, Worker(self._process, group)))
                stack.callback(started[-1][1].end)
            self._until_ready()
            deadline = time.monotonic() + self.patience
            for group, worker in started:
                try:
                    worker.result(max(0, deadline - time.monotonic()))
                except AssertionError:  # no result in time
                    worker.signal(9)
                    worker.reap()
                    for number in group:
                        if (self.directory / f"{number}.log").exists():
                            history.mark_dead(self.directory, number)
                    hung += [number for number in group if self.states[number] != _DONE]
        return hung

    def _until_ready(self):
        until(lambda: all(self.states[: len(self.roles) + 1]), "all workers are ready")

    def _process(self, group):
        """A process of workers: the first in the main thread, the others in threads."""
        self.subject.prepare()
        errors = []
        threads = [threading.Thread(target=self._worker, args=(i, errors)) for i in group[1:]]
        for thread in threads:
            thread.start()
        self._worker(group[0], errors)
        for thread in threads:
            thread.join()
        if errors:
            raise errors[0]

    def _worker(self, number, errors):
        try:
            log = history.Log(self.directory, number, self.most + _SPARE)
            event = Logged(self.subject.event, log)
            self.states[number] = _READY
            self._until_ready()
            if number == len(self.roles):
                self._close(event)
            else:
                self._play(number, event)
        except BaseException as error:
            errors.append(error)
        finally:
            self.states[number] = _DONE

    def _play(self, number, event):
        role = self.roles[number]
        source = random.Random(f"{self.seed}.{number}")
        end = time.monotonic() + self.seconds
        role(event, source)
        while time.monotonic() < end and event.calls < self.most:
            role(event, source)

    def _close(self, event):
        """At the end, set the event until nobody is left, also for a wait that began late."""
        deadline = time.monotonic() + self.patience - _MARGIN
        time.sleep(self.seconds)
        while time.monotonic() < deadline and set(self.states[: len(self.roles)]) != {_DONE}:
            event.set()
            time.sleep(_REPEAT)


# ---- the command ---------------------------------------------------------------------------------


def add_options(parser):
    """The options of the command."""
    parser.add_argument("--seconds", type=float, default=60, help="how long in all (default: 60)")
    parser.add_argument("--seed", type=int, default=0, help="of the first run; then one more each")
    parser.add_argument("--scenario", action="append", choices=SCENARIOS)
    parser.add_argument(
        "--implementation",
        action="append",
        choices=EVENTS,
        help="default: all that are no mutants",
    )
    parser.add_argument(
        "--bound",
        type=float,
        default=BOUND,
        help=f"how late a waiter may be, in seconds (default: {BOUND:g}; less on an idle machine)",
    )


def main(options, out=sys.stdout):
    """Run all pairs in turn until the time is over; print a table; return the exit status."""
    names = options.implementation or [*available(), "right"]
    pairs = [(name, each) for each in options.scenario or SCENARIOS for name in names]
    rows = {pair: [] for pair in pairs}
    begin = time.monotonic()
    seed, operations, worst, failures = options.seed, 0, 0.0, 0
    length = min(RUN, max(0.2, options.seconds / len(pairs) - _OVERHEAD))
    while (left := options.seconds - (time.monotonic() - begin)) > 0:
        pair = pairs[(seed - options.seed) % len(pairs)]
        outcome = run(*pair, min(length, max(0.1, left)), seed, options.bound)
        rows[pair].append(outcome)
        seed += 1
        operations += outcome.operations
        worst = max(worst, outcome.worst)
        failures += outcome.status != 0
        if outcome.status:
            print(f"\n{outcome}\n", file=out)
        line = (
            f"{time.monotonic() - begin:6.0f} s  {seed - options.seed} histories judged, "
            f"{operations:,} operations, worst promptness {worst * 1e3:.1f} ms, {failures} failed"
        )
        print(f"\r{line}" if out.isatty() else f"{line}\n", end="", file=out, flush=True)
    print("\n" + table(rows), file=out)
    statuses = {outcome.status for outcomes in rows.values() for outcome in outcomes}
    return 1 if 1 in statuses else max(statuses, default=2)


def table(rows):
    """The outcomes of each implementation in each scenario as a table."""
    lines = [f"{'implementation':<24}{'scenario':<10}{'runs':>6}{'operations':>12}{'worst':>12}"]
    for (name, scenario), outcomes in rows.items():
        kinds = [outcome.kind for outcome in outcomes]
        found = ", ".join(f"{kinds.count(kind)} {kind}" for kind in sorted(set(kinds)))
        total = sum(outcome.operations for outcome in outcomes)
        worst = max((outcome.worst for outcome in outcomes), default=0) * 1e3
        row = f"{name:<24}{scenario:<10}{len(kinds):>6}{total:>12,}{worst:>9.1f} ms  "
        lines.append(row + (found or "not run"))
    return "\n".join(lines)
