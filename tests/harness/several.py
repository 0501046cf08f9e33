"""A few events in one run, and who waits for any, or for all, of them.

Their reference is Meeting, in one process, under one lock: what it shows is right by inspection, as
threading.Event is. (What is legal is in joint.py.)
"""

import threading

import systemevent


class Several:
    """The events of a run, with their wait_any and wait_all. It can be pickled if they can."""

    def __init__(self, events, wait_any=systemevent.wait_any, wait_all=systemevent.wait_all):
        self.events = tuple(events)
        self.wait_any = wait_any
        self.wait_all = wait_all

    def close(self):
        """Close them."""
        for event in self.events:
            event.close()


class Meeting:
    """Events of threads that share one lock, so that any and all are as simple as one."""

    def __init__(self, count):
        self._condition = threading.Condition()
        self._flags = 0
        self._waiters = []
        self.events = tuple(_Member(self, 1 << i) for i in range(count))

    def change(self, event, is_set):
        """Set or clear an event. Who waits is told of every instant."""
        with self._condition:
            if not is_set:
                self._flags &= ~event
                return
            self._flags |= event
            for waiter in self._waiters:
                waiter.look(self._flags)
            self._condition.notify_all()

    def is_set(self, event):
        """Is it set?"""
        with self._condition:
            return bool(self._flags & event)

    def wait(self, asked, needed, timeout):
        """The events of those asked for that were set, once they are so many at once."""
        waiter = _Waiter(asked, needed)
        with self._condition:
            waiter.look(self._flags)
            self._waiters.append(waiter)
            try:
                self._condition.wait_for(lambda: waiter.found, timeout)
            finally:
                self._waiters.remove(waiter)
        return waiter.found

    def wait_any(self, events, timeout=None):
        """As systemevent.wait_any()."""
        found = self.wait(sum(each.bit for each in events), 1, timeout)
        return [each for each in events if each.bit & found]

    def wait_all(self, events, timeout=None):
        """As systemevent.wait_all()."""
        return bool(self.wait(sum(each.bit for each in events), len(events), timeout))


class _Waiter:
    def __init__(self, asked, needed):
        self._asked, self._needed = asked, needed
        self.found = 0

    def look(self, flags):
        flags &= self._asked
        if flags.bit_count() >= self._needed:
            self.found |= flags


class _Member:
    def __init__(self, meeting, bit):
        self._meeting, self.bit = meeting, bit

    def set(self):
        self._meeting.change(self.bit, True)

    def clear(self):
        self._meeting.change(self.bit, False)

    def is_set(self):
        return self._meeting.is_set(self.bit)

    def wait(self, timeout=None):
        return bool(self._meeting.wait(self.bit, 1, timeout))


class AmongMany:
    """wait_any and wait_all of a few events among many that are never touched.

    Of more than 63 events, wait_any sleeps in several threads: those that matter are told apart.
    """

    def __init__(self, clear, always_set):
        self._clear, self._set = clear, always_set

    def wait_any(self, events, timeout=None):
        """As systemevent.wait_any()."""
        found = systemevent.wait_any([events[0], *self._clear, *events[1:]], timeout)
        assert not set(self._clear) & set(found), "an event that nobody has set"
        return found

    def wait_all(self, events, timeout=None):
        """As systemevent.wait_all()."""
        return systemevent.wait_all([events[0], *self._set, *events[1:]], timeout)
