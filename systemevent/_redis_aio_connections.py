"""A loop's connections to a Redis server, for _redis_aio.py: redis-py's, of asyncio.

Where to connect to is said by _redis_server.Server. A connection belongs to one task at a time; one
left in the middle of an answer is closed. None crosses a fork().
"""

import os
from asyncio import sleep
from contextlib import suppress
from inspect import signature
from sys import exc_info
from time import monotonic
from weakref import WeakSet

from redis import exceptions
from redis.asyncio import connection as of_asyncio

from ._redis_aio_limit import Limit
from ._redis_connection import cut_off
from ._redis_errors import bare, of_cluster
from ._redis_server import LONGEST_IDLE, REDIRECTIONS, Server, home, moves_around, unknown_service
from ._redis_waits import GRACE, LATE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from redis.asyncio.connection import AbstractConnection

    from ._redis_server import Address, Command

#: Who says so sends us to others; a cluster that is down may be a node that was removed from it.
_ELSEWHERE = exceptions.AskError, exceptions.ClusterDownError

_open: "WeakSet[AbstractConnection]" = WeakSet()


class Connections:
    """To a server; of a cluster, to whom has that slot."""

    def __init__(self, server: Server, slot: int | None) -> None:
        self._server = server
        self._slot = slot
        self._idle: list[tuple[float, Address, AbstractConnection]] = []

    async def ask(self, commands: "list[Command]", seconds: float) -> "list[object]":
        """The answers, also those that are errors. Raises redis-py's exceptions."""
        end = monotonic() + seconds
        at: Address | None = None
        is_asking = False
        answers: list[Any] = [None] * len(commands)
        left: Sequence[int] = range(len(commands))  # those that are not answered yet
        down: list[Address] = []
        for more in reversed(range(REDIRECTIONS)):
            idle = [connection for *_, connection in self._idle]
            address, connection = await self._take(max(end - monotonic(), 0.001), at)
            asked = [commands[i] for i in left]
            try:
                new = await _exchange(connection, asked, end - monotonic(), is_asking)
            except exceptions.TimeoutError:
                self._server.failed(address)
                raise
            except exceptions.ConnectionError:
                if connection not in idle:
                    self._server.failed(address)
                    raise
                await self.close()  # those that are idle are closed, too, probably
                continue  # a question may be asked again
            await self._keep(address, connection)
            for i, answer in zip(left, new, strict=True):
                answers[i] = answer
            # Of a slot that moves, neither node knows all events: what one does know is not asked
            # again of the other, for whom it was never set.
            left = [i for i in left if isinstance(answers[i], _ELSEWHERE)]
            if not left:
                return answers
            if any(isinstance(answers[i], exceptions.ClusterDownError) for i in left):
                self._server.failed(address)
                if self._slot is None or address in down or not more:
                    return answers
                down.append(address)
                at, is_asking = None, False
                continue
            moved = [answers[i] for i in left if isinstance(answers[i], exceptions.MovedError)]
            at, is_asking = self._redirected(address, (moved or [answers[left[0]]])[0])
        raise moves_around()

    async def block(self, command: "Command", seconds: float) -> object:
        """The answer to a command that blocks for so many seconds."""
        at: Address | None = None
        is_asking = False
        for _ in range(REDIRECTIONS):
            address, connection = await self._take(self._server.answer, at)
            try:
                limit = seconds + self._server.answer
                (answer,) = await _exchange(connection, [command], limit, is_asking)
            except exceptions.TimeoutError:
                self._server.failed(address)
                raise
            await self._keep(address, connection)
            if isinstance(answer, exceptions.ClusterDownError):
                self._server.failed(address)  # whoever looks then asks others
            if not isinstance(answer, exceptions.AskError):
                return answer
            at, is_asking = self._redirected(address, answer)
        raise moves_around()

    def _redirected(self, address: "Address", error: exceptions.AskError) -> "tuple[Address, bool]":
        return self._server.redirected(self._slot, error, str(dict(address).get("host")))

    async def _keep(self, address: "Address", connection: "AbstractConnection") -> None:
        """Keep it for later questions; and no longer those that were not needed for long."""
        now = monotonic()
        self._idle.append((now, address, connection))
        while self._idle and now - self._idle[0][0] > LONGEST_IDLE:
            *_, oldest = self._idle.pop(0)
            await _close(oldest)

    async def close(self) -> None:
        """Close those that are idle."""
        idle, self._idle = self._idle, []
        for *_, connection in idle:
            await _close(connection)
        await sleep(0)  # in which the loop closes the sockets

    async def _take(
        self, seconds: float, at: "Address | None" = None
    ) -> "tuple[Address, AbstractConnection]":
        """A connection to whom has the events, or to that address; as Server.take()."""
        end = monotonic() + seconds
        handled = exc_info()[1]
        addresses = [at] if at else await self._addresses(seconds)
        for i, address in enumerate(addresses):
            while idle := [each for each in self._idle if each[1] == address]:
                since, _, connection = each = idle[-1]
                self._idle.remove(each)
                if monotonic() - since < LONGEST_IDLE:
                    return address, connection
                await _close(connection)
            # One that hangs leaves time for the others.
            share = max((end - monotonic()) / (len(addresses) - i), 0.001)
            try:
                connection = await _connected(self._server, self._server.arguments(address, share))
                if len(addresses) > 1:
                    await _exchange(connection, [("PING",)], share)
                return address, connection
            except (exceptions.AuthenticationError, exceptions.ResponseError):
                raise
            except (exceptions.ConnectionError, exceptions.TimeoutError) as error:
                bare(error, handled)
                self._server.failed(address)
                if i == len(addresses) - 1:
                    raise
        raise AssertionError("there is always somebody to ask")

    async def _addresses(self, seconds: float) -> "list[Address]":
        if self._server.kind != "sentinel":
            return self._server.candidates(self._slot)
        failure: Exception = unknown_service()
        handled = exc_info()[1]
        for seed, arguments, question in self._server.sentinels(seconds):
            try:
                connection = await _connected(self._server, arguments)
                limit = float(arguments["socket_timeout"])  # type: ignore[arg-type]
                (found,) = await _exchange(connection, [question], limit)
            except (exceptions.ConnectionError, exceptions.TimeoutError) as error:
                failure = bare(error, handled)
                self._server.failed(seed)
                continue
            await _close(connection)
            if isinstance(found, Exception):
                raise found
            if isinstance(found, list):
                return [home(found[0].decode(), int(found[1]))]
        raise failure


