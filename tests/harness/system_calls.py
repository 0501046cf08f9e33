"""SIGKILL at every system call of every operation, in Python and in C, by strace.

A victim carries out an operation and is killed at the n-th call of a name, for every name and n;
the kill lands before the call is executed. Each time, others look at what is left: the flag, who is
asleep, the object files. A scene is what they do: a context that prepares what the victim finds,
yields a function that does what has to be done while the victim (its argument) runs, and judges
what the victim has left. (failing_calls.py plays the same scenes around calls that fail.)

The counterexample that it exists for: an object that is created under the event's own name and then
given its permissions. If its maker is killed at the fchmod, nobody else can ever open the event.
"""

import collections
import contextlib
import dataclasses
import fcntl  # noqa: F401  # imported by a creation, otherwise, and its import would be swept, too
import functools
import gc
import itertools
import os
import re
import signal
import stat
from collections.abc import Callable
from pathlib import Path

import posix_ipc  # noqa: F401  # as fcntl
from injection import calls_of, in_private_shm, injected, until_asleep_or_dead
from processes import until_asleep, worker, workers

from systemevent import SystemEvent, unlink, wait_all, wait_any

NAME, SECOND = "victim", "victim.2"
PATH = f"/dev/shm/sem.SystemEvent.{NAME}"


# ---- scenes --------------------------------------------------------------------------------------


def _nothing(event, victim):
    pass


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
def sleepers(drive=_nothing):
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


def _create_another():
    """Create an event, and so sweep up what was left behind."""
    SystemEvent("another").close()
    unlink("another")


@contextlib.contextmanager
def object_file(there, drive=_nothing, was_set=False):
    """The event's object is there or not before; it is there or not, but whole, afterwards."""
    with contextlib.ExitStack() as stack:
        event = stack.enter_context(SystemEvent(NAME)) if there else None
        if was_set:
            event.set()
        yield functools.partial(drive, event)
    if os.path.exists(PATH):
        status = os.stat(PATH)
        assert (status.st_size, stat.filemode(status.st_mode)) == (32, "-rw-rw-rw-")
    set_and_clear_work()
    unlink(NAME)
    with worker(_create_another) as one:
        one.result()
    for left in os.listdir("/dev/shm"):
        # The C library's own: sem_open makes it, and unlinks it at its end.
        assert re.fullmatch(r"sem\.\w{6}", left)
        os.unlink(f"/dev/shm/{left}")


def _set_by_another(_, victim):
    until_asleep_or_dead(victim)
    with SystemEvent(NAME) as event:
        event.set()


@contextlib.contextmanager
def with_a_second(second_is_set):
    """As `woken`, and there is a second event, which stays set or clear, and works afterwards."""
    with SystemEvent(SECOND) as second:
        second.clear()
        if second_is_set:
            second.set()
        with woken() as drive:
            yield drive
        assert second.is_set() == second_is_set
        second.clear()
        with SystemEvent(NAME) as event, worker(_wait_for_all) as one:
            until_asleep(one.pid)
            second.set()
            event.set()
            assert one.result() is True
            event.clear()


def _wait_for_all():
    return wait_all([SystemEvent(NAME), SystemEvent(SECOND)])


woken = functools.partial(sleepers, set_when_asleep)
woken_beside_a_clear_one = functools.partial(with_a_second, False)
woken_beside_a_set_one = functools.partial(with_a_second, True)
existing = functools.partial(object_file, True)
absent = functools.partial(object_file, False)


# ---- victims -------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class Operation:
    """What a victim does, and in which scene.

    function: of the event, opened before the fork, if is_open; else of nothing. lines: or what the
    C peer (tests/peer.c) is told. of_two: of the second event, too, in wait_any or wait_all.
    """

    name: str
    scene: Callable
    function: Callable | None = None
    is_open: bool = False
    lines: tuple = ()
    of_two: bool = False

    def is_possible(self, mode):
        """Can it be done in this sleeping mode?"""
        return mode == "futex_waitv" or self.function is not names_of_any

    def __str__(self):
        return self.name


def names_of_any(*events):
    """The names of those that wait_any() returns."""
    return [event.name for event in wait_any(events)]


def all_of(*events):
    """What wait_all() returns."""
    return wait_all(events)


KILLED = [
    Operation("set", sleepers, SystemEvent.set, True),
    Operation("set in C", sleepers, lines=("set",)),
    Operation("wait", woken, SystemEvent.wait, True),
    Operation("wait in C", woken, lines=("wait",)),
    Operation("wait_any", woken_beside_a_clear_one, names_of_any, True, of_two=True),
    Operation("wait_all", woken_beside_a_set_one, all_of, True, of_two=True),
    Operation("opening", existing, lambda: SystemEvent(NAME)),
    Operation("creation", absent, lambda: SystemEvent(NAME)),
    Operation(
        "life in C",
        functools.partial(object_file, False, _set_by_another),
        lines=("set", "clear", "is_set", "wait", "clear"),
    ),
    Operation("unlink", existing, lambda: unlink(NAME)),
    Operation("close", existing, lambda: SystemEvent(NAME).close()),
]


def in_python(operation):
    """A victim that does nothing but operation()."""

    def live():
        gc.disable()  # or it may give memory back to the kernel meanwhile
        os.umask(0o077)
        operation()
        os._exit(0)

    return live


def in_c(program, script, lines):
    """A victim that becomes the C peer, and carries out these lines."""
    script.write_text("".join(f"{line}\n" for line in lines))

    def live():
        os.umask(0o077)
        os.dup2(os.open(script, os.O_RDONLY), 0)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        os.execv(program, [program, "ours", f"/SystemEvent.{NAME}"])

    return live


@contextlib.contextmanager
def opened(operation):
    """The arguments of the operation's function."""
    names = [NAME, SECOND] if operation.of_two else [NAME]
    with contextlib.ExitStack() as stack:
        yield [stack.enter_context(SystemEvent(name)) for name in names if operation.is_open]


@contextlib.contextmanager
def victim_of(operation, folder, program):
    """The victim's function. program: the C peer."""
    if operation.lines:
        yield in_c(program, folder / "script", operation.lines)
    else:
        with opened(operation) as events:
            yield in_python(functools.partial(operation.function, *events))


# ---- the sweep -----------------------------------------------------------------------------------


def kill_sweep(operation, folder, program=None):
    """Kill a victim at every system call of the operation, in a /dev/shm of its own.

    Returns {the call's name: how many points}. Raises AssertionError.
    """
    return in_private_shm(_kill_sweep, operation, Path(folder), program)


def _kill_sweep(operation, folder, program):
    points = collections.Counter()
    scene = operation.scene
    with victim_of(operation, folder, program) as victim:
        with scene() as drive:
            calls = calls_of(victim, log=folder / "log", drive=drive)
        for call in calls:
            for n in itertools.count(1):
                try:
                    status = _killed_at(f"{call}:signal=SIGKILL:when={n}", scene, victim)
                except Exception as error:
                    raise AssertionError(f"after a kill at {call} number {n}") from error
                if status == 0:
                    break
                points[call] += 1
    return points


def _killed_at(point, scene, victim):
    with scene() as drive:
        with injected(victim, inject=[point]) as one:
            drive(one)
            status = one.reap()
        assert status in (0, -signal.SIGKILL)
    return status
