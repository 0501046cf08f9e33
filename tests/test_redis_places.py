"""Where an event of a server is: environment, copies, subclasses, prefixes, names."""

import contextlib
import copy
import pickle
import subprocess
import sys

import pytest
from processes import DEADLINE
from redis_users import user_of

from systemevent import SystemEvent, list_events, unlink, wait_all, wait_any

pytestmark = pytest.mark.one_mode


class Counting(SystemEvent):
    """A subclass with a method of its own, and one that is another."""

    def set(self):
        self.count = getattr(self, "count", 0) + 1
        super().set()

    def twice(self):
        return 2 * self.count


@pytest.fixture
def url(redis_server):
    """The URL of a server on which there are no events."""
    return redis_server.shown


EXIT = """
import sys, threading
from systemevent import SystemEvent

event = SystemEvent("busy", url=sys.argv[1])
begun = threading.Barrier(41)

def run():
    begun.wait()
    while True:
        event.set()

for _ in range(40):
    threading.Thread(target=run, daemon=True).start()
begun.wait()
for _ in range(100):
    event.is_set()
"""


def test_exit_of_a_process_with_busy_threads(redis_server):
    """Threads that still use events when the interpreter ends do so silently."""
    for _ in range(5):
        result = subprocess.run(
            [sys.executable, "-c", EXIT, redis_server.url],
            capture_output=True,
            text=True,
            timeout=DEADLINE,
        )
        assert (result.returncode, result.stdout, result.stderr) == (0, "", "")


@pytest.mark.parametrize("place", ["", None])
def test_this_machine(monkeypatch, name, url, place):
    """url="" is this machine whatever the environment says; an empty SYSTEMEVENT_URL, too."""
    monkeypatch.setenv("SYSTEMEVENT_URL", url if place == "" else "")
    with SystemEvent(name, url=place) as event:
        event.set()
        assert repr(event) == f"<SystemEvent {name!r}: set>"
        assert name in list_events(url=place)
        assert list_events(url=url) == []
    unlink(name, url=place)
    assert name not in list_events(url="")


def test_argument_beats_environment(monkeypatch, url):
    """url= beats SYSTEMEVENT_URL."""
    monkeypatch.setenv("SYSTEMEVENT_URL", "redis://127.0.0.1:1")
    SystemEvent("a", url=url).set()
    assert list_events(url=url) == ["a"]
    unlink("a", url=url)


def test_environment(monkeypatch, url):
    """SYSTEMEVENT_URL is looked at when an event is opened, and then no more."""
    monkeypatch.setenv("SYSTEMEVENT_URL", url)
    event = SystemEvent("a")
    monkeypatch.setenv("SYSTEMEVENT_URL", "redis://127.0.0.1:1")
    event.set()
    with pytest.raises(ConnectionError):
        SystemEvent("a")
    assert repr(event) == f"<SystemEvent 'a' on {url}: set>"


@pytest.mark.parametrize("duplicate", [copy.copy, lambda one: pickle.loads(pickle.dumps(one))])
@pytest.mark.parametrize("kind", [SystemEvent, Counting])
def test_copies(monkeypatch, url, kind, duplicate):
    """A copy, and what is unpickled wherever, is the same event of the same class and place."""
    event = kind("a", "some.", url=url)
    monkeypatch.setenv("SYSTEMEVENT_URL", "redis://127.0.0.1:1")
    other = duplicate(event)
    assert type(other) is type(event)
    assert isinstance(other, kind)
    other.set()
    assert event.is_set()
    assert repr(other) == repr(event) == f"<{kind.__name__} 'a' on {url}: set>"


def test_copy_of_local_event(monkeypatch, name, event, url):
    """An event of this machine stays there when it is pickled, whatever the environment says."""
    monkeypatch.setenv("SYSTEMEVENT_URL", url)
    assert repr(pickle.loads(pickle.dumps(event))) == f"<SystemEvent {name!r}: unset>"
    unlink(name, url="")


def test_subclass(name, url):
    """A subclass's own methods come first, on a server as here."""
    for place in url, "":
        event = Counting(name, url=place)
        event.set()
        event.set()
        assert (event.twice(), event.is_set()) == (4, True)
        assert wait_any([event]) == [event]
        assert wait_all([event])


@pytest.mark.parametrize("kind", [SystemEvent, Counting])
def test_closed(url, kind):
    """A closed event says so; every call is a ValueError, and it can be closed again."""
    with kind("a", url=url) as event:
        assert not event.closed
        with pytest.raises(RuntimeError, match="this event is open already: <"):
            event.__init__("b", url=url)
    assert event.closed
    event.close()
    shown = f"<{kind.__name__} 'a': closed>"
    assert repr(event) == shown
    calls = [event.set, event.clear, event.is_set, event.wait, event.__enter__, event.__reduce__]
    calls += [lambda: wait_any([event]), lambda: wait_all([event])]
    for call in calls:
        with pytest.raises(ValueError, match=f"^operation on a closed event: {shown}$"):
            call()


