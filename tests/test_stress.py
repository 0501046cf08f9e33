"""Stress: the event shows nothing that threading.Event could not; wrong events are found out."""

import io
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
from harness import history, stress
from harness.mutants import MUTANTS
from harness.report import judge_directory
from harness.scenarios import SCENARIOS

pytestmark = pytest.mark.one_python

ROOT = Path(__file__).parent.parent
#: Seconds of a run.
SHORT = 0.5
#: Seconds after which a sleeper is one, where there must be some.
SOON = 0.5
ALL = pytest.mark.parametrize("scenario", SCENARIOS)


@pytest.fixture(autouse=True)
def logs_here(tmp_path, monkeypatch):
    """The logs of failures are kept where pytest keeps such things."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))


def legal(*what):
    """Run it; fail with the report unless the outcome is legal."""
    outcome = stress.run(*what)
    assert outcome.kind == "legal", str(outcome)
    return outcome


@ALL
@pytest.mark.one_mode
@pytest.mark.parametrize("name", ["threading", "right"])
def test_the_tester_lets_right_events_pass(name, scenario, tmp_path):
    """threading.Event, and what the mutants are mutants of; nothing is left behind."""
    outcome = legal(name, scenario, SHORT, 1)
    assert outcome.operations >= len(SCENARIOS[scenario])
    assert list(tmp_path.iterdir()) == []


@ALL
@pytest.mark.parametrize("kind", ["processes", "shared"])
def test_system_event(kind, scenario, sleeping_mode):
    """SystemEvent in processes, and its objects shared by threads of processes."""
    outcome = legal(f"{kind}/{sleeping_mode}", scenario, SHORT, 2)
    assert outcome.operations >= len(SCENARIOS[scenario])


@pytest.mark.one_mode
@pytest.mark.parametrize("name", MUTANTS)
def test_mutants_are_caught(name):
    """Each wrong event is found out in the scenario that it names, within its budget."""
    mutant = MUTANTS[name]
    end = time.monotonic() + mutant.budget
    seed = 0
    while time.monotonic() < end:
        outcome = stress.run(name, mutant.scenario, SHORT, seed, SOON)
        if outcome.kind in ("illegal", "slept"):
            break
        seed += 1
    else:
        pytest.fail(f"survived {mutant.budget} s: {mutant.fault}")


@pytest.mark.one_mode
def test_a_failure_is_kept_and_judged_again():
    """The logs stay, also of workers that had to be killed, and say the same again."""
    outcome = stress.run("set-without-wake", "crowd", SHORT, 0, SOON)
    assert outcome.kind == "slept"
    dead = {each.worker for each in history.load(outcome.directory) if each.died}
    assert dead
    assert dead <= set(outcome.hung)
    assert history.load_settings(outcome.directory)["seed"] == 0
    again = io.StringIO()
    assert judge_directory(outcome.directory, again) == 1
    assert "still waits" in again.getvalue()
    assert f"python -m tests.harness judge {outcome.directory}" in str(outcome)


def command(*words):
    """The command line's exit status and output."""
    words = sys.executable, "-m", "tests.harness", "stress", *words
    process = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert process.stderr == ""
    return process.returncode, process.stdout


@pytest.mark.one_mode
def test_the_command_says_legal():
    """Status 0, and a row of the table."""
    words = "--seconds", "0.4", "--implementation", "threading", "--scenario", "blinking"
    status, output = command(*words)
    assert status == 0
    assert re.search(r"threading +blinking +\d+ .* \d+ legal\n", output)


@pytest.mark.one_mode
def test_the_command_says_illegal(tmp_path, monkeypatch):
    """Status 1, the picture in letters, and what to type."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    status, output = command(
        "--seconds", "0.4", "--seed", "7", "--implementation", "counting", "--scenario", "blinking"
    )
    assert status == 1
    assert "counting, blinking, seed 7: illegal" in output
    assert f"judge it again: python -m tests.harness judge {tmp_path}/" in output
