"""The protocol of _redis_waits.py against a model of a server: all schedules up to a length.

In each of them, whatever happens between and during the steps of a wait: it says True only of what
was true at some instant of it, it misses nothing that the server has kept, and it says False only
after a look that the server read at the deadline or later. Wrong protocols are caught.
"""

import pytest
from redis_model import Model, Violation, protocol

pytestmark = [pytest.mark.one_mode, pytest.mark.one_python]

ONE = "scxlnbtaor"
TWO = "sScCxlnbtao"
TIMEOUT = 10.0


def explore(module, kind, count, timeout, length, actions, before=""):
    """Run all schedules up to that length; how many there are. Raises Violation, with the first."""
    runs = 0

    def replay(schedule):
        model = Model(module, kind, count, timeout, before)
        did_something = [model.do(action) for action in schedule]
        return model, did_something[-1]

    def go_on(schedule):
        nonlocal runs
        for action in actions:
            runs += 1
            longer = schedule + action
            try:
                model, did_something = replay(longer)
            except Violation as error:
                raise Violation(f"{error}: {kind} of {count}, {before!r}, {longer!r}") from None
            if did_something and not model.is_over and len(longer) < length:
                go_on(longer)

    go_on("")
    return runs


WAITS = {
    "any of one": ("any", 1, ONE, ("", "s", "sc", "scs")),
    "all of one": ("all", 1, ONE, ("", "s", "sc", "scs")),
    "any of two": ("any", 2, TWO, ("", "S", "scSC", "SCS")),
    "all of two": ("all", 2, TWO, ("", "S", "sSC", "scSC", "SCS")),
}


def explore_all(module, waits):
    """Waits of these kinds, with every kind of timeout, on every kind of history."""
    runs = 0
    for wait in waits:
        kind, count, actions, histories = WAITS[wait]
        for timeout in TIMEOUT, None, 0:
            length = 6 if timeout or count == 1 else 5
            for before in histories:
                runs += explore(module, kind, count, timeout, length, actions, before)
    return runs


@pytest.mark.parametrize("wait", WAITS)
def test_all_schedules(wait):
    """No schedule makes it say what is not true, or miss what has happened."""
    assert explore_all(protocol(), [wait]) > 100_000


def test_longer_schedules():
    """Nor do longer ones of one event."""
    assert explore(protocol(), "any", 1, TIMEOUT, 7, ONE, "sc") > 90_000


MUTANTS = {
    "newer ids are ignored": [("newer = self._seen is not None and", "newer = False and")],
    "smaller ids are believed": [("identity > self._newest[i]", "identity != self._newest[i]")],
    "what comes back in a block is believed": [("|= self.ids[i] == self._newest[i]", "= True")],
    "any: what ends a block is ignored": [
        ("            self._happened[i] |= self.ids[i] == self._newest[i]", "            pass")
    ],
    "no look after the last block": [
        (
            "        over = is_counting and rest is not None and rest <= 0",
            "        if is_counting and rest is not None and rest <= 0:\n            return",
        )
    ],
    "a look of before the deadline is the last": [
        (
            "            if rest is None or rest > 0:\n",
            "            if rest is not None and rest <= 0:\n"
            "                return\n"
            "            if True:\n",
        )
    ],
    "a wait without a limit ends": [(" or over:", " or rest is None:")],
    "the time begins before the first answer": [
        ("    deadline: int | None = None\n", "    deadline = deadline_of(timeout)\n"),
        (
            "                deadline = deadline_of(timeout)\n                is_limited = is_c",
            "                is_limited = is_c",
        ),
    ],
    "any: blocks begin with the first entry": [
        ("Block(seen.ids,", "Block([(0, 0) for _ in seen.ids],")
    ],
    "the first look after an outage is a first look": [
        (
            "            if seen.happened:",
            "            seen._seen = None\n            if seen.happened:",
        )
    ],
    "an outage ends the wait": [("if rest is not None and rest <= 0:\n", "if True:\n")],
    "any: an outage ends what is known": [
        ("            if seen.happened:", "            if False:")
    ],
    "all: however many have changed": [
        ("if len(changed) == 1:", "if changed:"),
        ("(one,) = changed", "one = changed[-1]"),
    ],
    "all: smaller ids are believed": [("entries[one][0] > self._newest[one]", "True")],
    "all: whatever the others are": [("all(others) and", "True and")],
    "all: only what is set at a look": [("if len(changed) == 1:", "if False:")],
    "all: what was set once": [
        ("self.happened = all(is_set for _, is_set in entries)", "self.happened |= entries[-1][1]")
    ],
}


