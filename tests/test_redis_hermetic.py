"""A developer's SYSTEMEVENT_URL disturbs neither tests nor harness nor benchmarks."""

import os
import sys
from pathlib import Path

import pytest
from processes import DEADLINE, command

pytestmark = [pytest.mark.one_mode, pytest.mark.one_python]

ROOT = Path(__file__).parent.parent


def said(*words):
    """What a Python program says in the checkout, with a server in the environment."""
    # Not CI: a run that is alone on the machine looks for what is left by whomever.
    ours = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    environment = {**ours, "SYSTEMEVENT_URL": "redis://127.0.0.1:1"}
    environment.pop("CI", None)
    with command(sys.executable, *words, cwd=ROOT, env=environment) as process:
        output, errors = process.communicate(timeout=DEADLINE)
    assert process.returncode == 0, output + errors
    return output


def test_tests():
    """A test that opens an event opens one of this machine."""
    words = "-q", "-p", "no:cacheprovider", "tests/test_life.py", "-k", "test_repr_of_subclass"
    assert " passed" in said("-m", "pytest", *words)


def test_harness():
    """So do the workers of the harness."""
    words = "--minutes", "0.01", "--implementation", "processes/futex_wait", "--scenario"
    output = said("-m", "tests.harness", *words, "pulses")
    assert "0 failed" in output


def test_benchmarks():
    """So do the benchmarks, however they are started."""
    code = "import bench, os; print(os.environ.get('SYSTEMEVENT_URL'))"
    assert said("-c", code) == "None\n"
