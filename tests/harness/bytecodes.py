"""Kill, or raise KeyboardInterrupt, at every bytecode of the Python layer.

A forked worker carries out an operation under sys.settrace or sys.monitoring; in front of the k-th
bytecode of the package it kills itself, or an exception is raised, for every k until the operation
completes. Code of others (the interpreter's libraries, C) runs as part of the bytecode that calls
it; test_kill_points.py has the kills at their system calls.

The counterexample that it exists for: an object that is created under the event's own name and then
given its permissions is, for a few bytecodes, an event that others cannot open; and if its maker is
killed there, it stays so. For an exception: what `descriptor = os.open(...)` has opened is open for
ever, if Ctrl-C comes before the next line has begun to take care of it.
"""

import collections
import os
import pickle
import re
import signal
import stat
import struct
import sys

from systemevent import SystemEvent, list_events, unlink

from .countdown import Countdown

try:
    from processes import worker
except ModuleNotFoundError:  # not under pytest: the package is tests.harness
    from ..processes import worker

MODE = 0o640
SWALLOWED = "the exception was swallowed"
#: What a Python call has opened is in nobody's hands until the caller's next bytecode. Ctrl-C in
#: just that instant leaks it. Here is each function that hands one on, once for each place.
IN_NOBODYS_HANDS = ["_create_semaphore", "_create", "_create", "open_object", "__init__"]

#: function(event's name), or function(event) if it is open before; and whether it exists before.
Operation = collections.namedtuple("Operation", "name function exists is_open")


class Wrong(AssertionError):
    """A kill or an exception left what must not be left."""


OPERATIONS = [
    Operation("creation, use, end", lambda name: _life(name), False, False),
    Operation("opening", lambda name: SystemEvent(name, mode=MODE), True, False),
    Operation("unlink", unlink, True, False),
    Operation("unlink of none", lambda name: _refused(unlink, name), False, False),
    Operation("repr", repr, True, True),
    Operation("close", lambda event: event.__exit__(), True, True),
    Operation("pickle", lambda event: pickle.loads(pickle.dumps(event)), True, True),
    Operation("list_events", lambda name: list_events(), True, False),
    Operation("bad name", lambda name: _refused(SystemEvent, name + "/"), False, False),
]


def _life(name):
    with SystemEvent(name, mode=MODE) as event:
        event.set()
        event.wait(1)
        event.clear()


def _refused(function, *args):
    try:
        function(*args)
    except (OSError, ValueError):
        pass


def path_of(name):
    """The object file's path."""
    return f"/dev/shm/sem.SystemEvent.{name}"


def debris(pid):
    """The objects under construction of that process."""
    return [
        name for name in os.listdir("/dev/shm") if name.startswith(f"sem..SystemEvent-new.{pid}.")
    ]


def _prepare(operation, name):
    if os.path.exists(path_of(name)):
        os.unlink(path_of(name))
    if operation.exists:
        SystemEvent(name, mode=MODE).close()


# ---- kills ---------------------------------------------------------------------------------------


def kill_sweep(operation, name):
    """Kill a worker at every bytecode of the operation; return how many there are. Raises Wrong."""
    k = 0
    while True:
        _prepare(operation, name)
        with worker(_killed_at, k, operation, name) as one:
            if one.reap() != -signal.SIGKILL:
                one.result()
                return k
            try:
                _is_whole(operation, name)
                _is_swept(one.pid, name)
                _is_usable(name)
            except AssertionError as error:
                raise Wrong(f"{operation.name}: killed at bytecode {k}: {error}") from error
        k += 1


def _killed_at(k, operation, name):
    os.umask(0o077)
    argument = SystemEvent(name) if operation.is_open else name
    Countdown(k, lambda: os.kill(os.getpid(), signal.SIGKILL)).during(operation.function, argument)


