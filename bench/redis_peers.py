"""Contenders on a Redis server, which is started for them.

Each class knows how many waiters its server has (asleep()): a process may be asleep in the kernel
because it waits for an earlier answer, and setting the event then would be no wake-up.
"""

import os
from typing import Any

from systemevent import SystemEvent

from .peers import Place
from .servers import LOOPBACK, Server, Wire, packed


class OnServer:
    """What has a server; one for each class."""

    host = LOOPBACK

    def __init__(self, place: Place) -> None:
        self.server = Server.shared(type(self).__name__, place.folder, self.host)
        try:
            self._open(place)
        except BaseException:
            self.server.release()
            raise

    def _open(self, place: Place) -> None:
        raise NotImplementedError

    def asleep(self) -> int:
        """How many waiters the server has."""
        return self.server.blocked()

    def close(self) -> None:
        """With the last one of the class, the server ends."""
        self.server.release()


class OnRedis(OnServer):
    """SystemEvent on a server."""

    def _open(self, place: Place) -> None:
        self._event = SystemEvent(place.name, url=self.server.url)
        self.set, self.clear, self.wait = self._event.set, self._event.clear, self._event.wait
        self.wait(0)  # what a first wait imports is here before the fork: not once for each waiter

    def close(self) -> None:
        """Close it."""
        self._event.close()
        super().close()


class PubSub(OnServer):
    """redis-py's channels: no state; who does not listen at that moment misses it."""

    def _open(self, place: Place) -> None:
        from redis import Redis

        self._channel = place.name
        self._client = Redis(self.host, self.server.port)
        self._subscription: Any = None
        with self._client.pubsub() as first:  # for the same reason
            first.subscribe(self._channel)
            first.get_message(timeout=1)

    def join(self, number: int) -> None:
        """Be there before anything is published."""
        self._subscribe()

    def _subscribe(self) -> None:
        self._subscription = self._client.pubsub(ignore_subscribe_messages=True)
        self._subscription.subscribe(self._channel)
        self._subscription.get_message(timeout=None)  # that it is subscribed

    def set(self) -> None:
        """Publish."""
        self._client.publish(self._channel, b"1")

    def clear(self) -> None:
        """Nothing: it has no state."""

    def wait(self) -> None:
        """Get the next message."""
        if self._subscription is None:
            self._subscribe()
        while self._subscription.get_message(timeout=None) is None:
            pass

    def asleep(self) -> int:
        """How many have subscribed."""
        count: int = self.server.ask("PUBSUB", "NUMSUB", self._channel)[1]
        return count

    def close(self) -> None:
        """Close it."""
        self._client.close()
        super().close()


class BareSocket(OnServer):
    """What SystemEvent says to the server, said over a bare socket: a script; a look, and XREAD."""

    def _open(self, place: Place) -> None:
        from systemevent._redis_entries import CHANGE, look_at

        self._key = place.name.encode()
        self._changes = [packed("EVAL", CHANGE, 1, self._key, value) for value in (0, 1)]
        self._look = packed(*look_at(self._key))
        self._wires: dict[int, Wire] = {}  # of this process, and of whom it was forked from

    def _ask(self, command: bytes) -> Any:
        wire = self._wires.get(os.getpid())
        if wire is None:
            wire = self._wires[os.getpid()] = Wire(self.host, self.server.port)
        return wire.ask_packed(command)

    def set(self) -> None:
        """Add an entry."""
        self._ask(self._changes[1])

    def clear(self) -> None:
        """Add the other one."""
        self._ask(self._changes[0])

    def wait(self) -> None:
        """Look, and block."""
        entries = self._ask(self._look)
        last, (_, value) = entries[0] if entries else (b"0-0", (b"s", b"0"))
        if value == b"1":
            return
        self._ask(packed("XREAD", "BLOCK", 0, "STREAMS", self._key, last))

    def close(self) -> None:
        """Close it."""
        for wire in self._wires.values():
            wire.close()
        super().close()
