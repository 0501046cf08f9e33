"""The checker says what brute force says, and names what it rejects."""

import random

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


def op(kind, invoked, returned, result=None, timeout=None, worker=0, died=None):
    """A call; `returned` None: pending."""
    return Operation(worker, 0, kind, invoked, returned, died, timeout, result)


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
        (None, [op("set", 10, 20), op("wait", 5, 60, True)], None),
        ("late", [op("set", 10, 20), op("wait", 5, 200, True)], None),
        ("sleeper", [op("set", 10, 20), op("clear", 30, 40), op("wait", 5, None)], None),
        ("sleeper", [op("wait", 5, None)], 500),
        ("sleeper", [op("set", 10, 20), op("wait", 5, None, died=900)], None),
        (None, [op("set", 10, 20), op("wait", 5, None, died=90)], None),
        (None, [op("set", 10, None), op("wait", 5, None)], None),
        (None, [op("set", 4, 20), op("wait", 5, None)], None),
        ("overslept", [op("wait", 5, 200, False, 50)], None),
        (None, [op("wait", 5, 105, False, 50)], None),
    ],
)
def test_who_sleeps_too_long(kind, calls, set_at_end):
    """Late risers, sleepers and those that outlive their time-out are named, others are not."""
    found = complaints(numbered(calls), BOUND, LONG, set_at_end)
    assert [each.kind for each in found] == ([kind] if kind else [])
    assert all(str(each) for each in found)
