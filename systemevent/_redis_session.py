"""The connection of a call for events on a server, from its first question to its last answer."""

from time import monotonic

from redis import exceptions

from ._redis_connection import answer_of, reset, send
from ._redis_entries import packed
from ._redis_server import REDIRECTIONS, home, moves_around

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from redis.connection import Connection

    from ._redis_server import Address, Command, Server


class Session:
    """A call's connection: taken when it is needed, kept from question to question.

    slot: of a cluster, in which the call's events are; None: any server will do.
    address: ask that server, and no other.
    """

    def __init__(
        self, server: "Server", slot: int | None = None, address: "Address | None" = None
    ) -> None:
        self._server = server
        self._slot = slot
        self._fixed = address
        self._taken: tuple[Address, Connection] | None = None
        #: Is what is taken a node that gets the slot, and answers for it only if told so?
        self._is_asking = False

    def __enter__(self) -> "Session":
        return self

    def __exit__(self, *exception: object) -> None:
        taken, self._taken = self._taken, None  # once, also if Ctrl-C comes in between
        if taken:
            self._server.give_back(*taken)

    def _take(self, seconds: float) -> "tuple[Address, Connection]":
        if self._taken:
            taken, self._taken = self._taken, None
            return taken
        self._is_asking = False
        if self._fixed:
            return self._fixed, self._server.take_at(self._fixed, seconds)
        return self._server.take(self._slot, seconds)

    @property
    def host(self) -> str:
        """Who has answered last."""
        assert self._taken
        return str(dict(self._taken[0]).get("host"))

    def ask(
        self,
        commands: "Sequence[Command]",
        seconds: float | None = None,
        is_tolerant: bool = False,
    ) -> "list[Any]":
        """The answers to the commands.

        is_tolerant: errors are answers, too.

        Raises redis-py's exceptions: what the server answers to the first that it refuses, and
        TimeoutError if it does not answer within so many seconds (None: as the server says).
        """
        limit = self._server.answer if seconds is None else min(seconds, self._server.answer)
        end = monotonic() + limit
        down: list[Address] = []
        for more in reversed(range(REDIRECTIONS)):
            address, connection = self._take(max(end - monotonic(), 0.001))
            try:
                answers = self._exchange(connection, commands, end)
            except (exceptions.ConnectionError, exceptions.TimeoutError):
                connection.disconnect()
                self._server.failed(address)
                raise
            except BaseException:
                connection.disconnect()
                raise
            self._taken = address, connection
            errors = [each for each in answers if isinstance(each, exceptions.ResponseError)]
            if not errors and not self._is_asking:
                self._server.lives(self._slot, address)
            if not errors or is_tolerant:
                return answers
            error = errors[0]
            if isinstance(error, exceptions.ClusterDownError):
                self.leave()
                if self._slot is None or address in down or not more:
                    raise error
                down.append(address)
                continue
            if not isinstance(error, exceptions.AskError):  # MovedError is one
                raise error
            new, is_asking = self._server.redirected(self._slot, error, self.host)
            self.__exit__()
            self._is_asking = is_asking
            try:
                self._taken = new, self._server.take_at(new, max(end - monotonic(), 0.001))
            except (exceptions.ConnectionError, exceptions.TimeoutError):
                self._server.failed(new)
                raise
        raise moves_around()

    def _exchange(
        self, connection: "Connection", commands: "Sequence[Command]", end: float
    ) -> list[object]:
        # ASKING holds for one command, or from MULTI to EXEC.
        first = [("ASKING",)] if self._is_asking else []
        send(connection, packed([*first, *commands]), end - monotonic())
        answers = [answer_of(connection, end - monotonic()) for _ in [*first, *commands]]
        for refused in answers[: len(first)]:
            if isinstance(refused, exceptions.ResponseError):
                raise refused
        return answers[len(first) :]

    def block(self, command: "Command", seconds: float, grace: float) -> object:
        """The answer to a command that blocks for so many seconds.

        grace: 0: None if there was none then; else the server has so many seconds more to say so.
        """
        address, connection = self._take(self._server.answer)
        end = monotonic() + seconds + min(grace, self._server.answer)
        try:
            (answer,) = self._exchange(connection, [command], end)
        except exceptions.TimeoutError:
            if grace == 0:
                reset(connection)  # an answer that nobody waits for may be on its way
                return None
            connection.disconnect()
            self._server.failed(address)
            raise
        except BaseException:
            connection.disconnect()
            raise
        self._taken = address, connection
        if isinstance(answer, exceptions.ClusterDownError):
            self.leave()
        if isinstance(answer, exceptions.ResponseError):
            raise answer
        return answer

    def leave(self) -> None:
        """Ask others first: who has answered may be a node that is no longer of the cluster."""
        if self._taken:
            self._server.failed(self._taken[0])
        self.__exit__()


def masters(server: "Server") -> "list[Address]":
    """All servers that hold events."""
    if server.kind != "cluster":
        return server.addresses(None, server.answer)[:1]
    for _ in server.candidates(None):
        with Session(server) as session:
            try:
                (slots,) = session.ask([("CLUSTER", "SLOTS")])
            except exceptions.ResponseError as error:
                if "cluster support disabled" in str(error):  # one server, which has all
                    return server.candidates(None)[:1]
                raise
            here = session.host
            if not slots:
                session.leave()
                continue
        nodes = {((node[0] or b"").decode() or here, node[1]) for _, _, node, *_ in slots}
        return [home(*node) for node in sorted(nodes)]
    raise exceptions.ClusterDownError("CLUSTERDOWN nobody has any slot")
