"""Deliberately wrong events: the proof that the harness can say no.

Each names its fault, the scenario and the perturbation that must give it away, and a budget. Most
are a small change to a right one, FutexEvent (wrong_events.py), which tests the tester as
threading.Event does. Those whose name begins with "C/" are mutants of systemevent.h (see probe.c),
whose fault shows only if somebody is elsewhere for a moment, or if a foreign program takes part.
"""

import multiprocessing

from original import OriginalSystemEvent

from .implementation import Implementation
from .implementations import Named, Programs
from .mutants_of_several import MUTANTS_OF_SEVERAL
from .wrong_events import (
    Counting,
    DelayedClear,
    EarlyTimeout,
    FutexEvent,
    LooksAgain,
    SetWithoutWake,
    SleepsWithoutCompare,
    WakeOne,
)


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
    seconds = 4.0  # six pulses: one finds a waiter stopped only about every third time


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
    **MUTANTS_OF_SEVERAL,
}
