"""From opening to unlinking: what an event shows of itself, who holds it, and when it ends."""

import os
import threading
import weakref

import posix_ipc
import pytest
from processes import is_asleep, until_asleep, worker
from surroundings import error_of, path_of

from systemevent import SystemEvent, list_events, unlink

one_mode = pytest.mark.one_mode


@one_mode
def test_repr(event):
    """repr() shows class, name and whether the event is set or closed."""
    assert repr(event) == f"<SystemEvent {event.name!r}: unset>"
    event.set()
    assert repr(event) == f"<SystemEvent {event.name!r}: set>"
    event.close()
    assert repr(event) == f"<SystemEvent {event.name!r}: closed>"


@one_mode
def test_repr_unlinked(event):
    """repr() shows that the name is gone, and that it belongs to another event."""
    unlink(event.name)
    assert repr(event) == f"<SystemEvent {event.name!r}: unset, unlinked>"
    with SystemEvent(event.name) as other:
        other.set()
        assert repr(other) == f"<SystemEvent {event.name!r}: set>"
        assert repr(event) == f"<SystemEvent {event.name!r}: unset, unlinked>"


@one_mode
def test_repr_of_subclass(name):
    """repr() shows the name of a subclass."""

    class Mine(SystemEvent):
        pass

    with Mine(name) as event:
        assert repr(event) == f"<Mine {name!r}: unset>"


@one_mode
def test_name_is_read_only(event):
    """The name can be read, not written, not deleted."""
    before = event.name
    with pytest.raises(AttributeError):
        event.name = "other"
    with pytest.raises(AttributeError):
        del event.name
    assert event.name == before


@one_mode
@pytest.mark.parametrize("kind", [threading.Event, SystemEvent])
def test_attributes_and_weak_references(kind, name):
    """As threading.Event: takes attributes and weak references, and is equal to itself only."""
    event, other = (kind(*[name] * (kind is SystemEvent)) for _ in range(2))
    event.colour = "red"
    assert vars(event)["colour"] == "red"
    assert event == event != other
    assert len({event, other}) == 2
    reference = weakref.ref(event)
    assert reference() is event
    del event
    assert reference() is None


@one_mode
def test_with(name):
    """`with` gives the event, closes it at the end, also by an exception, and lets that pass."""
    event = SystemEvent(name)
    with event as same:
        assert same is event
    assert event.closed
    other = SystemEvent(name)
    with pytest.raises(KeyError), other:
        raise KeyError
    assert other.closed


@one_mode
def test_closing_ends_nothing(name):
    """An event goes on in the state it is in when the last process has closed it."""
    for _ in range(2):
        with SystemEvent(name) as event:
            event.set()
    with SystemEvent(name) as event:
        assert event.is_set()
        event.clear()
    with SystemEvent(name) as event:
        assert not event.is_set()


# ---- waiting ----------------------------------------------------------------------------------


def set_by_name(name):
    """Set the event of that name."""
    with SystemEvent(name) as event:
        event.set()


def cost(pid):
    """What a process has cost so far: CPU time in ticks, and context switches of both kinds."""
    with open(f"/proc/{pid}/stat") as file:
        ticks = file.read().rpartition(")")[2].split()[11:13]
    with open(f"/proc/{pid}/status") as file:
        return ticks, [line for line in file if "ctxt_switches" in line]


def test_waiting_costs_nothing(event, new_name):
    """A waiting process does not run at all: no CPU time and no context switch (no polling)."""
    other = new_name("other")
    with worker(event.wait) as waiter:
        until_asleep(waiter.pid)
        before = cost(waiter.pid)
        for _ in range(10_000):
            set_by_name(other)
            assert not event.wait(0)
            event.clear()
        assert cost(waiter.pid) == before
        event.set()
        assert waiter.result() is True


# ---- unlinking --------------------------------------------------------------------------------


@pytest.mark.parametrize("remove", [unlink, lambda name: os.unlink(path_of(name))])
def test_unlinked_under_waiters(event, remove):
    """Waiters stay with their event when its name is removed, also by a stranger (systemd#2039),
    and given to another one: only who has the old one open releases them."""
    with worker(event.wait) as waiter:
        until_asleep(waiter.pid)
        remove(event.name)
        with SystemEvent(event.name) as new:
            new.set()
            assert is_asleep(waiter.pid)
            assert not event.is_set()
            new.clear()
            event.set()
            assert waiter.result() is True
            assert not new.is_set()


@one_mode
def test_new_event_is_clear(event):
    """Who opens the name of an unlinked event that was set gets a new one that is clear."""
    event.set()
    unlink(event.name)
    with SystemEvent(event.name) as new:
        assert not new.is_set()
    assert event.is_set()


@one_mode
def test_unlink_missing(event):
    """unlink() of an event that is not there raises FileNotFoundError with its name."""
    os.unlink(path_of(event.name))
    assert error_of(unlink, event.name) == (
        "FileNotFoundError",
        f"[Errno 2] cannot unlink event {event.name!r}: No such file or directory: "
        f"{path_of(event.name)!r}",
    )


@one_mode
def test_list(new_name):
    """list_events() gives all semaphores that begin with the prefix, sorted, without the prefix."""
    start = new_name("list")
    assert list_events(f"SystemEvent.{start}.") == []
    names = [new_name(f"{start}.{letter}") for letter in "cab"]
    for one in names:
        SystemEvent(one).close()
    SystemEvent(new_name(f"{start}-no")).close()
    SystemEvent(start).close()  # the prefix and nothing behind it is not a name
    posix_ipc.Semaphore(f"/SystemEvent.{start}.d", posix_ipc.O_CREX).close()
    assert list_events(f"SystemEvent.{start}.") == sorted(
        [one.removeprefix(f"{start}.") for one in names] + ["d"]
    )
    assert set(names) < set(list_events())
    unlink(f"{start}.d")
