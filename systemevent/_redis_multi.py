"""Waiting for events on a Redis server: the steps of _redis_waits.py, done on a connection."""

from sys import exc_info
from time import sleep

from redis.exceptions import RedisError

from ._event import SystemEvent
from ._redis import RedisEvent
from ._redis_entries import block_on, entries_of, heard, looks_at
from ._redis_errors import DIFFERENT_SLOTS, bare, builtin
from ._redis_session import Session
from ._redis_waits import All, Any, Block, Look, Outage, waiting

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from ._redis_waits import Step


class Waiters:
    """The events of one wait: each key once."""

    def __init__(self, events: "Sequence[object]") -> None:
        """Raises ValueError for events of several servers, or of this machine among them; TypeError
        for what is no event."""
        self.events: list[RedisEvent] = []
        servers = {}
        for event in events:
            if not isinstance(event, SystemEvent):
                raise TypeError(f"events must be SystemEvent objects, not {event!r}")
            if not isinstance(event, RedisEvent):
                raise ValueError(f"events of this machine and of a server in one wait: {event!r}")
            self.events.append(event)
            server = event._checked()
            servers[server.url] = server
        if len(servers) > 1:
            places = ", ".join(sorted(server.shown for server in servers.values()))
            raise ValueError(f"events of several servers in one wait: {places}")
        (self.server,) = servers.values()
        self.keys = list(dict.fromkeys(event._key for event in self.events))
        self.slot = self.events[0]._slot
        names = " and ".join(repr(event.name) for event in self.events[:2])
        more = ", ..." if len(events) > 2 else ""
        self.what = f"cannot wait for event {names}{more}"
        if len({event._slot for event in self.events}) > 1:
            # Asked for all of them, each node would send us to the next one.
            raise ValueError(f"{self.what} on {self.server.shown}: {DIFFERENT_SLOTS}")

    def which(self, happened: list[bool]) -> list[RedisEvent]:
        """The events whose keys those are."""
        numbers = {key: i for i, key in enumerate(self.keys)}
        return [event for event in self.events if happened[numbers[event._key]]]


def _drive(steps: "Generator[Step, object, None]", waiters: Waiters) -> None:
    """Do what the steps say, until they end."""
    answer: object = None
    outage: Outage | None = None
    handled = exc_info()[1]
    with Session(waiters.server, waiters.slot) as session:
        while True:
            try:  # and nothing else, in which a signal handler might raise StopIteration
                step = steps.throw(outage) if outage else steps.send(answer)
            except StopIteration:
                return
            finally:
                outage = None  # or what it raises and this frame would keep each other
            try:
                answer = _do(step, session, waiters.keys)
            except RedisError as error:  # and not what a signal handler raises
                outage = _outage(bare(error, handled), waiters)


def _do(step: "Step", session: Session, keys: list[bytes]) -> object:
    if isinstance(step, Look):
        return entries_of(session.ask(looks_at(keys), step.seconds), len(keys))
    if isinstance(step, Block):
        return heard(session.block(block_on(keys, step), step.seconds, step.grace), keys)
    sleep(step.seconds)
    return None


def _outage(error: RedisError, waiters: Waiters) -> Outage:
    """What that is for a wait. Raises the builtin exception if it is no outage."""
    known = builtin(error, f"{waiters.what} on {waiters.server.shown}")
    if isinstance(known, (ConnectionError, TimeoutError)):
        known.__cause__ = error
        return Outage(known)
    try:
        raise known from error
    finally:
        del known


def wait_any_of(events: "Sequence[object]", timeout: float | None) -> list[RedisEvent]:
    """wait_any() for events on a server."""
    waiters = Waiters(events)
    seen = Any(len(waiters.keys))
    _drive(waiting(seen, timeout, waiters.server.grace), waiters)
    return waiters.which(seen.result())


def wait_all_of(events: "Sequence[object]", timeout: float | None) -> bool:
    """wait_all() for events on a server."""
    waiters = Waiters(events)
    seen = All()
    _drive(waiting(seen, timeout, waiters.server.grace), waiters)
    return seen.result()
