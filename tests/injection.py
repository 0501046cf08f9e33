"""System calls that fail, come late, or kill their caller: strace's injection, on one worker.

And a private /dev/shm for it, in which nobody else creates, sweeps or counts objects.
"""

import collections
import contextlib
import ctypes
import os
import re
import signal

from processes import DEADLINE, command, is_asleep, state_of, until, until_stopped, worker

_CLONE_NEWNS, _CLONE_NEWUSER = 0x20000, 0x10000000
_MS_REC, _MS_PRIVATE = 1 << 14, 1 << 18


def _private(function, args):
    libc = ctypes.CDLL(None, use_errno=True)

    def check(result):
        if result:
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))

    uid, gid = os.getuid(), os.getgid()
    check(libc.unshare(_CLONE_NEWNS | (_CLONE_NEWUSER if uid else 0)))
    if uid:
        for file, text in (
            ("setgroups", "deny"),
            ("uid_map", f"0 {uid} 1"),
            ("gid_map", f"0 {gid} 1"),
        ):
            with open(f"/proc/self/{file}", "w") as map_file:
                map_file.write(text)
    check(libc.mount(b"none", b"/", None, _MS_REC | _MS_PRIVATE, None))
    check(libc.mount(b"none", b"/dev/shm", b"tmpfs", 0, b"mode=1777"))
    return function(*args)


def in_private_shm(function, *args):
    """Return function(*args), called in a worker with an empty /dev/shm of its own."""
    with worker(_private, function, args) as one:
        return one.result(10 * DEADLINE)  # it has deadlines of its own


def is_traced(pid):
    """Does strace (or a debugger) hold that process?"""
    with open(f"/proc/{pid}/status") as file:
        return "\nTracerPid:\t0\n" not in file.read()


@contextlib.contextmanager
def strace(pid, *expressions, log=os.devnull):
    """strace holds that process meanwhile, with `-e` these expressions."""
    words = [word for expression in expressions for word in ("-e", expression)]
    with command("strace", "-qq", "-o", log, *words, "-p", str(pid)) as process:
        until(lambda: is_traced(pid) or process.poll() is not None, "strace holds the process")
        assert process.poll() is None, process.stderr.read()
        yield


def _stop_first(function, args):
    os.kill(os.getpid(), signal.SIGSTOP)
    return function(*args)


@contextlib.contextmanager
def injected(function, *args, inject=(), log=os.devnull):
    """A worker that calls function(*args) under strace, with these injections."""
    calls = ",".join(injection.partition(":")[0] for injection in inject)
    expressions = [f"inject={injection}" for injection in inject]
    if calls:
        expressions.append(f"trace={calls}")
    with worker(_stop_first, function, args) as one:
        # Stopped while strace comes: it is not for a moment free of it then.
        until_stopped(one.pid)
        with strace(one.pid, *expressions, log=log):
            one.signal(signal.SIGCONT)
            yield one


def until_asleep_or_dead(one):
    """Return when the worker sleeps in a wait for an event, or is dead."""

    def is_asleep_or_dead():
        try:
            return state_of(one.pid) == "Z" or is_asleep(one.pid)
        except PermissionError:  # it is dying: it has no memory any more, so it is nobody's
            return False

    until(is_asleep_or_dead, f"worker {one.pid} waits for an event, or is dead")


def calls_of(function, *args, log, drive=lambda one: None):
    """How often function(*args) in a worker makes which system call: {name: count}.

    drive(worker) is called while it runs.
    """
    with injected(function, *args, log=log) as one:
        drive(one)
        one.reap()
    with open(log) as file:
        return collections.Counter(re.findall(r"^(\w+)\(", file.read(), re.MULTILINE))
