"""Kill, or Ctrl-C, at every bytecode of the Python layer. The sweeps are harness/bytecodes.py."""

import fcntl  # noqa: F401  # imported by a creation, otherwise, in each worker anew
import os

import posix_ipc  # noqa: F401  # as fcntl
import pytest
from harness import bytecodes
from harness.bytecodes import OPERATIONS
from harness.requirements import no_private_shm
from injection import in_private_shm
from surroundings import need

from systemevent import SystemEvent, unlink

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


def test_what_others_unlink_is_not_acquired(tmp_path, event, name):
    """A file that this process has open, and an event, do not count when others unlink them."""
    path = tmp_path / "file"
    with open(path, "w"):
        before = bytecodes.possessions()
        path.unlink()
        unlink(name)
        assert bytecodes.acquired(before) == []


def test_what_is_acquired(tmp_path, name):
    """A descriptor and a mapping are acquired, also in the place of one that was given up."""
    SystemEvent(name).close()  # who creates it maps it under another name
    given_up = os.open(tmp_path, os.O_RDONLY)
    before = bytecodes.possessions()
    with SystemEvent(name), open(tmp_path / "file", "w") as file:
        os.dup2(file.fileno(), given_up)
        assert bytecodes.acquired(before) == [
            f"descriptor of {tmp_path}/file",
            f"descriptor of {tmp_path}/file",
            f"mapping of {bytecodes.path_of(name)}",
        ]
    os.close(given_up)
