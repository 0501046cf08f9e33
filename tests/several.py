"""What the tests of wait_any and wait_all share."""

import os

import pytest

from systemevent import _word as word
from systemevent import wait_all, wait_any

#: For tests of wait_any with more than one event: where, and in which mode, it can be done.
needs_futex_waitv = pytest.mark.skipif(
    not word.sleeps_on_both_halves(), reason="needs futex_waitv (Linux 5.16)"
)
for_any = [pytest.mark.one_mode, needs_futex_waitv]

BOTH = pytest.mark.parametrize("wait", [wait_any, wait_all])


def nothing(wait):
    """What the function returns when the time has passed."""
    return {wait_any: [], wait_all: False}[wait]


def everything(wait, events):
    """What the function returns when all the events are set."""
    return {wait_any: list(events), wait_all: True}[wait]


def any_names(events, timeout=None):
    """wait_any, for workers: the names of what it returns."""
    return [event.name for event in wait_any(events, timeout)]


def names(*events):
    return [event.name for event in events]


def pulse(event):
    """set() and clear(), back to back."""
    event.set()
    event.clear()


def threads():
    """The number of threads of this process, whoever has started them."""
    return len(os.listdir("/proc/self/task"))
