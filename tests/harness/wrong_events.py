"""Events in Python, over a futex: a right one, and wrong ones that differ in one place.

SystemEvent is C, where nothing can be changed for a test's sake. FutexEvent is as small as a right
event of threading.Event's behaviour can be, between processes, and each mistake that people make
with one is a few lines below. mutants.py says where each must be found out.
"""

import ctypes
import errno
import mmap
import multiprocessing
import platform
import time

_FUTEX = 202 if platform.machine() == "x86_64" else 98
_WAKE, _WAKE_OP, _WAIT_BITSET = 1, 5, 9
_ANY = 0xFFFFFFFF
_ADD, _OR = 1, 2
_NEVER_MORE = 2 << 24  # compare: was the word below 0? It never is.
_EVERYBODY = 2**31 - 1
_libc = ctypes.CDLL(None, use_errno=True)


class _Timespec(ctypes.Structure):
    _fields_ = (("seconds", ctypes.c_long), ("nanoseconds", ctypes.c_long))


def _futex(address, operation, count, argument, other, last):
    """The system call; 0, or the errno."""
    words = ctypes.c_void_p(address), operation, ctypes.c_uint(count), argument
    result = _libc.syscall(_FUTEX, *words, ctypes.c_void_p(other), ctypes.c_uint(last))
    return ctypes.get_errno() if result < 0 else 0


class FutexEvent:
    """A right event of one 32-bit word: bit 0 is the flag, the others count the clears.

    Python has no atomic instructions, but FUTEX_WAKE_OP is one: it changes a word and wakes. Only
    clear() takes the flag back; a lock among clears makes "if it is set, add 1" atomic.
    """

    def __init__(self):
        self._memory = mmap.mmap(-1, mmap.PAGESIZE)
        self._word = ctypes.c_uint32.from_buffer(self._memory)
        self._address = ctypes.addressof(self._word)
        self._lock = multiprocessing.get_context("fork").Lock()

    #: Told when a wait has looked for the first time.
    on_look = None

    def load(self):
        """The word."""
        return self._word.value

    def change(self, operation, operand, wake=0):
        """Change the word atomically, and wake that many sleepers."""
        # The kernel wakes one at least: so if nobody is to be woken, of a word nobody sleeps on.
        address = self._address if wake else self._address + 8
        code = operation << 28 | _NEVER_MORE | (operand & 0xFFF) << 12
        _futex(address, _WAKE_OP, wake, ctypes.c_long(0), self._address, code)

    def flag(self, word):
        """Is the event set, according to that word?"""
        return bool(word & 1)

    def is_set(self):
        return self.flag(self.load())

    def set(self):
        if not self.is_set():
            self.change(_OR, 1, wake=_EVERYBODY)

    def clear(self):
        with self._lock:
            if self.is_set():
                self.change(_ADD, 1)

    def happened(self, first, seen):
        """Was the event set since the wait that began with `first`?"""
        return seen != first

    def after_waking(self):
        """Does a wake-up end the wait?"""
        return True

    def sleep(self, seen, limit):
        """Sleep while the word is as seen; 0, or the errno."""
        return _futex(self._address, _WAIT_BITSET, seen, limit, None, _ANY)

    def wait(self, timeout=None):
        first = self.load()
        if self.on_look:
            self.on_look()
        if self.flag(first):
            return True
        limit = None
        if timeout is not None:
            deadline = time.monotonic_ns() + round(timeout * 1e9)
            limit = ctypes.byref(_Timespec(*divmod(deadline, 10**9)))
        outcome = errno.EAGAIN
        while True:
            seen = self.load()
            if self.happened(first, seen):
                return True
            if outcome == errno.ETIMEDOUT:
                return False
            # Not `first`: a mutant may think nothing of it that the word has changed.
            outcome = self.sleep(seen, limit)
            if outcome == 0 and self.after_waking():
                return True


class SetWithoutWake(FutexEvent):
    def set(self):
        self.change(_OR, 1)


class WakeOne(FutexEvent):
    def set(self):
        if not self.is_set():
            self.change(_OR, 1, wake=1)


class DelayedClear(FutexEvent):
    """The store of clear() leaves the processor with the worker's next call."""

    _due = False

    def load(self):
        if self._due:
            self._due = False
            super().clear()
        return super().load()

    def clear(self):
        self._due = True


class LooksAgain(FutexEvent):
    def happened(self, first, seen):
        return self.flag(seen)

    def after_waking(self):
        return False


class SleepsWithoutCompare(FutexEvent):
    """Sleeps on a word that never changes: the kernel has nothing to compare."""

    _BEHIND = 64

    def set(self):
        if not self.is_set():
            self.change(_OR, 1)
            _futex(self._address + self._BEHIND, _WAKE, _EVERYBODY, None, None, 0)

    def sleep(self, seen, limit):
        return _futex(self._address + self._BEHIND, _WAIT_BITSET, 0, limit, None, _ANY)


class EarlyTimeout(FutexEvent):
    def wait(self, timeout=None):
        return super().wait(None if timeout is None else timeout * 0.95)


class Counting(FutexEvent):
    def flag(self, word):
        return word > 0

    def set(self):
        self.change(_ADD, 1, wake=_EVERYBODY)

    def clear(self):
        with self._lock:
            if self.is_set():
                self.change(_ADD, -1)
