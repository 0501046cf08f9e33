"""A network that tests can break: a TCP proxy on loopback, in threads of this process."""

import contextlib
import socket
import threading
import time

from processes import DEADLINE
from redis_server import free_port


class Proxy:
    """Leads from a port of its own to `port`; a context manager, which leaves no thread or socket.

    Sockets are shut down and never just closed: forked workers have inherited them. The port is
    none that the kernel gives away: nobody else gets it while connections are refused.
    """

    def __init__(self, port):
        self._target = port
        self._passes = threading.Event()
        self._passes.set()
        #: Seconds by which each piece is delayed, in each direction.
        self.delay = 0
        #: The most bytes in a piece.
        self.piece = 65536
        #: It holds as soon as it has taken a piece with that in it.
        self.hold_at = None
        #: How many it has taken.
        self.connections = 0
        self._held = []
        self._sockets = set()
        self._threads = []
        self._listener = None
        self.port = free_port()

    def url(self, options=""):
        """Of the Redis server behind it."""
        return f"redis://127.0.0.1:{self.port}/0{options}"

    def accept(self):
        """Take connections (again), on the same port."""
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", self.port))
        listener.listen(1000)
        self._listener = listener
        self._start(self._accept, listener)

    def _start(self, function, *args):
        thread = threading.Thread(target=function, args=args, daemon=True)
        self._threads.append(thread)
        thread.start()

    def refuse(self):
        """Refuse connections from now on; those that there are go on."""
        self._listener.shutdown(socket.SHUT_RDWR)

    def cut(self):
        """Close all connections, on both sides."""
        for one in list(self._sockets):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            self._sockets.discard(one)

    def hold(self):
        """A black hole: all connections stay, new ones are taken, and nothing gets through."""
        self._passes.clear()

    def release(self):
        """Nothing is lost that has been held, as in a network that is mended."""
        self._passes.set()

    def forget(self):
        """What is held stays so, until the result is set(); connections from now on get through."""
        held, self._passes = self._passes, threading.Event()
        self._held.append(held)
        self._passes.set()
        return held

    def _accept(self, listener):
        while True:
            try:
                near, _ = listener.accept()
                far = socket.create_connection(("127.0.0.1", self._target))
            except ConnectionRefusedError:
                near.close()
                continue
            except OSError:
                listener.close()
                return
            for one in (near, far):
                one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._sockets |= {near, far}
            for pair in ((near, far), (far, near)):
                self._start(self._pass, *pair, self._passes)
            self.connections += 1

    def _pass(self, source, sink, passes):
        with contextlib.suppress(OSError):
            while data := source.recv(self.piece):
                time.sleep(self.delay)
                if self.hold_at and self.hold_at in data:
                    self.hold()
                passes.wait()
                sink.sendall(data)
        passes.wait()  # nor does the end of a connection get through
        with contextlib.suppress(OSError):
            sink.shutdown(socket.SHUT_RDWR)
        source.close()

    def __enter__(self):
        self.accept()
        return self

    def __exit__(self, *exception):
        self.refuse()
        for each in (*self._held, self._passes):
            each.set()
        for thread in self._threads:  # each that takes connections has begun before those it starts
            self.cut()
            thread.join(DEADLINE)
