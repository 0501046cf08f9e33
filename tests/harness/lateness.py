"""How late the machine is: the most by which anybody came too late who slept on one processor.

Not only the runner: of a virtual machine one processor may stand still for a second, while the
runner is on another one; and who was running there cannot go on elsewhere. So a process looks at
the clock again and again on each of them.
"""

import contextlib
import mmap
import os
import threading
import time

from processes import until, worker

#: Seconds between two looks at the clock.
GLANCE = 0.01


class Lateness:
    """Watches all processors that this process may use, until the stack ends."""

    def __init__(self, stack):
        processors = sorted(os.sched_getaffinity(0))
        # Of each: the last look at the clock, and the most by which one came too late.
        self._looks, self._mosts = (
            memoryview(mmap.mmap(-1, 8 * len(processors))).cast("d") for _ in range(2)
        )
        self.watcher = stack.enter_context(worker(self._watch_all, processors))
        until(lambda: all(self._looks), "all processors are watched")

    def _watch_all(self, processors):
        for at, processor in enumerate(processors):
            threading.Thread(target=self._watch, args=(at, processor), daemon=True).start()
        threading.Event().wait()  # until it is killed

    def _watch(self, at, processor):
        with contextlib.suppress(OSError):  # it was taken away: then on any other one
            os.sched_setaffinity(0, {processor})  # of this thread
        due = time.monotonic()
        while True:
            now = time.monotonic()
            # In this order: until the look is seen, the one before it says the same.
            self._mosts[at] = max(self._mosts[at], now - due)
            self._looks[at] = now
            due = now + GLANCE
            time.sleep(GLANCE)

    def most(self):
        """In seconds, until now."""
        looks = list(self._looks)  # before the others, so that none is lost
        now = time.monotonic()
        return max(0.0, *self._mosts, *(now - look - GLANCE for look in looks))
