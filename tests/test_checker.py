"""The checker says what brute force says, and names what it rejects."""

import importlib
import random
import sys
from pathlib import Path

import pytest
from harness import stretches
from harness.checker import judge
from harness.model import is_legal_by_brute_force
from harness.sweep import sweep
from histories import histories, legal_histories, numbered, op, overlapping_time_outs, simulated
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

pytestmark = [pytest.mark.one_mode, pytest.mark.one_python]

SHORT = settings(
    max_examples=400, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck)
)


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


def moved(operation, by):
    """The same call, so much later."""
    later = {
        name: getattr(operation, name) + by
        for name in ("invoked", "returned", "died", "looked")
        if getattr(operation, name) is not None
    }
    return operation._replace(**later)


@SHORT
@given(histories, st.integers(0, 2), st.integers(-12, 3))
def test_where_time_begins_does_not_matter(history, epsilon, by):
    """Moved in time, also across 0, a history is judged the same, and shown in the same window."""
    verdict = judge(history, epsilon)
    other = judge([moved(each, by) for each in history], epsilon)
    assert other.kind == verdict.kind
    if verdict.kind != "illegal":
        return
    assert other.at == moved(verdict.at, by)
    for name in ("evidence", "context"):
        expected = [moved(each, by) for each in getattr(verdict.window, name)]
        assert getattr(other.window, name) == expected


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
