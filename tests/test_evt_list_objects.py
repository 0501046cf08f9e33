"""evt_list and what may lie there: looking at it changes nothing, and blocks on nothing."""

import fcntl
import os
import re
import socket
import sys

import pytest
from processes import until, worker
from surroundings import (
    STRANGER,
    USER,
    as_user,
    need,
    needs_root,
    own_objects,
    sized,
    with_own_shm,
)

from systemevent import SystemEvent, unlink
from systemevent._inspection import Inspected

pytestmark = pytest.mark.one_mode

OBJECTS = {
    "empty": sized(0),
    "truncated": sized(31),
    "folder": os.mkdir,
    "FIFO": os.mkfifo,
    "symbolic link": lambda path: os.symlink("nowhere", path),
    "socket": lambda path: socket.socket(socket.AF_UNIX).bind(path),
}


@pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")
@pytest.mark.parametrize("make", OBJECTS.values(), ids=OBJECTS)
def test_invalid(listed, prefix, make):
    """An object that is no semaphore is `invalid`, and nothing blocks on it."""
    make(f"/dev/shm/sem.{prefix}x")
    assert listed().split("\t")[1] == "invalid"


def test_age(prefix):
    """The age counts from the creation, whatever was done to the event since then."""
    path = f"/dev/shm/sem.{prefix}x"

    def used():
        SystemEvent("x", prefix).set()
        SystemEvent("x", prefix).clear()
        os.chmod(path, 0o600)
        os.link(path, f"{path}2")
        os.unlink(f"{path}2")
        status = os.stat(path)
        return min(status.st_mtime, status.st_ctime) > born + 0.02

    SystemEvent("x", prefix).close()
    born = Inspected(f"{prefix}x").birth
    need("" if born else "needs Linux 6.0, where a tmpfs knows when a file was created")
    until(used, "its other times are later ones")
    assert Inspected(f"{prefix}x").birth == born


@pytest.mark.parametrize("words", [[], ["--json"], ["--names"]], ids=str)
def test_changes_nothing(listed, prefix, words):
    """Looking changes nothing of the object, not even for a semaphore that was never an event."""
    path = f"/dev/shm/sem.{prefix}x"
    sized(32)(path)
    before = os.stat(path)
    listed(*words)
    after = os.stat(path)
    for field in "st_ino", "st_mode", "st_mtime_ns", "st_ctime_ns", "st_size", "st_blocks":
        assert getattr(after, field) == getattr(before, field), field
    assert own_objects(prefix) == [f"sem.{prefix}x"]


def test_under_construction(listed, run):
    """An object that is being created is not listed, with whatever prefix."""
    name = f".SystemEvent-new.{os.getpid()}.1"
    path = f"/dev/shm/sem.{name}"
    elsewhere = f"/dev/shm/SystemEvent-test.{os.getpid()}"
    sized(32)(elsewhere)
    # As its maker does: or whoever creates an event meanwhile sweeps it up.
    with open(elsewhere, "rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        os.rename(elsewhere, path)
        try:
            for prefix in "", ".", ".SystemEvent-new.":
                _, output, _ = run("evt_list", f"--prefix={prefix}")
                listed = [line.split("\t")[0] for line in output.splitlines()]
                assert name.removeprefix(prefix) not in listed
        finally:
            os.unlink(path)


def vanishing(prefix):
    """What evt_list says when all that it finds in the folder is gone when it looks."""
    from systemevent import _listing

    SystemEvent("x", prefix).close()
    names = _listing.list_events(prefix)
    unlink("x", prefix)
    _listing.list_events = lambda prefix: names
    sys.argv = ["evt_list", f"--prefix={prefix}", "x"]
    _listing.evt_list()


def test_vanishing(prefix):
    """An event that vanishes meanwhile is left out: no match is exit status 1, no error."""
    with worker(vanishing, prefix) as process:
        assert process.reap() == 1


def run_as(uid, prefix, output):
    """Run evt_list as another user (who may be unable to start root's interpreter)."""
    from systemevent._listing import evt_list

    for number in 1, 2:
        os.dup2(os.open(output, os.O_WRONLY | os.O_APPEND), number)
    sys.stdout, sys.stderr = (open(n, "w", closefd=False) for n in (1, 2))  # noqa: SIM115
    sys.argv = ["evt_list", f"--prefix={prefix}"]
    as_user(uid, evt_list)


@needs_root
def test_unreadable(prefix, tmp_path):
    """Of an event that we may not read, the state is `?`; an owner without a name is a uid."""
    with worker(as_user, USER, SystemEvent, "x", prefix, 0o600) as owner:
        owner.reap()
    output = tmp_path / "output"
    output.touch()
    with worker(run_as, STRANGER, prefix, output) as stranger:
        assert stranger.reap() == 0
    assert re.fullmatch(rf"x\t\?\t0600\t{USER}\t\d+\n", output.read_text())


def in_folder(mode, output):
    """Run evt_list as another user, with that mode of /dev/shm."""
    SystemEvent("x", "").close()
    os.chmod("/dev/shm", mode)
    run_as(STRANGER, "", output)


@needs_root
@pytest.mark.parametrize(
    ("mode", "status", "text"),
    [
        (0o711, 2, "evt_list: [Errno 13] Permission denied: '/dev/shm'\n"),
        (0o744, 0, "x\t?\t?\t?\t?\n"),
    ],
    ids=["not readable", "not searchable"],
)
def test_folder(tmp_path, mode, status, text):
    """A /dev/shm that cannot be read is an error; in one that is closed, nothing else is known."""
    output = tmp_path / "output"
    output.touch()
    with worker(with_own_shm, "", in_folder, mode, output) as process:
        assert process.reap() == status
    assert output.read_text() == text
