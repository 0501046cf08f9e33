"""The stress runner: workers play a scenario on an event, and the judge reads their logs.

What it is for is what nobody has thought of; so it asserts nothing about any single call, only that
threading.Event could have shown all of them together, and that nobody slept too long. A test that
sets, waits and expects True passes on an event that takes its flag away for a microsecond whenever
somebody looks; a few thousand calls of eight workers do not.
"""

import contextlib
import heapq
import io
import random
import secrets
import shutil
import tempfile
import time
from multiprocessing import forkserver, resource_tracker
from pathlib import Path
from typing import NamedTuple

from processes import DEADLINE, until

from . import history, report, roles
from .board import DEAD, DONE, READY, Board
from .implementations import IMPLEMENTATIONS
from .judge import Verdict, complaints, delays, judge
from .lateness import GLANCE, Lateness
from .liveness import Complaint
from .mutants import MUTANTS, Right
from .perturbations import PERTURBATIONS
from .scenarios import LARGE, SCENARIOS, is_foreign
from .scenarios_of_several import SEVERAL
from .seats import CLOSER, Task

#: All that can be run: what is under test, the right event of mutants.py, the mutants.
EVENTS = {**IMPLEMENTATIONS, "right": Right, **MUTANTS}
ALL_SCENARIOS = {**SCENARIOS, **SEVERAL, **LARGE}
#: By how much the clocks of two calls may differ, rounded to their ticks.
EPSILON_NS = 1000
#: Seconds of promptness on an idle machine.
BOUND = 0.5
#: After how many more who is left hangs: measures nothing, for a machine may stand still meanwhile.
PATIENCE = 2 * DEADLINE
#: How many times as late as the runner itself, which sleeps too, may a waiter be?
LATENESS = 20
#: How many times as late as who sleeps on one processor only (lateness.py)? A wait may meet two
#: processors that stand still: when it is woken, and before it returns.
STANDSTILLS = 2
#: Calls of a worker in a second: more would tell nothing that the pauses do not, and fill the disk.
RATE = 10_000
_MARGIN = 0.5


class Outcome(NamedTuple):
    """What came of a run."""

    implementation: str
    scenario: str
    perturbation: str
    seed: int
    verdict: Verdict
    complaints: list[Complaint]
    hung: list[int]  # the workers that had to be killed
    operations: int
    kills: int
    worst: float  # the longest time, in seconds, from a set to the True of a wait
    bound: float  # seconds of promptness by which it was judged
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

    def discard(self):
        """Remove the logs of a failure that was to be expected."""
        if self.directory:
            shutil.rmtree(self.directory)

    def __str__(self):
        where = f"{self.implementation}, {self.scenario}, {self.perturbation}, seed {self.seed}"
        text = f"{where}: {self.kind}"
        if self.directory is None:
            return text
        lines = io.StringIO()
        report.judge_directory(self.directory, lines)
        text += f"\n{lines.getvalue()}"
        command = report.command(self.directory)
        if command not in text:
            text += f"judge it again: {command}\n"
        return f"{text}logs: {self.directory}"


def is_possible(implementation, scenario, perturbation):
    """Can this implementation play that scenario, with that perturbation?"""
    kind, cast = EVENTS[implementation], ALL_SCENARIOS[scenario]
    if any(each.kills for each in PERTURBATIONS[perturbation]) and not kind.survives_kills:
        return False
    if not kind.has_foreigners and any(map(is_foreign, cast)):
        return False
    if not roles.events_of(cast):
        return kind.has_one
    return kind.several is not None and roles.waits_for(cast) <= kind.several


def run(implementation, scenario, seconds, seed, bound=None, perturbation="none", is_patient=True):
    """Let workers play a scenario for some seconds, and judge what they saw: an Outcome.

    bound: seconds of promptness; if it is not given, what suits the users and the perturbation. A
    patient runner lets it grow with the lateness of the machine, and waits for PATIENCE longer for
    who is left.
    """
    slow = [EVENTS[implementation], *PERTURBATIONS[perturbation]]
    slowness = max(each.slowness for each in slow)
    if bound is None:
        bound = BOUND * slowness
    patience = bound + (PATIENCE if is_patient else 0)
    # Named before it is made: Ctrl-C may come in between, and nothing may stay behind.
    directory = Path(tempfile.gettempdir(), f"stress.{scenario}.{secrets.token_hex(8)}")
    origin = {
        "implementation": implementation,
        "scenario": scenario,
        "perturbation": perturbation,
        "seed": seed,
    }
    try:
        one = _play(**origin, seconds=seconds, patience=patience, directory=directory)
        if is_patient:
            bound = max(bound, LATENESS * one.lateness, STANDSTILLS * one.standstill)
        settings = {"epsilon_ns": EPSILON_NS, "bound_ns": int(bound * 1e9)}
        settings["pulses_count"] = EVENTS[implementation].sees_all_pulses
        settings |= {"end": time.monotonic_ns(), "hung": one.hung}
        history.save_settings(directory, **settings, **origin, seconds=seconds)
        return _judge(directory, settings, origin, one)
    except KeyboardInterrupt:
        shutil.rmtree(directory, ignore_errors=True)
        raise