@pytest.mark.parametrize("mutant", MUTANTS)
def test_mutants_are_caught(mutant):
    """A wrong protocol is caught."""
    waits = {"all": ["all of two"], "any": ["any of two"]}.get(mutant[:3], ["any of one"])
    with pytest.raises(Violation):
        explore_all(protocol(*MUTANTS[mutant]), waits)


@pytest.mark.parametrize(
    ("before", "schedule", "what"),
    [
        ("sc", "xala", "True of an event that was not set"),
        ("", "asoxaa", "waits for what has happened"),
    ],
)
def test_unlink_that_deletes(before, schedule, what):
    """Why unlink() clears the event, and has its key deleted later only. If the server loses the
    deletion, the old entry is newer than none; and set() and unlink() leave nothing to see."""
    model = Model(protocol(), "any", 1, None, before, deletes=True)
    for action in schedule[:-1]:
        model.do(action)
    with pytest.raises(Violation, match=what):
        model.do(schedule[-1])


@pytest.mark.parametrize(
    ("kind", "count", "before", "right", "wrong"),
    [
        ("any", 1, "sc", "identity > self._newest[i]", "identity > self._seen[i][0]"),
        ("all", 2, "sSC", "[0] > self._newest[one]", "[0] > self._seen[one][0]"),
    ],
)
def test_what_comes_back_is_no_news(kind, count, before, right, wrong):
    """The server loses a set() and a clear() that the waiter knows; it looks; they come back. Who
    compares with the last look believes that there was a set()."""

    def play(module):
        model = Model(module, kind, count, None, before)
        assert all(model.do(action) for action in "anaabaa")
        return model.is_over

    assert not play(protocol())
    with pytest.raises(Violation, match="^True of"):
        play(protocol((right, wrong)))


@pytest.mark.parametrize(("answer", "outcome"), [("a", [False]), ("o", ConnectionError)])
def test_a_connection_that_ends_at_the_deadline(answer, outcome):
    """Who blocks on it learns of that when the time is over: whether the server can be asked is
    known by asking."""
    module = protocol()
    model = Model(module, "any", 1, TIMEOUT, "")
    assert all(model.do(action) for action in "ato")
    assert not model.is_over, "it has not asked"
    assert all(model.do(action) for action in f"a{answer}")
    assert model.is_over
    assert model.outcome == outcome


class Clock:
    """Drives a wait for one event that stays clear, and notes how long it pauses."""

    def __init__(self, timeout=None):
        module = protocol()
        self._module, self._now = module, 0
        module.monotonic_ns = lambda: self._now
        module.deadline_of = lambda timeout: timeout and self._now + int(timeout * 1e9)
        self.steps = module.waiting(module.Any(1), timeout)
        self._step = next(self.steps)
        self.pauses = []

    def look_and_block(self, seconds, error=None):
        """The server is asked, and a Block ends after so many seconds, in that error or in none."""
        module = self._module
        self._step = self.steps.send([module.NEVER])
        self._now += int(seconds * 1e9)
        self._step = self.steps.throw(module.Outage(error)) if error else self.steps.send([])
        while isinstance(self._step, module.Pause):
            self.pauses.append(self._step.seconds)
            self._now += int(self._step.seconds * 1e9)
            self._step = next(self.steps)


@pytest.mark.parametrize("error", [None, ConnectionError("closed")])
def test_pauses_if_only_blocking_fails(error):
    """A server that answers looks, but ends each block at once, is asked less and less often."""
    clock = Clock()
    for _ in range(9):
        clock.look_and_block(0.001, error)
    assert clock.pauses == [0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1, 1]
    clock.look_and_block(30)  # now it lets us wait
    clock.look_and_block(0.001, error)
    assert clock.pauses[9:] == [0.01]


def test_pauses_do_not_grow_if_blocks_last():
    """Who cuts each connection after a while lets us wait: the pauses stay short."""
    clock = Clock()
    for _ in range(9):
        clock.look_and_block(10, ConnectionError("cut"))
    assert clock.pauses == [0.01] * 9


def test_pauses_end_in_time():
    """A pause is not longer than what is left of the time limit."""
    clock = Clock(timeout=0.05)
    for _ in range(3):
        clock.look_and_block(0.001)
    assert clock.pauses == [0.01, 0.02, pytest.approx(0.017)]
