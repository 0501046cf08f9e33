"""What an undisturbed victim comes by: the points of a scene, so that each can be gone to.

Most of the way to a point is run at one go, to a breakpoint, and not stepped: thirty times as fast.
"""

import dataclasses
import itertools

from .aftermath import left, undisturbed
from .stage import Wrong
from .tracing import STEPPED
from .victim import located, playing

#: So often a wait may end by itself before it was seen asleep, or its deadline need a carry.
ATTEMPTS = 100
LONGEST_TIMEOUT = 1.0


class Trace:
    """Which points an undisturbed victim of a scene comes by.

    scene: the same, with a timeout that is long enough for a victim that is stepped to fall asleep.
    """

    def __init__(self, on, scene):
        self.scene = scene
        self._follow(on)
        while scene.timeout and not any(asleep for _, asleep in self.points):
            if self.scene.timeout > LONGEST_TIMEOUT:
                raise Wrong(f"{scene}: never asleep")
            self.scene = dataclasses.replace(scene, timeout=2 * self.scene.timeout)
            self._follow(on)

    def _follow(self, on):
        """Until the points are those of a victim that had nothing to carry: all others have not."""
        for _ in range(ATTEMPTS):
            if not self._may_carry(on):
                return
        raise Wrong(f"{self.scene}: each time, its deadline may have been in the next second")

    def _may_carry(self, on):
        scene = self.scene
        self.points = []
        self.addresses = []
        self._disturbed = set()
        with playing(on, scene) as victim, located(scene, "not disturbed", victim):
            more = True
            while more:
                self.points.append(victim.where())
                if victim.state == STEPPED:
                    self.addresses.append(victim.process.pc())
                if victim.state != STEPPED or victim.process.is_disturbed:
                    self._disturbed.add(victim.point)
                more = victim.go_on()
            undisturbed(on, scene, victim)
            may_carry = victim.may_carry()
            victim.process.kill()
            left(on, scene, excused=False)
            on.others_work()
        return may_carry

    def straight(self, start, end):
        """The last point up to the end to which it can run at one go; None: step."""
        for goal in range(end, start + 1, -1):
            between = range(start, goal)
            if self._disturbed.isdisjoint(between) and all(
                self.addresses[goal] != self.addresses[point] for point in between
            ):
                return goal
        return None


def every_point(trace, play):
    """play(point) once for each point; return how many there are. False: it was not met."""
    scene = trace.scene
    for where in trace.points:
        for attempt in itertools.count():
            if play(where):
                break
            # A sleep that ended by itself before it was seen.
            if attempt > ATTEMPTS or not (where[1] and scene.timeout is not None):
                raise Wrong(f"{scene}: point {where} is not met again")
    return len(trace.points)
