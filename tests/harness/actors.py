"""Everybody but the victim: long-lived processes that carry out operations when told to.

They are told so over pipes, and say over pipes when they have done it: whoever plays a scene knows
in which order things happened, and never has to guess. The counterexample: a waiter that is forked
for each point of a scene is still importing when the set comes, and is never woken by anything.
"""

import collections
import itertools
import os
import select
import signal
import struct
import time

from processes import is_asleep, receive, until, until_stopped, worker

Call = collections.namedtuple("Call", "who kind timeout invoked returned result")


class Actor:
    """A process that carries out one operation after the other, and says when and with what result.

    SIGUSR1 takes it away into a signal handler until back() is called.
    """

    _ask, _tell = struct.Struct("8sd"), struct.Struct("qq?")

    def __init__(self, name, implementation, stack):
        self.name = name
        self._pipes = [os.pipe() for _ in range(4)]
        for descriptor in itertools.chain(*self._pipes):
            stack.callback(os.close, descriptor)
        (orders, self._orders), (self._answers, answers) = self._pipes[:2]
        (self._entered, entered), (leave, self._leave) = self._pipes[2:]
        self.pid = stack.enter_context(
            worker(self._play, implementation, orders, answers, entered, leave)
        ).pid
        self.reset()

    def reset(self):
        """Forget what was played."""
        self.pending = None
        self.waits_since = None
        self.is_away = self.is_stopped = False
        self.done = []

    def _play(self, implementation, orders, answers, entered, leave):
        implementation.away_on_signal(entered, leave)
        while True:
            kind, timeout = self._ask.unpack(os.read(orders, self._ask.size))
            kind, timeout = kind.rstrip(b"\0").decode(), None if timeout < 0 else timeout
            begin = time.monotonic_ns()
            result = implementation.call(kind, timeout)
            os.write(answers, self._tell.pack(begin, time.monotonic_ns(), result))

    def begin(self, kind, timeout=None):
        """Let it begin an operation."""
        assert self.pending is None
        self.pending = kind, timeout
        os.write(self._orders, self._ask.pack(kind.encode(), -1 if timeout is None else timeout))

    @property
    def kind(self):
        """The operation that it has to complete."""
        return self.pending[0]

    def has_answered(self):
        """Has it no operation left to complete?"""
        if self.pending and select.select([self._answers], [], [], 0)[0]:
            self.end()
        return self.pending is None

    def end(self):
        """Return the result of its operation."""
        begin, end, result = self._tell.unpack(receive(self._answers, self._tell.size))
        self.done.append(Call(self.name, *self.pending, begin, end, result))
        self.pending = self.waits_since = None
        return result

    def is_settled(self):
        """Has it answered, or does it sleep (or is it held)?"""
        if self.has_answered() or self.is_away or self.is_stopped:
            return True
        if not is_asleep(self.pid):
            return False
        if self.waits_since is None:
            self.waits_since = time.monotonic_ns()
        return True

    def settle(self):
        """Return when it has answered or sleeps."""
        until(self.is_settled, f"actor {self.name} answers or sleeps")

    def away(self):
        """Take it out of its operation into a signal handler."""
        os.kill(self.pid, signal.SIGUSR1)
        receive(self._entered, 1)
        self.is_away = True

    def back(self):
        """Let the handler return."""
        os.write(self._leave, b".")
        self.is_away = False
        self.settle()

    def stop(self):
        """SIGSTOP."""
        os.kill(self.pid, signal.SIGSTOP)
        until_stopped(self.pid)
        self.is_stopped = True

    def go_on(self):
        """SIGCONT."""
        os.kill(self.pid, signal.SIGCONT)
        self.is_stopped = False
        self.settle()

    def return_to_wait(self):
        """Be neither away nor stopped."""
        if self.is_away:
            self.back()
        if self.is_stopped:
            self.go_on()