def _play(implementation, scenario, perturbation, seed, seconds, patience, directory):
    """A _Run that is over; its logs are removed if anything goes wrong."""
    try:
        directory.mkdir(mode=0o700)
        cast = ALL_SCENARIOS[scenario]
        subject = EVENTS[implementation](roles.events_of(cast))
        try:
            subject.open()
            one = _Run(subject, cast, seconds, seed, patience, directory)
            one.play([kind() for kind in PERTURBATIONS[perturbation]])
            return one
        finally:
            subject.close()
    except BaseException:
        shutil.rmtree(directory, ignore_errors=True)
        raise


def _judge(directory, settings, origin, one):
    operations = history.load(directory)
    about = {name: settings[name] for name in ("bound_ns", "end", "pulses_count")}
    late = (each.delay for each in delays(operations, **about) if each.kind == "late")
    outcome = Outcome(
        **origin,
        verdict=judge(operations, EPSILON_NS, explain=False),
        complaints=complaints(operations, **about),
        hung=one.hung,
        operations=len(operations),
        kills=one.kills,
        worst=max(late, default=0) / 1e9,
        bound=settings["bound_ns"] / 1e9,
        directory=directory,
    )
    if outcome.status == 0:
        shutil.rmtree(directory)
        return outcome._replace(directory=None)
    return outcome


class _Run:
    """The workers of a run: one for each role, and the closer, who lets sleepers go at the end."""

    def __init__(self, subject, roles, seconds, seed, patience, directory):
        self.subject = subject
        self.roles = (*roles, CLOSER)
        self.directory = directory
        self.seconds = seconds
        self.patience = seconds + patience + _MARGIN  # then who is left hangs
        self.most = int(seconds * RATE)
        self.seed = seed
        self.source = random.Random(f"{seed}.runner")
        self.board = Board(directory / "board", new=True)
        self.seats = []
        self.kills = 0
        self.hung = []  # the numbers of those who had to be killed
        self.lateness = 0.0  # the most, in seconds, by which the runner came too late
        self.standstill = 0.0  # the same of the machine's processors

    def play(self, perturbing):
        """Run them all."""
        numbers = self.board.recruit(len(self.roles))
        task = Task(self.directory, numbers, self.roles, self.seed, self.most, None)
        has_kills = any(each.kills for each in perturbing)
        with contextlib.ExitStack() as stack:
            stack.callback(self.board.close)
            stack.callback(_stop_servers)
            stack.callback(self._end)
            for seat in self.subject.seats(task, has_kills):
                seat.start()
                self.seats.append(seat)
            until(self._is_ready, "all workers are ready")
            machine = Lateness(stack)
            for each in perturbing:
                each.begin(self)
                stack.callback(each.end, self)
            now = time.monotonic_ns()
            end, deadline = (now + int(each * 1e9) for each in (self.seconds, self.patience))
            self.board.begin(end, deadline - int(_MARGIN * 1e9))
            self._perturb(perturbing, now / 1e9, end / 1e9)
            self._finish(deadline / 1e9)
            self.standstill = machine.most()

    def _end(self):
        with contextlib.ExitStack() as stack:  # all of them, also if one raises
            for seat in self.seats:
                stack.callback(seat.end)

    def _is_ready(self):
        if 0 not in {self.board.state(number) for number in range(self.board.count)}:
            return True
        for seat in self.seats:
            seat.finish(0)  # raises what went wrong
        return False

    def _perturb(self, perturbing, due, end):
        """Each of them in its own rhythm, from the beginning, which was due then, until the end."""
        agenda = [(due, at) for at in range(len(perturbing))]
        while (now := self._note_lateness(due)) < end:
            if agenda and agenda[0][0] <= now:
                due, (_, at) = now, heapq.heappop(agenda)
                pause = perturbing[at].step(self)
                heapq.heappush(agenda, (time.monotonic() + pause, at))
            else:
                due = min([end, now + GLANCE, *(when for when, _ in agenda[:1])])
                time.sleep(due - now)

    def _note_lateness(self, due):
        """Return the time; this process has slept until `due`, as it believes."""
        now = time.monotonic()
        self.lateness = max(self.lateness, now - due)
        return now

    def awake(self, most=1):
        """Up to so many of the seats, at random, that play now; the closer's is none of them."""
        chosen = self.source.sample(self.seats, min(most, len(self.seats)))
        return [seat for seat in chosen if self._plays(seat.task)]

    def _plays(self, task):
        return CLOSER not in task.roles and all(
            self.board.state(number) == READY for number in task.numbers
        )

    def replace(self, seat):
        """Kill a seat, and start another one in its place."""
        self.kills += 1
        self._kill(seat)
        task = seat.task._replace(numbers=self.board.recruit(len(seat.task.numbers)))
        self.seats[self.seats.index(seat)] = another = type(seat)(task)
        another.start()

    def _kill(self, seat):
        seat.kill()
        for number in seat.task.numbers:
            if self.board.state(number) != DONE:
                self.board.report(number, DEAD)

    def _finish(self, deadline):
        """Wait for all; kill those who hang."""
        for seat in self.seats:
            if not self._ends(seat, deadline):
                left = [n for n in seat.task.numbers if self.board.state(n) not in (DONE, DEAD)]
                self.hung += left
                self._kill(seat)

    def _ends(self, seat, deadline):
        """Has it ended by then?"""
        now = time.monotonic()
        while now < deadline:
            due = min(deadline, now + GLANCE)
            over = seat.finish(due)
            now = self._note_lateness(due)
            if over:
                return True
        return seat.finish(0)


def _stop_servers():
    """End what multiprocessing has started to spawn and serve."""
    forkserver._forkserver._stop()
    resource_tracker._resource_tracker._stop()
