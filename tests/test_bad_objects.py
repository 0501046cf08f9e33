"""Object files that are no semaphores, holes, and garbage."""

import contextlib
import os
import socket

import pytest
from surroundings import descriptors, error_of, mappings, path_of, sized

from systemevent import SystemEvent, unlink

pytestmark = pytest.mark.one_mode


def symlink_to_event(path):
    """Make an event's object at another path, and a symbolic link to it."""
    sized(32)(path + ".target")
    os.symlink(path + ".target", path)


def make_socket(path):
    """Make a Unix socket."""
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(path)


NOT_REGULAR = "[Errno 22] {}: its object file is not a regular file, so no semaphore: {!r}"
SHORT = "[Errno 22] {{}}: its object file is no semaphore: it has {} bytes, not 32 or more: {{!r}}"
LINK = "[Errno 40] {}: its object file is a symbolic link, which is not followed: {!r}"
FOLDER = "[Errno 21] {}: its object file is a directory, not a semaphore: {!r}"
SOCKET = "[Errno 6] {}: its object file is a socket or a device, not a semaphore: {!r}"
BAD_OBJECTS = {
    "empty": (sized(0), "OSError", SHORT.format(0)),
    "short": (sized(31), "OSError", SHORT.format(31)),
    "symlink": (symlink_to_event, "OSError", LINK),
    "dangling symlink": (lambda path: os.symlink("nowhere", path), "OSError", LINK),
    "symlink to itself": (lambda path: os.symlink(path, path), "OSError", LINK),
    "directory": (os.mkdir, "IsADirectoryError", FOLDER),
    "FIFO": (os.mkfifo, "OSError", NOT_REGULAR),
    "socket": (make_socket, "OSError", SOCKET),
}
all_bad_objects = pytest.mark.parametrize(
    ("make", "error", "message"), BAD_OBJECTS.values(), ids=BAD_OBJECTS
)


@pytest.fixture
def bad_name(name):
    """An event name for whose object file anything may be put in place."""
    yield name
    with contextlib.suppress(OSError):
        os.rmdir(path_of(name))
    with contextlib.suppress(OSError):
        os.unlink(path_of(name) + ".target")


@all_bad_objects
def test_no_semaphore(bad_name, make, error, message):
    """What is not a semaphore is refused with the rule, event and path, and left alone.

    posix_ipc#51: opening an empty object file ended in SIGBUS.
    """
    path = path_of(bad_name)
    make(path)
    before = os.lstat(path)
    what = f"cannot open event {bad_name!r}"
    assert error_of(SystemEvent, bad_name) == (error, message.format(what, path))
    after = os.lstat(path)
    assert (after.st_ino, after.st_size, after.st_blocks) == (
        before.st_ino,
        before.st_size,
        before.st_blocks,
    )


@all_bad_objects
def test_refusals_leak_nothing(bad_name, make, error, message):
    """A thousand refused objects leave no descriptor and no mapping."""
    make(path_of(bad_name))
    before = descriptors(), mappings()
    for _ in range(1000):
        assert error_of(SystemEvent, bad_name)[0] == error
    assert (descriptors(), mappings()) == before


def test_symlink_target_is_untouched(bad_name):
    """A refused symbolic link does not touch what it points to."""
    path = path_of(bad_name)
    symlink_to_event(path)
    assert error_of(SystemEvent, bad_name)[0] == "OSError"
    with open(path + ".target", "rb") as file:
        assert file.read() == bytes(32)


@pytest.mark.parametrize("size", [32, 33, 4096, 100_000])
def test_hole(name, size):
    """A sparse file of 32 bytes or more is a semaphore that is clear."""
    sized(size)(path_of(name))
    with SystemEvent(name) as event:
        assert not event.is_set()
        event.set()
        assert event.wait()


@pytest.mark.parametrize("size", [32, 5000])
def test_garbage(name, size):
    """In an object full of garbage the first 8 bytes are the event, and no others are written."""
    with open(path_of(name), "xb") as file:
        file.write(b"\xa5" * size)
    with SystemEvent(name) as event:
        assert event.wait()
        event.clear()
        assert not event.wait(0)
        event.set()
        assert event.wait()
    with open(path_of(name), "rb") as file:
        content = file.read()
    assert content[:4] == b"\1\0\0\0"
    assert content[8:] == b"\xa5" * (size - 8)


def test_unlink_directory(bad_name):
    """unlink() of an object file that is a directory raises IsADirectoryError that says so."""
    path = path_of(bad_name)
    os.mkdir(path)
    assert error_of(unlink, bad_name) == (
        "IsADirectoryError",
        FOLDER.format(f"cannot unlink event {bad_name!r}", path),
    )
