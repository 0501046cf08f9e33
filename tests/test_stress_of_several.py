"""Stress of several events: wait_any and wait_all show nothing that they may not."""

import io
import re
import threading

import pytest
from harness import roles, stress
from harness.implementations import Processes
from harness.mutants_of_several import Mutant
from harness.report import judge_directory
from harness.scenarios_of_several import SEVERAL
from test_stress import LONG, SHORT, legal, logs_here, perturbation

pytestmark = pytest.mark.one_python

FIXTURES = logs_here, perturbation  # used by their names


def possible(name, scenario, perturbation="none"):
    """Skip what the mode for older kernels cannot do."""
    if not stress.is_possible(name, scenario, perturbation):
        pytest.skip("wait_any needs futex_waitv")
    return name


def fewest_calls(role):
    """Of a worker that comes late, and so plays once: perhaps it is to pause."""
    return min(sum(step.operation != "pause" for step in steps) for steps in roles.parse(role))


@pytest.mark.one_mode
@pytest.mark.parametrize("scenario", SEVERAL)
def test_the_tester_lets_right_waits_pass(scenario, tmp_path):
    """Those of threads under one lock; nothing is left behind."""
    outcome = legal("threading", scenario)
    assert outcome.operations >= sum(map(fewest_calls, SEVERAL[scenario]))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("scenario", SEVERAL)
@pytest.mark.parametrize("kind", ["processes", "shared", "programs"])
def test_every_scenario(kind, scenario, sleeping_mode):
    """In processes of one thread, in processes whose threads share the objects, and in C."""
    legal(possible(f"{kind}/{sleeping_mode}", scenario), scenario)


@pytest.mark.one_mode
@pytest.mark.parametrize("perturbation", ["storm", "delays"], indirect=True)
@pytest.mark.parametrize("scenario", SEVERAL)
def test_mixed(scenario, perturbation):
    """Python, C and commands around the same events, and all that disturbs."""
    name = possible("mixed", scenario, perturbation)
    legal(name, scenario, perturbation, seed=len(scenario))


@pytest.mark.parametrize("perturbation", ["none", "storm"], indirect=True)
@pytest.mark.parametrize("scenario", ["any-quiet", "any-chaos", "all-quiet", "all-chaos"])
def test_commands(scenario, perturbation, sleeping_mode):
    """evt_wait --any and --all, some of them killed."""
    name = possible(f"commands/{sleeping_mode}", scenario, perturbation)
    legal(name, scenario, perturbation, seconds=1.5)


@pytest.mark.parametrize("scenario", ["any-chaos", "any-metronome", "all-chaos", "all-sentry"])
def test_among_70_others(scenario, sleeping_mode):
    """wait_any sleeps in three threads, wait_all has 70 that are set: it is as with a few."""
    legal(possible(f"crowded/{sleeping_mode}", scenario), scenario, seconds=LONG)


@pytest.mark.parametrize("perturbation", ["handlers", "stops", "memory", "kills"], indirect=True)
@pytest.mark.parametrize("scenario", ["any-silence", "all-sentry"])
@pytest.mark.parametrize("kind", ["shared", "programs"])
def test_nobody_sleeps_through_a_rare_pulse(kind, scenario, perturbation, sleeping_mode):
    """Whatever takes a sleeper out of its queue for a moment: a pulse that it misses is found."""
    name = possible(f"{kind}/{sleeping_mode}", scenario, perturbation)
    legal(name, scenario, perturbation, seconds=LONG)


@pytest.mark.one_mode
@pytest.mark.parametrize(
    ("mutant", "scenario", "says"),
    [
        ("all-one-by-one", "all-relay", "ABCD cannot have been set all at once during the call"),
        ("any-neighbour", "any-pulses", "To event "),
    ],
)
def test_a_failure_is_kept_and_judged_again(mutant, scenario, says):
    """The logs stay, and say the same again; calls are named with their events."""
    outcome = None
    for seed in range(10):  # who comes late to a run may have no part in it
        outcome = stress.run(mutant, scenario, SHORT, seed)
        if outcome.kind != "legal":
            break
    assert outcome.kind == "illegal"
    again = io.StringIO()
    assert judge_directory(outcome.directory, again) == 1
    assert says in again.getvalue()
    assert re.search(rf"wait_{mutant[:3]}\([ABCD]{{2,}}", again.getvalue())
    assert f"python -m tests.harness judge {outcome.directory}" in str(outcome)


def never(events, timeout=None):
    """Wait for none of them."""
    threading.Event().wait()


class Never(Mutant, Processes):
    """Whoever waits for several events sleeps for ever."""

    waits = {"wait_any": never, "wait_all": never}


@pytest.mark.one_mode
@pytest.mark.parametrize(
    ("scenario", "call"), [("any-silence", "wait_any(ABC)"), ("all-sentry", "wait_all(ABC)")]
)
def test_sleepers_are_drawn(scenario, call, monkeypatch):
    """Who sleeps too long is told with the events that it waits for."""
    monkeypatch.setitem(stress.EVENTS, "never", Never)
    outcome = stress.run("never", scenario, LONG, 0, is_patient=False)
    assert outcome.kind == "slept", str(outcome)
    worst = max(outcome.complaints, key=lambda each: each.delay)
    assert f"SLEPT  Worker {worst.wait.worker} " in str(outcome)
    assert call in str(outcome)
    assert all(each.wait.worker in outcome.hung for each in outcome.complaints)
