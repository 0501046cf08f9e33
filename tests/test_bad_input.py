"""Names, prefixes, modes and closed events: what is refused, with which words, and what is not."""

import copy
import os
import pickle
from pathlib import Path

import pytest
from surroundings import descriptors, mappings, own_objects

from systemevent import SystemEvent, list_events, unlink

pytestmark = pytest.mark.one_mode

CHARACTERS = "an event's name must not contain '/' or NUL: "
BAD_NAMES = {
    "empty": ("", ValueError, "an event's name must not be empty"),
    "slash": ("a/b", ValueError, CHARACTERS + "'a/b'"),
    "first-slash": ("/a", ValueError, CHARACTERS + "'/a'"),
    "NUL": ("a\0b", ValueError, CHARACTERS + r"'a\x00b'"),
    "surrogate": (
        "a\ud800",
        ValueError,
        r"the file system cannot encode the event's name: 'a\ud800'",
    ),
    "bytes": (b"a", TypeError, "an event's name must be a str, not bytes: b'a'"),
    "int": (1, TypeError, "an event's name must be a str, not int: 1"),
    "None": (None, TypeError, "an event's name must be a str, not NoneType: None"),
    "Path": (
        Path("a"),
        TypeError,
        "an event's name must be a str, not PosixPath: PosixPath('a')",
    ),
}
BAD_PREFIXES = {
    "slash": ("a/", ValueError, "an event's prefix must not contain '/' or NUL: 'a/'"),
    "NUL": ("\0", ValueError, r"an event's prefix must not contain '/' or NUL: '\x00'"),
    "bytes": (b"a", TypeError, "an event's prefix must be a str, not bytes: b'a'"),
    "None": (None, TypeError, "an event's prefix must be a str, not NoneType: None"),
}
RANGE = "an event's mode must be permission bits, 0 to 0o777: "
BAD_MODES = {
    "str": ("0o666", TypeError, "an event's mode must be an int, not str: '0o666'"),
    "float": (6.0, TypeError, "an event's mode must be an int, not float: 6.0"),
    "None": (None, TypeError, "an event's mode must be an int, not NoneType: None"),
    "negative": (-1, ValueError, RANGE + "-0o1"),
    "sticky": (0o1666, ValueError, RANGE + "0o1666"),
    "setuid": (0o4755, ValueError, RANGE + "0o4755"),
}
ODD_NAMES = [
    " ",
    "a b",
    "a\nb",
    "\t",
    "日本",
    "-x",
    "--help",
    ".",
    "..",
    "...",
    "a\\b",
    "'\"",
    "%s",
]
ODD_NAMES += ["\udcff", "\x7f\x01", "*", "sem.a", ".SystemEvent-new.1", "SystemEvent.", "🙂"]


def each(cases):
    """Parametrize with bad value, error and message."""
    return pytest.mark.parametrize(("bad", "error", "message"), cases.values(), ids=cases)


@pytest.mark.parametrize("function", [SystemEvent, unlink])
@each(BAD_NAMES)
def test_bad_name(function, bad, error, message):
    """A name that breaks a rule raises TypeError or ValueError with the rule and the name."""
    with pytest.raises(error) as caught:
        function(bad)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    "function",
    [lambda prefix: SystemEvent("a", prefix), lambda prefix: unlink("a", prefix), list_events],
    ids=["SystemEvent", "unlink", "list_events"],
)
@each(BAD_PREFIXES)
def test_bad_prefix(function, bad, error, message):
    """A prefix that breaks a rule raises TypeError or ValueError with the rule and the prefix."""
    with pytest.raises(error) as caught:
        function(bad)
    assert str(caught.value) == message


@each(BAD_MODES)
def test_bad_mode(name, bad, error, message):
    """Anything but permission bits raises TypeError or ValueError, and creates no event."""
    with pytest.raises(error) as caught:
        SystemEvent(name, mode=bad)
    assert str(caught.value) == message
    assert own_objects(f"SystemEvent.{name}") == []


@pytest.mark.parametrize("function", [SystemEvent, unlink])
@pytest.mark.parametrize(
    ("name", "prefix"),
    [("x", ".SystemEvent-new."), (".SystemEvent-new.x", ""), ("Event-new.1", ".System")],
)
def test_reserved(function, name, prefix):
    """The names of objects under construction are refused as names of events."""
    with pytest.raises(ValueError, match="reserved") as caught:
        function(name, prefix)
    assert str(caught.value) == (
        f"names that begin with '.SystemEvent-new.' are reserved: {prefix + name!r}"
    )


