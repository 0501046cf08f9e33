"""Programs that know nothing of SystemEvent take part through the semaphore's functions.

They set it with sem_post, clear it with sem_trywait, and wait with sem_wait and sem_post.
"""

import contextlib
import functools
import random

import posix_ipc
import pytest
from processes import command, peer, peers, until_asleep, worker, workers

#: Python's binding of the same functions, as another foreign program.
posix_semaphore = functools.partial(posix_ipc.Semaphore, flags=posix_ipc.O_CREAT, mode=0o666)


@contextlib.contextmanager
def everybody_waits(event, peer_program, scripts):
    """20 Python processes, 5 C programs and an evt_wait are asleep; all are released in the end."""
    with (
        workers(20, event.wait) as them,
        peers(5, peer_program, "ours", event.name) as programs,
        command(scripts / "evt_wait", event.name) as evt_wait,
    ):
        for program in programs:
            program.tell("wait")
        until_asleep(*[one.pid for one in (*them, *programs, evt_wait)])
        yield
        assert [one.result() for one in them] == [True] * 20
        assert [program.answer() for program in programs] == [1] * 5
        assert evt_wait.wait(60) == 0


@pytest.mark.one_mode
def test_post_sets(event, peer_program):
    """sem_post sets the event: for is_set() and for wait()."""
    with peer(peer_program, "foreign", event.name) as program:
        program.ask("post")
        assert [event.is_set(), event.wait(), event.wait(0.01)] == [True] * 3


def test_one_post_releases_everybody(event, peer_program, scripts):
    """One sem_post by a C program releases all who wait: Python, C, and evt_wait."""
    with (
        peer(peer_program, "foreign", event.name) as program,
        everybody_waits(event, peer_program, scripts),
    ):
        program.ask("post")
    assert event.is_set()


def test_one_post_by_posix_ipc_releases_everybody(event, peer_program, scripts):
    """One release() of a posix_ipc.Semaphore releases all who wait."""
    with everybody_waits(event, peer_program, scripts):
        posix_semaphore(f"/SystemEvent.{event.name}").release()
    assert event.is_set()


def test_set_by_c_releases_everybody(event, peer_program, scripts):
    """systemevent_set in a C program releases all who wait."""
    with (
        peer(peer_program, "ours", event.name) as program,
        everybody_waits(event, peer_program, scripts),
    ):
        program.ask("set")
    assert event.is_set()


@pytest.mark.one_mode
@pytest.mark.parametrize("sets", [1, 5])
def test_value(event, peer_program, sets):
    """The semaphore's value is 0 while the event is clear, and 1 after any number of set()."""
    with peer(peer_program, "foreign", event.name) as program:
        assert program.ask("getvalue") == 0
        for _ in range(sets):
            event.set()
        assert program.ask("getvalue") == 1
        event.clear()
        assert program.ask("getvalue") == 0


@pytest.mark.one_mode
def test_trywait_clears(event, peer_program):
    """sem_trywait clears the event that set() has set, and says that it is clear then."""
    with peer(peer_program, "foreign", event.name) as program:
        for _ in range(5):
            event.set()
        assert program.ask("trywait") == 1
        assert [event.is_set(), event.wait(0), event.wait(0.01)] == [False] * 3
        assert program.ask("trywait") == 0


@pytest.mark.one_mode
def test_clear_after_posts(event, peer_program):
    """One clear() clears the event, however often a foreign program has posted."""
    with peer(peer_program, "foreign", event.name) as program:
        for _ in range(5):
            program.ask("post")
        event.clear()
        assert program.ask("getvalue") == 0


def test_set_releases_foreign_waiters(event, peer_program):
    """set() releases all foreign programs that wait with sem_wait and sem_post, one another."""
    with peers(5, peer_program, "foreign", event.name) as programs:
        with worker(lambda: posix_wait(event.name)) as python:
            for program in programs:
                program.tell("wait")
            until_asleep(python.pid, *[program.pid for program in programs])
            event.set()
            assert [program.answer() for program in programs] == [1] * 5
            python.result()
        assert programs[0].ask("getvalue") == 1
    assert event.is_set()


def posix_wait(name):
    """Wait with a posix_ipc.Semaphore, as a turnstile."""
    semaphore = posix_semaphore(f"/SystemEvent.{name}")
    semaphore.acquire()
    semaphore.release()


def test_mixed_waiters_and_posts(event, peer_program, scripts):
    """In 50 rounds, a post or set() by anybody releases ours and foreign waiters, all mixed."""
    seed = random.randrange(2**32)
    choose = random.Random(seed)
    with (
        peers(4, peer_program, "foreign", event.name) as foreign,
        peers(4, peer_program, "ours", event.name) as ours,
        peer(peer_program, "foreign", event.name) as poster,
        peer(peer_program, "ours", event.name) as setter,
    ):
        setters = [lambda: poster.ask("post"), lambda: setter.ask("set"), event.set]
        for i in range(50):
            waiting = choose.sample(foreign + ours, 8)
            with workers(3, event.wait) as them:
                for program in waiting:
                    program.tell("wait")
                    until_asleep(program.pid)  # so this is the order in which they sleep
                until_asleep(*[one.pid for one in them])
                choose.choice(setters)()
                answers = [program.answer() for program in waiting]
                results = [one.result() for one in them]
            assert (answers, results) == ([1] * 8, [True] * 3), f"seed {seed}, round {i}"
            event.clear()
            assert not event.is_set(), f"seed {seed}, round {i}"
