"""The checker says what brute force says, and names what it rejects."""

import importlib
import random
import sys
from pathlib import Path

import pytest
from harness import stretches
from harness.checker import judge
from harness.history import Operation
from harness.liveness import complaints
from harness.model import is_legal_by_brute_force
from harness.sweep import sweep
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

pytestmark = [pytest.mark.one_mode, pytest.mark.one_python]

SHORT = settings(
    max_examples=400, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck)
)


def op(kind, invoked, returned, result=None, timeout=None, worker=0, died=None, looked=None):
    """A call; `returned` None: pending."""
    return Operation(worker, 0, kind, invoked, returned, died, timeout, result, looked)


@st.composite
def operations(draw):
    """One call with small integers as times."""
    kind = draw(st.sampled_from(["set", "clear", "is_set", "wait", "wait"]))
    invoked = draw(st.integers(0, 9))
    returned = draw(st.integers(invoked, 12))
    if draw(st.integers(0, 11)) == 0:
        return op(kind, invoked, None, died=draw(st.sampled_from([None, returned])))
    result = None if kind in ("set", "clear") else draw(st.booleans())
    timeout = None
    if kind == "wait":
        timeout = draw(st.sampled_from([None, -1, 0, 1, 2, 3, 4, 6, returned - invoked]))
    return op(kind, invoked, returned, result, timeout)


def numbered(calls):
    """The calls as those of one worker each."""
    return [call._replace(worker=i) for i, call in enumerate(calls)]


histories = st.lists(operations(), min_size=1, max_size=7).map(numbered)


@SHORT
@given(histories, st.integers(0, 2))
def test_the_checker_agrees_with_brute_force(history, epsilon):
    """Legal is what brute force finds an order for, and nothing else."""
    verdict = judge(history, epsilon)
    assert (verdict.kind == "legal") == is_legal_by_brute_force(history, epsilon)


@SHORT
@given(histories, st.integers(0, 2))
def test_a_window_shows_it_by_itself(history, epsilon):
    """The window of an illegal history is illegal, also by brute force if nothing is left out."""
    verdict = judge(history, epsilon)
    if verdict.kind != "illegal":
        return
    window = verdict.window
    assert window.culprit in window.evidence
    assert sweep(window.constraints, window.from_unknown).verdict == "illegal"
    if window.start is None and not window.hidden:
        shown = [
            each
            if each in window.evidence
            else each._replace(returned=None, died=each.returned or each.died)
            for each in window.operations
        ]
        assert not is_legal_by_brute_force(shown, epsilon)


def simulated(source, processes=4, calls=8):
    """A legal history: the calls act on a flag at instants that are known."""
    flag, edges, history = False, [], []
    instants = sorted(source.sample(range(2, 60), calls))
    for i, now in enumerate(instants):
        kind = source.choice(["set", "clear", "is_set", "wait"])
        if kind in ("set", "clear"):
            flag = kind == "set"
            edges.append((now, flag))
        invoked, returned = now - source.randint(0, 2), now + source.randint(0, 2)
        result = flag if kind in ("is_set", "wait") else None
        timeout = source.choice([0, -3]) if kind == "wait" and not flag else None
        history.append(Operation(i % processes, i, kind, invoked, returned, None, timeout, result))
    return history


