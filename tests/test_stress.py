"""Stress: the event shows nothing that threading.Event could not; wrong events are found out."""

import contextlib
import io
import os
import signal
import time

import pytest
from harness import history, many_events, roles, stress
from harness.campaign import LARGE_BOUND, LARGE_RUNS, caught
from harness.lateness import Lateness
from harness.mutants import MUTANTS
from harness.perturbations import HARMLESS, PERTURBATIONS, Perturbation, why_not
from harness.report import judge_directory
from harness.scenarios import SCENARIOS
from processes import until
from surroundings import need

from systemevent import SystemEvent

pytestmark = pytest.mark.one_python

#: Seconds of a run.
SHORT = 0.5
#: Seconds of a run with a pulse that finds everybody waiting for long.
LONG = 1.5


@pytest.fixture(autouse=True)
def logs_here(tmp_path, monkeypatch):
    """The logs of failures are kept where pytest keeps such things."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))


@pytest.fixture
def perturbation(request):
    """A perturbation that can be had here."""
    need(why_not(request.param))
    return request.param


def legal(name, scenario, perturbation="none", seed=0, seconds=SHORT, bound=None):
    """Run it; fail with the report unless the outcome is legal."""
    outcome = stress.run(name, scenario, seconds, seed, bound, perturbation)
    assert outcome.kind == "legal", str(outcome)
    return outcome


@pytest.mark.one_mode
@pytest.mark.parametrize("scenario", SCENARIOS)
@pytest.mark.parametrize("name", ["threading", "right"])
def test_the_tester_lets_right_events_pass(name, scenario, tmp_path):
    """threading.Event, and what the mutants are mutants of; nothing is left behind."""
    outcome = legal(name, scenario)
    assert outcome.operations >= len(SCENARIOS[scenario])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("scenario", SCENARIOS)
@pytest.mark.parametrize("kind", ["processes", "shared", "programs"])
def test_every_scenario(kind, scenario, sleeping_mode):
    """In processes of one thread, in processes whose threads share an object, and in C."""
    legal(f"{kind}/{sleeping_mode}", scenario)


@pytest.mark.one_mode
@pytest.mark.parametrize("perturbation", HARMLESS, indirect=True)
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_mixed(scenario, perturbation):
    """Python, C and commands around one event, in both sleeping modes, and all that disturbs."""
    legal("mixed", scenario, perturbation, seed=len(scenario))


@pytest.mark.parametrize("perturbation", HARMLESS[1:], indirect=True)
@pytest.mark.parametrize("scenario", ["metronome", "lighthouse"])
@pytest.mark.parametrize("kind", ["processes", "programs"])
def test_pulses_meet_who_is_elsewhere(kind, scenario, perturbation, sleeping_mode):
    """A pulse is seen by who is in a handler, stopped, delayed, without its page, or new."""
    legal(f"{kind}/{sleeping_mode}", scenario, perturbation, seconds=1.5)


@pytest.mark.parametrize("perturbation", ["none", "storm"], indirect=True)
@pytest.mark.parametrize("scenario", ["quiet", "chaos", "foreign"])
def test_commands(scenario, perturbation, sleeping_mode):
    """evt_set, evt_clear and evt_wait, some of them killed."""
    legal(f"commands/{sleeping_mode}", scenario, perturbation, seconds=1.5)


@pytest.mark.alone
@pytest.mark.one_mode  # the long run has both
@pytest.mark.parametrize(("kind", "scenario"), LARGE_RUNS)
def test_large(kind, scenario, sleeping_mode):
    """A thousand waiting processes and pulses; 200 threads in each of 10 processes."""
    name = f"{kind}/{sleeping_mode}"
    outcome = legal(name, scenario, seconds=2.0, bound=LARGE_BOUND)
    assert outcome.operations >= len(stress.ALL_SCENARIOS[scenario])


def test_many_events():
    """5,000 events, of which each has a legal history of its own."""
    found = many_events.run(seconds=3.0)
    assert found.wrong == []
    assert found.events == many_events.COUNT


@pytest.mark.one_mode
@pytest.mark.parametrize("seconds", [0.0, 0.1])
def test_each_of_many_events_is_used(seconds, monkeypatch):
    """Also where there is no time for it, and those that meet mostly pause."""
    monkeypatch.setattr(many_events, "_ROLE", roles.parse("20* pause:0:0.1 | set"))
    found = many_events.run(100, seconds)
    assert found.wrong == []
    assert found.events == 100


@pytest.mark.one_mode
@pytest.mark.parametrize("name", MUTANTS)
def test_mutants_are_caught(name):
    """Each wrong event is found out in the scenario that it names, within its budget."""
    mutant = MUTANTS[name]
    need(why_not(mutant.perturbation))
    kind, _ = caught(name)
    assert kind, f"survived {mutant.budget} s: {mutant.fault}"


@pytest.mark.parametrize(
    ("scenario", "perturbation"),
    dict.fromkeys((mutant.scenario, mutant.perturbation) for mutant in MUTANTS.values()),
    indirect=["perturbation"],
)
def test_where_a_mutant_is_caught_the_event_is_legal(scenario, perturbation, sleeping_mode):
    """The event passes where its mutants do not."""
    name = f"programs/{sleeping_mode}"
    if not stress.is_possible(name, scenario, perturbation):
        pytest.skip("wait_any needs futex_waitv")
    legal(name, scenario, perturbation, seconds=LONG)


@pytest.mark.parametrize("perturbation", ["none", "handlers", "stops", "memory"], indirect=True)
@pytest.mark.parametrize("kind", ["processes", "shared", "programs"])
def test_nobody_sleeps_through_a_rare_pulse(kind, perturbation, sleeping_mode):
    """Whatever takes a sleeper out of its queue for a moment: a pulse that it misses is found.

    In the mode for older kernels, only sets that last count.
    """
    legal(f"{kind}/{sleeping_mode}", "silence", perturbation, seconds=LONG)


@pytest.mark.one_mode
@pytest.mark.parametrize("seconds", [0.2, SHORT + 0.2])
def test_a_machine_that_comes_late_makes_the_bound_grow(seconds, monkeypatch):
    """What the runner itself oversleeps is no fault of the event, also at the end of the run."""

    class Nap(Perturbation):
        def step(self, run):
            time.sleep(seconds)
            return 3600.0

    monkeypatch.setitem(PERTURBATIONS, "nap", (Nap,))
    assert legal("right", "crowd", "nap").bound >= stress.LATENESS * seconds
    assert (
        stress.run("right", "crowd", SHORT, 0, None, "nap", is_patient=False).bound == stress.BOUND
    )


@pytest.mark.one_mode
def test_a_processor_that_stands_still_makes_the_machine_late():
    """Also while it does so; and it is not forgotten when it goes on."""
    with contextlib.ExitStack() as stack:
        machine = Lateness(stack)
        machine.watcher.signal(signal.SIGSTOP)
        until(lambda: machine.most() > 0.3, "nobody looks at the clock")
        machine.watcher.signal(signal.SIGCONT)
        for _ in range(20):
            time.sleep(0.01)
            assert machine.most() > 0.3


@pytest.mark.one_mode
def test_a_failure_is_kept_and_judged_again(monkeypatch):
    """The logs stay, also of workers that had to be killed, and say the same again."""
    # Also who comes late, when the event is set at the end of the run, falls asleep.
    monkeypatch.setitem(stress.ALL_SCENARIOS, "sleep", ["clear wait"] * 3)
    outcome = stress.run("set-without-wake", "sleep", SHORT, 0, is_patient=False)
    assert outcome.kind == "slept"
    dead = {each.worker for each in history.load(outcome.directory) if each.died}
    assert dead
    assert dead <= set(outcome.hung)
    assert history.load_settings(outcome.directory)["seed"] == 0
    again = io.StringIO()
    assert judge_directory(outcome.directory, again) == 1
    assert "still waits" in again.getvalue()
    assert "killed, because they hung: workers" in again.getvalue()
    assert f"python -m tests.harness judge {outcome.directory}" in str(outcome)


@pytest.mark.one_mode
def test_kills_are_kills():
    """In a run with kills, workers die in the middle of calls, and others take their seats."""
    kills = runs = 0
    while kills < 5 and runs < 20:  # on a machine with too much to do, a run may have hardly any
        kills += legal("processes/futex_wait", "pulses", "kills", seed=runs).kills
        runs += 1
    assert kills >= 5


class Interrupting(SystemEvent):
    """Ctrl-C comes when the last one has been made, and nobody has heard of it yet."""

    made = []

    def __init__(self, name):
        super().__init__(name)
        self.made.append(name)
        if len(self.made) == 2:
            raise KeyboardInterrupt


@pytest.fixture
def interrupting(monkeypatch):
    """Interrupting, which has made none."""
    monkeypatch.setattr(Interrupting, "made", [])
    return Interrupting


def left_of(names):
    """The objects that are left of these events."""
    return {f"sem.SystemEvent.{name}" for name in names} & set(os.listdir("/dev/shm"))


@pytest.mark.one_mode
@pytest.mark.parametrize("kind", ["processes", "crowded"])
def test_interrupted_while_the_events_are_made(kind, interrupting, monkeypatch, tmp_path):
    """A Ctrl-C there leaves nothing behind, either."""
    name = f"{kind}/futex_wait"
    monkeypatch.setattr(stress.EVENTS[name], "kind", interrupting)
    with pytest.raises(KeyboardInterrupt):
        stress.run(name, "all-relay", SHORT, 0)
    assert len(interrupting.made) == 2
    assert left_of(interrupting.made) == set()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.one_mode
def test_interrupted_while_many_events_are_made(interrupting, monkeypatch, tmp_path):
    """Nor does it where there are thousands."""
    monkeypatch.setattr(many_events, "SystemEvent", interrupting)
    with pytest.raises(KeyboardInterrupt):
        many_events.run(seconds=0.1)
    assert len(interrupting.made) == 2
    assert left_of(interrupting.made) == set()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.one_mode
def test_what_goes_wrong_in_a_worker_is_told(monkeypatch):
    """An error in a worker is no verdict: it is raised, with its traceback."""
    monkeypatch.setitem(stress.ALL_SCENARIOS, "typo", ["set", "sett"])
    with pytest.raises(Exception, match="not a step of a role: 'sett'"):
        stress.run("processes/futex_wait", "typo", SHORT, 0)
    with pytest.raises(Exception, match="a C worker ended with 70: sett"):
        stress.run("programs/futex_wait", "typo", SHORT, 0)
