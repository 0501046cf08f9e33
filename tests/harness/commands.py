"""The evt_* commands behind the four operations of an event: each call is a process of its own.

The interval that a log shows then begins before the process and ends behind it; so long a call
overlaps with many others, and says less. That is what a shell script sees.

A worker of commands kills some of them itself: it is their parent, so it cannot hit a stranger that
got the number of a process which is gone.
"""

import ctypes
import os
import random
import signal
import subprocess
import sysconfig
from pathlib import Path

from .several import Several

_PR_SET_PDEATHSIG = 1
#: Milliseconds within which a command is killed, if it is to be: during its start, or in its wait.
_LIFE = 0, 80
_libc = ctypes.CDLL(None)


class Killed(Exception):
    """The command was killed: it may have done what it should, or not."""


class CommandEvent:
    """A named event, used through the commands in the interpreter's folder of scripts.

    mode: the sleeping mode. mortality: how many of a hundred are killed.
    """

    folder = Path(sysconfig.get_path("scripts"))

    def __init__(self, name, mode, mortality=0, seed=0):
        self.name = name
        self._environment = {**os.environ, "SYSTEMEVENT_SLEEP": mode}
        self._mortality = mortality
        self._source = random.Random(f"{seed}.commands")

    def _run(self, command, *words):
        status, _ = self.output(command, self.name, *words)
        return status == 0

    def output(self, command, *words):
        """Run a command; its exit status (0 or 1) and output."""
        kill_after = None
        if self._source.random() * 100 < self._mortality:
            kill_after = self._source.uniform(*_LIFE) / 1000
        with subprocess.Popen(
            [self.folder / command, *words],
            env=self._environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            preexec_fn=lambda: _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL),
        ) as process:
            try:
                process.wait(kill_after)
            except subprocess.TimeoutExpired:
                process.kill()
            message = process.stderr.read()
            output = process.stdout.read()
        status = process.wait()
        if status == -signal.SIGKILL and kill_after is not None:
            raise Killed(command)
        if status not in (0, 1) or message:
            raise RuntimeError(f"{command} {words}: {status} {message.decode()}")
        return status, output.decode()

    def set(self):
        self._run("evt_set")

    def clear(self):
        self._run("evt_clear")

    def is_set(self):
        return self.wait(0)

    def wait(self, timeout=None):
        return self._run("evt_wait", *([] if timeout is None else [f"{timeout:.6f}"]))


class CommandsOfSeveral(Several):
    """evt_wait --any and --all."""

    def __init__(self, events):
        super().__init__(events, self._wait_any, self._wait_all)

    def _names(self, option, events, timeout):
        limit = [] if timeout is None else ["--timeout", f"{timeout:.6f}"]
        words = option, *limit, *(event.name for event in events)
        status, output = events[0].output("evt_wait", *words)
        names = output.splitlines()
        assert (status == 0) == bool(names), f"{words}: {status}, {names}"
        return names

    def _wait_any(self, events, timeout=None):
        names = self._names("--any", events, timeout)
        return [event for event in events if event.name in names]

    def _wait_all(self, events, timeout=None):
        names = self._names("--all", events, timeout)
        assert names in ([], [event.name for event in events])
        return bool(names)
