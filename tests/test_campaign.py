"""The long run: what it reports, and that its exit status says it all."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from xml.etree import ElementTree

import pytest
from harness import campaign, results, stress, sweeps
from harness.results import FAILED, PASSED, SKIPPED, UNKNOWN, Result
from processes import until

pytestmark = [pytest.mark.one_mode, pytest.mark.one_python]

ROOT = Path(__file__).parent.parent


SMALL = "--implementation", "processes/futex_wait", "--scenario", "pulses", "--perturbation", "none"


def harness(*words, folder, **environment):
    """Run the command; return its exit status and output. Logs of failures go to the folder."""
    process = subprocess.run(
        [sys.executable, "-m", "tests.harness", *words],
        cwd=ROOT,
        env={**os.environ, "TMPDIR": str(folder), **environment},
        capture_output=True,
        text=True,
        timeout=300,
    )
    return process.returncode, process.stdout, process.stderr


def test_passed(tmp_path):
    """A run in which all is well: exit status 0, a table, JSON, JUnit; no logs are left."""
    files = tmp_path / "out.json", tmp_path / "out.xml"
    (tmp_path / "logs").mkdir()
    words = *SMALL, "--minutes", "0.05", "--seed", "7", "--json", files[0], "--junit", files[1]
    status, out, errors = harness(*words, folder=tmp_path / "logs")
    assert (status, out.splitlines()[-1]) == (0, "PASSED: 1 passed (seed 7)"), errors
    found = json.loads(files[0].read_text())
    assert (found["verdict"], found["seed"]) == ("passed", 7)
    assert found["environment"]["kernel"] == os.uname().release
    (result,) = found["results"]
    assert result["name"] == "processes/futex_wait, pulses, none"
    assert result["runs"] >= 1
    assert result["operations"] >= 10
    case = ElementTree.parse(files[1]).find("testsuite/testcase")
    assert case.get("name") == result["name"]
    assert case.find("failure") is None
    assert list((tmp_path / "logs").iterdir()) == []


def test_failed(tmp_path):
    """A wrong event: exit status 1, the report, and the command that judges its logs again."""
    junit = tmp_path / "out.xml"
    (tmp_path / "logs").mkdir()
    wrong = "--implementation", "counting", "--scenario", "blinking", "--perturbation", "none"
    words = *wrong, "--minutes", "0.03", "--junit", junit
    status, out, _ = harness(*words, folder=tmp_path / "logs")
    assert status == 1
    assert out.splitlines()[-1] == "FAILED: 1 failed (seed 0)"
    failure = ElementTree.parse(junit).find("testsuite/testcase/failure")
    assert "ILLEGAL" in failure.text
    directory = next((tmp_path / "logs").iterdir())
    assert f"python -m tests.harness judge {directory}" in out
    again, out, _ = harness("judge", str(directory), folder=tmp_path)
    assert again == 1
    assert "ILLEGAL" in out
    assert (directory / "illegal.html").exists()


def test_skipped_is_not_passed(tmp_path):
    """Without strace (and whatever else is missing) a sweep is skipped, and the run incomplete."""
    only_c = tmp_path / "bin"
    only_c.mkdir()
    (only_c / "cc").symlink_to(shutil.which("cc"))
    words = "--sweep", "system-calls-killed", "--sweep", "model"
    status, out, _ = harness(*words, folder=tmp_path, PATH=str(only_c))
    assert status == 2
    assert "sweep model: skipped: needs spin and gcc" in out
    assert out.splitlines()[-1] == "INCOMPLETE: 2 skipped (seed 0)"


def test_interrupted_while_forking(tmp_path):
    """Where the interpreter prints a KeyboardInterrupt and goes on, the run ends all the same."""
    interrupt = "lambda: os.kill(os.getpid(), signal.SIGINT)"
    script = f"""
