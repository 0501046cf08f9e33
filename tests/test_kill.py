"""SIGKILL of waiters, setters, clearers and readers: nothing is lost, and nobody hangs.

Where exactly they are killed is test_kill_points.py's subject; here it is asleep, and at random.
"""

import mmap
import random
import signal
import time

import pytest
from processes import until, until_asleep, worker, workers

from systemevent import SystemEvent

pytestmark = [pytest.mark.anywhere, pytest.mark.one_python]


def kill(*them):
    """SIGKILL them, and wait for their end."""
    for one in them:
        one.signal(signal.SIGKILL)
    for one in them:
        assert one.reap() == -signal.SIGKILL


def call(function, *args):
    """What it returns in another process, where it cannot hang the tests."""
    with worker(function, *args) as another:
        return another.result()


@pytest.mark.parametrize("killed", [1, 5, 19])
def test_sleeping_waiters_killed(event, killed):
    """set() returns, and releases the others, after some of 20 waiters were killed asleep.

    multiprocessing.Event.set() waits for the dead for ever (cpython gh-75158, gh-123899).
    """
    seed = random.randrange(2**32)
    with workers(20, event.wait) as them:
        until_asleep(*[one.pid for one in them])
        victims = random.Random(seed).sample(them, killed)
        kill(*victims)
        call(event.set)
        assert [one.result() for one in them if one not in victims] == [True] * (20 - killed), seed
    assert event.is_set()


def use_at_random(seed, event):
    """Call one method of the event after the other."""
    choose = random.Random(seed)
    waits = [lambda: event.wait(0), lambda: event.wait(0.0002), lambda: event.wait(0.002)]
    while True:
        choose.choice([event.set, event.clear, event.is_set, *waits])()


def count_passages(i, event, passed):
    """Wait again and again, and count."""
    while event.wait():
        passed[i] += 1


def test_killed_at_random_moments(event, times):
    """After each of 1,000 kills at random moments the others go on, and nobody sleeps if set."""
    seed = random.randrange(2**32)
    choose = random.Random(seed)
    passed = memoryview(mmap.mmap(-1, 8 * 2)).cast("q")
    with workers(range(2), count_passages, event, passed) as survivors:
        pids = [one.pid for one in survivors]
        for i in range(times(125)):
            with workers(range(seed + 8 * i, seed + 8 * i + 8), use_at_random, event) as victims:
                time.sleep(choose.uniform(0, 0.01))  # the moment of the kill; no condition
                for victim in choose.sample(victims, 8):
                    kill(victim)
            everybody = f"everybody passes the set event (seed {seed}, round {i})"
            call(event.set)
            before = list(passed)
            until(lambda old=before: all(map(int.__gt__, passed, old)), everybody)
            call(event.clear)
            until_asleep(*pids)
            assert call(event.is_set) is False, f"seed {seed}, round {i}"
            assert call(event.wait, 0) is False, f"seed {seed}, round {i}"


def look_for_ever(event):
    """Call is_set() again and again."""
    while True:
        event.is_set()


@pytest.mark.one_mode
def test_killed_in_a_loop_of_is_set(event, times):
    """Nobody hangs after a process was killed that called is_set() again and again.

    In 6 to 13 of 20 attempts, everybody who uses the multiprocessing.Event hangs then.
    """

    def use():
        event.set()
        assert event.wait()
        event.clear()
        assert not event.is_set()

    for _ in range(times(40)):
        with workers(2, look_for_ever, event) as victims:
            for victim in victims:
                until(lambda pid=victim.pid: cpu_time(pid) > 0, "it is looping")
            kill(*victims)
        call(use)


def cpu_time(pid):
    """The processor time that the process has used, in clock ticks."""
    with open(f"/proc/{pid}/stat") as file:
        return int(file.read().rpartition(")")[2].split()[11])


def test_reused_after_a_kill(event):
    """A process that starts after everybody was killed finds the event as it was left."""

    def set_and_stay():
        SystemEvent(event.name).set()
        time.sleep(3600)

    with worker(set_and_stay) as victim:
        until(event.is_set, "it is set")
        kill(victim)
    assert call(SystemEvent(event.name).is_set) is True
