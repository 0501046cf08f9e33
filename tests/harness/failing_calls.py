"""Fail, or swallow, each system call: it works nevertheless, or says clearly what failed.

strace answers instead of the kernel: with an error, or with 0 although nothing was done; one call
of a name, or all of them. (Not all with EINTR, upon which trying again for ever is right.) The
operation then

- ends: by itself, not by a signal, not never;
- has done what it is for, or has raised an OSError with the event in its text, and it is seen from
  outside which of them; no descriptor is left open;
- leaves to others an event that works, as after a kill: it is played in the scenes of
  system_calls.py.

*Swallowed*: the kernel says that it did what it did not. After such a lie nobody can know what was
done, so that of the second part only this is promised: a result, or an OSError with the event in
its text. A set() that was swallowed leaves the event clear and everybody asleep, because storing
and waking are one call; a wait() whose sleep was swallowed says True, because that is what 0 means.

The counterexample that it exists for: a wait() that takes each error of its sleep for a spurious
wake-up. Where a sandbox refuses the call, it takes a processor for itself for ever.
"""

import contextlib
import errno
import functools
import mmap
import os
import re
import sys
from pathlib import Path

from injection import calls_of, in_private_shm, injected

from .system_calls import PATH, opened

ERRORS = ["EINTR", "ENOSYS", "EPERM", "ENOMEM", "EMFILE", "ENFILE", "ENOSPC", "EACCES"]
SWALLOWED = "swallowed"
#: Calls that take no part: their failure says nothing of events. The victim's own umask and look at
#: its descriptors; the end of the process; memory and random numbers of the C library.
EXEMPT = {"umask", "fcntl", "exit_group", "brk", "getrandom"}
#: The kernel never maps at address 0 what may be mapped anywhere, and no program expects it to.
NEVER_SWALLOWED = {"mmap"}
_LEAK = "a descriptor is left open: "


class _Verdict:
    """What a victim says, for its parent to read; and its standard error."""

    def __init__(self):
        self._memory = mmap.mmap(-1, 4096)

    def write(self, text):
        self._memory.write(text.encode())

    def flush(self):
        pass

    def read(self):
        return self._memory[:].rstrip(b"\0").decode()


def _lowest_free_descriptor():
    descriptor = os.dup(2)
    with contextlib.suppress(OSError):  # it may be the one that fails
        os.close(descriptor)
    return descriptor


def _victim(function, verdict):
    """A victim that says what became of function()."""

    def live():
        os.umask(0o077)
        sys.stderr = verdict
        free = _lowest_free_descriptor()
        try:
            text = repr(function())
        except OSError as error:
            text = f"{type(error).__name__} {error}"
        except BaseException as error:
            text = f"a bad exception: {error!r}"
        verdict.write(text if _lowest_free_descriptor() == free else _LEAK + text)
        os._exit(0)

    return live


def _points(calls):
    """Each call, and how it is answered: (strace's injection, the call, the answer)."""
    for call in sorted(calls.keys() - EXEMPT):
        for answer in [*ERRORS, SWALLOWED]:
            if answer == SWALLOWED and call in NEVER_SWALLOWED:
                continue
            what = "retval=0" if answer == SWALLOWED else f"error={answer}"
            for when in range(1, calls[call] + 1):
                yield f"{call}:{what}:when={when}", call, answer
            if answer == SWALLOWED:
                # Not all: the C library tries 238,328 names if each seems to be there.
                yield f"{call}:{what}:when=1..1000", call, answer
            elif answer != "EINTR":
                yield f"{call}:{what}", call, answer


def failure_sweep(attempt, folder):
    """Answer each system call of the attempt in every way, in a /dev/shm of its own.

    Returns {injection: what the victim said}. Raises AssertionError.
    """
    return in_private_shm(_failure_sweep, attempt, Path(folder) / "log")


def _failure_sweep(attempt, log):
    with _playing(attempt) as (victim, drive, _):
        calls = calls_of(victim, log=log, drive=drive)
    said = {}
    for point, call, answer in _points(calls):
        try:
            said[point] = _answered(point, attempt, call, answer)
        except Exception as error:
            raise AssertionError(f"{attempt.name}: after {point}: {error}") from error
    return said


@contextlib.contextmanager
def _playing(attempt):
    """The victim, what drives it, and its verdict."""
    verdict = _Verdict()
    with attempt.scene() as drive, contextlib.ExitStack() as stack:
        events = stack.enter_context(opened(attempt))
        function = functools.partial(attempt.function, *events)
        yield _victim(function, verdict), drive, verdict


def _answered(point, attempt, call, answer):
    with _playing(attempt) as (victim, drive, verdict):
        with injected(victim, inject=[point]) as one:
            drive(one)
            status = one.reap()
        said = f"exit {status}: {verdict.read()}"
        if answer == SWALLOWED or call == "close":
            said = said.replace(_LEAK, "")
        done = re.fullmatch(attempt.done, said)
        refused = re.fullmatch(attempt.refused, said)
        if answer == SWALLOWED:
            if os.path.exists(PATH):
                os.chmod(PATH, 0o666)  # what the swallowed call should have done, perhaps
            assert done or refused or re.fullmatch(attempt.believed, said), said
        else:
            assert done or refused, said
            if refused and attempt.says_which:
                assert int(refused[1]) == getattr(errno, answer), said
            attempt.seen(bool(done))
    return said
