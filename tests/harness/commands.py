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
        self._name = name
        self._environment = {**os.environ, "SYSTEMEVENT_SLEEP": mode}
        self._mortality = mortality
        self._source = random.Random(f"{seed}.commands")

    def _run(self, command, *words):
        kill_after = None
        if self._source.random() * 100 < self._mortality:
            kill_after = self._source.uniform(*_LIFE) / 1000
        with subprocess.Popen(
            [self.folder / command, self._name, *words],
            env=self._environment,
            stderr=subprocess.PIPE,
            preexec_fn=lambda: _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL),
        ) as process:
            try:
                process.wait(kill_after)
            except subprocess.TimeoutExpired:
                process.kill()
            message = process.stderr.read()
        status = process.wait()
        if status == -signal.SIGKILL and kill_after is not None:
            raise Killed(command)
        if status not in (0, 1) or message:
            raise RuntimeError(f"{command} {self._name}: {status} {message.decode()}")
        return status == 0

    def set(self):
        self._run("evt_set")

    def clear(self):
        self._run("evt_clear")

    def is_set(self):
        return self.wait(0)

    def wait(self, timeout=None):
        return self._run("evt_wait", *([] if timeout is None else [f"{timeout:.6f}"]))
