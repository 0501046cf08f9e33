"""Redis servers for a run: each of one contender, on loopback, and gone when nobody needs it.

And a connection to them without a library: what the protocol costs by itself.
"""

import contextlib
import ctypes
import importlib.util
import itertools
import os
import shutil
import signal
import socket
import subprocess
import time
from errno import EADDRINUSE
from pathlib import Path
from typing import Any, ClassVar

LOOPBACK = "127.0.0.1"
#: Nothing is written to the disk while something is measured.
VOLATILE = "--save", "", "--appendonly", "no"
#: Who reaches it may use it: it listens on loopback, or where nobody else is.
OPEN = "--protected-mode", "no"
#: 1,000 waiters may connect at once, and 1,000 of another contender be there.
ROOM = "--maxclients", "20000", "--tcp-backlog", "4096"
DEADLINE = 10.0
#: Ports: each process begins elsewhere.
_draws = itertools.count(100 * os.getpid())


def no_server() -> str:
    """Why there can be no server here, or nothing."""
    if not shutil.which("redis-server"):
        return "no redis-server"
    if not importlib.util.find_spec("redis"):
        return "redis-py is not installed"
    return ""


class Wire:
    """A connection without a library."""

    def __init__(self, host: str, port: int) -> None:
        self._socket = socket.create_connection((host, port), DEADLINE)
        self._socket.settimeout(None)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._file = self._socket.makefile("rb")

    def ask(self, *words: object) -> Any:
        """The answer to a command."""
        return self.ask_packed(packed(*words))

    def ask_packed(self, command: bytes) -> Any:
        """The same, of a command that is packed already."""
        self._socket.sendall(command)
        return self._answer()

    def _answer(self) -> Any:
        line = self._file.readline()
        if not line.endswith(b"\r\n"):
            raise ConnectionError("the server has ended")
        kind, rest = line[:1], line[1:-2]
        if kind == b"-":
            raise OSError(rest.decode(errors="replace"))
        if kind == b"+":
            return rest
        number = int(rest)
        if kind == b":":
            return number
        if number < 0:
            return None
        if kind == b"*":
            return [self._answer() for _ in range(number)]
        return self._file.read(number + 2)[:-2]

    def close(self) -> None:
        """Close it."""
        self._file.close()
        self._socket.close()


def packed(*words: object) -> bytes:
    """A command as it is sent."""
    parts = [b"*%d\r\n" % len(words)]
    for word in words:
        word = word if isinstance(word, bytes) else str(word).encode()
        parts.append(b"$%d\r\n%b\r\n" % (len(word), word))
    return b"".join(parts)


class Server:
    """A redis-server, shared by all who ask for it by the same name in one folder."""

    _running: ClassVar[dict[tuple[str, Path], "Server"]] = {}

    @classmethod
    def shared(cls, name: str, folder: Path, host: str = LOOPBACK) -> "Server":
        """The server of that name; each caller has to call release()."""
        server = cls._running.get((name, folder)) or cls(name, folder, host)
        server._users += 1
        return server

    def __init__(self, name: str, folder: Path, host: str) -> None:
        self.host, self.port = host, _free_port(host)
        self.url = f"redis://{host}:{self.port}/0"
        self._key = name, folder
        self._users = 0
        words = ["redis-server", "--bind", host, "--port", str(self.port), "--dir", str(folder)]
        with open(folder / f"redis.{self.port}.log", "ab") as log:
            self._process = subprocess.Popen(
                [*words, *VOLATILE, *OPEN, *ROOM],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                preexec_fn=_end_with_parent,
            )
        try:
            self._wire = self._connected(Path(log.name))
        except BaseException:
            self._end()
            raise
        self._running[self._key] = self

    def _connected(self, log: Path) -> Wire:
        end = time.monotonic() + DEADLINE
        while True:
            try:
                wire = Wire(self.host, self.port)
                wire.ask("PING")
                if self._process.poll() is None:
                    return wire
                raise OSError("somebody else answers there")
            except OSError as error:
                if self._process.poll() is not None or time.monotonic() > end:
                    said = log.read_text(errors="replace").strip().splitlines()
                    raise OSError(f"no redis-server: {error}; {''.join(said[-1:])}") from None
            time.sleep(0.001)

    @property
    def pid(self) -> int:
        """The server's process."""
        return self._process.pid

    def ask(self, *words: object) -> Any:
        """The answer to a command, for the captain."""
        return self._wire.ask(*words)

    def info(self, section: str) -> dict[str, str]:
        """What it says about itself."""
        lines = self.ask("INFO", section).decode().splitlines()
        return dict(line.partition(":")[::2] for line in lines if ":" in line)

    def blocked(self) -> int:
        """How many clients wait in a command that blocks."""
        return int(self.info("clients")["blocked_clients"])

    def release(self) -> None:
        """The caller needs it no more; with the last one it ends."""
        self._users -= 1
        if not self._users:
            del self._running[self._key]
            self._wire.close()
            self._end()

    def _end(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        self._process.wait()


def _free_port(host: str) -> int:
    """One that the kernel gives to nobody who does not ask for it: still free a moment later."""
    while True:
        port = 10_000 + next(_draws) % 10_000
        with socket.socket() as one:
            try:
                one.bind((host, port))
            except OSError as error:
                if error.errno != EADDRINUSE:
                    raise
            else:
                return port


def _end_with_parent() -> None:
    os.setpgid(0, 0)  # Ctrl-C: the captain ends it, behind its clients
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
