"""However a server answers, a call takes no longer than the URL says, and a wait little longer."""

import asyncio
import contextlib
import socket
import threading
import time

import pytest
from redis_server import hurried

from systemevent import SystemEvent, wait_all

pytestmark = [pytest.mark.one_mode, pytest.mark.one_python]


class Dripping:
    """A server that answers one question, and of all later answers a byte now and then."""

    def __init__(self):
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._end = threading.Event()
        self._threads = [threading.Thread(target=self._accept)]
        self._answers = iter([b"*0\r\n"])
        self.url = f"redis://127.0.0.1:{self._listener.getsockname()[1]}?socket_timeout=60"

    def _accept(self):
        with contextlib.suppress(OSError):  # at the end
            while True:
                connection, _ = self._listener.accept()
                self._threads.append(threading.Thread(target=self._serve, args=(connection,)))
                self._threads[-1].start()

    def _serve(self, connection):
        with contextlib.suppress(OSError), connection:
            while connection.recv(1000):
                if answer := next(self._answers, b""):
                    connection.sendall(answer)
                    continue
                connection.sendall(b"*")
                for _ in range(300):  # a minute: longer than any of the calls may take
                    if self._end.wait(0.2):
                        break
                    connection.sendall(b"0")

    def __enter__(self):
        self._threads[0].start()
        return self

    def __exit__(self, *exception):
        self._end.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()
        self._listener.close()


CALLS = {
    "set": lambda event: event.set(),
    "is_set": lambda event: event.is_set(),
    "wait": lambda event: event.wait(0),
    "wait_all": lambda event: wait_all([event], 0),
    "wait_async": lambda event: asyncio.run(event.wait_async(0)),
}


@pytest.mark.parametrize("call", CALLS)
def test_an_answer_in_pieces(name, call):
    """That its pieces come in time is not enough."""
    with Dripping() as server:
        event = hurried(SystemEvent(name, url=server.url), 1.0)
        start = time.monotonic()
        with pytest.raises(TimeoutError, match="no answer in time"):
            CALLS[call](event)
        assert time.monotonic() - start < 30
        event._server._idle.clear()
