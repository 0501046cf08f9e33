"""What docs/comparison.md says of multiprocessing.Event and of version 1 is so.

Not a test of ours but of our words; should CPython mend its event, the table has to change. So has
docs/asyncio.md, should the threads of asyncio and of anyio become daemons.
"""

import importlib.util
import multiprocessing
import os
import signal
import subprocess

import pytest
from original import OriginalSystemEvent
from processes import DEADLINE, command, state_of, until, until_stopped, worker, workers
from surroundings import need

pytestmark = pytest.mark.one_mode


def is_in_futex(pid):
    """Does the process sleep in a futex call (as the C library's semaphores do)?"""
    with open(f"/proc/{pid}/syscall") as file:
        return file.read().split()[0] in ("202", "98") and state_of(pid) == "S"


def until_all_in_futex(processes):
    """Return when all these sleep in a futex call."""
    until(lambda: all(is_in_futex(process.pid) for process in processes), "all wait")


def released(waiters):
    """Those of the waiters whose call has ended, when nobody runs any more."""
    until(lambda: all(one.has_answered() or is_in_futex(one.pid) for one in waiters), "all rest")
    return [one for one in waiters if one.has_answered()]


@pytest.fixture
def original(name):
    """An event of version 1."""
    return OriginalSystemEvent(name)


def test_version_1_counts(original):
    """Version 1: five set() make the value 5."""
    for _ in range(5):
        original.set()
    assert original._semaphore.value == 5


def test_version_1_loses_a_pulse(original):
    """Version 1: set() and clear() release few of five stopped waiters, or none."""
    with workers(5, original.wait) as waiters:
        until_all_in_futex(waiters)
        for waiter in waiters:
            waiter.signal(signal.SIGSTOP)
        until_stopped(*[waiter.pid for waiter in waiters])
        original.set()
        original.clear()
        for waiter in waiters:
            waiter.signal(signal.SIGCONT)
        assert len(released(waiters)) < 5


def test_version_1_loses_the_event_with_a_waiter(original):
    """Version 1: a waiter that is killed within wait() takes the event with it."""

    class Between:
        def __init__(self, semaphore):
            self._semaphore = semaphore

        def acquire(self, timeout=None):
            self._semaphore.acquire(timeout)
            os.kill(os.getpid(), signal.SIGKILL)

    def wait_and_die():
        original._semaphore = Between(original._semaphore)
        original.wait()

    original.set()
    with worker(wait_and_die) as victim:
        assert victim.reap() == -signal.SIGKILL
    assert not original.isSet()


def test_version_1_is_set_is_wrong_while_others_wait(original):
    """Version 1: isSet() is False on a set event while a waiter passes."""
    original.set()
    original._semaphore.acquire()  # a waiter in the middle of its wait()
    assert not original.isSet()
    original._semaphore.release()
    assert original.isSet()


def test_multiprocessing_loses_a_pulse():
    """multiprocessing.Event: set() and clear() at once leave waiters behind (gh-95826).

    Most of the times, and most of them; it depends on who gets its lock first.
    """
    event = multiprocessing.get_context("fork").Event()
    sleepers = event._cond._sleeping_count
    for _ in range(100):
        with workers(10, event.wait) as waiters:
            # Its lock is a futex, too: who is late there would look after clear(), and stay.
            until(lambda: sleepers.get_value() == 10, "all wait")
            event.set()
            event.clear()
            if not all(waiter.result() for waiter in waiters):
                return  # some were woken, and say that nothing happened
    pytest.fail("100 pulses have released everybody")


def test_multiprocessing_hangs_after_a_kill():
    """multiprocessing.Event: after a waiter was killed, the next set() hangs (gh-75158)."""
    event = multiprocessing.get_context("fork").Event()
    with worker(event.wait) as victim:
        until_all_in_futex([victim])
        victim.signal(signal.SIGKILL)
        victim.reap()
    with worker(event.set) as setter:
        assert released([setter]) == []
        with pytest.raises(AssertionError, match="gave no result"):
            setter.result(deadline=1.0)
        assert released([setter]) == []


GIVE_UP = {
    "asyncio": """
async def main():
    waiting = asyncio.ensure_future(asyncio.to_thread(wait))
    while not begun.is_set():
        await asyncio.sleep(0.001)
    waiting.cancel()
    print("gave up", flush=True)
loop = asyncio.new_event_loop()  # asyncio.run() would wait for the thread, too
loop.run_until_complete(main())
""",
    "anyio": """
async def main():
    async with anyio.create_task_group() as group:
        group.start_soon(partial(anyio.to_thread.run_sync, wait, abandon_on_cancel=True))
        while not begun.is_set():
            await anyio.sleep(0.001)
        group.cancel_scope.cancel()
    print("gave up", flush=True)
anyio.run(main)
""",
}
BEGIN = """
import asyncio, sys, threading
from functools import partial
from systemevent import SystemEvent
event, begun = SystemEvent(sys.argv[1]), threading.Event()
def wait():
    begun.set()
    event.wait()
"""


@pytest.mark.parametrize("library", GIVE_UP)
def test_threads_of_asyncio_and_anyio_delay_the_exit(event, python, library):
    """A cancelled wait in a thread of asyncio's or anyio's: the program ends with the wait only."""
    if importlib.util.find_spec(library) is None:
        need(f"needs {library}: pip install -e '.[test]'")
    code = BEGIN + "import anyio, anyio.to_thread\n" * (library == "anyio") + GIVE_UP[library]
    with command(*python, "-Wignore", "-c", code, event.name) as process:
        assert process.stdout.readline() == "gave up\n"
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0.5)
        event.set()
        assert process.wait(DEADLINE) == 0
