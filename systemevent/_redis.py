"""Events on a Redis server: the same class, for all machines that reach the server.

How an event is kept there, and how it is waited for, is told in _redis_waits.py.
"""

from ._event import SystemEvent
from ._names import checked_mode
from ._redis_entries import CHANGE, UNLINK, entry_of, key_of, look_at, slot_of
from ._redis_errors import explained
from ._redis_listing import list_events, seen
from ._redis_server import Server
from ._redis_session import Session

TYPE_CHECKING = False
if TYPE_CHECKING:
    from contextlib import AbstractContextManager

__all__ = ["RedisEvent", "about", "class_for", "list_events", "seen", "unlink"]


class RedisEvent(SystemEvent):
    """An event on a Redis server."""

    __slots__ = ()
    #: SystemEvent's methods look for this, whose methods are meant: RedisEvent.
    _on_server: type[SystemEvent]
    _as_local: type[SystemEvent] = SystemEvent

    _key: bytes
    _server: Server | None
    _url: str
    _slot: int | None

    def _open(self, name: str, prefix: str, mode: int, url: str) -> None:
        self._key = key_of(name, prefix)
        self._mode = checked_mode(mode)
        self._name = name
        self._prefix = prefix
        self._url = url
        server = Server.at(url)
        self._slot = slot_of(self._key) if server.kind == "cluster" else None
        with (
            explained(f"cannot open event {name!r}", server.shown),
            Session(server, self._slot) as session,
        ):
            entry_of(session.ask([look_at(self._key)])[0])
        self._server = server

    def _checked(self) -> Server:
        server = self._server
        if server is None:
            raise ValueError(f"operation on a closed event: {self!r}")
        return server

    def _explained(self, what: str, server: Server) -> "AbstractContextManager[None]":
        return explained(f"cannot {what} event {self._name!r}", server.shown)

    def _change(self, what: str, value: bytes) -> None:
        server = self._checked()
        with self._explained(what, server), Session(server, self._slot) as session:
            session.ask([("EVAL", CHANGE, 1, self._key, value)])

    def set(self) -> None:
        """Set the event, and release all who wait for it; nothing if it is set.

        Raises ConnectionError or TimeoutError unless the server has acknowledged it: it may have
        happened or not. PermissionError, ValueError or OSError if the server refuses.
        """
        self._change("set", b"1")

    def clear(self) -> None:
        """Clear the event; nothing if it is clear. Raises what set() raises."""
        self._change("clear", b"0")

    def is_set(self) -> bool:
        """Ask the server whether the event is set. Raises what set() raises."""
        server = self._checked()
        with self._explained("test", server), Session(server, self._slot) as session:
            _, is_set = entry_of(session.ask([look_at(self._key)])[0])
        return is_set

    isSet = is_set

    def wait(self, timeout: float | None = None) -> bool:
        """Block until the event is set; return True, or False when the timeout has passed.

        A wait rides out outages of the server, and sees a pulse that fell into one, as long as the
        server has kept its data.

        timeout: seconds, from the server's first answer on, so that False means that the event was
            clear for all of them. None: no limit. 0, negative or NaN: do not block.

        Raises ConnectionError or TimeoutError if the server cannot be asked when the timeout has
        passed; what threading.Event raises for a timeout that is none.
        """
        from ._redis_multi import wait_any_of

        return wait_any_of((self,), timeout) != []

    async def wait_async(self, timeout: float | None = None) -> bool:
        """Wait for the event in asyncio, as wait() does, without blocking the event loop.

        All pending waits of an event loop for one event share one connection on which the server
        lets them wait, and one more on which the loop asks for all events; where nothing is awaited
        there is none. A wait may be cancelled, also by asyncio.timeout().

        Raises what wait() raises; RuntimeError outside of a running event loop; ValueError for an
        option in the URL that redis-py does not know in asyncio.
        """
        from ._redis_aio import wait_for

        return await wait_for(self, timeout)

    @property
    def closed(self) -> bool:
        """True after close()."""
        return getattr(self, "_server", None) is None

    def close(self) -> None:
        """Close the event; calls in progress go on. What is idle is closed with the last event."""
        self._server = None

    def __enter__(self) -> "RedisEvent":
        """Return the event itself. Raises ValueError if it is closed."""
        self._checked()
        return self

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle by name and URL, with the URL's secrets."""
        self._checked()
        return self._as_local, (self._name, self._prefix, self._mode, self._url)

    def __repr__(self) -> str:
        """<SystemEvent 'name' on redis://host: set>; or unset, closed, unreachable."""
        name = getattr(self, "_name", None)
        server = getattr(self, "_server", None)
        kind = self._as_local.__name__
        if server is None:
            return f"<{kind} {name!r}: closed>"
        try:
            state = "set" if self.is_set() else "unset"
        except OSError:
            state = "unreachable"
        except ValueError:
            state = "no event"
        return f"<{kind} {name!r} on {server.shown}: {state}>"


RedisEvent._on_server = RedisEvent

_classes: dict[type[SystemEvent], type[RedisEvent]] = {SystemEvent: RedisEvent}


def class_for(cls: type[SystemEvent]) -> type[RedisEvent]:
    """The class of the events on Redis of a class of events; its own methods come first."""
    if issubclass(cls, RedisEvent):
        return cls
    found = _classes.get(cls)
    if found is None:
        own = {"__slots__": (), "__module__": cls.__module__, "_as_local": cls}
        found = _classes[cls] = type(cls.__name__, (cls, RedisEvent), own)
    return found


def unlink(name: str, prefix: str, url: str) -> None:
    """Delete the event: it is clear. Who waits for it waits on, for the next set().

    An event that was never set has left no trace there, so it is no error if there is none.

    Raises what RedisEvent.set() raises.
    """
    key = key_of(name, prefix)
    server = Server.at(url)
    slot = slot_of(key) if server.kind == "cluster" else None
    what = f"cannot unlink event {name!r}"
    with explained(what, server.shown), Session(server, slot) as session:
        session.ask([("EVAL", UNLINK, 1, key)])


def about(url: str) -> str:
    """A server that can be asked for events, and its version. Raises what SystemEvent raises."""
    event = RedisEvent("demonstration", url=url)
    server = event._checked()
    try:
        with event._explained("ask for", server), Session(server, event._slot) as session:
            (answer,) = session.ask([("INFO", "server")])
    except PermissionError:
        return f"{server.shown}: reachable, but it does not tell its version"
    lines = (line.partition(":") for line in answer.decode(errors="replace").splitlines())
    fields = {name: value for name, _, value in lines}
    for name in "Valkey", "Redis":
        if version := fields.get(f"{name.lower()}_version"):
            return f"{server.shown}: reachable, {name} {version}"
    return f"{server.shown}: reachable"
