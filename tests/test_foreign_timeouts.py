"""Time-outs beside foreign programs: not early, not on account of their waiters, not after a post.

The word that our waiters sleep on also holds the number of foreign waiters; and a foreign post
wakes one of our waiters only, so that others may time out before that one has passed it on.
"""

import random
import signal
import time

import pytest
from injection import injected
from processes import is_asleep, peer, state_of, until, until_asleep, worker, workers

from systemevent import SystemEvent

pytestmark = pytest.mark.one_python

#: The system call that wait() sleeps in.
SLEEP = {"futex_waitv": "futex_waitv", "futex_wait": "futex"}


def timed_wait(i, name, timeouts):
    """What wait(timeouts[i]) returned, when it began and when it ended."""
    event = SystemEvent(name)
    began = time.monotonic()
    result = event.wait(timeouts[i])
    return result, began, time.monotonic()


def nudge(waiter):
    """Stop it, and let it continue: the kernel looks again at the word that it sleeps on."""
    waiter.signal(signal.SIGSTOP)
    until(lambda: state_of(waiter.pid) in "TZ", "the waiter is stopped, or has ended")
    waiter.signal(signal.SIGCONT)


def test_foreign_waiters_do_not_end_a_wait(event, peer_program):
    """A wait() sleeps on while foreign waiters come and go, until the next set()."""
    with peer(peer_program, "foreign", event.name) as program, worker(event.wait) as waiter:
        until_asleep(waiter.pid)
        for _ in range(20):
            program.tell("wait:0.005")
            nudge(waiter)
            assert program.answer() == 0
            nudge(waiter)
            until_asleep(waiter.pid)
        event.set()
        assert waiter.result() is True


def test_foreign_waiters_do_not_shorten_a_wait(event, peer_program):
    """A wait(timeout) returns False, and not early, while foreign waiters come and go."""
    with (
        peer(peer_program, "foreign", event.name) as program,
        worker(timed_wait, 0, event.name, [0.5]) as waiter,
    ):
        while state_of(waiter.pid) != "Z":
            program.tell("wait:0.005")
            nudge(waiter)
            assert program.answer() == 0
            nudge(waiter)
        result, began, ended = waiter.result()
        assert result is False
        assert ended - began >= 0.5


@pytest.mark.usefixtures("injection")
def test_timeout_before_a_post_is_passed_on(event, peer_program, sleeping_mode):
    """A wait(timeout) that ends after a post says True, also if the woken one has not passed it on.

    The one that sem_post wakes is held at the exit of its sleep, until all others have timed out.
    """
    inject = f"{SLEEP[sleeping_mode]}:delay_exit={600 * 1_000_000}"
    with (
        peer(peer_program, "foreign", event.name) as program,
        injected(event.wait, inject=[inject]) as first,
    ):
        until_asleep(first.pid)
        with workers(range(5), timed_wait, event.name, [1.0] * 5) as them:
            for one in them:  # whose time may be over, on a machine that stood still
                until(lambda one=one: one.has_answered() or is_asleep(one.pid), "it is asleep")
            program.ask("post")
            posted = time.monotonic()
            for one in them:
                result, began, _ = one.result()
                assert result or began + 1.0 <= posted, f"posted at {posted}, waited from {began}"


def test_time_outs_race_a_post(event, peer_program):
    """Who says False has done so before the post: in 50 rounds, at about the deadlines of 8."""
    seed = random.randrange(2**32)
    choose = random.Random(seed)
    with peer(peer_program, "foreign", event.name) as program:
        for i in range(50):
            timeouts = [0.02 + choose.uniform(0, 0.002) for _ in range(8)]
            with workers(range(8), timed_wait, event.name, timeouts) as them:
                time.sleep(choose.uniform(0.015, 0.035))  # when the post comes; no condition
                before = time.monotonic()
                program.ask("post")
                posted = time.monotonic()
                for one, timeout in zip(them, timeouts, strict=True):
                    result, began, ended = one.result()
                    said = f"{result} after {ended - began} of {timeout}, seed {seed}, round {i}"
                    if result:
                        assert ended >= before, said
                    else:
                        assert timeout <= ended - began, said
                        assert began + timeout <= posted, said
            event.clear()
