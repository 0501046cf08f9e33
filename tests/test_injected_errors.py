"""System calls that fail: each operation works nevertheless, or says clearly what failed.

The errors come from strace's injection. The sweep of all calls is harness/failing_calls.py.
"""

import contextlib
import dataclasses
import errno
import os

import pytest
from harness.attempts import ATTEMPTS
from harness.failing_calls import failure_sweep
from harness.system_calls import NAME, in_c
from injection import in_private_shm, injected, until_asleep_or_dead
from processes import WorkerError

from systemevent import SystemEvent

pytestmark = pytest.mark.usefixtures("injection")

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


@pytest.mark.one_python  # a minute; single calls that fail are tested on all of them
@pytest.mark.parametrize("attempt", [one for one in ATTEMPTS if one.sleeps], ids=str)
def test_refused_or_swallowed(tmp_path, attempt, sleeping_mode):
    """Whatever system call fails, the operation works, or raises a clear OSError.

    With the event's name in it; no descriptor is leaked, no other exception comes through, nobody
    hangs or dies, and others go on. The same if the kernel says that a call was made that was not.
    """
    if attempt.is_possible(sleeping_mode):
        said = failure_sweep(attempt, tmp_path)
        assert any("[Errno" in text for text in said.values())


@pytest.mark.one_python
@pytest.mark.one_mode
@pytest.mark.parametrize("attempt", [one for one in ATTEMPTS if not one.sleeps], ids=str)
def test_refused_or_swallowed_where_nobody_sleeps(tmp_path, attempt):
    """The same of opening, creating, removing and closing. (A close() is never refused.)"""
    said = failure_sweep(attempt, tmp_path)
    assert any("[Errno" in text for text in said.values()) == bool(attempt.refused)


@pytest.mark.one_mode
def test_a_hidden_error_is_caught(tmp_path):
    """A set() that fails and does not say so is found out."""

    def set_and_hide(event):
        with contextlib.suppress(OSError):
            event.set()

    wrong = dataclasses.replace(ATTEMPTS[0], function=set_and_hide)
    with pytest.raises(WorkerError, match="set: after futex:error=EINTR:when=1"):
        failure_sweep(wrong, tmp_path)


#: The C library says that it has made a semaphore, but it is not there: each time, or twice.
LOST, LOST_TWICE = "link:retval=0", "link:retval=0:when=1..2"


def status_of(victim, inject):
    """The exit status of the victim, with that injection, in a /dev/shm of its own."""

    def play():
        with injected(victim, inject=[inject]) as one:
            return one.reap()

    return in_private_shm(play)


@pytest.mark.one_mode
@pytest.mark.parametrize(("inject", "status"), [(LOST, 2), (LOST_TWICE, 0)])
def test_a_creation_gives_up_in_the_end(inject, status):
    """New semaphores that do not appear where they should: an error, and no endless loop."""

    def create():
        try:
            SystemEvent(NAME)
        except FileNotFoundError as error:
            os._exit(2 if "new semaphores do not appear in /dev/shm" in str(error) else 3)
        os._exit(0)

    assert status_of(create, inject) == status


@pytest.mark.one_mode
@pytest.mark.parametrize(("inject", "status"), [(LOST, 2), (LOST_TWICE, 0)])
def test_a_creation_in_c_gives_up_in_the_end(inject, status, peer_program, tmp_path):
    """The same in C: systemevent_open fails, and says ENOENT."""
    assert status_of(in_c(peer_program, tmp_path / "script", ["is_set"]), inject) == status
