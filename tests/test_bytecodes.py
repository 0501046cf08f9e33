"""Kill, or Ctrl-C, at every bytecode of the Python layer. The sweeps are harness/bytecodes.py."""

import fcntl  # noqa: F401  # imported by a creation, otherwise, in each worker anew
import os
import sys

import posix_ipc  # noqa: F401  # as fcntl
import pytest
from harness import bytecodes
from harness.bytecodes import OPERATIONS
from injection import in_private_shm

pytestmark = pytest.mark.one_mode  # nobody sleeps

each_operation = pytest.mark.parametrize("operation", OPERATIONS, ids=lambda one: one.name)
NAME = "victim"
#: What a Python call has opened is in nobody's hands until the caller's next bytecode. Ctrl-C in
#: just that instant leaks it. Here is each function that hands one on, once for each place.
IN_NOBODYS_HANDS = ["_create_semaphore", "_create", "_create", "open_object", "__init__"]


@pytest.fixture(scope="module", autouse=True)
def private_shm():
    """Says that there can be a /dev/shm in which nobody else creates objects.

    Elsewhere, the number of bytecodes of a listing would change from one worker to the next.
    """
    try:
        in_private_shm(os.getpid)
    except Exception as error:
        say = pytest.fail if os.environ.get("CI") else pytest.skip
        say(f"needs permission to mount: {error}")


@each_operation
def test_killed(operation):
    """SIGKILL at any bytecode: the object is absent or whole, debris is swept, others go on."""
    assert in_private_shm(bytecodes.kill_sweep, operation, NAME) > 0


@each_operation
def test_interrupted(operation):
    """KeyboardInterrupt at any bytecode comes through, nothing leaks, and the event works on."""
    points, leaks = in_private_shm(bytecodes.exception_sweep, operation, NAME)
    assert points > 0
    assert not [place for place, what in leaks.items() if bytecodes.SWALLOWED in what]
    real = sorted(place.partition(":")[0] for place in leaks if "Ctrl-C" in place)
    assert set(real) <= set(IN_NOBODYS_HANDS)
    if sys.version_info >= (3, 11):  # before, signals come in before almost any bytecode
        assert len(real) <= len(IN_NOBODYS_HANDS)
