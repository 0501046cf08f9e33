"""SIGKILL at every system call of every operation, in Python and in C, by strace.

Each time, others look at what is left: the flag, who is asleep, the object files.
"""

import contextlib
import fcntl  # noqa: F401  # imported by a creation, otherwise, and its import would be swept, too
import functools
import itertools
import os
import re
import signal
import stat

import posix_ipc  # noqa: F401  # as fcntl
import pytest
from injection import calls_of, in_private_shm, injected, until_asleep_or_dead
from processes import until_asleep, worker, workers

from systemevent import SystemEvent, unlink

pytestmark = pytest.mark.usefixtures("injection")

NAME = "victim"
#: The system call that wait() sleeps in.
SLEEP = {"futex_waitv": "futex_waitv", "futex_wait": "futex"}
PATH = f"/dev/shm/sem.SystemEvent.{NAME}"


def in_python(operation):
    """A victim that does nothing but operation()."""

    def live():
        os.umask(0o077)
        operation()
        os._exit(0)

    return live


def in_c(program, script, *lines):
    """A victim that becomes the C peer, and carries out these lines."""
    script.write_text("".join(f"{line}\n" for line in lines))

    def live():
        os.umask(0o077)
        os.dup2(os.open(script, os.O_RDONLY), 0)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        os.execv(program, [program, "ours", f"/SystemEvent.{NAME}"])

    return live


def sweep(scene, victim, log):
    """Have the victim killed at every system call, each time in a scene().

    A scene is a context: it prepares what the victim finds, yields a function that does what has to
    be done while the victim (its argument) runs, and judges what the victim leaves. Returns the
    names of the system calls.
    """
    with scene() as drive:
        calls = calls_of(victim, log=log, drive=drive)
    for call in calls:
        for n in itertools.count(1):
            try:
                with scene() as drive:
                    with injected(victim, inject=[f"{call}:signal=SIGKILL:when={n}"]) as one:
                        drive(one)
                        status = one.reap()
                    assert status in (0, -signal.SIGKILL)
            except Exception as error:
                raise AssertionError(f"after a kill at {call} number {n}") from error
            if status == 0:
                break
    return set(calls)


def wait_once():
    """What wait() returns."""
    return SystemEvent(NAME).wait()


def set_and_clear_work():
    """Other processes can set the event, wait for it, and clear it, whatever it was before."""
    with SystemEvent(NAME) as event:
        event.clear()
        with workers(2, wait_once) as them:
            until_asleep(*[one.pid for one in them])
            event.set()
            assert [one.result() for one in them] == [True, True]
        event.clear()
        assert not event.is_set()
        assert event.wait(0.001) is False


@contextlib.contextmanager
def sleepers(drive=lambda event, victim: None):
    """The event is clear, and others are asleep; nobody is asleep afterwards if it is set."""
    with SystemEvent(NAME) as event, workers(3, wait_once) as them:
        until_asleep(*[one.pid for one in them])
        yield functools.partial(drive, event)
        if not event.is_set():
            until_asleep(*[one.pid for one in them])  # nobody was released
            event.set()
        assert [one.result() for one in them] == [True] * 3
        set_and_clear_work()


def set_when_asleep(event, victim):
    """Set the event as soon as the victim sleeps in wait(), or is dead."""
    until_asleep_or_dead(victim)
    event.set()


def create_another():
    """Create an event, and so sweep up what was left behind."""
    SystemEvent("another").close()
    unlink("another")


@contextlib.contextmanager
def object_file(there, drive=lambda event, victim: None):
    """The event's object is there or not before; it is there or not, but whole, afterwards."""
    with contextlib.ExitStack() as stack:
        event = stack.enter_context(SystemEvent(NAME)) if there else None
        yield functools.partial(drive, event)
    if os.path.exists(PATH):
        status = os.stat(PATH)
        assert (status.st_size, stat.filemode(status.st_mode)) == (32, "-rw-rw-rw-")
    set_and_clear_work()
    unlink(NAME)
    with worker(create_another) as one:
        one.result()
    for left in os.listdir("/dev/shm"):
        # The C library's own: sem_open makes it, and unlinks it at its end.
        assert re.fullmatch(r"sem\.\w{6}", left)
        os.unlink(f"/dev/shm/{left}")


