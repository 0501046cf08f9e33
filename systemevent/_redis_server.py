"""The server of a URL, and the connections to it.

A connection belongs to one call at a time. One left in the middle of an answer (a deadline,
Ctrl-C) is closed, the others are kept for later calls. There is no lock, so a signal handler may
make any call while it interrupts another; and none crosses a fork().
"""

import os
from collections import deque
from contextlib import suppress
from sys import exc_info
from time import monotonic
from weakref import WeakValueDictionary, finalize

from redis import exceptions
from redis.connection import Connection

from ._redis_connection import ANONYMOUS, answer_of, is_silent, new, ping, read_in_pieces, send
from ._redis_entries import packed
from ._redis_errors import bare
from ._redis_url import Place

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any, TypeAlias

    #: Keyword arguments of a connection that say whereto.
    Address: TypeAlias = "tuple[tuple[str, object], ...]"
    Command: TypeAlias = "Sequence[object]"

#: Seconds that a connection and an answer may take, unless the URL says otherwise.
ANSWER = 5.0
#: Seconds after which a connection that nobody has used is not used again.
LONGEST_IDLE = 30.0
#: How often a call follows a cluster's word that an event lives elsewhere.
REDIRECTIONS = 5

_WHERE = ("host", "port", "path")


class Server:
    """What a URL leads to."""

    _known: "WeakValueDictionary[str, Server]" = WeakValueDictionary()

    @classmethod
    def at(cls, url: str) -> "Server":
        """The server of the URL, one object in a process. Raises ValueError for a wrong URL."""
        server = cls._known.get(url)
        if server is None:
            server = cls._known[url] = cls(url)
        return server

    def __init__(self, url: str) -> None:
        place = Place(url)
        self.url = url
        self.shown = place.shown
        self.kind = place.kind
        self._service = place.service
        arguments = dict(place.hosts[0])
        self.connection_class: Any = arguments.pop("connection_class", Connection)
        self._sentinel_login = {
            name: arguments.pop(f"sentinel_{name}", None) for name in ("username", "password")
        }
        self._seeds = [_address(host) for host in place.hosts]
        for name in _WHERE:
            arguments.pop(name, None)
        self.answer = float(arguments.pop("socket_timeout", None) or ANSWER)  # type: ignore[arg-type]
        connect = arguments.pop("socket_connect_timeout", None) or self.answer
        self._connect = float(connect)  # type: ignore[arg-type]
        #: Seconds that one at the deadline of a wait may take; None: as usual.
        self.grace: Any = arguments.pop("grace", None)
        #: Answers are read as bytes, in one shape; nothing is ever sent twice.
        self._arguments = arguments | {
            "decode_responses": False,
            "protocol": 2,
            **ANONYMOUS,
        }
        try:
            self._new(self._seeds[0], 1.0)
        except TypeError as error:
            option = str(error).rpartition("'")[0].rpartition("'")[2]
            raise ValueError(f"this version of redis-py has no option {option!r}") from None
        self._idle: dict[Address, deque[tuple[float, Connection]]] = {}
        # Not __del__(): if the collector finds the server, it might find the sockets before.
        finalize(self, _close_all, self._idle)
        self._homes: dict[int, Address] = {}

    def arguments(self, address: "Address", seconds: float) -> dict[str, object]:
        """Of a connection that may take so long to be made, and to answer while it is made."""
        return {
            **self._arguments,
            **dict(address),
            "socket_timeout": min(self.answer, seconds),
            "socket_connect_timeout": min(self._connect, seconds),
        }

    def _new(self, address: "Address", seconds: float) -> Connection:
        return new(self.connection_class, self.arguments(address, seconds))

    def take(self, slot: int | None, seconds: float) -> "tuple[Address, Connection]":
        """A connection to whom knows the events of the slot, for one call; and its address."""
        end = monotonic() + seconds
        handled = exc_info()[1]
        known = None if slot is None else self._homes.get(slot)
        addresses = self.addresses(slot, seconds)
        for i, address in enumerate(addresses):
            # One that hangs leaves time for the others.
            share = max((end - monotonic()) / (len(addresses) - i), 0.001)
            try:
                connection = self.take_at(address, share)
                if len(addresses) > 1 and address != known:
                    ping(connection, share)
                return address, connection
            except (exceptions.AuthenticationError, exceptions.ResponseError):
                raise
            except (exceptions.ConnectionError, exceptions.TimeoutError) as error:
                bare(error, handled)
                self.failed(address)
                if i == len(addresses) - 1:
                    raise
        raise AssertionError("there is always somebody to ask")

    def take_at(self, address: "Address", seconds: float) -> Connection:
        """A connection to that address, for one call."""
        idle = self._idle.setdefault(address, deque())
        while True:
            try:
                since, connection = idle.pop()
            except IndexError:
                break
            with suppress(exceptions.RedisError):
                # Neither an answer to nobody nor the end. (That a router has forgotten an idle
                # connection would be seen only by a call that fails.)
                if monotonic() - since < LONGEST_IDLE and is_silent(connection):
                    return connection
            connection.disconnect()
        connection = self._new(address, seconds)
        try:
            connection.connect()
            read_in_pieces(connection)
        except BaseException:
            connection.disconnect()
            raise
        return connection

    def give_back(self, address: "Address", connection: Connection) -> None:
        """Keep it for later calls: all that was asked is answered."""
        self._idle.setdefault(address, deque()).append((monotonic(), connection))

    def lives(self, slot: int | None, home: "Address") -> None:
        """The events of that slot live there."""
        if slot is not None:
            self._homes[slot] = home

    def failed(self, address: "Address") -> None:
        """It does not answer: ask others first."""
        for slot, known in list(self._homes.items()):
            if known == address:
                self._homes.pop(slot, None)
        if address in self._seeds:
            self._seeds = [*(seed for seed in self._seeds if seed != address), address]

    def redirected(
        self, slot: int | None, error: exceptions.AskError, host: str
    ) -> "tuple[Address, bool]":
        """Where `host`, of a cluster, says that the slot is; and whether only now (ASKING)."""
        new = home(error.host or host, error.port)
        is_asking = not isinstance(error, exceptions.MovedError)
        if not is_asking:
            self.lives(slot, new)
        return new, is_asking

    def candidates(self, slot: int | None) -> "list[Address]":
        """Whom to ask for the events of the slot, where there are no Sentinels."""
        known = None if slot is None else self._homes.get(slot)
        others = [each for each in self._seeds if each != known]
        return [known, *others] if known else others

    def sentinels(self, seconds: float) -> "Iterator[tuple[Address, dict[str, object], Command]]":
        """Each Sentinel, how to connect to it, and the question for it: who is the master?"""
        end = monotonic() + seconds
        for i, seed in enumerate(seeds := self._seeds):
            # One that hangs leaves time for the others, and for the master.
            share = max((end - monotonic()) / (len(seeds) - i + 1), 0.001)
            arguments = self.arguments(seed, share)
            arguments |= {"username": None, "db": 0, **self._sentinel_login}
            yield seed, arguments, ("SENTINEL", "GET-MASTER-ADDR-BY-NAME", self._service)

    def addresses(self, slot: int | None, seconds: float) -> "list[Address]":
        """Whom to ask for the events of the slot; None: for any. Raises redis-py's exceptions."""
        return [self._master(seconds)] if self.kind == "sentinel" else self.candidates(slot)

    def _master(self, seconds: float) -> "Address":
        """Where the Sentinels say that the master is."""
        failure: Exception = unknown_service()
        handled = exc_info()[1]
        for seed, arguments, question in self.sentinels(seconds):
            connection = new(self.connection_class, arguments)
            try:
                limit = connection.socket_timeout
                connection.connect()
                read_in_pieces(connection)
                send(connection, packed([question]), limit)
                found = answer_of(connection, limit)
            except (exceptions.ConnectionError, exceptions.TimeoutError) as error:
                failure = bare(error, handled)
                self.failed(seed)
                continue
            finally:
                connection.disconnect()
            if isinstance(found, Exception):
                raise found
            if isinstance(found, list):
                return home(found[0].decode(), int(found[1]))
        raise failure


def _close_all(idle: "dict[Address, deque[tuple[float, Connection]]]") -> None:
    """Nobody needs the server any more: what it keeps is closed."""
    for connections in list(idle.values()):
        with suppress(IndexError):  # at exit, threads that are daemons go on
            while True:
                connections.pop()[1].disconnect()


def unknown_service() -> exceptions.RedisError:
    """What is wrong if all Sentinels have answered."""
    return exceptions.ConnectionError("no Sentinel knows the service")


def moves_around() -> exceptions.RedisError:
    """What is wrong after REDIRECTIONS."""
    return exceptions.TryAgainError("TRYAGAIN the event moves around in the cluster")


def home(host: str, port: int) -> "Address":
    """The address of a host that a server has named."""
    return (("host", host), ("port", port))


def _address(arguments: dict[str, object]) -> "Address":
    return tuple((name, arguments[name]) for name in _WHERE if name in arguments)


def _forget() -> None:
    """In a forked child: the connections are the parent's."""
    for server in list(Server._known.values()):
        server._idle.clear()


os.register_at_fork(after_in_child=_forget)