@st.composite
def legal_histories(draw):
    """A legal history with time-outs: each call acts at instants that are drawn with it."""
    edges = sorted(draw(st.lists(st.integers(1, 12), max_size=4)))  # rise, fall, rise, ...
    source = draw(st.randoms(use_true_random=False))
    calls = []
    for i, at in enumerate(edges):
        calls.append(op("clear" if i % 2 else "set", at - source.randint(0, 2), at))
        calls[-1] = calls[-1]._replace(returned=at + source.randint(0, 2))
        if source.random() < 0.1:  # killed after it took effect
            calls[-1] = calls[-1]._replace(died=calls[-1].returned, returned=None)
    bounds = [0, *edges, 14]
    while len(calls) < 7:
        i = source.randrange(len(bounds) - 1)
        begin, end = sorted(source.randint(*bounds[i : i + 2]) for _ in range(2))
        kind = source.choice(["is_set", "wait"])
        timeout = source.choice([None, 3] if i % 2 else [0, -1, end - begin])
        if kind == "is_set" or (i % 2 == 0 and timeout == end - begin <= 0):
            timeout = None if kind == "is_set" else 0
        invoked, returned = begin - source.randint(0, 1), end + source.randint(0, 1)
        calls.append(op(kind, invoked, returned, i % 2 == 1, timeout))
    return numbered(calls)


@st.composite
def overlapping_time_outs(draw):
    """Several waits that time out, with time to spare or none, a pulse or two, and other calls.

    Some stretches are over while others can begin anew, and the calls that lie between return.
    """
    small = st.integers(0, 3)
    calls = []
    for _ in range(draw(st.integers(2, 4))):
        invoked = draw(small)
        length, spare = draw(st.integers(1, 6)), draw(st.sampled_from([0, 0, 1, 3, 9]))
        calls.append(op("wait", invoked, invoked + length + spare, False, length))
    for _ in range(draw(st.integers(1, 2))):
        at, length = draw(st.integers(0, 9)), draw(small)
        calls.append(op("set", at, at + length))
        calls.append(op("clear", at + draw(small), at + length + 3))
    for _ in range(draw(st.integers(0, 2))):
        at = draw(st.integers(0, 9))
        end = at + draw(small)
        kind = draw(st.sampled_from(["set", "clear", "is_set"]))
        result = True if kind == "is_set" else None
        dies = result is None and draw(st.booleans())
        calls.append(op(kind, at, None if dies else end, result, died=end if dies else None))
    return numbered(calls)


@SHORT
@given(overlapping_time_outs(), st.sampled_from([0, 0, 1]))
def test_overlapping_time_outs(history, epsilon):
    """Legal exactly if all their stretches fit around the pulses, some of them begun anew."""
    legal = is_legal_by_brute_force(history, epsilon)
    assert (judge(history, epsilon).kind == "legal") == legal


@SHORT
@given(legal_histories(), st.integers(0, 2))
def test_what_was_made_legal_is_legal(history, epsilon):
    """No false alarm: an event that keeps to the model is never rejected, by either."""
    assert judge(history, epsilon).kind == "legal"
    assert is_legal_by_brute_force(history, epsilon)


@SHORT
@given(legal_histories(), st.integers(0, 6), st.integers(0, 2))
def test_one_changed_result_of_a_history_with_time_outs(history, which, epsilon):
    """With one result turned round, it is rejected exactly where brute force rejects it."""
    reads = [i for i, each in enumerate(history) if each.result is not None]
    i = reads[which % len(reads)]
    history[i] = history[i]._replace(result=not history[i].result)
    legal = is_legal_by_brute_force(history, epsilon)
    assert (judge(history, epsilon).kind == "legal") == legal


@SHORT
@given(legal_histories(), st.integers(0, 2), st.integers(-1, 1), st.integers(0, 6))
def test_epsilon_at_its_edge(history, epsilon, beside, which):
    """Waits whose stretch just fits, or not by one, are judged as by brute force."""
    expired = [i for i, each in enumerate(history) if each.kind == "wait" and not each.result]
    for i in expired[which % len(expired) :] if expired else []:
        length = history[i].returned - history[i].invoked
        history[i] = history[i]._replace(timeout=length + epsilon + beside)
    legal = is_legal_by_brute_force(history, epsilon)
    assert (judge(history, epsilon).kind == "legal") == legal


WIDE = {
    "2,000 workers that do everything": ("history", 2000),
    "1,000 waits, woken together, or out of time together": ("crowd", 1000),
}


