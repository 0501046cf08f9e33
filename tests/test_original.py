"""Old and new installations meet: SystemEvent 1.0.1 and this version are on the same event."""

import os
import stat

import pytest
from original import OriginalSystemEvent
from processes import DEADLINE, until_asleep, worker, workers

from systemevent import SystemEvent

KINDS = [OriginalSystemEvent, SystemEvent]
#: One version acts, the other one notices.
BOTH_WAYS = pytest.mark.parametrize(("actor", "observer"), [KINDS, KINDS[::-1]])


def ask(kind, name, method, *arguments):
    """What a method of the event returns in another process."""
    with worker(lambda: getattr(kind(name), method)(*arguments)) as another:
        return another.result()


@BOTH_WAYS
@pytest.mark.one_mode
def test_a_new_event_is_clear(name, actor, observer):
    """An event that the one creates is the same, and clear, for the other."""
    actor(name)
    assert ask(observer, name, "isSet") is False
    assert ask(observer, name, "wait", 0) is False
    assert stat.S_ISREG(os.stat(f"/dev/shm/sem.SystemEvent.{name}").st_mode)
    observer(name).set()
    assert ask(actor, name, "isSet") is True


@BOTH_WAYS
@pytest.mark.one_mode
def test_set_is_seen(name, actor, observer):
    """After the one's set(), the other's isSet() and wait() return True, again and again."""
    event = observer(name)
    ask(actor, name, "set")
    assert [event.isSet(), event.wait(0), event.wait(0.01), event.wait(), event.isSet()] == [
        True
    ] * 5


@BOTH_WAYS
@pytest.mark.one_mode
@pytest.mark.parametrize("sets", [1, 5])
def test_clear_is_seen(name, actor, observer, sets):
    """After the one's clear(), the event is clear for the other, however often it was set."""
    event = observer(name)
    for i in range(sets):
        (event if i % 2 else actor(name)).set()
    assert event.isSet()
    ask(actor, name, "clear")
    assert [event.isSet(), event.wait(0), event.wait(0.01)] == [False] * 3


@BOTH_WAYS
def test_set_releases_waiters(name, actor, observer):
    """The one's set() releases all who wait with the other."""
    event = actor(name)
    with workers(5, lambda: observer(name).wait()) as them:
        until_asleep(*[one.pid for one in them])
        event.set()
        assert [one.result() for one in them] == [True] * 5
    assert event.isSet()


@pytest.mark.parametrize("kind", KINDS)
def test_set_releases_waiters_of_both(name, kind):
    """A set() by either version releases waiters of both versions, mixed."""
    event = kind(name)
    with workers(range(10), lambda i: KINDS[i % 2](name).wait()) as them:
        until_asleep(*[one.pid for one in them])
        event.set()
        assert [one.result() for one in them] == [True] * 10
    assert ask(KINDS[0], name, "isSet") is True
    assert ask(KINDS[1], name, "isSet") is True


@BOTH_WAYS
def test_timeout(name, actor, observer):
    """A wait(timeout) of the one returns False while the other waits, too; set() reaches that."""
    with worker(lambda: observer(name).wait()) as another:
        until_asleep(another.pid)
        assert actor(name).wait(0.01) is False
        until_asleep(another.pid)
        actor(name).set()
        assert another.result() is True


def answer(kind, question, reply, rounds):
    """Wait for the question, clear it, and reply, that many times."""
    questions, replies = kind(question), kind(reply)
    for _ in range(rounds):
        questions.wait()
        questions.clear()
        replies.set()


@BOTH_WAYS
def test_ping_pong(new_name, actor, observer):
    """The two versions play ping-pong over two events, and no ball is lost."""
    question, reply, rounds = new_name(), new_name(), 2000
    questions, replies = actor(question), actor(reply)
    with worker(answer, observer, question, reply, rounds) as another:
        for i in range(rounds):
            questions.set()
            assert replies.wait(DEADLINE), f"round {i}"
            replies.clear()
        another.result()
