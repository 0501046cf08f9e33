"""The traced process of a scene, from one point to the next.

A point has a number, so that a kill or a pause there can be repeated: "after 23 instructions" is a
place that exists again tomorrow, "after 14 microseconds" is not.
"""

import contextlib
import os
import signal
import time

from .stage import Wrong
from .tracing import ASLEEP, RETURNED, STEPPED, traced

_ENDLESS_LOOP = 5000
_SECOND = 10**9
#: Seconds from the beginning of a play until its operation has computed its deadline.
_SETTING_OUT = 0.05


class Victim:
    """The traced process of a scene, from one point to the next.

    A point is in front of an instruction, or in the sleep of a system call.
    """

    name = "victim"

    def __init__(self, process, scene, play):
        self.process = process
        self.pid = process.pid
        self.kind = scene.operation
        self._scene = scene
        self._scripts = list(scene.asleep)
        self._play = play
        self.state = STEPPED
        self.point = 0
        self.runs = False
        self.knows = False
        self.waits_since = None
        self._slept = None  # when it was seen asleep for the first time

    def signal(self, number):
        """Send it a signal."""
        os.kill(self.pid, number)

    def go_on(self):
        """Go on to the next point; False: there is none, it returned or sleeps without end."""
        if self.state == RETURNED:
            return False
        if self.state != ASLEEP:
            self.state = self.process.run() if self.runs else self.process.step()
        elif self._scripts:
            self.knows = True
            self._play(self._scripts.pop(0))
            self.knows = False
            self.state = self.process.settle()
        elif self._scene.timeout is not None:
            self.state = self.process.finish()
        else:
            return False
        # An instruction is a point, and a sleep one more; whether a sleep that ends by itself is
        # seen must not change the numbers of the others.
        self.point += self.state != ASLEEP
        if self.state == ASLEEP and self._slept is None:
            self._slept = time.monotonic_ns()
        if self.point > _ENDLESS_LOOP:
            raise Wrong(f"no end after {_ENDLESS_LOOP} instructions")
        return self.state != RETURNED

    @property
    def is_before_all_scripts(self):
        """Has nothing been played yet for its sleeps?"""
        return len(self._scripts) == len(self._scene.asleep)

    def where(self):
        """The point: how many instructions are over, and whether it is asleep in the next one."""
        return self.point, self.state == ASLEEP

    def reach(self, where, trace, passed=lambda: None):
        """Go to this point of a scene that was traced, calling passed() at least once behind each
        load of the word; straight on to where an instruction is not met again before."""
        while self.where() != where:
            goal = trace.straight(self.point, where[0]) if self.state == STEPPED else None
            if goal is not None:
                self.process.run_to(trace.addresses[goal])
                self.point = goal
                more = True
            else:
                more = self.go_on()
            passed()
            if not more or self.point > where[0]:
                return False
        return True

    def may_carry(self):
        """May its deadline, computed before it slept, be in another second than its beginning?

        Whoever steps it may be preempted, and come out later than _SETTING_OUT.
        """
        if not self._scene.timeout:
            return False
        latest = self._slept or time.monotonic_ns()
        part = int(self._scene.timeout * 1e9) % _SECOND
        return self.invoked // _SECOND != (latest + part) // _SECOND

    def leave_the_queue(self):
        """Be as stopped by SIGSTOP: out of the kernel's queue. The call will be restarted."""
        self.signal(signal.SIGSTOP)
        self.state = self.process.finish()


def _early_in_a_second(timeout):
    """Return at a moment whose deadline lies in the same second.

    The carry from nanoseconds to seconds is an instruction more, and all points behind it would
    have other numbers.
    """
    left = 1 - time.monotonic() % 1
    if left < timeout + _SETTING_OUT:
        time.sleep(left)


@contextlib.contextmanager
def playing(on, scene):
    """The victim of the scene, in front of its first instruction."""
    on.reset()
    on.play(scene.before)
    implementation = on.implementation

    def live():
        implementation.handlers()
        implementation.bound(scene.operation, scene.timeout)()

    with traced(live, implementation.code) as process:
        if scene.timeout:
            _early_in_a_second(scene.timeout)
        on.victim = Victim(process, scene, on.play)
        on.victim.invoked = time.monotonic_ns()
        process.enter(implementation.entry(scene.operation))
        yield on.victim


@contextlib.contextmanager
def located(scene, what, victim):
    """Say in a Wrong where it happened."""
    try:
        yield
    except AssertionError as error:
        where = f"{scene}: {what}, after {victim.point} instructions"
        raise Wrong(f"{where}: {error}") from error
