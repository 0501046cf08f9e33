"""Real Redis servers for tests: on loopback, in a folder of their own, and gone at the end."""

import contextlib
import ctypes
import functools
import itertools
import os
import shutil
import signal
import socket
import subprocess
import tempfile
from pathlib import Path

import redis
from processes import DEADLINE, until, until_stopped
from redis.backoff import ConstantBackoff
from redis.retry import Retry

#: No answers from an earlier server are on disk, and nothing is written behind a test's back.
VOLATILE = "--save", "", "--appendonly", "no"
#: For who is not about slow answers: the tests may have the machine do far too much.
PATIENT = "?grace=60&socket_timeout=60"


#: The server's program: another version's, or another kind's, such as Valkey's.
PROGRAM = os.environ.get("REDIS_SERVER", "redis-server")


def no_server():
    """Why there can be no server here; None if there can."""
    if not shutil.which(PROGRAM):
        return "needs redis-server (Debian's package of that name)"
    return None


_SHARE = 1000
#: Ports that the kernel gives to nobody who does not ask for one of them; each test process draws
#: from its own share, so what is free when it is drawn is so when a server takes it.
_FIRST = 20_000 + _SHARE * (int(os.environ.get("PYTEST_XDIST_WORKER", "gw0")[2:]) % 12)
_draws = itertools.count(os.getpid())


def free_port():
    """A port of loopback that nobody listens on, and nobody will who was not told it."""
    while True:
        port = _FIRST + next(_draws) % _SHARE
        with socket.socket() as one, contextlib.suppress(OSError):
            one.bind(("127.0.0.1", port))
            return port


def die_with_parent():
    """Between fork and exec: nobody outlives the tests, also if they are killed."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


class Server:
    """A redis-server, or what is called like it, with these options; a context manager.

    It listens on 127.0.0.1, and keeps port and folder when it is restarted.

    configuration: the text of its configuration file, if it needs one.
    patience: behind the URL: how long clients wait for answers, if not as usual.
    """

    def __init__(self, *options, program=PROGRAM, host="127.0.0.1", patience=""):
        self.options = [str(option) for option in options]
        self.host = host
        self.port = free_port()
        self.process = None
        self.configuration = ""
        self._program = program
        self._patience = patience

    @functools.cached_property
    def folder(self):
        """Its own, made when it is needed: who is never started leaves none."""
        return Path(tempfile.mkdtemp(prefix="SystemEvent.redis."))

    @property
    def shown(self):
        """The URL as messages show it."""
        return f"redis://{self.host}:{self.port}/0"

    @property
    def url(self):
        return f"{self.shown}{self._patience}"

    def start(self):
        """Start it, and return when it answers."""
        self.launch()
        until(self._answers, f"redis-server answers: {self.folder}/log")

    def restart(self):
        """Kill it as kill -9 does, and start it again on what is on disk."""
        self.kill()
        self.start()

    def launch(self):
        """Start it, and do not wait for it."""
        port = [] if "--port" in self.options else ["--port", str(self.port)]
        file = []
        if self.configuration:
            file = [str(self.folder / "configuration")]
            (self.folder / "configuration").write_text(self.configuration)
        words = [self._program, *file, *port, "--bind", self.host, "--dir", str(self.folder)]
        with open(self.folder / "log", "ab") as log:
            self.process = subprocess.Popen(
                [*words, *self.options],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                preexec_fn=die_with_parent,
            )

    def _answers(self):
        if self.process.poll() is not None:
            raise AssertionError((self.folder / "log").read_text())
        try:
            with socket.create_connection((self.host, self.port), DEADLINE) as one:
                one.settimeout(DEADLINE)
                one.sendall(b"PING\r\n")
                answer = one.recv(100)
        except ConnectionError:
            return False
        return answer.startswith((b"+PONG", b"-NOAUTH", b"-DENIED"))

    def kill(self):
        """End it by SIGKILL, also if it is stopped, and return when it has ended."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(DEADLINE)

    def stop(self):
        """Let it hang (SIGSTOP), and return when it does."""
        os.kill(self.process.pid, signal.SIGSTOP)  # a worker's Popen takes it for ended
        until_stopped(self.process.pid)

    def go_on(self):
        """Let it go on after stop()."""
        os.kill(self.process.pid, signal.SIGCONT)

    def until_blocked(self, count):
        """Return when that many waits block, of whichever processes."""
        until(lambda: len(self._blocked()) == count, f"{count} waits block on the server")

    def client(self, **options):
        """A client of redis-py, to look at the server; a context manager.

        It asks again if it is thrown out, as a server does with all when it changes its role; what
        takes long is not asked twice.
        """
        patience = Retry(ConstantBackoff(0.1), 3)
        again = {"retry": patience, "retry_on_error": [redis.ConnectionError]}
        return redis.Redis(self.host, self.port, socket_timeout=DEADLINE, **again, **options)

    def _blocked(self):
        with self.client() as client:
            return [one["addr"] for one in client.client_list() if "b" in one["flags"]]

    def blocked_ports(self):
        """The ports from which somebody blocks in a wait."""
        return {int(address.rpartition(":")[2]) for address in self._blocked()}

    def __enter__(self):
        try:
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *exception):
        with contextlib.suppress(ProcessLookupError):
            if self.process and self.process.poll() is None:
                self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)


def hurried(event, seconds):
    """The event, for whose server an answer may take that long from now on: not when it was opened,
    as that may take longer on a busy machine."""
    event._server.answer = seconds
    return event


def _sockets():
    """The local ports of this network's TCP connections, by the names of their sockets."""
    lines = Path("/proc/self/net/tcp").read_text().splitlines()[1:]
    rows = [line.split() for line in lines]
    return {f"socket:[{row[9]}]": int(row[1].rpartition(":")[2], 16) for row in rows}


def ports_of(pid, sockets=None):
    """The local ports of the TCP connections that a process has open."""
    sockets = sockets or _sockets()
    ports = set()
    for descriptor in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):
            port = sockets.get(os.readlink(descriptor))
            ports |= {port} - {None}
    return ports


def are_blocked(pids, server):
    """Does the server have a wait of each of these processes?"""
    blocked = server.blocked_ports()
    sockets = _sockets()
    return len(blocked) >= len(pids) and all(ports_of(pid, sockets) & blocked for pid in pids)


def waits_of(pid, server):
    """How many waits of that process block on the server."""
    return len(ports_of(pid) & server.blocked_ports())
