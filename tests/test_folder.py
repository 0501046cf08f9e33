"""A /dev/shm that is missing, full, read-only, or no folder."""

import os

import pytest
from processes import worker
from surroundings import (
    MS_RDONLY,
    MS_REMOUNT,
    descriptors,
    error_of,
    mappings,
    mount,
    needs_root,
    path_of,
    sized,
    with_own_shm,
)

from systemevent import SystemEvent, list_events, unlink

pytestmark = pytest.mark.one_mode


def fill(descriptor):
    """Write until there is no space left."""

    def write():
        while True:
            os.write(descriptor, bytes(4096))

    assert error_of(write) == ("OSError", "[Errno 28] No space left on device")


def full():
    """/dev/shm has no space left."""
    with open("/dev/shm/ballast", "xb", buffering=0) as file:
        fill(file.fileno())


def no_inodes():
    """/dev/shm may hold no more files."""
    mount("/dev/shm", "nr_inodes=1")


def sparse_and_full():
    """The object file is a hole, and no page is left to fill it."""
    sized(32)(path_of("x"))
    full()


def long_sparse_and_full():
    """The object file's first page is a hole, others are not, and no page is left to fill it."""
    with open(path_of("x"), "xb", buffering=0) as file:
        file.seek(4096)
        fill(file.fileno())


def read_only():
    """/dev/shm is mounted read-only."""
    mount("/dev/shm", flags=MS_RDONLY | MS_REMOUNT)


def read_only_with_event():
    """/dev/shm is mounted read-only, and the event exists."""
    SystemEvent("x").close()
    read_only()


def missing():
    """There is no /dev/shm."""
    mount("/dev")


def a_file():
    """/dev/shm is a file."""
    mount("/dev")
    with open("/dev/shm", "x"):
        pass


NO_SPACE = ("OSError", "[Errno 28] cannot open event 'x': No space left on device: {!r}")
READ_ONLY = ("OSError", "[Errno 30] cannot open event 'x': Read-only file system: {!r}")
BAD_FOLDERS = {
    full: NO_SPACE,
    no_inodes: NO_SPACE,
    sparse_and_full: NO_SPACE,
    long_sparse_and_full: NO_SPACE,
    read_only: READ_ONLY,
    read_only_with_event: READ_ONLY,
    missing: (
        "FileNotFoundError",
        "[Errno 2] cannot open event 'x': there is no /dev/shm (mount a tmpfs there): {!r}",
    ),
    a_file: ("NotADirectoryError", "[Errno 20] cannot open event 'x': Not a directory: {!r}"),
}


def refusals(prepare):
    """What 1,000 openings say where prepare() was; and what they left behind in this process."""
    SystemEvent("before").close()  # loads what the first creation loads
    unlink("before")
    prepare()
    files = os.listdir("/dev/shm") if os.path.isdir("/dev/shm") else None
    counts = descriptors(), mappings()
    said = {error_of(SystemEvent, "x") for _ in range(1000)}
    assert (os.listdir("/dev/shm") if os.path.isdir("/dev/shm") else None) == files
    assert (descriptors(), mappings()) == counts
    return said


@needs_root
@pytest.mark.parametrize(
    ("prepare", "said"), BAD_FOLDERS.items(), ids=lambda case: getattr(case, "__name__", "")
)
def test_bad_folder(prepare, said):
    """Without space or a writable /dev/shm: an OSError that says so; never SIGBUS, nothing left."""
    with worker(with_own_shm, "size=64k", refusals, prepare) as process:
        assert process.result() == {(said[0], said[1].format(path_of("x")))}


def listed_without_folder():
    """What list_events() and unlink() say without /dev/shm."""
    missing()
    return list_events(), error_of(unlink, "x")


@needs_root
def test_no_folder():
    """Without /dev/shm no event is listed, and unlink() says that there is none."""
    with worker(with_own_shm, "", listed_without_folder) as process:
        listed, said = process.result()
    assert listed == []
    assert said == (
        "FileNotFoundError",
        "[Errno 2] cannot unlink event 'x': there is no /dev/shm (mount a tmpfs there): "
        f"{path_of('x')!r}",
    )
