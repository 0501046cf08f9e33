"""What wait_any and wait_all refuse, with which words; and that nothing is left in use then."""

import errno
import inspect

import pytest
from several import BOTH, everything, for_any
from surroundings import descriptors, mappings

from systemevent import SystemEvent, _many, wait_any

pytestmark = for_any
COUNTS = pytest.mark.parametrize("count", [1, 2, 63, 64, 130])


@pytest.fixture
def opened(new_name):
    """A function that opens that many events; at the end they are closed, and nothing is in use,
    also where somebody has kept the traceback of an error."""
    before = mappings(), descriptors()
    events = []

    def open_some(count):
        events.extend(SystemEvent(new_name()) for _ in range(count))
        return events

    yield open_some
    for event in events:
        event.close()
    assert (mappings(), descriptors()) == before


def refusal(error, wait, *args):
    """The message of the error that wait(*args) raises."""
    with pytest.raises(error) as caught:
        wait(*args)
    assert caught.type is error
    return str(caught.value)


@BOTH
@pytest.mark.parametrize("timeout", [None, 0, 1, "1"])
@pytest.mark.parametrize("make", [list, tuple, set, dict, lambda: iter([]), str])
def test_no_event(wait, timeout, make):
    """Without an event: ValueError, whatever the timeout."""
    message = "there must be at least one event to wait for"
    assert refusal(ValueError, wait, make(), timeout) == message


@BOTH
@COUNTS
@pytest.mark.parametrize("is_set", [False, True], ids=["clear", "set"])
def test_closed(opened, wait, count, is_set):
    """A closed event: ValueError with its name, wherever it stands, whatever the others are."""
    events = opened(count)
    if is_set:
        for event in events:
            event.set()
    closed = SystemEvent(events[0].name)
    closed.close()
    message = f"operation on a closed event: <SystemEvent {closed.name!r}: closed>"
    for position in {0, count // 2, count - 1, count}:
        given = events[:position] + [closed] + events[position:]
        assert refusal(ValueError, wait, given, None) == message
        assert refusal(ValueError, wait, given, 0) == message


@BOTH
def test_unopened(opened, wait):
    """An event whose __init__ never ran: ValueError as well."""
    message = "operation on a closed event: <SystemEvent None: closed>"
    unopened = SystemEvent.__new__(SystemEvent)
    assert refusal(ValueError, wait, [*opened(2), unopened]) == message


@BOTH
@COUNTS
@pytest.mark.parametrize("wrong", [None, 1, "an event", SystemEvent, [], wait_any])
def test_no_system_event(opened, wait, count, wrong):
    """Anything but a SystemEvent: TypeError that shows it, wherever it stands."""
    events = opened(count)
    message = f"events must be SystemEvent objects, not {wrong!r}"
    for position in {0, count // 2, count}:
        given = events[:position] + [wrong] + events[position:]
        assert refusal(TypeError, wait, given, None) == message


@BOTH
def test_one_event_instead_of_several(opened, wait):
    """An event, instead of a list of one: TypeError."""
    (event,) = opened(1)
    assert refusal(TypeError, wait, event) == "'SystemEvent' object is not iterable"
    assert refusal(TypeError, wait, 1) == "'int' object is not iterable"


@BOTH
def test_an_iterable_that_raises(opened, wait):
    """What the iterable raises comes through."""
    events = opened(2)

    def raising():
        yield from events
        raise LookupError("sorry")

    assert refusal(LookupError, wait, raising()) == "sorry"


class Raising:
    """A timeout that raises when it is compared."""

    def __gt__(self, other):
        raise LookupError("sorry")


@BOTH
@COUNTS
def test_bad_timeouts_leave_nothing_in_use(opened, wait, count):
    """After TypeError, OverflowError, and what a timeout raises, no event is in use."""
    events = opened(count)
    compared = "'>' not supported between instances of 'str' and 'int'"
    assert refusal(TypeError, wait, events, "1") == compared
    assert refusal(OverflowError, wait, events, 1e300) == "timeout value is too large"
    assert refusal(LookupError, wait, events, Raising()) == "sorry"


@BOTH
def test_results_leave_nothing_in_use(opened, wait):
    """Nor is it after a wait that has returned, before and after its time has passed."""
    for count in 2, 61, 1, 70:
        events = opened(count)
        wait(events, 0)
        wait(events, 0.001)
        events[-1].set()
        wait(events, 0.001)
        for event in events:
            event.set()
        assert wait(events) == everything(wait, events)


@pytest.mark.parametrize("errors", [1, 2])
def test_errors_in_threads(opened, monkeypatch, errors):
    """An error in a thread of wait_any is raised, once all have ended, and nothing stays in use,
    also if somebody keeps the traceback."""

    def failing(watches, timeout, control, seen):
        if timeout is None and len(watches) < 63 * errors:
            del watches  # the traceback keeps what this frame has
            raise OSError(errno.ENOMEM, "no memory")
        return wait_since(watches, timeout, control, seen)

    wait_since = _many.wait_since
    monkeypatch.setattr(_many, "wait_since", failing)
    before = mappings()
    events = opened(130)
    with pytest.raises(OSError, match="no memory") as caught:
        wait_any(events, 1000)
    for event in events:
        event.close()
    assert str(caught.value) == "[Errno 12] no memory"
    assert mappings() == before


@BOTH
def test_signature(wait):
    """events, timeout=None: both by position or by name, and nothing else."""
    assert str(inspect.signature(wait)).startswith("(events")
    parameters = inspect.signature(wait).parameters.values()
    assert [(p.name, p.default is None, p.kind) for p in parameters] == [
        ("events", False, inspect.Parameter.POSITIONAL_OR_KEYWORD),
        ("timeout", True, inspect.Parameter.POSITIONAL_OR_KEYWORD),
    ]