async def _connected(server: Server, arguments: "dict[str, Any]") -> "AbstractConnection":
    """A new connection, as long as one may take; and once more if the loop was busy meanwhile."""
    end = monotonic() + max(arguments["socket_timeout"], arguments["socket_connect_timeout"])
    try:
        return await _made(server, arguments)
    except exceptions.TimeoutError:
        late = min(max(monotonic() - end, LATE), GRACE)
        limits = {"socket_timeout": late, "socket_connect_timeout": late}
        return await _made(server, arguments | limits)


async def _made(server: Server, arguments: "dict[str, Any]") -> "AbstractConnection":
    kind = getattr(of_asyncio, server.connection_class.__name__)
    if arguments.get("ssl_password") == "" and "ssl_password" not in signature(kind).parameters:
        # Nobody gave it, and redis-py before 7.2 does not know it in asyncio.
        arguments = {name: arguments[name] for name in arguments if name != "ssl_password"}
    try:
        connection = kind(**arguments)
    except TypeError as error:
        option = str(error).rpartition("'")[0].rpartition("'")[2]
        message = f"redis-py has no option {option!r} in asyncio: {server.shown}"
        raise ValueError(message) from None
    _open.add(connection)
    try:
        await connection.connect()
    except BaseException as error:
        await _close(connection)
        _end_if_dropped(error)
        raise
    return connection


async def _exchange(
    connection: "AbstractConnection",
    commands: "Sequence[Command]",
    seconds: float,
    is_asking: bool = False,
) -> "list[object]":
    """The answers; a connection that was left in the middle of them is closed.

    is_asking: of a node that gets the slot, and answers for it only if told so.
    """
    if is_asking:  # which holds for one command
        commands = [one for each in commands for one in (("ASKING",), each)]
    answers: list[object] = []
    transport = _transport_of(connection)
    # redis-py's would take an answer for late that has come while the loop was busy.
    connection.socket_timeout = None
    limit = Limit(seconds, transport.abort)
    try:
        await connection.send_packed_command(connection.pack_commands(commands), check_health=False)
        for _ in commands:
            try:
                answers.append(await connection.read_response())
            except exceptions.ResponseError as error:
                answers.append(of_cluster(error).with_traceback(None))
    except BaseException as error:
        await _close(connection, transport)
        _end_if_dropped(error)
        if limit.is_over and isinstance(error, exceptions.ConnectionError):
            raise exceptions.TimeoutError("no answer") from None
        raise
    finally:
        limit.cancel()
    if is_asking:
        pairs = zip(answers[::2], answers[1::2], strict=True)
        answers = [one if isinstance(one, exceptions.ResponseError) else two for one, two in pairs]
    return answers


async def _close(connection: "AbstractConnection", transport: "Any" = None) -> None:
    """Close it at once: without a farewell of TLS, for which a server may let one wait.

    transport: the connection's, which it forgets when it closes itself.
    """
    with suppress(RuntimeError):  # the loop is closed
        if transport := transport or _transport_of(connection):
            transport.abort()
        await connection.disconnect(nowait=True)


def _end_if_dropped(error: BaseException | None) -> None:
    """End a task that is collected with its loop: redis-py has found out that there is none."""
    while error:
        if isinstance(error, GeneratorExit):
            raise error
        error = error.__context__


def _transport_of(connection: "AbstractConnection") -> "Any":
    writer = getattr(connection, "_writer", None)
    return writer and writer.transport


def _reset() -> None:
    """In a forked child: the connections are the parent's."""
    for connection in list(_open):
        if transport := _transport_of(connection):
            with suppress(OSError):
                one = transport.get_extra_info("socket")
                if one is not None:
                    cut_off(one)
    _open.clear()


os.register_at_fork(after_in_child=_reset)
