"""Programs that know nothing of SystemEvent beside wait_any and wait_all; and killed waiters."""

import random
import signal

import pytest
from processes import peer, peers, until_asleep, worker, workers
from several import BOTH, any_names, for_any, names, needs_futex_waitv, pulse

from systemevent import SystemEvent, wait_all, wait_any

pytestmark = pytest.mark.one_python

one_mode = for_any[0]
in_sets = [[0, 1], [1, 0], [0, 1, 2], [0, 2], [0], [3, 0, 3], [1, 2, 0, 3], [0, *range(4, 70)]]


@one_mode
@needs_futex_waitv
def test_one_post_releases_all_who_wait_for_it(new_events, peer_program):
    """One sem_post of one event releases all who wait for it, with whatever others and in whatever
    place, and nobody else."""
    events = new_events(70)
    sets = [[events[i] for i in indices] for indices in in_sets]
    for _ in range(3):
        with (
            peer(peer_program, "foreign", events[0].name) as program,
            workers(range(len(sets)), lambda i: any_names(sets[i])) as them,
            worker(any_names, events[1:4]) as other,
            peers(2, peer_program, "ours", events[0].name) as ours,
        ):
            for one in ours:
                one.tell("wait")
            until_asleep(other.pid, *[one.pid for one in (*ours, *them)])
            program.ask("post")
            assert [one.result() for one in them] == [names(events[0])] * len(sets)
            assert [one.answer() for one in ours] == [1, 1]
            until_asleep(other.pid)
            events[3].set()
            assert other.result() == names(events[3])
        events[0].clear()
        events[3].clear()


@one_mode
@needs_futex_waitv
def test_foreign_pulse_of_an_event_that_is_given_twice(new_events, peer_program):
    """It is returned twice, also if the pulse is over when the waiter looks."""
    one, other = new_events(2)
    with peer(peer_program, "foreign", one.name) as program:
        for _ in range(40):
            with worker(any_names, [one, other, one]) as waiter:
                until_asleep(waiter.pid)
                program.tell("post", "trywait")
                assert [program.answer(), program.answer()] == [0, 1]
                assert waiter.result() == names(one, one)


@one_mode
@needs_futex_waitv
def test_two_posts_at_once(new_events, peer_program):
    """Two posts of different events, each of which wakes one sleeper only, release all: whoever is
    woken by both passes both on."""
    one, other = new_events(2)
    with (
        peer(peer_program, "foreign", one.name) as poster,
        peer(peer_program, "foreign", other.name) as other_poster,
    ):
        for _ in range(12):
            with (
                workers(2, any_names, [one, other]) as both,
                workers(2, one.wait) as waiters,
                workers(2, any_names, [other]) as others,
            ):
                everybody = (*both, *waiters, *others)
                until_asleep(*[each.pid for each in everybody])
                poster.tell("post")
                other_poster.tell("post")
                assert (poster.answer(), other_poster.answer()) == (0, 0)
                for each in both:
                    result = each.result()
                    assert result
                    assert set(result) <= {one.name, other.name}
                assert [each.result() for each in waiters] == [True] * 2
                assert [each.result() for each in others] == [names(other)] * 2
            one.clear()
            other.clear()


def test_posts_release_wait_all(new_events, peer_program):
    """wait_all of several processes, with different sets, is released by the post of the last."""
    events = new_events(4)
    sets = [[0, 1, 2], [2, 1, 0], [2], [0, 2], [2, 3]]
    with (
        peer(peer_program, "foreign", events[2].name) as poster,
        workers(range(5), lambda i: wait_all([events[j] for j in sets[i]])) as them,
    ):
        events[0].set()
        events[1].set()
        until_asleep(*[one.pid for one in them])
        poster.ask("post")
        assert [one.result() for one in them[:4]] == [True] * 4
        until_asleep(them[4].pid)
        events[3].set()
        assert them[4].result() is True


@one_mode
@BOTH
@needs_futex_waitv
def test_trywait_clears(new_events, wait, peer_program):
    """An event that sem_trywait has cleared is clear."""
    one, other = new_events(2)
    with peer(peer_program, "foreign", one.name) as program:
        one.set()
        other.set()
        assert program.ask("trywait") == 1
        assert wait([one, other], 0) == ([other] if wait is wait_any else False)
        program.ask("post")
        assert wait([one, other], 0)


@one_mode
@BOTH
@needs_futex_waitv
@pytest.mark.parametrize("count", [1, 2, 64])
def test_foreign_waiters_that_come_and_go(new_events, wait, count, peer_program):
    """Foreign waiters that begin and give up change the word, and end no wait."""
    events = new_events(count)
    with (
        peer(peer_program, "foreign", events[0].name) as program,
        worker(lambda: bool(wait(events))) as one,
    ):
        for _ in range(20):
            until_asleep(one.pid)
            assert program.ask("wait:0.001") == 0
        assert wait(events, 0.001) == ([] if wait is wait_any else False)
        until_asleep(one.pid)
        for event in events:
            event.set()
        assert one.result() is True


# ---- SIGKILL ---------------------------------------------------------------------------------


@one_mode
@BOTH
@needs_futex_waitv
@pytest.mark.parametrize("killed", [1, 7, 11])
@pytest.mark.parametrize("count", [1, 3, 64])
def test_killed_waiters(new_events, wait, killed, count):
    """set() and pulses release the others after some of 12 waiters were killed asleep."""
    seed = random.randrange(2**32)
    choose = random.Random(seed)
    for release in SystemEvent.set, pulse:
        events = new_events(count)
        if wait is wait_all:
            for event in events[:-1]:
                event.set()
        with workers(12, lambda events=events: bool(wait(events))) as them:
            until_asleep(*[one.pid for one in them])
            victims = choose.sample(them, killed)
            for victim in victims:
                victim.signal(signal.SIGKILL)
            for victim in victims:
                assert victim.reap() == -signal.SIGKILL
            release(events[-1])
            left = [one.result() for one in them if one not in victims]
            assert left == [True] * (12 - killed), f"seed {seed}"


@one_mode
@needs_futex_waitv
def test_killed_after_a_post(new_events, peer_program):
    """The same after a sem_post; it wakes one sleeper, who is not among the killed."""
    one, other = new_events(2)
    with (
        peer(peer_program, "foreign", one.name) as poster,
        workers(9, any_names, [other, one]) as them,
    ):
        until_asleep(*[each.pid for each in them])
        for victim in them[:8:2]:
            victim.signal(signal.SIGKILL)
            victim.reap()
        poster.ask("post")
        assert [each.result() for each in (*them[1::2], them[8])] == [names(one)] * 5
