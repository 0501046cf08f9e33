"""Surroundings that some tests need: other users, a /dev/shm of one's own, counted resources."""

import ctypes
import fcntl  # other users may be unable to read the interpreter's folder, so it is loaded now
import os
import shutil
import subprocess
from functools import cache

import posix_ipc  # as fcntl
import pytest

PRELOADED = fcntl, posix_ipc
#: Two users that own nothing on any machine.
USER, STRANGER = 54321, 54322

#: Without root these tests cannot run; where CI is set they then fail, so that they are not missed.
needs_root = pytest.mark.skipif(
    os.geteuid() != 0 and "CI" not in os.environ,
    reason="needs root, to become other users or to mount file systems",
)


def need(why_not):
    """Skip the test for that reason, if there is one; in CI, fail: nothing may be missed there."""
    if why_not:
        (pytest.fail if "CI" in os.environ else pytest.skip)(why_not)


every_command = pytest.mark.parametrize("program", ["evt_set", "evt_clear", "evt_wait"])

_libc = ctypes.CDLL(None, use_errno=True)
_CLONE_NEWNS = 0x20000
_MS_REC, _MS_PRIVATE, MS_RDONLY, MS_REMOUNT = 1 << 14, 1 << 18, 1, 32


def path_of(name):
    """The object file's path of an event with the default prefix."""
    return f"/dev/shm/sem.SystemEvent.{name}"


def as_user(uid, function, *args):
    """Be that user from now on (for workers), and call the function."""
    os.setgroups([])
    os.setgid(uid)
    os.setuid(uid)
    return function(*args)


def mount(target, options="", flags=0):
    """Mount a tmpfs. Raises OSError."""
    if _libc.mount(b"tmpfs", target.encode(), b"tmpfs", flags, options.encode()):
        raise OSError(ctypes.get_errno(), f"cannot mount a tmpfs on {target}")


def with_own_shm(options, function, *args):
    """Have a new /dev/shm that nobody else sees from now on (for workers), call the function."""
    if _libc.unshare(_CLONE_NEWNS) or _libc.mount(None, b"/", None, _MS_REC | _MS_PRIVATE, None):
        raise OSError(ctypes.get_errno(), "cannot have a mount namespace")
    mount("/dev/shm", options)
    return function(*args)


def sized(size):
    """A function that makes a file of that size (a hole)."""

    def make(path):
        with open(path, "xb") as file:
            file.truncate(size)

    return make


def error_of(function, *args):
    """(the type's name, the text) of the exception that function(*args) raises."""
    try:
        value = function(*args)
    except Exception as error:
        return type(error).__name__, str(error)
    raise AssertionError(f"no exception, but {value!r}")


def descriptors():
    """The number of open descriptors of this process."""
    return len(os.listdir("/proc/self/fd"))


def mappings():
    """The number of mapped object files of this process."""
    with open("/proc/self/maps") as file:
        return sum("/dev/shm/sem." in line for line in file)


def own_objects(prefix):
    """The objects that begin with the prefix, and those that this process is constructing."""
    starts = f"sem.{prefix}", f"sem..SystemEvent-new.{os.getpid()}."
    return sorted(name for name in os.listdir("/dev/shm") if name.startswith(starts))


@cache
def _links(compiler, sanitizer):
    """Has the compiler the sanitizer's library? (clang's is a package of its own.)"""
    words = [compiler, sanitizer, "-x", "c", "-", "-o", os.devnull]
    program = "int main(void) { return 0; }"
    return subprocess.run(words, input=program, capture_output=True, text=True).returncode == 0


def compile_with(compiler, *words):
    """Run a compiler that has to succeed, silently; skip if it or a sanitizer is not installed."""
    if not shutil.which(compiler):
        need(f"{compiler} is not installed")
    for word in words:
        if str(word).startswith("-fsanitize=") and not _links(compiler, word):
            need(f"{compiler} has no library for {word}")
    result = subprocess.run([compiler, *words], capture_output=True, text=True)
    said = result.stdout + result.stderr
    assert (result.returncode, said) == (0, ""), said
