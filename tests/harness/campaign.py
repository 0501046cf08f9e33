"""The long run: every sweep, every mutant, the large scenarios; then random stress until the end.

Random stress goes through all combinations of implementation, scenario and perturbation in a random
order, again and again. The seed reproduces that order and what every worker does, not how the
kernel schedules them; exact replay comes from the logs of a failure.
"""

import collections
import contextlib
import random
import time
import traceback

from . import many_events, stress
from .environment import modes
from .implementations import available
from .mutants import MUTANTS
from .perturbations import HARMLESS, why_not
from .results import FAILED, PASSED, SKIPPED, UNKNOWN, Result
from .scenarios import SCENARIOS
from .scenarios_of_several import SEVERAL
from .sweeps import SWEEPS

#: How many runs of random stress must at least have missed a mutant that has survived. On a machine
#: with too much to do, a run catches some in a third of all cases; 50 such runs miss once in 10**8.
TRIES = 50
#: Seconds of a run of random stress.
RUN = 2.0
#: Seconds of a run of a large scenario, and of promptness in it.
LARGE_RUN, LARGE_BOUND = 5.0, 30.0
LARGE_RUNS = [
    ("processes", "thousand"),
    ("programs", "thousand"),
    ("threads", "multitude"),
]
_KINDS = {"legal": PASSED, "unknown": UNKNOWN}


class Campaign:
    """A long run; `results` grow as it goes on, and show(text) is told what is being done."""

    def __init__(self, seed=0, bound=None, show=lambda text: None, report=print):
        self.seed = seed
        self.bound = bound
        self.results = []
        self.operations = self.kills = self.histories = 0
        self.worst = 0.0
        self.begin = time.monotonic()
        self._show = show
        self._report = report

    def progress(self):
        """The line that lives."""
        failed = sum(result.verdict == FAILED for result in self.results)
        return (
            f"{time.monotonic() - self.begin:6.0f} s  {self.histories} histories judged, "
            f"{self.operations:,} operations, {self.kills:,} kills, "
            f"worst promptness {self.worst * 1e3:.1f} ms, {failed} failed"
        )

    def _add(self, result):
        self.results.append(result)
        if result.verdict != PASSED:
            self._report(f"{result.part} {result.name}: {result.verdict}: {result.text}")

    def add_interruption(self):
        """Nothing that was not done may look like passed."""
        seconds = time.monotonic() - self.begin
        self._add(Result("all", "interrupted", UNKNOWN, seconds, "the rest was not done"))

    def sweep(self, names=None):
        """Each sweep once."""
        for name in names or SWEEPS:
            sweep = SWEEPS[name]
            begin = time.monotonic()
            self._show(f"sweep: {name}")
            reason = sweep.why_not()
            if reason:
                self._add(Result("sweep", name, SKIPPED, 0.0, reason))
                continue
            try:
                points = sweep.run(
                    lambda points, what, name=name: self._show(f"sweep: {name}: {points:,}, {what}")
                )
                outcome = PASSED, f"{points:,} points", {"points": points}
            except Exception:
                outcome = FAILED, traceback.format_exc(), {}
            verdict, text, measures = outcome
            seconds = time.monotonic() - begin
            self._add(Result("sweep", name, verdict, seconds, text, measures))

    @contextlib.contextmanager
    def _guarded(self, part, name):
        """What a worker or the harness raises is a failure, and the run goes on."""
        begin = time.monotonic()
        try:
            yield
        except Exception:
            seconds = time.monotonic() - begin
            self._add(Result(part, name, FAILED, seconds, traceback.format_exc()))

    def catch_mutants(self, names=None):
        """Each mutant must be caught, within its budget."""
        for name in names or MUTANTS:
            self._show(f"mutant: {name}")
            mutant = MUTANTS[name]
            if reason := why_not(mutant.perturbation):
                self._add(Result("mutant", name, SKIPPED, 0.0, reason))
                continue
            begin = time.monotonic()
            with self._guarded("mutant", name):
                kind, seed = caught(name, self.seed)
                seconds = time.monotonic() - begin
                run = f"{kind}, run {seed - self.seed + 1} of {mutant.scenario}"
                text = f"{run if kind else 'survived'}: {mutant.fault}"
                measures = {"scenario": mutant.scenario, "perturbation": mutant.perturbation}
                verdict = PASSED if kind else FAILED
                self._add(Result("mutant", name, verdict, seconds, text, measures))

    def run_large(self):
        """A thousand processes, two thousand threads, five thousand events."""
        for kind, scenario in LARGE_RUNS:
            for mode in modes():
                name = f"{kind}/{mode}, {scenario}"
                self._show(f"large: {name}")
                with self._guarded("large", name):
                    combination = f"{kind}/{mode}", scenario, "none"
                    outcomes = [self._run(combination, LARGE_RUN, 0, LARGE_BOUND)]
                    self._add(_aggregate("large", name, outcomes))
        self._show("large: many events")
        with self._guarded("large", "many events"):
            self._run_many_events()

    def _run_many_events(self):
        begin = time.monotonic()
        found = many_events.run(seed=self.seed)
        seconds = time.monotonic() - begin
        self.operations += found.operations
        self.histories += found.events
        text = f"{found.operations:,} operations on {found.events:,} events"
        if found.wrong:
            text += f"; logs: {found.directory}\n" + "\n".join(found.wrong)
        measures = {"operations": found.operations, "events": found.events}
        verdict = FAILED if found.wrong else PASSED
        self._add(Result("large", "many events", verdict, seconds, text, measures))

    def stress(self, until, implementations=None, scenarios=None, perturbations=None):
        """Random stress until a time.monotonic(); each combination in turn."""
        perturbations = list(perturbations or HARMLESS)
        for name in list(perturbations):
            if reason := why_not(name):
                perturbations.remove(name)
                self._add(Result("stress", f"with {name}", SKIPPED, 0.0, reason))
        combinations = [
            (name, scenario, perturbation)
            for name in implementations or default_implementations()
            for scenario in scenarios or {**SCENARIOS, **SEVERAL}
            for perturbation in perturbations
            if stress.is_possible(name, scenario, perturbation)
        ]
        outcomes = collections.defaultdict(list)
        try:
            self._play(combinations, until, outcomes)
        finally:  # also if it was interrupted
            for combination in sorted(outcomes):
                self._add(_aggregate("stress", ", ".join(combination), outcomes[combination]))
        if not outcomes:
            text = "no time, or no combination of these names can be played"
            self._add(Result("stress", "nothing", UNKNOWN, 0.0, text))
        if len(outcomes) < len(combinations):
            self._report(
                f"{len(outcomes)} of {len(combinations)} combinations were played: "
                "more minutes for all"
            )

    def _play(self, combinations, until, outcomes):
        length = min(RUN, max(0.1, (until - time.monotonic()) / 2))
        source = random.Random(f"{self.seed}.campaign")
        left = []
        number = 0
        while combinations and time.monotonic() < until:
            left = left or source.sample(combinations, len(combinations))
            combination = left.pop()
            self._show(f"{self.progress()}; {', '.join(combination)}")
            with self._guarded("stress", f"{', '.join(combination)}, seed {self.seed + number}"):
                outcome = self._run(combination, length, number)
                outcomes[combination].append(outcome)
            number += 1

    def _run(self, combination, seconds, number, bound=None):
        """One run: the seconds it took, and its Outcome."""
        begin = time.monotonic()
        name, scenario, perturbation = combination
        outcome = stress.run(
            name, scenario, seconds, self.seed + number, bound or self.bound, perturbation
        )
        self.histories += 1
        self.operations += outcome.operations
        self.kills += outcome.kills
        self.worst = max(self.worst, outcome.worst)
        if outcome.status:
            self._report(str(outcome))
        return time.monotonic() - begin, outcome


