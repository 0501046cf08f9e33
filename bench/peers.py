"""What people use where SystemEvent would do, each in the words that its users write.

Every class is made with a Place, in the parent. A file's folder and a semaphore's name are gone at
the end, or at once.
"""

import contextlib
import ctypes
import os
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import posix_ipc

_libc = ctypes.CDLL(None, use_errno=True)


@dataclass
class Place:
    """Where a contender is made: what it may use."""

    name: str  # unique in this run
    folder: Path  # an existing one, for its files; removed at the end of the run
    waiters: int
    address: int  # of 32 zero bytes of shared memory
    library: Any  # floor.c as a library

    @property
    def posts(self) -> int:
        """How many waiters one set() has to reach; at least one, or set() would do nothing."""
        return max(1, self.waiters)


class RawFutex:
    """The C functions of floor.c, called from Python."""

    tells_the_time = True

    def __init__(self, place: Place) -> None:
        library, self._address = place.library, place.address
        self._wait, self._set, self._clear = library.raw_wait, library.raw_set, library.raw_clear
        for function in (self._wait, self._set, self._clear):
            function.argtypes, function.restype = [ctypes.c_void_p], ctypes.c_uint64

    def wait(self) -> int:
        """Return when it was woken, in nanoseconds: seen from C."""
        woken: int = self._wait(self._address)
        return woken

    def set(self) -> int:
        """Return when it began, in nanoseconds: seen from C."""
        began: int = self._set(self._address)
        return began

    def clear(self) -> None:
        """Store 0."""
        self._clear(self._address)


class PosixSemaphore:
    """A semaphore alone: it counts, so each waiter takes its own post."""

    def __init__(self, place: Place) -> None:
        self._posts = place.posts
        name = f"/{place.name}"
        try:
            self._semaphore = posix_ipc.Semaphore(name, posix_ipc.O_CREX)
        finally:
            with contextlib.suppress(posix_ipc.ExistentialError):
                posix_ipc.unlink_semaphore(name)
        self.wait = self._semaphore.acquire
        self.close = self._semaphore.close

    def set(self) -> None:
        """Post, for each waiter."""
        for _ in range(self._posts):
            self._semaphore.release()

    def clear(self) -> None:
        """Take what is left."""
        with contextlib.suppress(posix_ipc.BusyError):
            while True:
                self._semaphore.acquire(0)


class Pipe:
    """One pipe, from which each waiter reads a byte."""

    def __init__(self, place: Place) -> None:
        self._bytes = bytes(place.posts)
        self._in, self._out = os.pipe()
        # Opened once more: waiters block in the other one, clear() must not.
        self._in_at_once = os.open(f"/proc/self/fd/{self._in}", os.O_RDONLY | os.O_NONBLOCK)

    def set(self) -> None:
        """Write a byte for each waiter."""
        os.write(self._out, self._bytes)

    def clear(self) -> None:
        """Read what is left."""
        with contextlib.suppress(BlockingIOError):
            while True:
                os.read(self._in_at_once, 65536)

    def wait(self) -> None:
        """Read a byte."""
        os.read(self._in, 1)

    def close(self) -> None:
        """Close it."""
        for descriptor in (self._in, self._out, self._in_at_once):
            os.close(descriptor)


class EventFd:
    """An eventfd(2) that counts: each waiter takes 1."""

    def __init__(self, place: Place) -> None:
        self._posts = place.posts
        self._descriptor = os.eventfd(0, os.EFD_SEMAPHORE | os.EFD_CLOEXEC)

    def set(self) -> None:
        """Add 1 for each waiter."""
        os.eventfd_write(self._descriptor, self._posts)

    def clear(self) -> None:
        """Take what is left."""
        buffer = [bytearray(8)]
        with contextlib.suppress(BlockingIOError):
            while True:
                os.preadv(self._descriptor, buffer, -1, os.RWF_NOWAIT)

    def wait(self) -> None:
        """Take 1."""
        os.eventfd_read(self._descriptor)

    def close(self) -> None:
        """Close it."""
        os.close(self._descriptor)


class UnixSocket:
    """A connection for each waiter, as to a server; it sends a byte over each."""

    def __init__(self, place: Place) -> None:
        self._pairs = [socket.socketpair() for _ in range(place.posts)]
        self._mine = self._pairs[0][1]

    def join(self, number: int) -> None:
        """This process is waiter `number`."""
        self._mine = self._pairs[number][1]

    def set(self) -> None:
        """Send a byte to each."""
        for server, _ in self._pairs:
            server.send(b"1")

    def clear(self) -> None:
        """Receive what is left."""
        for _, client in self._pairs:
            with contextlib.suppress(BlockingIOError):
                while True:
                    client.recv(4096, socket.MSG_DONTWAIT)

    def wait(self) -> None:
        """Receive a byte."""
        self._mine.recv(1)

    def close(self) -> None:
        """Close all."""
        for pair in self._pairs:
            for each in pair:
                each.close()


class File:
    """Set is: the file exists. How to wait for that is another question."""

    def __init__(self, place: Place) -> None:
        self._folder = place.folder / place.name
        self._folder.mkdir()
        self._path = str(self._folder / "it-happened")

    def set(self) -> None:
        """Create it."""
        os.close(os.open(self._path, os.O_CREAT | os.O_WRONLY))

    def clear(self) -> None:
        """Remove it."""
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self._path)


class Inotify(File):
    """inotify(7) tells when the file appears; an instance for each waiter."""

    _IN_CREATE = 0x100

    def join(self, number: int) -> None:
        """Watch the folder."""
        self._queue = _libc.inotify_init1(os.O_CLOEXEC)
        folder = os.fsencode(self._folder)
        if self._queue < 0 or _libc.inotify_add_watch(self._queue, folder, self._IN_CREATE) < 0:
            number = ctypes.get_errno()
            raise OSError(number, f"inotify: {os.strerror(number)}; see fs.inotify.max_user_*")

    def wait(self) -> None:
        """Look, and sleep until something appears in the folder; again, if it was another round."""
        while not os.path.exists(self._path):
            os.read(self._queue, 4096)


def polled(period: float) -> Callable[[Place], Any]:
    """A file that waiters look for every `period` seconds."""

    class Polled(File):
        def wait(self) -> None:
            while not os.path.exists(self._path):
                time.sleep(period)

    return Polled


def no_eventfd() -> str:
    """Why eventfd cannot run here, or nothing."""
    return "" if hasattr(os, "eventfd") else "this Python has no os.eventfd"


def no_inotify() -> str:
    """Why inotify cannot run here, or nothing."""
    queue = _libc.inotify_init1(os.O_CLOEXEC)
    if queue < 0:
        return f"inotify_init1: {os.strerror(ctypes.get_errno())}"
    os.close(queue)
    return ""
