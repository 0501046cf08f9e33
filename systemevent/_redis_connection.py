"""A connection to a Redis server: how it is made, asked, and kept from a forked child."""

import os
from contextlib import suppress
from errno import ECONNABORTED
from functools import cache
from inspect import signature
from select import POLLIN, poll
from socket import SO_LINGER, SOL_SOCKET
from struct import pack
from threading import get_ident
from time import monotonic
from weakref import WeakSet

from redis import exceptions
from redis.connection import AbstractConnection, Connection

from ._redis_errors import of_cluster
from ._redis_waits import GRACE, LATE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from socket import socket
    from typing import Any

#: The library's name is not told to the server: two questions less.
ANONYMOUS: dict[str, None] = (
    {"driver_info": None}
    if "driver_info" in signature(AbstractConnection.__init__).parameters
    else {"lib_name": None, "lib_version": None}
)

#: Seconds in which the rest of an answer mostly comes that has begun to.
_PIECE = 0.001

_connections: "WeakSet[Connection]" = WeakSet()
#: On which connections does which thread sleep? On several, if a signal handler makes calls.
_asleep: "dict[int, tuple[Connection, ...]]" = {}


@cache
def _own_class(base: "Any") -> "Any":
    """A class of connections that none is shared with a child forked while it is being made.

    A signal handler may fork: with what the child would send, the parent got answers that it has
    not asked for.
    """

    class Own(base):  # type: ignore[misc]
        def _connect(self) -> "socket":
            connected: socket = super()._connect()
            if os.getpid() != self.pid:
                connected.close()
                raise ConnectionAbortedError(ECONNABORTED, "forked while connecting")
            return connected

    return Own


def new(base: "Any", arguments: dict[str, object]) -> Connection:
    """A connection of that class of redis-py, not yet made. Raises TypeError for an argument."""
    connection = _own_class(base)(**arguments)
    _connections.add(connection)
    return connection


def ping(connection: Connection, seconds: float) -> None:
    """Does somebody answer there, who can? Raises ConnectionError or TimeoutError if not."""
    try:
        send(connection, b"PING\r\n", seconds)
        answer_of(connection, seconds)
    except BaseException:
        connection.disconnect()
        raise


def is_silent(connection: Connection) -> bool:
    """Is there nothing to read? (Then can_read(0) would raise and catch: slow, in cold caches.)"""
    if connection._sock and not _sleep(connection, 0):
        return True
    return not connection.can_read(0)


def _sleep(connection: Connection, seconds: float) -> object:
    """Until there may be something to read; nothing if there is not.

    Not inside redis-py, which takes a TimeoutError that a signal handler raises for its own.
    """
    sleeper = poll()
    me = get_ident()
    outer = _asleep.get(me, ())
    # Before its number is taken: in a child that is forked from here on, that stays a descriptor.
    _asleep[me] = (*outer, connection)
    try:
        sleeper.register(_descriptor_of(connection), POLLIN)
        return sleeper.poll(seconds * 1000)
    finally:
        if outer:
            _asleep[me] = outer
        else:
            _asleep.pop(me, None)


def _descriptor_of(connection: Connection) -> int:
    descriptor = connection._sock.fileno() if connection._sock else -1
    if descriptor < 0:  # this is a child that a signal handler has forked meanwhile
        raise exceptions.ConnectionError("closed by a fork")
    return int(descriptor)


def read_in_pieces(connection: Connection) -> None:
    """Reads end when there is no more for now; how long an answer may take is for answer_of()."""
    _descriptor_of(connection)
    connection.socket_timeout = _PIECE
    connection._parser.on_connect(connection)  # which has a copy


def send(connection: Connection, data: bytes, seconds: float) -> None:
    """Send it all within so many seconds."""
    _descriptor_of(connection)
    connection._sock.settimeout(max(seconds, _PIECE))
    connection.send_packed_command([data])
    connection._sock.settimeout(_PIECE)  # for reading; hiredis leaves it as it is


def answer_of(connection: Connection, seconds: float) -> object:
    """The next answer, also one that is an error of the command.

    Raises TimeoutError if there is none within so many seconds. Who oversleeps them has been on a
    machine that stood still (a paused container), perhaps together with the server: then that gets
    as much time more.
    """
    end = monotonic() + seconds
    is_there = connection.can_read(0)
    while True:
        if is_there:
            try:
                return connection.read_response(disconnect_on_error=False)
            except exceptions.ResponseError as error:
                return of_cluster(error).with_traceback(None)
            except exceptions.TimeoutError:  # the rest is to come; what is there, is kept
                pass
        left = end - monotonic()
        if left <= 0:
            raise exceptions.TimeoutError("no answer")
        is_there = bool(_sleep(connection, left))
        late = monotonic() - end
        if late > LATE:
            end += late + min(late, GRACE)


def reset(connection: Connection) -> None:
    """Close it without a farewell, after which its port would be in use for a minute (TIME_WAIT).

    There are some 28,000 of them; a loop of short waits would use them up.
    """
    if connection._sock:
        with suppress(OSError):  # in a child that was forked meanwhile it is no socket any more
            connection._sock.setsockopt(SOL_SOCKET, SO_LINGER, pack("ii", 1, 0))
        connection._sock.close()
    connection.disconnect()


def cut_off(one: "socket") -> bool:
    """In a forked child: the connection is the parent's; what is read from it here is nothing.

    Were it closed, its number would be used for another file, on which a poll() that a signal
    handler has interrupted would sleep, or which a loop of the parent would close once more.

    False if nothing was done, as no descriptor is free.
    """
    with suppress(OSError):
        if one.fileno() >= 0:
            with open(os.devnull) as nothing:
                os.dup2(nothing.fileno(), one.fileno(), inheritable=False)
        return True
    return False


def _cut_off_all() -> None:
    """In a forked child: the connections are the parent's.

    Who goes on with one in the child is a call that a signal handler has interrupted.
    """
    interrupted = {id(connection) for connection in _asleep.get(get_ident(), ())}
    for connection in list(_connections):
        if connection._sock and not (id(connection) in interrupted and cut_off(connection._sock)):
            connection._sock.close()
    _connections.clear()
    _asleep.clear()


os.register_at_fork(after_in_child=_cut_off_all)
