"""Deliberately wrong events: the proof that the harness can say no.

Each names its fault, the scenario and the perturbation that must give it away, and a budget. Most
are a small change to a right one, FutexEvent, which tests the tester as threading.Event does; it is
written in Python, over a page of anonymous shared memory. Those whose name begins with "C/" are
mutants of systemevent.h (see probe.c), whose fault shows only if somebody is elsewhere for a
moment, or if a foreign program takes part.
"""

import ctypes
import errno
import mmap
import multiprocessing
import platform
import time

from original import OriginalSystemEvent

from .implementations import Implementation, Named, Programs

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


class Right(Implementation):
    """FutexEvent, unchanged."""

    kind = FutexEvent

    def make(self):
        return self.kind()


class Mutant(Right):
    """An event that must be caught in `scenario` within `budget` seconds."""

    fault = ""
    scenario = ""
    perturbation = "none"
    budget = 20.0
    #: Seconds of a run, and of promptness there.
    seconds = 0.5
    bound = 0.5


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


class NoCompareMutant(Mutant):
    kind = SleepsWithoutCompare
    fault = "wait() sleeps whatever the word is by then: a wake-up is lost"
    scenario = "lighthouse"
    perturbation = "delays"
    seconds = 1.5
    budget = 40.0  # a run of two seconds catches it more often than not


class OriginalMutant(Named, Mutant):
    kind = OriginalSystemEvent
    fault = "a turnstile: the flag flickers, clear() is undone"
    scenario = "chaos"


class MultiprocessingMutant(Mutant):
    fault = "multiprocessing.Event: a pulse that is over wakes, and wait() returns False"
    scenario = "pulses"

    def make(self):
        return multiprocessing.get_context("fork").Event()


class HeaderMutant(Programs):
    """systemevent.h with one mistake, in C programs."""

    mutant = ""
    fault = ""
    scenario = ""
    perturbation = "none"
    budget = 30.0
    seconds = 0.5
    bound = 0.5

    def program(self, task, mode=None, mutant=None):
        return super().program(task, mode, self.mutant)


class NotCountedMutant(HeaderMutant):
    mutant = "GENERATION_NOT_BUMPED"
    fault = "clear() does not count: a pulse in a signal handler is lost"
    scenario = "metronome"
    perturbation = "handlers"


class ValueAloneMutant(HeaderMutant):
    mutant = "VALUE_ALONE"
    fault = "wait() sleeps on the value alone: a pulse in a stop is lost"
    scenario = "silence"
    perturbation = "stops"
    seconds = 1.5


class SeenNotFirstMutant(HeaderMutant):
    mutant = "SEEN_NOT_FIRST"
    fault = "wait() begins anew after a signal: a pulse in its handler is lost"
    scenario = "metronome"
    perturbation = "handlers"


class NoPassOnMutant(HeaderMutant):
    mutant = "NO_PASS_ON"
    fault = "whom a foreign post wakes does not wake the others"
    scenario = "turnstile"
    seconds = 1.5


class NoReloadMutant(HeaderMutant):
    mutant = "NO_RELOAD"
    fault = "wait() believes its time-out, and says False of a set event"
    scenario = "foreign"
    perturbation = "delays"


MUTANTS = {
    "set-without-wake": SetWithoutWakeMutant,
    "wake-one": WakeOneMutant,
    "delayed-clear": DelayedClearMutant,
    "looks-again": LooksAgainMutant,
    "early-timeout": EarlyTimeoutMutant,
    "counting": CountingMutant,
    "no-compare": NoCompareMutant,
    "original": OriginalMutant,
    "multiprocessing": MultiprocessingMutant,
    "C/not-counted": NotCountedMutant,
    "C/value-alone": ValueAloneMutant,
    "C/seen-not-first": SeenNotFirstMutant,
    "C/no-pass-on": NoPassOnMutant,
    "C/no-reload": NoReloadMutant,
}