@pytest.mark.parametrize("kind", [SystemEvent, Counting])
def test_opened_anew(name, url, kind):
    """A closed event may be opened anew, elsewhere: it is what it would be if it were new."""
    event = kind(name, url=url)
    event.close()
    event.__init__(name, url="")
    event.set()
    assert (type(event), repr(event)) == (kind, f"<{kind.__name__} {name!r}: set>")
    event.close()
    event.__init__(name, url=url)
    assert repr(event) == f"<{kind.__name__} {name!r} on {url}: unset>"


def test_failed(url):
    """An event that could not be opened is closed, and may be opened later."""
    event = SystemEvent.__new__(SystemEvent)
    with pytest.raises(ConnectionError):
        event.__init__("a", url="redis://127.0.0.1:1")
    assert event.closed
    event.__init__("a", url=url)
    assert not event.is_set()


def test_repr_without_server(redis_server):
    """repr() of an event whose server is away, or whose key is taken by others, raises nothing."""
    with redis_server.client() as client, user_of(redis_server, "~*", "+@all") as url:
        event = SystemEvent("a", url=url)
        client.set("systemevent:a", "text")
        shown = redis_server.shown
        assert repr(event) == f"<SystemEvent 'a' on {shown}: no event>"
        client.delete("systemevent:a")
    with redis_server.client() as client:
        client.client_kill_filter(_type="normal", skipme=True)
    assert repr(event) == f"<SystemEvent 'a' on {shown}: unreachable>"


@pytest.mark.parametrize(
    ("prefix", "key"),
    [
        ("SystemEvent.", "systemevent:a"),
        ("systemevent:", "systemevent:a"),
        ("", "a"),
        ("{jobs}.", "{jobs}.a"),
        ("ü\udcff", b"\xc3\xbc\xffa"),
    ],
)
def test_keys(redis_server, url, prefix, key):
    """The key is prefix and name as they are; but the default prefix is "systemevent:" there."""
    SystemEvent("a", prefix, url=url).set()
    with redis_server.client() as client:
        assert client.keys() == [key if isinstance(key, bytes) else key.encode()]
        ((_, fields),) = client.xrange(key)
    assert fields == {b"s": b"1"}
    assert list_events(prefix, url) == ["a"]
    unlink("a", prefix, url)
    assert list_events(prefix, url) == []


STRANGE = [
    "*",
    "?",
    "[a]",
    "\\",
    "^",
    "a*b",
    " ",
    "\n",
    "ä",
    "日",
    "\udcff",
    "'\"",
    "{a}",
    "x" * 200,
]


@pytest.mark.parametrize("place", ["", "prefix*", "[a-z]", "\\*", "?"])
def test_strange_names(url, place):
    """Whatever a name or prefix of this machine may be, it may be there, and is found again."""
    SystemEvent("other", "prefix.", url=url).set()
    SystemEvent("other", f"z{place}", url=url).set()
    expected = sorted(STRANGE) if place else sorted([*STRANGE, "prefix.other", "zother"])
    for name in STRANGE:
        SystemEvent(name, place, url=url).set()
    assert list_events(place, url) == expected
    for name in STRANGE:
        unlink(name, place, url)
        assert name not in list_events(place, url)


@pytest.mark.parametrize("place", ["here", "there"])
@pytest.mark.parametrize(
    ("name", "prefix", "message"),
    [
        ("", "p", "an event's name must not be empty"),
        ("a/b", "p", "an event's name must not contain '/' or NUL: 'a/b'"),
        ("a\0", "p", "an event's name must not contain '/' or NUL: 'a\\\\x00'"),
        ("a", "/", "an event's prefix must not contain '/' or NUL: '/'"),
        ("x" * 251, "p", "an event's name and prefix must not be longer than 251 bytes together"),
        ("\ud800", "p", "the file system cannot encode the event's name: '\\\\ud800'"),
    ],
)
def test_wrong_names(url, place, name, prefix, message):
    """The rules for names are those of this machine."""
    calls = [SystemEvent, unlink]
    for call in calls:
        with pytest.raises(ValueError, match=f"^{message}"):
            call(name, prefix, url="" if place == "here" else url)


def test_other_keys(redis_server, url):
    """Keys that no event can have are not listed, nor keys that hold something else."""
    with redis_server.client() as client:
        for name in ":", ":a/b", ":\0", "x", f":{'x' * 240}":
            key = f"systemevent{name}"
            client.xadd(key, {"s": "1"})
        client.set("systemevent:text", "")
        client.lpush("systemevent:list", "")
    assert list_events(url=url) == []


def test_many(url, redis_server):
    """More events than one answer of the server has are all listed."""
    with redis_server.client() as client, contextlib.closing(client.pipeline()) as pipeline:
        for i in range(2500):
            pipeline.xadd(f"systemevent:{i}", {"s": "1"})
        pipeline.execute()
    assert list_events(url=url) == sorted(str(i) for i in range(2500))
