"""A run of tests leaves no temporary folder, whatever comes of it."""

import os
import signal
import sys
from pathlib import Path

import pytest
from processes import DEADLINE, command, until

pytestmark = [pytest.mark.one_mode, pytest.mark.one_python]

HERE = Path(__file__).parent
#: What a test does that has a temporary folder; the exit status of a run.
ENDS = {
    "passes": ("pass", 0),
    "fails": ("assert False", 1),
    "is interrupted": ("__import__('signal').pause()", 2),
}


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("end", ENDS)
def test_of_a_run(tmp_path, end, workers):
    """Its folder is gone, and with it those of its tests and workers."""
    body, status = ENDS[end]
    begun, folders = tmp_path / "begun", tmp_path / "folders"
    folders.mkdir()
    test = tmp_path / "test_it.py"
    test.write_text(f"def test(tmp_path):\n    open({str(begun)!r}, 'w').close()\n    {body}\n")
    env = os.environ | {"TMPDIR": str(folders), "PYTHONPATH": str(HERE), "PYTEST_ADDOPTS": ""}
    words = "-m", "pytest", "-p", "temporary", "-p", "no:cacheprovider", f"-n{workers}", test
    with command(sys.executable, *words, cwd=tmp_path, env=env) as run:
        until(begun.exists, "the test has begun")
        if end == "is interrupted":
            assert len(list(folders.iterdir())) == 1
            run.send_signal(signal.SIGINT)
        output, errors = run.communicate(timeout=DEADLINE)
    assert run.returncode == status, output + errors
    assert list(folders.iterdir()) == []


def test_of_this_run(pytestconfig):
    """It has one, too."""
    assert pytestconfig.option.basetemp