def default_implementations():
    """All that are no mutants, but for those that exist for the large scenarios."""
    return [name for name in available() if not name.startswith("threads/")] + ["right"]


def caught(name, seed=0):
    """What gave a mutant away, and the seed that did; None if it survives its budget.

    It gets at least TRIES runs: on a machine with too much to do, the budget may be two.
    """
    mutant = MUTANTS[name]
    end, least = time.monotonic() + mutant.budget, seed + TRIES
    while time.monotonic() < end or seed < least:
        length, bound = mutant.seconds, mutant.bound
        outcome = stress.run(
            name, mutant.scenario, length, seed, bound, mutant.perturbation, is_patient=False
        )
        outcome.discard()
        if outcome.kind in ("illegal", "slept"):
            return outcome.kind, seed
        seed += 1
    return None, seed


def _aggregate(part, name, timed_outcomes):
    """The Result of several runs of one combination."""
    outcomes = [outcome for _, outcome in timed_outcomes]
    kinds = collections.Counter(outcome.kind for outcome in outcomes)
    verdicts = {_KINDS.get(kind, FAILED) for kind in kinds}
    verdict = next(each for each in (FAILED, UNKNOWN, PASSED) if each in verdicts)
    measures = {
        "runs": len(outcomes),
        "operations": sum(outcome.operations for outcome in outcomes),
        "kills": sum(outcome.kills for outcome in outcomes),
        "worst_ms": round(max(outcome.worst for outcome in outcomes) * 1e3, 3),
        "bound_ms": round(max(outcome.bound for outcome in outcomes) * 1e3),
        "seeds": [outcome.seed for outcome in outcomes if outcome.status],
        "logs": [str(outcome.directory) for outcome in outcomes if outcome.directory],
    }
    text = ", ".join(f"{count} {kind}" for kind, count in kinds.items())
    text += f"; {measures['operations']:,} operations, {measures['kills']} kills, "
    text += f"worst {measures['worst_ms']:.1f} of {measures['bound_ms']:,} ms"
    text += "".join(f"\n\n{outcome}" for outcome in outcomes if outcome.status)
    seconds = sum(seconds for seconds, _ in timed_outcomes)
    return Result(part, name, verdict, seconds, text, measures)
