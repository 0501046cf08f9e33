"""What is swept instruction by instruction: systemevent.h, its mutants, the extension type.

All of them work on a Memory, a word without a name that forked processes share: a scene begins with
any state of the word that it likes, and no file system has a part in it.
"""

import ctypes
import mmap
import os
import signal
import subprocess
import time
from pathlib import Path

from .tracing import code_of

_SIZE = 4096


class Memory:
    """An event without a name: the 32 bytes that processes forked from here share.

    second: another one, which belongs to it.
    """

    def __init__(self, alone=False):
        self.second = None if alone else Memory(alone=True)
        self.descriptor = os.memfd_create("event")
        os.ftruncate(self.descriptor, _SIZE)
        self._map = mmap.mmap(self.descriptor, _SIZE)
        self._word = ctypes.c_uint64.from_buffer(self._map)
        self.address = ctypes.addressof(self._word)

    @property
    def word(self):
        """The word. Set it only while nobody runs."""
        return self._word.value

    @word.setter
    def word(self, value):
        self._word.value = value

    def close(self):
        """Give it back."""
        del self._word
        self._map.close()
        os.close(self.descriptor)
        if self.second:
            self.second.close()


class Probe:
    """The functions of systemevent.h, or one of the mutants, compiled from probe.c."""

    code = None
    #: Or else made by the operation, from a timeout.
    deadline_is_the_callers = True

    def __init__(self, memory, older_kernel, folder, mutant=None):
        path = Path(folder) / f"probe-{mutant}.so"
        if not path.exists():
            flags = ["-std=c99", "-O2", "-Wall", "-Wextra", "-Werror", "-fPIC", "-shared"]
            if os.uname().machine == "aarch64":
                flags += ["-march=armv8.1-a"]  # compare-and-swap in one instruction
            if mutant:
                flags.append(f"-DMUTANT_{mutant}")
            source = Path(__file__).with_name("probe.c")
            compiler = os.environ.get("CC", "cc")
            subprocess.run([compiler, *flags, source, "-o", path, "-pthread"], check=True)
        self._library = ctypes.CDLL(str(path), use_errno=True)
        self._library.probe_sleep_on_value_only(older_kernel)
        self._events = (ctypes.c_void_p * 2)(memory.address, memory.second.address)
        for address in self._events:
            assert self._library.probe_create(ctypes.c_void_p(address)) == 0

    def function(self, kind):
        return getattr(self._library, f"probe_{kind.rstrip('2')}")

    def entry(self, kind):
        """The address of the operation's first instruction."""
        return ctypes.cast(self.function(kind), ctypes.c_void_p).value

    def bound(self, kind, timeout=None):
        """The operation with its arguments, ready to be called. "set2": of the second event."""
        arguments = [ctypes.byref(self._events, 8 if kind.endswith("2") else 0)]
        if kind.startswith("wait"):
            deadline = None
            if timeout is not None:
                when = time.monotonic_ns() + int(timeout * 1e9)
                deadline = (ctypes.c_long * 2)(*divmod(when, 10**9))
            arguments.append(deadline)
        function = self.function(kind)
        return lambda: function(*arguments)

    def call(self, kind, timeout=None):
        """Carry out the operation; return what it returns, True or False for wait and is_set."""
        result = self.bound(kind, timeout)()
        if result < 0:
            raise OSError(ctypes.get_errno(), f"{kind}: {os.strerror(ctypes.get_errno())}")
        return bool(result)

    def handlers(self):
        """Install the victim's signal handlers."""
        assert self._library.probe_handlers(self._events) == 0

    def away_on_signal(self, entered, leave):
        """Install the actors' signal handler."""
        assert self._library.probe_away_on_signal(entered, leave) == 0

    def outcome(self, process):
        """What the victim has returned: of wait_any, the bits of the events that were set."""
        return process.result() & 0xFFFFFFFF


class Library(Probe):
    """The methods of the installed extension type. The interpreter's own code does not count."""

    deadline_is_the_callers = False

    def __init__(self, memory, older_kernel, folder):
        from systemevent import _word

        super().__init__(memory, older_kernel, folder)
        _word.sleep_on_value_only(older_kernel)
        self._words = tuple(_word.Word(os.dup(one.descriptor)) for one in (memory, memory.second))
        self._several = {"wait_any": _word.wait_any, "wait_all": _word.wait_all}
        for kind in ("clear", "is_set", "set", "set2", "wait", "wait_all", "clear", "clear2"):
            self.call(kind)  # so that all symbols are bound
        if not older_kernel:
            _word.wait_any(self._words, 0.001)
        self.code = code_of("/_word.", "/libc.so")

    def entry(self, kind):
        function = ctypes.pythonapi.PyCFunction_GetFunction
        function.argtypes, function.restype = [ctypes.py_object], ctypes.c_void_p
        return function(self._several.get(kind) or getattr(self._words[0], kind))

    def bound(self, kind, timeout=None):
        if kind.startswith("post"):
            return super().bound(kind)
        if kind in self._several:
            return lambda: self._several[kind](self._words, timeout)
        method = getattr(self._words[kind.endswith("2")], kind.rstrip("2"))
        return (lambda: method(timeout)) if kind.startswith("wait") else method

    def call(self, kind, timeout=None):
        return bool(self.bound(kind, timeout)())

    def handlers(self):
        signal.signal(signal.SIGUSR1, lambda *_: None)
        signal.signal(signal.SIGUSR2, lambda *_: (self._words[0].set(), self._words[0].clear()))

    def outcome(self, process):
        result = process.result()
        if result in (id(True), id(False), id(None)):
            return int(result == id(True))
        size, items = (process.peek(result + object.__basicsize__ + offset) for offset in (0, 8))
        events = [process.peek(items + 8 * i) for i in range(size)]
        return sum(1 << i for i, word in enumerate(self._words) if id(word) in events)