@pytest.mark.parametrize("name", WIDE)
def test_a_thousand_overlapping_calls_are_judged(name, monkeypatch):
    """Legal, and not "unknown"; with one more read, of what the flag was not, illegal."""
    shape, workers = WIDE[name]
    monkeypatch.setattr(sys, "path", [str(Path(__file__).parents[1]), *sys.path])
    history = getattr(importlib.import_module("bench.checker"), shape)(6000, workers)
    assert judge(history).kind == "legal"
    end = max(each.returned for each in history)
    begin = min(each.invoked for each in history)
    wrong = [
        op("is_set", begin - 9, begin - 8, True, worker=9999),
        op("wait", begin, end, False, 9 * (end - begin), worker=9999),
    ]
    for one in wrong:
        assert judge([*history, one], explain=False).kind == "illegal"


def test_one_changed_result_is_judged_as_by_brute_force():
    """Of legal histories with one result turned round, exactly the illegal ones are rejected."""
    source = random.Random(20)
    rejected = 0
    for _ in range(300):
        history = simulated(source)
        assert judge(history).kind == "legal"
        reads = [i for i, each in enumerate(history) if each.result is not None]
        if not reads:
            continue
        i = source.choice(reads)
        history[i] = history[i]._replace(result=not history[i].result, timeout=0)
        legal = is_legal_by_brute_force(history)
        assert (judge(history).kind == "legal") == legal
        rejected += not legal
    assert rejected > 100


