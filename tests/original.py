"""SystemEvent 1.0.1, the original: its algorithm, on the semaphore that this version uses, too.

A turnstile that counts: set() posts, clear() takes until nothing is left, and a waiter takes one
and posts it back.
"""

import contextlib

import posix_ipc


class OriginalSystemEvent:
    """A named event as 1.0.1 made it."""

    def __init__(self, name):
        self._semaphore = posix_ipc.Semaphore(f"/SystemEvent.{name}", posix_ipc.O_CREAT, 0o666, 0)

    def set(self):
        """Post."""
        self._semaphore.release()

    def clear(self):
        """Take until nothing is left."""
        with contextlib.suppress(posix_ipc.BusyError):
            while True:
                self._semaphore.acquire(0)

    def wait(self, timeout=None):
        """Take one, and post it back."""
        try:
            self._semaphore.acquire(timeout)
        except posix_ipc.BusyError:
            return False
        self._semaphore.release()
        return True

    def isSet(self):
        """Can one be taken?"""
        return self.wait(0)

    is_set = isSet

    def close(self):
        """Let go of the semaphore."""
        self._semaphore.close()
