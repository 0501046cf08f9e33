"""Histories of several events are judged as brute force judges them."""

import random

import pytest
from harness import joint
from harness.judge import judge, judge_together
from harness.model import is_legal_by_brute_force
from histories import numbered
from histories_of_several import histories_of_several, of, point_histories, simulated
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

pytestmark = [pytest.mark.one_mode, pytest.mark.one_python]

SHORT = settings(
    max_examples=300, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck)
)


@SHORT
@given(point_histories, st.integers(0, 2))
def test_the_joint_checker_agrees_with_brute_force(history, epsilon):
    """Where there are no stretches, legal is what brute force finds an order for."""
    verdict = judge(history, epsilon)
    assert (verdict.kind == "legal") == is_legal_by_brute_force(history, epsilon)


@SHORT
@given(histories_of_several, st.integers(0, 2))
def test_what_is_called_illegal_is_illegal(history, epsilon):
    """Also with stretches, of which the joint checker knows nothing: no false alarm."""
    verdict = judge(history, epsilon)
    assert verdict.kind != "unknown"
    if verdict.kind == "illegal":
        assert not is_legal_by_brute_force(history, epsilon)


@SHORT
@given(point_histories, st.integers(0, 2))
def test_a_joint_window_shows_it_by_itself(history, epsilon):
    """The calls of the window are illegal without the others; so says brute force, too."""
    verdict = judge_together(history, epsilon)
    if verdict.kind != "illegal":
        return
    window = verdict.window
    assert window.culprit in window.evidence
    may_help = [
        each._replace(returned=None, died=each.returned or each.died) for each in window.context
    ]
    shown = [*window.evidence, *may_help]
    unknown = window.start is not None
    if unknown and any(each.invoked < window.start for each in shown):
        return  # brute force knows of no call that began before
    assert not is_legal_by_brute_force(shown, epsilon, unknown)


def test_one_changed_result_is_judged_as_by_brute_force():
    """Of legal histories with one result turned round, exactly the illegal ones are rejected."""
    source = random.Random(21)
    rejected = 0
    for _ in range(150):
        history = simulated(source)
        assert judge(history).kind == "legal"
        alls = [i for i, each in enumerate(history) if each.kind == "wait_all"]
        if not alls:
            continue
        i = source.choice(alls)
        history[i] = history[i]._replace(result=not history[i].result)
        legal = is_legal_by_brute_force(history)
        assert (judge(history).kind == "legal") == legal
        rejected += not legal
    assert rejected > 40


CLASSICS = {
    "A and B, one after the other": (
        "illegal",
        [
            of("A", "set", 1, 2),
            of("A", "clear", 3, 4),
            of("B", "set", 5, 6),
            of("AB", "wait_all", 0, 9, True),
        ],
    ),
    "A and B, the clear of A under way": (
        "legal",
        [
            of("A", "set", 1, 2),
            of("A", "clear", 3, 6),
            of("B", "set", 5, 6),
            of("AB", "wait_all", 0, 9, True),
        ],
    ),
    "a pulse of B while A is set": (
        "legal",
        [
            of("A", "set", 1, 2),
            of("B", "set", 3, 4),
            of("B", "clear", 5, 6),
            of("A", "clear", 7, 8),
            of("AB", "wait_all", 0, 9, True),
        ],
    ),
    "all were set before the call": (
        "illegal",
        [
            of("A", "set", 1, 2),
            of("B", "set", 1, 2),
            of("B", "clear", 3, 4),
            of("AB", "wait_all", 5, 9, True),
        ],
    ),
    "of three, any two, but never all": (
        "illegal",
        [
            of("A", "set", 1, 2),
            of("B", "set", 3, 4),
            of("A", "clear", 5, 6),
            of("C", "set", 7, 8),
            of("B", "clear", 9, 10),
            of("A", "set", 11, 12),
            of("ABC", "wait_all", 0, 20, True),
        ],
    ),
    "False although all are set": (
        "illegal",
        [
            of("A", "set", 1, 2),
            of("B", "set", 1, 2),
            of("AB", "wait_all", 3, 9, False, timeout=0),
        ],
    ),
    "False at its time-out, although all were set before": (
        "legal",
        [
            of("A", "set", 1, 2),
            of("B", "set", 1, 2),
            of("B", "clear", 5, 6),
            of("AB", "wait_all", 0, 9, False, timeout=8),
        ],
    ),
    "False too early": ("illegal", [of("AB", "wait_all", 0, 9, False, timeout=10)]),
    "False of one that was set again at its time-out": (
        "illegal",
        [
            of("A", "set", 1, 2),
            of("B", "set", 3, 4),
            of("AB", "wait_all", 0, 19, False, timeout=10),
        ],
    ),
    "False without a time-out": ("illegal", [of("AB", "wait_all", 0, 9, False)]),
    "two calls that saw all set, but not in this order": (
        "illegal",
        [
            of("A", "set", 1, 20),
            of("B", "set", 1, 2),
            of("B", "clear", 9, 10),
            of("AB", "wait_all", 3, 20, True),
            of("A", "is_set", 11, 12, False),
        ],
    ),
    "a killed setter made it possible, once": (
        "legal",
        [
            of("A", "set", 1, 2),
            of("B", "set", 1, None, died=9),
            of("AB", "wait_all", 3, 9, True),
        ],
    ),
    "a killed setter is no setter of another event": (
        "illegal",
        [
            of("A", "set", 1, None, died=9),
            of("AB", "wait_all", 3, 9, True),
        ],
    ),
    "any: B, which was set; A was clear before": (
        "legal",
        [
            of("B", "set", 1, 2),
            of("A", "set", 3, 4),
            of("AB", "wait_any", 0, 9, answer="B"),
        ],
    ),
    "any: B, but it was A": (
        "illegal",
        [of("A", "set", 1, 2), of("AB", "wait_any", 0, 9, answer="B")],
    ),
    "any: not A, which was set all the time": (
        "illegal",
        [
            of("A", "set", 1, 2),
            of("B", "set", 1, 2),
            of("AB", "wait_any", 3, 9, answer="B"),
        ],
    ),
    "any: both, though never at once": (
        "legal",
        [
            of("A", "set", 1, 2),
            of("A", "clear", 3, 4),
            of("B", "set", 5, 6),
            of("AB", "wait_any", 0, 9, answer="AB"),
        ],
    ),
    "any: none, and a pulse of one": (
        "illegal",
        [
            of("A", "set", 4, 5),
            of("A", "clear", 6, 7),
            of("AB", "wait_any", 0, 11, timeout=10),
        ],
    ),
    "any: none, too early": ("illegal", [of("AB", "wait_any", 0, 9, timeout=10)]),
}


@pytest.mark.parametrize("name", CLASSICS)
def test_classic(name):
    """Histories with a name, each judged as the model says, by both."""
    expected, history = CLASSICS[name]
    history = numbered(history)
    assert judge(history).kind == expected
    assert is_legal_by_brute_force(history) == (expected == "legal")


def test_giving_up_is_not_legal():
    """Too many states: nothing is said."""
    history = [of(letter, "set", 0, 90 + i) for i, letter in enumerate("ABCABC")]
    history += [of(letter, "clear", 0, 80 + i) for i, letter in enumerate("ABCABC")]
    history += [of("ABC", "wait_all", 10, 20, True)]
    wanted = [each for call in numbered(history) for each in joint.demands(call, 0)]
    assert joint.sweep(wanted, budget=2).verdict == "unknown"
    assert joint.sweep(wanted).verdict == "legal"