import os, signal, sys
from tests.harness.__main__ import main
os.register_at_fork(after_in_parent={interrupt})
sys.exit(main({[*SMALL, "--minutes", "0.2"]!r}))
"""
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    words = [sys.executable, "-c", script]
    done = subprocess.run(
        words, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300
    )
    assert "Exception ignored in" in done.stderr
    assert done.returncode == 2
    assert done.stdout.splitlines()[-1].startswith("INCOMPLETE: ")
    assert list(tmp_path.glob("stress.*")) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_is_not_passed(tmp_path, number):
    """Ctrl-C, or SIGTERM, ends the run with a report of what was done, which says that it is
    incomplete; and it leaves nothing."""
    words = [sys.executable, "-m", "tests.harness", *SMALL, "--minutes", "10"]
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    with subprocess.Popen(
        words, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout.readline().startswith("machine: ")
        until(lambda: list(tmp_path.glob("stress.*")), "a run has begun")
        process.send_signal(number)
        out = process.stdout.read()
    assert process.returncode == 2
    assert re.fullmatch(r"INCOMPLETE: (\d+ passed, )?1 unknown \(seed 0\)", out.splitlines()[-1])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--scenario", "quite"], "harness: argument --scenario: invalid choice: 'quite'"),
        (["--minutes", "soon"], "harness: argument --minutes: invalid float value: 'soon'"),
        (["judge", "/nowhere"], "harness: no logs in /nowhere"),
    ],
)
def test_wrong_usage(words, message, tmp_path):
    """Exit status 3, and one line that says what is wrong."""
    status, _, errors = harness(*words, folder=tmp_path)
    assert status == 3
    assert message in errors.splitlines()[-1]


@pytest.mark.parametrize(
    ("verdicts", "status", "word"),
    [
        ([PASSED, PASSED], 0, "PASSED: 2 passed"),
        ([PASSED, FAILED, UNKNOWN], 1, "FAILED: 1 passed, 1 failed, 1 unknown"),
        ([PASSED, SKIPPED], 2, "INCOMPLETE: 1 passed, 1 skipped"),
        ([PASSED, UNKNOWN], 2, "INCOMPLETE: 1 passed, 1 unknown"),
        ([], 2, "INCOMPLETE: nothing was done"),
    ],
)
def test_the_worst_decides(verdicts, status, word):
    """A failure beats what is not known, and that beats what passed; nothing at all is no pass."""
    found = [Result("stress", str(i), verdict, 1.0) for i, verdict in enumerate(verdicts)]
    assert results.status(found) == status
    assert results.summary(found) == word


def test_a_sweep_that_fails_is_told(monkeypatch):
    """What a sweep raises is the text of its result."""

    def run(progress):
        progress(1, "first")
        raise AssertionError("killed at 7: sleeps on")

    sweep = sweeps.Sweep("bad", run, lambda: "")
    monkeypatch.setitem(campaign.SWEEPS, "bad", sweep)
    one = campaign.Campaign(report=lambda text: None)
    one.sweep(["bad"])
    (result,) = one.results
    assert result.verdict == FAILED
    assert "killed at 7: sleeps on" in result.text


def test_an_unplayable_combination_is_no_pass():
    """Threads cannot be killed one by one: nothing was done, and that is not passed."""
    one = campaign.Campaign(report=lambda text: None)
    one.results.append(Result("sweep", "another", PASSED, 1.0))
    one.stress(time.monotonic() + 1, ["threading"], ["quiet"], ["kills"])
    assert results.status(one.results) == 2


def test_no_time_is_no_pass():
    """No minute was left for random stress: that is said, and is not passed."""
    one = campaign.Campaign(report=lambda text: None)
    one.results.append(Result("sweep", "another", PASSED, 1.0))
    one.stress(time.monotonic(), ["processes/futex_wait"], ["quiet"], ["none"])
    assert results.status(one.results) == 2


def test_an_error_of_the_harness_is_a_failure_and_the_run_goes_on(monkeypatch):
    """A worker that breaks costs its run, not the hour of results before it."""

    def broken(*args):
        runs.append(args)
        if len(runs) == 3:
            raise KeyboardInterrupt
        raise RuntimeError("a C worker ended with 70")

    runs = []
    monkeypatch.setattr(stress, "run", broken)
    one = campaign.Campaign(report=lambda text: None)
    with pytest.raises(KeyboardInterrupt):
        one.stress(time.monotonic() + 600, ["processes/futex_wait"], ["quiet"], ["none"])
    assert results.status(one.results) == 1
    assert "a C worker ended with 70" in one.results[0].text
