"""The board: what the runner and the workers of a run tell each other, in a shared file.

Workers are forked, spawned, or C programs; a file that all of them map is what they have in common.
They wait for the beginning with flock(2), for the runner holds the file's lock until then: a
thousand processes that looked at the board again and again would keep each other from starting.

The layout, in native byte order, is shared with player.c.
"""

import fcntl
import mmap
import os
import struct

#: States of a worker, a byte each behind the header.
READY, DONE, DEAD = 1, 2, 3
#: The most workers of a run, with all that replace those that are killed.
WORKERS = 1 << 16
_HEADER = struct.Struct("@4xIqq")  # count of workers, end, patience (both in ns)
_STATES = 64


class Board:
    """A run's board; `path`: of its file, which exists unless `new`."""

    def __init__(self, path, new=False):
        self.path = path
        flags = os.O_RDWR | os.O_CLOEXEC | (os.O_CREAT | os.O_EXCL if new else 0)
        descriptor = os.open(path, flags, 0o600)
        try:
            os.ftruncate(descriptor, _STATES + WORKERS)
            self._map = mmap.mmap(descriptor, _STATES + WORKERS)
            if new:
                fcntl.flock(descriptor, fcntl.LOCK_EX)
        except BaseException:
            os.close(descriptor)
            raise
        self._descriptor = descriptor

    @property
    def count(self):
        """How many workers there are, or were."""
        return self._read()[0]

    @property
    def end(self):
        """CLOCK_MONOTONIC in ns; no step begins later."""
        return self._read()[1]

    @property
    def patience(self):
        """CLOCK_MONOTONIC in ns; then the closer gives up."""
        return self._read()[2]

    def _read(self):
        return _HEADER.unpack_from(self._map)

    def recruit(self, count):
        """Return the numbers of `count` new workers."""
        first = self.count
        if first + count > WORKERS:
            raise ValueError(f"more than {WORKERS} workers")
        struct.pack_into("@I", self._map, 4, first + count)
        return range(first, first + count)

    def begin(self, end, patience):
        """Let the workers begin."""
        struct.pack_into("@qq", self._map, 8, end, patience)
        fcntl.flock(self._descriptor, fcntl.LOCK_UN)

    def until_begun(self):
        """Return when the workers may begin."""
        descriptor = os.open(self.path, os.O_RDWR | os.O_CLOEXEC)  # another owner of locks
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH)
        finally:
            os.close(descriptor)

    def state(self, number):
        """A worker's state; 0: it is being started."""
        return self._map[_STATES + number]

    def report(self, number, state):
        """Note a worker's state."""
        self._map[_STATES + number] = state

    def are_over(self, but=None):
        """Are all workers done, or dead? (`but`: one that does not count.)"""
        states = bytearray(self._map[_STATES : _STATES + self.count])
        if but is not None:
            states[but] = DONE
        return set(states) <= {DONE, DEAD}

    def close(self):
        """Unmap it."""
        self._map.close()
        os.close(self._descriptor)