@pytest.fixture
def prefix():
    """A prefix of this test's own; its events are unlinked at the end."""
    text = f"test-{os.getpid()}."
    yield text
    for name in list_events(text):
        unlink(name, text)


@pytest.mark.parametrize("letter", ["x", "ä", "€"])
def test_longest_name(prefix, letter):
    """251 bytes of prefix and name are an event, one more is refused; letters do not count."""
    name = letter * 60
    name += "." * (251 - len(os.fsencode(prefix + name)))
    with SystemEvent(name, prefix) as event:
        event.set()
    assert list_events(prefix) == [name]
    for function in SystemEvent, unlink:
        with pytest.raises(ValueError, match="251") as caught:
            function(name + ".", prefix)
        assert str(caught.value) == (
            "an event's name and prefix must not be longer than 251 bytes together, "
            f"these are 252: {prefix + name + '.'!r}"
        )


@pytest.mark.parametrize("name", ODD_NAMES, ids=ascii)
def test_odd_name(prefix, name):
    """Any other text is a name: one event, listed and found again under exactly that name."""
    with SystemEvent(name, prefix) as event, SystemEvent(name, prefix) as other:
        assert event.name == name
        event.set()
        assert other.is_set()
    assert list_events(prefix) == [name]
    unlink(name, prefix)
    assert list_events(prefix) == []


def test_prefix_tells_events_apart(prefix):
    """The same name under two prefixes is two events."""
    with SystemEvent("a", prefix + "x") as one, SystemEvent("a", prefix + "y") as other:
        one.set()
        assert not other.is_set()


def test_prefix_and_name_are_one_text(prefix):
    """Where the prefix ends and the name begins makes no difference, down to an empty prefix."""
    with SystemEvent("a.b", prefix) as one:
        one.set()
        for cut in range(len(prefix) + 1):
            with SystemEvent(prefix[cut:] + "a.b", prefix[:cut]) as other:
                assert other.is_set()


USES = {
    "set": SystemEvent.set,
    "clear": SystemEvent.clear,
    "is_set": SystemEvent.is_set,
    "isSet": SystemEvent.isSet,
    "wait": SystemEvent.wait,
    "wait(0)": lambda event: event.wait(0),
    "wait(timeout=1)": lambda event: event.wait(timeout=1),
    "with": SystemEvent.__enter__,
    "pickle": pickle.dumps,
    "copy": copy.copy,
}


@pytest.mark.parametrize("use", USES.values(), ids=USES)
def test_closed(event, use):
    """Any use of a closed event raises ValueError that says so, as a closed file's."""
    event.close()
    with pytest.raises(ValueError, match="closed") as caught:
        use(event)
    assert str(caught.value) == f"operation on a closed event: <SystemEvent {event.name!r}: closed>"


@pytest.mark.parametrize("use", USES.values(), ids=USES)
def test_unopened(use):
    """Any use of an event whose __init__ never ran raises ValueError; nothing crashes."""
    with pytest.raises(ValueError, match="closed") as caught:
        use(SystemEvent.__new__(SystemEvent))
    assert str(caught.value) == "operation on a closed event: <SystemEvent None: closed>"


def test_unopened_is_closed():
    """An event whose __init__ never ran is closed, may be closed, and can be shown."""
    event = SystemEvent.__new__(SystemEvent)
    assert event.closed
    event.close()
    assert repr(event) == "<SystemEvent None: closed>"


def test_initialized_twice(event, new_name):
    """A second __init__ raises RuntimeError and changes nothing: name, flag, open files."""
    event.set()
    other = new_name("other")
    before = event.name, repr(event), pickle.dumps(event), descriptors(), mappings()
    with pytest.raises(RuntimeError) as caught:
        event.__init__(other)
    assert (event.name, repr(event), pickle.dumps(event), descriptors(), mappings()) == before
    assert str(caught.value) == f"this event is open already: <SystemEvent {event.name!r}: set>"
    assert own_objects(f"SystemEvent.{other}") == []