def on_an_open_event(scene, operation, log):
    """Sweep operation(event) on an event that was opened before."""
    with SystemEvent(NAME) as event:
        return sweep(scene, in_python(functools.partial(operation, event)), log)


def test_killed_in_set(tmp_path):
    """SIGKILL at any system call of set(): the event is clear or set, and nobody sleeps if set."""
    arguments = sleepers, SystemEvent.set, tmp_path / "log"
    assert "futex" in in_private_shm(on_an_open_event, *arguments)


def test_killed_in_set_in_c(peer_program, tmp_path):
    """SIGKILL at any system call of a C program that sets the event."""
    victim = in_c(peer_program, tmp_path / "script", "set")
    assert "futex" in in_private_shm(sweep, sleepers, victim, tmp_path / "log")


@pytest.mark.one_mode
def test_no_call_in_clear_and_is_set(tmp_path):
    """clear() and is_set() make no system call that could be killed."""

    def calls():
        with SystemEvent(NAME) as event:
            event.set()
            operations = in_python(lambda: (event.is_set(), event.clear(), event.is_set()))
            return calls_of(operations, log=tmp_path / "log")

    assert in_private_shm(calls) == {"umask": 1, "exit_group": 1}


def test_killed_in_wait(tmp_path, sleeping_mode):
    """SIGKILL at any system call of wait(), asleep or woken: all others are released by a set()."""
    scene = functools.partial(sleepers, set_when_asleep)
    arguments = scene, SystemEvent.wait, tmp_path / "log"
    calls = in_private_shm(on_an_open_event, *arguments)
    assert calls == {"umask", "exit_group", "futex", SLEEP[sleeping_mode]}


def test_killed_in_wait_in_c(peer_program, tmp_path):
    """SIGKILL at any system call of a C program that waits for the event."""
    victim = in_c(peer_program, tmp_path / "script", "wait")
    scene = functools.partial(sleepers, set_when_asleep)
    assert "futex" in in_private_shm(sweep, scene, victim, tmp_path / "log")


@pytest.mark.one_mode
def test_killed_in_opening(tmp_path):
    """SIGKILL at any system call of opening an event that exists leaves the event as it is."""
    scene = functools.partial(object_file, True)
    victim = in_python(lambda: SystemEvent(NAME))
    assert "mmap" in in_private_shm(sweep, scene, victim, tmp_path / "log")


@pytest.mark.one_mode
def test_killed_in_creation(tmp_path):
    """SIGKILL at any system call of a creation: there is no event, or a whole one.

    It has its size and mode, whatever the umask. The next creation by another process sweeps up
    what else there is.
    """
    scene = functools.partial(object_file, False)
    victim = in_python(lambda: SystemEvent(NAME))
    assert "link" in in_private_shm(sweep, scene, victim, tmp_path / "log")


def test_killed_in_a_life_in_c(peer_program, tmp_path):
    """SIGKILL at any system call of a C program that creates an event and uses it."""

    def drive(_, victim):
        until_asleep_or_dead(victim)
        with SystemEvent(NAME) as event:
            event.set()

    scene = functools.partial(object_file, False, drive)
    victim = in_c(peer_program, tmp_path / "script", "set", "clear", "is_set", "wait", "clear")
    assert "link" in in_private_shm(sweep, scene, victim, tmp_path / "log")


@pytest.mark.one_mode
@pytest.mark.parametrize("end", [lambda: unlink(NAME), lambda: SystemEvent(NAME).close()])
def test_killed_in_unlink_or_close(tmp_path, end):
    """SIGKILL at any system call of unlink() and close(): the event exists, or not, but works."""
    scene = functools.partial(object_file, True)
    calls = in_private_shm(sweep, scene, in_python(end), tmp_path / "log")
    assert calls & {"unlink", "munmap"}
