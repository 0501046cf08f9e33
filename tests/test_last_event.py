"""wait_all and a pulse of the last event that is clear. (Every interleaving: harness/multi.pml.)"""

import pytest
from processes import until, until_asleep, worker

from systemevent import SystemEvent, wait_all

pytestmark = pytest.mark.one_python

#: Guards against a hang: the wait of a waiter that has missed the pulse.
TIMEOUT = 60


@pytest.fixture
def pair(new_name):
    """Two events, clear."""
    with SystemEvent(new_name()) as one, SystemEvent(new_name()) as other:
        yield one, other


def until_asleep_again(pid, change):
    """change() wakes the waiter; return when it sleeps once more."""

    def sleeps():
        with open(f"/proc/{pid}/status") as file:
            return int(file.read().split("\nvoluntary_ctxt_switches:")[1].split()[0])

    until_asleep(pid)
    before = sleeps()
    change()
    until(lambda: sleeps() > before, f"process {pid} sleeps again")
    until_asleep(pid)


def is_released_by_a_pulse(events, change, last):
    """Does a waiter for all, that has slept through the change, return True after a pulse?"""
    with worker(wait_all, events, TIMEOUT) as one:
        until_asleep_again(one.pid, change)
        last.set()
        last.clear()
        return one.result() is True


@pytest.mark.one_mode  # older kernels do not wake it for each of them
@pytest.mark.parametrize("first", [0, 1])
def test_the_last_but_one_is_noticed(pair, first):
    """A pulse of the last event releases the waiter, in whichever order the events were given."""
    one, last = pair[first], pair[1 - first]
    assert is_released_by_a_pulse(pair, one.set, last)


@pytest.mark.one_mode
def test_an_event_that_is_set_again_is_noticed(pair):
    """So it does if another event, set from the beginning, was cleared and set meanwhile."""
    one, last = pair
    one.set()

    def flicker():
        one.clear()
        one.set()

    assert is_released_by_a_pulse(pair, flicker, last)


def test_an_event_given_twice_counts_once(event):
    """A pulse of an event that is given twice releases the waiter."""
    with worker(wait_all, (event, event), TIMEOUT) as one:
        until_asleep(one.pid)
        event.set()
        event.clear()
        assert one.result() is True
