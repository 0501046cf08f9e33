"""Why a sweep cannot run here, in a few words; "" if it can.

Each is tried, not guessed from a version or a user: a container may forbid ptrace to root, and
allow it to others. And whoever asks must say it aloud: a sweep that is left out in silence looks
like one that passed.
"""

import os
import shutil

from injection import in_private_shm, injected

from . import tracing


def no_tracing():
    """Why no process can be single-stepped, or no probe compiled."""
    return tracing.why_not() or missing(os.environ.get("CC", "cc"))


def no_injection():
    """Why strace cannot answer system calls in a private /dev/shm."""

    def attempt():
        with injected(os.getpid) as one:
            return one.result() == one.pid

    return missing("strace", os.environ.get("CC", "cc")) or _fails(in_private_shm, attempt)


def no_private_shm():
    """Why there can be no /dev/shm in which nobody else creates objects."""
    return _fails(in_private_shm, os.getpid)


def no_spin():
    """Why the model cannot be explored."""
    return missing("spin", "gcc")


def missing(*tools):
    """Which of these programs are not installed."""
    names = [tool for tool in tools if not shutil.which(tool)]
    return f"needs {' and '.join(names)}" if names else ""


def _fails(function, *args):
    try:
        function(*args)
    except Exception as error:
        return f"needs permission to trace and to mount: {error}"
    return ""
