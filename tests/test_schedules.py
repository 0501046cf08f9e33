"""wait_async and wait_any for many events, in every interleaving of few threads.

What is played is in harness/plays.py.
"""

import pytest
from harness.plays import (
    ASYNCIO,
    MANY,
    again_and_again,
    all_cancelled,
    more_than_one_sleep,
    one_pulse,
    same_turn,
    stays,
    timeout,
    two_events,
)
from harness.scheduler import Failed, explore, replay
from harness.simulated_loop import load

pytestmark = [pytest.mark.one_mode, pytest.mark.one_python]

#: More schedules than any play has, within its preemptions.
MOST = 30_000


@pytest.mark.parametrize("play", ASYNCIO, ids=lambda play: play.__name__)
def test_wait_async(play):
    """No schedule loses a wake-up, invents one, or leaves a thread behind."""
    module = load("_aio")
    assert explore(lambda scheduler: play(module, scheduler), ASYNCIO[play], MOST) > 10


@pytest.mark.parametrize("name", MANY)
def test_many(name):
    """Nor does a wait for any of more events than one sleep holds."""
    module = load("_many")
    play, preemptions = MANY[name]
    assert explore(lambda scheduler: play(module, scheduler), preemptions, MOST) > 50


WHAT = "            # What"
DISCARD = "                group.discard"
THEN_WATCH = """\
                        wait.future.set_result(True)
            pending.watch = watch.again()
            self._of_watch[pending.watch] = pending
"""

#: What is wrong -> the play that must fail, and the texts that make it so.
ASYNCIO_MUTANTS = {
    "lost control word: read after the orders": (
        two_events,
        ("seen = self._control.value  # before", "pass  # before"),
        ("watches, begun = orders", "seen = self._control.value; watches, begun = orders"),
    ),
    "lost control word: not changed with the orders": (
        two_events,
        ("self._turn = turn\n            self._control.change()", "self._turn = turn"),
    ),
    "leaked thread: the last wait ends, the orders stay": (
        all_cancelled,
        ("                self._change(sleeper)\n                group.discard", DISCARD),
    ),
    "leaked thread: it sleeps on nothing": (
        all_cancelled,
        ("(watches, self._begun) if watches else None", "(watches, self._begun)"),
    ),
    "a thread that ends is taken for one that goes on": (
        again_and_again,
        ("self._turn = None\n                    return", "return"),
    ),
    "a report is not answered by new orders": (
        stays,
        ("self._change(sleeper)  # in any case", "pass  # in any case"),
    ),
    "every wait believes the wake-up": (
        one_pulse,
        ("if wait.number <= believed or wait.watch.happened():", "if True:"),
    ),
    "a wake-up is believed that is older than the orders": (
        same_turn,
        ("believed = 0 if watch.happened() else begun", "believed = begun"),
    ),
    "the new watch begins after the looks": (
        stays,
        ("            pending.watch = watch.again()\n", ""),
        ("            self._of_watch[pending.watch] = pending\n            # What", WHAT),
        ("                        wait.future.set_result(True)\n", THEN_WATCH),
    ),
    "a timeout does not look again": (
        timeout,
        ("self.future.set_result(self.watch.happened())", "self.future.set_result(False)"),
    ),
    "events are not moved to a thread with room": (
        more_than_one_sleep,
        ("for pending in group:\n                self._place(pending)", "pass"),
    ),
}
MANY_MUTANTS = {
    "what a thread finds does not end the caller's sleep": (
        "pulse in a thread's sleep",
        ("errors.append(error)\n        found.change()", "errors.append(error)"),
    ),
    "the caller's end does not end the threads": (
        "pulse in the caller's sleep",
        ("        done.change()\n", ""),
    ),
    "the control word is read after the threads have begun": (
        "pulse in a thread's sleep",
        ("sleep(0, found, seen_found, timeout)", "sleep(0, found, found.value, timeout)"),
    ),
    "each thread watches from its own beginning on": (
        "pulse in a thread's sleep",
        ("watches[start : start + ANY_MAX]", "tuple(map(Watch, events[start : start + ANY_MAX]))"),
    ),
    "a wake-up is not believed": (
        "foreign pulse, then set",
        ("if i in woken or watch.happened()", "if watch.happened()"),
    ),
}


def caught(play, preemptions, name, mutant):
    """The failure of a mutant in this play."""
    module = load(name, *mutant)
    with pytest.raises(Failed) as failed:
        explore(lambda scheduler: play(module, scheduler), preemptions, MOST)
    return failed.value.choices


@pytest.mark.parametrize("name", ASYNCIO_MUTANTS)
def test_asyncio_mutants(name):
    """Each is caught; and its choices, played again, fail again."""
    play, *mutant = ASYNCIO_MUTANTS[name]
    preemptions = ASYNCIO[play]
    choices = caught(play, preemptions, "_aio", mutant)
    module = load("_aio", *mutant)
    with pytest.raises(Failed) as again:
        replay(lambda scheduler: play(module, scheduler), choices, preemptions)
    assert again.value.choices == choices


@pytest.mark.parametrize("name", MANY_MUTANTS)
def test_many_mutants(name):
    """Each is caught."""
    play, *mutant = MANY_MUTANTS[name]
    caught(*MANY[play], "_many", mutant)