def _is_whole(operation, name):
    """The object is not there, or it is a clear semaphore with its mode."""
    try:
        status = os.stat(path_of(name))
    except FileNotFoundError:
        if operation.exists and operation.function is not unlink:
            raise Wrong("the event is gone") from None
        return
    if (status.st_size, stat.S_IMODE(status.st_mode)) != (32, MODE):
        raise Wrong(f"the object has {status.st_size} bytes, mode {stat.S_IMODE(status.st_mode):o}")
    with open(path_of(name), "rb") as file:
        (value,) = struct.unpack_from("I", file.read())
    if value and operation.name != "creation, use, end":
        raise Wrong(f"the object's value is {value}")


def _create_and_unlink(name):
    SystemEvent(name).close()
    unlink(name)


def _is_swept(pid, name):
    """What the killed worker left is swept by the next creation of another process."""
    if debris(pid):
        with worker(_create_and_unlink, f"{name}.next") as one:
            one.result()
        if debris(pid):
            raise Wrong(f"not swept by the next creation: {debris(pid)}")


def _is_usable(name):
    """Others open the event, and it works."""
    with SystemEvent(name) as event:
        event.set()
        if not (event.is_set() and event.wait()):
            raise Wrong("set does not work")
        event.clear()
        if event.is_set() or event.wait(0):
            raise Wrong("clear does not work")


# ---- exceptions ----------------------------------------------------------------------------------


def interrupt_sweep(operation, name):
    """Raise KeyboardInterrupt at every bytecode of the operation; return how many there are.

    Raises AssertionError if it does not come through, or leaves something but IN_NOBODYS_HANDS.
    """
    points, leaks = exception_sweep(operation, name)
    assert not [place for place, what in leaks.items() if SWALLOWED in what]
    real = sorted(place.partition(":")[0] for place in leaks if "Ctrl-C" in place)
    assert set(real) <= set(IN_NOBODYS_HANDS), real
    if sys.version_info >= (3, 11):  # before, signals come in before almost any bytecode
        assert len(real) <= len(IN_NOBODYS_HANDS), real
    return points


def exception_sweep(operation, name):
    """Raise KeyboardInterrupt at every bytecode of the operation.

    Returns how many bytecodes there are, and what leaked where: {place: what}. "(Ctrl-C)" in a
    place means that a real signal can interrupt there.
    """
    leaks = {}
    k = 0
    while True:
        _prepare(operation, name)
        with worker(_interrupted_at, k, operation, name) as one:
            where, left = one.result()
            pid = one.pid
        if where is None:
            return k, leaks
        if left:
            leaks[where] = left
        _is_swept(pid, name)
        _is_usable(name)
        k += 1


def _interrupted_at(k, operation, name):
    """Where it was, and what is there that was not there before."""

    def interrupt():
        raise KeyboardInterrupt

    os.umask(0o077)
    argument = SystemEvent(name) if operation.is_open else name
    before = _possessions()
    countdown = Countdown(k, interrupt)
    try:
        countdown.during(operation.function, argument)
    except KeyboardInterrupt:
        raised = True
    else:
        raised = False
    countdown.forget()
    left = sorted(_possessions() - before)
    if countdown.where and not raised:
        left.append(SWALLOWED)
    if not countdown.where:
        left = []
    return countdown.where, left


def _possessions():
    """Open descriptors, mapped objects, and objects under construction of this process."""
    have = {f"descriptor of {os.readlink(f'/proc/self/fd/{n}')}" for n in _descriptors()}
    with open("/proc/self/maps") as file:
        have |= {f"mapping of {line.split()[-1]}" for line in file if "/dev/shm/sem." in line}
    have |= {f"object {name}" for name in debris(os.getpid())}
    return {re.sub(r"new\.[\d.]+", "new", one) for one in have}


def _descriptors():
    numbers = []
    for number in os.listdir("/proc/self/fd"):
        try:
            os.readlink(f"/proc/self/fd/{number}")
        except OSError:
            continue  # the descriptor of this listing
        numbers.append(number)
    return numbers
