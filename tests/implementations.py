"""Who may take part in an event, each behind the same few operations.

Every operation is a call by somebody of its own: a fresh thread, process or command. So nothing
that a test sees can be the memory of the one who did the operation before.
"""

import itertools
import os
import threading

import processes
from processes import DEADLINE, Worker, command, is_asleep, until

from systemevent import SystemEvent


class InThread:
    """function(*args) in a thread of this process."""

    def __init__(self, function, *args):
        self._outcome = None
        self._thread = threading.Thread(target=self._run, args=(function, *args), daemon=True)
        self._thread.start()
        self.tid, self.ident = self._thread.native_id, self._thread.ident

    def _run(self, function, *args):
        try:
            self._outcome = function(*args), None
        except BaseException as error:
            self._outcome = None, error

    def is_asleep(self):
        return is_asleep(os.getpid(), self.tid)

    def result(self):
        """Return what the function returned; raise what it raised."""
        self._thread.join(DEADLINE)
        assert self._outcome, f"a thread did not end within {DEADLINE} s"
        value, error = self._outcome
        if error:
            raise error
        return value

    def end(self):
        self._thread.join(DEADLINE)


class InFork(Worker):
    """function(*args) in a forked process."""

    def is_asleep(self):
        return is_asleep(self.pid)


class InProgram:
    """An external program that reads `line`; answer(exit status, output) makes its result."""

    def __init__(self, words, line, answer):
        self._answer = answer
        self._command = command(*words)
        self._process = self._command.__enter__()
        self._process.stdin.write(line)
        self._process.stdin.close()

    def is_asleep(self):
        return is_asleep(self._process.pid)

    def result(self):
        status = self._process.wait(DEADLINE)
        errors = self._process.stderr.read()
        assert not errors, errors
        return self._answer(status, self._process.stdout.read())

    def end(self):
        self._command.__exit__(None, None, None)


def call(event, method, *args):
    """The operation of that name on an event object."""
    if method == "pulse":
        event.set()
        event.clear()
        return None
    return getattr(event, method)(*args)


class Event:
    """An event whose operations are calls by somebody; a subclass says by whom."""

    #: Can the event be on a server?
    anywhere = False

    def __init__(self, name, programs):
        self._name = name
        self._programs = programs
        self._calls = []

    def begin(self, method, *args):
        """Have somebody call the method, and return while it may be under way."""
        raise NotImplementedError

    def are_asleep(self, waits):
        """Do these waits, all there are, sleep at this moment?"""
        if processes.server:
            return len(processes.server.blocked_ports()) == len(waits)
        return all(wait.is_asleep() for wait in waits)

    def start(self, method, *args):
        """As begin(); the call is ended at the end of the test."""
        self._calls.append(self.begin(method, *args))
        return self._calls[-1]

    def until_asleep(self, waits):
        until(lambda: self.are_asleep(waits), f"{len(waits)} waits sleep")

    def asleep(self, count, *timeout):
        """That many waits of different callers, all of them asleep."""
        waits = [self.start("wait", *timeout) for _ in range(count)]
        self.until_asleep(waits)
        return waits

    def set(self):
        self.start("set").result()

    def clear(self):
        self.start("clear").result()

    def pulse(self):
        """set() and at once clear(), as quickly as the same caller can."""
        self.start("pulse").result()

    def is_set(self):
        return self.start("is_set").result()

    def wait(self, *timeout):
        return self.start("wait", *timeout).result()

    def end(self):
        self.set()  # threads that still wait cannot be killed
        for begun in self._calls:
            begun.end()


class ThreadingEvent(Event):
    """threading.Event, by threads: the original, which tests the tests."""

    def __init__(self, *args):
        super().__init__(*args)
        self._event = threading.Event()

    def begin(self, method, *args):
        return InThread(call, self._event, method, *args)

    def are_asleep(self, waits):
        return len(self._event._cond._waiters) == len(waits)


class Threads(Event):
    """SystemEvent, by threads that share one object."""

    anywhere = True

    def __init__(self, *args):
        super().__init__(*args)
        self._event = SystemEvent(self._name)

    def begin(self, method, *args):
        return InThread(call, self._event, method, *args)


class Children(Threads):
    """SystemEvent, by forked processes that inherited one object."""

    def begin(self, method, *args):
        return InFork(call, self._event, method, *args)


class Strangers(Event):
    """SystemEvent, by processes that each open the event by its name."""

    anywhere = True

    def begin(self, method, *args):
        return InFork(lambda: call(SystemEvent(self._name), method, *args))


class CPrograms(Event):
    """tests/peer.c, a C program built on systemevent.h."""

    def begin(self, method, *timeout):
        words = self._programs.peer, "ours", f"/SystemEvent.{self._name}"
        line = "set\nclear\n" if method == "pulse" else ":".join([method, *map(str, timeout)])
        return InProgram(words, line, lambda status, output: {"0": False, "1": True}[output[0]])


class Commands(Event):
    """evt_set, evt_clear, evt_wait."""

    anywhere = True

    def begin(self, method, *timeout):
        if method == "is_set":
            method, timeout = "wait", (0,)
        scripts = self._programs.scripts
        words = scripts / f"evt_{method}", self._name, *map(str, timeout)
        if method == "pulse":
            words = "sh", "-c", '"$0/evt_set" "$1" && "$0/evt_clear" "$1"', scripts, self._name
        return InProgram(words, "", lambda status, output: {0: True, 1: False}[status])


class Everybody(Event):
    """All who can meet at a name, in turn: no two calls in a row are by the same kind of caller."""

    def __init__(self, *args):
        super().__init__(*args)
        kinds = [kind(*args) for kind in (Threads, CPrograms, Strangers, Commands, Children)]
        self._turns = itertools.cycle(kinds)

    def begin(self, method, *args):
        return next(self._turns).begin(method, *args)


IMPLEMENTATIONS = (ThreadingEvent, Threads, Children, Strangers, CPrograms, Commands, Everybody)
