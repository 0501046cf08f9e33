"""Scenarios: small mixes of roles, for 6 to 8 workers.

A role is a function that plays one step, of some calls and some pauses, again and again until the
time is over. Quiet rounds matter as much as chaos: with many writers every anomaly is explainable.
"""

import time

from .history import CLEAR, IS_SET, NO_LIMIT, NOTHING, RAISED, SET, WAIT

#: Milliseconds of silence in the quiet rounds, and of a wait there.
SILENCE, PATIENCE = 30, 100


class Logged:
    """An event whose calls are logged; the time-outs of wait() are in milliseconds."""

    def __init__(self, event, log):
        self._event = event
        self._log = log
        self.calls = 0

    def _call(self, kind, method, *args, timeout=NO_LIMIT):
        self.calls += 1
        result = RAISED
        at = self._log.invoke(kind, timeout)
        try:
            value = method(*args)
            result = NOTHING if value is None else value
        finally:
            self._log.respond(at, result)
        return value

    def set(self):
        self._call(SET, self._event.set)

    def clear(self):
        self._call(CLEAR, self._event.clear)

    def is_set(self):
        return self._call(IS_SET, self._event.is_set)

    def wait(self, limit=None):
        if limit is None:
            return self._call(WAIT, self._event.wait)
        limit = int(limit * 1000)
        return self._call(WAIT, self._event.wait, limit / 1e6, timeout=limit * 1000)


def pause(random, least, most):
    """Sleep for some milliseconds."""
    time.sleep(random.uniform(least, most) / 1000)


def hurry(random):
    """Often no pause at all, sometimes a short one."""
    if random.random() < 0.6:
        pause(random, 0, 0.5)


# ---- roles ---------------------------------------------------------------------------------------


def setter(event, random):
    event.set()
    hurry(random)


def clearer(event, random):
    event.clear()
    hurry(random)


def pulser(event, random):
    event.set()
    event.clear()
    pause(random, 0.3, 4)


def opener(event, random):
    """Sets, and clears a little later."""
    event.set()
    pause(random, 0, 2)
    event.clear()
    pause(random, 1, 4)


def blinker(event, random):
    """The only writer: sets and clears, sometimes twice."""
    for write in event.set, event.clear:
        for _ in range(random.choice((1, 1, 2))):
            write()
        pause(random, 0, 2)


def director(event, random):
    """Quiet rounds: a set, a pulse, or nothing, and then silence."""
    round_ = random.choice(("set", "pulse", "nothing"))
    if round_ != "nothing":
        event.set()
        if round_ == "set":
            pause(random, SILENCE, SILENCE)
        event.clear()
    pause(random, SILENCE, PATIENCE * 1.5 if round_ != "set" else SILENCE)


def quiet_waiter(event, random):
    event.wait(PATIENCE)
    event.is_set()
    pause(random, 1, 5)


def waiter(event, random):
    """Waits of up to 3 ms, some of them without patience."""
    event.wait(random.choice((0, random.uniform(0, 3))))
    hurry(random)


def patient_waiter(event, random):
    """Waits without a limit."""
    event.wait()
    pause(random, 0, 1)


def reader(event, random):
    if random.random() < 0.7:
        event.is_set()
    else:
        event.wait(0)
    pause(random, 0, 0.3)


SCENARIOS = {
    "quiet": [director] + [quiet_waiter] * 5,
    "chaos": [setter] * 2 + [clearer] * 2 + [waiter] * 2 + [reader],
    "pulses": [pulser] + [patient_waiter] * 3 + [waiter] * 2 + [reader],
    "crowd": [opener] + [patient_waiter] * 6,
    "blinking": [blinker] + [reader] * 4 + [waiter],
}
