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
import threading

from systemevent import SystemEvent, _many, _multi, list_events, unlink, wait_all, wait_any

from .countdown import Countdown

try:
    from processes import is_asleep, until, worker
except ModuleNotFoundError:  # not under pytest: the package is tests.harness
    from ..processes import is_asleep, until, worker

MODE = 0o640
SWALLOWED = "the exception was swallowed"
#: What a Python call has opened is in nobody's hands until the caller's next bytecode. Ctrl-C in
#: just that instant leaks it. Here is each function that hands one on, once for each place.
IN_NOBODYS_HANDS = ["_create_semaphore", "_create", "_create", "open_object", "__init__"]
#: There, it can come between the `finally` of the threads' end and its first call.
BEFORE_3_11 = [] if sys.version_info >= (3, 11) else ["wait_any_of_many"]

#: function(event's name), or function(event) if it is open before, function(events) if it is open
#: several times; and whether it exists before.
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
    Operation("wait_any", lambda events: wait_any(events, 0.001), True, 2),
    Operation("wait_any in threads", lambda events: _wait_in_threads(events), True, 3),
    Operation("wait_all", lambda events: wait_all(events, 0.001), True, 2),
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


def _wait_in_threads(events):
    """As of so many events that one sleep cannot hold them: each but the first has a thread."""
    _multi.ANY_MAX = _many.ANY_MAX = 1
    return wait_any(events, 0.001)


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
    argument = _argument(operation, name)
    Countdown(k, lambda: os.kill(os.getpid(), signal.SIGKILL)).during(operation.function, argument)


def _argument(operation, name):
    if operation.is_open > 1:
        return [SystemEvent(name) for _ in range(operation.is_open)]
    return SystemEvent(name) if operation.is_open else name


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
    real = [place.partition(":")[0] for place in leaks if "Ctrl-C" in place]
    assert set(real) <= {*IN_NOBODYS_HANDS, *BEFORE_3_11}, leaks
    if sys.version_info >= (3, 11):  # before, signals come in before almost any bytecode
        assert len(real) <= len(IN_NOBODYS_HANDS), leaks
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
    argument = _argument(operation, name)
    before = possessions()
    countdown = Countdown(k, interrupt)
    try:
        countdown.during(operation.function, argument)
    except KeyboardInterrupt:
        raised = True
    else:
        raised = False
    countdown.forget()
    left = acquired(before)
    if countdown.where and not raised:
        left.append(SWALLOWED)
    if not countdown.where:
        left = []
    return countdown.where, left


def acquired(before):
    """What this process has now, and had not when it had `before`: sorted names."""
    now = possessions()
    return sorted(now[one] for one in now.keys() - before.keys())


def possessions():
    """Open descriptors, mapped objects, objects under construction, threads: {identity: name}.

    A name says what it is, but not which: the file of another process is "... (deleted)" when that
    one unlinks it.
    """
    have = {}
    for number in os.listdir("/proc/self/fd"):
        try:
            status = os.fstat(int(number))
            name = os.readlink(f"/proc/self/fd/{number}")
        except OSError:
            continue  # the descriptor of this listing
        have["descriptor", number, status.st_dev, status.st_ino] = f"descriptor of {name}"
    with open("/proc/self/maps") as file:
        for line in file:
            place, _, _, device, inode, name = f"{line.rstrip()} ".split(" ", 5)
            if "/dev/shm/sem." in name:
                have["mapping", place, device, inode] = f"mapping of {name.strip()}"
    have |= {("object", name): f"object {name}" for name in debris(os.getpid())}
    have |= {("thread", one): f"thread {one.name}" for one in _sleeping_threads()}
    return {one: re.sub(r"new\.[\d.]+", "new", name) for one, name in have.items()}


def _sleeping_threads():
    """Those that do not end: who has been told to does not sleep any more."""
    others = [thread for thread in threading.enumerate() if thread is not threading.main_thread()]

    def sleeps(thread):
        return is_asleep(os.getpid(), thread.native_id)

    until(lambda: all(not one.is_alive() or sleeps(one) for one in others), "threads end or sleep")
    return [one for one in others if one.is_alive()]
