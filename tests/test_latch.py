"""The event is a latch: one flag, set until a clear, clear until a set, whoever is waiting."""

import mmap
import os
import random
import subprocess
from pathlib import Path

import pytest
from processes import DEADLINE, receive, until, until_asleep, worker, workers

from systemevent import SystemEvent

pytestmark = pytest.mark.anywhere

HERE = Path(__file__).parent


def counters(count):
    """That many 64-bit integers, 0 at first, in memory that forked workers share."""
    return memoryview(mmap.mmap(-1, 8 * count)).cast("q")


def wait_once(name):
    """What wait() returns."""
    return SystemEvent(name).wait()


def wait_in_a_crowd(name, count, ready):
    """What wait() returned in `count` forked processes; one byte to `ready` when all are asleep."""
    with workers(count, wait_once, name) as them:
        until_asleep(*[one.pid for one in them])
        os.write(ready, b".")
        return [one.result() for one in them]


def test_one_set_releases_200_processes(event):
    """One set() releases 200 waiting processes, and wait() returns True in all of them."""
    with workers(200, wait_once, event.name) as them:
        until_asleep(*[one.pid for one in them])
        event.set()
        assert [one.result() for one in them] == [True] * 200


@pytest.mark.alone
@pytest.mark.here  # on a server: bench/machines.py
def test_one_set_releases_1000_processes(event):
    """One event has 1,000 waiting processes, and one set() releases them all (watchdog#846)."""
    ready, writer = os.pipe()
    with workers(10, wait_in_a_crowd, event.name, 100, writer) as crowds:
        receive(ready, 10)
        event.set()
        assert [crowd.result() for crowd in crowds] == [[True] * 100] * 10
    os.close(ready)
    os.close(writer)


@pytest.mark.one_mode
def test_five_sets_and_one_clear(event):
    """The event does not count: five set() and one clear() leave it clear (SystemEvent 1.0.1)."""
    for _ in range(5):
        event.set()
    event.clear()
    assert not event.is_set()


@pytest.mark.one_mode
def test_one_set_and_five_clears(event):
    """Surplus clear() are not owed: one set() sets the event after any number of them."""
    for _ in range(5):
        event.clear()
    event.set()
    assert event.is_set()


def look(i, name, scripts, looks, stop):
    """Look at a set event in the i-th of eight ways until `stop`; return how often it was clear."""
    event = SystemEvent(name)
    misses = 0
    while not stop[0]:
        if i < 2:
            seen = event.is_set()
        elif i < 4:
            seen = event.wait(0)
        elif i < 6:
            seen = event.wait()
        elif i == 6:
            seen = event.wait(DEADLINE)
        else:
            seen = subprocess.call([scripts / "evt_wait", name, "0"]) == 0
        misses += not seen
        looks[i] += 1
    return misses


def test_no_flicker(event, scripts):
    """No one finds a set event clear, whoever else is testing it and waiting (pevents#18)."""
    event.set()
    looks, stop = counters(8), counters(1)
    with workers(range(8), look, event.name, scripts, looks, stop) as them:
        for i in range(10):  # beside seven that do nothing else
            until(lambda i=i: looks[7] > i, f"evt_wait has run {i + 1} times")
        until(lambda: min(looks) > 0, "all have looked")
        stop[0] = 1
        assert [one.result() for one in them] == [0] * 8


def pass_through(i, name, passed):
    """Wait for the event again and again, and count."""
    event = SystemEvent(name)
    while event.wait():
        passed[i] += 1


def test_clear_means_clear(event, times):
    """After clear() the event stays clear until the next set(), whoever is passing through it."""
    seed = random.randrange(2**32)
    choose = random.Random(seed)
    passed = counters(6)
    with workers(range(6), pass_through, event.name, passed) as them:
        until_asleep(*[one.pid for one in them])
        for i in range(times(2_000)):
            event.set()
            for _ in range(choose.randrange(2)):
                os.sched_yield()
            event.clear()
            for _ in range(30):
                assert not event.is_set(), f"round {i}, seed {seed}"
        until_asleep(*[one.pid for one in them])
        assert not event.is_set()
        assert min(passed) > 0


def consume(name, shared, last):
    """Wait, clear, and acknowledge what is stored, until it is the last."""
    event = SystemEvent(name)
    while shared[1] < last:
        event.wait()
        event.clear()
        shared[1] = shared[0]


@pytest.mark.here
def test_what_is_stored_before_set_is_seen(event):
    """What a process stores before set(), another one sees after wait() and clear()."""
    shared = counters(2)  # what is stored; what was acknowledged
    rounds = 5_000
    with worker(consume, event.name, shared, 2 * rounds) as consumer:
        for i in range(2, 2 * rounds + 2, 2):
            shared[0] = i - 1
            event.set()
            shared[0] = i  # stored while the consumer may be about to clear the event
            event.set()
            until(lambda i=i: shared[1] == i, f"the consumer sees {i} (it has seen {shared[1]})")
        consumer.result()


@pytest.mark.here
def test_no_stored_value_is_missed(event, tmp_path):
    """In 200,000 rounds at full speed in C, no value stored before a set() is missed: the fence."""
    program = tmp_path / "fence"
    compiler = os.environ.get("CC", "cc")
    flags = ["-std=c99", "-O2", "-Wall", "-Wextra", "-Werror"]
    subprocess.run([compiler, *flags, HERE / "fence.c", "-o", program], check=True)
    run = [program, f"/SystemEvent.{event.name}", "200000", str(int(DEADLINE))]
    assert (
        subprocess.run(run, capture_output=True, text=True, check=False).stdout == "none missed\n"
    )
