"""What threading.Event promises, of threading.Event itself and of all who share a SystemEvent."""

import contextlib
from types import SimpleNamespace

import pytest
from implementations import IMPLEMENTATIONS
from processes import DEADLINE

pytestmark = pytest.mark.anywhere


@pytest.fixture(params=IMPLEMENTATIONS, ids=lambda implementation: implementation.__name__)
def new_event(request, new_name, peer_program, scripts):
    """A function that makes an event of the implementation, clear."""
    programs = SimpleNamespace(peer=peer_program, scripts=scripts)
    with contextlib.ExitStack() as ends:

        def make():
            event = request.param(new_name("contract"), programs)
            ends.callback(event.end)
            return event

        yield make


@pytest.fixture
def event(new_event):
    """An event of the implementation, clear."""
    return new_event()


def results(waits):
    return [wait.result() for wait in waits]


def test_an_event_is_clear_at_first(event):
    """A new event is not set, and a wait for it can time out."""
    assert event.is_set() is False
    assert event.wait(0) is False


def test_set(event):
    """After set() the event is set, whoever asks."""
    event.set()
    assert event.is_set() is True
    assert event.wait(0) is True


def test_clear(event):
    """After clear() the event is clear, whoever asks."""
    event.set()
    event.clear()
    assert event.is_set() is False
    assert event.wait(0) is False


def test_latch(event):
    """A set event stays set: every later wait returns True, none takes it away."""
    event.set()
    assert [event.wait(), event.wait(DEADLINE), event.wait(0), event.wait()] == [True] * 4
    assert event.is_set() is True


def test_set_is_idempotent(event):
    """Five times set is set: one clear() clears it (mngr#2477)."""
    for _ in range(5):
        event.set()
    event.clear()
    assert event.is_set() is False
    assert event.wait(0) is False


def test_clear_is_idempotent(event):
    """Any number of clear() is one clear(): the next set() sets the event."""
    event.clear()
    event.clear()
    assert event.is_set() is False
    event.set()
    assert event.is_set() is True


def test_set_releases_a_wait(event):
    """set() releases a wait that has no timeout, and the event stays set."""
    waits = event.asleep(1)
    event.set()
    assert results(waits) == [True]
    assert event.is_set() is True


def test_timeout(event):
    """A wait for a clear event returns False after its timeout and leaves the event clear."""
    assert event.wait(0.03) is False
    assert event.is_set() is False


def test_set_releases_a_wait_with_a_timeout(event):
    """A wait with a timeout returns True if the event is set meanwhile."""
    waits = event.asleep(1, DEADLINE)
    event.set()
    assert results(waits) == [True]


def test_set_releases_everybody(event):
    """set() releases all who wait, with and without a timeout."""
    waits = [event.start("wait", *timeout) for timeout in [(), (DEADLINE,)] * 3]
    event.until_asleep(waits)
    event.set()
    assert results(waits) == [True] * 6


def test_pulse_releases_everybody(event):
    """set() and clear() at once release all who wait (cpython gh-95826, gh-76172, gh-57711)."""
    waits = event.asleep(5)
    event.pulse()
    assert results(waits) == [True] * 5
    assert event.is_set() is False


def test_every_pulse_releases_everybody(event):
    """Each pulse of several releases all who wait at that moment, and nobody who comes later."""
    for _ in range(3):
        waits = event.asleep(2, DEADLINE)
        event.pulse()
        assert results(waits) == [True] * 2
    assert event.wait(0.01) is False


def test_clear_releases_nobody(event):
    """Who waits sleeps on through any number of clear(), until set()."""
    waits = event.asleep(2)
    for _ in range(2):
        event.clear()
        assert event.are_asleep(waits)
    event.set()
    assert results(waits) == [True] * 2


def test_a_timeout_releases_nobody_else(event):
    """A wait that times out leaves the others asleep."""
    waits = event.asleep(2)
    assert event.wait(0.01) is False
    assert event.are_asleep(waits)
    event.set()
    assert results(waits) == [True] * 2


def test_a_wait_after_clear_sleeps(event):
    """Who comes after a clear() sleeps until the next set(), though the event had been set."""
    event.set()
    assert event.wait() is True
    event.clear()
    waits = event.asleep(1)
    event.set()
    assert results(waits) == [True]


def test_events_are_independent(new_event):
    """set() and clear() of one event leave another one, and those who wait for it, alone."""
    one, other = new_event(), new_event()
    waits = one.asleep(1)
    other.set()
    assert one.are_asleep(waits)
    assert one.is_set() is False
    one.set()
    assert results(waits) == [True]
    other.clear()
    assert one.is_set() is True
    assert other.is_set() is False
