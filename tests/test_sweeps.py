"""The exhaustive runs outside pytest, harness/sweeps.py. What they do is tested elsewhere."""

import pytest
from harness.sweeps import SWEEPS
from surroundings import need

pytestmark = [pytest.mark.one_mode, pytest.mark.one_python]


def test_all_there():
    """Each sweep has an entry by its name."""
    assert set(SWEEPS) == {
        "instructions-killed-c",
        "instructions-killed-library",
        "instructions-paused-c",
        "instructions-paused-library",
        "instruction-mutants",
        "bytecodes-killed",
        "bytecodes-interrupted",
        "system-calls-killed",
        "system-calls-refused",
        "promises",
        "model",
        "model-large",
    }
    assert all(sweep.name == name for name, sweep in SWEEPS.items())


def test_runs():
    """A sweep says how many points it has looked at, at each step and at its end."""
    sweep = SWEEPS["bytecodes-killed"]
    need(sweep.why_not())
    steps = []
    assert sweep.run(lambda points, what: steps.append(points)) == steps[-1] > 100
    assert steps == sorted(steps)
