"""Wrong ways to wait for any, or for all, of several events: what people write who have none.

Each is made of right events. mutants.py says where each must be found out.
"""

import time

import systemevent


def _limited(timeout):
    """The rest of a time-out, whenever it is called."""
    if timeout is None:
        return lambda: None
    end = time.monotonic() + timeout
    return lambda: max(0, end - time.monotonic())


def all_one_by_one(events, timeout=None):
    """Wait for one after the other: each was set at some time."""
    left = _limited(timeout)
    return all(event.wait(left()) for event in events)


def all_in_one_look(events, timeout=None):
    """Look at all of them once; wait for one that is clear."""
    left = _limited(timeout)
    while clear := [event for event in events if not event.is_set()]:
        if not clear[0].wait(left()):
            return False
    return True


def all_too_early(events, timeout=None):
    """Give up 5 % early."""
    return systemevent.wait_all(events, None if timeout is None else timeout * 0.95)


def any_too_early(events, timeout=None):
    """Give up 5 % early."""
    return systemevent.wait_any(events, None if timeout is None else timeout * 0.95)


def any_by_turns(events, timeout=None):
    """Look at each of them again and again: a pulse between two looks is lost."""
    left = _limited(timeout)
    while not (found := [event for event in events if event.is_set()]) and left() != 0:
        time.sleep(0.001)
    return found


def any_set_now(events, timeout=None):
    """Wait, and look again which of them are set: a pulse wakes, and the wait goes on."""
    left = _limited(timeout)
    while systemevent.wait_any(events, left()):
        if found := [event for event in events if event.is_set()]:
            return found
    return []


def any_and_its_neighbour(events, timeout=None):
    """One event that was set is taken for the next one."""
    found = systemevent.wait_any(events, timeout)
    return [events[(events.index(event) + 1) % len(events)] for event in found]