CLASSICS = {
    "nothing happened": ("legal", []),
    "clear at first": ("legal", [op("is_set", 1, 2, False)]),
    "set out of nowhere": ("illegal", [op("is_set", 1, 2, True)]),
    "flicker: False although set, and nobody cleared": (
        "illegal",
        [op("set", 1, 2), op("is_set", 3, 4, False), op("is_set", 5, 6, True)],
    ),
    "no flicker: a clear and a set were under way": (
        "legal",
        [
            op("set", 1, 2),
            op("clear", 3, 8),
            op("set", 3, 8),
            op("is_set", 3, 4, False),
            op("is_set", 5, 6, True),
        ],
    ),
    "flicker twice with one clear and one set": (
        "illegal",
        [
            op("set", 1, 2),
            op("clear", 3, 12),
            op("set", 3, 12),
            op("is_set", 3, 4, False),
            op("is_set", 5, 6, True),
            op("is_set", 7, 8, False),
        ],
    ),
    "clear undone: a waiter posts again": (
        "illegal",
        [op("set", 1, 2), op("wait", 0, 4, True), op("clear", 3, 5), op("is_set", 6, 7, True)],
    ),
    "lost pulse: set and clear inside a wait that timed out": (
        "illegal",
        [op("set", 50, 51), op("clear", 52, 53), op("wait", 1, 102, False, 100)],
    ),
    "pulse during a wait that returned True": (
        "legal",
        [op("set", 50, 51), op("clear", 52, 53), op("wait", 1, 102, True, 100)],
    ),
    "pulse before a wait: nothing to see": (
        "legal",
        [op("set", 1, 2), op("clear", 3, 4), op("wait", 5, 105, False, 100)],
    ),
    "set after the time-out, before the return": (
        "legal",
        [op("set", 103, 104), op("wait", 1, 110, False, 100), op("is_set", 105, 106, True)],
    ),
    "True without a set during the wait": (
        "illegal",
        [op("set", 1, 2), op("clear", 3, 4), op("wait", 5, 9, True)],
    ),
    "early time-out": ("illegal", [op("wait", 1, 100, False, 100)]),
    "time-out to the nanosecond": ("legal", [op("wait", 1, 101, False, 100)]),
    "False without a time-out": ("illegal", [op("wait", 1, 1000, False)]),
    "a time-out of zero, and below, asks": (
        "legal",
        [op("wait", 1, 2, False, 0), op("wait", 1, 2, False, -5)],
    ),
    "a time-out of zero is no excuse": ("illegal", [op("set", 1, 2), op("wait", 3, 4, False, 0)]),
    "legal pulse of no length": (
        "legal",
        [op("set", 5, 5), op("clear", 5, 5), op("wait", 1, 9, True), op("is_set", 5, 5, True)],
    ),
    "touching calls overlap": ("legal", [op("set", 1, 5), op("is_set", 5, 6, False)]),
    "killed setter: took effect": ("legal", [op("set", 1, None, died=9), op("is_set", 3, 4, True)]),
    "killed setter: never did": (
        "legal",
        [op("set", 1, None, died=9), op("is_set", 10, 11, False)],
    ),
    "killed setter: after its death": (
        "illegal",
        [op("set", 1, None, died=9), op("is_set", 10, 11, False), op("is_set", 12, 13, True)],
    ),
    "killed setter: not twice": (
        "illegal",
        [
            op("set", 1, None, died=30),
            op("is_set", 2, 3, True),
            op("clear", 4, 5),
            op("is_set", 6, 7, False),
            op("is_set", 8, 9, True),
        ],
    ),
    "a pulse at an instant that is no event's, between two time-outs": (
        "legal",
        [
            op("set", 3, 7),
            op("clear", 3, 7),
            op("is_set", 3, 7, True),
            op("wait", 0, 6, False, 5),
            op("wait", 0, 13, False, 8),
        ],
    ),
    "no pulse fits between two time-outs": (
        "illegal",
        [
            op("set", 3, 7),
            op("clear", 3, 7),
            op("is_set", 3, 7, True),
            op("wait", 0, 6, False, 5),
            op("wait", 0, 13, False, 9),
        ],
    ),
    "a stretch begins anew, after a shorter one that could not": (
        "legal",
        [
            op("wait", 0, 5, False, 5),
            op("wait", 0, 30, False, 8),
            op("set", 6, 7),
            op("clear", 6, 7),
        ],
    ),
    "a stretch begins anew, after a shorter one that could not, and a killed setter": (
        "legal",
        [
            op("set", 0, None, died=3),
            op("wait", 0, 5, False, 5),
            op("wait", 0, 30, False, 8),
            op("wait", 0, 40, False, 8),
            op("set", 6, 7),
            op("clear", 6, 7),
        ],
    ),
    "a stretch begins anew, where longer ones ended among calls that returned before them": (
        "legal",
        [
            op("wait", 0, 120, False, 100),
            op("wait", 0, 121, False, 100),
            op("clear", 40, 115),
            op("clear", 40, 116),
            op("wait", 101, 112, False, 3),
            op("set", 102, 102),
            op("clear", 103, 103),
        ],
    ),
    "a stretch that begins late, and is over before the next set": (
        "legal",
        [
            op("set", 0, 0),
            op("wait", 1, 21, False, 2),
            op("is_set", 4, 4, True),
            op("clear", 5, 5),
            op("set", 9, 9),
        ],
    ),
    "False while set, and a stretch only later": (
        "illegal",
        [
            op("wait", 0, 20, False, 2),
            op("set", 1, 1),
            op("is_set", 3, 4, False),
            op("clear", 6, 6),
        ],
    ),
    "a stretch that begins at zero, although the call began before": (
        "illegal",
        [
            op("set", -2, 1),
            op("clear", 0, 0),
            op("is_set", -1, 0, True),
            op("wait", -1, 6, False, 5),
            op("set", 4, 4),
        ],
    ),
    "a pulse early in a long call, seen late": (
        "legal",
        [
            op("set", 0, 10),
            op("clear", 0, 10),
            op("is_set", 0, 10, True),
            op("is_set", 4, 5, False),
            op("wait", 0, 12, False, 11),
        ],
    ),
}


