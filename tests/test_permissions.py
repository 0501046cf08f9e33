"""Who may do what with an event: exact modes, other users, sticky folders."""

import ctypes
import os
import platform
import stat
import struct
import sys

import pytest
from processes import WorkerError, worker
from surroundings import STRANGER, USER, as_user, error_of, needs_root, path_of, with_own_shm

from systemevent import SystemEvent, list_events, unlink

pytestmark = pytest.mark.one_mode

UMASKS = (0o000, 0o022, 0o077, 0o777)
EXACT_MODES = (0o000, 0o600, 0o640, 0o660, 0o666, 0o777)


def modes_under_umasks(name):
    """The mode of a new event, for each pair of a umask and a wanted mode."""
    seen = {}
    for umask in UMASKS:
        os.umask(umask)
        for mode in EXACT_MODES:
            with SystemEvent(name, mode=mode) as event:
                event.set()
            seen[umask, mode] = stat.S_IMODE(os.stat(path_of(name)).st_mode)
            unlink(name)
    return seen


WANTED = {(umask, mode): mode for umask in UMASKS for mode in EXACT_MODES}


def test_exact_mode(name):
    """A new event has exactly the mode that was asked for, whatever the umask."""
    with worker(modes_under_umasks, name) as process:
        assert process.result() == WANTED


@needs_root
def test_exact_mode_of_user(name):
    """So it has for a user without privileges, whose own permission the umask takes away."""
    with worker(as_user, USER, modes_under_umasks, name) as process:
        assert process.result() == WANTED


def test_mode_of_existing_event(name):
    """The mode of an event that exists stays as it is."""
    SystemEvent(name, mode=0o600).close()
    SystemEvent(name, mode=0o666).close()
    assert stat.S_IMODE(os.stat(path_of(name)).st_mode) == 0o600


def forbid_umask():
    """Let the kernel kill this process (SIGSYS) if it ever calls umask()."""
    number = 95 if platform.machine() == "x86_64" else 166
    load, jump_if_equal, answer = 0x20, 0x15, 0x06
    program = struct.pack("HBBI", load, 0, 0, 0)  # the number of the system call
    program += struct.pack("HBBI", jump_if_equal, 0, 1, number)
    program += struct.pack("HBBI", answer, 0, 0, 0x80000000)  # kill the process
    program += struct.pack("HBBI", answer, 0, 0, 0x7FFF0000)  # let it pass
    buffer = ctypes.create_string_buffer(program)
    words = struct.pack("HxxxxxxQ", len(program) // 8, ctypes.addressof(buffer))
    filter_ = ctypes.create_string_buffer(words)
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    prctl.argtypes = [ctypes.c_int] + [ctypes.c_ulong] * 4
    assert prctl(38, 1, 0, 0, 0) == 0  # PR_SET_NO_NEW_PRIVS
    assert prctl(22, 2, ctypes.addressof(filter_), 0, 0) == 0  # PR_SET_SECCOMP, filter


def create_without_umask(name):
    """Create events although umask() kills."""
    forbid_umask()
    for mode in EXACT_MODES:
        SystemEvent(name, mode=mode).close()
        unlink(name)
    return "alive"


def call_umask():
    """Call umask() although it kills."""
    forbid_umask()
    os.umask(0)


def test_umask_is_left_alone(name):
    """Creating an event never touches the umask, which all threads of a process share."""
    with worker(create_without_umask, name) as process, worker(call_umask) as killed:
        assert process.result() == "alive"
        with pytest.raises(WorkerError, match=r"died: -31"):
            killed.result()


def flags_of_opening(name):
    """The flags with which SystemEvent(name) opens the object file of an event that exists."""
    flags = []

    def hook(event, arguments):
        if event == "open" and arguments[0] == path_of(name):
            flags.append(arguments[2])

    sys.addaudithook(hook)
    SystemEvent(name).close()
    return flags


def test_opening_is_not_creating(event):
    """An event that exists is opened without O_CREAT.

    With it, fs.protected_regular makes the kernel refuse other users' objects in the sticky
    /dev/shm, even to root.
    """
    with worker(flags_of_opening, event.name) as process:
        (flags,) = process.result()
    assert not flags & os.O_CREAT
    assert flags & os.O_NOFOLLOW


# ---- two users --------------------------------------------------------------------------------


def create(name, **mode):
    """Create an event."""
    SystemEvent(name, **mode).close()


def use(name):
    """Use an event in every way; the last is set()."""
    with SystemEvent(name) as event:
        event.set()
        assert event.wait()
        event.clear()
        assert not event.wait(0)
        event.set()
    return repr(event)


@needs_root
@pytest.mark.parametrize(("owner", "user"), [(0, USER), (USER, STRANGER), (USER, 0), (USER, USER)])
def test_open_to_everybody(name, owner, user):
    """An event of the default mode is everybody's, with any setting of fs.protected_regular."""
    with worker(as_user, owner, create, name) as process:
        process.result()
    assert os.stat(path_of(name)).st_uid == owner
    with worker(as_user, user, use, name) as process:
        process.result()
    with SystemEvent(name) as event:
        assert event.is_set()


@needs_root
@pytest.mark.parametrize("mode", [0o600, 0o660, 0o640, 0o644, 0o622, 0o000])
def test_refused(name, mode):
    """Who may not read and write an event gets PermissionError that names owner and mode."""
    with worker(as_user, USER, lambda: create(name, mode=mode)) as process:
        process.result()
    with worker(as_user, STRANGER, error_of, SystemEvent, name) as process:
        assert process.result() == (
            "PermissionError",
            f"[Errno 13] cannot open event {name!r}: Permission denied "
            f"(it belongs to uid {USER} and has mode {mode:03o}): {path_of(name)!r}",
        )


@needs_root
def test_strangers_cannot_unlink(name):
    """unlink() of another user's event in the sticky /dev/shm raises PermissionError."""
    with worker(as_user, USER, create, name) as process:
        process.result()
    with worker(as_user, STRANGER, error_of, unlink, name) as process:
        assert process.result() == (
            "PermissionError",
            f"[Errno 1] cannot unlink event {name!r}: Operation not permitted "
            f"(it belongs to uid {USER} and has mode 666): {path_of(name)!r}",
        )
    assert name in list_events()


@needs_root
@pytest.mark.parametrize(
    ("mode", "reason"), [("755", "/dev/shm is not writable"), ("700", "Permission denied")]
)
def test_folder_not_writable(mode, reason):
    """A user who may not write to /dev/shm gets PermissionError that says so."""
    with worker(with_own_shm, f"mode={mode}", as_user, USER, error_of, SystemEvent, "x") as process:
        assert process.result() == (
            "PermissionError",
            f"[Errno 13] cannot open event 'x': {reason}: {path_of('x')!r}",
        )


def use_where_nothing_is_listed():
    """Create and use an event; what list_events() says."""
    use("x")
    return error_of(list_events)


@needs_root
def test_folder_not_readable():
    """Where a user may not list /dev/shm, events work, and list_events() raises PermissionError."""
    with worker(with_own_shm, "mode=1733", as_user, USER, use_where_nothing_is_listed) as process:
        assert process.result() == (
            "PermissionError",
            "[Errno 13] Permission denied: '/dev/shm'",
        )
