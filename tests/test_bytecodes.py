"""Kill, or Ctrl-C, at every bytecode of the Python layer. The sweeps are harness/bytecodes.py."""

import fcntl  # noqa: F401  # imported by a creation, otherwise, in each worker anew

import posix_ipc  # noqa: F401  # as fcntl
import pytest
from harness import bytecodes
from harness.bytecodes import OPERATIONS
from harness.requirements import no_private_shm
from injection import in_private_shm
from surroundings import need

pytestmark = pytest.mark.one_mode  # nobody sleeps

each_operation = pytest.mark.parametrize("operation", OPERATIONS, ids=lambda one: one.name)
NAME = "victim"


@pytest.fixture(scope="module", autouse=True)
def private_shm():
    """Says that there can be a /dev/shm in which nobody else creates objects.

    Elsewhere, the number of bytecodes of a listing would change from one worker to the next.
    """
    need(no_private_shm())


@each_operation
def test_killed(operation):
    """SIGKILL at any bytecode: the object is absent or whole, debris is swept, others go on."""
    assert in_private_shm(bytecodes.kill_sweep, operation, NAME) > 0


@each_operation
def test_interrupted(operation):
    """KeyboardInterrupt at any bytecode comes through, nothing leaks, and the event works on."""
    assert in_private_shm(bytecodes.interrupt_sweep, operation, NAME) > 0
