"""SIGKILL at every system call of every operation, in Python and in C, by strace.

The sweep, and what others check each time, is harness/system_calls.py.
"""

import pytest
from harness.system_calls import KILLED, NAME, in_python, kill_sweep
from injection import calls_of, in_private_shm

from systemevent import SystemEvent

pytestmark = [pytest.mark.usefixtures("injection"), pytest.mark.one_python]

#: The system call that wait() sleeps in.
SLEEP = {"futex_waitv": "futex_waitv", "futex_wait": "futex"}


@pytest.fixture
def killed_in(tmp_path, peer_program):
    """A function that sweeps an operation, and returns the names of its system calls."""
    operations = {operation.name: operation for operation in KILLED}
    return lambda name: set(kill_sweep(operations[name], tmp_path, peer_program))


def test_killed_in_set(killed_in):
    """SIGKILL at any system call of set(): the event is clear or set, and nobody sleeps if set."""
    assert "futex" in killed_in("set")


def test_killed_in_set_in_c(killed_in):
    """SIGKILL at any system call of a C program that sets the event."""
    assert "futex" in killed_in("set in C")


@pytest.mark.one_mode
def test_no_call_in_clear_and_is_set(tmp_path):
    """clear() and is_set() make no system call that could be killed."""

    def calls():
        with SystemEvent(NAME) as event:
            event.set()
            operations = in_python(lambda: (event.is_set(), event.clear(), event.is_set()))
            return calls_of(operations, log=tmp_path / "log")

    assert in_private_shm(calls) == {"umask": 1, "exit_group": 1}


def test_killed_in_wait(killed_in, sleeping_mode):
    """SIGKILL at any system call of wait(), asleep or woken: all others are released by a set()."""
    assert killed_in("wait") == {"umask", "exit_group", SLEEP[sleeping_mode]}


def test_killed_in_wait_in_c(killed_in, sleeping_mode):
    """SIGKILL at any system call of a C program that waits for the event."""
    assert SLEEP[sleeping_mode] in killed_in("wait in C")


@pytest.mark.one_mode
def test_killed_in_wait_any(killed_in):
    """SIGKILL at any system call of wait_any(): all others are released by a set()."""
    assert "futex_waitv" in killed_in("wait_any")


def test_killed_in_wait_all(killed_in, sleeping_mode):
    """SIGKILL at any system call of wait_all(): all others are released by a set()."""
    assert SLEEP[sleeping_mode] in killed_in("wait_all")


@pytest.mark.one_mode
def test_killed_in_opening(killed_in):
    """SIGKILL at any system call of opening an event that exists leaves the event as it is."""
    assert "mmap" in killed_in("opening")


@pytest.mark.one_mode
def test_killed_in_creation(killed_in):
    """SIGKILL at any system call of a creation: there is no event, or a whole one.

    It has its size and mode, whatever the umask. The next creation by another process sweeps up
    what else there is.
    """
    assert "link" in killed_in("creation")


def test_killed_in_a_life_in_c(killed_in):
    """SIGKILL at any system call of a C program that creates an event and uses it."""
    assert "link" in killed_in("life in C")


@pytest.mark.one_mode
@pytest.mark.parametrize("end", ["unlink", "close"])
def test_killed_in_unlink_or_close(killed_in, end):
    """SIGKILL at any system call of unlink() and close(): the event exists, or not, but works."""
    assert killed_in(end) & {"unlink", "munmap"}
