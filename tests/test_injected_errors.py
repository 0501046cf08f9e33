"""System calls that fail: each operation works nevertheless, or says clearly what failed.

The errors come from strace's injection, one call at a time, in a private /dev/shm.
"""

import errno
import fcntl  # noqa: F401  # imported by a creation, otherwise
import functools
import mmap
import os
import re

import posix_ipc  # noqa: F401  # as fcntl
import pytest
from injection import calls_of, in_private_shm, injected, until_asleep_or_dead
from processes import worker

from systemevent import SystemEvent, unlink

pytestmark = pytest.mark.usefixtures("injection")

NAME = "refused"
#: The system call that wait() sleeps in.
SLEEP = {"futex_waitv": "futex_waitv", "futex_wait": "futex"}


def outcome(function, *args):
    """What it returned; or, if it is an OSError, its type and text."""
    try:
        return function(*args)
    except OSError as error:
        return type(error), str(error)


def outcome_of_wait(event, inject, timeout=None):
    """The outcome of a wait() with that injection; set() comes when the waiter sleeps."""
    with injected(outcome, event.wait, timeout, inject=[inject]) as one:
        if timeout is None:
            until_asleep_or_dead(one)
            event.set()
        return one.result()


def test_interrupted_sleep(event, sleeping_mode):
    """A wait() whose sleep says EINTR without a signal sleeps again, and is released by set()."""
    inject = f"{SLEEP[sleeping_mode]}:error=EINTR:when=1..3"
    assert outcome_of_wait(event, inject) is True


def test_interrupted_sleep_times_out(event, sleeping_mode):
    """A wait(timeout) whose sleep says EINTR returns False."""
    inject = f"{SLEEP[sleeping_mode]}:error=EINTR:when=1..3"
    assert outcome_of_wait(event, inject, 0.01) is False


@pytest.mark.one_mode
@pytest.mark.parametrize("error", ["ENOSYS", "EPERM"])
def test_no_futex_waitv(event, error):
    """Where futex_waitv is refused, by the kernel or a sandbox, wait() sleeps without it."""
    assert outcome_of_wait(event, f"futex_waitv:error={error}") is True


@pytest.mark.one_mode
@pytest.mark.parametrize("error", ["ENOSYS", "EPERM"])
def test_no_futex_waitv_times_out(event, error):
    """Where futex_waitv is refused, wait(timeout) returns False after the time."""
    assert outcome_of_wait(event, f"futex_waitv:error={error}", 0.01) is False


@pytest.mark.parametrize(
    ("error", "kind"), [("ENOMEM", OSError), ("EINVAL", OSError), ("EACCES", PermissionError)]
)
def test_sleep_refused(event, sleeping_mode, error, kind):
    """A wait() that cannot sleep raises OSError with the event in its message; it does not spin."""
    number = getattr(errno, error)
    message = f"[Errno {number}] cannot wait for the event: {os.strerror(number)}: {event!r}"
    assert outcome_of_wait(event, f"{SLEEP[sleeping_mode]}:error={error}") == (kind, message)


@pytest.mark.parametrize(("error", "kind"), [("ENOSYS", OSError), ("EPERM", PermissionError)])
def test_set_refused(event, error, kind):
    """A set() that the kernel refuses raises OSError, and the event stays clear."""
    number = getattr(errno, error)
    message = f"[Errno {number}] cannot set the event: {os.strerror(number)}: {event!r}"
    with injected(outcome, event.set, inject=[f"futex:error={error}"]) as one:
        assert one.result() == (kind, message)
    assert not event.is_set()


@pytest.mark.one_mode
@pytest.mark.parametrize("injection_", ["ENOSYS", "EPERM", "EAGAIN:when=1..3"])
def test_passing_on_refused(event, injection_):
    """A wait() that was woken returns True, also if it cannot pass the wake-up on."""
    assert outcome_of_wait(event, f"futex:error={injection_}") is True


#: System calls that take no part: their failure says nothing about events.
EXEMPT = {"close", "fcntl", "munmap", "brk", "getpid", "exit_group", "getrandom", "umask"}
ERRORS = ["EMFILE", "ENFILE", "ENOMEM", "ENOSPC", "EACCES", "EINTR"]


def lowest_free_descriptor():
    """The number that the next opened file would get."""
    descriptor = os.dup(2)
    os.close(descriptor)
    return descriptor


def open_and_tell(verdict):
    """Open or create the event; put what happened, and the leaked descriptors, into `verdict`."""
    os.umask(0o077)
    free = lowest_free_descriptor()
    try:
        SystemEvent(NAME).close()
        text = "open"
    except OSError as error:
        text = f"{type(error).__name__} {error}"
    except BaseException as error:
        text = f"a bad exception: {error!r}"
    if lowest_free_descriptor() != free:
        text = f"a descriptor leaked: {text}"
    verdict[: len(text)] = text.encode()
    os._exit(0)


def sweep_errors(there, log):
    """Have each system call of an opening fail with each error; return {point: verdict}."""
    verdicts = {}

    def attempt(run):
        if there:
            SystemEvent(NAME).close()
        verdict = mmap.mmap(-1, 4096)
        run(functools.partial(open_and_tell, verdict))
        left = sorted(os.listdir("/dev/shm"))
        with worker(lambda: (SystemEvent(NAME).set(), unlink(NAME))) as another:
            another.result()
        for file in os.listdir("/dev/shm"):
            os.unlink(f"/dev/shm/{file}")
        return verdict[:].rstrip(b"\0").decode(), left

    calls = {}
    attempt(lambda function: calls.update(calls_of(function, log=log)))
    for call in calls.keys() - EXEMPT:
        for error in ERRORS:
            for n in range(1, calls[call] + 1):
                inject = f"{call}:error={error}:when={n}"

                def run(function, inject=inject):
                    with injected(function, inject=[inject]) as one:
                        assert one.reap() == 0, inject

                verdicts[inject] = attempt(run)
    return verdicts


@pytest.mark.one_mode
@pytest.mark.parametrize("there", [True, False])
def test_opening_refused(tmp_path, there):
    """Whatever call fails in opening or creating an event, it works, or raises a clear OSError.

    With the event's name in it; no descriptor is leaked, no other exception comes through.
    """
    verdicts = in_private_shm(sweep_errors, there, tmp_path / "log")
    clear = rf"open|\w+ \[Errno \d+\] cannot open event '{NAME}': .*"
    bad = {point: text for point, (text, _) in verdicts.items() if not re.fullmatch(clear, text)}
    assert bad == {}
    assert sum(text != "open" for text, _ in verdicts.values()) >= 10
