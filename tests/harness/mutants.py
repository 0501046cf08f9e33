"""Deliberately wrong events: the proof that the harness can say no.

All but the last two are a small change to a right one, FutexEvent, which tests the tester as
threading.Event does. They are written in Python, over a page of anonymous shared memory.
"""

import ctypes
import errno
import mmap
import multiprocessing
import platform
import time

from .implementations import Implementation, Named

try:
    from original import OriginalSystemEvent
except ModuleNotFoundError:  # not under pytest: the package is tests.harness
    from ..original import OriginalSystemEvent

_FUTEX = 202 if platform.machine() == "x86_64" else 98
_WAKE_OP, _WAIT_BITSET = 5, 9
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

    def wait(self, timeout=None):
        first = self.load()
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
            outcome = _futex(self._address, _WAIT_BITSET, seen, limit, None, _ANY)
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


class Right(Implementation):
    """FutexEvent, unchanged."""

    kind = FutexEvent

    def make(self):
        return self.kind()


class Mutant(Right):
    """An event that must be caught in `scenario` within `budget` seconds."""

    fault = ""
    scenario = ""
    budget = 20.0


class SetWithoutWakeMutant(Mutant):
    kind = SetWithoutWake
    fault = "set() wakes nobody: who sleeps stays asleep"
    scenario = "crowd"


class WakeOneMutant(Mutant):
    kind = WakeOne
    fault = "set() wakes one of many, who does not pass it on"
    scenario = "crowd"


class DelayedClearMutant(Mutant):
    kind = DelayedClear
    fault = "clear() returns before its store is seen"
    scenario = "blinking"


class LooksAgainMutant(Mutant):
    kind = LooksAgain
    fault = "a woken waiter looks at the flag again: pulses are lost"
    scenario = "pulses"


class EarlyTimeoutMutant(Mutant):
    kind = EarlyTimeout
    fault = "wait() gives up 5 % early"
    scenario = "quiet"


class CountingMutant(Mutant):
    kind = Counting
    fault = "set() counts, clear() takes back one"
    scenario = "blinking"


class OriginalMutant(Named, Mutant):
    kind = OriginalSystemEvent
    fault = "a turnstile: the flag flickers, clear() is undone"
    scenario = "chaos"


class MultiprocessingMutant(Mutant):
    fault = "multiprocessing.Event: a pulse that is over wakes, and wait() returns False"
    scenario = "pulses"

    def make(self):
        return multiprocessing.get_context("fork").Event()


MUTANTS = {
    "set-without-wake": SetWithoutWakeMutant,
    "wake-one": WakeOneMutant,
    "delayed-clear": DelayedClearMutant,
    "looks-again": LooksAgainMutant,
    "early-timeout": EarlyTimeoutMutant,
    "counting": CountingMutant,
    "original": OriginalMutant,
    "multiprocessing": MultiprocessingMutant,
}
