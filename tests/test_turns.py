"""Tests that are marked "alone" run while no other test does."""

import contextlib
import signal
from pathlib import Path

import pytest
from processes import until, worker
from turns import Turns

pytestmark = [pytest.mark.one_mode, pytest.mark.one_python]


def play(path, alone, entered, leave):
    """Be on the stage until `leave` is set; `entered` is set there."""
    turns = Turns(path)
    with turns.turn(alone):
        entered.set()
        leave.wait()
    turns.close()


def until_locked_out(one):
    """Return when that process waits for a lock of a file."""

    def waits():
        locks = Path("/proc/locks").read_text().splitlines()
        return any("->" in line and str(one.pid) in line.split() for line in locks)

    until(waits, "it waits for its turn")


@pytest.fixture
def player(tmp_path, new_events):
    """A function that sends another process on the stage: it, and its events."""
    with contextlib.ExitStack() as ends:

        def player(alone=False):
            events = new_events(2)
            one = worker(play, tmp_path / "turns", alone, *events)
            ends.callback(events[1].set)
            return ends.enter_context(one), *events

        yield player


def test_side_by_side(player):
    """Those that need not be alone are there together."""
    players = [player() for _ in range(3)]
    assert all(entered.wait(60) for _, entered, _ in players)


def test_alone(player):
    """Who wants to be alone comes when all have left, and before those that came later."""
    _, entered, leave = player()
    assert entered.wait(60)
    alone, alone_entered, alone_leave = player(alone=True)
    until_locked_out(alone)
    later, later_entered, later_leave = player()
    until_locked_out(later)
    assert not alone_entered.is_set()
    leave.set()
    assert alone_entered.wait(60)
    assert not later_entered.is_set()
    alone_leave.set()
    assert later_entered.wait(60)
    later_leave.set()


def test_killed(player):
    """Who is killed there has left."""
    one, entered, _ = player(alone=True)
    assert entered.wait(60)
    one.signal(signal.SIGKILL)
    one.reap()
    other, entered, _ = player(alone=True)
    assert entered.wait(60)