@pytest.mark.parametrize("name", CLASSICS)
def test_classic(name):
    """Histories with a name, each judged as the model says, by both."""
    expected, history = CLASSICS[name]
    history = numbered(history)
    assert judge(history).kind == expected
    assert is_legal_by_brute_force(history) == (expected == "legal")


def test_epsilon_is_exact():
    """A wait may be early by epsilon and not by a nanosecond more."""
    history = [op("wait", 1, 96, False, 100)]
    assert judge(history, epsilon_ns=5).kind == "legal"
    assert judge(history, epsilon_ns=4).kind == "illegal"


def test_giving_up_is_not_legal():
    """Too many states is the verdict "unknown", which is not even true or false."""
    history = numbered([op("set", 0, 90 + i) for i in range(5)])
    history += numbered([op("clear", 0, 80 + i) for i in range(5)])
    history += [op("is_set", 10, 20, True)]
    verdict = judge(history, budget=1)
    assert verdict.kind == "unknown"
    with pytest.raises(TypeError, match="three values"):
        bool(verdict)


def test_no_time_in_the_clock_is_never():
    """The sentinel of the checker lies beyond all times and time-outs."""
    assert stretches.NEVER > 2**64


LONG, BOUND = 10_000, 100


@pytest.mark.parametrize(
    ("kind", "calls", "set_at_end"),
    [
        (None, [op("set", 10, 20), op("wait", 5, 60, True, looked=6)], None),
        ("late", [op("set", 10, 20), op("wait", 5, 200, True, looked=6)], None),
        ("late", [op("set", 10, 20), op("wait", 5, 200, True, looked=10)], None),
        (None, [op("set", 10, 20), op("wait", 5, 200, True, looked=11)], None),
        # It cannot tell when it looked: after 100, by the bound.
        (None, [op("set", 10, 20), op("wait", 5, 200, True)], None),
        (None, [op("set", 104, 110), op("wait", 5, 300, True)], None),
        ("late", [op("set", 105, 110), op("wait", 5, 300, True)], None),
        ("sleeper", [op("set", 105, 120), op("clear", 130, 140), op("wait", 5, None)], None),
        ("sleeper", [op("wait", 5, None)], 500),
        ("sleeper", [op("set", 10, 20), op("wait", 5, None, died=900, looked=9)], None),
        (None, [op("set", 10, 20), op("wait", 5, None, died=90, looked=9)], None),
        (None, [op("set", 10, None), op("wait", 5, None, looked=9)], None),
        (None, [op("set", 4, 20), op("wait", 5, None, looked=9)], None),
        ("overslept", [op("wait", 5, 200, False, 50)], None),
        (None, [op("wait", 5, 105, False, 50)], None),
    ],
)
def test_who_sleeps_too_long(kind, calls, set_at_end):
    """Late risers, sleepers and those that outlive their time-out are named, others are not."""
    found = complaints(numbered(calls), BOUND, LONG, set_at_end)
    assert [each.kind for each in found] == ([kind] if kind else [])
    assert all(str(each) for each in found)


@pytest.mark.parametrize(
    ("found", "calls"),
    [
        (True, []),
        (True, [op("clear", 121, 130)]),
        (True, [op("clear", 1, 9), op("clear", 2, 3)]),
        (True, [op("clear", 1, None, died=9)]),
        (False, [op("clear", 120, 130)]),
        (False, [op("clear", 12, 18)]),
        (False, [op("clear", 1, 10), op("clear", 2, 3)]),
        (False, [op("clear", 1, None, died=10)]),
        (False, [op("clear", 1, None)]),
    ],
)
def test_where_only_lasting_sets_count(found, calls):
    """A set that nobody can have taken back within the bound must have been seen."""
    history = numbered([op("wait", 5, 900, True, looked=6), op("set", 10, 20), *calls])
    assert bool(complaints(history, BOUND, LONG, pulses_count=False)) == found
    assert complaints(history, BOUND, LONG)
