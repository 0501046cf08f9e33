"""Creating an event: everybody meets at one object, which is never seen half-made."""

import contextlib
import fcntl
import itertools
import os
import signal
import stat
import sys
import time

import pytest
from processes import DEADLINE, command, receive, until, worker, workers
from surroundings import USER, as_user, needs_root, path_of, with_own_shm

from systemevent import SystemEvent, list_events, unlink

pytestmark = pytest.mark.one_mode

NEW = "/dev/shm/sem..SystemEvent-new."
CROWD, ROUNDS = 100, 10
SIGHTINGS = 3000


def meet(names, gates, ready):
    """Wait at each gate, then open the event behind it at once; the inodes."""
    events = []
    for name, gate in zip(names, gates, strict=True):
        os.write(ready, b".")
        gate.wait()
        events.append(SystemEvent(name))
    return [event.inode for event in events]


def test_simultaneous_creators(new_name):
    """100 processes that create an event at the same moment all have the same one (eCAL#2246)."""
    names = [new_name() for _ in range(ROUNDS)]
    gates = [SystemEvent(new_name("gate")) for _ in range(ROUNDS)]
    reader, ready = os.pipe()
    with workers(CROWD, meet, names, gates, ready) as crowd:
        for gate in gates:
            receive(reader, CROWD)
            gate.set()
        inodes = [process.result() for process in crowd]
    os.close(reader)
    os.close(ready)
    assert inodes == [[os.stat(path_of(name)).st_ino for name in names]] * CROWD
    assert all(os.stat(path_of(name)).st_nlink == 1 for name in names)


def create_and_unlink(name, stop):
    """Open, use and unlink the event until told to stop."""
    while not stop.is_set():
        with SystemEvent(name, mode=0o640) as event:
            event.set()
            assert event.wait()
        try:
            unlink(name)
        except FileNotFoundError:
            pass  # somebody else was faster


def sighting(name):
    """What is to be seen of an event: (mode, regular?, size, the bytes that set() leaves alone)."""
    try:
        with open(path_of(name), "rb") as file:
            status = os.fstat(file.fileno())
            rest = file.read()[8:]
    except FileNotFoundError:
        return None
    return stat.S_IMODE(status.st_mode), stat.S_ISREG(status.st_mode), status.st_size, rest


def watch(name, stop):
    """All different sightings of the event; tell the others to stop when there were enough."""
    different = set()
    seen = 0
    end = time.monotonic() + DEADLINE
    while seen < SIGHTINGS and time.monotonic() < end:
        what = sighting(name)
        if what:
            seen += 1
            different.add(what)
    stop.set()
    return seen, different


@pytest.mark.parametrize(("in_python", "in_c"), [(3, 0), (0, 3), (2, 2)])
def test_never_half_made(new_name, header_check, in_python, in_c):
    """While processes, also in C, create and unlink an event, nobody fails (posix_ipc#17), and who
    looks sees no object or a whole one: regular, 32 bytes, exact mode, glibc's `private` right."""
    name, stop_name = new_name(), new_name("stop")
    with SystemEvent(stop_name) as stop, SystemEvent(name, mode=0o640):
        whole = sighting(name)
        words = header_check, "storm", f"/SystemEvent.{name}", f"/SystemEvent.{stop_name}"
        with contextlib.ExitStack() as stack:
            programs = [stack.enter_context(command(*words)) for _ in range(in_c)]
            processes = stack.enter_context(workers(in_python, create_and_unlink, name, stop))
            watcher = stack.enter_context(worker(watch, name, stop))
            assert watcher.result() == (SIGHTINGS, {whole})
            for process in processes:
                process.result()
            for program in programs:
                assert program.communicate(timeout=DEADLINE) == ("", "")
                assert program.returncode == 0
    assert whole == (0o640, True, 32, whole[3])


# ---- makers that are killed ----------------------------------------------------------------------


def die_at(step, name):
    """Create an event, but be killed at that step (as the interpreter reports steps)."""
    SystemEvent(name + ".first").close()  # loads the modules, whose steps would count
    unlink(name + ".first")
    steps = itertools.count()

    def hook(event, arguments):
        if event.startswith(("os.", "open", "fcntl.")) and next(steps) == step:
            os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(hook)
    SystemEvent(name, mode=0o640).set()
    return "done"


def objects_with(text):
    """The object files, of whatever kind, whose names contain the text."""
    return [path for path in os.listdir("/dev/shm") if text in path]


def test_killed_creators(name):
    """A creator that is killed at any step leaves no event or a whole one, and nothing else once
    another process has created an event."""
    for step in itertools.count():
        with worker(die_at, step, name) as maker:
            if maker.reap() == 0:
                break
            assert maker.reap() == -signal.SIGKILL
            whole = sighting(name)
            assert whole is None or whole[:3] == (0o640, True, 32)
            with worker(SystemEvent, f"{name}.next") as sweeper:
                sweeper.reap()
            unlink(f"{name}.next")
            # Another test's process may have been faster to lock it, and is about to remove it.
            until(lambda new=f"new.{maker.pid}.": not objects_with(new), "it is swept")
            if whole:
                unlink(name)
    assert step >= 6  # open, chmod, open, flock, link, remove
    with SystemEvent(name) as event:
        assert event.is_set()


def create_once(name):
    """Create an event and unlink it."""
    SystemEvent(name).close()
    unlink(name)


@pytest.fixture
def unfinished():
    """The path and the descriptor of an object under construction, locked by its maker."""
    path = f"{NEW}{os.getpid()}.0"
    unlocked = f"/dev/shm/{os.getpid()}.unlocked"  # out of sight for those who sweep
    descriptor = os.open(unlocked, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    os.rename(unlocked, path)
    yield path, descriptor
    with contextlib.suppress(FileNotFoundError):  # swept, perhaps by another test's process
        os.unlink(path)
    os.close(descriptor)


def test_dead_makers_object_is_swept(unfinished, name):
    """An object whose maker holds no lock on it any more goes with the next creation."""
    fcntl.flock(unfinished[1], fcntl.LOCK_UN)
    with worker(create_once, name) as process:
        process.result()
    # Another test's process may have been faster to lock it, and is about to remove it.
    until(lambda: not os.path.exists(unfinished[0]), "it is swept")


def test_living_makers_object_is_not_swept(unfinished, name):
    """An object whose maker is alive, so holds the lock, is left alone."""
    with worker(create_once, name) as process:
        process.result()
    assert os.path.exists(unfinished[0])


def create_beside_unfinished():
    """Create an event as another user beside unfinished objects of root's; what is left."""
    for mode in 0o600, 0o666:
        os.close(os.open(f"{NEW}1.{mode}", os.O_CREAT))
        os.chmod(f"{NEW}1.{mode}", mode)
    os.mkdir(f"{NEW}folder")
    os.mkfifo(f"{NEW}fifo")
    as_user(USER, create_once, "x")
    return len(os.listdir("/dev/shm"))


@needs_root
def test_others_objects_are_not_swept():
    """Other users' unfinished objects are left alone, and hinder nobody."""
    with worker(with_own_shm, "mode=1777", create_beside_unfinished) as process:
        assert process.result() == 4


def test_objects_under_construction_are_not_listed(unfinished, name):
    """list_events() does not show objects under construction, whatever the prefix."""
    semaphore = unfinished[0].removeprefix("/dev/shm/sem.")
    for prefix in "", ".", ".SystemEvent-new.":
        assert semaphore not in [prefix + one for one in list_events(prefix)]
