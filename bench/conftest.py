"""``pytest bench``: pytest-benchmark measures every call with a cost; one file per kind of call.

All its options work as usual: --benchmark-json, --benchmark-autosave, --benchmark-compare,
--benchmark-compare-fail=median:25%, ... Each group of its table compares contenders in one
operation. They do not take turns, as in ``python -m bench``, so what disturbs the machine may
disturb one of them alone: for ratios that can be trusted, use that one.
"""

import contextlib
import ctypes
import itertools
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.append(str(Path(__file__).parents[1] / "tests"))
from temporary import pytest_configure  # noqa: F401  # a hook

from systemevent import SystemEvent, unlink

_numbers = itertools.count()


@pytest.fixture
def name() -> Iterator[str]:
    """A name of its own for an event, which is unlinked at the end."""
    name = f"bench.{os.getpid()}.{next(_numbers)}"
    yield name
    with contextlib.suppress(FileNotFoundError):
        unlink(name)


def system_event() -> SystemEvent:
    """An event that has no name any more, so that nothing is left behind."""
    name = f"bench.{os.getpid()}.{next(_numbers)}"
    try:
        return SystemEvent(name)
    finally:
        with contextlib.suppress(FileNotFoundError):
            unlink(name)


#: {contender: a function that makes an event, which forked processes may use}.
BETWEEN_PROCESSES: dict[str, Callable[[], Any]] = {
    "SystemEvent": system_event,
    "multiprocessing.Event": multiprocessing.get_context("fork").Event,
}
#: The same, for threads.
IN_A_PROCESS: dict[str, Callable[[], Any]] = {
    "SystemEvent": system_event,
    "threading.Event": threading.Event,
}


@contextlib.contextmanager
def forked(function: Callable[[], None]) -> Iterator[None]:
    """A process that runs function(); it is killed and reaped at the end, and dies with us."""
    parent = os.getpid()
    pid = os.fork()
    if pid == 0:
        try:
            ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
            if os.getppid() == parent:
                function()
        finally:
            os._exit(1)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def run(words: list[str]) -> None:
    """Run a program to its end; it must succeed."""
    pid = os.posix_spawn(words[0], words, os.environ)
    _, status = os.waitpid(pid, 0)
    if status:
        raise RuntimeError(f"{words} ended with wait status {status}")
